"""A stream that also knows how late its events come and how long they wait. Used where observers want measurements."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from lotusx.streams import Stream

if TYPE_CHECKING:
    from lotusx.kernel.codec import ChannelKind

E = TypeVar("E")


class Lateness(NamedTuple):
    """The longest of each, in nanoseconds, since it was asked for; ``None``: nothing was seen."""

    arrival_ns: int | None
    """From the exchange's time in an event to its arrival by our wall clock."""
    reading_ns: int | None
    """From an event being decoded to its reader taking it, or to its handler having returned."""


LIVE_ACCOUNT = "live_account"
"""The kind of a reader's stream of an account, which several channels and what is recovered are merged into."""


class MeasuredStream(Stream[E]):
    """Looks at one event of each message, and at one waiting event at a time: what it costs has a bound.

    Attributes:
        number: Unique in one connection.
        kind: What its channel carries (`ChannelKind`), or `LIVE_ACCOUNT`.
    """

    __slots__ = ("_arrival_ns", "_due", "_put_ns", "_reading_ns", "kind", "number")

    def __init__(self, name: str, *, number: int, kind: ChannelKind | str, **options: Any) -> None:
        super().__init__(name, **options)
        self.number = number
        self.kind = kind
        self._arrival_ns: int | None = None
        self._reading_ns: int | None = None
        self._due = 0  # so many events have left the buffer once the one looked at has
        self._put_ns: int | None = None  # None: none is looked at

    def lateness(self) -> Lateness:
        """Return what was seen since this was called before."""
        reading_ns = self._reading_ns
        if self._put_ns is not None:  # one that waits still is as late as this at least
            reading_ns = max(reading_ns or 0, self._monotonic_ns() - self._put_ns)
        found = Lateness(self._arrival_ns, reading_ns)
        self._arrival_ns = self._reading_ns = None
        return found

    def put(self, events: Sequence[E]) -> None:
        """Take what one message brought."""
        now_ns = self._monotonic_ns()
        super().put(events)
        if not events:
            return
        last = _timed(events)
        exchange_ns, received_ns = getattr(last, "exchange_ns", None), getattr(last, "received_ns", 0)
        if exchange_ns and received_ns:
            late_ns = received_ns - exchange_ns
            if self._arrival_ns is None or late_ns > self._arrival_ns:
                self._arrival_ns = late_ns
        if self._handler is not None:
            self._read(self._monotonic_ns() - now_ns)
        elif self._put_ns is None:
            self._put_ns = now_ns
            self._due = self._received - self._rejected - self._conflated

    async def __anext__(self) -> E:
        event = await super().__anext__()
        if self._put_ns is not None and self._delivered + self._dropped >= self._due:
            self._read(self._monotonic_ns() - self._put_ns)
            self._put_ns = None
        return event

    def _read(self, late_ns: int) -> None:
        if self._reading_ns is None or late_ns > self._reading_ns:
            self._reading_ns = late_ns


def _timed(events: Sequence[Any]) -> Any:
    """Return the last of *events*; of an account's, which tell no time themselves, the last fill there is."""
    last = events[-1]
    if hasattr(last, "exchange_ns"):
        return last
    for event in reversed(events):
        fills = getattr(getattr(event, "state", None), "fills", ())
        found = getattr(event, "fill", fills[-1] if fills else None)
        if found is not None:
            return found
    return last
