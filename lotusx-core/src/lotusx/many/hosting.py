"""Contexts held open side by side, each in a task of its own; one that fails is isolated, or ends all."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Hashable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from enum import StrEnum
from typing import Generic, Self, TypeVar

import anyio
from anyio.abc import TaskGroup

from lotusx.errors import InvalidArgument, LotusXError

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")

logger = logging.getLogger("lotusx.many")


class Failures(StrEnum):
    """What the failure of one of several does to the others."""

    FATAL = "fatal"
    """It ends all; the error that leaves the block names the one that failed."""
    ISOLATED = "isolated"
    """The others live on. The failed one stays visible, with its error."""


def to_failures(value: Failures | str) -> Failures:
    """Read a policy.

    Raises:
        InvalidArgument: There is none of that name.
    """
    try:
        return Failures(value)
    except ValueError:
        raise InvalidArgument(f"failures is one of: {', '.join(Failures)}; not {value!r}") from None


class Hosts(Generic[K, T]):
    """Holds contexts open, each entered and left in a task of its own.

    Attributes:
        held: What the open ones gave, by key.
        failed: Why the others cannot be used, by key.
    """

    def __init__(
        self,
        failures: Failures,
        name: Callable[[K, Exception], LotusXError],
        changed: Callable[[K], None] = lambda key: None,
    ) -> None:
        """Prepare.

        Args:
            name: Makes the error that says which one failed.
            changed: Called after one was opened, or failed.
        """
        self.held: dict[K, T] = {}
        self.failed: dict[K, LotusXError] = {}
        self._failures = failures
        self._name = name
        self._changed = changed
        self._fatal: LotusXError | None = None
        self._ending: anyio.Event | None = None
        self._tasks: TaskGroup | None = None
        self._block: anyio.CancelScope | None = None
        self._scopes: dict[K, anyio.CancelScope] = {}
        self._settled: dict[K, anyio.Event] = {}

    @asynccontextmanager
    async def run(self, contexts: Mapping[K, AbstractAsyncContextManager[T]], *, wait: bool) -> AsyncIterator[Self]:
        """Enter *contexts* at once; leave them all, in any case, when the block ends.

        Args:
            wait: Whether the block begins only once each is open or has failed.
        """
        raised: BaseException | None = None
        self._ending = anyio.Event()
        async with anyio.create_task_group() as self._tasks:
            with anyio.CancelScope() as self._block:
                try:
                    for key, context in contexts.items():
                        self._launch(key, context)
                    if wait:
                        for settled in tuple(self._settled.values()):
                            await settled.wait()
                    yield self
                except (Exception, KeyboardInterrupt, SystemExit) as error:  # the task group would wrap it
                    raised = error
            self._end()
        if raised is not None:
            if self._fatal is not None and self._fatal is not raised:
                raised.add_note(f"meanwhile: {self._fatal}")
            raise raised
        if self._fatal is not None:
            raise self._fatal

    async def add(self, key: K, context: AbstractAsyncContextManager[T]) -> None:
        """Enter one more, in place of a failed one of that key; wait until it is open or has failed.

        Raises:
            LotusXError: The block has ended.
        """
        if self._ending is None or self._ending.is_set():
            raise LotusXError("the block has ended; nothing more can be opened in it")
        self.failed.pop(key, None)
        self._launch(key, context)
        await self._settled[key].wait()

    def fail(self, key: K, error: Exception) -> None:
        """Take note that *key* has failed though its context is open, and leave that. While all end: do nothing."""
        if self._ending is None or self._ending.is_set():
            return
        self._note(key, error)
        scope = self._scopes.get(key)
        if scope is not None:
            scope.cancel()

    def _launch(self, key: K, context: AbstractAsyncContextManager[T]) -> None:
        assert self._tasks is not None
        self._settled[key] = anyio.Event()
        self._scopes[key] = anyio.CancelScope()
        self._tasks.start_soon(self._host, key, context)

    async def _host(self, key: K, context: AbstractAsyncContextManager[T]) -> None:
        assert self._ending is not None
        settled, scope = self._settled[key], self._scopes[key]
        try:
            with scope:
                async with context as value:
                    self.held[key] = value
                    self._changed(key)
                    settled.set()
                    await self._ending.wait()
            if not self._ending.is_set() and not scope.cancel_called:
                raise LotusXError("it ended by itself")
        except Exception as error:
            if self._scopes[key] is scope:
                self._note(key, error)
            else:
                logger.warning("%s: what was opened before did not end well", key, exc_info=error)
        finally:
            if self._scopes[key] is scope:
                self.held.pop(key, None)
            settled.set()

    def _note(self, key: K, error: Exception) -> None:
        if key in self.failed:
            return
        while isinstance(error, ExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]
        failed = self.failed[key] = self._name(key, error)
        self.held.pop(key, None)
        if isinstance(error, LotusXError):
            logger.warning("%s", failed)
        else:
            logger.error("%s", failed, exc_info=error)
        self._changed(key)
        if self._failures is Failures.FATAL and self._fatal is None:
            self._fatal = failed
            assert self._block is not None
            self._block.cancel(str(failed))

    def _end(self) -> None:
        assert self._ending is not None
        self._ending.set()
        for key, scope in self._scopes.items():
            if key not in self.held:  # still being opened
                scope.cancel()
