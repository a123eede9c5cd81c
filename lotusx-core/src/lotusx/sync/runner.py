"""Runs what awaits in a thread of its own, and waits for it here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, AbstractContextManager, ExitStack
from functools import partial
from types import TracebackType
from typing import Any, Generic, NoReturn, ParamSpec, TypeVar

import anyio
from anyio.from_thread import BlockingPortal, start_blocking_portal

from lotusx.errors import LotusXError
from lotusx.sync.calls import Call, Held, result_of

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
A = TypeVar("A")

_END: Any = object()


class Runner:
    """An event loop in a thread, while it is open."""

    def __init__(
        self, backend: str, how: str = "enter the connection first: with lotusx.sync.connect(…) as exchange: …"
    ) -> None:
        """Prepare it; nothing runs before `open`.

        Args:
            how: Said to whoever calls something while it is not open.
        """
        self._backend = backend
        self._how = how
        self._stack: ExitStack | None = None
        self._portal: BlockingPortal | None = None

    def open(self, context: AbstractAsyncContextManager[object]) -> None:
        """Start the thread, and enter *context* in it."""
        with ExitStack() as stack:
            self._portal = stack.enter_context(start_blocking_portal(self._backend))
            stack.enter_context(Held(context, self._portal))
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
            if aclose is not None and self.is_open:
                self.call(aclose)

    def entered(self, context: AbstractAsyncContextManager[A], twin: Callable[[A, Runner], T]) -> Entered[A, T]:
        """Return a context that enters *context* and gives out the twin of what that gives out."""
        return Entered(context, twin, self)

    def inside(self, context: AbstractAsyncContextManager[A]) -> AbstractContextManager[A]:
        """Return a context that holds *context* open in the other thread."""
        return Held(context, self._running())

    @property
    def is_open(self) -> bool:
        """Whether calls can be made."""
        return self._portal is not None

    def shares(self, other: Runner) -> bool:
        """Tell whether what *other* runs is in the same thread. Both are open."""
        return self._running() is other._running()

    def check_open(self) -> None:
        """Raise unless it is open.

        Raises:
            LotusXError: It is not; the text says how to open it.
        """
        self._running()

    def _wait(self, work: Callable[[], Awaitable[R]]) -> R:
        portal, call = self._running(), Call(work)
        try:
            return result_of(portal.start_task_soon(call.run))
        except BaseException:
            call.abandon(portal)
            raise

    def _running(self) -> BlockingPortal:
        if self._portal is None:
            raise LotusXError(self._how)
        return self._portal


class Entered(AbstractContextManager[T], Generic[A, T]):
    """A context of the other thread, entered and left from here.

    Attributes:
        context: What is entered there; for those that enter it there themselves.
        runner: Where.
    """

    def __init__(self, context: AbstractAsyncContextManager[A], twin: Callable[[A, Runner], T], runner: Runner) -> None:
        self.context = context
        self.runner = runner
        self._twin = twin
        self._inside: AbstractContextManager[A] | None = None

    def __iter__(self) -> NoReturn:
        raise TypeError("enter it first: with … as stream: for event in stream: …")

    def __enter__(self) -> T:
        self._inside = self.runner.inside(self.context)
        return self._twin(self._inside.__enter__(), self.runner)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        assert self._inside is not None
        return self._inside.__exit__(kind, error, trace)


class Lent(Runner):
    """The thread of *owner*, for something that *owner* opens and closes."""

    def __init__(self, owner: Runner) -> None:
        self._owner = owner

    def open(self, context: AbstractAsyncContextManager[object]) -> None:
        """Refuse."""
        raise LotusXError("this connection is opened and closed together with others, by lotusx.sync.connect_many")

    def close(self, *error: Any) -> None:
        """Refuse."""
        raise LotusXError("this connection is opened and closed together with others, by lotusx.sync.connect_many")

    @property
    def is_open(self) -> bool:
        """Whether its owner is open."""
        return self._owner.is_open

    def _running(self) -> BlockingPortal:
        return self._owner._running()


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
