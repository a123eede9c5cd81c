"""Pure: what is asked of USDⓈ-M futures, from the model's words into the exchange's."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from lotusx.errors import InvalidArgument, NotSupported
from lotusx.model import OrderState, OrderType, PositionSide, QuantityUnit, Side, TimeInForce, plain, shifted
from lotusx.plugin import Amendment, OrderRef
from lotusx_binance.account_orders import named
from lotusx_binance.order_requests import SIDES, add_native

if TYPE_CHECKING:
    from lotusx.model import OrderRequest  # imports pydantic: not needed before an order is written

EXCHANGE = "binance-perp"
ALGO = "algo:"
"""Before the id of a conditional order in ``venue_order_id``: these count apart from orders."""

_TIME_IN_FORCE = {
    TimeInForce.GTC: "GTC",
    TimeInForce.IOC: "IOC",
    TimeInForce.FOK: "FOK",
    TimeInForce.GTD: "GTD",
}
_CONDITIONAL = {
    OrderType.STOP_LOSS: "STOP_MARKET",
    OrderType.STOP_LOSS_LIMIT: "STOP",
    OrderType.TAKE_PROFIT: "TAKE_PROFIT_MARKET",
    OrderType.TAKE_PROFIT_LIMIT: "TAKE_PROFIT",
    OrderType.TRAILING_STOP: "TRAILING_STOP_MARKET",
}
_POSITION_SIDE = {PositionSide.LONG: "LONG", PositionSide.SHORT: "SHORT"}
_S = 1_000_000_000
SHORTEST_LIFE_S = 600
"""How far ahead the end of a GTD order must lie; an order that ends sooner is refused with -5040."""
_CALLBACKS = (Decimal("0.001"), Decimal("0.2"))
"""Least and largest distance of a trailing stop; the latter was 0.1 until 2026-10-23."""


def algo_id(venue_order_id: str | None) -> int | None:
    """Return the number of a conditional order; ``None``: it names another order, or none.

    Raises:
        InvalidArgument: What follows the mark is no number.
    """
    if venue_order_id is None or not venue_order_id.startswith(ALGO):
        return None
    number = venue_order_id.removeprefix(ALGO)
    if not number.isdecimal():
        raise InvalidArgument(f"{ALGO!r} in venue_order_id is followed by a number, not {number!r}")
    return int(number)


def _terms(request: OrderRequest, venue_symbol: str, kind: str, now_ns: int) -> dict[str, str | int]:
    """Write what orders of both services have."""
    if request.quantity_unit is QuantityUnit.QUOTE:
        raise NotSupported(EXCHANGE, "a quantity in quote", "a quantity in base units")
    if "closePosition" in request.native:
        raise NotSupported(
            EXCHANGE, "closePosition, which takes no quantity", "native.call('POST', '/fapi/v1/algoOrder', …)"
        )
    params: dict[str, str | int] = {"symbol": venue_symbol, "side": SIDES[request.side], "type": kind}
    time_in_force = request.time_in_force or TimeInForce.GTC
    if request.type.has_limit_price:
        if request.post_only and time_in_force is TimeInForce.GTD:
            raise NotSupported(EXCHANGE, "post_only with time in force GTD", "post_only, and a cancel of your own")
        params["timeInForce"] = "GTX" if request.post_only else _TIME_IN_FORCE[time_in_force]
    elif request.time_in_force not in (None, TimeInForce.GTC):
        raise InvalidArgument(
            f"time_in_force is not used by a {request.type} order; leave it out", rule="time_in_force"
        )
    if request.expires_ns is not None:
        params["goodTillDate"] = good_till(request.expires_ns, now_ns)
    params["quantity"] = plain(request.quantity)
    if request.price is not None:
        params["price"] = plain(request.price)
    if request.position_side is not None:
        params["positionSide"] = _POSITION_SIDE[request.position_side]
    if request.reduce_only:
        _write_reduce_only(params, request)
    return params


def _write_reduce_only(params: dict[str, str | int], request: OrderRequest) -> None:
    """Ask for it in one-way mode. In hedge mode it is implied: a long position cannot be sold beyond zero.

    Raises:
        InvalidArgument: In hedge mode, of an order that opens.
    """
    if request.position_side is None:
        params["reduceOnly"] = "true"
    elif (request.side is Side.BUY) is (request.position_side is PositionSide.LONG):
        raise InvalidArgument(f"a {request.side} opens a {request.position_side} position", rule="reduce_only")


def good_till(expires_ns: int, now_ns: int) -> int:
    """Write the end of a GTD order in ms; Binance counts it in whole seconds. *now_ns* is its time, not ours.

    Raises:
        InvalidArgument: It falls between two of them, which are named, or comes too soon.
    """
    seconds, rest = divmod(expires_ns, _S)
    if rest:
        nearest = (seconds * _S, (seconds + 1) * _S)
        text = f"expires_ns must be whole seconds; nearest: {nearest[0]}, {nearest[1]}"
        raise InvalidArgument(text, rule="expires_ns", nearest=nearest)
    first = now_ns // _S + SHORTEST_LIFE_S + 1
    if seconds < first:
        text = f"expires_ns must be more than {SHORTEST_LIFE_S} s ahead; the first that is: {first * _S}"
        raise InvalidArgument(text, rule="expires_ns", nearest=(first * _S,))
    return seconds * 1_000


def order_params(request: OrderRequest, venue_symbol: str, *, now_ns: int = 0) -> dict[str, str | int]:
    """Write the parameters of a limit or market order. Hedge mode needs a ``position_side``.

    Args:
        now_ns: The exchange's time, which only an order with an end is held against.

    Raises:
        NotSupported: There is no such order here.
        InvalidArgument: A part of it does not go with its type.
    """
    params = _terms(request, venue_symbol, "LIMIT" if request.type is OrderType.LIMIT else "MARKET", now_ns)
    if request.client_order_id is not None:
        params["newClientOrderId"] = request.client_order_id
    params["newOrderRespType"] = "RESULT"  # where it takes at once, the reply then tells the end
    return add_native(params, request)


def algo_params(request: OrderRequest, venue_symbol: str, *, now_ns: int = 0) -> dict[str, str | int]:
    """Write the parameters of a conditional order. The trigger is the last price unless ``workingType`` is given.

    Args:
        now_ns: As in `order_params`.

    Raises:
        NotSupported: There is no such order here.
        InvalidArgument: A part of it does not go with its type.
    """
    kind = request.type
    terms = _terms(request, venue_symbol, _CONDITIONAL[kind], now_ns)
    params: dict[str, str | int] = {"algoType": "CONDITIONAL", **terms}
    if kind is OrderType.TRAILING_STOP:
        if request.trailing_fraction is None:
            raise InvalidArgument(
                "trailing_fraction is missing: a trailing_stop order needs one", rule="trailing_fraction"
            )
        least, most = _CALLBACKS
        if not least <= request.trailing_fraction <= most:
            text = f"trailing_fraction must be {least} to {most}, not {request.trailing_fraction}"
            raise InvalidArgument(text, rule="trailing_fraction", nearest=_CALLBACKS)
        params["callbackRate"] = plain(shifted(request.trailing_fraction, 2))
    elif request.trailing_fraction is not None:
        raise InvalidArgument(f"trailing_fraction is not used by a {kind} order", rule="trailing_fraction")
    if request.trigger_price is not None:
        name = "activatePrice" if kind is OrderType.TRAILING_STOP else "triggerPrice"
        params[name] = plain(request.trigger_price)
    if request.client_order_id is not None:
        params["clientAlgoId"] = request.client_order_id
    return add_native(params, request)


def modify_params(order: OrderState, change: Amendment, venue_symbol: str) -> dict[str, str | int]:
    """Write the new terms of a limit order: all of them, changed or not. The quantity is the whole order's.

    Raises:
        NotSupported: Not a limit order, or one that waits for its trigger.
        InvalidArgument: So much is filled already: the exchange would cancel it.
    """
    quantity = order.quantity if change.quantity is None else change.quantity
    price = order.price if change.price is None else change.price
    if algo_id(order.venue_order_id) is not None or quantity is None or price is None:
        raise NotSupported(EXCHANGE, f"amending a {order.raw_type or order.type} order", "cancel, then place")
    if quantity <= order.filled:
        raise InvalidArgument(
            f"{order.filled} of the order is filled already: quantity must be above that, not {quantity}",
            rule="quantity",
        )
    return {
        "symbol": venue_symbol,
        **named(OrderRef(order.client_order_id, order.venue_order_id)),
        "side": SIDES[order.side],
        "quantity": plain(quantity),
        "price": plain(price),
    }


def margin_change(amount: Decimal) -> dict[str, str | int]:
    """Write a change of a position's margin: how much, and which way."""
    return {"amount": plain(amount.copy_abs()), "type": 1 if amount > 0 else 2}
