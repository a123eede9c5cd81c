"""What runs in the other thread for a caller in this one, who may be interrupted at any moment."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from concurrent.futures import CancelledError, Future
from contextlib import AbstractAsyncContextManager, AbstractContextManager, suppress
from types import TracebackType
from typing import Any, Generic, TypeVar

import anyio
from anyio.from_thread import BlockingPortal

from lotusx.errors import LotusXError

R = TypeVar("R")
A = TypeVar("A")


_SLICE_S = 0.25


def result_of(future: Future[R]) -> R:
    """Wait for *future*, in slices: a Ctrl-C in the moment in which a wait begins is seen only when that wait ends."""
    while not future.done():
        with suppress(TimeoutError):
            future.exception(_SLICE_S)
    return future.result()


class Call(Generic[R]):
    """One call in the other thread, which this one can abandon at any moment."""

    def __init__(self, work: Callable[[], Awaitable[R]]) -> None:
        self._over = False
        self._abandoned = False
        self._work = work
        self._scope: anyio.CancelScope | None = None
        self._ended = anyio.Event()

    async def run(self) -> R:
        """Do it."""
        with anyio.CancelScope() as self._scope:
            if self._abandoned:
                self._scope.cancel()
            try:
                return await self._work()
            finally:
                self._over = True
                self._ended.set()
        raise LotusXError("the call was abandoned")  # nobody is there to see it

    def abandon(self, portal: BlockingPortal) -> None:
        """Cancel it and wait for its end: this thread was interrupted, maybe before it had a future of it.

        Whoever is interrupted again waits no longer.
        """
        if not self._over:
            self._abandoned = True
            with suppress(RuntimeError, CancelledError):  # the portal is closed, and everything in it cancelled
                result_of(portal.start_task_soon(self._cancel))

    async def _cancel(self) -> None:
        if self._scope is not None:
            self._scope.cancel()
            await self._ended.wait()


class Held(AbstractContextManager[A], Generic[A]):
    """A context that a task of the other thread holds open.

    An interruption while it is entered cancels that. One that ends the block here, such as Ctrl-C or `SystemExit`, is
    none of the other thread's, whose event loop it would end: the context is left as usual.
    """

    def __init__(self, context: AbstractAsyncContextManager[A], portal: BlockingPortal) -> None:
        self._context = context
        self._portal = portal
        self._entered: Future[A] = Future()
        self._leaving = anyio.Event()
        self._error: tuple[Any, Any, Any] = (None, None, None)
        self._task: Future[bool | None] | None = None

    def __enter__(self) -> A:
        call = Call(self._hold)
        try:
            self._task = self._portal.start_task_soon(call.run)
            return result_of(self._entered)
        except BaseException:
            call.abandon(self._portal)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        assert self._task is not None
        if isinstance(error, Exception):
            self._error = (kind, error, trace)
        result_of(self._portal.start_task_soon(self._leaving.set))
        return result_of(self._task)

    async def _hold(self) -> bool | None:
        try:
            value = await self._context.__aenter__()
        except BaseException as error:
            self._entered.set_exception(error)
            raise
        self._entered.set_result(value)
        try:
            await self._leaving.wait()
        except BaseException:  # cancelled: by an interruption, or because something within the context has failed
            if not await self._context.__aexit__(*sys.exc_info()):
                raise
            return False
        return await self._context.__aexit__(*self._error)
