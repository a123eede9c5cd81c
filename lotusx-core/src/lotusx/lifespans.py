"""Keeps what plugins want to have running while a connection is open."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager

import anyio
from anyio.abc import TaskGroup

logger = logging.getLogger("lotusx.plugin")

LEAVE_S = 2.0
"""How long plugins have for what they do at the end, together."""


class _Entry:
    """How entering one of them went, for whoever waits for it."""

    def __init__(self) -> None:
        self.over = anyio.Event()
        self.entered = False
        self.awaited = True
        self.error: Exception | None = None


class Lifespans:
    """Enters context managers, each in a task of its own, and leaves them all at `stop`."""

    def __init__(self, exchange: str) -> None:
        self._exchange = exchange
        self._tasks: TaskGroup | None = None
        self._scopes: set[anyio.CancelScope] = set()
        self._ending = anyio.Event()
        self._ended = anyio.Event()

    async def start(self, lifespans: Iterable[AbstractAsyncContextManager[object]]) -> None:
        """Enter *lifespans* one after the other. What one raises is raised; `stop` leaves those already entered."""
        for lifespan in lifespans:
            if self._tasks is None:
                self._tasks = await anyio.create_task_group().__aenter__()
            entry = _Entry()
            # Not `TaskGroup.start`: cancelled in the moment of success it would wait for a task that is shielded.
            self._tasks.start_soon(self._live, lifespan, entry)
            try:
                await entry.over.wait()
            finally:
                entry.awaited = False
            if entry.error is not None:
                raise entry.error

    async def stop(self) -> None:
        """Leave them. Their errors are logged; one that takes too long is cancelled, and that is logged too."""
        tasks, self._tasks = self._tasks, None
        if tasks is None:
            return
        self._ending.set()
        for scope in self._scopes:
            scope.deadline = anyio.current_time() + LEAVE_S
        with anyio.CancelScope(shield=True):
            while self._scopes:
                self._ended = anyio.Event()
                await self._ended.wait()
        await tasks.__aexit__(None, None, None)

    async def _live(self, lifespan: AbstractAsyncContextManager[object], entry: _Entry) -> None:
        with anyio.CancelScope(shield=True) as scope:  # a cancelled caller has it left, like any other
            self._scopes.add(scope)
            if self._ending.is_set():  # the caller has gone before this began
                scope.deadline = anyio.current_time() + LEAVE_S
            try:
                async with lifespan:
                    entry.entered = True
                    entry.over.set()
                    await self._ending.wait()
            except Exception as error:
                if not entry.entered and entry.awaited:
                    entry.error = error
                else:
                    said = "when the connection was closed"
                    if not entry.entered:
                        said = "while nobody waited for it"
                    elif not self._ending.is_set():
                        said = "while the connection was open; what it had running there has ended"
                    logger.exception("%s: a plugin raised %s", self._exchange, said)
            finally:
                if scope.cancel_called:
                    logger.error(
                        "%s: a plugin was not done %g s after the connection was closed, and was cut off",
                        self._exchange, LEAVE_S,
                    )  # fmt: skip
                entry.over.set()
                self._scopes.discard(scope)
                self._ended.set()
