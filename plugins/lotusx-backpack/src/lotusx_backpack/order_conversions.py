"""Pure: Backpack's orders and fills → the model. What is sent is written in `order_requests`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from lotusx.errors import ItemRejected, LotusXError, exchange_error
from lotusx.model import (
    Fill,
    Liquidity,
    OrderState,
    OrderStatus,
    OrderType,
    Symbol,
    TimeInForce,
    decimal_from_wire,
    known,
    quotient,
)
from lotusx_backpack import account_types as types
from lotusx_backpack.conversions import SIDE
from lotusx_backpack.errors import expiry_kind, item_error
from lotusx_backpack.times import US, Whole, moment_ns, whole

if TYPE_CHECKING:
    from lotusx.model import OrderRequest  # imports pydantic: not needed before an order is written

Ours = Callable[[int], str]
"""Turns a number of the exchange's into the client order id that it stands for."""

_TIME_IN_FORCE = {"GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK}
_TYPE = {"LIMIT": OrderType.LIMIT, "MARKET": OrderType.MARKET}  # streams write capitals
_STATUS = {
    "New": OrderStatus.OPEN,
    "PartiallyFilled": OrderStatus.PARTIALLY_FILLED,
    "Filled": OrderStatus.FILLED,
    "Cancelled": OrderStatus.CANCELED,
    "Expired": OrderStatus.EXPIRED,
    "TriggerPending": OrderStatus.PENDING,
    "Triggered": OrderStatus.OPEN,
    "TriggerFailed": OrderStatus.REJECTED,
}
_FILL = "orderFill"
_EXPIRED = "Expired"
TRIGGERED = "Triggered"
"""An order that waited for its trigger, and goes on under another id if it names one. Known to one client only."""

_batch = msgspec.json.Decoder(types.BatchPlaced | types.BatchRefused).decode


def to_status(word: str, filled: Decimal, reason: str = "") -> OrderStatus:
    """Return where an order stands; ``UNKNOWN`` for a new word.

    What expired unexecuted for a reason that stands for a refusal was rejected.
    """
    status = _STATUS.get(word, OrderStatus.UNKNOWN)
    if status is OrderStatus.OPEN and filled:
        return OrderStatus.PARTIALLY_FILLED
    if status is OrderStatus.EXPIRED and not filled and expiry_kind(reason) is not None:
        return OrderStatus.REJECTED
    return status


def _client_order_id(number: Whole | None, ours: Ours, field: str) -> str | None:
    return None if number is None or number == "" else ours(whole(number, field=field))


def _amount(text: str | None, field: str) -> Decimal | None:
    """Read a quantity or a price; zero says that there is none."""
    return None if text is None else decimal_from_wire(text, field=field) or None


def _state(
    *,
    symbol: Symbol,
    order_id: str,
    client_order_id: str | None,
    side: str,
    kind: str,
    status: str,
    time_in_force: str,
    quantity: str | None,
    quote_quantity: str | None,
    trigger_quantity: str | None,
    filled: str,
    filled_quote: str,
    price: str | None,
    trigger_price: str | None,
    post_only: bool | None,
    reduce_only: bool | None,
    created_ns: int | None,
    updated_ns: int,
    version: int,
    reason: str,
    fills: tuple[Fill, ...] = (),
) -> OrderState:
    executed = decimal_from_wire(filled, field="executedQuantity")
    spent = decimal_from_wire(filled_quote, field="executedQuoteQuantity")
    wanted = _amount(quantity, "quantity")
    if wanted is None and trigger_quantity is not None and not trigger_quantity.endswith("%"):
        wanted = _amount(trigger_quantity, "triggerQuantity")
    trigger = _amount(trigger_price, "triggerPrice")
    return OrderState(
        symbol=symbol,
        venue_order_id=order_id,
        client_order_id=client_order_id,
        side=known(SIDE, side, field="side"),
        # With a trigger it is a stop or a take-profit: reports do not say which.
        type=_TYPE.get(kind.upper(), OrderType.UNKNOWN) if trigger is None else OrderType.UNKNOWN,
        status=to_status(status, executed, reason),
        quantity=wanted,
        filled=executed,
        price=_amount(price, "price"),
        trigger_price=trigger,
        quote_quantity=_amount(quote_quantity, "quoteQuantity") if wanted is None else None,
        filled_quote=spent,
        average_price=quotient(spent, executed) if executed else None,
        time_in_force=_TIME_IN_FORCE.get(time_in_force, TimeInForce.UNKNOWN),
        post_only=bool(post_only),
        reduce_only=bool(reduce_only),
        created_ns=created_ns,
        updated_ns=updated_ns,
        version=version,
        raw_status=status,
        raw_type=kind,
        raw_time_in_force=time_in_force,
        reason=reason,
        fills=fills,
    )


def to_order(item: types.Order, *, symbol: Symbol, ours: Ours, as_of_ns: int | None = None) -> OrderState:
    """Convert an order that was placed, canceled, asked for or listed.

    Args:
        as_of_ns: Exchange time from which the report certainly is, such as when the engine was asked; ``None``: not
            known, as in the history, which lags. The report itself states only when the order was made.

    Raises:
        ItemRejected: Its side is unknown, or something in it is no number.
    """
    created_ns = moment_ns(item.createdAt, field="createdAt")
    triggered_ns = 0 if item.triggeredAt is None else moment_ns(item.triggeredAt, field="triggeredAt")
    state = _state(
        symbol=symbol,
        order_id=item.id,
        client_order_id=_client_order_id(item.clientId, ours, "clientId"),
        side=item.side,
        kind=item.orderType,
        status=item.status,
        time_in_force=item.timeInForce,
        quantity=item.quantity,
        quote_quantity=item.quoteQuantity,
        trigger_quantity=item.triggerQuantity,
        filled=item.executedQuantity,
        filled_quote=item.executedQuoteQuantity,
        price=item.price,
        trigger_price=item.triggerPrice,
        post_only=item.postOnly,
        reduce_only=item.reduceOnly,
        created_ns=created_ns,
        updated_ns=max(created_ns, triggered_ns, as_of_ns or 0),
        version=0,
        reason=item.expiryReason or "",
    )
    if item.status == TRIGGERED and item.relatedOrderId not in (None, "", item.id):
        return to_waited(state, str(item.relatedOrderId))
    return state


def to_waited(state: OrderState, now_id: str) -> OrderState:
    """Tell the end of an order that waited for its trigger, which goes on under another id."""
    reason = f"it triggered, and is order {now_id} now"
    return replace(state, status=OrderStatus.CANCELED, raw_status=TRIGGERED, reason=reason, fills=())


def to_answer(
    item: types.Order, request: OrderRequest, *, exchange: str, symbol: Symbol, ours: Ours
) -> OrderState | LotusXError:
    """Convert the reply to a new order: its state, or the error of a refusal that looks like a success.

    What expired at once and unexecuted was refused, unless it was to end so. Replies state no reason: that a post-only
    order would have taken is the one that is supposed. The exchange does not repeat the type, which we know.
    """
    state = replace(to_order(item, symbol=symbol, ours=ours), type=request.type)
    if item.status != _EXPIRED or state.filled:
        return state
    supposed = "PostOnlyTaker" if request.post_only else ""
    kind = expiry_kind(item.expiryReason or supposed)
    if kind is None:
        return state
    text = f"order {item.id} expired at once: {item.expiryReason or f'no reason is given, supposedly {supposed}'}"
    return exchange_error(kind, exchange, item.expiryReason or _EXPIRED, text, http_status=200)


def to_batch_answer(
    document: msgspec.Raw, request: OrderRequest, *, exchange: str, symbol: Symbol, ours: Ours
) -> OrderState | LotusXError:
    """Convert what became of one order of a batch: its state, or the error of its refusal.

    Raises:
        ItemRejected: The answer is of no known form: what became of the order is open.
    """
    try:
        item = _batch(document)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ItemRejected(f"not the answer to an order of a batch ({error})", field="operation") from None
    if isinstance(item, types.BatchRefused):
        return item_error(exchange, item.code, item.message or item.code)
    return to_answer(item, request, exchange=exchange, symbol=symbol, ours=ours)


def to_fill(item: types.Fill, *, symbol: Symbol, ours: Ours, received_ns: int) -> Fill:
    """Convert one match from the history.

    Raises:
        ItemRejected: Its side is unknown, or something in it is no number.
    """
    # Where there is no trade id, what happened, and when, must do.
    place = f"{item.orderId}:{item.timestamp}:{item.price}:{item.quantity}"
    return Fill(
        symbol=symbol,
        trade_id=place if item.tradeId is None else str(item.tradeId),
        venue_order_id=item.orderId,
        side=known(SIDE, item.side, field="side"),
        price=decimal_from_wire(item.price, field="price"),
        quantity=decimal_from_wire(item.quantity, field="quantity"),
        exchange_ns=moment_ns(item.timestamp, field="timestamp"),
        client_order_id=_client_order_id(item.clientId, ours, "clientId"),
        fee=decimal_from_wire(item.fee, field="fee"),
        fee_asset=item.feeSymbol,
        liquidity=Liquidity.MAKER if item.isMaker else Liquidity.TAKER,
        received_ns=received_ns,
    )


def _streamed_fill(event: types.OrderEvent, symbol: Symbol, ours: Ours, received_ns: int) -> Fill:
    if event.t is None or event.l is None or event.L is None:
        raise ItemRejected("a fill without trade id, quantity or price", field="t", value=str(event.i))
    return Fill(
        symbol=symbol,
        trade_id=str(event.t),
        venue_order_id=str(event.i),
        side=known(SIDE, event.S, field="S"),
        price=decimal_from_wire(event.L, field="L"),
        quantity=decimal_from_wire(event.l, field="l"),
        exchange_ns=whole(event.T, field="T") * US,
        client_order_id=_client_order_id(event.c, ours, "c"),
        fee=None if event.n is None or event.N is None else decimal_from_wire(event.n, field="n"),
        fee_asset=event.N,
        liquidity=None if event.m is None else Liquidity.MAKER if event.m else Liquidity.TAKER,
        received_ns=received_ns,
    )


def to_report(event: types.OrderEvent, *, symbol: Symbol, ours: Ours, received_ns: int) -> OrderState:
    """Convert an ``orderUpdate``; its ``fills`` hold the match it tells of, if it tells of one.

    Raises:
        ItemRejected: Its side is unknown, something in it is no number, or a match lacks a part.
    """
    return _state(
        symbol=symbol,
        order_id=str(event.i),
        client_order_id=_client_order_id(event.c, ours, "c"),
        side=event.S,
        kind=event.o,
        status=event.X,
        time_in_force=event.f,
        quantity=event.q,
        quote_quantity=event.Q,
        trigger_quantity=event.Y,
        filled=event.z,
        filled_quote=event.Z,
        price=event.p,
        trigger_price=event.P,
        post_only=event.y,
        reduce_only=event.r,
        created_ns=None,
        updated_ns=whole(event.T, field="T") * US,
        version=whole(event.E, field="E"),
        reason=event.R or "",
        fills=(_streamed_fill(event, symbol, ours, received_ns),) if event.e == _FILL else (),
    )
