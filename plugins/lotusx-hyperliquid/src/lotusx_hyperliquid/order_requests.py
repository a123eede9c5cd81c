"""Pure: orders, from the model's words into the exchange's.

The exchange knows limit orders and triggers. A market order is a limit order that takes at once, at the worst price its
owner accepts; so is what a market trigger releases. Source: hyperliquid-docs, "Exchange endpoint" and "Order types".
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Literal, cast

from lotusx.errors import InvalidArgument, NotSupported
from lotusx.model import Instrument, InstrumentKind, OrderType, QuantityUnit, Side, TimeInForce
from lotusx_hyperliquid import actions
from lotusx_hyperliquid.numbers import wire, worst_price

if TYPE_CHECKING:
    from lotusx.model import OrderRequest  # imports pydantic: not needed before an order is written

Grouping = Literal["na", "normalTpsl", "positionTpsl"]

_EXCHANGE = "hyperliquid"
_TIF: dict[TimeInForce, Literal["Gtc", "Ioc"]] = {TimeInForce.GTC: "Gtc", TimeInForce.IOC: "Ioc"}
_TPSL: dict[OrderType, Literal["tp", "sl"]] = {
    OrderType.STOP_LOSS: "sl",
    OrderType.STOP_LOSS_LIMIT: "sl",
    OrderType.TAKE_PROFIT: "tp",
    OrderType.TAKE_PROFIT_LIMIT: "tp",
}
_GROUPINGS = ("na", "normalTpsl", "positionTpsl")


def order_item(
    request: OrderRequest,
    instrument: Instrument,
    asset: int,
    *,
    cloid: str | None = None,
    best_opposite: Decimal | None = None,
) -> actions.OrderItem:
    """Write one order.

    Whether a trigger order that may open a position (one without ``reduce_only``) is accepted is not documented: it is
    sent as it is asked for, and the exchange decides.

    Args:
        asset: The number of the instrument.
        best_opposite: The best price on the other side of the book, which bounds a market order.

    Raises:
        NotSupported: Hyperliquid has no such order.
        InvalidArgument: A part of it is missing or does not go with its type; a market order without a bound.
    """
    _check_offered(request, instrument)
    return actions.OrderItem(
        a=asset,
        b=request.side is Side.BUY,
        p=wire(_limit_price(request, instrument, best_opposite), name="price"),
        s=wire(request.quantity, name="quantity"),
        r=request.reduce_only,
        t=_order_type(request),
        c=cloid,
    )


def place_action(requests: Sequence[OrderRequest], items: Sequence[actions.OrderItem]) -> actions.PlaceOrders:
    """Put the *items* written of *requests* into one action, grouped as they ask: ``native={"grouping": …}``.

    Raises:
        InvalidArgument: They ask for different groupings, or for one that does not exist.
    """
    wanted = {request.native.get("grouping", "na") for request in requests}
    if len(wanted) > 1:
        raise InvalidArgument(f"one batch has one grouping, not {' and '.join(sorted(wanted))}", rule="grouping")
    (grouping,) = wanted or {"na"}
    if grouping not in _GROUPINGS:
        raise InvalidArgument(f"grouping is one of {', '.join(_GROUPINGS)}, not {grouping!r}", rule="grouping")
    return actions.PlaceOrders(list(items), cast("Grouping", grouping))


def _check_offered(request: OrderRequest, instrument: Instrument) -> None:
    if request.quantity_unit is QuantityUnit.QUOTE:
        raise NotSupported(_EXCHANGE, "a quantity in quote", "a quantity in base units")
    if request.quantity_unit is QuantityUnit.CONTRACTS:
        raise NotSupported(_EXCHANGE, "a quantity in contracts", "a quantity in base units")
    if request.type is OrderType.TRAILING_STOP or request.trailing_fraction is not None:
        raise NotSupported(_EXCHANGE, "trailing orders", "a stop order that you move")
    if request.time_in_force is TimeInForce.FOK:
        raise NotSupported(_EXCHANGE, "time in force FOK", "IOC, which may fill in part")
    if request.time_in_force is TimeInForce.GTD:
        raise NotSupported(_EXCHANGE, "time in force GTD", "GTC, and a cancel of your own")
    if request.reduce_only and instrument.kind is InstrumentKind.SPOT:
        raise NotSupported(_EXCHANGE, "reduce_only on spot", "an order on the perpetual")
    unknown = sorted(set(request.native) - {"grouping"})
    if unknown:
        raise InvalidArgument(f"native[{unknown[0]!r}] is not part of an order here; 'grouping' is", rule="native")


def _limit_price(request: OrderRequest, instrument: Instrument, best_opposite: Decimal | None) -> Decimal:
    if request.price is not None:
        return request.price
    if request.max_slippage is None:
        raise InvalidArgument(
            f"max_slippage is missing: here a {request.type} order is a limit order at the worst price you accept; "
            "write max_slippage=Decimal('0.01') for 1 %",
            rule="max_slippage",
        )
    reference = request.trigger_price if request.type.is_conditional else best_opposite
    if reference is None:
        raise InvalidArgument(
            f"nobody is on the other side of {instrument.symbol}: there is no price to bound a market order by",
            rule="max_slippage",
        )
    return worst_price(instrument, request.side, reference, request.max_slippage)


def _order_type(request: OrderRequest) -> actions.OrderType:
    kind, time_in_force = request.type, request.time_in_force
    if kind in _TPSL:
        if time_in_force not in (None, TimeInForce.GTC):
            raise InvalidArgument(f"time_in_force is not used by a {kind} order; leave it out", rule="time_in_force")
        trigger = wire(cast("Decimal", request.trigger_price), name="trigger_price")
        return actions.OrderType(trigger=actions.TriggerType(not kind.has_limit_price, trigger, _TPSL[kind]))
    if kind is OrderType.MARKET:
        if time_in_force not in (None, TimeInForce.IOC):
            raise InvalidArgument("a market order takes at once; leave time_in_force out", rule="time_in_force")
        return actions.OrderType(limit=actions.LimitType("Ioc"))
    return actions.OrderType(
        limit=actions.LimitType("Alo" if request.post_only else _TIF[time_in_force or TimeInForce.GTC])
    )
