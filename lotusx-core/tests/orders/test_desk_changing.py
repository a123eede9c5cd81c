from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D
from functools import partial
from typing import Any

import anyio
import pytest

from lotusx.errors import (
    ConnectionFailed,
    DuplicateOrder,
    InsufficientFunds,
    InvalidArgument,
    InvalidOrder,
    NoChange,
    OrderNotFound,
    OrderOutcomeUnknown,
    PartialFailure,
    RateLimited,
    RequestTimeout,
    SlowConsumer,
    Unavailable,
)  # fmt: skip
from lotusx.kernel.ports import Acknowledged, Amendment, OrderRef
from lotusx.model.account import FillEvent, OrderEvent
from lotusx.model.enums import OrderStatus
from lotusx.model.orders import Accepted, OrderState, Rejected, Unknown
from lotusx.model.requests import OrderRequest
from lotusx.orders import Order, handle
from lotusx.orders.journal import Intent
from lotusx.orders.looking import READ_GRACE_S

from .order_kit import (
    HORIZON_S,
    INSTRUMENT,
    World,
    fill,
    in_virtual_time,
    limit,
    on_both_backends,
    raiser,
    refusal,
    state,
)

A1 = OrderRef("a-1")


async def placed(world: World, **more: Any) -> Order:
    return await world.desk.place(limit(**more), INSTRUMENT)


def test_a_cancelled_order_is_cancelled_once() -> None:
    async def run(speed: float) -> None:
        world = World(speed=speed)
        order = await placed(world)
        assert (await world.desk.cancel(A1, INSTRUMENT)).status is OrderStatus.CANCELED
        assert (await order.settled()).status is OrderStatus.CANCELED
        assert world.exchange.sent == ["a-1", "cancel a-1"]

    on_both_backends(run)


@pytest.mark.parametrize("error", [refusal(OrderNotFound), RequestTimeout("no reply"), refusal(NoChange)])
def test_a_cancel_that_met_a_fill_returns_the_filled_order(error: Exception) -> None:
    async def run() -> None:
        world = World()
        await placed(world)

        def hook(ref: OrderRef) -> None:
            world.exchange.orders["a-1"] = state(status="filled", filled="1", at=5)
            raise error

        world.exchange.on["cancel"] = [hook]
        assert (await world.desk.cancel(A1, INSTRUMENT)).filled == 1
        assert world.exchange.looks == 1

    in_virtual_time(run)


def test_not_found_right_after_placing_starts_a_look_up_not_a_conclusion() -> None:
    async def run() -> None:
        world = World()
        await placed(world)
        world.exchange.visible = False
        world.exchange.on["cancel"] = [raiser(refusal(OrderNotFound))]

        async def appear() -> None:
            await anyio.sleep(2)
            world.exchange.end(A1, "expired")
            world.exchange.visible = True

        async with anyio.create_task_group() as group:
            group.start_soon(appear)
            assert (await world.desk.cancel(A1, INSTRUMENT)).status is OrderStatus.EXPIRED

    in_virtual_time(run)


def test_an_order_nobody_knows_is_not_found_after_a_second_look() -> None:
    async def run() -> None:
        world = World()
        world.exchange.on["cancel"] = [raiser(refusal(OrderNotFound))]
        with pytest.raises(OrderNotFound):
            await world.desk.cancel(OrderRef("typo"), INSTRUMENT)
        assert 5 <= anyio.current_time() < 6
        world.exchange.on["cancel"] = [raiser(RequestTimeout("no reply"))]
        with pytest.raises(OrderNotFound):
            await world.desk.cancel(OrderRef("typo"), INSTRUMENT)
        assert 5 + HORIZON_S <= anyio.current_time() < 7 + HORIZON_S

    in_virtual_time(run)


def test_a_lost_cancel_that_never_took_effect_says_so_after_the_horizon() -> None:
    async def run() -> None:
        world = World()
        await placed(world)
        world.exchange.on["cancel"] = [raiser(RequestTimeout("no reply"))]
        with pytest.raises(Unavailable, match="still works") as caught:
            await world.desk.cancel(A1, INSTRUMENT)
        assert caught.value.retryable
        assert world.exchange.sent == ["a-1", "cancel a-1"]

    in_virtual_time(run)


def test_a_lost_cancel_without_a_horizon_is_unknown() -> None:
    async def run() -> None:
        world = World(horizon_s=0.0)
        await placed(world)
        world.exchange.on["cancel"] = [raiser(RequestTimeout("no reply"))]
        world.exchange.on["order"] = [raiser(RequestTimeout("busy"))]
        with pytest.raises(OrderOutcomeUnknown, match="still working"):
            await world.desk.cancel(A1, INSTRUMENT)

    in_virtual_time(run)


def test_the_stream_ends_a_doubtful_cancel_at_once() -> None:
    async def run() -> None:
        world = World()
        await placed(world)
        world.exchange.on["cancel"] = [raiser(RequestTimeout("no reply"))]

        async def stream() -> None:
            await anyio.sleep(0.1)
            world.desk.apply_state(state(status="canceled", at=9))

        async with anyio.create_task_group() as group:
            group.start_soon(stream)
            await world.desk.cancel(A1, INSTRUMENT)
        assert anyio.current_time() < 0.2

    in_virtual_time(run)


def test_a_refused_cancel_is_raised() -> None:
    async def run() -> None:
        world = World()
        await placed(world)
        world.exchange.on["cancel"] = [raiser(refusal(InsufficientFunds))]
        with pytest.raises(InsufficientFunds):
            await world.desk.cancel(A1, INSTRUMENT)

    in_virtual_time(run)


def test_an_order_placed_elsewhere_can_be_cancelled_by_its_venue_id() -> None:
    async def run() -> None:
        world = World()
        world.exchange.orders["x"] = state(None, "500")
        assert (await world.desk.cancel(OrderRef(venue_order_id="500"), INSTRUMENT)).status is OrderStatus.CANCELED
        world.exchange.orders["y"] = state(None, "501")
        world.exchange.on["cancel"] = [raiser(refusal(OrderNotFound))]
        world.exchange.on["order"] = [lambda _: state(None, "501", "filled", filled="1", at=9)]
        assert (await world.desk.cancel(OrderRef(venue_order_id="501"), INSTRUMENT)).filled == 1

    in_virtual_time(run)


def test_an_order_placed_elsewhere_can_be_cancelled_by_its_client_id() -> None:
    async def run() -> None:
        world = World()
        world.exchange.orders["web"] = state("web", "500")
        assert (await world.desk.cancel(OrderRef("web"), INSTRUMENT)).status is OrderStatus.CANCELED
        world.exchange.orders["old"] = state("old", "501")
        world.exchange.on["cancel"] = [raiser(refusal(OrderNotFound))]
        world.exchange.on["order"] = [lambda _: state("old", "501", "filled", filled="1", at=9)]
        assert (await world.desk.cancel(OrderRef("old"), INSTRUMENT)).filled == 1
        world.exchange.orders["bot"] = state("bot", "502")
        [outcome] = await world.desk.cancel_batch([OrderRef("bot")], [INSTRUMENT])
        assert isinstance(outcome, Accepted)

    in_virtual_time(run)


@pytest.mark.parametrize("shape", ["plain", "reversed", "short", "timeout", "emulated", "errors"])
def test_a_batch_of_cancels_gives_one_outcome_per_input(shape: str) -> None:
    async def run() -> None:
        world = World()
        refs = [OrderRef("a"), OrderRef(venue_order_id="2"), OrderRef("c")]
        for name in "abc":
            await world.desk.place(limit(name), INSTRUMENT)

        def reply(refs: list[OrderRef]) -> list[Any]:
            ended: list[Any] = [world.exchange.end(ref) for ref in refs]
            if shape == "timeout":
                raise RequestTimeout("no reply")
            if shape == "errors":
                return [refusal(OrderNotFound) for _ in ended]
            return {"plain": ended, "reversed": ended[::-1], "short": ended[1:]}[shape]

        world.exchange.on["cancel_batch"] = [reply]
        outcomes = await world.desk.cancel_batch(refs, [INSTRUMENT] * 3, emulate=shape == "emulated")
        assert [type(outcome) for outcome in outcomes] == [Accepted] * 3
        assert [outcome.client_order_id for outcome in outcomes] == ["a", "2", "c"]
        assert [o.state.client_order_id for o in outcomes if isinstance(o, Accepted)] == ["a", "b", "c"]

    in_virtual_time(run)


def test_a_cancel_the_journal_cannot_keep_rejects_its_item() -> None:
    class Full:
        async def intend(self, intent: object) -> None:
            raise OSError("disk full")

        async def conclude(self, *_: object) -> None: ...

    async def run() -> None:
        world = World(journal=Full())
        (outcome,) = await world.desk.cancel_batch([A1], [INSTRUMENT])
        assert isinstance(outcome, Rejected)
        assert world.exchange.sent == []

    in_virtual_time(run)


def test_cancel_all_tells_what_became_of_each() -> None:
    async def run() -> None:
        world = World()
        order = await placed(world)
        world.exchange.orders["z"] = state("z", "900")
        states = await world.desk.cancel_all(INSTRUMENT)
        assert [each.status for each in states] == [OrderStatus.CANCELED] * 2
        assert order.status is OrderStatus.CANCELED

    in_virtual_time(run)


def test_cancel_all_does_not_tell_an_order_open_whose_end_is_not_known() -> None:
    async def run() -> None:
        world = World()
        order = await placed(world)
        world.exchange.always["cancel_all"] = lambda *_: [replace(order.state, status=OrderStatus.UNKNOWN)]
        states = await world.desk.cancel_all(INSTRUMENT)
        assert [each.status for each in states] == [OrderStatus.UNKNOWN]

    in_virtual_time(run)


def test_an_amendment_that_was_checked_against_terms_amended_meanwhile_is_refused() -> None:
    async def run() -> None:
        async def check(*_: object) -> None:
            await anyio.sleep(1)

        world = World(checks=[check])
        await placed(world)
        told: list[str] = []

        def in_place(order: OrderState, change: Amendment) -> OrderState:
            quantity, price = change.quantity or order.quantity, change.price or order.price
            return replace(order, quantity=quantity, price=price, updated_ns=order.updated_ns + 1)

        world.exchange.always["amend"] = in_place

        async def change(delay_s: float, **terms: D) -> None:
            await anyio.sleep(delay_s)
            try:
                told.append(str((await world.desk.amend(A1, INSTRUMENT, **terms)).state.quantity))
            except InvalidArgument as error:
                told.append(str(error))

        async with anyio.create_task_group() as group:
            group.start_soon(partial(change, 0, quantity=D(5)))
            group.start_soon(partial(change, 0.1, price=D(2000)))
        assert told == ["5", "a-1 was amended meanwhile: look at it, and amend it again"]

    in_virtual_time(run)


def test_the_late_outcome_of_one_amendment_does_not_end_the_next() -> None:
    async def run() -> None:
        world = World()
        async with anyio.create_task_group() as group:
            group.start_soon(world.desk.run)
            order = await placed(world)
            world.exchange.on["amend"] = [lambda *_: anyio.sleep(3600)]
            with anyio.move_on_after(1):
                await world.desk.amend(A1, INSTRUMENT, price=D(101))
            seen: list[OrderStatus] = []

            async def slowly(now: OrderState, change: Amendment) -> OrderState:
                await anyio.sleep(HORIZON_S + 15)  # the first one is proved lost meanwhile
                world.desk.apply_state(world.exchange.end(A1))  # as the first half of this one
                seen.append(order.status)
                made = replace(now, client_order_id=change.new_client_order_id, venue_order_id="2", updated_ns=9999)
                world.exchange.orders[str(change.new_client_order_id)] = made
                return made

            world.exchange.on["amend"] = [slowly]
            await world.desk.amend(A1, INSTRUMENT, price=D(102))
            assert (seen, order.status) == ([OrderStatus.PENDING], OrderStatus.OPEN)
            group.cancel_scope.cancel()

    in_virtual_time(run)


@pytest.mark.parametrize("kind", ["amend", "cancel"])
def test_what_becomes_of_an_order_that_the_exchange_may_hide_is_not_decided_by_absence_either(kind: str) -> None:
    intents: list[Intent] = []

    class Kept:
        async def intend(self, intent: Intent) -> None:
            intents.append(intent)

        async def conclude(self, intent: Intent, outcome: str, evidence: tuple[str, ...]) -> None: ...

    async def run() -> None:
        world = World(hidden_by={"grouping": ("bracket",)}, journal=Kept())
        await world.desk.place(limit(reduce_only=True, native={"grouping": "bracket"}), INSTRUMENT)
        world.exchange.visible = False
        world.exchange.always[kind] = raiser(RequestTimeout("no reply"))
        amend = partial(world.desk.amend, A1, INSTRUMENT)
        with pytest.raises(OrderOutcomeUnknown):
            await (world.desk.cancel(A1, INSTRUMENT) if kind == "cancel" else amend(price=D(9)))
        assert [intent.hidden for intent in intents] == [True, True]  # the next process must know as well

    in_virtual_time(run)


def test_a_lost_amendment_of_what_is_left_of_an_order_is_told_as_not_carried_out() -> None:
    async def run() -> None:
        world = World()
        await placed(world)
        world.exchange.orders["a-1"] = replace(world.exchange.orders["a-1"], filled=D("0.4"), updated_ns=5)
        world.desk.apply_state(world.exchange.orders["a-1"])

        def replaced(_: OrderState, change: Amendment) -> OrderState:
            world.exchange.end(A1)
            name = str(change.new_client_order_id)
            world.exchange.orders[name] = state(name, "2", quantity="0.6", price="101", at=50)
            return world.exchange.orders[name]

        world.exchange.on["amend"] = [replaced, raiser(RequestTimeout("no reply"))]
        await world.desk.amend(A1, INSTRUMENT, price=D(101))
        with pytest.raises(Unavailable, match="the amendment was not carried out"):
            await world.desk.amend(A1, INSTRUMENT, price=D(102))

    in_virtual_time(run)


def test_an_amended_order_stays_one_order_under_its_new_ids() -> None:
    async def run(speed: float) -> None:
        world = World(speed=speed)
        order = await placed(world)
        world.desk.apply_fill(fill(quantity="0.4"))
        amended = await world.desk.amend(A1, INSTRUMENT, price=D("90"))
        world.desk.apply_state(replace(world.exchange.orders["a-1"], filled=D("0.4")))
        assert amended.client_order_id == order.client_order_id == "a-1"
        assert (order.venue_order_id, order.state.client_order_id) == ("2", "id-1")
        assert (order.status, order.filled, order.state.price) == (OrderStatus.PARTIALLY_FILLED, D("0.4"), D(90)) or (
            order.status is OrderStatus.OPEN and order.filled == D("0.4")
        )
        assert (await world.desk.cancel(A1, INSTRUMENT)).status is OrderStatus.CANCELED
        assert world.exchange.sent == ["a-1", "amend a-1", "cancel id-1"]
        assert order.filled == D("0.4")

    on_both_backends(run)


def test_a_lost_reply_to_an_amendment_is_found_under_the_new_id() -> None:
    async def run() -> None:
        world = World()
        order = await placed(world)

        def hook(before: Any, change: Any) -> None:
            world.exchange.replace(before, change)
            raise RequestTimeout("no reply")

        world.exchange.on["amend"] = [hook]
        await world.desk.amend(A1, INSTRUMENT, quantity=D("0.5"), price=D("90"))
        assert (order.venue_order_id, order.state.quantity) == ("2", D("0.5"))

    in_virtual_time(run)


def test_an_amendment_that_keeps_all_ids_is_seen_by_its_terms() -> None:
    async def run() -> None:
        world = World()
        order = await placed(world)

        def hook(before: Any, change: Any) -> None:
            world.exchange.orders["a-1"] = replace(before, price=change.price, updated_ns=50)
            raise refusal(NoChange)

        world.exchange.on["amend"] = [hook]
        await world.desk.amend(A1, INSTRUMENT, price=D("90"))
        assert (order.venue_order_id, order.state.price) == ("1", D(90))

    in_virtual_time(run)


def test_an_amendment_after_which_the_order_has_a_third_price_is_unknown_not_refused() -> None:
    """As where the exchange moves a price into its band, and the reply that says so is lost."""

    async def run() -> None:
        world = World()
        order = await placed(world)

        def hook(before: Any, change: Any) -> None:
            world.exchange.orders["a-1"] = replace(before, price=D("91.5"), updated_ns=50)
            raise RequestTimeout("no reply")

        world.exchange.on["amend"] = [hook]
        with pytest.raises(OrderOutcomeUnknown, match="other terms"):
            await world.desk.amend(A1, INSTRUMENT, price=D("90"))
        assert order.state.price == D("91.5")

    in_virtual_time(run)


def test_an_amendment_whose_order_was_amended_while_it_was_checked_is_refused_before_sending() -> None:
    async def run() -> None:
        async def check(request: Any, instrument: Any, occasion: Any) -> None:
            await anyio.sleep(1)

        world = World(checks=[check])
        order = await placed(world)
        ended: list[Any] = []

        async def amend(price: str) -> None:
            try:
                ended.append((await world.desk.amend(A1, INSTRUMENT, price=D(price))).state.price)
            except InvalidArgument as error:
                ended.append(str(error))

        async with anyio.create_task_group() as group:
            group.start_soon(amend, "101")
            group.start_soon(amend, "102")
        assert ended[0] == order.state.price
        assert "amended meanwhile" in ended[1]
        assert len([sent for sent in world.exchange.sent if sent.startswith("amend")]) == 1

    in_virtual_time(run)


def test_a_late_success_of_an_amendment_that_was_unknown_proves_nothing_about_the_next() -> None:
    async def run() -> None:
        world = World(horizon_s=0.0, resolve_s=1.0)
        order = await placed(world)
        late: list[Any] = []

        def lose(before: Any, change: Any) -> None:
            late.extend((before, change))
            raise RequestTimeout("no reply")

        world.exchange.on["amend"] = [lose]
        with pytest.raises(OrderOutcomeUnknown):
            await world.desk.amend(A1, INSTRUMENT, price=D("101"))

        def refuse(before: Any, change: Any) -> None:
            world.desk.apply_state(world.exchange.replace(*late))
            raise refusal(OrderNotFound)

        world.exchange.on["amend"] = [refuse]
        with pytest.raises((OrderNotFound, OrderOutcomeUnknown)):
            await world.desk.amend(A1, INSTRUMENT, price=D("102"))
        assert order.state.price == D(101)

    in_virtual_time(run)


def test_an_amendment_that_gives_a_new_venue_id_under_the_old_client_id_is_seen() -> None:
    async def run() -> None:
        world = World()
        order = await placed(world)
        world.exchange.on["amend"] = [raiser(RequestTimeout("no reply"))]

        async def stream() -> None:
            await anyio.sleep(0.3)
            assert str(order.status) == "open"
            world.desk.apply_state(state(status="canceled", at=10))
            assert str(order.status) == "pending"  # the end of a leg is not the end of the order
            world.desk.apply_state(state(venue="31", at=10, created_ns=10, price="91"))

        async with anyio.create_task_group() as group:
            group.start_soon(stream)
            await world.desk.amend(A1, INSTRUMENT, price=D("90"))
        assert (order.venue_order_id, order.status) == ("31", OrderStatus.OPEN)

    in_virtual_time(run)


@pytest.mark.parametrize("error", [RequestTimeout("no reply"), refusal(OrderNotFound), refusal(PartialFailure)])
def test_an_amendment_that_never_took_effect_leaves_the_order_as_it_was(error: Exception) -> None:
    async def run() -> None:
        world = World()
        order = await placed(world)
        world.exchange.on["amend"] = [raiser(error)]
        with pytest.raises((Unavailable, OrderNotFound, PartialFailure)) as caught:
            await world.desk.amend(A1, INSTRUMENT, price=D("90"))
        assert isinstance(error, RequestTimeout) or caught.value is error
        assert order.state.price == D(100)
        world.exchange.on["order"] = [raiser(RequestTimeout("busy"))]
        await world.desk.amend(A1, INSTRUMENT, price=D("90"))  # another one may follow

    in_virtual_time(run)


def test_an_amendment_that_was_answered_is_decided_once_reads_have_caught_up_not_at_the_horizon() -> None:
    async def run() -> None:
        world = World(horizon_s=25.0)
        await placed(world)
        world.exchange.on["amend"] = [raiser(refusal(OrderNotFound))]
        with anyio.fail_after(READ_GRACE_S + 1.0), pytest.raises(OrderNotFound):
            await world.desk.amend(A1, INSTRUMENT, price=D("90"))

    in_virtual_time(run)


def test_an_amendment_that_ended_the_order_ends_it() -> None:
    async def run() -> None:
        world = World()
        order = await placed(world)

        def half(before: Any, change: Any) -> None:
            world.exchange.end(A1)
            raise refusal(PartialFailure)

        world.exchange.on["amend"] = [half]
        with pytest.raises(PartialFailure):
            await world.desk.amend(A1, INSTRUMENT, price=D("90"))
        assert order.status is OrderStatus.CANCELED
        assert isinstance(world.told[-1], OrderEvent)
        assert world.told[-1].state.status is OrderStatus.CANCELED

    in_virtual_time(run)


def test_an_amendment_whose_reply_tells_both_halves_is_decided_at_once() -> None:
    async def run() -> None:
        world = World()
        order = await placed(world)
        error = PartialFailure("ex", "-2021", "canceled, and the new order was refused")

        def half(before: Any, change: Any) -> None:
            error.ended = world.exchange.end(A1)
            raise error

        world.exchange.on["amend"] = [half]
        started = anyio.current_time()
        with pytest.raises(PartialFailure) as caught:
            await world.desk.amend(A1, INSTRUMENT, price=D("90"))
        assert caught.value is error
        assert anyio.current_time() == started
        assert world.exchange.looks == 0
        assert (order.status, str(world.told[-1].state.status)) == (OrderStatus.CANCELED, "canceled")  # type: ignore[union-attr]

    in_virtual_time(run)


def test_an_amendment_is_checked_like_an_order_and_only_one_runs_at_a_time() -> None:
    async def run() -> None:
        world = World()
        await placed(world)
        with pytest.raises(InvalidArgument, match="tick_size"):
            await world.desk.amend(A1, INSTRUMENT, price=D("90.001"))

        async def second(before: Any, change: Any) -> None:
            with pytest.raises(InvalidArgument, match="under way"):
                await world.desk.amend(A1, INSTRUMENT, price=D("91"))

        world.exchange.on["amend"] = [second]
        await world.desk.amend(A1, INSTRUMENT, price=D("90"))

    in_virtual_time(run)


def test_an_order_placed_elsewhere_is_looked_up_and_becomes_ours_when_amended() -> None:
    async def run() -> None:
        world = World()
        world.exchange.orders["x"] = state("web", "500")
        handle = await world.desk.amend(OrderRef(venue_order_id="500"), INSTRUMENT, quantity=D(2))
        assert handle.venue_order_id == "1"
        with pytest.raises(OrderNotFound):
            await world.desk.amend(OrderRef("nobody"), INSTRUMENT, quantity=D(2))
        assert world.desk.order(OrderRef("nobody"), INSTRUMENT) is None

    in_virtual_time(run)


def test_an_amendment_whose_new_order_was_reported_rejected_is_not_taken_for_carried_out() -> None:
    async def run() -> None:
        world = World()
        await placed(world)

        def reject(before: Any, change: Any) -> None:
            world.exchange.end(A1)
            world.desk.apply_state(state(change.new_client_order_id, "2", "rejected", at=9))
            raise refusal(PartialFailure)

        world.exchange.on["amend"] = [reject]
        with pytest.raises(PartialFailure):
            await world.desk.amend(A1, INSTRUMENT, price=D(90))

    in_virtual_time(run)


def test_an_amendment_torn_down_with_its_task_does_not_block_the_next() -> None:
    async def run() -> None:
        world = World()
        await placed(world)

        def torn_down(before: Any, change: Any) -> None:
            raise BaseExceptionGroup("a nursery that was cancelled", [KeyboardInterrupt()])

        world.exchange.on["amend"] = [torn_down]
        with pytest.raises(BaseExceptionGroup):
            await world.desk.amend(A1, INSTRUMENT, price=D(90))
        assert (await world.desk.amend(A1, INSTRUMENT, price=D(91))).state.price == 91

    in_virtual_time(run)


def test_an_order_placed_elsewhere_can_be_amended_by_its_client_id() -> None:
    async def run() -> None:
        world = World()
        world.exchange.orders["web"] = state("web", "500")
        handle = await world.desk.amend(OrderRef("web"), INSTRUMENT, quantity=D(2))
        assert handle.client_order_id == "web"
        assert handle.state.quantity == 2

    in_virtual_time(run)


def test_an_order_named_by_what_no_text_can_carry_is_refused_before_sending() -> None:
    async def run() -> None:
        world = World()
        for ref in (OrderRef("caf\udce9"), OrderRef(venue_order_id="caf\udce9")):
            for call in (world.desk.cancel, world.desk.query, partial(world.desk.amend, price=D(90))):
                with pytest.raises(InvalidArgument, match="cannot be written as UTF-8"):
                    await call(ref, INSTRUMENT)
        (outcome,) = await world.desk.cancel_batch([ref], [INSTRUMENT])
        assert isinstance(outcome, Rejected)
        assert (world.exchange.sent, world.exchange.looks) == ([], 0)
        with pytest.raises(InvalidArgument):
            limit("caf\udce9")

    in_virtual_time(run)


@pytest.mark.parametrize("change", [{"quantity": D(0)}, {"price": D(0)}, {"price": D(-1)}, {"quantity": D(-1)}])
def test_an_amendment_to_nothing_is_refused_before_sending(change: dict[str, D]) -> None:
    async def run() -> None:
        world = World()
        await placed(world)
        with pytest.raises(InvalidArgument):
            await world.desk.amend(A1, INSTRUMENT, **change)
        assert world.exchange.sent == ["a-1"]

    in_virtual_time(run)


def test_a_second_amendment_is_refused_while_the_journal_still_writes_the_first() -> None:
    class SlowJournal:
        async def intend(self, intent: Any) -> None:
            await anyio.sleep(1)

        async def conclude(self, intent: Any, outcome: str, evidence: tuple[str, ...]) -> None: ...

    async def run() -> None:
        world = World(journal=SlowJournal())
        await placed(world)
        async with anyio.create_task_group() as group:
            group.start_soon(lambda: world.desk.amend(A1, INSTRUMENT, price=D(90)))
            await anyio.sleep(0.5)
            with pytest.raises(InvalidArgument, match="under way"):
                await world.desk.amend(A1, INSTRUMENT, price=D(91))

    in_virtual_time(run)


def test_settled_waits_for_the_end_and_times_out_politely() -> None:
    async def run() -> None:
        world = World()
        order = await placed(world)
        with pytest.raises(TimeoutError, match="still open after 3 s"):
            await order.settled(3)
        assert world.exchange.looks == 0  # a stream is followed: nobody asks
        async with anyio.create_task_group() as group:
            group.start_soon(order.settled)
            await anyio.sleep(1)
            world.desk.apply_state(state(status="filled", filled="1", at=7))
        assert order.status is OrderStatus.FILLED
        await order.settled()

    in_virtual_time(run)


def test_without_a_stream_a_waiting_handle_asks() -> None:
    async def run(speed: float) -> None:
        world = World(follow=False, speed=speed)
        order = await placed(world)
        world.exchange.on["order"] = [raiser(RequestTimeout("busy"))]
        with pytest.raises(TimeoutError):
            await order.settled(5)
        world.exchange.end(A1)
        assert (await order.settled(5)).status is OrderStatus.CANCELED

    on_both_backends(run)


def test_first_look_of_a_waiting_handle_is_soon_and_the_next_ones_are_rarer() -> None:
    async def run() -> None:
        world = World(follow=False)
        order = await placed(world)
        with pytest.raises(TimeoutError):
            await order.settled(1)
        soon = world.exchange.looks
        assert soon >= 3
        with pytest.raises(TimeoutError):
            await order.settled(60)
        assert world.exchange.looks - soon <= 36

    in_virtual_time(run)


def test_events_start_with_what_is_known_and_end_with_the_order() -> None:
    async def run(speed: float) -> None:
        world = World(speed=speed)
        first = fill("t1", quantity="0.2")
        world.exchange.on["place"] = [lambda _: state(status="partially_filled", filled="0.2", fills=(first,))]
        order = await placed(world)
        seen: list[Any] = []
        known = order.state

        async def read() -> None:
            async for event in order.events():
                seen.append(event)

        async with anyio.create_task_group() as group:
            group.start_soon(read)
            await anyio.wait_all_tasks_blocked()
            world.desk.apply_fill(fill("t2", quantity="0.8", at=2))
            world.desk.apply_state(state(status="filled", filled="1", at=3))
        assert seen == [
            FillEvent(first),
            OrderEvent(known),
            FillEvent(fill("t2", quantity="0.8", at=2)),
            OrderEvent(order.state),
        ]
        assert order._order.watchers == []

    on_both_backends(run)


def test_a_reader_of_an_order_that_falls_too_far_behind_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        world = World()
        order = await placed(world)
        events = order.events()
        for moment in range(2, 9):
            world.desk.apply_state(state(at=moment))
        assert [await events.__anext__() for _ in range(3)] != []
        with pytest.raises(SlowConsumer):
            await events.__anext__()
        events.close()

    monkeypatch.setattr(handle, "MAX_EVENTS", 3)
    in_virtual_time(run)


def test_a_handle_of_an_order_without_client_id_is_named_by_the_exchange() -> None:
    async def run() -> None:
        world = World()
        world.desk.apply_state(state(None, "77"))
        order = world.desk.order(OrderRef(venue_order_id="77"), INSTRUMENT)
        assert order is not None
        assert order.client_order_id == "77"

    in_virtual_time(run)


def test_doubt_and_duplicates_in_a_batch_of_cancels_without_horizon_are_unknown() -> None:
    async def run() -> None:
        world = World(horizon_s=0.0)
        await placed(world)
        world.exchange.on["cancel_batch"] = [raiser(refusal(DuplicateOrder))]
        (outcome,) = await world.desk.cancel_batch([A1], [INSTRUMENT])
        assert isinstance(outcome, Unknown)

    in_virtual_time(run)


def test_an_amendment_without_horizon_or_reads_is_unknown_and_the_order_lives_on() -> None:
    async def run() -> None:
        world = World(horizon_s=0.0)
        order = await placed(world)
        world.exchange.on["amend"] = [raiser(RequestTimeout("no reply"))]
        world.exchange.always["order"] = raiser(RequestTimeout("busy"))
        with pytest.raises(OrderOutcomeUnknown, match="could not look"):
            await world.desk.amend(A1, INSTRUMENT, quantity=D("0.5"))
        world.desk.apply_state(state(status="filled", filled="1", at=9))
        assert (await order.settled()).filled == 1

    in_virtual_time(run)


@pytest.mark.parametrize("shape", ["plain", "timeout", "emulated", "one refused"])
def test_a_batch_of_amendments_gives_one_outcome_per_input(shape: str) -> None:
    async def run() -> None:
        world = World()
        for name in "abc":
            await world.desk.place(limit(name), INSTRUMENT)

        def reply(orders: list[OrderState], changes: list[Amendment]) -> list[Any]:
            ended: list[Any] = [world.exchange.replace(*pair) for pair in zip(orders, changes, strict=True)]
            if shape == "timeout":
                raise RequestTimeout("no reply")
            return [ended[0], refusal(InvalidOrder)] if shape == "one refused" else ended

        if shape == "one refused":  # what was refused still works on its old terms
            world.exchange.always["order"] = lambda ref: world.exchange.orders[str(ref.client_order_id)]
        world.exchange.on["amend_batch"] = [reply]
        refs = [OrderRef("a"), OrderRef("b"), OrderRef("c")]
        terms = [(None, D(90)), (D(-1), None), (D("0.5"), D(91))]
        outcomes = await world.desk.amend_batch(refs, terms, [INSTRUMENT] * 3, emulate=shape == "emulated")

        last = Rejected if shape == "one refused" else Accepted
        assert [type(outcome) for outcome in outcomes] == [Accepted, Rejected, last]
        assert [outcome.client_order_id for outcome in outcomes] == ["a", "b", "c"]
        assert isinstance(outcomes[0], Accepted)
        assert (outcomes[0].state.price, outcomes[0].state.quantity) == (D(90), D(1))
        assert "amend b" not in world.exchange.sent
        again = await world.desk.amend(OrderRef("a"), INSTRUMENT, price=D(80))  # the way is free again
        assert again.state.price == 80

    in_virtual_time(run)


def test_a_batch_abandoned_before_it_was_sent_leaves_its_orders_free() -> None:
    class Stuck:
        def __init__(self) -> None:
            self.stuck = False

        async def intend(self, intent: Intent) -> None:
            if self.stuck and intent.client_order_id == "b":
                await anyio.sleep_forever()

        async def conclude(self, *_: object) -> None: ...

    async def run() -> None:
        journal = Stuck()
        world = World(journal=journal)
        for name in "ab":
            await world.desk.place(limit(name), INSTRUMENT)
        journal.stuck = True
        refs, terms = [OrderRef("a"), OrderRef("b")], [(None, D(90)), (None, D(91))]
        with anyio.move_on_after(1):
            await world.desk.amend_batch(refs, terms, [INSTRUMENT] * 2)
        assert not [sent for sent in world.exchange.sent if sent.startswith("amend")]
        journal.stuck = False
        outcomes = await world.desk.amend_batch(refs, terms, [INSTRUMENT] * 2)
        assert [type(outcome) for outcome in outcomes] == [Accepted, Accepted]

    in_virtual_time(run)


def test_an_order_that_only_its_fill_has_proved_is_asked_for_at_once() -> None:
    async def run() -> None:
        world = World()

        async def lost_reply(request: OrderRequest) -> OrderState:
            world.exchange.execute(request)
            world.exchange.end(A1)
            world.desk.apply_fill(fill(quantity="0.4"))
            raise RequestTimeout("no reply")

        world.exchange.on["place"] = [lost_reply]
        world.exchange.on["order"] = [raiser(RequestTimeout("busy")), raiser(refusal(OrderNotFound))]
        order = await placed(world)
        told = [order.status]
        async with anyio.create_task_group() as group:
            group.start_soon(world.desk.run)
            await anyio.sleep(12)
            group.cancel_scope.cancel()
        assert [*told, order.status] == [OrderStatus.PARTIALLY_FILLED, OrderStatus.CANCELED]
        assert order.filled == D("0.4")
        assert world.exchange.looks == 3

    in_virtual_time(run)


@pytest.mark.parametrize("status", [OrderStatus.CANCELED, None])
def test_a_cancel_that_is_only_acknowledged_is_completed_from_what_is_known(status: OrderStatus | None) -> None:
    async def run() -> None:
        world = World()
        order = await placed(world)
        world.desk.apply_fill(fill(quantity="0.4"))
        world.exchange.always["cancel"] = lambda ref: Acknowledged(ref, status, "canceled" if status else "")
        state = await world.desk.cancel(A1, INSTRUMENT)
        assert (state.filled, state.price, world.exchange.looks) == (D("0.4"), D(100), 0)
        assert state.status is (status or OrderStatus.PARTIALLY_FILLED)
        assert order.status is state.status

    in_virtual_time(run)


def test_an_acknowledged_cancel_counts_what_was_filled_before_an_amendment_once() -> None:
    async def run() -> None:
        world = World()
        order = await placed(world)
        world.desk.apply_fill(fill(quantity="0.4"))
        await world.desk.amend(A1, INSTRUMENT, price=D(90))
        world.exchange.always["cancel"] = lambda ref: Acknowledged(ref, OrderStatus.CANCELED)
        ended = await world.desk.cancel(A1, INSTRUMENT)
        assert (ended.status, ended.filled, order.filled) == (OrderStatus.CANCELED, D("0.4"), D("0.4"))
        assert world.desk.ledger.unfinished() == []

    in_virtual_time(run)


def test_an_end_is_told_once_whatever_its_time_turns_out_to_be() -> None:
    async def run() -> None:
        world = World()
        ended = state(status="canceled", at=5)
        assert len(world.desk.apply_state(ended)) == 1
        assert world.desk.apply_state(replace(ended, updated_ns=9)) == []
        assert len(world.desk.apply_state(replace(ended, updated_ns=10, reason="by you"))) == 1

    in_virtual_time(run)


def test_an_acknowledged_cancel_of_an_order_placed_elsewhere_asks_what_it_was() -> None:
    async def run() -> None:
        world = World()
        world.exchange.orders["z"] = state("z", "900")
        ref = OrderRef(venue_order_id="900")
        world.exchange.always["cancel"] = lambda ref: Acknowledged(ref, OrderStatus.CANCELED)
        found = await world.desk.cancel(ref, INSTRUMENT)
        assert (found.client_order_id, found.status, world.exchange.looks) == ("z", OrderStatus.CANCELED, 1)
        world.exchange.always["cancel_batch"] = lambda refs: [
            Acknowledged(refs[0], OrderStatus.CANCELED), refusal(OrderNotFound), Acknowledged(refs[2]),
        ]  # fmt: skip
        world.exchange.always["order"] = raiser(refusal(OrderNotFound))
        refs = [ref, OrderRef("no"), OrderRef("never")]
        outcomes = await world.desk.cancel_batch(refs, [INSTRUMENT] * 3)
        assert [type(outcome) for outcome in outcomes] == [Accepted, Rejected, Rejected]

    in_virtual_time(run)


@pytest.mark.parametrize("error", [ConnectionFailed("DNS is down", sent=False), refusal(RateLimited)])
def test_an_acknowledged_cancel_is_not_refused_because_the_order_could_not_be_asked_for(error: Exception) -> None:
    async def run() -> None:
        world = World()
        for name, venue in (("y", "800"), ("z", "900")):
            world.exchange.orders[name] = state(name, venue)

        def taken(ref: OrderRef) -> Acknowledged:
            world.exchange.end(ref)
            return Acknowledged(ref)

        world.exchange.always["cancel"] = taken
        world.exchange.always["cancel_batch"] = lambda refs: [taken(ref) for ref in refs]
        world.exchange.on["order"] = [raiser(error), raiser(error)]
        found = await world.desk.cancel(OrderRef(venue_order_id="800"), INSTRUMENT)
        assert (found.client_order_id, found.status) == ("y", OrderStatus.CANCELED)

        world.exchange.on["order"] = [raiser(error)]
        (outcome,) = await world.desk.cancel_batch([OrderRef(venue_order_id="900")], [INSTRUMENT])
        assert isinstance(outcome, Accepted)
        assert world.exchange.sent == ["cancel 800", "cancel 900"]

    in_virtual_time(run)


@pytest.mark.parametrize("error", [None, RequestTimeout("no reply")])
@pytest.mark.parametrize("shape", ["one", "batch", "emulated"])
def test_a_cancel_that_the_exchange_says_has_ended_the_order_is_never_rejected(
    shape: str, error: Exception | None
) -> None:
    async def run() -> None:
        world = World()
        ref = OrderRef("elsewhere")
        ended = Acknowledged(ref, OrderStatus.CANCELED)
        world.exchange.on = {"cancel": [lambda ref: ended], "cancel_batch": [lambda refs: [ended]]}
        if error is not None:
            world.exchange.on["order"] = [raiser(error)]
        if shape == "one":
            with pytest.raises(OrderOutcomeUnknown, match="said the order is canceled"):
                await world.desk.cancel(ref, INSTRUMENT)
        else:
            (outcome,) = await world.desk.cancel_batch([ref], [INSTRUMENT], emulate=shape == "emulated")
            assert isinstance(outcome, Unknown)
            assert "said the order is canceled" in outcome.evidence[0]
        assert world.exchange.sent == ["cancel elsewhere"]

    in_virtual_time(run)


def test_an_order_that_is_told_as_cancelled_and_shown_late_is_found() -> None:
    async def run() -> None:
        world = World()
        world.exchange.orders["z"] = state("z", "900", "canceled", at=9, filled="0.4")
        world.exchange.on = {
            "cancel": [lambda ref: Acknowledged(ref, OrderStatus.CANCELED)],
            "order": [raiser(refusal(OrderNotFound))] * 3,
        }
        found = await world.desk.cancel(OrderRef("z"), INSTRUMENT)
        assert (found.status, found.filled) == (OrderStatus.CANCELED, D("0.4"))

    in_virtual_time(run)


def test_fills_that_nobody_reported_are_asked_for_until_they_add_up() -> None:
    async def run() -> None:
        world = World()
        order = await placed(world)
        assert await order.fetch_fills() == ()
        world.desk.apply_state(state(status="filled", filled="1", at=9))
        parts = [fill("t1", quantity="0.4"), fill("t2", quantity="0.6", at=2)]

        async def later() -> None:
            world.exchange.fills = parts[:1]
            await anyio.sleep(2)
            world.exchange.fills = parts

        async with anyio.create_task_group() as group:
            group.start_soon(later)
            await anyio.sleep(0.1)
            assert await order.fetch_fills() == tuple(parts)
        assert [event.fill for event in world.told if isinstance(event, FillEvent)] == parts
        world.exchange.fills = []
        assert await order.fetch_fills(timeout_s=0) == tuple(parts)  # nothing is asked twice

    in_virtual_time(run)


def test_fills_of_an_order_that_is_shown_late_are_waited_for() -> None:
    async def run() -> None:
        world = World()
        order = await placed(world)
        world.desk.apply_state(state(status="filled", filled="1", at=9))
        world.exchange.on["fills_of"] = [raiser(refusal(OrderNotFound))]
        world.exchange.fills = [fill("t1", quantity="1")]
        assert await order.fetch_fills() == tuple(world.exchange.fills)

    in_virtual_time(run)


def test_fills_that_stay_hidden_are_not_made_up() -> None:
    async def run() -> None:
        world = World()
        order = await placed(world)
        world.desk.apply_state(state(status="filled", filled="1", at=9))
        with pytest.raises(TimeoutError, match="fills of 0 are known of the 1 executed"):
            await order.fetch_fills(timeout_s=3)

    in_virtual_time(run)


def test_fills_of_an_amended_order_are_fetched_though_its_first_part_is_not_found_any_more() -> None:
    async def run() -> None:
        world = World()
        order = await placed(world)
        await world.desk.amend(A1, INSTRUMENT, price=D(101))
        world.exchange.fills = [fill(venue="2", name="id-1")]
        world.desk.apply_state(state("id-1", "2", status="filled", filled="1", price="101", at=5000))

        def fills_of(part: OrderState) -> None:
            if part.venue_order_id == "1":
                raise refusal(OrderNotFound)

        world.exchange.always["fills_of"] = fills_of
        assert await order.fetch_fills() == tuple(world.exchange.fills)

    in_virtual_time(run)


def test_the_end_of_a_replaced_part_is_not_the_orders_while_an_amendment_left_by_its_caller_is_possible() -> None:
    async def run() -> None:
        world = World()
        order = await placed(world)
        was = world.exchange.orders["a-1"]
        world.exchange.on["amend"] = [lambda *_: anyio.sleep(3600)]
        async with anyio.create_task_group() as group:
            group.start_soon(world.desk.run)
            with anyio.move_on_after(1):
                await world.desk.amend(A1, INSTRUMENT, price=D(101))
            world.exchange.replace(was, Amendment(price=D(101), new_client_order_id="id-1"))  # only now
            world.desk.apply_state(world.exchange.orders["a-1"])
            with pytest.raises(TimeoutError):
                await order.settled(1)
            world.desk.apply_state(world.exchange.orders["id-1"])
            assert (order.status, order.state.price) == (OrderStatus.OPEN, 101)
            await anyio.sleep(60)
            world.desk.apply_state(world.exchange.end(OrderRef("id-1")))
            assert (await order.settled(1)).status is OrderStatus.CANCELED
            group.cancel_scope.cancel()

    in_virtual_time(run)


def test_the_end_of_an_order_is_told_once_an_amendment_that_its_caller_left_is_known_to_be_lost() -> None:
    async def run() -> None:
        world = World()
        order = await placed(world)
        world.exchange.on["amend"] = [lambda *_: anyio.sleep(3600)]
        async with anyio.create_task_group() as group:
            group.start_soon(world.desk.run)
            with anyio.move_on_after(1):
                await world.desk.amend(A1, INSTRUMENT, price=D(101))
            world.desk.apply_state(world.exchange.end(A1))
            assert order.status is OrderStatus.PENDING
            assert (await order.settled(HORIZON_S + 30)).status is OrderStatus.CANCELED
            group.cancel_scope.cancel()

    in_virtual_time(run)
