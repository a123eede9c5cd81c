"""What the monitor knows: one `Line` a connection, one `Watched` a market. Filled by `following`, read when drawn.

Everything that grows has an end: the oldest goes.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from lotusx.kernel.telemetry import (
    BudgetMeasured,
    BudgetWait,
    ClockMeasured,
    ItemDropped,
    RequestFinished,
    RetryScheduled,
    SessionChanged,
    StreamChanged,
)

if TYPE_CHECKING:
    from lotusx import LiveOrderBook
    from lotusx.model import Level, OrderState, Trade

SAMPLE_S = 0.5
"""Seconds between two points of a chart."""
QUIET_S = 10.0
"""A book that is in step but has heard nothing for so long is called quiet."""
MAX_ORDERS = 100


class Condition(StrEnum):
    """How a market is doing, the best first."""

    IN_STEP = "in step"
    QUIET = "quiet"
    CONNECTING = "connecting"
    RESYNCING = "resyncing"
    RECONNECTING = "reconnecting"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Said:
    """One line of the journal; ``weight``: ``good``, ``plain`` or ``bad``."""

    at_ns: int
    who: str
    text: str
    weight: str = "plain"


@dataclass(frozen=True, slots=True)
class Full:
    """How full one of the exchange's limits is; ``blocked_s``: for how long nothing may be sent."""

    used: int
    limit: int
    blocked_s: float = 0.0

    @property
    def percent(self) -> int:
        """Whole percents, rounded down; 100 while nothing may be sent."""
        return 100 if self.blocked_s > 0 else 100 * self.used // max(1, self.limit)


class Journal:
    """What happened, newest last, the same for all connections."""

    def __init__(self, keep: int = 500) -> None:
        self.lines: deque[Said] = deque(maxlen=keep)

    def say(self, at_ns: int, who: str, text: str, weight: str = "plain") -> None:
        """Add a line, unless the same was said last."""
        if not self.lines or (self.lines[-1].who, self.lines[-1].text) != (who, text):
            self.lines.append(Said(at_ns, who, text, weight))


@dataclass(slots=True)
class Watched:
    """One market.

    Attributes:
        wanted: The symbol as it was asked for.
        symbol: As the exchange lists it; empty until that is known.
        trouble: Why there is no book, in words.
        prices: Middle of the book, a point each `SAMPLE_S`; ``None``: nothing could be vouched for.
        lag_ms: Age of the newest trade when it came, by the exchange's clock; ``None``: not known.
    """

    wanted: str
    symbol: str = ""
    book: LiveOrderBook | None = None
    trouble: str = ""
    failed: bool = False
    trades: deque[Trade] = field(default_factory=lambda: deque(maxlen=200))
    prices: deque[Decimal | None] = field(default_factory=lambda: deque(maxlen=1_200))
    changes: int = 0
    lag_ms: float | None = None

    @property
    def name(self) -> str:
        """What the market is called on the screen."""
        return self.symbol or self.wanted

    def condition(self, down: bool) -> Condition:
        """Say how it is doing; *down*: whether a socket of its connection is."""
        if self.failed:
            return Condition.FAILED
        if self.book is None:
            return Condition.RECONNECTING if self.trouble else Condition.CONNECTING
        if self.book.state != "synced":
            return Condition.RECONNECTING if down else Condition.RESYNCING
        return Condition.QUIET if (self.book.age or 0) > QUIET_S else Condition.IN_STEP

    def levels(self, count: int) -> tuple[list[Level], list[Level]]:
        """Return bids and asks, best first; of a stale book what it last held, if it still does."""
        from lotusx.errors import LotusXError

        if self.book is None:
            return [], []
        try:
            return self.book.bids(count, allow_stale=True), self.book.asks(count, allow_stale=True)
        except LotusXError:  # nothing that could be shown, not even as stale
            return [], []

    def sample(self) -> None:
        """Add a point to the chart."""
        in_step = self.book is not None and self.book.state == "synced"
        self.prices.append(self.book.mid if self.book is not None and in_step else None)


@dataclass(slots=True)
class Line:
    """One connection, with the markets that are followed through it.

    Attributes:
        sockets: Group → state of its newest socket.
        budgets: Pool, scope and length of the window in seconds → how full.
        latencies: Seconds from request to answer, newest last; ``None``: there was no answer.
        clock_ms: Exchange's time minus ours.
        account: What is to be said of own orders; empty: they are followed.
        orders: By id; the ended ones stay until they make room.
    """

    exchange: str
    settings: Mapping[str, Any]
    markets: list[Watched]
    journal: Journal
    account_name: str = ""
    environment: str = ""
    trouble: str = ""
    failed: bool = False
    sockets: dict[str, str] = field(default_factory=dict)
    budgets: dict[tuple[str, str, str], Full] = field(default_factory=dict)
    latencies: deque[float | None] = field(default_factory=lambda: deque(maxlen=240))
    requests: int = 0
    failures: int = 0
    dropped: int = 0
    waiting: str = ""
    clock_ms: float | None = None
    account: str = "not asked yet"
    orders: dict[str, OrderState] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What the connection is called on the screen."""
        return f"{self.exchange}/{self.account_name}" if self.account_name else self.exchange

    @property
    def down(self) -> bool:
        """Whether a socket is lost or being opened."""
        return any(state in ("lost", "connecting") for state in self.sockets.values())

    @property
    def fullest(self) -> Full | None:
        """The limit that is most used up; ``None``: none is known."""
        return max(self.budgets.values(), key=lambda full: full.percent, default=None)

    @property
    def latency_ms(self) -> float | None:
        """Median of the newest answers; ``None``: there was none."""
        answered = sorted(item for item in list(self.latencies)[-20:] if item is not None)
        return answered[len(answered) // 2] * 1_000 if answered else None

    def order(self, state: OrderState) -> None:
        """Take what is newest of an own order."""
        key = state.client_order_id or state.venue_order_id or ""
        known = self.orders.pop(key, None)
        self.orders[key] = known if known is not None and known.updated_ns > state.updated_ns else state
        while len(self.orders) > MAX_ORDERS:
            ended = next((key for key, item in self.orders.items() if item.status.is_terminal), None)
            del self.orders[next(iter(self.orders)) if ended is None else ended]

    def orders_of(self, symbol: str) -> list[OrderState]:
        """Return own orders of a market: working ones first, then the ended, newest first."""
        found = [item for item in reversed(self.orders.values()) if str(item.symbol) == symbol]
        return sorted(found, key=lambda item: item.status.is_terminal)


def conditions(lines: list[Line]) -> Iterator[tuple[Line, Watched, Condition]]:
    """Yield each market with its connection and how it is doing."""
    for line in lines:
        for market in line.markets:
            yield line, market, Condition.FAILED if line.failed else market.condition(line.down)


class Listener:
    """Writes what the kernel tells observers into a `Line`."""

    measure_s = 1.0

    def __init__(self, line: Line, now_ns: Callable[[], int]) -> None:
        self._line = line
        self._now_ns = now_ns

    def __call__(self, event: object) -> None:
        """Take one event."""
        line, at_ns = self._line, self._now_ns()
        say = line.journal.say
        match event:
            case SessionChanged(group=group, state=state, reason=reason, session=number):
                line.sockets[group] = state
                weight = "bad" if state == "lost" else "good" if state == "live" else "plain"
                say(at_ns, line.name, _joined(f"socket {group} {number}: {state}", reason), weight)
            case StreamChanged(key=key, state=state, reason=reason) if state in ("synced", "stale", "lost", "silent"):
                weight = "good" if state == "synced" else "bad"
                say(at_ns, line.name, _joined(f"{key}: {state}", reason), weight)
            case RequestFinished(status=status, elapsed_s=elapsed_s, endpoint=endpoint, error=error):
                line.requests += 1
                line.latencies.append(elapsed_s if status else None)
                if error or not 200 <= status < 400:
                    line.failures += 1
                    say(at_ns, line.name, _joined(f"{endpoint}: {status or 'no reply'}", error), "bad")
            case RetryScheduled(endpoint=endpoint, delay_s=delay_s, attempt=attempt):
                say(at_ns, line.name, f"{endpoint}: attempt {attempt + 1} in {delay_s:.1f} s")
            case BudgetWait(endpoint=endpoint, pool=pool, delay_s=delay_s):
                say(at_ns, line.name, f"{endpoint} waits {delay_s:.1f} s for {pool or 'all limits'}")
            case BudgetMeasured(pool=pool, scope=scope, window_s=window_s):
                line.budgets[pool, scope, f"{window_s:g}"] = Full(event.used, event.limit, event.blocked_s)
            case ClockMeasured(offset_s=offset_s):
                line.clock_ms = offset_s * 1_000
            case ItemDropped(key=key, reason=reason):
                line.dropped += 1
                say(at_ns, line.name, f"dropped something of {key}: {reason}", "bad")
            case _:
                return


def _joined(text: str, reason: str) -> str:
    return f"{text} ({reason})" if reason else text
