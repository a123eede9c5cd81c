"""Public market events and documents.

Events are immutable and cheap: their numbers stay the exchange's own text until somebody reads
them, and are exact `Decimal` values the moment they are read. Times are nanoseconds since the Unix
epoch, UTC; ``exchange_ns`` is the exchange's own time of the event (``None`` where it states none),
``received_ns`` ours.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import msgspec

from lotusx.model.enums import Interval, Side
from lotusx.model.symbol import Symbol


def as_datetime(ns: int | None) -> datetime | None:
    """Return nanoseconds since the epoch as an aware UTC datetime (microsecond resolution)."""
    return None if ns is None else datetime.fromtimestamp(ns // 1_000 / 1_000_000, tz=UTC)


class Trade(msgspec.Struct, frozen=True, gc=False):
    """One public print. ``taker_side`` is the aggressor's."""

    symbol: Symbol
    trade_id: str
    taker_side: Side
    price_text: str
    quantity_text: str
    exchange_ns: int
    received_ns: int = 0

    @property
    def price(self) -> Decimal:
        """Price in quote per base."""
        return Decimal(self.price_text)

    @property
    def quantity(self) -> Decimal:
        """Quantity in base units."""
        return Decimal(self.quantity_text)

    @property
    def time(self) -> datetime | None:
        """Exchange time as an aware UTC datetime."""
        return as_datetime(self.exchange_ns)


class BestBidOffer(msgspec.Struct, frozen=True, gc=False):
    """Best bid and best offer at one moment. A side where nobody is has no price, and quantity 0.

    In the texts of the wire such a side is a zero, or empty at some exchanges; plugins write it as ``"0"``.
    """

    symbol: Symbol
    bid_price_text: str
    bid_quantity_text: str
    ask_price_text: str
    ask_quantity_text: str
    exchange_ns: int | None = None
    received_ns: int = 0
    sequence: int | None = None

    @property
    def bid_price(self) -> Decimal | None:
        """Best bid, quote per base; ``None``: nobody bids."""
        return Decimal(self.bid_price_text) or None

    @property
    def bid_quantity(self) -> Decimal:
        """Quantity at the best bid, base units."""
        return Decimal(self.bid_quantity_text)

    @property
    def ask_price(self) -> Decimal | None:
        """Best offer, quote per base; ``None``: nobody offers."""
        return Decimal(self.ask_price_text) or None

    @property
    def ask_quantity(self) -> Decimal:
        """Quantity at the best offer, base units."""
        return Decimal(self.ask_quantity_text)


class Ticker(msgspec.Struct, frozen=True, gc=False):
    """Rolling 24 h statistics. ``None``: the exchange does not state it here."""

    symbol: Symbol
    last_price: Decimal | None
    exchange_ns: int | None = None
    received_ns: int = 0
    bid_price: Decimal | None = None
    bid_quantity: Decimal | None = None
    ask_price: Decimal | None = None
    ask_quantity: Decimal | None = None
    open_price: Decimal | None = None
    high_price: Decimal | None = None
    low_price: Decimal | None = None
    base_volume: Decimal | None = None
    quote_volume: Decimal | None = None
    change: Decimal | None = None
    change_fraction: Decimal | None = None
    vwap: Decimal | None = None
    trade_count: int | None = None
    mid_price: Decimal | None = None
    mark_price: Decimal | None = None
    index_price: Decimal | None = None
    funding_rate: Decimal | None = None
    open_interest: Decimal | None = None


class MarkPrice(msgspec.Struct, frozen=True, gc=False):
    """What margin and liquidation are reckoned with. ``None``: the exchange does not state it here.

    Attributes:
        index_price: Spot reference, also called oracle price.
        funding_rate: Rate of the running interval so far: a fraction per interval; above zero longs pay.
        next_funding_ns: When the running interval ends.
        open_interest: Base units.
    """

    symbol: Symbol
    mark_price: Decimal
    index_price: Decimal | None = None
    funding_rate: Decimal | None = None
    next_funding_ns: int | None = None
    open_interest: Decimal | None = None
    exchange_ns: int | None = None
    received_ns: int = 0


class FundingRate(msgspec.Struct, frozen=True, gc=False):
    """What longs pay shorts at the end of an interval, as a fraction of the notional; below zero shorts pay longs.

    Attributes:
        funding_ns: When it is, or was, applied.
        interval_s: Length of the interval; ``None``: not stated.
        mark_price: At which it was applied.
    """

    symbol: Symbol
    rate: Decimal
    funding_ns: int
    interval_s: int | None = None
    mark_price: Decimal | None = None


class Liquidation(msgspec.Struct, frozen=True, gc=False):
    """A position that the exchange closed by force. ``side`` is that of the closing order: a sale ends a long.

    Quantity in base units, price in quote per base: where it was closed, or went bankrupt, as the exchange says.
    """

    symbol: Symbol
    side: Side
    price: Decimal
    quantity: Decimal
    exchange_ns: int
    received_ns: int = 0


class OpenInterest(msgspec.Struct, frozen=True, gc=False):
    """What all open positions of one side add up to: base units, and quote where stated."""

    symbol: Symbol
    quantity: Decimal
    notional: Decimal | None = None
    exchange_ns: int | None = None
    received_ns: int = 0


class Candle(msgspec.Struct, frozen=True, gc=False):
    """One bar. ``open_ns`` inclusive, ``close_ns`` exclusive; ``closed`` False: the running bar."""

    symbol: Symbol
    interval: Interval
    open_ns: int
    close_ns: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    base_volume: Decimal
    quote_volume: Decimal | None = None
    trade_count: int | None = None
    taker_buy_base_volume: Decimal | None = None
    taker_buy_quote_volume: Decimal | None = None
    closed: bool = True
    received_ns: int = 0


class Level(msgspec.Struct, frozen=True, gc=False):
    """One price level: price in quote per base, quantity in base units."""

    price: Decimal
    quantity: Decimal


class OrderBook(msgspec.Struct, frozen=True):
    """A snapshot of a book: bids best (highest) first, asks best (lowest) first.

    Attributes:
        sequence: The exchange's number of the last update in it; ``None``: it has none.
        complete: False where the exchange cut it at a depth.
    """

    symbol: Symbol
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    sequence: int | None = None
    exchange_ns: int | None = None
    received_ns: int = 0
    complete: bool = False


class BookUpdate(msgspec.Struct, frozen=True, gc=False):
    """One raw change of a book as the exchange sent it: ``[price text, quantity text]`` pairs, absolute quantities.

    Attributes:
        first: Number of the first change in it (or the one number there is).
        last: Number of the last change in it.
        previous: Number of the update before, where the exchange states it.
        snapshot: Discard and replace the book instead of applying.
    """

    symbol: Symbol
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]
    first: int
    last: int
    previous: int | None = None
    snapshot: bool = False
    exchange_ns: int | None = None
    received_ns: int = 0
