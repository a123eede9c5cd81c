"""The words of streams: policies, states, and where every event went."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator, Hashable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from lotusx.kernel.codec import Channel, ChannelKind

_LAST_MATTERS = (ChannelKind.TICKER, ChannelKind.BEST_BID_OFFER, ChannelKind.MARK_PRICE)


class Overflow(StrEnum):
    """What happens to a reader who falls more than the buffer behind."""

    FAIL = "fail"
    """The reader gets what is buffered, then `SlowConsumer`. For what may lose nothing: account events."""
    BLOCK = "block"
    """The socket is not read until half the buffer is free; the network holds what comes. The subscription has a
    socket of its own. The buffer may be exceeded by what one read of the socket brought."""
    LATEST = "latest"
    """One event waits per symbol: a newer one takes its place. For states: tickers, best prices."""
    DROP_OLDEST = "drop_oldest"
    """The oldest events go, and are counted."""


def default_overflow(channel: Channel[Any]) -> Overflow:
    """Return the policy of a channel nobody chose one for.

    What is private fails loudly rather than lose something. Of a state only the latest matters. Everything else
    loses its oldest, counted.
    """
    if channel.private or channel.kind is ChannelKind.ACCOUNT:
        return Overflow.FAIL
    return Overflow.LATEST if channel.kind in _LAST_MATTERS else Overflow.DROP_OLDEST


class StreamState(StrEnum):
    """How a subscription is doing."""

    REQUESTED = "requested"
    ACKNOWLEDGED = "acknowledged"
    LIVE = "live"
    SILENT = "silent"  # overdue, and not known to be a quiet market; being subscribed again
    LOST = "lost"  # no connection
    RECOVERED = "recovered"  # live again after a loss; a private stream: what was missed has been delivered
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A change of state, in its place among the events. ``at_ns``: nanoseconds since the epoch."""

    state: StreamState
    reason: str = ""
    at_ns: int = 0


@dataclass(frozen=True, slots=True)
class Counters:
    """Where every event went: ``received == delivered + conflated + dropped + rejected + waiting``, always.

    Attributes:
        conflated: Replaced by a newer event of the same symbol before it was read.
        dropped: Lost to the overflow policy, or still waiting when the stream was closed.
        rejected: Messages that could not be understood, each counted as one event.
        waiting: In the buffer now.
    """

    received: int = 0
    delivered: int = 0
    conflated: int = 0
    dropped: int = 0
    rejected: int = 0
    waiting: int = 0


class StreamOwner:
    """What a stream asks of whoever feeds it. This one does nothing: for streams fed by hand."""

    def closed(self, stream: Any) -> None:
        """The stream takes nothing more."""

    def renew(self, stream: Any) -> None:
        """Subscribe to its channel anew."""

    def is_renewing(self, stream: Any) -> bool:
        """Whether the exchange has not been asked yet, or has not answered."""
        return False

    def distrust(self, stream: Any, reason: str) -> None:
        """Something must have come on its channel and has not: replace the socket."""

    def hold(self, stream: Any) -> None:
        """The buffer is full: stop reading the socket."""

    def proceed(self, stream: Any) -> None:
        """Undo `hold`."""

    def handler_blocked(self, stream: Any, seconds: float) -> None:
        """A handler held the loop."""


def symbol_of(event: Any) -> Hashable:
    """Return what `Overflow.LATEST` conflates by: the event's symbol; one slot for events without."""
    return getattr(event, "symbol", None)


class Later:
    """An awaitable that is harmless when nobody awaits it."""

    __slots__ = ("_work",)

    def __init__(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._work = work

    def __await__(self) -> Generator[Any, Any, None]:
        return self._work().__await__()
