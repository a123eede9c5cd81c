"""Pure: what is asked of Bybit, from the model's words into the exchange's.

Source: bybit-exchange/docs, v5/order/create-order, amend-order, cancel-order and cancel-all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from lotusx.errors import InvalidArgument, NotSupported
from lotusx.model import OrderType, PositionSide, QuantityUnit, Side, TimeInForce, plain, shifted
from lotusx_bybit.v5.category import Category
from lotusx_bybit.v5.conversions import WORDS

if TYPE_CHECKING:
    from lotusx.model import OrderRequest  # imports pydantic: not needed before an order is written
    from lotusx.plugin import Amendment, OrderRef

Params = dict[str, str | int | bool]

RISES: Final = 1
FALLS: Final = 2
ONE_WAY: Final = 0
LONG_LEG: Final = 1
SHORT_LEG: Final = 2

_TIME_IN_FORCE = {TimeInForce.GTC: "GTC", TimeInForce.IOC: "IOC", TimeInForce.FOK: "FOK"}
_STOPS = (OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT)
_MOST_POINTS = 1_000
_FLAGS: Final[dict[str, dict[str, int | bool]]] = {
    "isLeverage": {"0": 0, "1": 1},
    "closeOnTrigger": {"false": False, "true": True},
    "reduceOnly": {"false": False, "true": True},
    "rpiTakerAccess": {"false": False, "true": True},
}
"""Parameters that are no text in JSON. Source: bybit-exchange/docs, v5/order/create-order."""
_LINK_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")


def link_id(client_order_id: str) -> str:
    """Return *client_order_id* as Bybit takes it.

    Raises:
        InvalidArgument: It has other characters than letters, digits, ``-`` and ``_``, or more than 36.
    """
    if _LINK_ID.fullmatch(client_order_id) is None:
        raise InvalidArgument(
            f"client_order_id may have 36 letters, digits, '-' and '_', not {client_order_id!r}", rule="client_order_id"
        )
    return client_order_id


def slippage_percent(fraction: Decimal) -> str:
    """Write the furthest a market order may go as Bybit's percentage: 0.01 to 10, of two decimals.

    Raises:
        InvalidArgument: It falls between two of them, which are named, or outside.
    """
    points = shifted(fraction, 4)
    below = int(points)
    if points == below and 1 <= below <= _MOST_POINTS:
        return plain(shifted(fraction, 2))
    steps = (_MOST_POINTS,) if below >= _MOST_POINTS else (below, below + 1)
    nearest = tuple(shifted(Decimal(step), -4) for step in steps if step)
    raise InvalidArgument(
        f"max_slippage must be a whole number of basis points (0.0001), 0.1 at most, not {fraction}; "
        f"nearest: {', '.join(map(str, nearest))}",
        rule="max_slippage",
        nearest=nearest,
    )


def position_leg(side: PositionSide | None) -> int:
    """Return ``positionIdx``: of the one position, or of one of the two in hedge mode."""
    if side is None:
        return ONE_WAY
    return LONG_LEG if side is PositionSide.LONG else SHORT_LEG


def shrinks(request: OrderRequest) -> bool:
    """Say whether an order may only shrink a position. In hedge mode the sides say so.

    Raises:
        InvalidArgument: ``reduce_only`` on the side that opens the position.
    """
    if request.position_side is None:
        return request.reduce_only
    opens = (request.side is Side.BUY) is (request.position_side is PositionSide.LONG)
    if opens and request.reduce_only:
        raise InvalidArgument(
            f"a {request.side} opens the {request.position_side} position: it cannot be reduce_only", rule="reduce_only"
        )
    return not opens


def trigger_direction(side: Side, kind: OrderType) -> int:
    """Return which way the price has to move: a stop goes with the market, a take-profit against it."""
    return RISES if (side is Side.BUY) is (kind in _STOPS) else FALLS


def order_params(
    request: OrderRequest,
    venue_symbol: str,
    *,
    exchange: str,
    category: Category,
    trigger_by: str = "LastPrice",
) -> Params:
    """Write the body of a new order.

    Args:
        trigger_by: Which price triggers conditional orders of linear and inverse instruments: ``LastPrice``,
            ``MarkPrice`` or ``IndexPrice``. It is always sent, for the default is not documented.

    Raises:
        NotSupported: The category has no such order.
        InvalidArgument: A part of it does not go with its type.
    """
    spot, kind = category is Category.SPOT, request.type
    _refuse(request, exchange, category)
    params: Params = {
        "category": category.value,
        "symbol": venue_symbol,
        "side": WORDS[request.side],
        "orderType": "Limit" if kind.has_limit_price else "Market",
        "qty": plain(request.quantity),
    }
    if request.price is not None:
        params["price"] = plain(request.price)
    if kind.has_limit_price:
        params["timeInForce"] = (
            "PostOnly" if request.post_only else _TIME_IN_FORCE[request.time_in_force or TimeInForce.GTC]
        )
    elif spot:  # the default differs by side
        params["marketUnit"] = "quoteCoin" if request.quantity_unit is QuantityUnit.QUOTE else "baseCoin"
    if request.trigger_price is not None:
        params["triggerPrice"] = plain(request.trigger_price)
        if spot:  # without a filter the order would work at once
            params["orderFilter"] = "StopOrder"
        else:
            params["triggerDirection"] = trigger_direction(request.side, kind)
            params["triggerBy"] = trigger_by
    if request.max_slippage is not None:
        params["slippageToleranceType"] = "Percent"
        params["slippageTolerance"] = slippage_percent(request.max_slippage)
    if not spot:
        params["positionIdx"] = position_leg(request.position_side)
        if shrinks(request):
            params["reduceOnly"] = True
    if request.client_order_id is not None:
        params["orderLinkId"] = link_id(request.client_order_id)
    for name, value in request.native.items():
        if name in params:
            raise InvalidArgument(f"native[{name!r}] is what LotusX writes itself: {params[name]}", rule="native")
        params[name] = _native(name, value)
    return params


def _native(name: str, text: str) -> str | int | bool:
    known = _FLAGS.get(name)
    if known is None:
        return text
    if text not in known:
        raise InvalidArgument(f"native[{name!r}] is {' or '.join(map(repr, known))}, not {text!r}", rule="native")
    return known[text]


def _refuse(request: OrderRequest, exchange: str, category: Category) -> None:
    spot, kind = category is Category.SPOT, request.type
    if kind is OrderType.TRAILING_STOP or request.trailing_fraction is not None:
        instead = "a stop order that you move" if spot else "native.trading_stop, of a position"
        raise NotSupported(exchange, "trailing orders", instead)
    if request.time_in_force is TimeInForce.GTD:
        raise NotSupported(exchange, "time in force GTD", "GTC, and a cancel of your own")
    if spot and request.reduce_only:
        raise NotSupported(exchange, "reduce_only on spot", "the exchange bybit-perp")
    if spot and request.position_side is not None:
        raise NotSupported(exchange, "position_side on spot", "the exchange bybit-perp")
    if spot and request.quantity_unit is QuantityUnit.CONTRACTS:
        raise NotSupported(exchange, "a quantity in contracts on spot", "a quantity in base units")
    if not spot and request.quantity_unit is QuantityUnit.QUOTE:
        raise NotSupported(exchange, "a quantity in quote", "a quantity in base units or contracts")
    if category is Category.INVERSE and request.quantity_unit is not QuantityUnit.CONTRACTS:
        raise InvalidArgument(
            f"{request.symbol} counts contracts of 1 {request.symbol.quote}: write quantity_unit='contracts'",
            rule="quantity_unit",
        )
    if not kind.has_limit_price and request.time_in_force not in (None, TimeInForce.IOC):
        raise InvalidArgument(f"time_in_force is not used by a {kind} order; leave it out", rule="time_in_force")
    if request.max_slippage is not None and kind is not OrderType.MARKET:
        raise NotSupported(exchange, f"max_slippage of a {kind} order", f"a {kind}_limit order")


def order_name(ref: OrderRef) -> dict[str, str]:
    """Name an order; the exchange's own id decides where both are known."""
    if ref.venue_order_id is not None:
        return {"orderId": ref.venue_order_id}
    if ref.client_order_id is not None:
        return {"orderLinkId": ref.client_order_id}
    raise InvalidArgument("name the order: client_order_id or venue_order_id")


def other_name(ref: OrderRef, category: Category) -> dict[str, str] | None:
    """Name an order by the caller's id, where the exchange's own may have changed; ``None``: it cannot have.

    Whether an order on spot keeps its id when it triggers is not documented.
    """
    if category is not Category.SPOT or ref.venue_order_id is None or ref.client_order_id is None:
        return None
    return {"orderLinkId": ref.client_order_id}


def amend_params(ref: OrderRef, change: Amendment, venue_symbol: str, *, category: Category) -> Params:
    """Write the body of an amendment. The quantity is the new total, what is filled included.

    The order keeps its ids: the new client order id of *change* is not used.
    """
    params: Params = {"category": category.value, "symbol": venue_symbol, **order_name(ref)}
    if change.quantity is not None:
        params["qty"] = plain(change.quantity)
    if change.price is not None:
        params["price"] = plain(change.price)
    return params


def cancel_params(ref: OrderRef, venue_symbol: str, *, category: Category) -> Params:
    """Write the body of a cancel. Spot understands it as one of an ordinary order, unless ``orderFilter`` is added."""
    return {"category": category.value, "symbol": venue_symbol, **order_name(ref)}


def cancel_all_params(
    category: Category, *, venue_symbol: str | None = None, settle: str | None = None, order_filter: str | None = None
) -> Params:
    """Write the body of a cancel of all orders: of one instrument, or of one settle asset.

    On spot neither is needed, and only ordinary orders are meant unless *order_filter* says ``StopOrder`` or
    ``tpslOrder``. Elsewhere conditional orders are meant too, and one call takes at most 500.

    Raises:
        InvalidArgument: A linear or inverse category without instrument and settle asset.
    """
    params: Params = {"category": category.value}
    if venue_symbol is not None:
        params["symbol"] = venue_symbol
    elif settle is not None:
        params["settleCoin"] = settle
    elif category is not Category.SPOT:
        raise InvalidArgument(f"cancelling all {category} orders needs an instrument or a settle asset")
    if order_filter is not None:
        params["orderFilter"] = order_filter
    return params


def batch_params(category: Category, orders: list[Params]) -> Mapping[str, object]:
    """Write the body of a batch; the category stands once, outside of its items."""
    items = [{name: value for name, value in order.items() if name != "category"} for order in orders]
    return {"category": category.value, "request": items}
