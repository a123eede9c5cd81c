"""Hyperliquid's raw public JSON, in its own field names.

Prices, sizes and rates are text; ids and times (ms) are numbers.
Strict: a field without a default is always present, and its absence is an error. Unknown fields are ignored.
Source of all: https://hyperliquid.gitbook.io/hyperliquid-docs, "Info endpoint" and "Websocket".
"""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")


class ExchangeStatus(Struct):
    """``exchangeStatus``. *time* lags the wall clock by some tenths of a second."""

    time: int


class BookLevel(Struct, gc=False):
    """One price level; *n* orders stand at it."""

    px: str
    sz: str
    n: int = 0


class Book(Struct):
    """``l2Book``, asked for or streamed: bids and asks, each best first."""

    coin: str
    time: int
    levels: tuple[list[BookLevel], list[BookLevel]]


class BestPrices(Struct):
    """``bbo``: best bid and best ask; ``None``: nobody is there."""

    coin: str
    time: int
    bbo: tuple[BookLevel | None, BookLevel | None]


class PublicTrade(Struct, gc=False):
    """One print; *side* is the aggressor's. Both sides of a trade share *tid*, which is unique per coin and time."""

    coin: str
    side: str
    px: str
    sz: str
    time: int
    tid: int


class Bar(Struct):
    """One candle; *T* is its last millisecond, *v* in base units."""

    t: int
    T: int
    s: str
    i: str
    o: str
    c: str
    h: str
    l: str  # noqa: E741 - Hyperliquid's name: low
    v: str
    n: int


class AssetCtx(Struct):
    """What is known of a market at the moment. Spot has no funding, open interest and oracle."""

    prevDayPx: str
    dayNtlVlm: str
    markPx: str
    midPx: str | None = None
    dayBaseVlm: str | None = None
    funding: str | None = None
    openInterest: str | None = None
    oraclePx: str | None = None
    coin: str = ""
    """Spot only; perpetuals are told by their place."""


class CoinCtx(Struct):
    """The data of ``activeAssetCtx`` and ``activeSpotAssetCtx``."""

    coin: str
    ctx: AssetCtx


class NamedAsset(Struct):
    """One of a universe, as far as its place tells whose context it is."""

    name: str


class Universe(Struct):
    """The first half of ``metaAndAssetCtxs`` and ``spotMetaAndAssetCtxs``."""

    universe: list[NamedAsset]


class Contexts(Struct, array_like=True):
    """``metaAndAssetCtxs``: contexts stand in the order of the universe. Of spot they name their coin."""

    meta: Universe
    contexts: list[AssetCtx]


class FundingSample(Struct):
    """One of ``fundingHistory``: a fraction per hour, paid at *time*."""

    coin: str
    fundingRate: str
    time: int


class Frame(Struct, Generic[T], gc=False):
    """A message of a stream."""

    data: T
