"""Commands that nobody waits for any more are looked into until there is proof."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import anyio
import pytest

from lotusx.errors import ConnectionFailed, OrderNotFound, OrderOutcomeUnknown, RequestTimeout
from lotusx.kernel.ports import OrderRef
from lotusx.kernel.telemetry import OrderOutcome, Telemetry
from lotusx.model.enums import OrderStatus
from lotusx.model.requests import OrderRequest
from lotusx.orders import doubts
from lotusx.orders.journal import Intent

from .order_kit import INSTRUMENT, World, executes_but, fill, in_virtual_time, limit, raiser

DOWN = ConnectionFailed("DNS is down", sent=False)


@asynccontextmanager
async def running(world: World) -> AsyncIterator[None]:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(world.desk.run)
        yield
        tasks.cancel_scope.cancel()


class Concluded:
    """A journal that keeps how commands ended."""

    def __init__(self) -> None:
        self.outcomes: list[tuple[str, str]] = []

    async def intend(self, intent: Intent) -> None: ...

    async def conclude(self, intent: Intent, outcome: str, evidence: tuple[str, ...]) -> None:
        self.outcomes.append((intent.client_order_id, outcome))

    async def undecided(self) -> Sequence[Intent]:
        return ()


async def left_in_doubt(world: World, *, arrived: bool) -> None:
    lost = executes_but(world.exchange) if arrived else raiser(RequestTimeout("no reply"))
    world.exchange.on["place"] = [lost]
    world.exchange.always["order"] = raiser(DOWN)
    with pytest.raises(OrderOutcomeUnknown):
        await world.desk.place(limit(), INSTRUMENT)
    del world.exchange.always["order"]


def test_an_order_given_up_is_found_once_the_exchange_can_be_asked_again() -> None:
    async def run() -> None:
        world = World()
        async with running(world):
            await left_in_doubt(world, arrived=True)
            await anyio.sleep(20.0)

        handle = world.desk.order(OrderRef("a-1"), INSTRUMENT)
        assert handle is not None
        assert handle.status is OrderStatus.OPEN
        assert world.exchange.sent == ["a-1"]

    in_virtual_time(run)


def test_an_order_given_up_that_never_arrived_is_closed_with_proof_and_told_to_observers() -> None:
    async def run() -> None:
        telemetry = Telemetry()
        seen: list[Any] = []
        telemetry.observe(seen.append)
        world = World(telemetry=telemetry)
        async with running(world):
            await left_in_doubt(world, arrived=False)
            await anyio.sleep(20.0)

        assert world.desk.ledger.unfinished() == []
        outcomes = [event for event in seen if isinstance(event, OrderOutcome)]
        assert [event.outcome for event in outcomes] == ["unknown", "rejected"]
        assert "the order was never accepted" in outcomes[-1].evidence[-1]
        assert world.exchange.sent == ["a-1"]

    in_virtual_time(run)


def test_observers_are_told_of_an_end_that_a_query_has_proved() -> None:
    async def run() -> None:
        telemetry = Telemetry()
        seen: list[Any] = []
        telemetry.observe(seen.append)
        world = World(telemetry=telemetry)
        await left_in_doubt(world, arrived=False)
        with pytest.raises(OrderNotFound):
            await world.desk.query(OrderRef("a-1"), INSTRUMENT)
        async with running(world):
            await anyio.sleep(20.0)

        assert world.desk.ledger.unfinished() == []
        assert [event.outcome for event in seen if isinstance(event, OrderOutcome)] == ["unknown", "rejected"]

    in_virtual_time(run)


def test_an_order_whose_caller_left_is_looked_into() -> None:
    async def run() -> None:
        world = World()

        async def hangs(_: Any) -> None:
            await anyio.sleep_forever()

        world.exchange.on["place"] = [hangs]
        async with running(world):
            with anyio.move_on_after(1.0):
                await world.desk.place(limit(), INSTRUMENT)
            assert len(world.desk.ledger.unfinished()) == 1
            await anyio.sleep(60.0)

        assert world.desk.ledger.unfinished() == []

    in_virtual_time(run)


@pytest.mark.parametrize("batch", [False, True])
def test_an_order_whose_caller_left_while_it_was_being_described_is_concluded(batch: bool) -> None:
    async def run() -> None:
        journal, telemetry = Concluded(), Telemetry()
        seen: list[Any] = []
        telemetry.observe(seen.append)
        world = World(journal=journal, telemetry=telemetry)

        def lost(request: Any) -> None:
            for one in request if batch else [request]:
                made = world.exchange.execute(one)
                world.desk.apply_fill(fill(venue=str(made.venue_order_id)))  # the stream is first
            raise RequestTimeout("no reply")

        async def slow(_: OrderRef) -> None:
            await anyio.sleep(30.0)

        world.exchange.on = {"place": [lost], "place_batch": [lost], "order": [slow]}
        async with running(world):
            with anyio.move_on_after(1.0):
                if batch:
                    await world.desk.place_batch([limit()], [INSTRUMENT])
                else:
                    await world.desk.place(limit(), INSTRUMENT)
            assert len(world.desk._run.doubts) == 1
            await anyio.sleep(60.0)

        assert journal.outcomes == [("a-1", "accepted")]
        assert [event.outcome for event in seen if isinstance(event, OrderOutcome)] == ["accepted"]
        assert len(world.desk._run.doubts) == 0
        assert world.exchange.looks == 2
        assert world.exchange.sent == ["a-1"]

    in_virtual_time(run)


def test_a_command_that_stays_in_doubt_does_not_hold_up_another() -> None:
    async def run() -> None:
        world = World()

        async def hides_the_first(ref: OrderRef, *_: Any) -> None:
            if ref.client_order_id == "a-1":
                raise DOWN

        async def executes_and_hangs(request: OrderRequest) -> None:
            world.exchange.execute(request)
            await anyio.sleep_forever()

        async with running(world):
            await left_in_doubt(world, arrived=False)
            world.exchange.always["order"] = hides_the_first
            await anyio.sleep(
                doubts.PAUSE_S + 1.0
            )  # now the first is being looked into, as long as a caller would wait
            world.exchange.on["place"] = [executes_and_hangs]
            with anyio.move_on_after(1.0):
                await world.desk.place(limit("a-2"), INSTRUMENT)
            await anyio.sleep(doubts.PAUSE_S + 1.0)

        first, second = (world.desk.order(OrderRef(name), INSTRUMENT) for name in ("a-1", "a-2"))
        assert first is not None
        assert second is not None
        assert (first.status, second.status) == (OrderStatus.UNKNOWN, OrderStatus.OPEN)

    in_virtual_time(run)


def test_without_a_horizon_nobody_looks_for_ever() -> None:
    async def run() -> None:
        world = World(horizon_s=0.0)
        async with running(world):
            await left_in_doubt(world, arrived=False)
            await anyio.sleep(doubts.NO_HORIZON_S + 60.0)
            looks = world.exchange.looks
            await anyio.sleep(600.0)

        assert looks > 10
        assert world.exchange.looks == looks
        assert len(world.desk.ledger.unfinished()) == 1

    in_virtual_time(run)


def test_the_oldest_doubt_makes_room_and_is_said_to(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doubts, "MAX_DOUBTS", 1)

    async def run() -> None:
        world = World()
        for name in ("a-1", "a-2"):
            world.exchange.on["place"] = [raiser(RequestTimeout("no reply"))]
            with anyio.move_on_after(1.0):
                await world.desk.place(limit(name), INSTRUMENT)
        assert len(world.desk._run.doubts) == 1

    in_virtual_time(run)
    assert "a-1: more than 1 commands are in doubt" in caplog.text


def test_an_amendment_that_makes_room_holds_back_no_end_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doubts, "MAX_DOUBTS", 1)

    async def run() -> None:
        world = World()
        first = await world.desk.place(limit("a-1"), INSTRUMENT)
        await world.desk.place(limit("a-2"), INSTRUMENT)
        for name in ("a-1", "a-2"):
            world.exchange.on["amend"] = [lambda *_: anyio.sleep(3600)]
            with anyio.move_on_after(1.0):
                await world.desk.amend(OrderRef(name), INSTRUMENT, price=Decimal(101))
        world.desk.apply_state(world.exchange.end(OrderRef("a-1")))
        assert first.status is OrderStatus.CANCELED

    in_virtual_time(run)
