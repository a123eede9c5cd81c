"""What the public sees of one market: levels, diffs, trades and candles, whatever their source."""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from lotusx_sim.engine.candles import CandleStore
from lotusx_sim.engine.orders import ZERO, Side

_KEPT_TRADES = 10_000

LevelPair = tuple[Decimal, Decimal]


@dataclass(frozen=True, slots=True)
class PublicTrade:
    id: int
    price: Decimal
    quantity: Decimal
    taker_side: Side
    ns: int
    taker_order_id: int


@dataclass(slots=True)
class AggregateTrade:
    """What one taker order did at one price."""

    id: int
    price: Decimal
    quantity: Decimal
    first_id: int
    last_id: int
    taker_side: Side
    ns: int
    taker_order_id: int


@dataclass(frozen=True, slots=True)
class Diff:
    """Levels that changed between two update ids, both included; quantities are absolute."""

    first_id: int
    last_id: int
    bids: tuple[LevelPair, ...]
    asks: tuple[LevelPair, ...]


class Ladder:
    """Price levels of one side, by quantity."""

    def __init__(self, side: Side) -> None:
        self._side = side
        self._prices: list[Decimal] = []  # ascending
        self._quantities: dict[Decimal, Decimal] = {}

    def set(self, price: Decimal, quantity: Decimal) -> None:
        known = price in self._quantities
        if quantity:
            if not known:
                insort(self._prices, price)
            self._quantities[price] = quantity
        elif known:
            del self._quantities[price]
            del self._prices[bisect_left(self._prices, price)]

    def quantity(self, price: Decimal) -> Decimal:
        return self._quantities.get(price, ZERO)

    def top(self, depth: int) -> list[LevelPair]:
        """Return up to *depth* levels, best first."""
        prices = reversed(self._prices[-depth:]) if self._side is Side.BUY else iter(self._prices[:depth])
        return [(price, self._quantities[price]) for price in prices]

    def best(self) -> LevelPair | None:
        if not self._prices:
            return None
        price = self._prices[-1 if self._side is Side.BUY else 0]
        return price, self._quantities[price]

    def __len__(self) -> int:
        return len(self._prices)


class DiffWindow:
    """Collects level changes until they are sent as one diff."""

    def __init__(self) -> None:
        self._first_id: int | None = None
        self._changes: dict[Side, dict[Decimal, Decimal]] = {Side.BUY: {}, Side.SELL: {}}

    @property
    def is_empty(self) -> bool:
        return self._first_id is None

    def add(self, side: Side, price: Decimal, quantity: Decimal, update_id: int) -> None:
        if self._first_id is None:
            self._first_id = update_id
        self._changes[side][price] = quantity

    def widen(self, first_id: int) -> None:
        """Count update ids from *first_id* although they changed no level."""
        if self._first_id is None:
            self._first_id = first_id

    def take(self, last_id: int) -> Diff | None:
        """Return what was collected since the last call, best levels first; None when nothing changed."""
        if self._first_id is None:
            return None
        bids = tuple(sorted(self._changes[Side.BUY].items(), reverse=True))
        asks = tuple(sorted(self._changes[Side.SELL].items()))
        diff = Diff(self._first_id, last_id, bids, asks)
        self._first_id = None
        self._changes = {Side.BUY: {}, Side.SELL: {}}
        return diff


class MarketView:
    """One market's public state."""

    def __init__(self, symbol: str, candles: CandleStore, *, update_id: int, aggregate_id: int) -> None:
        self.symbol = symbol
        self.candles = candles
        self.update_id = update_id
        self.bids = Ladder(Side.BUY)
        self.asks = Ladder(Side.SELL)
        self.fast = DiffWindow()
        self.slow = DiffWindow()
        self.trades: deque[PublicTrade] = deque(maxlen=_KEPT_TRADES)
        self.aggregates: deque[AggregateTrade] = deque(maxlen=_KEPT_TRADES)
        self._next_aggregate_id = aggregate_id
        self._new_aggregates: list[AggregateTrade] = []
        self.last_trade: PublicTrade | None = None
        self.trades_seen = 0  # all that ever happened, kept or not

    def set_level(self, side: Side, price: Decimal, quantity: Decimal) -> None:
        """Apply one engine change under the next update id."""
        self.update_id += 1
        (self.bids if side is Side.BUY else self.asks).set(price, quantity)
        self.fast.add(side, price, quantity, self.update_id)
        self.slow.add(side, price, quantity, self.update_id)

    def apply_recorded(self, diff: Diff) -> None:
        """Apply a recorded diff with the ids it was recorded with."""
        self.slow.widen(diff.first_id)
        for side, ladder, levels in ((Side.BUY, self.bids, diff.bids), (Side.SELL, self.asks, diff.asks)):
            for price, quantity in levels:
                ladder.set(price, quantity)
                self.slow.add(side, price, quantity, diff.first_id)
        self.update_id = diff.last_id

    def reset(self, bids: Iterable[LevelPair], asks: Iterable[LevelPair], update_id: int) -> None:
        """Replace all levels by a snapshot."""
        self.bids, self.asks = Ladder(Side.BUY), Ladder(Side.SELL)
        for price, quantity in bids:
            self.bids.set(price, quantity)
        for price, quantity in asks:
            self.asks.set(price, quantity)
        self.update_id = update_id

    def add_trade(self, trade: PublicTrade, *, at_ms: int | None = None) -> None:
        """Print a trade; candles count it at *at_ms* where its own time is of another age."""
        self.trades.append(trade)
        self.trades_seen += 1
        self.last_trade = trade
        self.candles.add(trade.price, trade.quantity, trade.taker_side, trade.id, at_ms or trade.ns // 1_000_000)
        last = self._new_aggregates[-1] if self._new_aggregates else None
        if last is not None and last.taker_order_id == trade.taker_order_id and last.price == trade.price:
            last.quantity += trade.quantity
            last.last_id = trade.id
            return
        aggregate = AggregateTrade(
            self._next_aggregate_id, trade.price, trade.quantity, trade.id, trade.id, trade.taker_side, trade.ns,
            trade.taker_order_id,
        )  # fmt: skip
        self._next_aggregate_id += 1
        self._new_aggregates.append(aggregate)
        self.aggregates.append(aggregate)

    def trades_after(self, seen: int) -> list[PublicTrade]:
        """Return the kept trades after the first *seen* ones, oldest first."""
        new = min(self.trades_seen - seen, len(self.trades))
        return [self.trades[index] for index in range(len(self.trades) - new, len(self.trades))]

    def take_aggregates(self) -> list[AggregateTrade]:
        """Hand over the aggregates that began since the last call; call it once a command is complete."""
        done, self._new_aggregates = self._new_aggregates, []
        return done
