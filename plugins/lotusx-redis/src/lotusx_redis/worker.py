"""The thread in which a registry talks to its server, so that no event loop waits."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar

MAX_WAITING = 20_000
"""Changes that may wait for the server; more are refused."""

T = TypeVar("T")


class _Line(Generic[T]):
    """What waits in one process, and who works on it."""

    def __init__(self) -> None:
        self.process = os.getpid()
        self.waiting: deque[T] = deque()
        self.filled = threading.Condition()
        self.thread: threading.Thread | None = None
        self.closed = False


class Worker(Generic[T]):
    """Hands whatever has come meanwhile to *work*, in order, until it is closed.

    It begins with the first item, and anew in a process that was forked.
    """

    def __init__(self, work: Callable[[list[T]], None]) -> None:
        self._work = work
        self._line: _Line[T] = _Line()

    def put(self, item: T) -> bool:
        """Have *item* worked on; False: too many wait already, or it is closed."""
        if self._line.process != os.getpid():
            self._line = _Line()
        line = self._line
        with line.filled:
            if len(line.waiting) >= MAX_WAITING or line.closed:
                return False
            line.waiting.append(item)
            if line.thread is None:
                line.thread = threading.Thread(target=self._run, args=(line,), name="lotusx-redis", daemon=True)
                line.thread.start()
            line.filled.notify()
        return True

    def close(self, wait_s: float) -> None:
        """Take no more; what waits is still worked on, for *wait_s* at most."""
        line = self._line
        with line.filled:
            line.closed = True
            line.filled.notify()
        if line.thread is not None and line.process == os.getpid():
            line.thread.join(wait_s)

    def _run(self, line: _Line[T]) -> None:
        while True:
            with line.filled:
                while not line.waiting and not line.closed:
                    line.filled.wait()
                items = list(line.waiting)
                line.waiting.clear()
            if not items:
                return
            self._work(items)
