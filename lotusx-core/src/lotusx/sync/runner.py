"""Runs what awaits in a thread of its own, and waits for it here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager, suppress
from functools import partial
from types import TracebackType
from typing import Any, Generic, ParamSpec, TypeVar

import anyio
from anyio.from_thread import BlockingPortal, start_blocking_portal

from lotusx.errors import LotusXError

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
A = TypeVar("A")

_END: Any = object()


class Runner:
    """An event loop in a thread, while it is open."""

    def __init__(self, backend: str) -> None:
        """Prepare it; nothing runs before `open`."""
        self._backend = backend
        self._stack: ExitStack | None = None
        self._portal: BlockingPortal | None = None

    def open(self, context: AbstractAsyncContextManager[object]) -> None:
        """Start the thread, and enter *context* in it."""
        with ExitStack() as stack:
            self._portal = stack.enter_context(start_blocking_portal(self._backend))
            stack.enter_context(self._portal.wrap_async_context_manager(_Calm(context)))
            self._stack = stack.pop_all()

    def close(self, *error: Any) -> None:
        """Leave the context and end the thread. May be called twice."""
        stack, self._stack = self._stack, None
        if stack is not None:
            try:
                stack.__exit__(*(error or (None, None, None)))
            finally:
                self._portal = None

    def call(self, function: Callable[P, Awaitable[R]], *args: P.args, **kwargs: P.kwargs) -> R:
        """Wait for *function*. An interruption of this thread, such as Ctrl-C, cancels it."""
        return self._wait(partial(function, *args, **kwargs))

    def start(self, function: Callable[[], Awaitable[R]]) -> Future[R]:
        """Begin *function* and return at once; cancelling what this returns cancels it."""
        return self._running().start_task_soon(function)

    def read(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Call *function*, which does not await, where nothing else of the connection runs meanwhile."""

        async def there() -> R:
            return function(*args, **kwargs)

        return self._wait(there)

    def iterate(self, source: AsyncIterator[T]) -> Iterator[T]:
        """Yield what *source* yields; close it at the end."""
        try:
            while (item := self.call(_next, source)) is not _END:
                yield item
        finally:
            aclose = getattr(source, "aclose", None)
            if aclose is not None and self._portal is not None:
                self.call(aclose)

    @contextmanager
    def entered(self, context: AbstractAsyncContextManager[A], twin: Callable[[A, Runner], T]) -> Iterator[T]:
        """Enter *context* and give out the twin of what it gives out."""
        with self._running().wrap_async_context_manager(_Calm(context)) as entered:
            yield twin(entered, self)

    def check_open(self) -> None:
        """Raise unless it is open.

        Raises:
            LotusXError: It is not; the text says how to open it.
        """
        self._running()

    def _wait(self, work: Callable[[], Awaitable[R]]) -> R:
        portal, call = self._running(), _Call(work)
        try:
            return portal.start_task_soon(call.run).result()
        except BaseException:
            if not call.over:  # this thread was interrupted, maybe before it had the future
                call.abandoned = True
                with suppress(RuntimeError):  # the portal is closed, and everything in it cancelled
                    portal.start_task_soon(call.cancel)
            raise

    def _running(self) -> BlockingPortal:
        if self._portal is None:
            raise LotusXError("enter the connection first: with lotusx.sync.connect(…) as exchange: …")
        return self._portal


class _Calm(Generic[A]):
    """A context that is left as usual when an interruption ends the block here: it is none of the other thread's.

    Ctrl-C and `SystemExit`, raised over there, would end its event loop before the contexts around this one are left.
    """

    def __init__(self, context: AbstractAsyncContextManager[A]) -> None:
        self._context = context

    async def __aenter__(self) -> A:
        return await self._context.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        if isinstance(error, Exception):
            return await self._context.__aexit__(kind, error, trace)
        await self._context.__aexit__(None, None, None)
        return False


class _Call(Generic[R]):
    """One call in the other thread, which this one can abandon at any moment."""

    def __init__(self, work: Callable[[], Awaitable[R]]) -> None:
        self.over = False
        self.abandoned = False
        self._work = work
        self._scope: anyio.CancelScope | None = None

    async def run(self) -> R:
        with anyio.CancelScope() as self._scope:
            if self.abandoned:
                self._scope.cancel()
            try:
                return await self._work()
            finally:
                self.over = True
        raise LotusXError("the call was abandoned")  # nobody is there to see it

    def cancel(self) -> None:
        if self._scope is not None:
            self._scope.cancel()


async def next_within(source: AsyncIterator[T], timeout_s: float | None) -> T:
    """Return the next item, or raise `TimeoutError`; the end is `StopIteration`'s business: see `over`."""
    if timeout_s is None:
        return await _next(source)
    with anyio.fail_after(timeout_s):
        return await _next(source)


def over(item: object) -> bool:
    """Tell whether *item* says that there is no more."""
    return item is _END


async def _next(source: AsyncIterator[T]) -> T:
    return await anext(source, _END)
