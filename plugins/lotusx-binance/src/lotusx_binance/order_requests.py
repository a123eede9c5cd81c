"""Pure: what is asked of Binance spot, from the model's words into the exchange's."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from lotusx.errors import InvalidArgument, NotSupported
from lotusx.model import (
    OrderState,
    OrderType,
    QuantityUnit,
    Side,
    TimeInForce,
    decimal_from_wire,
    plain,
    shifted,
)
from lotusx_binance import account_types as types

if TYPE_CHECKING:
    from lotusx.model import OrderRequest  # imports pydantic: not needed before an order is written

SIDES = {Side.BUY: "BUY", Side.SELL: "SELL"}
_TIME_IN_FORCE = {TimeInForce.GTC: "GTC", TimeInForce.IOC: "IOC", TimeInForce.FOK: "FOK"}
_TYPE = {
    OrderType.MARKET: "MARKET",
    OrderType.LIMIT: "LIMIT",
    OrderType.STOP_LOSS: "STOP_LOSS",
    OrderType.STOP_LOSS_LIMIT: "STOP_LOSS_LIMIT",
    OrderType.TAKE_PROFIT: "TAKE_PROFIT",
    OrderType.TAKE_PROFIT_LIMIT: "TAKE_PROFIT_LIMIT",
    OrderType.TRAILING_STOP: "STOP_LOSS",  # told from a plain one by trailingDelta
}


def trailing_delta(fraction: Decimal) -> int:
    """Write a callback fraction in Binance's whole basis points.

    Raises:
        InvalidArgument: It falls between two of them, which are named.
    """
    points = shifted(fraction, 4)
    if points == points.to_integral_value() and points >= 1:
        return int(points)
    below = int(points)
    nearest = tuple(shifted(Decimal(step), -4) for step in (below, below + 1) if step)
    raise InvalidArgument(
        f"trailing_fraction must be a whole number of basis points (0.0001), not {fraction}; "
        f"nearest: {', '.join(map(str, nearest))}",
        rule="trailing_delta",
        nearest=nearest,
    )


def order_params(request: OrderRequest, venue_symbol: str) -> dict[str, str | int]:
    """Write the parameters of a new order. Source: rest-api.md, "New order".

    Raises:
        NotSupported: Binance spot has no such order.
        InvalidArgument: A part of it does not go with its type.
    """
    if request.reduce_only:
        raise NotSupported("binance", "reduce_only on spot", "the exchange binance-perp")
    if request.time_in_force is TimeInForce.GTD:
        raise NotSupported("binance", "time in force GTD on spot", "GTC, and a cancel of your own")
    if request.quantity_unit is QuantityUnit.CONTRACTS:
        raise NotSupported("binance", "a quantity in contracts on spot", "a quantity in base units")
    kind = request.type
    params: dict[str, str | int] = {
        "symbol": venue_symbol,
        "side": SIDES[request.side],
        "type": "LIMIT_MAKER" if request.post_only else _TYPE[kind],
    }
    if kind.has_limit_price and not request.post_only:
        params["timeInForce"] = _TIME_IN_FORCE[request.time_in_force or TimeInForce.GTC]
    elif request.time_in_force not in (None, TimeInForce.GTC):
        raise InvalidArgument(f"time_in_force is not used by a {kind} order; leave it out", rule="time_in_force")
    in_quote = request.quantity_unit is QuantityUnit.QUOTE
    params["quoteOrderQty" if in_quote else "quantity"] = plain(request.quantity)
    if request.price is not None:
        params["price"] = plain(request.price)
    if request.trigger_price is not None:
        params["stopPrice"] = plain(request.trigger_price)
    if request.trailing_fraction is not None:
        params["trailingDelta"] = trailing_delta(request.trailing_fraction)
    elif kind is OrderType.TRAILING_STOP:
        raise InvalidArgument("trailing_fraction is missing: a trailing_stop order needs one", rule="trailing_delta")
    if request.client_order_id is not None:
        params["newClientOrderId"] = request.client_order_id
    params["newOrderRespType"] = "FULL"  # the reply then carries status and fills
    return add_native(params, request)


def add_native(params: dict[str, str | int], request: OrderRequest) -> dict[str, str | int]:
    """Add the parameters that the caller gave in Binance's own words.

    Raises:
        InvalidArgument: One of them is written by LotusX.
    """
    for name, value in request.native.items():
        if name in params:
            raise InvalidArgument(f"native[{name!r}] is what LotusX writes itself: {params[name]}", rule="native")
        params[name] = value
    return params


def replacement_params(order: OrderState, *, quantity: Decimal, price: Decimal | None) -> dict[str, str | int]:
    """Write the new half of a cancelReplace that stands in for *order*.

    Raises:
        NotSupported: The order's state does not tell enough to place it again.
    """
    if order.type in (OrderType.UNKNOWN, OrderType.TRAILING_STOP) or not order.type.has_limit_price or price is None:
        raise NotSupported("binance", f"amending a {order.raw_type or order.type} order", "cancel, then place")
    if order.type.is_conditional and order.trigger_price is None:
        raise NotSupported("binance", f"amending a trailing {order.raw_type or order.type} order", "cancel, then place")
    time_in_force = order.time_in_force or TimeInForce.GTC
    if time_in_force not in _TIME_IN_FORCE:
        said = order.raw_time_in_force or time_in_force
        raise NotSupported("binance", f"amending an order whose time in force is {said}", "cancel, then place")
    params: dict[str, str | int] = {
        "side": SIDES[order.side],
        "type": "LIMIT_MAKER" if order.post_only else _TYPE[order.type],
    }
    if not order.post_only:
        params["timeInForce"] = _TIME_IN_FORCE[time_in_force]
    params["quantity"] = plain(quantity)
    params["price"] = plain(price)
    if order.trigger_price is not None:
        params["stopPrice"] = plain(order.trigger_price)
    params["newOrderRespType"] = "FULL"
    return params


def carried_params(order: types.Order, *, quantity: Decimal) -> dict[str, str | int]:
    """Write what an order carries that the model does not have, for the one of *quantity* that replaces it.

    Raises:
        InvalidArgument: A new order cannot have some of it; the text names what would be lost.
    """
    iceberg = decimal_from_wire(order.icebergQty or "0", field="icebergQty")
    prevented = decimal_from_wire(order.preventedQuantity or "0", field="preventedQuantity")
    lost = {
        f"orderListId {order.orderListId}, and the rest of that list": order.orderListId != -1,
        f"pegPriceType {order.pegPriceType}": order.pegPriceType is not None,
        "usedSor": order.usedSor,
        f"trailingTime {order.trailingTime}: how far it has trailed": (order.trailingTime or -1) > 0,
        f"preventedQuantity {order.preventedQuantity}: what self-trade prevention took off the order": prevented > 0,
        f"icebergQty {order.icebergQty}, not below the quantity": iceberg >= quantity,
    }
    if any(lost.values()):
        names = "; ".join(name for name, is_lost in lost.items() if is_lost)
        raise InvalidArgument(f"amending replaces the order, which would lose {names}", rule="amendment")
    params: dict[str, str | int] = {"icebergQty": plain(iceberg)} if iceberg else {}
    for name in ("selfTradePreventionMode", "trailingDelta", "strategyId", "strategyType"):
        value = getattr(order, name)
        if value is not None:
            params[name] = value
    return params
