"""The way of a command to the engine: it takes a constant time, and nobody overtakes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar, cast

import anyio

from lotusx.errors import ConnectionFailed
from lotusx.plugin import Clock

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Command:
    due_ns: int
    act: Callable[[], Any]
    done: anyio.Event = field(default_factory=anyio.Event)
    result: Any = None
    error: Exception | None = None


class Line:
    """Commands under way. A caller who leaves does not call his command back: it arrives all the same."""

    def __init__(self, clock: Clock, latency_s: float) -> None:
        self._clock = clock
        self._latency_ns = round(latency_s * 1e9)
        self._under_way: deque[_Command] = deque()  # as many as callers wait, and those who left within the latency
        self._news = anyio.Event()
        self._is_open = True

    async def send(self, act: Callable[[], T]) -> T:
        """Do *act* when it arrives; return its result, or raise its error.

        Raises:
            ConnectionFailed: The connection was closed before that; it was not done.
        """
        if not self._is_open:
            raise _closed()
        command = _Command(self._clock.monotonic_ns() + self._latency_ns, act)
        self._under_way.append(command)
        self._news.set()
        await command.done.wait()
        if command.error is not None:
            raise command.error
        return cast("T", command.result)

    async def run(self) -> None:
        """Let commands arrive, until cancelled."""
        try:
            while True:
                if not self._under_way:
                    self._news = anyio.Event()
                    await self._news.wait()
                wait_ns = self._under_way[0].due_ns - self._clock.monotonic_ns()
                if wait_ns > 0:
                    await self._clock.sleep(wait_ns / 1e9)
                command = self._under_way.popleft()
                try:
                    command.result = command.act()
                except Exception as error:  # raised where the command was sent
                    command.error = error
                command.done.set()
        finally:
            self._is_open = False
            for command in self._under_way:
                command.error = _closed()
                command.done.set()
            self._under_way.clear()


def _closed() -> ConnectionFailed:
    return ConnectionFailed("the paper connection was closed before the command arrived; nothing was done", sent=False)
