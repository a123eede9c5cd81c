"""Recorded market data, and how orders under test meet it.

The public sees the recording as it was. In the engine, one account owns all recorded liquidity, so that:

* a marketable order takes recorded levels, best first; what it took is back with the next recorded change of the level;
* a resting order fills when a recorded level comes to lie across it, at the resting order's price;
* a resting order fills when a recorded trade happens at its price or beyond, up to that trade's quantity. It does not
  wait behind the recorded queue, so fills come sooner than they would have.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from lotusx_sim.engine.exchange import Exchange
from lotusx_sim.engine.market import Diff, LevelPair, PublicTrade
from lotusx_sim.engine.orders import ZERO, Kind, NewOrder, Order, Side
from lotusx_sim.engine.terms import Fees

RECORDED = "recorded"
_WEALTH = Decimal(1_000_000_000)


class CaptureError(ValueError):
    """A file is not a capture that can be replayed."""


@dataclass(frozen=True, slots=True)
class Record:
    """One recorded message: exactly one of *diff* and *trade* is set, or neither for what is only passed on."""

    offset_ns: int  # since the snapshot was taken
    topic: str
    text: str  # the payload as recorded
    diff: Diff | None = None
    trade: PublicTrade | None = None


@dataclass(frozen=True, slots=True)
class Capture:
    """A recording of one market: a book to start from and what followed."""

    symbol: str
    bids: tuple[LevelPair, ...]
    asks: tuple[LevelPair, ...]
    update_id: int
    records: Sequence[Record]

    @property
    def topics(self) -> frozenset[str]:
        return frozenset(record.topic for record in self.records)


class Replay:
    """The position in a capture, as a clock sees it. It begins when told to."""

    def __init__(self, capture: Capture, *, speed: float) -> None:
        if speed <= 0:
            raise ValueError("the speed of a replay is above 0")
        self.capture = capture
        self._thousandths = max(1, round(speed * 1000))
        self._began_ns: int | None = None
        self._position = 0

    @property
    def has_begun(self) -> bool:
        return self._began_ns is not None

    @property
    def is_over(self) -> bool:
        return self._position == len(self.capture.records)

    def begin(self, now_ns: int) -> None:
        if self._began_ns is None:
            self._began_ns = now_ns

    def next_due_ns(self) -> int | None:
        """Return when the next record is due; None before the beginning and after the end."""
        if self._began_ns is None or self.is_over:
            return None
        return self._began_ns + self.capture.records[self._position].offset_ns * 1000 // self._thousandths

    def take(self) -> Record:
        record = self.capture.records[self._position]
        self._position += 1
        return record


class RecordedLiquidity:
    """Keeps the engine's book in step with the recorded one."""

    def __init__(self, exchange: Exchange, symbol: str) -> None:
        self._exchange = exchange
        self._symbol = symbol
        self._orders: dict[tuple[Side, Decimal], Order] = {}
        market = exchange.markets[symbol]
        wealth = dict.fromkeys(market.assets, _WEALTH * 1_000)
        exchange.open_account(RECORDED, wealth, watched=False, fees=Fees(ZERO, ZERO))

    def apply(self, bids: Sequence[LevelPair], asks: Sequence[LevelPair], now_ns: int) -> None:
        """Set levels; those that go are removed first, so that a book that moved does not cross itself."""
        changes = [(Side.BUY, *level) for level in bids] + [(Side.SELL, *level) for level in asks]
        for side, price, _ in changes:
            known = self._orders.pop((side, price), None)
            if known is not None and known.is_open:
                self._exchange.cancel(known, now_ns)
        for side, price, quantity in changes:
            if quantity:
                new = NewOrder(RECORDED, self._symbol, side, Kind.LIMIT, quantity, price=price)
                self._orders[(side, price)] = self._exchange.place(new, now_ns)

    def replace(self, bids: Sequence[LevelPair], asks: Sequence[LevelPair], now_ns: int) -> None:
        """Set the whole book."""
        there = {(Side.BUY, price) for price, _ in bids} | {(Side.SELL, price) for price, _ in asks}
        gone = {side: [(price, ZERO) for known, price in self._orders if known is side] for side in Side}
        self.apply(
            [*(level for level in gone[Side.BUY] if (Side.BUY, level[0]) not in there), *bids],
            [*(level for level in gone[Side.SELL] if (Side.SELL, level[0]) not in there), *asks],
            now_ns,
        )

    def trade(self, trade: PublicTrade, now_ns: int) -> Decimal:
        """Let a recorded trade fill resting orders at its price or beyond, and trigger what waits for that price.

        Returns what is left of its quantity.
        """
        left = trade.quantity
        maker_side = trade.taker_side.opposite
        for order in self._exchange.resting(self._symbol, maker_side):
            assert order.price is not None
            reached = order.price >= trade.price if maker_side is Side.BUY else order.price <= trade.price
            if not reached or left <= 0:
                break
            left -= self._exchange.fill_resting(order, left, RECORDED, now_ns)
        self._exchange.set_last_price(self._symbol, trade.price, now_ns)
        return left
