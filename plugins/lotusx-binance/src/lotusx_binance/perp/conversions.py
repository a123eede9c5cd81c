"""Pure: public data of USDⓈ-M futures → the model, where it differs from spot's."""

from __future__ import annotations

from datetime import UTC, date, datetime
from functools import partial

import msgspec

from lotusx.model import (
    BestBidOffer,
    BookUpdate,
    FundingRate,
    Instrument,
    InstrumentKind,
    InstrumentStatus,
    Liquidation,
    MarkPrice,
    OpenInterest,
    OrderBook,
    Side,
    Symbol,
    decimal_from_wire,
    exact,
    known,
)
from lotusx_binance.conversions import MS, levels
from lotusx_binance.filters import price_and_quantity, raw_document, unless_zero
from lotusx_binance.perp import types

NO_DELIVERY_MS = 4_133_404_800_000
"""What Binance states as the delivery of what has none: 2100-12-25."""
_PERPETUAL = ("PERPETUAL", "TRADIFI_PERPETUAL")
_STATUS = {
    "PENDING_TRADING": InstrumentStatus.PENDING,
    "TRADING": InstrumentStatus.TRADING,
    "PRE_DELIVERING": InstrumentStatus.HALTED,
    "DELIVERING": InstrumentStatus.HALTED,
    "PRE_SETTLE": InstrumentStatus.HALTED,
    "SETTLING": InstrumentStatus.HALTED,
    "DELIVERED": InstrumentStatus.CLOSED,
    "CLOSE": InstrumentStatus.CLOSED,
}
_SIDE = {"BUY": Side.BUY, "SELL": Side.SELL}

_symbol_info = msgspec.json.Decoder(types.SymbolInfo).decode
_mark = msgspec.json.Decoder(types.ContractMark).decode


def is_coin_margined(document: msgspec.Raw) -> bool:
    """Say whether a contract is of COIN-M futures, which pay profit in what is traded.

    Whether they are listed here since 2026-06-30 is not documented. What cannot be read is told so elsewhere.
    """
    try:
        contract = _mark(document)
    except msgspec.DecodeError:
        return False
    return contract.marginAsset == contract.baseAsset


def expiry(info: types.SymbolInfo) -> date | None:
    """Return the day on which a dated contract is delivered; ``None``: a perpetual, delisted or not."""
    if info.contractType.startswith(_PERPETUAL) or info.deliveryDate >= NO_DELIVERY_MS:
        return None
    return datetime.fromtimestamp(info.deliveryDate / 1_000, tz=UTC).date()


def to_instrument(document: msgspec.Raw) -> Instrument:
    """Convert one contract of ``exchangeInfo``; all of it is decoded when ``Instrument.raw`` is read.

    Raises:
        ItemRejected: A rule lacks a number. `msgspec.DecodeError`: a field is missing.
    """
    info = _symbol_info(document)
    rules = {rule.filterType: rule for rule in info.filters}
    notional = rules.get("MIN_NOTIONAL")
    return Instrument(
        symbol=Symbol(info.baseAsset, info.quoteAsset, info.marginAsset, expiry(info)),
        venue_symbol=info.symbol,
        kind=InstrumentKind.LINEAR,
        status=_STATUS.get(info.status, InstrumentStatus.UNKNOWN),
        **price_and_quantity(rules),
        min_notional=None if notional is None else unless_zero(notional.notional, "notional"),
        min_notional_applies_to_reduce_only=False,  # -4164: "unless you choose reduce only"
        order_types=frozenset(info.orderTypes or info.OrderType),
        raw_status=info.status,
        _raw=partial(raw_document, document),
    )


def to_best_bid_offer(item: types.BookTicker, *, symbol: Symbol, received_ns: int) -> BestBidOffer:
    """Convert a ``ticker/bookTicker`` item."""
    bid, ask = (exact(item.bidPrice), exact(item.bidQty)), (exact(item.askPrice), exact(item.askQty))
    return BestBidOffer(symbol, *bid, *ask, item.time * MS, received_ns)


def to_best_bid_offer_event(item: types.BookTickerEvent, *, symbol: Symbol, received_ns: int) -> BestBidOffer:
    """Convert a ``bookTicker`` event."""
    bid, ask = (exact(item.b), exact(item.B)), (exact(item.a), exact(item.A))
    return BestBidOffer(symbol, *bid, *ask, item.T * MS, received_ns, sequence=item.u)


def to_order_book(depth: types.Depth, *, symbol: Symbol, asked: int, limit: int, received_ns: int) -> OrderBook:
    """Convert a snapshot of *limit* levels a side, and keep the best *asked* of them."""
    return OrderBook(
        symbol,
        levels(depth.bids[:asked]),
        levels(depth.asks[:asked]),
        depth.lastUpdateId,
        depth.T * MS,
        received_ns,
        complete=max(len(depth.bids), len(depth.asks)) <= asked and max(len(depth.bids), len(depth.asks)) < limit,
    )


def to_top(event: types.DepthEvent, *, symbol: Symbol, limit: int, received_ns: int) -> OrderBook:
    """Convert a ``depth<levels>`` event: whole levels, although it is named like a change."""
    complete = len(event.b) < limit and len(event.a) < limit
    return OrderBook(symbol, levels(event.b), levels(event.a), event.u, event.T * MS, received_ns, complete)


def to_book_update(event: types.DepthEvent, *, symbol: Symbol, received_ns: int) -> BookUpdate:
    """Convert a ``depthUpdate`` event; a quantity of zero removes the level."""
    return BookUpdate(
        symbol, event.b, event.a, event.U, event.u, event.pu, exchange_ns=event.T * MS, received_ns=received_ns
    )


def to_mark_price(item: types.PremiumIndex, *, symbol: Symbol, received_ns: int) -> MarkPrice:
    """Convert ``premiumIndex``; a dated contract has no funding."""
    number = decimal_from_wire
    return MarkPrice(
        symbol,
        number(item.markPrice, field="markPrice"),
        number(item.indexPrice, field="indexPrice") or None,
        number(item.lastFundingRate, field="lastFundingRate") if item.lastFundingRate else None,
        item.nextFundingTime * MS or None,
        exchange_ns=item.time * MS,
        received_ns=received_ns,
    )


def to_mark_price_event(event: types.MarkPriceEvent, *, symbol: Symbol, received_ns: int) -> MarkPrice:
    """Convert a ``markPriceUpdate`` event; a dated contract has no funding."""
    number = decimal_from_wire
    return MarkPrice(
        symbol,
        number(event.p, field="p"),
        number(event.i, field="i") or None,
        number(event.r, field="r") if event.r else None,
        event.T * MS or None,
        exchange_ns=event.E * MS,
        received_ns=received_ns,
    )


def to_funding_rate(item: types.FundingRate, *, symbol: Symbol) -> FundingRate:
    """Convert a rate that was applied."""
    mark = decimal_from_wire(item.markPrice, field="markPrice") if item.markPrice else None
    return FundingRate(
        symbol, decimal_from_wire(item.fundingRate, field="fundingRate"), item.fundingTime * MS, mark_price=mark
    )


def to_open_interest(item: types.OpenInterest, *, symbol: Symbol, received_ns: int) -> OpenInterest:
    """Convert ``openInterest``."""
    quantity = decimal_from_wire(item.openInterest, field="openInterest")
    return OpenInterest(symbol, quantity, exchange_ns=item.time * MS, received_ns=received_ns)


def to_liquidation(event: types.ForceOrderEvent, *, symbol: Symbol, received_ns: int) -> Liquidation:
    """Convert a ``forceOrder`` event: what was executed, at its average price."""
    order, number = event.o, decimal_from_wire
    return Liquidation(
        symbol,
        known(_SIDE, order.S, field="S"),
        number(order.ap, field="ap") or number(order.p, field="p"),
        number(order.z, field="z") or number(order.q, field="q"),
        order.T * MS,
        received_ns,
    )
