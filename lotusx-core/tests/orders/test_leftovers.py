"""What an earlier process left undecided is found out by looking: never sent again, never concluded without proof."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal as D
from typing import Any

import anyio
import pytest
import trio

from lotusx.errors import InvalidArgument, RequestTimeout, UnknownSymbol
from lotusx.kernel.orders.outcome import CommandKind
from lotusx.kernel.ports import Amendment, OrderRef
from lotusx.model.account import OrderEvent
from lotusx.model.enums import OrderStatus, Side
from lotusx.model.instruments import Instrument
from lotusx.model.orders import Accepted, OrderState, Outcome, Rejected, Unknown
from lotusx.model.symbol import Symbol
from lotusx.orders import Recovered
from lotusx.orders.journal import Intent
from lotusx.orders.journal_codec import from_text, to_text
from lotusx.orders.terms import amended_request

from .order_kit import BTC, EPOCH_NS, HORIZON_S, INSTRUMENT, World, fill, in_virtual_time, limit, raiser, state

AN_HOUR_NS = 3600 * 1_000_000_000


class Notes:
    def __init__(self) -> None:
        self.concluded: list[tuple[str, str]] = []

    async def intend(self, intent: Intent) -> None: ...
    async def undecided(self) -> Sequence[Intent]:
        return []

    async def conclude(self, intent: Intent, outcome: str, evidence: tuple[str, ...]) -> None:
        self.concluded.append((intent.client_order_id, outcome))


def left(name: str = "a-1", age_ns: int = 0) -> Intent:
    return Intent(CommandKind.PLACE, name, BTC, EPOCH_NS - age_ns, request=limit(name))


def amendment(change: Amendment) -> Intent:
    wanted = amended_request(state(), change, INSTRUMENT)
    names, before = OrderRef("a-1", "1"), (D(1), D(100))
    return Intent(CommandKind.AMEND, "a-1", BTC, EPOCH_NS, wanted, change, names, before)


async def listed(symbol: Symbol) -> Instrument:
    return INSTRUMENT


async def found(world: World, *intents: Intent) -> Sequence[Recovered]:
    leftovers = world.desk.adopt(intents)
    await leftovers.resolve(listed)
    return await world.desk.recovered()


async def outcome_of(world: World, intent: Intent) -> Outcome:
    (one,) = await found(world, intent)
    return one.outcome


def test_an_order_that_had_arrived_is_found_and_followed() -> None:
    async def run() -> None:
        notes = Notes()
        world = World(journal=notes)
        world.exchange.execute(limit())
        (one,) = await found(world, left())
        assert isinstance(one.outcome, Accepted)
        assert one.order is not None
        assert one.order.status is OrderStatus.OPEN
        world.desk.apply_state(state(venue="1", status="filled", filled="1", at=9))
        assert (await one.order.settled(5)).filled == 1
        assert (world.exchange.sent, notes.concluded) == ([], [("a-1", "accepted")])

    in_virtual_time(run)


def test_an_order_that_never_arrived_is_told_so_after_the_horizon_and_not_before() -> None:
    async def run() -> None:
        notes = Notes()
        world = World(journal=notes)
        begun = trio.current_time()
        outcome = await outcome_of(world, left(age_ns=AN_HOUR_NS))
        assert isinstance(outcome, Rejected)
        assert "never accepted" in str(outcome.error)
        assert trio.current_time() - begun >= HORIZON_S  # of this process: the other may just have ended
        assert (world.exchange.sent, notes.concluded) == ([], [("a-1", "rejected")])
        assert world.desk.ledger.unfinished() == []

    in_virtual_time(run)


def test_an_order_that_only_an_old_fill_shows_is_not_declared_lost() -> None:
    asked: list[int] = []

    async def run() -> None:
        world = World()
        world.exchange.always["order"] = lambda _: None  # the query does not find it any more
        world.exchange.fills = [fill(at=EPOCH_NS - AN_HOUR_NS)]
        page = world.exchange.fills_page

        async def fills_page(*arguments: object) -> object:
            asked.append(arguments[1].start_ns)  # type: ignore[attr-defined]
            return await page(*arguments)  # type: ignore[arg-type]

        world.exchange.fills_page = fills_page  # type: ignore[method-assign, assignment]
        outcome = await outcome_of(world, left(age_ns=AN_HOUR_NS))
        assert isinstance(outcome, Accepted)
        assert outcome.state.filled == 1

    in_virtual_time(run)
    assert max(asked) <= EPOCH_NS - AN_HOUR_NS  # since it was asked for, not since this process began


def test_what_nothing_can_prove_stays_unknown_and_is_left_to_the_next_process() -> None:
    async def run() -> None:
        notes = Notes()
        world = World(journal=notes)
        world.exchange.always["order"] = raiser(RequestTimeout("no reply"))
        assert isinstance(await outcome_of(world, left()), Unknown)
        assert notes.concluded == [("a-1", "unknown")]

    in_virtual_time(run)


def test_its_client_order_id_is_not_free_while_it_is_in_doubt() -> None:
    async def run() -> None:
        world = World()
        world.desk.adopt([left()])
        with pytest.raises(InvalidArgument, match="used before"):
            await world.desk.place(limit(), INSTRUMENT)
        assert [order.client_order_id for order in world.desk.ledger.unfinished()] == ["a-1"]

    in_virtual_time(run)


@pytest.mark.parametrize("carried_out", [True, False])
def test_a_cancel_ends_as_the_order_shows(carried_out: bool) -> None:
    async def run() -> None:
        world = World()
        world.exchange.execute(limit(), "canceled" if carried_out else "open")
        intent = Intent(CommandKind.CANCEL, "a-1", BTC, EPOCH_NS, names=OrderRef("a-1", "1"))
        outcome = await outcome_of(world, intent)
        if carried_out:
            assert isinstance(outcome, Accepted)
            assert outcome.state.status is OrderStatus.CANCELED
        else:
            assert isinstance(outcome, Rejected)
            assert "still works" in str(outcome.error)
        assert world.exchange.sent == []

    in_virtual_time(run)


def same_id(world: World, price: str) -> None:
    world.exchange.execute(limit(price=price))


def new_id(world: World, price: str) -> None:
    order = world.exchange.execute(limit())
    if price != "100":
        world.exchange.replace(order, Amendment(price=D(price), new_client_order_id="a-2"))


@pytest.mark.parametrize("how", [same_id, new_id])
@pytest.mark.parametrize("price", ["90", "100"])
def test_an_amendment_ends_as_the_order_shows(how: object, price: str) -> None:
    async def run() -> None:
        world = World()
        assert callable(how)
        how(world, price)
        (one,) = await found(world, amendment(Amendment(price=D(90), new_client_order_id="a-2")))
        assert isinstance(one.outcome, Accepted if price == "90" else Rejected)
        assert one.order is not None
        assert (one.order.status, one.order.state.price) == (OrderStatus.OPEN, D(price))
        assert world.exchange.sent == []
        again = await world.desk.amend(OrderRef("a-1"), INSTRUMENT, price=D(80))  # the way is free
        assert again.state.price == 80

    in_virtual_time(run)


@pytest.mark.parametrize("known", [True, False])
def test_an_amendment_whose_price_the_exchange_may_have_moved_stays_unknown(known: bool) -> None:
    async def run() -> None:
        world = World()
        same_id(world, "95" if known else "100")
        intent = amendment(Amendment(price=D(90)))
        (one,) = await found(world, intent if known else replace(intent, before=None))
        assert isinstance(one.outcome, Unknown)

    in_virtual_time(run)


@pytest.mark.parametrize("before", [(D("0.10"), D(100)), (None, D(100)), None])
@pytest.mark.parametrize("hidden", [True, False])
def test_what_is_known_of_an_amended_order_survives_the_journal(before: Any, hidden: bool) -> None:
    intent = replace(amendment(Amendment(price=D(90))), before=before, hidden=hidden)
    read = from_text("amend", "a-1", str(BTC), EPOCH_NS, to_text(intent))
    assert (read.before, read.hidden) == (before, hidden)


def test_another_order_under_the_id_is_not_taken_for_a_left_one_before_anybody_looks_either() -> None:
    async def run() -> None:
        world = World()
        world.desk.adopt([left()])
        world.desk.apply_state(state(side=Side.SELL))
        order = world.desk.order(OrderRef("a-1"), INSTRUMENT)
        assert order is not None
        assert order.venue_order_id is None

    in_virtual_time(run)


def test_the_account_stream_may_know_before_anybody_looks() -> None:
    async def run() -> None:
        world = World()
        leftovers = world.desk.adopt([left()])
        world.desk.apply_state(state())
        world.exchange.always["order"] = raiser(AssertionError("nobody needs to ask"))
        await leftovers.resolve(listed)
        (one,) = await leftovers.all()
        assert isinstance(one.outcome, Accepted)

    in_virtual_time(run)


def test_an_exchange_that_cannot_be_reached_is_asked_again_until_it_can() -> None:
    tries: list[float] = []

    async def later(symbol: Symbol) -> Instrument:
        tries.append(trio.current_time())
        if trio.current_time() < 3600:
            raise RequestTimeout("no reply")
        return INSTRUMENT

    async def run() -> None:
        world = World()
        world.exchange.execute(limit())
        leftovers = world.desk.adopt([left()])
        async with anyio.create_task_group() as group:
            group.start_soon(leftovers.resolve, later)
            (one,) = await world.desk.recovered()
        assert isinstance(one.outcome, Accepted)

    in_virtual_time(run)
    assert max(two - one for one, two in itertools.pairwise(tries)) <= 30.0


def test_what_is_not_listed_any_more_stays_unknown() -> None:
    async def gone(symbol: Symbol) -> Instrument:
        raise UnknownSymbol("ex", str(symbol), ())

    async def run() -> None:
        world = World()
        leftovers = world.desk.adopt([left()])
        await leftovers.resolve(gone)
        (one,) = await leftovers.all()
        assert isinstance(one.outcome, Unknown)
        assert "not listed" in one.outcome.evidence[0]

    in_virtual_time(run)


def test_several_are_resolved_in_their_order_and_side_by_side() -> None:
    async def run() -> None:
        world = World()
        names = [f"a-{number}" for number in range(20)]

        async def slow(ref: OrderRef) -> OrderState | None:
            await anyio.sleep(1)
            return None

        world.exchange.always["order"] = slow
        for name in names:
            world.exchange.execute(limit(name))
        begun = trio.current_time()
        all_of_them = await found(world, *(left(name) for name in names))
        assert [one.intent.client_order_id for one in all_of_them] == names
        assert trio.current_time() - begun < 5

    in_virtual_time(run)


def test_without_a_journal_nothing_is_left() -> None:
    async def run() -> None:
        assert await World().desk.recovered() == ()

    in_virtual_time(run)


def test_an_order_that_the_exchange_may_hide_stays_unknown_in_the_next_process() -> None:
    async def run() -> None:
        world = World(hidden_by={"grouping": ("bracket",)})
        hidden = limit(reduce_only=True, native={"grouping": "bracket"})
        kept = to_text(Intent(CommandKind.PLACE, "a-1", BTC, EPOCH_NS, request=hidden))
        outcome = await outcome_of(world, from_text("place", "a-1", str(BTC), EPOCH_NS, kept))
        assert isinstance(outcome, Unknown)

    in_virtual_time(run)


def test_the_order_of_a_left_amendment_does_not_end_with_its_replaced_part_before_that_is_looked_into() -> None:
    async def run() -> None:
        world = World()
        change = Amendment(price=D(90), new_client_order_id="id-9")
        world.exchange.execute(limit())

        async def late(symbol: Symbol) -> Instrument:
            await anyio.sleep(10)
            return INSTRUMENT

        left = world.desk.adopt([amendment(change)])
        async with anyio.create_task_group() as group:
            group.start_soon(left.resolve, late)
            await anyio.sleep(1)
            with pytest.raises(InvalidArgument, match="another amendment of a-1"):
                await world.desk.amend(OrderRef("a-1"), INSTRUMENT, price=D(80))
            world.exchange.replace(world.exchange.orders["a-1"], change)  # only now
            told = [*world.desk.apply_state(world.exchange.orders["a-1"])]
            told += world.desk.apply_state(world.exchange.orders["id-9"])
        (one,) = await left.all()
        assert isinstance(one.outcome, Accepted)
        assert [event.state.status for event in told if isinstance(event, OrderEvent)] == [
            OrderStatus.PENDING,
            OrderStatus.OPEN,
        ]
        assert [order.client_ids for order in world.desk.ledger.orders()] == [["a-1", "id-9"]]

    in_virtual_time(run)


def test_the_end_of_an_order_is_told_though_its_left_amendment_cannot_be_asked_about() -> None:
    async def run() -> None:
        world = World()

        async def unlisted(symbol: Symbol) -> Instrument:
            raise UnknownSymbol("ex", str(symbol), ())

        left = world.desk.adopt([amendment(Amendment(price=D(90), new_client_order_id="id-9"))])
        world.desk.apply_state(state(status="canceled", at=5))
        await left.resolve(unlisted)
        order = world.desk.order(OrderRef("a-1"), INSTRUMENT)
        assert order is not None
        assert order.status is OrderStatus.CANCELED

    in_virtual_time(run)
