"""Pure: Hyperliquid's public data ↔ the model. Every number is kept exact; every time becomes nanoseconds."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from lotusx.errors import InvalidArgument, ItemRejected
from lotusx.model import (
    BestBidOffer,
    BookUpdate,
    Candle,
    FundingRate,
    Interval,
    Level,
    MarkPrice,
    OpenInterest,
    OrderBook,
    Side,
    Symbol,
    Ticker,
    Trade,
    decimal_from_wire,
    exact,
    known,
)
from lotusx.plugin import Span
from lotusx_hyperliquid import types

MS = 1_000_000
"""Nanoseconds in a millisecond."""

FUNDING_S = 3_600
"""Funding is paid every hour."""
_HOUR_NS = FUNDING_S * 1_000 * MS

BOOK_LEVELS = 20
"""Levels a side of a book, asked for or streamed."""
FAST_LEVELS = 5
"""Levels a side of the fast stream."""

SIDE = {"B": Side.BUY, "A": Side.SELL}
INTERVALS = frozenset(Interval) - {Interval.S1, Interval.H6}
_NOBODY = types.BookLevel(px="0", sz="0")


def first_ms(span: Span) -> int | None:
    """Return the first whole millisecond of *span*."""
    return None if span.start_ns is None else -(-span.start_ns // MS)


def last_ms(span: Span) -> int | None:
    """Return the last whole millisecond of *span*, whose end is exclusive."""
    return None if span.end_ns is None else (span.end_ns - 1) // MS


def interval_text(interval: Interval) -> str:
    """Return the exchange's word for a candle's length, which is ours.

    Raises:
        InvalidArgument: The exchange has no such candles.
    """
    if interval in INTERVALS:
        return interval.value
    raise InvalidArgument(f"hyperliquid has no candles of {interval.value}", rule="interval")


def _optional(text: str | None, field: str) -> Decimal | None:
    return None if text is None else decimal_from_wire(text, field=field)


def to_trade(item: types.PublicTrade, *, symbol: Symbol, received_ns: int) -> Trade:
    """Convert one print.

    Raises:
        ItemRejected: Its side is unknown.
    """
    side = known(SIDE, item.side, field="side")
    return Trade(symbol, str(item.tid), side, exact(item.px), exact(item.sz), item.time * MS, received_ns)


def to_trades(items: Sequence[types.PublicTrade], *, symbol: Symbol, received_ns: int) -> list[Trade]:
    """Convert prints, oldest first, whichever way they came."""
    newest_first = len(items) > 1 and items[0].time > items[-1].time
    ordered = sorted(reversed(items) if newest_first else items, key=lambda item: item.time)
    return [to_trade(item, symbol=symbol, received_ns=received_ns) for item in ordered]


def to_best_bid_offer(item: types.BestPrices, *, symbol: Symbol, received_ns: int) -> BestBidOffer:
    """Convert a ``bbo`` event. A side where nobody is has price and quantity 0."""
    bid, ask = (level or _NOBODY for level in item.bbo)
    return BestBidOffer(symbol, exact(bid.px), exact(bid.sz), exact(ask.px), exact(ask.sz), item.time * MS, received_ns)


def top_of(book: types.Book, *, symbol: Symbol, received_ns: int) -> BestBidOffer:
    """Return the best prices of a book, as `to_best_bid_offer` does."""
    bids, asks = book.levels
    best = types.BestPrices(book.coin, book.time, (bids[0] if bids else None, asks[0] if asks else None))
    return to_best_bid_offer(best, symbol=symbol, received_ns=received_ns)


def _levels(levels: Sequence[types.BookLevel]) -> tuple[Level, ...]:
    number = decimal_from_wire
    return tuple(Level(number(item.px, field="px"), number(item.sz, field="sz")) for item in levels)


def to_order_book(
    book: types.Book, *, symbol: Symbol, depth: int, received_ns: int, window: int = BOOK_LEVELS
) -> OrderBook:
    """Convert a book of at most *window* levels a side, cut at *depth*.

    It has no number, and its time goes on though nothing changes.
    """
    bids, asks = book.levels
    limit = min(depth, window)
    return OrderBook(
        symbol=symbol,
        bids=_levels(bids[:depth]),
        asks=_levels(asks[:depth]),
        exchange_ns=book.time * MS,
        received_ns=received_ns,
        complete=len(bids) < limit and len(asks) < limit,
    )


def to_book_update(book: types.Book, *, symbol: Symbol, received_ns: int) -> BookUpdate:
    """Convert a streamed book: it replaces the one before, and its time is its number."""
    bids, asks = book.levels
    return BookUpdate(
        symbol,
        [(level.px, level.sz) for level in bids],
        [(level.px, level.sz) for level in asks],
        book.time,
        book.time,
        snapshot=True,
        exchange_ns=book.time * MS,
        received_ns=received_ns,
    )


def to_candle(bar: types.Bar, *, symbol: Symbol, interval: Interval, closed: bool, received_ns: int) -> Candle:
    """Convert one candle, asked for or streamed; the wire does not say whether it is closed.

    Raises:
        ItemRejected: It is of another length than *interval*.
    """
    if bar.i != interval.value:
        raise ItemRejected(f"a candle of {bar.i!r} where {interval.value} was asked for", field="i", value=bar.i)
    number = decimal_from_wire
    return Candle(
        symbol=symbol,
        interval=interval,
        open_ns=bar.t * MS,
        close_ns=(bar.T + 1) * MS,
        open=number(bar.o, field="o"),
        high=number(bar.h, field="h"),
        low=number(bar.l, field="l"),
        close=number(bar.c, field="c"),
        base_volume=number(bar.v, field="v"),
        trade_count=bar.n,
        closed=closed,
        received_ns=received_ns,
    )


def to_ticker(ctx: types.AssetCtx, *, symbol: Symbol, received_ns: int) -> Ticker:
    """Convert a market's context. Volumes are of the last 24 h; the exchange states no last price, but a mid."""
    number = decimal_from_wire
    return Ticker(
        symbol=symbol,
        last_price=None,
        received_ns=received_ns,
        open_price=number(ctx.prevDayPx, field="prevDayPx"),
        base_volume=_optional(ctx.dayBaseVlm, "dayBaseVlm"),
        quote_volume=number(ctx.dayNtlVlm, field="dayNtlVlm"),
        mark_price=number(ctx.markPx, field="markPx"),
        index_price=_optional(ctx.oraclePx, "oraclePx"),
        funding_rate=_optional(ctx.funding, "funding"),
        open_interest=_optional(ctx.openInterest, "openInterest"),
        mid_price=_optional(ctx.midPx, "midPx"),
    )


def next_funding_ns(now_ns: int) -> int:
    """Return the next whole hour: the exchange's own statement of it may be of the hour just settled."""
    return (now_ns // _HOUR_NS + 1) * _HOUR_NS


def to_mark_price(ctx: types.AssetCtx, *, symbol: Symbol, received_ns: int) -> MarkPrice:
    """Convert a market's context; the funding rate is a fraction per hour."""
    return MarkPrice(
        symbol=symbol,
        mark_price=decimal_from_wire(ctx.markPx, field="markPx"),
        index_price=_optional(ctx.oraclePx, "oraclePx"),
        funding_rate=_optional(ctx.funding, "funding"),
        next_funding_ns=None if ctx.funding is None else next_funding_ns(received_ns),
        open_interest=_optional(ctx.openInterest, "openInterest"),
        received_ns=received_ns,
    )


def to_running_rate(ctx: types.AssetCtx, *, symbol: Symbol, now_ns: int) -> FundingRate:
    """Convert the rate of the running hour.

    Raises:
        ItemRejected: There is none.
    """
    if ctx.funding is None:
        raise ItemRejected(f"{symbol} has no funding rate", field="funding")
    rate = decimal_from_wire(ctx.funding, field="funding")
    return FundingRate(symbol, rate, next_funding_ns(now_ns), interval_s=FUNDING_S)


def to_funding_rate(item: types.FundingSample, *, symbol: Symbol) -> FundingRate:
    """Convert one rate that was applied."""
    rate = decimal_from_wire(item.fundingRate, field="fundingRate")
    return FundingRate(symbol, rate, item.time * MS, interval_s=FUNDING_S)


def to_open_interest(ctx: types.AssetCtx, *, symbol: Symbol, received_ns: int) -> OpenInterest:
    """Convert a market's open interest, base units.

    Raises:
        ItemRejected: There is none.
    """
    if ctx.openInterest is None:
        raise ItemRejected(f"{symbol} has no open interest", field="openInterest")
    return OpenInterest(symbol, decimal_from_wire(ctx.openInterest, field="openInterest"), received_ns=received_ns)
