"""Endpoints of orders. Source: the exchange's OpenAPI document (2026-08), "Order"."""

from __future__ import annotations

from typing import Any

from lotusx_sim.dialects.backpack.call import Call
from lotusx_sim.dialects.backpack.errors import VenueError, bad, not_found
from lotusx_sim.dialects.backpack.order_rows import order_row, waits
from lotusx_sim.dialects.backpack.params import Params
from lotusx_sim.dialects.backpack.placing import place
from lotusx_sim.engine.orders import Order
from lotusx_sim.wire import HttpResponse

ACCEPTED = HttpResponse(202)
_KINDS = ("RestingLimitOrder", "ConditionalOrder")


def execute(call: Call) -> Any:
    return order_row(call.state, place(call.state, call.user, call.params))


def execute_batch(call: Call) -> Any:
    """Place each order by itself; the answer tells of each, in their order."""
    if not call.batch:
        raise bad("Must specify at least one order")
    if len(call.batch) > call.state.limits.rules.batch:
        raise bad("Too many orders in the batch")
    answers: list[dict[str, Any]] = []
    for params in call.batch:
        try:
            answers.append({"operation": "Ok", **order_row(call.state, place(call.state, call.user, params))})
        except VenueError as error:
            if not error.code:  # the batch cannot be read
                raise
            answers.append({"operation": "Err", **error.document()})
    return answers


def find(call: Call, *, from_query: bool = False) -> Order | None:
    """Return the order that a request names by exactly one of its ids, open or not.

    Raises:
        VenueError: It names none, or gives both ids.
    """
    state, params = call.state, call.params
    listing = params.listing()
    if ("orderId" in params) == ("clientId" in params):
        raise bad("Must specify exactly one of `orderId` or `clientId`")
    if "orderId" in params:
        order = _by_order_id(call, params)
    else:
        number = params.client_id(from_query=from_query)
        order = None if number is None else state.by_client_id.get((call.account, number))
    if order is None or order.account != call.account or order.symbol != listing.symbol:
        return None
    return order


def _by_order_id(call: Call, params: Params) -> Order | None:
    name = params.text("orderId")
    order = call.state.by_order_id.get(name)
    return order if order is not None and call.state.id_of(order) == name else None


def query(call: Call) -> Any:
    """Return an order that is open; what has ended is found in the history only."""
    order = find(call, from_query=True)
    if order is None or not order.is_open or not call.state.is_visible(order):
        raise not_found("Order not found")
    return order_row(call.state, order)


def open_orders(call: Call) -> Any:
    listing = call.params.maybe_listing()
    kind = call.params.text("marketType")
    orders = call.state.exchange.open_orders(call.account, None if listing is None else listing.symbol)
    wanted = [order for order in orders if not kind or order.symbol.endswith("_PERP") == (kind == "PERP")]
    return [order_row(call.state, order) for order in wanted if call.state.is_visible(order)]


def cancel(call: Call) -> Any:
    """Cancel an order: at once, or, where the venue takes its time, after an answer without a document."""
    state = call.state
    order = find(call)
    if order is None or not order.is_open:
        raise bad("Order not found")
    found: Order = order

    def end(now_ns: int) -> None:
        if found.is_open:
            state.exchange.cancel(found, now_ns)

    if _soon(call, end):
        return ACCEPTED
    return order_row(state, order)


def cancel_all(call: Call) -> Any:
    """Cancel the open orders of one market, those of one kind where it is given."""
    state, listing = call.state, call.params.listing()
    kind = call.params.word("orderType", _KINDS) if "orderType" in call.params else ""
    orders = [
        order
        for order in state.exchange.open_orders(call.account, listing.symbol)
        if not kind or waits(order) == (kind == "ConditionalOrder")
    ]

    def end(now_ns: int) -> None:
        for order in orders:
            if order.is_open:
                state.exchange.cancel(order, now_ns)

    if _soon(call, end):
        return ACCEPTED
    return [order_row(state, order) for order in orders]


def _soon(call: Call, command: Any) -> bool:
    """Carry *command* out; tell whether that has to wait."""
    delay_ns = call.state.options.cancel_delay_ns
    if not delay_ns:
        command(call.now_ns)
        return False
    call.state.commands.accept(command, call.now_ns + delay_ns)
    return True
