"""Conformance cases of orders: placed, amended, cancelled, found again, in doubt."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import lotusx
from lotusx.kernel.facts import Capability as C
from lotusx.model import OrderRequest, OrderStatus, OrderType, QuantityUnit, Side, TimeInForce
from lotusx_testing.arena import Arena
from lotusx_testing.cases import PATIENCE_S, case, that


def _record(a: Arena, request: OrderRequest) -> Any:
    assert request.client_order_id is not None
    return a.sim.order(request.client_order_id)


@case(C.PLACE_ORDER, quiet=True)
async def resting_order_is_open_as_it_was_written(a: Arena) -> None:
    """Price and quantity arrive unchanged."""
    request = await a.resting()
    order = await a.exchange.trading.place(request)
    kept = _record(a, request)
    status = order.status
    if status is OrderStatus.PENDING:  # only acknowledged so far
        status = (await a.exchange.trading.order(a.symbol, client_order_id=request.client_order_id)).status
    that(status is OrderStatus.OPEN, f"status is {status}")
    that((kept.price, kept.quantity) == (request.price, request.quantity), f"the exchange has {kept}")


@case(C.PLACE_ORDER, quiet=True)
async def crossing_order_reports_its_fills(a: Arena) -> None:
    """All of it, with what the exchange executed."""
    request = await a.crossing()
    order = await a.exchange.trading.place(request)
    final = await order.settled(PATIENCE_S)
    that(final.status is OrderStatus.FILLED and order.filled == request.quantity, f"ended as {final}")
    await order.fetch_fills()
    that(sum(fill.quantity for fill in order.fills) == request.quantity, f"fills do not add up: {order.fills}")


@case(C.PLACE_ORDER, quiet=True)
async def immediate_or_cancel_never_rests(a: Arena) -> None:
    """Away from the market nothing of it executes."""
    order = await a.exchange.trading.place(await a.resting(time_in_force=TimeInForce.IOC))
    final = await order.settled(PATIENCE_S)
    that(final.status.is_terminal and order.filled == 0, f"ended as {final}")
    that(not a.sim.open_orders(), "it rests")


@case(C.PLACE_ORDER, quiet=True)
async def refused_order_raises_the_exchanges_reason(a: Arena) -> None:
    """And the exchange does not have it."""
    request = await a.resting()
    poor = request.model_copy(update={"quantity": request.quantity * 1_000_000})
    try:
        await a.exchange.trading.place(poor)
    except (lotusx.ExchangeError, lotusx.InvalidArgument):
        that(poor.client_order_id not in a.sim.open_order_ids(), "the order is there all the same")
    else:
        raise AssertionError("an order that no balance covers was accepted")


@case(C.PLACE_ORDER, quiet=True)
async def order_whose_reply_is_lost_ends_in_its_true_state(a: Arena) -> None:
    """It is looked up, never sent again."""
    request = await a.resting()
    a.sim.lose_reply_to("POST", "*", how="reset")
    order = await a.exchange.trading.place(request)
    that(order.status is OrderStatus.OPEN, f"status is {order.status}")
    that(a.sim.order_ids().count(request.client_order_id or "") == 1, "the exchange has another number of orders")


@case(C.TEST_ORDER, quiet=True)
async def test_order_places_nothing(a: Arena) -> None:
    """The exchange has no order afterwards."""
    await a.exchange.trading.test(await a.resting())
    that(not a.sim.orders(), "an order was placed")


@case(C.POST_ONLY, quiet=True)
async def post_only_never_takes(a: Arena) -> None:
    """A crossing one is refused or expires, a resting one rests."""
    await a.exchange.trading.place(await a.resting(post_only=True))
    try:
        order = await a.exchange.trading.place(await a.crossing(post_only=True))
        await order.settled(PATIENCE_S)
    except lotusx.ExchangeError:
        pass
    that(not a.sim.fills() and len(a.sim.open_orders()) == 1, "it took, or the first one does not rest")


@case(C.CONDITIONAL_ORDERS, quiet=True)
async def conditional_order_waits_for_its_trigger(a: Arena) -> None:
    """A stop below the market does nothing yet."""
    near = await a.resting(Side.BUY)
    assert near.price is not None
    stop = OrderRequest(symbol=a.symbol, side=Side.SELL, type=OrderType.STOP_LOSS_LIMIT, quantity=near.quantity,
                        price=near.price, trigger_price=near.price, client_order_id=a.next_id())  # fmt: skip
    order = await a.exchange.trading.place(stop)
    that(order.status in (OrderStatus.OPEN, OrderStatus.PENDING) and order.filled == 0, f"status is {order.status}")
    state = await a.exchange.trading.order(a.symbol, client_order_id=stop.client_order_id)
    that(state.trigger_price == near.price, f"trigger price is {state.trigger_price}")


@case(C.TRAILING_ORDERS, quiet=True)
async def trailing_order_is_kept_by_the_exchange(a: Arena) -> None:
    """It neither executes nor vanishes."""
    near = await a.resting()
    request = OrderRequest(symbol=a.symbol, side=Side.SELL, type=OrderType.TRAILING_STOP, quantity=near.quantity,
                           client_order_id=a.next_id(), trailing_fraction=Decimal("0.01"))  # fmt: skip
    await a.exchange.trading.place(request)
    that(a.sim.open_order_ids() == [request.client_order_id], "the exchange does not keep it")


@case(C.QUOTE_QUANTITY, quiet=True)
async def quote_quantity_spends_no_more_than_stated(a: Arena) -> None:
    """And something."""
    request = OrderRequest.market(a.symbol, Side.BUY, 100, quantity_unit=QuantityUnit.QUOTE,
                                  client_order_id=a.next_id())  # fmt: skip
    order = await a.exchange.trading.place(request)
    await order.settled(PATIENCE_S)
    await order.fetch_fills()
    spent = sum((fill.price * fill.quantity for fill in order.fills), Decimal(0))
    that(0 < spent <= 100, f"spent {spent} of 100")


@case(C.AMEND_ORDER, quiet=True)
async def amended_order_rests_with_the_new_quantity(a: Arena) -> None:
    """One order is open afterwards."""
    request = await a.resting()
    await a.exchange.trading.place(request)
    half = request.quantity / 2
    step = (await a.instrument()).step_size
    half = half if step is None else half // step * step
    await a.exchange.trading.amend(a.symbol, client_order_id=request.client_order_id, quantity=half)
    (kept,) = a.sim.open_orders()
    that(kept.quantity == half, f"the exchange has {kept.quantity}, asked for {half}")


@case(C.CANCEL_ORDER, quiet=True)
async def cancelled_order_is_gone_at_the_exchange(a: Arena) -> None:
    """And says what had executed."""
    request = await a.resting()
    await a.exchange.trading.place(request)
    state = await a.exchange.trading.cancel(a.symbol, client_order_id=request.client_order_id)
    if not state.status.is_terminal:  # only acknowledged so far
        state = await a.exchange.trading.order(a.symbol, client_order_id=request.client_order_id)
    that(state.status is OrderStatus.CANCELED and state.filled == 0, f"ended as {state}")
    that(state.client_order_id == request.client_order_id, f"named {state.client_order_id}")
    that(not a.sim.open_orders(), "it is still open")


@case(C.CANCEL_ALL, quiet=True)
async def cancel_all_leaves_nothing_open(a: Arena) -> None:
    """Of the symbol."""
    for _ in range(2):
        await a.exchange.trading.place(await a.resting())
    ended = await a.exchange.trading.cancel_all(a.symbol)
    that(not a.sim.open_orders(), "something is still open")
    that(len(ended) == 2, f"told of {len(ended)} orders, not 2")


@case(C.QUERY_ORDER, quiet=True)
async def query_by_either_id_finds_the_same_order(a: Arena) -> None:
    """And one that does not exist is not found."""
    request = await a.resting()
    order = await a.exchange.trading.place(request)
    ours = await a.exchange.trading.order(a.symbol, client_order_id=request.client_order_id)
    theirs = await a.exchange.trading.order(a.symbol, venue_order_id=order.venue_order_id)
    that(ours.venue_order_id == theirs.venue_order_id, f"{ours} is not {theirs}")
    try:
        await a.exchange.trading.order(a.symbol, client_order_id="no-such-order")
    except lotusx.OrderNotFound:
        return
    raise AssertionError("an order that does not exist was found")


@case(C.OPEN_ORDERS, quiet=True)
async def open_orders_are_those_of_the_exchange(a: Arena) -> None:
    """By symbol and of the account."""
    for _ in range(2):
        await a.exchange.trading.place(await a.resting())
    truth = sorted(a.sim.open_order_ids())
    for found in (await a.exchange.trading.open_orders(a.symbol), await a.exchange.trading.open_orders()):
        that(sorted(state.client_order_id or "" for state in found) == truth, f"told {found}, has {truth}")


@case(C.ORDER_HISTORY, quiet=True)
async def order_history_gives_each_order_once(a: Arena) -> None:
    """Oldest first, ended ones too."""
    for _ in range(2):
        await a.exchange.trading.place(await a.crossing())
    found = [state.client_order_id async for state in a.exchange.trading.iter_orders(a.symbol)]
    that(found == a.sim.order_ids(), f"told {found}, has {a.sim.order_ids()}")


@case(C.FILLS, quiet=True)
async def fill_history_gives_each_fill_once(a: Arena) -> None:
    """With fees."""
    await a.exchange.trading.place(await a.crossing())
    found = [fill async for fill in a.exchange.trading.iter_fills(a.symbol)]
    truth = a.sim.fills()
    that(len(found) == len(truth) == len({fill.trade_id for fill in found}), f"told {len(found)}, has {len(truth)}")
    that(all(fill.fee is not None and fill.fee_asset for fill in found), "a fill without its fee")


@case(C.WEBSOCKET_ORDERS, quiet=True, connect={"options": {"order_entry": "ws"}})
async def order_over_the_websocket_is_placed_and_cancelled(a: Arena) -> None:
    """No order goes out over HTTP."""
    request = await a.resting()
    await a.exchange.trading.place(request)
    await a.exchange.trading.cancel(a.symbol, client_order_id=request.client_order_id)
    that(a.sim.order_ids() == [request.client_order_id] and not a.sim.open_orders(), "not placed and cancelled")
    that(not [key for key in a.sim.requests if a.dialect.is_command(*key)], "an order went out over HTTP")
