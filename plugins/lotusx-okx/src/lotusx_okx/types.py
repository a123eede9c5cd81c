"""The raw JSON of OKX's public data, in its own field names.

Prices, quantities and rates stay text, ``""`` where there is none. Strict: a field without a default is documented as
always there, and its absence is an error. Unknown fields are ignored. Source: OKX API v5 (2026-06).
"""

from __future__ import annotations

from typing import Generic, TypeVar

from msgspec import Raw, Struct

T = TypeVar("T")

Level = tuple[str, str, str, str]
"""Price, size, a part of a former feature, number of orders."""


class CandleRow(Struct, array_like=True):
    """A candle: volume in contracts or base, in currency, in quote; ``confirm``: whether it is complete."""

    ts: str
    o: str
    h: str
    l: str  # noqa: E741 - the exchange's own name
    c: str
    vol: str
    volCcy: str
    volCcyQuote: str
    confirm: str


class Reply(Struct, Generic[T]):
    """A reply. ``code`` 0: it says yes; 1: no; 2: to some orders of a batch."""

    code: str
    data: T
    msg: str = ""


class Refusal(Struct):
    """What of a reply says no."""

    code: str
    msg: str = ""
    data: Raw = Raw(b"[]")


class Push(Struct, Generic[T]):
    """A message of a channel; ``action`` is stated by books only."""

    data: list[T]
    action: str = ""


class Time(Struct):
    """The exchange's clock."""

    ts: str


class Listed(Struct):
    """An instrument of ``public/instruments``."""

    instType: str
    instId: str
    state: str
    tickSz: str
    lotSz: str
    minSz: str
    baseCcy: str = ""
    quoteCcy: str = ""
    settleCcy: str = ""
    uly: str = ""
    ctType: str = ""
    ctVal: str = ""
    ctMult: str = ""
    ctValCcy: str = ""
    maxLmtSz: str = ""
    maxMktSz: str = ""


class Ticker(Struct):
    """Prices of the moment, and the last 24 hours."""

    instId: str
    last: str
    ts: str
    askPx: str = ""
    askSz: str = ""
    bidPx: str = ""
    bidSz: str = ""
    open24h: str = ""
    high24h: str = ""
    low24h: str = ""
    vol24h: str = ""
    volCcy24h: str = ""


class Book(Struct):
    """A book, or what changed in one. ``prevSeqId``: of books that tell changes."""

    asks: list[Level]
    bids: list[Level]
    ts: str
    seqId: int
    prevSeqId: int | None = None


class Trade(Struct):
    """A print; ``side`` is the taker's."""

    tradeId: str
    px: str
    sz: str
    side: str
    ts: str


class FundingRate(Struct):
    """The rate of the running interval."""

    fundingRate: str
    fundingTime: str
    nextFundingTime: str = ""


class PastFunding(Struct):
    """A rate that was applied."""

    realizedRate: str
    fundingTime: str


class MarkPrice(Struct):
    """A mark price."""

    instId: str
    markPx: str
    ts: str


class IndexTicker(Struct):
    """The price of an index."""

    idxPx: str
    ts: str


class OpenInterest(Struct):
    """Open interest; ``oiCcy`` counts base units."""

    instId: str
    oiCcy: str
    ts: str
