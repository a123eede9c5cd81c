"""Pure: Backpack's public data ↔ the model. Every number is kept exact; every time becomes nanoseconds."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal

from lotusx.errors import InvalidArgument, ItemRejected
from lotusx.model import (
    BestBidOffer,
    BookUpdate,
    Candle,
    FundingRate,
    Interval,
    Level,
    Liquidation,
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
from lotusx_backpack import types
from lotusx_backpack.times import MS, US, S, Whole, moment_ns, utc_ns, whole

SIDE = {"Bid": Side.BUY, "Ask": Side.SELL}

BOOK_DEPTHS = (5, 10, 20, 50, 100, 500, 1_000)
"""Levels a side that can be asked for."""


def _optional(text: str | None, field: str) -> Decimal | None:
    return None if text is None else decimal_from_wire(text, field=field)


def to_server_time_ns(body: bytes) -> int:
    """Convert the body of ``GET /api/v1/time``: milliseconds, with or without quotes.

    Raises:
        ItemRejected: It is something else.
    """
    return whole(body.decode("utf-8", "replace").strip().strip('"'), field="time") * MS


def interval_text(interval: Interval) -> str:
    """Return the exchange's word for a candle's length."""
    return "1month" if interval is Interval.MONTH1 else interval.value


def book_depth(depth: int) -> int:
    """Return how many levels a side to ask for, so that *depth* are among them.

    Raises:
        InvalidArgument: There are none that deep.
    """
    for offered in BOOK_DEPTHS:
        if 1 <= depth <= offered:
            return offered
    raise InvalidArgument(
        f"backpack: depth must be 1 to {BOOK_DEPTHS[-1]}, not {depth}", rule="depth", nearest=(BOOK_DEPTHS[-1],)
    )


def _taker(buyer_rested: bool) -> Side:
    return Side.SELL if buyer_rested else Side.BUY


def to_trades(items: Iterable[types.PublicTrade], *, symbol: Symbol, received_ns: int) -> list[Trade]:
    """Convert ``trades``, oldest first, whichever way they came."""
    return [
        Trade(
            symbol,
            str(item.id),
            _taker(item.isBuyerMaker),
            exact(item.price),
            exact(item.quantity),
            whole(item.timestamp, field="timestamp") * MS,
            received_ns,
        )
        for item in sorted(items, key=lambda item: whole(item.id, field="id"))
    ]


def to_trade(item: types.TradeEvent, *, symbol: Symbol, received_ns: int) -> Trade:
    """Convert a ``trade`` event."""
    return Trade(
        symbol, str(item.t), _taker(item.m), exact(item.p), exact(item.q), whole(item.T, field="T") * US, received_ns
    )


def to_best_bid_offer(item: types.BookTickerEvent, *, symbol: Symbol, received_ns: int) -> BestBidOffer:
    """Convert a ``bookTicker`` event. A side where nobody is has price and quantity 0."""
    return BestBidOffer(
        symbol,
        exact(item.b or "0"),
        exact(item.B or "0"),
        exact(item.a or "0"),
        exact(item.A or "0"),
        whole(item.T, field="T") * US,
        received_ns,
        sequence=whole(item.u, field="u"),
    )


def _levels(pairs: Sequence[types.PriceLevel], *, descending: bool) -> list[tuple[Decimal, str, str]]:
    """Return a side best first, with the text of price and quantity: which end comes first is not relied upon."""
    number = decimal_from_wire
    return sorted(((number(price, field="price"), price, quantity) for price, quantity in pairs), reverse=descending)


def top_of(depth: types.Depth, *, symbol: Symbol, received_ns: int) -> BestBidOffer:
    """Return the best prices of a book, as `to_best_bid_offer` does."""
    nobody = (Decimal(0), "0", "0")
    _, bid, bid_quantity = next(iter(_levels(depth.bids, descending=True)), nobody)
    _, ask, ask_quantity = next(iter(_levels(depth.asks, descending=False)), nobody)
    return BestBidOffer(
        symbol,
        bid,
        exact(bid_quantity),
        ask,
        exact(ask_quantity),
        whole(depth.timestamp, field="timestamp") * US,
        received_ns,
        sequence=whole(depth.lastUpdateId, field="lastUpdateId"),
    )


def to_order_book(depth: types.Depth, *, symbol: Symbol, wanted: int, asked: int, received_ns: int) -> OrderBook:
    """Convert a snapshot that was asked for with *asked* levels a side, of which *wanted* are kept."""
    number = decimal_from_wire
    bids, asks = (
        tuple(Level(price, number(text, field="quantity")) for price, _, text in _levels(side, descending=descending))
        for side, descending in ((depth.bids, True), (depth.asks, False))
    )
    longest = max(len(bids), len(asks))
    return OrderBook(
        symbol=symbol,
        bids=bids[:wanted],
        asks=asks[:wanted],
        sequence=whole(depth.lastUpdateId, field="lastUpdateId"),
        exchange_ns=whole(depth.timestamp, field="timestamp") * US,
        received_ns=received_ns,
        complete=longest <= wanted and longest < asked,
    )


def to_book_update(event: types.DepthEvent, *, symbol: Symbol, received_ns: int) -> BookUpdate:
    """Convert a ``depth`` event; a quantity of zero removes the level. Levels come in no particular order."""
    return BookUpdate(
        symbol,
        event.b,
        event.a,
        whole(event.U, field="U"),
        whole(event.u, field="u"),
        exchange_ns=whole(event.T, field="T") * US,
        received_ns=received_ns,
    )


def to_candle(row: types.Kline, *, symbol: Symbol, interval: Interval, now_ns: int, received_ns: int) -> Candle | None:
    """Convert a row of ``klines``; ``None``: nothing was traded, so it has no prices. *now_ns*: whether it is over."""
    number = decimal_from_wire
    if row.open is None or row.high is None or row.low is None or row.close is None:
        return None
    close_ns = utc_ns(row.end, field="end")
    return Candle(
        symbol=symbol,
        interval=interval,
        open_ns=utc_ns(row.start, field="start"),
        close_ns=close_ns,
        open=number(row.open, field="open"),
        high=number(row.high, field="high"),
        low=number(row.low, field="low"),
        close=number(row.close, field="close"),
        base_volume=number(row.volume, field="volume"),
        quote_volume=number(row.quoteVolume, field="quoteVolume"),
        trade_count=whole(row.trades, field="trades"),
        closed=close_ns <= now_ns,
        received_ns=received_ns,
    )


def to_candle_event(bar: types.KlineEvent, *, symbol: Symbol, interval: Interval, received_ns: int) -> Candle | None:
    """Convert a ``kline`` event; ``None``: nothing was traded. It states no volume in quote."""
    number = decimal_from_wire
    if bar.o is None or bar.h is None or bar.l is None or bar.c is None:
        return None
    return Candle(
        symbol=symbol,
        interval=interval,
        open_ns=moment_ns(bar.t, field="t", unit=S),
        close_ns=moment_ns(bar.T, field="T", unit=S),
        open=number(bar.o, field="o"),
        high=number(bar.h, field="h"),
        low=number(bar.l, field="l"),
        close=number(bar.c, field="c"),
        base_volume=number(bar.v, field="v"),
        trade_count=whole(bar.n, field="n"),
        closed=bar.X,
        received_ns=received_ns,
    )


def to_ticker(item: types.DayTicker, *, symbol: Symbol, received_ns: int) -> Ticker:
    """Convert one of ``tickers``; the exchange states no time with it, and the change as a fraction."""
    number = decimal_from_wire
    change = item.priceChangePercent
    return Ticker(
        symbol=symbol,
        last_price=number(item.lastPrice, field="lastPrice"),
        received_ns=received_ns,
        open_price=number(item.firstPrice, field="firstPrice"),
        high_price=number(item.high, field="high"),
        low_price=number(item.low, field="low"),
        base_volume=number(item.volume, field="volume"),
        quote_volume=number(item.quoteVolume, field="quoteVolume"),
        change=number(item.priceChange, field="priceChange"),
        change_fraction=None if change == "N/A" else number(change, field="priceChangePercent"),
        trade_count=whole(item.trades, field="trades"),
    )


def to_ticker_event(item: types.TickerEvent, *, symbol: Symbol, received_ns: int) -> Ticker:
    """Convert a ``ticker`` event."""
    number = decimal_from_wire
    return Ticker(
        symbol=symbol,
        last_price=number(item.c, field="c"),
        exchange_ns=whole(item.E, field="E") * US,
        received_ns=received_ns,
        open_price=number(item.o, field="o"),
        high_price=number(item.h, field="h"),
        low_price=number(item.l, field="l"),
        base_volume=number(item.v, field="v"),
        quote_volume=number(item.V, field="V"),
        trade_count=whole(item.n, field="n"),
    )


def _at_ms(value: Whole | None, field: str) -> int | None:
    return None if value is None else whole(value, field=field) * MS


def to_mark_price(item: types.MarkPrice, *, symbol: Symbol, received_ns: int) -> MarkPrice:
    """Convert one of ``markPrices``; the funding rate is a fraction per interval of the market."""
    return MarkPrice(
        symbol=symbol,
        mark_price=decimal_from_wire(item.markPrice, field="markPrice"),
        index_price=_optional(item.indexPrice, "indexPrice"),
        funding_rate=_optional(item.fundingRate, "fundingRate"),
        next_funding_ns=_at_ms(item.nextFundingTimestamp, "nextFundingTimestamp"),
        received_ns=received_ns,
    )


def to_mark_price_event(item: types.MarkPriceEvent, *, symbol: Symbol, received_ns: int) -> MarkPrice:
    """Convert a ``markPrice`` event."""
    return MarkPrice(
        symbol=symbol,
        mark_price=decimal_from_wire(item.p, field="p"),
        index_price=_optional(item.i, "i"),
        funding_rate=_optional(item.f, "f"),
        next_funding_ns=_at_ms(item.n, "n"),
        exchange_ns=whole(item.T, field="T") * US,
        received_ns=received_ns,
    )


def to_running_rate(item: types.MarkPrice, *, symbol: Symbol, interval_s: int | None) -> FundingRate:
    """Convert the rate of the running interval. *interval_s*: from the market, see `funding_interval_s`.

    Raises:
        ItemRejected: There is none.
    """
    ends_ns = _at_ms(item.nextFundingTimestamp, "nextFundingTimestamp")
    if item.fundingRate is None or ends_ns is None:
        raise ItemRejected(f"{symbol} has no funding rate", field="fundingRate")
    return FundingRate(symbol, decimal_from_wire(item.fundingRate, field="fundingRate"), ends_ns, interval_s)


def to_funding_rates(
    items: Iterable[types.FundingSample], *, symbol: Symbol, interval_s: int | None, now_ns: int
) -> list[FundingRate]:
    """Convert ``fundingRates`` that were applied by *now_ns*, oldest first; the running interval is left out."""
    rates = (
        FundingRate(
            symbol,
            decimal_from_wire(item.fundingRate, field="fundingRate"),
            moment_ns(item.intervalEndTimestamp, field="intervalEndTimestamp"),
            interval_s,
        )
        for item in items
    )
    return sorted((rate for rate in rates if rate.funding_ns <= now_ns), key=lambda rate: rate.funding_ns)


def to_liquidation(item: types.LiquidationEvent, *, symbol: Symbol, received_ns: int) -> Liquidation:
    """Convert a ``liquidation`` event. Its side is taken for that of the closing order: documents only call it a side.

    Raises:
        ItemRejected: Its side is unknown.
    """
    return Liquidation(
        symbol=symbol,
        side=known(SIDE, item.S, field="S"),
        price=decimal_from_wire(item.p, field="p"),
        quantity=decimal_from_wire(item.q, field="q"),
        exchange_ns=whole(item.T, field="T") * US,
        received_ns=received_ns,
    )


def to_open_interest(item: types.OpenInterest, *, symbol: Symbol, received_ns: int) -> OpenInterest:
    """Convert one of ``openInterest``."""
    quantity = decimal_from_wire(item.openInterest, field="openInterest")
    time_ns = whole(item.timestamp, field="timestamp") * MS
    return OpenInterest(symbol, quantity, exchange_ns=time_ns, received_ns=received_ns)


def to_open_interest_event(item: types.OpenInterestEvent, *, symbol: Symbol, received_ns: int) -> OpenInterest:
    """Convert an ``openInterest`` event."""
    quantity = decimal_from_wire(item.o, field="o")
    return OpenInterest(symbol, quantity, exchange_ns=whole(item.E, field="E") * US, received_ns=received_ns)
