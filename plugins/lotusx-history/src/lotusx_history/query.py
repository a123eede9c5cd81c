"""What is wanted of an exchange's history, and the pieces it is fetched in. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

from lotusx.errors import InvalidArgument
from lotusx.model import Interval, Symbol

_SECOND = 1_000_000_000
_HOUR = 3_600 * _SECOND
_MONDAY = 4 * 24 * _HOUR  # weeks begin on Mondays, and the epoch on a Thursday
_BARS = 5_000
_MONTHS = 3_650 * 24 * _HOUR
_PIECE = {"trades": _HOUR, "funding": 90 * 24 * _HOUR}


class Kind(StrEnum):
    """What a file holds."""

    CANDLES = "candles"
    TRADES = "trades"
    FUNDING = "funding"


@dataclass(frozen=True, slots=True)
class Query:
    """One series of one instrument, [start_ns, end_ns), nanoseconds since the epoch, cut to whole seconds.

    Attributes:
        symbol: Text form, such as ``BTC/USDT``.
        interval: Of candles only, such as ``1h``.
        piece_ns: Length of the piece that is fetched and written as one file; ``None``: an hour of trades, 5 000
            candles, 90 days of funding. What is interrupted loses the pieces under way.

    Raises:
        InvalidArgument: It cannot be right.
    """

    kind: Kind
    symbol: str
    start_ns: int
    end_ns: int
    interval: str | None = None
    piece_ns: int | None = None

    def __post_init__(self) -> None:
        try:
            object.__setattr__(self, "kind", Kind(self.kind))
        except ValueError:
            raise InvalidArgument(f"{self.kind!r} is no history; one of: {', '.join(Kind)}") from None
        object.__setattr__(self, "symbol", str(Symbol.parse(self.symbol)))
        if (self.kind is Kind.CANDLES) != (self.interval is not None):
            raise InvalidArgument("candles have an interval, such as '1h', and only candles have one")
        if self.interval is not None:
            try:
                Interval(self.interval)
            except ValueError:
                known = ", ".join(Interval)
                raise InvalidArgument(f"{self.interval!r} is not an interval; one of: {known}") from None
        for name in ("start_ns", "end_ns"):
            object.__setattr__(self, name, getattr(self, name) // _SECOND * _SECOND)
        if self.start_ns >= self.end_ns:
            raise InvalidArgument("start must lie before end, by a second at least")
        if self.piece_ns is not None and (self.piece_ns < _SECOND or self.piece_ns % _SECOND):
            raise InvalidArgument("piece_ns must be whole seconds")

    @property
    def bar_ns(self) -> int | None:
        """Length of a candle; ``None``: no candles, or months, which have no fixed length."""
        fixed_ms = None if self.interval is None else Interval(self.interval).fixed_ms
        return None if fixed_ms is None else fixed_ms * 1_000_000

    @property
    def folder(self) -> str:
        """What the series is called on disk."""
        return self.kind if self.interval is None else f"{self.kind}-{self.interval}"

    @property
    def length_ns(self) -> int:
        """Length of a piece."""
        if self.piece_ns is not None:
            return self.piece_ns
        if self.kind is Kind.CANDLES:
            return _BARS * self.bar_ns if self.bar_ns is not None else _MONTHS
        return _PIECE[self.kind]

    def until(self, now_ns: int) -> Query | None:
        """Return the part that is history at *now_ns*: of candles, what is closed; ``None``: nothing is."""
        end_ns = min(self.end_ns, self._past(now_ns))
        return replace(self, end_ns=end_ns) if end_ns > self.start_ns else None

    def _past(self, now_ns: int) -> int:
        if self.interval == Interval.MONTH1:
            today = datetime.fromtimestamp(now_ns // _SECOND, UTC)
            return int(datetime(today.year, today.month, 1, tzinfo=UTC).timestamp()) * _SECOND
        unit = self.bar_ns or _SECOND
        first = _MONDAY if self.interval == Interval.W1 else 0
        return (now_ns - first) // unit * unit + first


Stretch = tuple[int, int]
"""[start, end) in nanoseconds."""


def merged(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Return *stretches* in order, those that touch or overlap as one."""
    found: list[Stretch] = []
    for start, end in sorted(stretches):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return found


def missing(wanted: Stretch, have: Sequence[Stretch]) -> list[Stretch]:
    """Return what of *wanted* is not in *have*, in order."""
    found, start = [], wanted[0]
    for known_start, known_end in merged(have):
        if known_end <= start or known_start >= wanted[1]:
            continue
        if known_start > start:
            found.append((start, known_start))
        start = max(start, known_end)
    return [*found, (start, wanted[1])] if start < wanted[1] else found


def pieces(query: Query, have: Sequence[Stretch]) -> list[Stretch]:
    """Return what is still to be fetched, cut at multiples of the length of a piece."""
    found = []
    for begin, end in missing((query.start_ns, query.end_ns), have):
        start = begin
        while start < end:
            cut = min(end, (start // query.length_ns + 1) * query.length_ns)
            found.append((start, cut))
            start = cut
    return found
