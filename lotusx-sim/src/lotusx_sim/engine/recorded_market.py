"""A recorded market of any exchange, played in the engine: what streams show of it is the venue's own dialect."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from lotusx_sim.engine.capture import RecordedLiquidity
from lotusx_sim.engine.exchange import Exchange
from lotusx_sim.engine.market import LevelPair, PublicTrade
from lotusx_sim.engine.orders import ZERO, Side


@dataclass(frozen=True, slots=True)
class BookChange:
    """Levels and their absolute quantities; 0 removes one. ``whole``: all others go."""

    bids: tuple[LevelPair, ...]
    asks: tuple[LevelPair, ...]
    whole: bool


@dataclass(frozen=True, slots=True)
class RecordedPrint:
    """A public print."""

    taker_side: Side
    price: Decimal
    quantity: Decimal


@dataclass(frozen=True, slots=True)
class MarketCapture:
    """A recording of one market, named as in ``BTC/USDT`` or ``BTC/USDT:USDT``; it begins with a whole book.

    ``moments``: what happened, and how many nanoseconds after the beginning.
    """

    symbol: str
    book: BookChange
    moments: Sequence[tuple[int, BookChange | RecordedPrint]]


class RecordedMarket:
    """Plays one capture, *speed* times as fast as it was recorded, from when it is told to begin."""

    def __init__(self, capture: MarketCapture, speed: float) -> None:
        if speed <= 0:
            raise ValueError("the speed of a replay is above 0")
        self._capture = capture
        self._thousandths = max(1, round(speed * 1000))
        self._position = 0
        self._began_ns: int | None = None
        self._exchange: Exchange
        self._liquidity: RecordedLiquidity
        self.name = ""

    def open(self, exchange: Exchange, now_ns: int) -> None:
        """Show the first book in the market that the recording is of.

        Raises:
            ValueError: The venue does not list it.
        """
        self.name = market_named(self._capture.symbol, exchange)
        self._exchange = exchange
        self._liquidity = RecordedLiquidity(exchange, self.name)
        self._change(self._capture.book, now_ns)
        first = (self._capture.book.bids or self._capture.book.asks)[0][0]
        exchange.set_last_price(self.name, first, now_ns)

    def begin(self, now_ns: int) -> None:
        if self._began_ns is None:
            self._began_ns = now_ns

    def next_due_ns(self) -> int | None:
        """Return when something is due; None before the beginning and after the end."""
        if self._began_ns is None or self._position == len(self._capture.moments):
            return None
        return self._began_ns + self._capture.moments[self._position][0] * 1000 // self._thousandths

    def step(self, now_ns: int) -> None:
        """Let the next thing happen."""
        _, what = self._capture.moments[self._position]
        self._position += 1
        if isinstance(what, BookChange):
            self._change(what, now_ns)
            return
        trade = PublicTrade(0, what.price, what.quantity, what.taker_side, now_ns, 0)
        left = self._liquidity.trade(trade, now_ns)
        if left > ZERO:  # the rest has met whoever met it then
            self._exchange.print_trade(self.name, what.price, left, what.taker_side, now_ns)

    def _change(self, change: BookChange, now_ns: int) -> None:
        if change.whole:
            self._liquidity.replace(change.bids, change.asks, now_ns)
        else:
            self._liquidity.apply(change.bids, change.asks, now_ns)


def market_named(symbol: str, exchange: Exchange) -> str:
    """Return what the engine calls ``BTC/USDT:USDT``; a perpetual's name is shorter than that of what has a date."""
    found = [
        name
        for name, market in exchange.markets.items()
        if symbol == f"{market.base}/{market.quote}" + (f":{market.contract.settle}" if market.contract else "")
    ]
    if not found:
        raise ValueError(f"the capture is of {symbol}, which is not listed")
    return min(found, key=len)
