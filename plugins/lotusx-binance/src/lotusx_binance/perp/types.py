"""Binance's raw public JSON, USDⓈ-M futures, where it differs from `lotusx_binance.types`; strict as there.

``st`` (1: USDⓈ-M, 2: COIN-M) and ``ps`` (pair) came with 2026-06-30. Source: developers.binance.com, USDⓈ-M futures.
"""

from __future__ import annotations

from msgspec import Struct, field

from lotusx_binance import types

USD_MARGINED = 1


class Filter(types.Filter):
    """``MIN_NOTIONAL`` has another name for its number."""

    notional: str | None = None


class SymbolInfo(Struct, kw_only=True):
    """What LotusX needs of a contract; the whole document stays raw until somebody asks for it."""

    symbol: str
    contractType: str
    deliveryDate: int
    """4133404800000: none; the time of the delisting once one is announced."""
    status: str
    baseAsset: str
    quoteAsset: str
    marginAsset: str
    filters: list[Filter]
    orderTypes: list[str] = field(default_factory=list)
    OrderType: list[str] = field(default_factory=list)
    """The same, as newer documents name it."""


class ContractMark(Struct):
    """The part of a contract that says whether it is this market's."""

    baseAsset: str
    marginAsset: str


class Depth(types.Depth):
    """``GET /fapi/v1/depth``."""

    T: int
    """Time of the newest change in it."""


class BookTicker(types.BookTicker, kw_only=True):
    """``GET /fapi/v1/ticker/bookTicker``."""

    time: int


class PriceTicker(types.PriceTicker, kw_only=True):
    """``GET /fapi/v2/ticker/price``."""

    time: int


class PremiumIndex(Struct):
    """``GET /fapi/v1/premiumIndex``. Of a dated contract the funding rate is empty and its time 0."""

    symbol: str
    markPrice: str
    indexPrice: str
    lastFundingRate: str
    nextFundingTime: int
    time: int


class FundingRate(Struct):
    """``GET /fapi/v1/fundingRate``."""

    symbol: str
    fundingRate: str
    fundingTime: int
    markPrice: str = ""
    """Empty of what was settled before 2023-11."""


class FundingInfo(Struct):
    """``GET /fapi/v1/fundingInfo``: of symbols whose cap, floor or interval was adjusted."""

    symbol: str
    adjustedFundingRateCap: str
    adjustedFundingRateFloor: str
    fundingIntervalHours: int


class OpenInterest(Struct):
    """``GET /fapi/v1/openInterest``: in base units."""

    symbol: str
    openInterest: str
    time: int


class BookTickerEvent(types.BookTickerEvent):
    """``<symbol>@bookTicker``."""

    E: int
    T: int


class DepthEvent(types.DepthEvent):
    """``<symbol>@depth``; also, as whole snapshots, ``<symbol>@depth<levels>``. ``pu``: ``u`` of the event before."""

    T: int
    pu: int


class MarkPriceEvent(Struct):
    """``<symbol>@markPrice``: ``r`` is the rate of the running interval, which ends at ``T``."""

    E: int
    s: str
    p: str
    i: str
    r: str
    T: int


class ForcedOrder(Struct):
    """``o`` of a forceOrder event."""

    s: str
    S: str
    q: str
    p: str
    ap: str
    X: str
    z: str
    T: int


class ForceOrderEvent(Struct):
    """``<symbol>@forceOrder``: the largest liquidation of a second."""

    E: int
    o: ForcedOrder
