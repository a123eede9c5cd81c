"""Bybit's raw public JSON, in its own field names.

Prices, quantities, rates and most times are text; an empty text means that there is none. Fields without a default are
documented as always present where they are used. Unknown fields are ignored: Bybit adds some every few months.
Source of all: bybit-exchange/docs, v5/market and v5/websocket/public.
"""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

T = TypeVar("T")

PriceLevel = tuple[str, str]
"""Price and quantity."""


class ServerTime(Struct):
    """``GET /v5/market/time``."""

    timeSecond: str
    timeNano: str


class PriceFilter(Struct):
    """Spot has a tick size only."""

    tickSize: str
    minPrice: str = ""
    maxPrice: str = ""


class SpotLots(Struct):
    """``basePrecision`` is a step, not a number of digits. The field ``minOrderQty`` is deprecated and not enforced."""

    basePrecision: str
    minOrderAmt: str = ""
    maxLimitOrderQty: str = ""
    maxMarketOrderQty: str = ""


class ContractLots(Struct):
    """Quantity rules of linear (base units) and inverse (contracts) instruments. Older rows lack some."""

    qtyStep: str
    minOrderQty: str = ""
    maxOrderQty: str = ""
    maxMktOrderQty: str = ""
    minNotionalValue: str = ""


class SpotInstrument(Struct):
    """What LotusX needs of a spot pair; the whole document stays raw until somebody asks for it."""

    symbol: str
    status: str
    baseCoin: str
    quoteCoin: str
    priceFilter: PriceFilter
    lotSizeFilter: SpotLots


class PreListing(Struct):
    """How far a contract is before its launch."""

    curAuctionPhase: str = ""


class ContractInstrument(Struct):
    """The same of a perpetual or dated instrument."""

    symbol: str
    status: str
    contractType: str
    baseCoin: str
    quoteCoin: str
    settleCoin: str
    priceFilter: PriceFilter
    lotSizeFilter: ContractLots
    deliveryTime: str = "0"
    preListingInfo: PreListing | None = None


class Book(Struct):
    """``GET /v5/market/orderbook``. ``u`` counts as the stream of 1000 levels does, no other."""

    s: str
    b: list[PriceLevel]
    a: list[PriceLevel]
    ts: int
    u: int
    cts: int | None = None


class RecentTrade(Struct):
    """``GET /v5/market/recent-trade``; ``side`` is the taker's."""

    execId: str
    symbol: str
    price: str
    size: str
    side: str
    time: str


class Kline(Struct, array_like=True):
    """One row of ``GET /v5/market/kline``."""

    start: str
    open: str
    high: str
    low: str
    close: str
    volume: str
    turnover: str


class Klines(Struct):
    """``GET /v5/market/kline``: newest first, the first row still running."""

    rows: list[Kline] = msgspec.field(name="list")


class SpotTicker(Struct):
    """One item of ``GET /v5/market/tickers``, and the data of ``tickers.*`` on spot: without best bid and offer."""

    symbol: str
    lastPrice: str
    prevPrice24h: str
    highPrice24h: str
    lowPrice24h: str
    volume24h: str
    turnover24h: str
    price24hPcnt: str
    bid1Price: str = ""
    bid1Size: str = ""
    ask1Price: str = ""
    ask1Size: str = ""


class ContractTicker(Struct):
    """The same of a linear or inverse instrument. In a delta of the stream, what is not there has not changed."""

    symbol: str
    lastPrice: str | UnsetType = UNSET
    prevPrice24h: str | UnsetType = UNSET
    highPrice24h: str | UnsetType = UNSET
    lowPrice24h: str | UnsetType = UNSET
    volume24h: str | UnsetType = UNSET
    turnover24h: str | UnsetType = UNSET
    price24hPcnt: str | UnsetType = UNSET
    bid1Price: str | UnsetType = UNSET
    bid1Size: str | UnsetType = UNSET
    ask1Price: str | UnsetType = UNSET
    ask1Size: str | UnsetType = UNSET
    markPrice: str | UnsetType = UNSET
    indexPrice: str | UnsetType = UNSET
    openInterest: str | UnsetType = UNSET
    openInterestValue: str | UnsetType = UNSET
    singleOpenInterest: str | UnsetType = UNSET
    singleOpenInterestValue: str | UnsetType = UNSET
    fundingRate: str | UnsetType = UNSET
    nextFundingTime: str | UnsetType = UNSET
    fundingIntervalHour: str | UnsetType = UNSET


class FundingRecord(Struct):
    """One item of ``GET /v5/market/funding/history``."""

    symbol: str
    fundingRate: str
    fundingRateTimestamp: str


class OpenInterestRecord(Struct):
    """One item of ``GET /v5/market/open-interest``; ``singleOpenInterest`` since 2026-06."""

    openInterest: str
    timestamp: str
    singleOpenInterest: str = ""


class Push(Struct, Generic[T], gc=False):
    """A message of a public stream. ``cts`` with books (time of the match), ``cs`` with tickers (sequence)."""

    topic: str
    ts: int
    data: T
    type: str = ""
    cts: int | None = None
    cs: int = 0


class BookEvent(Struct):
    """Data of ``orderbook.*``."""

    s: str
    b: list[PriceLevel]
    a: list[PriceLevel]
    u: int


class TradeEvent(Struct, gc=False):
    """One item of ``publicTrade.*``; ``S`` is the taker's side."""

    T: int
    S: str
    v: str
    p: str
    i: str


class KlineEvent(Struct):
    """One item of ``kline.*``; ``end`` is its last millisecond."""

    start: int
    end: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    turnover: str
    confirm: bool


class LiquidationEvent(Struct):
    """One item of ``allLiquidation.*``. ``S`` is the side of the position that was liquidated, ``p`` its bankruptcy
    price, which is not that of a trade.
    """

    T: int
    s: str
    S: str
    v: str
    p: str
