"""Pure: Binance's public data ↔ the model. Every number is kept exact; every time becomes nanoseconds."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import partial

import msgspec
from msgspec import structs

from lotusx.model import (
    BestBidOffer,
    BookUpdate,
    Candle,
    Instrument,
    InstrumentKind,
    InstrumentStatus,
    Interval,
    Level,
    OrderBook,
    Side,
    Symbol,
    Ticker,
    Trade,
    decimal_from_wire,
    exact,
    shifted,
)
from lotusx_binance import types
from lotusx_binance.filters import price_and_quantity, raw_document, unless_zero

_BUY, _SELL = Side.BUY, Side.SELL  # looking a member up costs a tenth of a conversion

MS = 1_000_000
"""Nanoseconds in a millisecond."""

_STATUS = {
    "TRADING": InstrumentStatus.TRADING,
    "CANCEL_ONLY": InstrumentStatus.CANCEL_ONLY,
    "HALT": InstrumentStatus.HALTED,
    "BREAK": InstrumentStatus.HALTED,
    "END_OF_DAY": InstrumentStatus.CLOSED,
}

_symbol_info = msgspec.json.Decoder(types.SymbolInfo).decode


def to_instrument(document: msgspec.Raw) -> Instrument:
    """Convert one of ``exchangeInfo.symbols``; its other fields are decoded when ``Instrument.raw`` is read.

    Raises:
        ItemRejected: A rule lacks a number. `msgspec.DecodeError`: a field is missing.
    """
    info = _symbol_info(document)
    rules = {rule.filterType: rule for rule in info.filters}
    min_notional = max_notional = None
    applies_to_market = max_applies_to_market = True
    if (notional := rules.get("NOTIONAL")) is not None:
        min_notional = unless_zero(notional.minNotional, "minNotional")
        max_notional = unless_zero(notional.maxNotional, "maxNotional")
        applies_to_market = notional.applyMinToMarket is not False
        max_applies_to_market = notional.applyMaxToMarket is not False
    elif (notional := rules.get("MIN_NOTIONAL")) is not None:
        min_notional = unless_zero(notional.minNotional, "minNotional")
        applies_to_market = notional.applyToMarket is not False
    status = _STATUS.get(info.status, InstrumentStatus.UNKNOWN)
    if status is InstrumentStatus.TRADING and not info.isSpotTradingAllowed:
        status = InstrumentStatus.HALTED  # listed, but closed to spot accounts
    return Instrument(
        symbol=Symbol(info.baseAsset, info.quoteAsset),
        venue_symbol=info.symbol,
        kind=InstrumentKind.SPOT,
        status=status,
        **price_and_quantity(rules),
        min_notional=min_notional,
        max_notional=max_notional,
        min_notional_applies_to_market=applies_to_market,
        max_notional_applies_to_market=max_applies_to_market,
        order_types=frozenset(info.orderTypes),
        raw_status=info.status,
        _raw=partial(raw_document, document),
    )


def _taker(maker_bought: bool) -> Side:
    return _SELL if maker_bought else _BUY


def to_recent_trade(item: types.RecentTrade, *, symbol: Symbol, received_ns: int) -> Trade:
    """Convert one item of ``trades`` or ``historicalTrades``."""
    return Trade(
        symbol, str(item.id), _taker(item.isBuyerMaker), exact(item.price), exact(item.qty), item.time * MS, received_ns
    )


def to_aggregate_trade(item: types.AggregateTrade, *, symbol: Symbol, received_ns: int) -> Trade:
    """Convert one aggregated print; its id counts aggregates, not trades."""
    return Trade(symbol, str(item.a), _taker(item.m), exact(item.p), exact(item.q), item.T * MS, received_ns)


def to_trade(item: types.TradeEvent, *, symbol: Symbol, received_ns: int) -> Trade:
    """Convert a ``trade`` event."""
    return Trade(symbol, str(item.t), _SELL if item.m else _BUY, exact(item.p), exact(item.q), item.T * MS, received_ns)


def to_best_bid_offer(item: types.BookTicker, *, symbol: Symbol, received_ns: int) -> BestBidOffer:
    """Convert a ``ticker/bookTicker`` item; Binance states no time with it."""
    return BestBidOffer(
        symbol,
        exact(item.bidPrice),
        exact(item.bidQty),
        exact(item.askPrice),
        exact(item.askQty),
        received_ns=received_ns,
    )


def to_best_bid_offer_event(item: types.BookTickerEvent, *, symbol: Symbol, received_ns: int) -> BestBidOffer:
    """Convert a ``bookTicker`` event; Binance states no time with it, but the number of the update."""
    return BestBidOffer(
        symbol, exact(item.b), exact(item.B), exact(item.a), exact(item.A), None, received_ns, sequence=item.u
    )


def _quoted(price: str, quantity: str) -> tuple[Decimal | None, Decimal | None]:
    """Read one side of a ticker; a price of zero says that there is no order on that side."""
    value = decimal_from_wire(price, field="price")
    return (value, decimal_from_wire(quantity, field="quantity")) if value else (None, None)


def to_day(item: types.DayStatistics, *, symbol: Symbol, received_ns: int) -> Ticker:
    """Convert what one item of ``ticker/24hr`` states on every market. A price of zero: there was no trade."""
    number = decimal_from_wire
    return Ticker(
        symbol=symbol,
        last_price=number(item.lastPrice, field="lastPrice") or None,
        exchange_ns=item.closeTime * MS,
        received_ns=received_ns,
        open_price=number(item.openPrice, field="openPrice") or None,
        high_price=number(item.highPrice, field="highPrice") or None,
        low_price=number(item.lowPrice, field="lowPrice") or None,
        base_volume=number(item.volume, field="volume"),
        quote_volume=number(item.quoteVolume, field="quoteVolume"),
        change=number(item.priceChange, field="priceChange"),
        change_fraction=shifted(number(item.priceChangePercent, field="priceChangePercent"), -2),
        vwap=number(item.weightedAvgPrice, field="weightedAvgPrice") or None,
        trade_count=item.count,
    )


def to_day_event(item: types.DayStatisticsEvent, *, symbol: Symbol, received_ns: int) -> Ticker:
    """Convert what a ``24hrTicker`` event states on every market, as `to_day`."""
    number = decimal_from_wire
    return Ticker(
        symbol=symbol,
        last_price=number(item.c, field="c") or None,
        exchange_ns=item.E * MS,
        received_ns=received_ns,
        open_price=number(item.o, field="o") or None,
        high_price=number(item.h, field="h") or None,
        low_price=number(item.l, field="l") or None,
        base_volume=number(item.v, field="v"),
        quote_volume=number(item.q, field="q"),
        change=number(item.p, field="p"),
        change_fraction=shifted(number(item.P, field="P"), -2),
        vwap=number(item.w, field="w") or None,
        trade_count=item.n,
    )


def _with_quotes(ticker: Ticker, bid: tuple[str, str], ask: tuple[str, str]) -> Ticker:
    """Add best bid and offer, each a price and a quantity."""
    bid_price, bid_quantity = _quoted(*bid)
    ask_price, ask_quantity = _quoted(*ask)
    return structs.replace(
        ticker, bid_price=bid_price, bid_quantity=bid_quantity, ask_price=ask_price, ask_quantity=ask_quantity
    )


def to_ticker(item: types.DayTicker, *, symbol: Symbol, received_ns: int) -> Ticker:
    """Convert one item of ``ticker/24hr``."""
    day = to_day(item, symbol=symbol, received_ns=received_ns)
    return _with_quotes(day, (item.bidPrice, item.bidQty), (item.askPrice, item.askQty))


def to_ticker_event(item: types.DayTickerEvent, *, symbol: Symbol, received_ns: int) -> Ticker:
    """Convert a ``24hrTicker`` event."""
    day = to_day_event(item, symbol=symbol, received_ns=received_ns)
    return _with_quotes(day, (item.b, item.B), (item.a, item.A))


def to_candle(row: types.Kline, *, symbol: Symbol, interval: Interval, now_ms: int, received_ns: int) -> Candle:
    """Convert a row of ``klines``; *now_ms* tells whether its time is over. ``close_time`` is its last millisecond."""
    number = decimal_from_wire
    return Candle(
        symbol=symbol,
        interval=interval,
        open_ns=row.open_time * MS,
        close_ns=(row.close_time + 1) * MS,
        open=number(row.open, field="open"),
        high=number(row.high, field="high"),
        low=number(row.low, field="low"),
        close=number(row.close, field="close"),
        base_volume=number(row.volume, field="volume"),
        quote_volume=number(row.quote_volume, field="quote_volume"),
        trade_count=row.trades,
        taker_buy_base_volume=number(row.taker_buy_base, field="taker_buy_base"),
        taker_buy_quote_volume=number(row.taker_buy_quote, field="taker_buy_quote"),
        closed=row.close_time < now_ms,
        received_ns=received_ns,
    )


def to_candle_event(bar: types.KlineBar, *, symbol: Symbol, interval: Interval, received_ns: int) -> Candle:
    """Convert the bar of a ``kline`` event."""
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
        quote_volume=number(bar.q, field="q"),
        trade_count=bar.n,
        taker_buy_base_volume=number(bar.V, field="V"),
        taker_buy_quote_volume=number(bar.Q, field="Q"),
        closed=bar.x,
        received_ns=received_ns,
    )


def levels(pairs: Sequence[types.PriceLevel]) -> tuple[Level, ...]:
    """Convert the levels of one side, in their order."""
    number = decimal_from_wire
    return tuple(Level(number(price, field="price"), number(quantity, field="quantity")) for price, quantity in pairs)


def to_order_book(depth: types.Depth, *, symbol: Symbol, limit: int, received_ns: int) -> OrderBook:
    """Convert a snapshot that was asked for with *limit* levels a side; Binance states no time with it."""
    return OrderBook(
        symbol=symbol,
        bids=levels(depth.bids),
        asks=levels(depth.asks),
        sequence=depth.lastUpdateId,
        received_ns=received_ns,
        complete=len(depth.bids) < limit and len(depth.asks) < limit,
    )


def to_book_update(event: types.DepthEvent, *, symbol: Symbol, received_ns: int) -> BookUpdate:
    """Convert a ``depthUpdate`` event; a quantity of zero removes the level."""
    return BookUpdate(symbol, event.b, event.a, event.U, event.u, exchange_ns=event.E * MS, received_ns=received_ns)
