"""Checks before an order: asked one after the other, each with what has passed before it; and what they may ask."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D
from typing import Any

import anyio
import pytest

from lotusx.errors import InvalidArgument, OrderVetoed
from lotusx.kernel.ports import OrderRef
from lotusx.model.enums import OrderStatus
from lotusx.model.orders import Accepted, Rejected
from lotusx.model.requests import OrderRequest
from lotusx.orders.commands import Occasion
from lotusx.orders.reads import Reads

from .order_kit import BTC, INSTRUMENT, World, in_virtual_time, limit

A1 = OrderRef("a-1")


def test_orders_sent_side_by_side_are_looked_at_one_by_one_and_known_before_the_next() -> None:
    seen: list[tuple[str, int]] = []

    async def run() -> None:
        async def look(request: OrderRequest, instrument: object, occasion: Occasion) -> None:
            seen.append((str(request.client_order_id), len(world.desk.ledger)))
            await anyio.sleep(1)  # somebody else could look meanwhile
            seen.append((str(request.client_order_id), len(world.desk.ledger)))

        world = World(checks=[look])
        async with anyio.create_task_group() as tasks:
            for name in ("a", "b"):
                tasks.start_soon(world.desk.place, limit(name), INSTRUMENT)

    in_virtual_time(run)
    (first, _), _, (second, _), _ = seen
    assert seen == [(first, 0), (first, 0), (second, 1), (second, 1)]


def test_an_amendment_is_looked_at_as_what_the_order_would_become() -> None:
    told: list[tuple[OrderRequest, Occasion]] = []

    async def run() -> None:
        async def look(request: OrderRequest, instrument: object, occasion: Occasion) -> None:
            told.append((request, occasion))
            if request.quantity > 3:
                raise OrderVetoed("too much", rule="mine")

        world = World(checks=[look])
        await world.desk.place(limit(), INSTRUMENT)
        await world.desk.check(limit("t"), INSTRUMENT)
        with pytest.raises(OrderVetoed, match="too much"):
            await world.desk.amend(A1, INSTRUMENT, quantity=D(4))
        await world.desk.amend(A1, INSTRUMENT, quantity=D(3))
        assert world.exchange.sent == ["a-1", "amend a-1"]

    in_virtual_time(run)
    placed, tested, vetoed, amended = (occasion for _, occasion in told)
    assert (placed, tested) == (Occasion(), Occasion(dry_run=True))
    assert vetoed.before is not None
    assert vetoed.before.client_order_id == "a-1"
    assert amended.change is not None
    assert (amended.change.quantity, told[3][0].quantity) == (D(3), D(3))


def test_an_order_is_not_amended_twice_while_the_first_is_looked_at() -> None:
    async def run() -> None:
        async def look(request: OrderRequest, instrument: object, occasion: Occasion) -> None:
            await anyio.sleep(1)

        world = World(checks=[look])
        await world.desk.place(limit(), INSTRUMENT)
        ended: list[object] = []

        async def amend(price: int) -> None:
            try:
                ended.append(await world.desk.amend(A1, INSTRUMENT, price=D(price)))
            except InvalidArgument as error:
                ended.append(error.rule)

        world.exchange.on["amend"] = [lambda *_: anyio.sleep(5)]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(amend, 90)
            tasks.start_soon(amend, 80)
        assert ended[0] == "amendment"
        assert len(world.exchange.sent) == 2

    in_virtual_time(run)


def test_one_id_is_not_used_twice_while_the_first_is_looked_at() -> None:
    async def run() -> None:
        async def look(request: OrderRequest, instrument: object, occasion: Occasion) -> None:
            await anyio.sleep(1)

        world = World(checks=[look])
        first, second = await world.desk.place_batch([limit("a"), limit("a")], [INSTRUMENT] * 2)
        assert isinstance(first, Accepted)
        assert isinstance(second, Rejected)
        refused: list[InvalidArgument] = []

        async def place() -> None:
            try:
                await world.desk.place(limit("b"), INSTRUMENT)
            except InvalidArgument as error:
                refused.append(error)

        async with anyio.create_task_group() as tasks:
            for _ in range(2):
                tasks.start_soon(place)
        assert len(refused) == 1
        assert world.exchange.sent == ["a", "b"]

    in_virtual_time(run)


def test_a_caller_who_leaves_while_it_is_looked_at_leaves_nothing_behind() -> None:
    async def run() -> None:
        async def look(request: OrderRequest, instrument: object, occasion: Occasion) -> None:
            if request.client_order_id == "a":
                await anyio.sleep_forever()

        world = World(checks=[look])
        with anyio.move_on_after(1):
            await world.desk.place(limit("a"), INSTRUMENT)
        await world.desk.place(limit("b"), INSTRUMENT)
        assert world.exchange.sent == ["b"]
        assert not world.desk.ledger.used("a")

    in_virtual_time(run)


def test_a_check_may_ask_for_what_it_needs() -> None:
    async def run() -> None:
        answers: list[Any] = []

        async def look(request: OrderRequest, instrument: object, occasion: Occasion) -> None:
            desk, port = world.desk, world.exchange
            market: Any = None
            reads = Reads(world.clock, INSTRUMENT, desk.ledger, market, port, port, desk.query, occasion.before)
            answers.append((reads.known("a"), await reads.look("a"), await reads.open_orders()))
            answers.append((await reads.balances(), await reads.positions()))

        world = World(checks=[look])
        await world.desk.place(limit("a"), INSTRUMENT)
        assert answers.pop(0) == (None, None, [])
        assert answers.pop(0) == ([], [])
        world.exchange.orders["a"] = replace(world.exchange.orders["a"], status=OrderStatus.CANCELED, updated_ns=9_000)
        await world.desk.place(limit("b"), INSTRUMENT)
        known, looked, listed = answers[0]
        assert (known.status, looked.status, listed) == (OrderStatus.OPEN, OrderStatus.CANCELED, [])
        assert world.desk.ledger.find(BTC, "a") is not None

    in_virtual_time(run)
