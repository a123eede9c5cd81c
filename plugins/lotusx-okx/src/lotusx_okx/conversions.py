"""Pure: OKX's public data → the model. Sizes of swaps become base units by the size of a contract.

Source: OKX API v5 (2026-06), the pages of the endpoints and channels.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal

from lotusx.errors import InvalidArgument, ItemRejected
from lotusx.model import (
    BestBidOffer,
    BookUpdate,
    Candle,
    FundingRate,
    Instrument,
    InstrumentKind,
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
    subtracted,
)
from lotusx_okx import types
from lotusx_okx.numbers import MS, base_text, in_base, ms_of, ns_of, number, positive

SIDES = {"buy": Side.BUY, "sell": Side.SELL}

BARS = {
    Interval.S1: "1s",
    Interval.M1: "1m",
    Interval.M3: "3m",
    Interval.M5: "5m",
    Interval.M15: "15m",
    Interval.M30: "30m",
    Interval.H1: "1H",
    Interval.H2: "2H",
    Interval.H4: "4H",
    Interval.H6: "6Hutc",
    Interval.H12: "12Hutc",
    Interval.D1: "1Dutc",
    Interval.D3: "3Dutc",
    Interval.W1: "1Wutc",
    Interval.MONTH1: "1Mutc",
}
"""Longer bars begin at UTC+8, unless they say ``utc``."""

_COMPLETE = {"0": False, "1": True}
_NOBODY = ("0", "0", "0", "0")


def bar_text(interval: Interval) -> str:
    """Return the exchange's word for *interval*. Raises `InvalidArgument` where it has none."""
    found = BARS.get(interval)
    if found is None:
        raise InvalidArgument(f"okx has no candles of {interval.value}", rule="interval", nearest=tuple(BARS))
    return found


def to_ticker(item: types.Ticker, *, instrument: Instrument, received_ns: int) -> Ticker:
    """Convert a ticker; of swaps, the volume in currency is that in base."""
    size = size_of(instrument)
    spot = instrument.kind is InstrumentKind.SPOT
    last, opened = positive(item.last, "last"), positive(item.open24h, "open24h")
    change = None if last is None or opened is None else subtracted(last, opened)
    return Ticker(
        symbol=instrument.symbol,
        last_price=last,
        exchange_ns=ns_of(item.ts, "ts"),
        received_ns=received_ns,
        bid_price=positive(item.bidPx, "bidPx"),
        bid_quantity=in_base(item.bidSz, size, "bidSz") if item.bidSz else None,
        ask_price=positive(item.askPx, "askPx"),
        ask_quantity=in_base(item.askSz, size, "askSz") if item.askSz else None,
        open_price=opened,
        high_price=positive(item.high24h, "high24h"),
        low_price=positive(item.low24h, "low24h"),
        base_volume=number(item.vol24h if spot else item.volCcy24h, "vol24h"),
        quote_volume=number(item.volCcy24h, "volCcy24h") if spot else None,
        change=change,
    )


def size_of(instrument: Instrument) -> Decimal:
    """Return how many base units the wire's unit is: 1 on spot, that of a contract on linear swaps."""
    return instrument.contract_size


def to_trade(item: types.Trade, *, symbol: Symbol, size: Decimal, received_ns: int) -> Trade:
    """Convert one print.

    Raises:
        ItemRejected: Its side is unknown, or something in it is no number.
    """
    side = known(SIDES, item.side, field="side")
    return Trade(
        symbol, item.tradeId, side, exact(item.px), base_text(item.sz, size), ns_of(item.ts, "ts"), received_ns
    )


def to_best_bid_offer(book: types.Book, *, symbol: Symbol, size: Decimal, received_ns: int) -> BestBidOffer:
    """Read the best bid and offer; where nobody is on a side, its price and quantity are 0."""
    bid = book.bids[0] if book.bids else _NOBODY
    ask = book.asks[0] if book.asks else _NOBODY
    return BestBidOffer(
        symbol,
        exact(bid[0]),
        base_text(bid[1], size),
        exact(ask[0]),
        base_text(ask[1], size),
        ns_of(book.ts, "ts"),
        received_ns,
        sequence=book.seqId,
    )


def _levels(rows: Sequence[types.Level], size: Decimal) -> tuple[Level, ...]:
    return tuple(Level(decimal_from_wire(row[0], field="price"), in_base(row[1], size, "size")) for row in rows)


def to_order_book(
    book: types.Book, *, symbol: Symbol, size: Decimal, received_ns: int, asked: int | None = None
) -> OrderBook:
    """Convert a snapshot. *asked*: how many levels a side were asked for; ``None``: as many as the channel has."""
    return OrderBook(
        symbol=symbol,
        bids=_levels(book.bids, size),
        asks=_levels(book.asks, size),
        sequence=book.seqId,
        exchange_ns=ns_of(book.ts, "ts"),
        received_ns=received_ns,
        complete=asked is not None and len(book.bids) < asked and len(book.asks) < asked,
    )


def to_book_update(push: types.Push[types.Book], *, symbol: Symbol, size: Decimal, received_ns: int) -> BookUpdate:
    """Convert a message of ``books``; a size of zero removes the level.

    Raises:
        ItemRejected: It is neither a snapshot nor an update of one book, or does not say what it follows.
    """
    if push.action not in ("snapshot", "update") or len(push.data) != 1:
        raise ItemRejected(f"unknown action of a book: {push.action!r}", field="action", value=push.action)
    (book,) = push.data
    if book.prevSeqId is None:
        raise ItemRejected("a book's message without prevSeqId", field="prevSeqId")
    return BookUpdate(
        symbol,
        [(row[0], base_text(row[1], size)) for row in book.bids],
        [(row[0], base_text(row[1], size)) for row in book.asks],
        book.seqId,
        book.seqId,
        previous=book.prevSeqId,
        snapshot=push.action == "snapshot",
        exchange_ns=ns_of(book.ts, "ts"),
        received_ns=received_ns,
    )


def next_open_ms(open_ms: int, interval: Interval) -> int:
    """Return when the bar after the one of *open_ms* begins."""
    if interval.fixed_ms is not None:
        return open_ms + interval.fixed_ms
    opened = datetime.fromtimestamp(open_ms // 1_000, UTC)
    year, month = (opened.year + 1, 1) if opened.month == 12 else (opened.year, opened.month + 1)
    return int(datetime(year, month, 1, tzinfo=UTC).timestamp()) * 1_000


def bars_end_ms(begin_ms: int, count: int, interval: Interval) -> int:
    """Return the moment before which exactly *count* bars begin, from *begin_ms* on."""
    if interval.fixed_ms is not None:
        return begin_ms + count * interval.fixed_ms
    within = begin_ms > 0 and next_open_ms(begin_ms - 1, interval) != begin_ms
    end_ms = next_open_ms(begin_ms, interval) if within else begin_ms
    for _ in range(count):
        end_ms = next_open_ms(end_ms, interval)
    return end_ms


def to_candle(row: types.CandleRow, *, instrument: Instrument, interval: Interval, received_ns: int) -> Candle:
    """Convert one row.

    Raises:
        ItemRejected: Whether it is complete is said in a new word, or something in it is no number.
    """
    open_ms, number_of = ms_of(row.ts, "ts"), decimal_from_wire
    spot = instrument.kind is InstrumentKind.SPOT
    return Candle(
        symbol=instrument.symbol,
        interval=interval,
        open_ns=open_ms * MS,
        close_ns=next_open_ms(open_ms, interval) * MS,
        open=number_of(row.o, field="o"),
        high=number_of(row.h, field="h"),
        low=number_of(row.l, field="l"),
        close=number_of(row.c, field="c"),
        base_volume=number_of(row.vol if spot else row.volCcy, field="vol"),
        quote_volume=number_of(row.volCcyQuote, field="volCcyQuote"),
        closed=known(_COMPLETE, row.confirm, field="confirm"),
        received_ns=received_ns,
    )


def to_funding_rate(item: types.FundingRate, *, symbol: Symbol) -> FundingRate:
    """Convert the rate of the running interval, whose length is what lies between this settlement and the next."""
    at = ms_of(item.fundingTime, "fundingTime")
    following = ms_of(item.nextFundingTime, "nextFundingTime") if item.nextFundingTime else at
    return FundingRate(
        symbol,
        decimal_from_wire(item.fundingRate, field="fundingRate"),
        at * MS,
        interval_s=(following - at) // 1_000 if following > at else None,
    )


def to_past_funding(item: types.PastFunding, *, symbol: Symbol) -> FundingRate:
    """Convert a rate that was applied."""
    rate = decimal_from_wire(item.realizedRate, field="realizedRate")
    return FundingRate(symbol, rate, ns_of(item.fundingTime, "fundingTime"))


def to_mark_price(
    item: types.MarkPrice, *, symbol: Symbol, received_ns: int, index: types.IndexTicker | None = None
) -> MarkPrice:
    """Convert a mark price, with the price of its index where that was asked for, too."""
    return MarkPrice(
        symbol=symbol,
        mark_price=decimal_from_wire(item.markPx, field="markPx"),
        index_price=None if index is None else decimal_from_wire(index.idxPx, field="idxPx"),
        exchange_ns=ns_of(item.ts, "ts"),
        received_ns=received_ns,
    )


def to_open_interest(item: types.OpenInterest, *, symbol: Symbol, received_ns: int) -> OpenInterest:
    """Convert the open interest, which is stated in base units, too."""
    quantity = decimal_from_wire(item.oiCcy, field="oiCcy")
    return OpenInterest(symbol=symbol, quantity=quantity, exchange_ns=ns_of(item.ts, "ts"), received_ns=received_ns)
