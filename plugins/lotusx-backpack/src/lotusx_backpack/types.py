"""Backpack's raw public JSON, in its own field names.

Prices, quantities and rates are text. Strict: a field without a default is documented as always present, and its
absence is an error. Unknown fields are ignored: the exchange adds some every few months. Streams write times (µs) and
some numbers as numbers or, in some recordings, as text. Source: the exchange's OpenAPI document (2026-08), and
recordings.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec import Struct

from lotusx_backpack.times import Whole

T = TypeVar("T")

PriceLevel = tuple[str, str]
"""Price and quantity."""


class Status(Struct):
    """``GET /api/v1/status``: ``Ok`` or ``Maintenance``."""

    status: str
    message: str | None = None


class PriceFilter(Struct):
    """What prices must keep; bounds against the mark or last price are left to the exchange."""

    tickSize: str
    minPrice: str | None = None
    maxPrice: str | None = None


class QuantityFilter(Struct):
    """What quantities must keep."""

    stepSize: str
    minQuantity: str | None = None
    maxQuantity: str | None = None


class Filters(Struct):
    """Rules of one market; there is no smallest notional."""

    price: PriceFilter
    quantity: QuantityFilter


class Market(Struct):
    """One of ``GET /api/v1/markets``, as far as LotusX needs it; the whole document stays raw until somebody asks."""

    symbol: str
    quoteSymbol: str
    marketType: str
    orderBookState: str
    filters: Filters


class Depth(Struct):
    """``GET /api/v1/depth``: bids ascend too, so the best is the last."""

    asks: list[PriceLevel]
    bids: list[PriceLevel]
    lastUpdateId: Whole
    timestamp: Whole
    """Microseconds."""


class PublicTrade(Struct):
    """``GET /api/v1/trades`` and ``trades/history``."""

    id: Whole
    price: str
    quantity: str
    timestamp: Whole
    """Milliseconds."""
    isBuyerMaker: bool


class Kline(Struct):
    """One row of ``GET /api/v1/klines``; prices are ``null`` where nothing was traded."""

    start: str
    end: str
    open: str | None
    high: str | None
    low: str | None
    close: str | None
    volume: str
    quoteVolume: str
    trades: Whole


class DayTicker(Struct):
    """``GET /api/v1/ticker`` and ``tickers``, with the interval ``1d``."""

    symbol: str
    firstPrice: str
    lastPrice: str
    priceChange: str
    priceChangePercent: str
    """A fraction, in spite of its name; ``N/A`` has been seen."""
    high: str
    low: str
    volume: str
    quoteVolume: str
    trades: Whole


class MarkPrice(Struct):
    """One of ``GET /api/v1/markPrices``."""

    symbol: str
    markPrice: str
    indexPrice: str | None = None
    fundingRate: str | None = None
    nextFundingTimestamp: Whole | None = None
    """Milliseconds."""


class FundingSample(Struct):
    """One of ``GET /api/v1/fundingRates``, newest first; the interval that still runs may be among them."""

    symbol: str
    intervalEndTimestamp: str
    fundingRate: str


class OpenInterest(Struct):
    """One of ``GET /api/v1/openInterest``; base units."""

    symbol: str
    openInterest: str
    timestamp: Whole
    """Milliseconds."""


class Frame(Struct, Generic[T]):
    """A message of a stream."""

    stream: str
    data: T


class TradeEvent(Struct):
    """``trade.<symbol>``."""

    T: Whole
    s: str
    t: Whole
    p: str
    q: str
    m: bool
    """The buyer's order had rested."""


class BookTickerEvent(Struct):
    """``bookTicker.<symbol>``; a side where nobody is has ``null``."""

    T: Whole
    s: str
    b: str | None
    B: str | None
    a: str | None
    A: str | None
    u: Whole
    """Number of the update of the book."""


class DepthEvent(Struct):
    """``depth.<symbol>``: changes number ``U`` to ``u``; both sides may be empty."""

    T: Whole
    s: str
    U: Whole
    u: Whole
    b: list[PriceLevel]
    a: list[PriceLevel]


class KlineEvent(Struct):
    """``kline.<interval>.<symbol>``; prices are ``null`` where nothing was traded. ``t`` and ``T`` are the bar's."""

    s: str
    t: Whole
    T: Whole
    o: str | None
    c: str | None
    h: str | None
    l: str | None  # noqa: E741 - Backpack's name: low price
    v: str
    n: Whole
    X: bool
    """The bar is complete."""


class TickerEvent(Struct):
    """``ticker.<symbol>``: last 24 h, every second."""

    E: Whole
    s: str
    o: str
    c: str
    h: str
    l: str  # noqa: E741 - Backpack's name: low price
    v: str
    V: str
    n: Whole


class MarkPriceEvent(Struct):
    """``markPrice.<symbol>``, every second."""

    T: Whole
    s: str
    p: str
    i: str | None = None
    f: str | None = None
    n: Whole | None = None
    """Milliseconds."""


class LiquidationEvent(Struct):
    """``liquidation`` and ``liquidation.<symbol>``: which of the two is served now is not settled."""

    T: Whole
    s: str
    S: str
    p: str
    q: str


class OpenInterestEvent(Struct):
    """``openInterest.<symbol>``, every minute; base units."""

    E: Whole
    s: str
    o: str
