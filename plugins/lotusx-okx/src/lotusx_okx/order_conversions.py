"""Pure: OKX's orders and fills → the model. What is sent is written in `order_requests`.

Source: OKX API v5 (2026-06), order-book-trading-trade: get-order-details, ws-order-channel, get-transaction-details.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING

from lotusx.errors import ItemRejected
from lotusx.model import (
    Fill,
    Instrument,
    Liquidity,
    OrderState,
    OrderStatus,
    OrderType,
    PositionSide,
    QuantityUnit,
    TimeInForce,
    decimal_from_wire,
    known,
    negated,
)
from lotusx_okx import account_types as types
from lotusx_okx.client_ids import ClientIds
from lotusx_okx.conversions import SIDES, size_of
from lotusx_okx.markets import SPOT
from lotusx_okx.numbers import in_base, ns_of, number, positive

if TYPE_CHECKING:
    from lotusx.model import OrderRequest  # imports pydantic: not needed before an order is written

_STATUS = {
    "live": OrderStatus.OPEN,
    "partially_filled": OrderStatus.PARTIALLY_FILLED,
    "filled": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELED,
    "mmp_canceled": OrderStatus.CANCELED,
}
_TYPE = {
    "limit": OrderType.LIMIT,
    "post_only": OrderType.LIMIT,
    "ioc": OrderType.LIMIT,
    "fok": OrderType.LIMIT,
    "market": OrderType.MARKET,
    "optimal_limit_ioc": OrderType.MARKET,
}
_TIME_IN_FORCE = {
    "limit": TimeInForce.GTC,
    "post_only": TimeInForce.GTC,
    "ioc": TimeInForce.IOC,
    "fok": TimeInForce.FOK,
    "market": None,
    "optimal_limit_ioc": TimeInForce.IOC,
}
_ASKED_FOR = ("", "1")
_REASONS = {
    "0": "canceled by the exchange",
    "13": "could not be filled at once as a whole",
    "14": "could not be filled at once",
    "20": "cancel_all_after",
    "31": "post-only, and would have taken",
    "32": "self trade prevention",
}
"""``cancelSource`` in words, where the exchange gives it none of its own."""

POSITION_SIDES: Mapping[str, PositionSide | None] = MappingProxyType(
    {"": None, "net": None, "long": PositionSide.LONG, "short": PositionSide.SHORT}
)
"""``posSide``; ``net`` is the one position of net mode, and spot has none."""

_LIQUIDITY = {"T": Liquidity.TAKER, "M": Liquidity.MAKER}
_NOT_A_TRADE = ("", "0")
"""``tradeId`` of updates that are no match."""


def _in_quote(item: types.Order) -> bool:
    """Say whether ``sz`` is an amount of quote: of spot market orders only, and by default of those that buy."""
    if item.instType != SPOT or item.ordType != "market":
        return False
    return item.tgtCcy == "quote_ccy" or (item.tgtCcy == "" and item.side == "buy")


def to_order(item: types.Order, *, instrument: Instrument, ids: ClientIds) -> OrderState:
    """Convert an order, queried or from the stream.

    Raises:
        ItemRejected: Its side, or that of its position, is unknown, or something in it is no number.
    """
    size = size_of(instrument)
    quantity, in_quote = in_base(item.sz, size, "sz"), _in_quote(item)
    filled = in_base(item.accFillSz or "0", size, "accFillSz")
    status = _STATUS.get(item.state, OrderStatus.UNKNOWN)
    source = item.cancelSource
    said = "" if source in _ASKED_FOR else item.cancelSourceReason or _REASONS.get(source, f"cancelSource {source}")
    return OrderState(
        symbol=instrument.symbol,
        venue_order_id=item.ordId,
        client_order_id=ids.ours(item.clOrdId),
        side=known(SIDES, item.side, field="side"),
        type=_TYPE.get(item.ordType, OrderType.UNKNOWN),
        status=status,
        quantity=None if in_quote else quantity,
        filled=filled,
        price=positive(item.px, "px"),
        quote_quantity=decimal_from_wire(item.sz, field="sz") if in_quote else None,
        average_price=positive(item.avgPx, "avgPx"),
        time_in_force=_TIME_IN_FORCE.get(item.ordType, TimeInForce.UNKNOWN),
        post_only=item.ordType == "post_only",
        reduce_only=item.reduceOnly == "true",
        created_ns=ns_of(item.cTime, "cTime"),
        updated_ns=ns_of(item.uTime, "uTime"),
        raw_status=item.state,
        raw_type=item.ordType,
        reason=said,
        position_side=known(POSITION_SIDES, item.posSide, field="posSide"),
    )


def to_acknowledged(
    request: OrderRequest, done: types.Done, *, instrument: Instrument, base_quantity: Decimal | None
) -> OrderState:
    """Return what an acknowledgement proves of a new order: that OKX has taken it, and its id.

    Any report is newer than this: the time is zero. *base_quantity*: its quantity in base units; ``None``: in quote.
    """
    return OrderState(
        symbol=instrument.symbol,
        venue_order_id=done.ordId or None,
        client_order_id=request.client_order_id,
        side=request.side,
        type=request.type,
        status=OrderStatus.PENDING,
        quantity=base_quantity,
        filled=Decimal(0),
        price=request.price,
        quote_quantity=request.quantity if request.quantity_unit is QuantityUnit.QUOTE else None,
        time_in_force=request.time_in_force,
        post_only=request.post_only,
        reduce_only=request.reduce_only,
        position_side=request.position_side,
    )


def to_amended(order: OrderState, done: types.Done) -> OrderState:
    """Return what an acknowledgement proves of an amendment: that it was taken, and may still fail.

    It states no terms. Those that the order has are told by reports, all of which are newer than this.
    """
    return OrderState(
        symbol=order.symbol,
        venue_order_id=done.ordId or order.venue_order_id,
        client_order_id=order.client_order_id,
        side=order.side,
        type=order.type,
        status=OrderStatus.PENDING,
        quantity=None,
        filled=Decimal(0),
    )


def _fee(text: str) -> Decimal | None:
    """Return what was paid: OKX writes what it takes as a negative number."""
    amount = number(text, "fee")
    return None if amount is None else negated(amount)


def to_fill(item: types.Fill, *, instrument: Instrument, ids: ClientIds, received_ns: int) -> Fill:
    """Convert one match from the history.

    Raises:
        ItemRejected: Its side is unknown, or something in it is no number.
    """
    return Fill(
        symbol=instrument.symbol,
        trade_id=item.tradeId,
        venue_order_id=item.ordId,
        side=known(SIDES, item.side, field="side"),
        price=decimal_from_wire(item.fillPx, field="fillPx"),
        quantity=in_base(item.fillSz, size_of(instrument), "fillSz"),
        exchange_ns=ns_of(item.fillTime, "fillTime"),
        client_order_id=ids.ours(item.clOrdId),
        fee=_fee(item.fee),
        fee_asset=item.feeCcy or None,
        liquidity=_LIQUIDITY.get(item.execType),
        received_ns=received_ns,
    )


def streamed_fill(item: types.Order, *, instrument: Instrument, ids: ClientIds, received_ns: int) -> Fill | None:
    """Return the match that an update of the stream tells of; ``None``: it tells of none.

    Raises:
        ItemRejected: Its side is unknown, or something in it is no number.
    """
    if item.tradeId in _NOT_A_TRADE:
        return None
    if not item.fillSz or not item.fillPx:
        raise ItemRejected("a fill without size or price", field="tradeId", value=item.tradeId)
    return Fill(
        symbol=instrument.symbol,
        trade_id=item.tradeId,
        venue_order_id=item.ordId,
        side=known(SIDES, item.side, field="side"),
        price=decimal_from_wire(item.fillPx, field="fillPx"),
        quantity=in_base(item.fillSz, size_of(instrument), "fillSz"),
        exchange_ns=ns_of(item.fillTime, "fillTime"),
        client_order_id=ids.ours(item.clOrdId),
        fee=_fee(item.fillFee),
        fee_asset=item.fillFeeCcy or None,
        liquidity=_LIQUIDITY.get(item.execType),
        received_ns=received_ns,
    )
