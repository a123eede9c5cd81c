"""What was asked for, compared with what the exchange says. Pure."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from lotusx.kernel.ports import OrderRef
from lotusx.model.enums import InstrumentKind, OrderStatus, OrderType, QuantityUnit, TimeInForce
from lotusx.model.orders import OrderState

if TYPE_CHECKING:
    from lotusx.kernel.orders.merge import TrackedOrder
    from lotusx.kernel.ports import Amendment
    from lotusx.model.instruments import Instrument
    from lotusx.model.requests import OrderRequest


def exists(order: TrackedOrder) -> str | None:
    """Say what proves that the exchange has, or had, this order; ``None``: nothing does."""
    status = order.state.status
    return f"the exchange has it: {status}" if order.known_to_exchange and status is not OrderStatus.REJECTED else None


def names_of(order: TrackedOrder) -> OrderRef:
    """Return the ids the order has now."""
    return OrderRef(order.state.client_order_id, order.state.venue_order_id)


def asked_for(request: OrderRequest) -> OrderState:
    """Return what is known of an order before the exchange has said anything."""
    unit = request.quantity_unit
    return OrderState(
        symbol=request.symbol,
        venue_order_id=None,
        client_order_id=request.client_order_id,
        side=request.side,
        type=request.type,
        status=OrderStatus.UNKNOWN,
        quantity=request.quantity if unit is QuantityUnit.BASE else None,
        filled=Decimal(0),
        price=request.price,
        trigger_price=request.trigger_price,
        quote_quantity=request.quantity if unit is QuantityUnit.QUOTE else None,
        time_in_force=request.time_in_force,
        post_only=request.post_only,
        reduce_only=request.reduce_only,
        position_side=request.position_side,
    )


def is_answer_to(request: OrderRequest, state: OrderState) -> bool:
    """Say whether *state* can be the order that *request* asked for, rather than another with the same id.

    Where there are limit orders only, a market order comes back as one that takes at once or not at all.
    """
    asked = asked_for(request)
    types = [asked.type, OrderType.UNKNOWN]
    if asked.type is OrderType.MARKET and state.time_in_force is TimeInForce.IOC:
        types.append(OrderType.LIMIT)
    if state.side is not asked.side or state.type not in types:
        return False
    pairs = ((asked.quantity, state.quantity), (asked.price, state.price), (asked.trigger_price, state.trigger_price))
    return all(mine is None or theirs is None or mine == theirs for mine, theirs in pairs)


def amended_request(state: OrderState, change: Amendment, instrument: Instrument) -> OrderRequest:
    """Return the order as it would be placed with its new terms, for the checks that guard placing."""
    from lotusx.model.requests import OrderRequest

    counted = QuantityUnit.CONTRACTS if instrument.kind is InstrumentKind.INVERSE else QuantityUnit.BASE
    return OrderRequest.model_construct(
        symbol=state.symbol,
        side=state.side,
        type=state.type,
        quantity=change.quantity or state.remaining or state.quantity or state.quote_quantity,
        quantity_unit=counted if change.quantity or state.quantity else QuantityUnit.QUOTE,
        price=change.price or state.price,
        trigger_price=state.trigger_price,
        time_in_force=state.time_in_force,
        post_only=state.post_only,
        reduce_only=state.reduce_only,
        position_side=state.position_side,
        client_order_id=change.new_client_order_id,
    )


def shows(order: TrackedOrder, before: OrderState, change: Amendment) -> str | None:
    """Say what proves that *change* was carried out; ``None``: nothing does."""
    replaced = (leg for leg in order.legs if leg.status is not OrderStatus.REJECTED)
    if any(change.new_client_order_id in leg.client_ids for leg in replaced):
        return f"the exchange has it as {change.new_client_order_id}"
    newest = order.leg(None)
    if newest is None:
        return None
    state = newest.describe(before)
    is_new = before.venue_order_id not in (None, newest.venue_order_id)
    if is_new and not newest.client_ids <= {before.client_order_id}:
        return None  # another amendment's, whose outcome was unknown
    if is_new and not state.status.is_terminal:
        return f"the exchange has it as {newest.venue_order_id}"
    wanted = (change.quantity, change.price)
    if not state.status.is_terminal and all(
        want is None or want == have for want, have in zip(wanted, (state.quantity, state.price), strict=True)
    ):
        return "the order has its new terms"
    return None
