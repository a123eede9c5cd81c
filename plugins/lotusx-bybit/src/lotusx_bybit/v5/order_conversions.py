"""Pure: Bybit's orders and fills → the model. What is sent is written in `order_requests`.

Quantities of inverse instruments count contracts, which are worth one unit of quote each. Source: bybit-exchange/docs,
v5/order/open-order, v5/order/execution, v5/enum and v5/websocket/private.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from lotusx.model import (
    Fill,
    FundingPayment,
    Liquidity,
    OrderState,
    OrderStatus,
    OrderType,
    PositionSide,
    QuantityUnit,
    Side,
    Symbol,
    TimeInForce,
    added,
    decimal_from_wire,
    known,
    multiplied,
    negated,
    subtracted,
)
from lotusx_bybit.v5 import account_types as types
from lotusx_bybit.v5.category import Category
from lotusx_bybit.v5.conversions import MS, SIDES, ms_of
from lotusx_bybit.v5.instruments import positive
from lotusx_bybit.v5.order_requests import FALLS, LONG_LEG, RISES, SHORT_LEG

if TYPE_CHECKING:
    from lotusx.model import OrderRequest  # imports pydantic: not needed before an order is written

_STATUS = {
    "New": OrderStatus.OPEN,
    "PartiallyFilled": OrderStatus.PARTIALLY_FILLED,
    "Untriggered": OrderStatus.PENDING,
    "Triggered": OrderStatus.OPEN,  # for a moment: it becomes New, Filled, Cancelled or Rejected
    "Filled": OrderStatus.FILLED,
    "Cancelled": OrderStatus.CANCELED,
    "PartiallyFilledCanceled": OrderStatus.CANCELED,
    "Rejected": OrderStatus.REJECTED,
    "Deactivated": OrderStatus.CANCELED,  # before its trigger
    # Older names.
    "Created": OrderStatus.OPEN,
    "Active": OrderStatus.PENDING,
    "PendingCancel": OrderStatus.OPEN,
}
_TIME_IN_FORCE = {
    "GTC": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
    "PostOnly": TimeInForce.GTC,
    "RPI": TimeInForce.GTC,
}
_POST_ONLY = ("PostOnly", "RPI")
_NOT_CONDITIONAL = ("", "UNKNOWN")
_TAKE_PROFIT = ("TakeProfit", "PartialTakeProfit")
_STOP_LOSS = ("StopLoss", "PartialStopLoss")
_BY_DIRECTION = ("Stop", "tpslOrder")
_NO_REASON = ("", "UNKNOWN", "EC_NoError")
_NO_CANCEL = ("", "UNKNOWN")
_ASKED_FOR = (*_NO_CANCEL, "CancelByUser")
_NO_MORE_TO_BUY = (*_NO_REASON, "EC_CancelForNoFullFill")
"""What is stated where the rest of an amount of quote buys nothing more: the last, in a recording of testnet (2023)."""

POSITION_SIDES = {LONG_LEG: PositionSide.LONG, SHORT_LEG: PositionSide.SHORT}
"""``positionIdx`` in hedge mode; 0 is the one position of one-way mode."""

USER_TRADE = "Trade"
FUNDING = "Funding"


def _order_type(item: types.Order, side: Side) -> OrderType:
    limit = item.orderType == "Limit"
    if not limit and item.orderType != "Market":
        return OrderType.UNKNOWN
    origin = item.stopOrderType
    if origin in _NOT_CONDITIONAL:
        return OrderType.LIMIT if limit else OrderType.MARKET
    if origin == "TrailingStop":
        return OrderType.TRAILING_STOP
    stop: bool | None = None
    if origin in _TAKE_PROFIT or origin in _STOP_LOSS:
        stop = origin in _STOP_LOSS
    elif origin in _BY_DIRECTION and (direction := _direction(item)):
        stop = (direction == RISES) is (side is Side.BUY)
    if stop is None:
        return OrderType.UNKNOWN
    if stop:
        return OrderType.STOP_LOSS_LIMIT if limit else OrderType.STOP_LOSS
    return OrderType.TAKE_PROFIT_LIMIT if limit else OrderType.TAKE_PROFIT


def _direction(item: types.Order) -> int:
    """Return which way the price has to move; 0: neither stated nor told by the price when the order came."""
    if item.triggerDirection in (RISES, FALLS):
        return item.triggerDirection
    then = positive(item.basePrice or item.lastPriceOnCreated, "lastPriceOnCreated")
    trigger = positive(item.triggerPrice, "triggerPrice")
    if then is None or trigger is None or then == trigger:
        return 0
    return RISES if trigger > then else FALLS


def _in_quote(item: types.Order, category: Category) -> bool:
    """Say whether ``qty`` is an amount of quote: of spot market orders only, and by default of those that buy."""
    if category is not Category.SPOT or item.orderType != "Market":
        return False
    return item.marketUnit == "quoteCoin" or (item.marketUnit == "" and item.side == "Buy")


def _is_spent(amount: Decimal, filled: Decimal, spent: Decimal | None, step: Decimal | None) -> bool:
    """Say whether what is left of an amount of quote is less than a step of quantity is worth.

    That step would have had the next price, which nobody states: it is taken to be below twice the average.
    """
    if spent is None:
        return False
    left = subtracted(amount, spent)
    return left <= 0 or (step is not None and multiplied(left, filled) < multiplied(added(step, step), spent))


def _status(item: types.Order, filled: Decimal, *, is_spent: bool) -> OrderStatus:
    if item.orderStatus == "Rejected" and filled:
        return OrderStatus.CANCELED
    if item.orderStatus == "PartiallyFilledCanceled" and is_spent and _ended_by_itself(item):
        return OrderStatus.FILLED  # canceled was what the quote amount could not buy any more
    return _STATUS.get(item.orderStatus, OrderStatus.UNKNOWN)


def _ended_by_itself(item: types.Order) -> bool:
    """Say whether nothing is stated of what else ended an order, such as a book that ran out."""
    return item.rejectReason in _NO_MORE_TO_BUY and item.cancelType in _NO_CANCEL


def _reason(item: types.Order) -> str:
    if item.orderStatus == "Filled":
        return ""  # a cancel that came too late leaves its own reason on a filled order
    if item.rejectReason not in _NO_REASON:
        return item.rejectReason
    return "" if item.cancelType in _ASKED_FOR else item.cancelType


def _filled_quote(item: types.Order, filled: Decimal, category: Category) -> Decimal | None:
    if category is Category.INVERSE:
        return filled  # the stated value is in base
    return decimal_from_wire(item.cumExecValue, field="cumExecValue") if item.cumExecValue else None


def to_order(item: types.Order, *, symbol: Symbol, category: Category, step: Decimal | None = None) -> OrderState:
    """Convert an order, queried or from the stream.

    Args:
        step: Smallest step of quantity: an amount of quote of which less is left is spent. ``None``: all of it must be.

    Raises:
        ItemRejected: Its side is unknown, or a number is none.
    """
    side = known(SIDES, item.side, field="side")
    filled = decimal_from_wire(item.cumExecQty or "0", field="cumExecQty")
    quantity = decimal_from_wire(item.qty, field="qty")
    in_quote = _in_quote(item, category)
    filled_quote = _filled_quote(item, filled, category)
    status = _status(item, filled, is_spent=in_quote and _is_spent(quantity, filled, filled_quote, step))
    conditional = item.stopOrderType not in _NOT_CONDITIONAL
    return OrderState(
        symbol=symbol,
        venue_order_id=item.orderId,
        client_order_id=item.orderLinkId or None,
        side=side,
        type=_order_type(item, side),
        status=status,
        quantity=None if in_quote else quantity,
        filled=filled,
        # A market order's price is the bound that the exchange put to it, not a limit of the caller's.
        price=positive(item.price, "price") if item.orderType == "Limit" else None,
        trigger_price=positive(item.triggerPrice, "triggerPrice"),
        quote_quantity=quantity if in_quote else None,
        filled_quote=filled_quote,
        average_price=positive(item.avgPrice or "", "avgPrice"),
        time_in_force=_TIME_IN_FORCE.get(item.timeInForce, TimeInForce.UNKNOWN),
        post_only=item.timeInForce in _POST_ONLY,
        reduce_only=item.reduceOnly,
        created_ns=ms_of(item.createdTime, "createdTime") * MS,
        updated_ns=ms_of(item.updatedTime, "updatedTime") * MS,
        raw_status=item.orderStatus,
        raw_type=f"{item.orderType}/{item.stopOrderType}" if conditional else item.orderType,
        raw_time_in_force=item.timeInForce,
        reason=_reason(item),
        position_side=POSITION_SIDES.get(item.positionIdx),
    )


def to_acknowledged(request: OrderRequest, ids: types.OrderIds, *, symbol: Symbol) -> OrderState:
    """Return what an acknowledgement proves of a new order: that Bybit has received it, and its id.

    It may still be refused. Any report is newer than this: the time is zero.
    """
    in_quote = request.quantity_unit is QuantityUnit.QUOTE
    return OrderState(
        symbol=symbol,
        venue_order_id=ids.orderId or None,
        client_order_id=request.client_order_id or ids.orderLinkId or None,
        side=request.side,
        type=request.type,
        status=OrderStatus.PENDING,
        quantity=None if in_quote else request.quantity,
        filled=Decimal(0),
        price=request.price,
        trigger_price=request.trigger_price,
        quote_quantity=request.quantity if in_quote else None,
        time_in_force=request.time_in_force,
        post_only=request.post_only,
        reduce_only=request.reduce_only,
        position_side=request.position_side,
    )


def to_amended(order: OrderState, ids: types.OrderIds) -> OrderState:
    """Return what an acknowledgement proves of an amendment: that it was received.

    It states no terms. Those that the order has are told by reports, all of which are newer than this.
    """
    return OrderState(
        symbol=order.symbol,
        venue_order_id=ids.orderId or order.venue_order_id,
        client_order_id=order.client_order_id,
        side=order.side,
        type=order.type,
        status=OrderStatus.PENDING,
        quantity=None,
        filled=Decimal(0),
    )


def fee_asset(item: types.Execution, symbol: Symbol, category: Category) -> str | None:
    """Return what a fee was paid in, where the exchange leaves that out on older rows too.

    Spot takes it out of what the order brings in; a maker who is paid for it is paid the other way round.
    """
    if item.feeCurrency:
        return item.feeCurrency
    if category is Category.INVERSE:
        return symbol.base
    if category is Category.LINEAR:
        return symbol.settle
    rebate = item.isMaker is True and item.feeRate.startswith("-")
    return symbol.base if (item.side == "Buy") is not rebate else symbol.quote


def to_fill(item: types.Execution, *, symbol: Symbol, category: Category, received_ns: int) -> Fill:
    """Convert an execution of the type ``Trade``; others are no fills of a user's order.

    Raises:
        ItemRejected: Its side is unknown, or a number is none.
    """
    return Fill(
        symbol=symbol,
        trade_id=item.execId,
        venue_order_id=item.orderId,
        side=known(SIDES, item.side, field="side"),
        price=decimal_from_wire(item.execPrice, field="execPrice"),
        quantity=decimal_from_wire(item.execQty, field="execQty"),
        exchange_ns=ms_of(item.execTime, "execTime") * MS,
        client_order_id=item.orderLinkId or None,
        fee=decimal_from_wire(item.execFee, field="execFee") if item.execFee else None,
        fee_asset=fee_asset(item, symbol, category) if item.execFee else None,
        liquidity=None if item.isMaker is None else Liquidity.MAKER if item.isMaker else Liquidity.TAKER,
        received_ns=received_ns,
    )


def to_funding_payment(
    item: types.Execution, *, symbol: Symbol, category: Category, received_ns: int
) -> FundingPayment:
    """Convert an execution of the type ``Funding``: its fee is what was paid, its side that of the position.

    Whether an account is in hedge mode is not said: the position's side is stated in one-way mode too. Of the rate its
    size is taken; its sign, by which longs pay where it is above zero, follows from who paid. Where nothing was paid it
    cannot be told, and a rate that is not zero is ``None``.

    Raises:
        ItemRejected: It states no fee, its side is unknown, or a number is none.
    """
    long = known(SIDES, item.side, field="side") is Side.BUY
    paid = decimal_from_wire(item.execFee, field="execFee")
    size = decimal_from_wire(item.execQty, field="execQty")
    rate = decimal_from_wire(item.feeRate, field="feeRate").copy_abs() if item.feeRate else None
    if rate and not paid:
        rate = None
    return FundingPayment(
        symbol=symbol,
        amount=negated(paid),
        asset=fee_asset(item, symbol, category) or "",
        exchange_ns=ms_of(item.execTime, "execTime") * MS,
        rate=rate if rate is None or (paid >= 0) is long else negated(rate),
        quantity=size if long else negated(size),
        received_ns=received_ns,
        side=PositionSide.LONG if long else PositionSide.SHORT,
    )
