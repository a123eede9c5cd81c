"""One feed as a consumer has it: in order, each message once, and every gap noticed. Pure."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from lotusx_gateway.messages import EVENT, Followed, State, decode, read_feed_message

_EARLY = 10_000
"""Messages kept while the gateway has not yet said where the feed is."""


@dataclass(frozen=True, slots=True)
class Up:
    """The exchange serves it again: it can be followed anew."""


@dataclass(frozen=True, slots=True)
class Missed:
    """Something was lost, or the exchange does not serve it: ``reason`` says what is known."""

    reason: str


class Feed:
    """What was taken of one feed so far.

    Attributes:
        started: Whether everything from here on is delivered, or its loss noticed.
        request_id: Of the newest wish to follow it.
    """

    def __init__(self, key: str) -> None:
        self.key = key
        self.started = False
        self.request_id = 0
        self._epoch = ""
        self._seq = 0
        self._mark = 0
        self._early: deque[bytes] = deque(maxlen=_EARLY)

    def begin(self, found: Followed) -> tuple[list[bytes], Missed | None]:
        """Start where the gateway says the feed is; return what is to be delivered of what came meanwhile.

        Where it is followed already nothing is left out: only the snapshot is delivered, if there is one.
        """
        contents = [bytes(found.snapshot)] if bytes(found.snapshot) else []
        if self.started and found.epoch == self._epoch:
            return contents, None
        self.started, self._epoch, self._seq, self._mark = True, found.epoch, found.seq, 0
        early, self._early = self._early, deque(maxlen=_EARLY)
        for data in early:
            taken = self.take(data)
            if isinstance(taken, bytes):
                contents.append(taken)
            elif isinstance(taken, Missed):
                return contents, taken
        return contents, None

    def take(self, data: bytes) -> bytes | Up | Missed | None:
        """Take a message; return the event in it, what became of the feed, or nothing.

        Raises:
            ItemRejected: It cannot be read.
        """
        epoch, seq, letter, content = read_feed_message(data)
        state = None if letter == EVENT else decode(content, State)
        if not self.started:
            self._early.append(data)
            return Up() if state is not None and state.up else None
        if epoch == self._epoch and seq <= self._seq:
            return None
        if epoch != self._epoch:
            return self._lost("the gateway has begun to count anew")
        if seq != self._seq + 1:
            return self._lost(f"{seq - self._seq - 1} messages of the gateway were lost on the way")
        self._seq = seq
        if state is None:
            return content
        return None if state.up else self._lost(state.reason or "the exchange does not serve it now")

    def check(self, found: Followed) -> Missed | None:
        """Compare with where the gateway is; a loss that no later message has shown is noticed at the second time."""
        if found.epoch != self._epoch:
            return self._lost("the gateway no longer serves it to us")
        if self._seq < self._mark:
            return self._lost(f"{self._mark - self._seq} messages of the gateway were lost on the way")
        self._mark = found.seq
        return None

    def _lost(self, reason: str) -> Missed:
        self.started = False
        self._early.clear()
        return Missed(reason)
