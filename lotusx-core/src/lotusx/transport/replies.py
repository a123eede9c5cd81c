"""Requests that wait for their replies on one socket."""

from __future__ import annotations

import anyio

from lotusx.errors import LotusXError


class Waiting:
    """One request that was sent."""

    __slots__ = ("done", "error", "message")

    def __init__(self) -> None:
        self.done = anyio.Event()
        self.message: bytes | None = None
        self.error: LotusXError | None = None

    def answer(self, message: bytes, error: LotusXError | None = None) -> None:
        """Its reply has come."""
        self.message = message
        self.error = error
        self.done.set()


class Replies:
    """Requests by id. A reply that nobody waits for, or the second to one request, is ignored."""

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: dict[int, Waiting] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def expect(self, request_id: int, waiting: Waiting) -> None:
        """Wait for the reply to *request_id*."""
        self._waiting[request_id] = waiting

    def forget(self, request_id: int) -> None:
        """Wait no longer."""
        self._waiting.pop(request_id, None)

    def answered(self, request_id: int, message: bytes, error: LotusXError | None = None) -> bool:
        """Hand a reply to whoever waits for it; return whether somebody did."""
        waiting = self._waiting.get(request_id)
        if waiting is None:
            return False
        waiting.answer(message, error)
        return True

    def fail(self, error: LotusXError) -> None:
        """Tell everyone that no reply can come."""
        for waiting in self._waiting.values():
            waiting.error = error
            waiting.done.set()
        self._waiting.clear()
