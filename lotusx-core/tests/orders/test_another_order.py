"""An order that has the client id of one of ours, and is another, is never taken for it; nor is ours for another."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D
from typing import Any

import anyio
import pytest

from lotusx.account_stream import AccountStream
from lotusx.errors import DuplicateOrder, InvalidArgument, OrderNotFound, OrderOutcomeUnknown, RequestTimeout
from lotusx.kernel.orders.outcome import CommandKind
from lotusx.kernel.ports import OrderRef
from lotusx.model.enums import OrderStatus, Side
from lotusx.model.instruments import Instrument
from lotusx.model.orders import OrderState, Unknown
from lotusx.model.requests import OrderRequest
from lotusx.model.symbol import Symbol
from lotusx.orders import Order
from lotusx.orders.journal import Intent

from .order_kit import BTC, EPOCH_NS, INSTRUMENT, World, fill, in_virtual_time, limit, raiser, refusal, state

A1 = OrderRef("a-1")
OLDER: dict[str, Any] = {"venue": "77", "created_ns": 1}
MINUTE_NS = 60_000_000_000


async def listed(symbol: Symbol) -> Instrument:
    return INSTRUMENT


async def in_doubt(world: World, **other: Any) -> Order:
    """Place an order whose reply is lost, while another one has its id; return its handle."""
    world.exchange.orders["a-1"] = state(**other)
    world.exchange.on["place"] = [raiser(RequestTimeout("no reply"))]
    with pytest.raises(OrderOutcomeUnknown):
        await world.desk.place(limit(), INSTRUMENT)
    order = world.desk.order(A1, INSTRUMENT)
    assert order is not None
    return order


def is_open_to_doubt(order: Order) -> bool:
    return (order.venue_order_id, order.status, order.filled) == (None, OrderStatus.UNKNOWN, 0)


@pytest.mark.parametrize("shown", ["by its id", "among open orders"])
def test_an_order_is_ours_though_the_machine_has_slept_since_it_was_sent(shown: str) -> None:
    async def run() -> None:
        world = World()
        awake, slept = world.clock.now_ns, 0
        world.clock.now_ns = lambda: awake() + slept  # type: ignore[method-assign]

        def place(request: OrderRequest) -> None:
            nonlocal slept
            made = world.exchange.execute(request)
            world.exchange.orders["a-1"] = replace(made, created_ns=world.clock.now_ns())
            slept = 5 * MINUTE_NS  # monotonic time stands still meanwhile
            raise RequestTimeout("no reply")

        world.exchange.on["place"] = [place]
        if shown == "among open orders":
            world.exchange.always["order"] = raiser(refusal(OrderNotFound))
        order = await world.desk.place(limit(), INSTRUMENT)
        assert (order.status, order.venue_order_id) == (OrderStatus.OPEN, "1")

    in_virtual_time(run)


def test_an_open_order_that_only_our_clock_calls_older_proves_no_absence() -> None:
    async def run() -> None:
        world = World()

        def place(request: OrderRequest) -> None:
            made = world.exchange.execute(request)
            world.exchange.orders["a-1"] = replace(made, created_ns=EPOCH_NS - 2 * MINUTE_NS)
            raise RequestTimeout("no reply")

        world.exchange.on["place"] = [place]
        world.exchange.always["order"] = raiser(refusal(OrderNotFound))
        with pytest.raises(OrderOutcomeUnknown, match="1 has its client id, and is another order"):
            await world.desk.place(limit(), INSTRUMENT)

    in_virtual_time(run)


def test_a_left_order_that_the_clock_of_its_process_calls_older_is_not_told_as_lost() -> None:
    async def run() -> None:
        world = World()
        asked_ns = EPOCH_NS - 5 * MINUTE_NS
        world.exchange.orders["a-1"] = replace(world.exchange.execute(limit()), created_ns=asked_ns)
        world.exchange.always["order"] = raiser(refusal(OrderNotFound))
        intent = Intent(CommandKind.PLACE, "a-1", BTC, asked_ns + 2 * MINUTE_NS, request=limit())
        left = world.desk.adopt([intent])
        await left.resolve(listed)
        (one,) = await left.all()
        assert isinstance(one.outcome, Unknown)

    in_virtual_time(run)


def test_a_refusal_as_duplicate_is_one_where_an_older_order_has_the_id_and_the_terms() -> None:
    async def run() -> None:
        world = World()
        world.exchange.orders["a-1"] = state(**OLDER)
        world.exchange.on["place"] = [raiser(refusal(DuplicateOrder))]
        with pytest.raises(DuplicateOrder):
            await world.desk.place(limit(), INSTRUMENT)

    in_virtual_time(run)


def test_a_cancel_that_finds_another_order_ended_says_nothing_of_ours() -> None:
    async def run() -> None:
        world = World()
        order = await in_doubt(world, status="filled", filled="1", **OLDER)
        world.exchange.on["cancel"] = [raiser(refusal(OrderNotFound))]
        with pytest.raises(OrderOutcomeUnknown, match="77 has its client id, and is another order"):
            await world.desk.cancel(A1, INSTRUMENT)
        assert is_open_to_doubt(order)

    in_virtual_time(run)


def test_a_cancel_that_ends_another_order_tells_that_one() -> None:
    async def run() -> None:
        world = World()
        order = await in_doubt(world, venue="77", side=Side.SELL)
        told = await world.desk.cancel(A1, INSTRUMENT)
        assert (told.venue_order_id, told.side, told.status) == ("77", Side.SELL, OrderStatus.CANCELED)
        assert is_open_to_doubt(order)

    in_virtual_time(run)


def test_cancelling_everything_tells_what_became_of_the_other_order() -> None:
    async def run() -> None:
        world = World()
        order = await in_doubt(world, venue="77", side=Side.SELL)
        world.desk.apply_state(world.exchange.orders["a-1"])
        (told,) = await world.desk.cancel_all(INSTRUMENT)
        assert (told.venue_order_id, told.side, told.status) == ("77", Side.SELL, OrderStatus.CANCELED)
        assert is_open_to_doubt(order)

    in_virtual_time(run)


def test_an_amendment_of_a_placement_in_doubt_does_not_reach_another_order() -> None:
    async def run() -> None:
        world = World()
        order = await in_doubt(world, **OLDER)
        with pytest.raises(InvalidArgument, match="a-1 is in doubt, and 77, which has its id, is another"):
            await world.desk.amend(A1, INSTRUMENT, price=D(101))
        assert not any(sent.startswith("amend") for sent in world.exchange.sent)
        assert is_open_to_doubt(order)

    in_virtual_time(run)


def test_an_order_named_by_the_exchanges_id_too_is_the_one_that_has_it() -> None:
    async def run() -> None:
        world = World()
        asked: list[OrderRef] = []
        await in_doubt(world, **OLDER)
        world.desk.apply_state(world.exchange.orders["a-1"])
        world.exchange.on["cancel"] = [asked.append]
        told = await world.desk.cancel(OrderRef("a-1", "77"), INSTRUMENT)
        assert (asked[0].venue_order_id, told.venue_order_id) == ("77", "77")

    in_virtual_time(run)


def test_a_fill_of_an_order_that_was_told_apart_is_not_ours() -> None:
    async def run() -> None:
        world = World()
        order = await in_doubt(world, **OLDER)
        world.desk.apply_state(world.exchange.orders["a-1"])
        world.desk.apply_fill(fill(venue="77", quantity="0.4", at=EPOCH_NS))
        assert is_open_to_doubt(order)
        other = world.desk.order(OrderRef(None, "77"), INSTRUMENT)
        assert other is not None
        assert [str(each.quantity) for each in other.fills] == ["0.4"]

    in_virtual_time(run)


def test_a_recovery_gives_the_fills_of_another_order_to_that_one() -> None:
    async def run() -> None:
        world, out = World(), list[Any]()
        stream = AccountStream(
            world.desk, world.exchange, world.exchange, world.clock, out.extend, instrument_of={BTC: INSTRUMENT}.get
        )
        world.exchange.orders["a-1"] = state(status="partially_filled", filled="0.4", **OLDER)
        world.exchange.fills = [fill(venue="77", quantity="0.4", at=EPOCH_NS)]
        world.exchange.on["place"] = [raiser(RequestTimeout("no reply"))]

        async def place() -> None:
            with pytest.raises(OrderOutcomeUnknown):
                await world.desk.place(limit(), INSTRUMENT)

        async with anyio.create_task_group() as group:
            group.start_soon(place)
            await anyio.sleep(1)
            await stream.recover(world.clock.now_ns())
        order = world.desk.order(A1, INSTRUMENT)
        assert order is not None
        assert is_open_to_doubt(order)

    in_virtual_time(run)


def test_reports_seen_under_the_id_of_ours_join_it_once_they_are_known_to_be_its_own() -> None:
    async def run() -> None:
        world = World()
        order = await in_doubt(world, **OLDER)
        world.desk.apply_state(world.exchange.orders["a-1"])
        own: OrderState = state(venue="78", created_ns=EPOCH_NS, at=5)
        world.desk.apply_state(own)
        assert (order.venue_order_id, order.status) == ("78", OrderStatus.OPEN)
        world.desk.apply_fill(fill(venue="78", quantity="0.4", at=EPOCH_NS))
        assert str(order.filled) == "0.4"

    in_virtual_time(run)
