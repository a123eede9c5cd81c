"""Pure: Hyperliquid's orders, fills and holdings → the model. What is sent is written in `order_requests`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from lotusx.errors import ItemRejected
from lotusx.model import (
    Balance,
    Fill,
    FundingPayment,
    InstrumentKind,
    Liquidity,
    MarginMode,
    OrderState,
    OrderStatus,
    OrderType,
    Position,
    Symbol,
    TimeInForce,
    decimal_from_wire,
    known,
    subtracted,
)
from lotusx_hyperliquid import account_types as types
from lotusx_hyperliquid.conversions import MS, SIDE

if TYPE_CHECKING:
    from lotusx.model import OrderRequest  # imports pydantic: not needed before an order is written

Ours = Callable[[str], str]
"""Turns a cloid into the client order id that it stands for."""

_TIME_IN_FORCE = {
    "Gtc": TimeInForce.GTC,
    "Alo": TimeInForce.GTC,
    "Ioc": TimeInForce.IOC,
    "FrontendMarket": TimeInForce.IOC,
    "LiquidationMarket": TimeInForce.IOC,
}
_TYPE = {
    "Limit": OrderType.LIMIT,
    "Market": OrderType.MARKET,
    "Stop Market": OrderType.STOP_LOSS,
    "Stop Limit": OrderType.STOP_LOSS_LIMIT,
    "Take Profit Market": OrderType.TAKE_PROFIT,
    "Take Profit Limit": OrderType.TAKE_PROFIT_LIMIT,
}
_STATUS = {
    "open": OrderStatus.OPEN,
    "filled": OrderStatus.FILLED,
    "canceled": OrderStatus.CANCELED,
    "rejected": OrderStatus.REJECTED,
    "triggered": OrderStatus.OPEN,  # on its way into the book: it keeps its id
    "scheduledCancel": OrderStatus.CANCELED,
    "internalCancel": OrderStatus.CANCELED,
    "iocCancelRejected": OrderStatus.EXPIRED,  # found nothing to match: the end of an IOC order
    "waitingForFill": OrderStatus.PENDING,
    "waitingForTrigger": OrderStatus.PENDING,
}
# New words appear; these endings have stayed.
_ENDINGS = (
    ("Rejected", OrderStatus.REJECTED),
    ("Canceled", OrderStatus.CANCELED),
    ("Cancel", OrderStatus.CANCELED),
)
_PLAIN_ENDS = ("filled", "canceled")
_MARGIN_MODE = {"cross": MarginMode.CROSS, "isolated": MarginMode.ISOLATED}
_ZERO = Decimal(0)


def to_status(word: str) -> OrderStatus:
    """Return where an order stands; ``UNKNOWN`` for words that are new in every part."""
    status = _STATUS.get(word)
    if status is not None:
        return status
    return next((status for ending, status in _ENDINGS if word.endswith(ending)), OrderStatus.UNKNOWN)


def _executed(status: OrderStatus, quantity: Decimal, remaining: Decimal) -> Decimal:
    """Return what an order has executed, as far as its report proves it.

    What an ended order leaves in ``sz`` is documented for no path: nothing is concluded from a rest of zero, except of
    one that has filled; fills say more.
    """
    proves_nothing = status.is_terminal and status is not OrderStatus.FILLED and not remaining
    if status is OrderStatus.REJECTED or proves_nothing:
        return _ZERO
    return max(subtracted(quantity, remaining), _ZERO)


def to_order(
    order: types.OrderCore,
    *,
    symbol: Symbol,
    ours: Ours,
    status: str | None = None,
    updated_ms: int | None = None,
) -> OrderState:
    """Convert an order as a stream, a query or a list describes it.

    Args:
        status: The exchange's word; ``None``: it was listed as open.
        updated_ms: When it came to stand there; ``None``: not stated.

    Raises:
        ItemRejected: Its side is unknown, or its original size is not stated.
    """
    number = decimal_from_wire
    word = status or "open"
    where = to_status(word)
    remaining = number(order.sz, field="sz")
    if order.origSz is None:  # the short listing lacks it; taking what remains for the whole would lose what executed
        raise ItemRejected("an order without the size it was placed for", field="origSz", value="")
    quantity = number(order.origSz, field="origSz")
    filled = _executed(where, quantity, remaining)
    kind = _TYPE.get(order.orderType or "", OrderType.UNKNOWN)
    waiting = order.isTrigger or kind.is_conditional
    if where is OrderStatus.OPEN and waiting and word != "triggered":
        where = OrderStatus.PENDING
    elif where is OrderStatus.OPEN and filled:
        where = OrderStatus.PARTIALLY_FILLED
    price = number(order.limitPx, field="limitPx")
    trigger = None if order.triggerPx is None else number(order.triggerPx, field="triggerPx")
    return OrderState(
        symbol=symbol,
        venue_order_id=str(order.oid),
        client_order_id=ours(order.cloid) if order.cloid else None,
        side=known(SIDE, order.side, field="side"),
        type=kind,
        status=where,
        quantity=quantity or None,  # 0: it follows the position
        filled=filled,
        # What a market order carries as its price is how far it may go.
        price=None if kind in (OrderType.MARKET, OrderType.STOP_LOSS, OrderType.TAKE_PROFIT) else price or None,
        trigger_price=trigger or None,
        time_in_force=_TIME_IN_FORCE.get(order.tif, TimeInForce.UNKNOWN) if order.tif else None,
        post_only=order.tif == "Alo",
        reduce_only=bool(order.reduceOnly),
        created_ns=order.timestamp * MS,
        updated_ns=(order.timestamp if updated_ms is None else updated_ms) * MS,
        raw_status=word,
        raw_type=order.orderType or "",
        raw_time_in_force=order.tif or "",
        reason=word if where.is_terminal and word not in _PLAIN_ENDS else "",
    )


def to_report(report: types.OrderReport, *, symbol: Symbol, ours: Ours) -> OrderState:
    """Convert a report: an order and where it stands."""
    return to_order(report.order, symbol=symbol, ours=ours, status=report.status, updated_ms=report.statusTimestamp)


def _default_time_in_force(kind: OrderType) -> TimeInForce | None:
    if kind is OrderType.MARKET:
        return TimeInForce.IOC
    return TimeInForce.GTC if kind is OrderType.LIMIT else None


def asked_for(request: OrderRequest) -> OrderState:
    """Return the order that *request* asks for, in nobody's hands yet."""
    return OrderState(
        symbol=request.symbol,
        venue_order_id=None,
        client_order_id=request.client_order_id,
        side=request.side,
        type=request.type,
        status=OrderStatus.UNKNOWN,
        quantity=request.quantity,
        filled=_ZERO,
        price=request.price,
        trigger_price=request.trigger_price,
        time_in_force=request.time_in_force or _default_time_in_force(request.type),
        post_only=request.post_only,
        reduce_only=request.reduce_only,
    )


def to_answer(answer: str | types.ItemStatus, order: OrderState) -> OrderState:
    """Convert what became of one order of an action. The answer states no time, and no fills.

    Args:
        order: As it was asked for.

    Raises:
        ItemRejected: The answer is of no known kind: what became of the order is open.
    """
    if isinstance(answer, str):
        where = _STATUS.get(answer)
        if where is not OrderStatus.PENDING:
            raise ItemRejected(f"unknown answer {answer!r} to an order", field="statuses", value=answer)
        return replace(order, status=where, raw_status=answer)
    if answer.resting is not None:
        where = OrderStatus.PENDING if order.type.is_conditional else OrderStatus.OPEN
        return replace(order, venue_order_id=str(answer.resting.oid), status=where, raw_status="resting")
    if answer.filled is None:
        raise ItemRejected("an answer to an order says nothing of it", field="statuses")
    filled = decimal_from_wire(answer.filled.totalSz, field="totalSz")
    where = OrderStatus.FILLED
    if order.quantity is not None and filled < order.quantity:  # what an order that takes at once leaves is let go
        at_once = order.time_in_force is TimeInForce.IOC
        where = OrderStatus.EXPIRED if at_once else OrderStatus.PARTIALLY_FILLED
    return replace(
        order,
        venue_order_id=str(answer.filled.oid),
        status=where,
        filled=filled,
        average_price=decimal_from_wire(answer.filled.avgPx, field="avgPx"),
        raw_status="filled",
    )


def to_unfilled(order: OrderState, text: str) -> OrderState:
    """Return the end of an order that takes at once or not at all, and found nothing: no mistake, and no order."""
    return replace(order, status=OrderStatus.EXPIRED, raw_status="error", reason=text)


def to_fill(item: types.UserFill, *, symbol: Symbol, ours: Ours, received_ns: int) -> Fill:
    """Convert one match. Both sides of a trade share its id.

    Raises:
        ItemRejected: Its side is unknown.
    """
    number = decimal_from_wire
    # Records of 2023 have no trade id, and all dust conversions the same, 0: then what happened, and when, must do.
    place = f"{item.time}:{item.oid}:{item.px}:{item.sz}:{item.startPosition}"
    return Fill(
        symbol=symbol,
        trade_id=str(item.tid) if item.tid else place,
        venue_order_id=str(item.oid),
        side=known(SIDE, item.side, field="side"),
        price=number(item.px, field="px"),
        quantity=number(item.sz, field="sz"),
        exchange_ns=item.time * MS,
        client_order_id=ours(item.cloid) if item.cloid else None,
        fee=number(item.fee, field="fee"),
        fee_asset=item.feeToken,
        liquidity=Liquidity.TAKER if item.crossed else Liquidity.MAKER,
        received_ns=received_ns,
    )


def to_position(item: types.PositionData, *, symbol: Symbol, updated_ms: int) -> Position:
    """Convert one open position; its value is at the mark price, which is not stated beside it."""
    number = decimal_from_wire
    return Position(
        symbol=symbol,
        kind=InstrumentKind.LINEAR,
        quantity=number(item.szi, field="szi"),
        entry_price=None if item.entryPx is None else number(item.entryPx, field="entryPx"),
        unrealized_pnl=number(item.unrealizedPnl, field="unrealizedPnl"),
        liquidation_price=None if item.liquidationPx is None else number(item.liquidationPx, field="liquidationPx"),
        leverage=Decimal(item.leverage.value),
        margin_mode=to_margin_mode(item.leverage.type),
        margin=number(item.marginUsed, field="marginUsed"),
        updated_ns=updated_ms * MS,
    )


def to_margin_mode(word: str) -> MarginMode:
    """Return the margin mode; ``UNKNOWN`` for a new word."""
    return _MARGIN_MODE.get(word, MarginMode.UNKNOWN)


SPOT_WALLET = "spot"
PERP_WALLET = "perp"


def wallet_of(dex: str) -> str:
    """Return the name of a dex's wallet: ``perp``, ``perp:xyz``."""
    return f"{PERP_WALLET}:{dex}" if dex else PERP_WALLET


def to_spot_balance(item: types.SpotBalance, *, asset: str) -> Balance:
    """Convert the balance of one token, which we call *asset*; in the unified account model this is all there is."""
    number = decimal_from_wire
    total, hold = number(item.total, field="total"), number(item.hold, field="hold")
    return Balance(asset, subtracted(total, hold), hold, total, wallet=SPOT_WALLET)


def to_margin_balance(state: types.PerpState, *, asset: str, dex: str) -> Balance:
    """Convert what a dex holds in the classic account model: profit and loss of its positions are part of it."""
    number = decimal_from_wire
    total = number(state.marginSummary.accountValue, field="accountValue")
    free = number(state.withdrawable, field="withdrawable")
    return Balance(asset, free, subtracted(total, free), total, state.time * MS, wallet=wallet_of(dex))


def to_payment(
    item: types.FundingDelta | types.UserFunding, *, symbol: Symbol, asset: str, time_ms: int, received_ns: int = 0
) -> FundingPayment:
    """Convert one funding payment."""
    number = decimal_from_wire
    return FundingPayment(
        symbol=symbol,
        amount=number(item.usdc, field="usdc"),
        asset=asset,
        exchange_ns=time_ms * MS,
        rate=number(item.fundingRate, field="fundingRate"),
        quantity=number(item.szi, field="szi"),
        received_ns=received_ns,
    )
