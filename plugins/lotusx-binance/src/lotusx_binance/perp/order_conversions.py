"""Pure: orders and fills of USDⓈ-M futures → the model. What is sent is in `order_requests`."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from lotusx.model import (
    Fill,
    Liquidity,
    OrderState,
    OrderStatus,
    OrderType,
    PositionSide,
    Side,
    Symbol,
    TimeInForce,
    decimal_from_wire,
    known,
)
from lotusx_binance.conversions import MS
from lotusx_binance.perp import account_types as types
from lotusx_binance.perp.order_requests import ALGO

if TYPE_CHECKING:
    from lotusx.model import OrderRequest

SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
_TIME_IN_FORCE = {
    "GTC": TimeInForce.GTC,
    "IOC": TimeInForce.IOC,
    "FOK": TimeInForce.FOK,
    "GTD": TimeInForce.GTD,
    "GTX": TimeInForce.GTC,
}
_POST_ONLY = "GTX"
_TYPE = {
    "MARKET": OrderType.MARKET,
    "LIMIT": OrderType.LIMIT,
    "STOP": OrderType.STOP_LOSS_LIMIT,
    "STOP_MARKET": OrderType.STOP_LOSS,
    "TAKE_PROFIT": OrderType.TAKE_PROFIT_LIMIT,
    "TAKE_PROFIT_MARKET": OrderType.TAKE_PROFIT,
    "TRAILING_STOP_MARKET": OrderType.TRAILING_STOP,
}
POSITION_SIDES = {"BOTH": None, "LONG": PositionSide.LONG, "SHORT": PositionSide.SHORT}
_STATUS = {
    "NEW": OrderStatus.OPEN,
    "PARTIALLY_FILLED": OrderStatus.PARTIALLY_FILLED,
    "FILLED": OrderStatus.FILLED,
    "CANCELED": OrderStatus.CANCELED,
    "REJECTED": OrderStatus.REJECTED,
    "EXPIRED": OrderStatus.EXPIRED,
    "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,  # self-trade prevention
    "NEW_INSURANCE": OrderStatus.OPEN,  # a liquidation, as it is taken over
    "NEW_ADL": OrderStatus.OPEN,
}
_ALGO_STATUS = {
    "NEW": OrderStatus.PENDING,
    "TRIGGERING": OrderStatus.PENDING,
    "TRIGGERED": OrderStatus.PENDING,  # until the order that it became is told
    "CANCELED": OrderStatus.CANCELED,
    "REJECTED": OrderStatus.REJECTED,
    "EXPIRED": OrderStatus.EXPIRED,
}
FINISHED = "FINISHED"
"""The order that a conditional one became has ended, in whichever way."""
_DAY_NS = 86_400 * 1_000_000_000
UNFILLED_KEPT_NS = 3 * _DAY_NS
"""How long an order that was canceled or expired without a fill is found, from when it was placed."""
KEPT_NS = 90 * _DAY_NS
"""How long any other order is found."""
_EXPIRY_REASONS = {
    1: "self-trade prevention",
    2: "the rest of an IOC order",
    3: "the rest of an IOC order, by self-trade prevention",
    4: "another reduce-only order went before it, or the position turned",
    5: "liquidation",
    6: "the condition of its time in force",
    7: "the symbol was delisted",
    8: "replaced by the order that its stop became",
    9: "the rest of a market order",
}


def expiry_reason(code: str | int | None) -> str:
    """Write an expiry reason, number and words; "" for none."""
    if code is None or not str(code).isdecimal() or not int(code):
        return ""
    return f"er {code}: {_EXPIRY_REASONS.get(int(code), 'unknown to LotusX')}"


def _ordered(text: str | None, *, field: str, closes_position: bool) -> Decimal | None:
    """Read what was ordered; ``None``: whatever the position is when it triggers, which Binance writes as zero."""
    if closes_position and not text:
        return None
    quantity = decimal_from_wire(text or "", field=field)
    return None if closes_position and not quantity else quantity


def to_order(item: types.Order, *, symbol: Symbol) -> OrderState:
    """Convert an order, queried or answered; a thin reply states neither average price nor quote amount."""
    number = decimal_from_wire
    filled = number(item.executedQty, field="executedQty")
    average = None if item.avgPrice is None else number(item.avgPrice, field="avgPrice") or None
    return OrderState(
        symbol,
        str(item.orderId),
        item.clientOrderId or None,
        known(SIDES, item.side, field="side"),
        _TYPE.get(item.origType) or _TYPE.get(item.type, OrderType.UNKNOWN),
        _STATUS.get(item.status, OrderStatus.UNKNOWN),
        _ordered(item.origQty, field="origQty", closes_position=item.closePosition),
        filled,
        price=number(item.price, field="price") or None,
        trigger_price=None if item.stopPrice is None else number(item.stopPrice, field="stopPrice") or None,
        filled_quote=None if item.cumQuote is None else number(item.cumQuote, field="cumQuote"),
        average_price=average,
        time_in_force=_TIME_IN_FORCE.get(item.timeInForce, TimeInForce.UNKNOWN),
        post_only=item.timeInForce == _POST_ONLY,
        reduce_only=item.reduceOnly,
        created_ns=None if item.time is None else item.time * MS,
        updated_ns=item.updateTime * MS,
        raw_status=item.status,
        raw_type=item.origType,
        raw_time_in_force=item.timeInForce,
        position_side=known(POSITION_SIDES, item.positionSide, field="positionSide"),
    )


def to_conditional(item: types.AlgoOrder, *, symbol: Symbol) -> OrderState:
    """Convert a conditional order as it waits; what it became is an order of its own."""
    number = decimal_from_wire
    return OrderState(
        symbol,
        f"{ALGO}{item.algoId}",
        item.clientAlgoId or None,
        known(SIDES, item.side, field="side"),
        _TYPE.get(item.kind, OrderType.UNKNOWN),
        _ALGO_STATUS.get(item.algoStatus, OrderStatus.UNKNOWN),
        _ordered(item.quantity, field="quantity", closes_position=item.closePosition),
        Decimal(0),
        price=number(item.price, field="price") or None if item.price else None,
        trigger_price=number(item.triggerPrice, field="triggerPrice") or None if item.triggerPrice else None,
        time_in_force=_TIME_IN_FORCE.get(item.timeInForce, TimeInForce.UNKNOWN),
        post_only=item.timeInForce == _POST_ONLY,
        reduce_only=item.reduceOnly,
        created_ns=item.createTime * MS,
        updated_ns=item.updateTime * MS,
        raw_status=item.algoStatus,
        raw_type=item.kind,
        raw_time_in_force=item.timeInForce,
        position_side=known(POSITION_SIDES, item.positionSide, field="positionSide"),
    )


def to_triggered(child: OrderState, parent: OrderState) -> OrderState:
    """Tell the order that a conditional one became under our id, as the kind of order that was asked for.

    It was created when that was. Of its own times only those of changes are told, by which it is the newer of the two.
    """
    return replace(
        child,
        created_ns=None,
        client_order_id=parent.client_order_id,
        type=parent.type,
        raw_type=parent.raw_type,
        trigger_price=parent.trigger_price,
    )


def to_lost(item: types.AlgoOrder, *, symbol: Symbol, is_unfilled: bool) -> OrderState:
    """Tell of the order that a finished conditional one became, which the exchange does not find.

    Args:
        is_unfilled: It is proved to have ended without a fill. Otherwise it has ended in a way nobody knows: what
            executed last is not to be seen at once.
    """
    parent = to_conditional(item, symbol=symbol)
    status = OrderStatus.CANCELED if is_unfilled else OrderStatus.UNKNOWN
    return replace(parent, venue_order_id=item.actualOrderId, status=status, created_ns=None)


def may_be_forgotten(earliest_ns: int, latest_ns: int, now_ns: int) -> bool:
    """Say whether only an end without a fill explains that an order is not found.

    Such orders are forgotten three days after they were placed, all others after ninety.

    Args:
        earliest_ns, latest_ns: Between which it was placed.
    """
    return now_ns - latest_ns > UNFILLED_KEPT_NS and now_ns - earliest_ns < KEPT_NS


def to_unfilled(request: OrderRequest, text: str) -> OrderState:
    """Tell of a fill-or-kill order that could not be filled: Binance refuses it, and keeps no record of it."""
    return OrderState(
        request.symbol,
        None,
        request.client_order_id,
        request.side,
        request.type,
        OrderStatus.EXPIRED,
        request.quantity,
        Decimal(0),
        price=request.price,
        time_in_force=request.time_in_force,
        reduce_only=request.reduce_only,
        position_side=request.position_side,
        raw_status="EXPIRED",
        reason=text,
    )


def to_fill(item: types.AccountTrade, *, symbol: Symbol, received_ns: int) -> Fill:
    """Convert one item of ``userTrades``."""
    return Fill(
        symbol,
        str(item.id),
        str(item.orderId),
        known(SIDES, item.side, field="side"),
        decimal_from_wire(item.price, field="price"),
        decimal_from_wire(item.qty, field="qty"),
        item.time * MS,
        fee=decimal_from_wire(item.commission, field="commission"),
        fee_asset=item.commissionAsset,
        liquidity=Liquidity.MAKER if item.maker else Liquidity.TAKER,
        received_ns=received_ns,
    )


def to_updated(
    update: types.OrderUpdate, *, symbol: Symbol, client_order_id: str, received_ns: int
) -> tuple[OrderState, Fill | None]:
    """Convert an ``ORDER_TRADE_UPDATE``: the order's new state, and the fill if it was one."""
    number = decimal_from_wire
    side = known(SIDES, update.S, field="S")
    fill = None
    if update.x in ("TRADE", "CALCULATED") and update.t > 0:  # CALCULATED: a liquidation, or auto-deleveraging
        fill = Fill(
            symbol,
            str(update.t),
            str(update.i),
            side,
            number(update.L, field="L"),
            number(update.l, field="l"),
            update.T * MS,
            client_order_id or None,
            None if update.n is None or update.N is None else number(update.n, field="n"),
            update.N,
            Liquidity.MAKER if update.m else Liquidity.TAKER,
            received_ns,
        )
    state = OrderState(
        symbol,
        str(update.i),
        client_order_id or None,
        side,
        _TYPE.get(update.ot) or _TYPE.get(update.o, OrderType.UNKNOWN),
        _STATUS.get(update.X, OrderStatus.UNKNOWN),
        _ordered(update.q, field="q", closes_position=update.cp),
        number(update.z, field="z"),
        price=number(update.p, field="p") or None,
        trigger_price=None if update.sp is None else number(update.sp, field="sp") or None,
        average_price=number(update.ap, field="ap") or None,
        time_in_force=_TIME_IN_FORCE.get(update.f, TimeInForce.UNKNOWN),
        post_only=update.f == _POST_ONLY,
        reduce_only=update.R,
        updated_ns=update.T * MS,
        raw_status=update.X,
        raw_type=update.ot,
        raw_time_in_force=update.f,
        position_side=known(POSITION_SIDES, update.ps, field="ps"),
        reason=expiry_reason(update.er),
        fills=() if fill is None else (fill,),
    )
    return state, fill


def to_algo_states(update: types.AlgoUpdateOrder, *, symbol: Symbol, updated_ms: int) -> list[OrderState]:
    """Convert an ``ALGO_UPDATE``. Once it has triggered: first the order that it became, then the end of its waiting.

    ``FINISHED`` does not say how that order ended; its own events do.
    """
    number = decimal_from_wire
    status = _ALGO_STATUS.get(update.X, OrderStatus.UNKNOWN)
    waiting = OrderState(
        symbol,
        f"{ALGO}{update.aid}",
        update.caid or None,
        known(SIDES, update.S, field="S"),
        _TYPE.get(update.o, OrderType.UNKNOWN),
        status,
        _ordered(update.q, field="q", closes_position=update.cp),
        Decimal(0),
        price=number(update.p, field="p") or None,
        trigger_price=number(update.tp, field="tp") or None,
        time_in_force=_TIME_IN_FORCE.get(update.f, TimeInForce.UNKNOWN),
        post_only=update.f == _POST_ONLY,
        reduce_only=update.R,
        updated_ns=updated_ms * MS,
        raw_status=update.X,
        raw_type=update.o,
        raw_time_in_force=update.f,
        position_side=known(POSITION_SIDES, update.ps, field="ps"),
        reason=update.rm if status.is_terminal else "",
    )
    if not update.ai:
        return [waiting]
    filled = number(update.aq, field="aq")
    child = replace(waiting, venue_order_id=update.ai, filled=filled, status=_status_of_child(waiting, filled))
    ended = replace(waiting, status=OrderStatus.CANCELED, reason=f"it triggered, and is order {update.ai} now")
    return [child, ended]


def _status_of_child(waiting: OrderState, filled: Decimal) -> OrderStatus:
    if waiting.raw_status == FINISHED and filled and filled == waiting.quantity:
        return OrderStatus.FILLED
    if waiting.status is OrderStatus.PENDING:
        return OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.OPEN
    return waiting.status
