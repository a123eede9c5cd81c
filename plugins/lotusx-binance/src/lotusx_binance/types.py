"""Binance's raw public JSON, spot, in its own field names.

Prices, quantities and rates are text; ids and times (ms) are numbers.
Strict: a field without a default is documented as always present, and its absence is an error. Unknown fields are
ignored: Binance adds some every few months. Source of all: github.com/binance/binance-spot-api-docs.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

T = TypeVar("T")

PriceLevel = tuple[str, str]
"""Price and quantity."""


class ServerTime(Struct):
    """``GET /api/v3/time``."""

    serverTime: int


class Filter(Struct):
    """One rule of a symbol. Which fields it has depends on ``filterType``; kinds we do not know have others."""

    filterType: str
    minPrice: str | None = None
    maxPrice: str | None = None
    tickSize: str | None = None
    minQty: str | None = None
    maxQty: str | None = None
    stepSize: str | None = None
    minNotional: str | None = None
    maxNotional: str | None = None
    applyToMarket: bool | None = None
    applyMinToMarket: bool | None = None
    applyMaxToMarket: bool | None = None


class SymbolInfo(Struct):
    """What LotusX needs of a symbol; the whole document stays raw until somebody asks for it."""

    symbol: str
    status: str
    baseAsset: str
    quoteAsset: str
    orderTypes: list[str]
    isSpotTradingAllowed: bool
    filters: list[Filter]


class RateLimit(Struct):
    """One of ``exchangeInfo.rateLimits``; ``count`` on the WebSocket API and in ``rateLimit/order`` only."""

    rateLimitType: str
    interval: str
    intervalNum: int
    limit: int
    count: int | None = None


class ExchangeInfo(Struct):
    """``GET /api/v3/exchangeInfo``. The symbols are decoded one by one."""

    serverTime: int
    rateLimits: list[RateLimit]
    symbols: list[msgspec.Raw]


class Depth(Struct):
    """``GET /api/v3/depth``, and the data of ``<symbol>@depth<levels>``."""

    lastUpdateId: int
    bids: list[PriceLevel]
    asks: list[PriceLevel]


class RecentTrade(Struct):
    """``GET /api/v3/trades`` and ``historicalTrades``."""

    id: int
    price: str
    qty: str
    time: int
    isBuyerMaker: bool


class AggregateTrade(Struct):
    """``GET /api/v3/aggTrades``: what one taker order matched at one price."""

    a: int
    p: str
    q: str
    f: int
    l: int  # noqa: E741 - Binance's name: last trade id
    T: int
    m: bool


class Kline(Struct, array_like=True):
    """One row of ``GET /api/v3/klines``."""

    open_time: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    close_time: int
    quote_volume: str
    trades: int
    taker_buy_base: str
    taker_buy_quote: str


class DayStatistics(Struct, kw_only=True):
    """``ticker/24hr`` as every market has it."""

    symbol: str
    priceChange: str
    priceChangePercent: str
    weightedAvgPrice: str
    lastPrice: str
    openPrice: str
    highPrice: str
    lowPrice: str
    volume: str
    quoteVolume: str
    closeTime: int
    count: int


class DayTicker(DayStatistics, kw_only=True):
    """``GET /api/v3/ticker/24hr``, type FULL."""

    bidPrice: str
    bidQty: str
    askPrice: str
    askQty: str


class BookTicker(Struct):
    """``GET /api/v3/ticker/bookTicker``: no time and no update id."""

    symbol: str
    bidPrice: str
    bidQty: str
    askPrice: str
    askQty: str


class PriceTicker(Struct):
    """``GET /api/v3/ticker/price``."""

    symbol: str
    price: str


class AveragePrice(Struct):
    """``GET /api/v3/avgPrice``; ``closeTime`` since 2023-12."""

    mins: int
    price: str
    closeTime: int | None = None


class TradeEvent(Struct, gc=False):
    """``<symbol>@trade``, without what its readers do not look at: there are many of them."""

    t: int
    p: str
    q: str
    T: int
    m: bool


class AggregateTradeEvent(AggregateTrade):
    """``<symbol>@aggTrade``."""

    E: int
    s: str


class DayStatisticsEvent(Struct, kw_only=True):
    """``<symbol>@ticker`` as every market has it."""

    E: int
    s: str
    p: str
    P: str
    w: str
    c: str
    o: str
    h: str
    l: str  # noqa: E741 - Binance's name: low price
    v: str
    q: str
    n: int


class DayTickerEvent(DayStatisticsEvent, kw_only=True):
    """``<symbol>@ticker``."""

    b: str
    B: str
    a: str
    A: str


class BookTickerEvent(Struct):
    """``<symbol>@bookTicker``: no event type, no time."""

    u: int
    s: str
    b: str
    B: str
    a: str
    A: str


class KlineBar(Struct):
    """``k`` of a kline event."""

    t: int
    T: int
    i: str
    o: str
    c: str
    h: str
    l: str  # noqa: E741 - Binance's name: low price
    v: str
    n: int
    x: bool
    q: str
    V: str
    Q: str


class KlineEvent(Struct):
    """``<symbol>@kline_<interval>``."""

    E: int
    s: str
    k: KlineBar


class DepthEvent(Struct):
    """``<symbol>@depth``: changes number ``U`` to ``u``."""

    E: int
    s: str
    U: int
    u: int
    b: list[PriceLevel]
    a: list[PriceLevel]


class Combined(Struct, Generic[T], gc=False):
    """A message of a combined stream."""

    data: T
