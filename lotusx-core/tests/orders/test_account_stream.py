from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D
from typing import Any

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given, settings, strategies as st

from lotusx.account_stream import AccountStream
from lotusx.errors import (
    AuthenticationError,
    Banned,
    NotSupported,
    OrderNotFound,
    OrderOutcomeUnknown,
    RateLimited,
    RequestTimeout,
)
from lotusx.kernel.ports import OrderRef, Page, Span
from lotusx.model.account import (
    AccountEvent,
    Balance,
    BalanceEvent,
    FillEvent,
    FundingEvent,
    FundingPayment,
    OrderEvent,
    Position,
    PositionEvent,
    Recovered,
)  # fmt: skip
from lotusx.model.enums import InstrumentKind, PositionSide, Side
from lotusx.model.orders import Fill, OrderState
from lotusx.model.symbol import Symbol

from .order_kit import (
    BTC,
    EPOCH_NS,
    INSTRUMENT,
    World,
    executes_but,
    fill,
    in_virtual_time,
    limit,
    on_both_backends,
    raiser,
    refusal,
    state,
)  # fmt: skip


class Account:
    """A world whose account is followed through one stream."""

    def __init__(self, world: World | None = None, **more: Any) -> None:
        self.world = world or World(follow=False)
        self.out: list[AccountEvent] = []
        self.stream = AccountStream(
            self.world.desk, self.world.exchange, self.world.exchange, self.world.clock, self.out.extend,
            instrument_of={BTC: INSTRUMENT}.get, **more,
        )  # fmt: skip

    def feed(self, *messages: OrderState | Fill) -> None:
        for message in messages:
            self.stream.feed(FillEvent(message) if isinstance(message, Fill) else OrderEvent(message))

    @property
    def fills(self) -> list[str]:
        return sorted(event.fill.trade_id for event in self.out if isinstance(event, FillEvent))


def balance(asset: str, free: str, at: int = 0) -> Balance:
    return Balance(asset, D(free), D(0), D(free), at)


def test_channel_events_pass_in_order_each_once() -> None:
    async def run(speed: float) -> None:
        account = Account(World(speed=speed, follow=False))
        messages: list[OrderState | Fill] = []
        for number in range(2_000):
            name, venue = f"o{number}", str(number)
            messages += [
                state(name, venue, at=number, version=1),
                fill(f"t{number}", venue, "1", number, name),
                state(name, venue, "filled", filled="1", at=number, version=2),
            ]
        account.feed(*messages)
        received = [event.fill if isinstance(event, FillEvent) else event.state for event in account.out]  # type: ignore[union-attr]
        assert received == messages
        account.feed(*messages)
        assert len(account.out) == len(messages)

    on_both_backends(run)


def test_what_a_reply_reveals_reaches_the_stream_once() -> None:
    async def run() -> None:
        account = Account()
        order = await account.world.desk.place(limit(), INSTRUMENT)
        assert account.out == [OrderEvent(order.state)]
        account.feed(order.state)
        assert len(account.out) == 1
        account.stream.close()
        await account.world.desk.cancel(OrderRef("a-1"), INSTRUMENT)
        assert len(account.out) == 1

    in_virtual_time(run)


def test_what_was_missed_comes_before_recovered_and_what_came_meanwhile_after() -> None:
    async def run(speed: float) -> None:
        account = Account(World(speed=speed, follow=False))
        exchange = account.world.exchange
        account.feed(state("a", "1", at=1), state("b", "2", at=1))
        del account.out[:]
        exchange.orders = {
            "a": state("a", "1", "filled", filled="1", at=5),
            "b": state("b", "2", at=1),
            "c": state("c", "3", at=6),
        }
        exchange.fills = [fill("t1", "1", "0.5", 4, "a"), fill("t2", "1", "0.5", 5, "a")]
        exchange.held_balances = [balance("BTC", "1")]

        live = state("c", "3", "canceled", at=9)

        async def busy() -> None:
            account.feed(live)
            account.stream.feed(BalanceEvent((balance("BTC", "2", at=9),)))

        exchange.on["balances"] = [lambda: busy()]
        recovered = await account.stream.recover(EPOCH_NS - 5)
        assert account.out == [
            FillEvent(exchange.fills[0]),
            FillEvent(exchange.fills[1]),
            OrderEvent(state("c", "3", at=6)),
            OrderEvent(exchange.orders["a"]),
            BalanceEvent((balance("BTC", "1"),)),
            recovered,
            OrderEvent(live),
            BalanceEvent((balance("BTC", "2", at=9),)),
        ]
        assert (recovered.from_ns, recovered.events) == (EPOCH_NS - 5, 5)
        assert account.stream.held == 0
        again = await account.stream.recover(EPOCH_NS, EPOCH_NS + 1)
        assert again == Recovered(EPOCH_NS, EPOCH_NS + 1, 1)  # the balance read says 1 again

    on_both_backends(run)


SCRIPT: list[OrderState | Fill] = []
FINAL: dict[str, OrderState] = {}
for _number in range(12):
    _name, _venue, _at = f"o{_number}", str(_number + 1), 10 * _number + 1
    _open = state(_name, _venue, at=_at)
    _fill = fill(f"f{_number}", _venue, "0.25", _at + 1, _name)
    _part = state(_name, _venue, "partially_filled", filled="0.25", at=_at + 1)
    _end = state(
        _name, _venue, "canceled" if _number % 2 else "filled", filled="0.25" if _number % 2 else "1", at=_at + 2
    )
    _rest = [] if _number % 2 else [fill(f"g{_number}", _venue, "0.75", _at + 2, _name)]
    SCRIPT += [_open, _fill, _part, *_rest, _end]
    FINAL[_name] = _end


@pytest.mark.parametrize("cut", range(len(SCRIPT) + 1))
def test_a_cut_at_any_event_ends_in_the_uncut_state(cut: int) -> None:
    async def run() -> None:
        account = Account()
        exchange = account.world.exchange
        known: dict[str, OrderState] = {}
        account.feed(*SCRIPT[:cut])
        lost = SCRIPT[cut : cut + 17]
        for message in [*SCRIPT[:cut], *lost]:
            if isinstance(message, Fill):
                exchange.fills.append(message)
            else:
                known[str(message.client_order_id)] = message
        exchange.orders = known
        await account.stream.recover(EPOCH_NS)
        account.feed(*SCRIPT[cut + 17 :])
        if cut + 17 < len(SCRIPT):  # orders that began and ended while nobody was told leave their fills only
            known.update({str(m.client_order_id): m for m in SCRIPT if isinstance(m, OrderState)})
        ledger = account.world.desk.ledger
        for name, end in FINAL.items():
            found = ledger.find(BTC, None, end.venue_order_id)
            if found is not None:
                assert found.state.filled == end.filled, name
                assert found.state.status is end.status, name
        assert account.fills == sorted(m.trade_id for m in SCRIPT if isinstance(m, Fill))
        assert [type(event) for event in account.out].count(Recovered) == 1

    in_virtual_time(run)


@given(st.permutations(SCRIPT + SCRIPT[::3]), st.integers(0, len(SCRIPT)))
@settings(max_examples=40, deadline=None)
def test_permuted_duplicated_and_recovered_events_end_the_same(messages: list[Any], cut: int) -> None:
    async def run() -> None:
        account = Account()
        account.world.exchange.fills = [m for m in SCRIPT if isinstance(m, Fill)]
        account.world.exchange.orders = dict(FINAL)
        account.feed(*messages[:cut])
        async with anyio.create_task_group() as group:
            group.start_soon(account.stream.recover, EPOCH_NS)
            await anyio.lowlevel.checkpoint()
            account.feed(*messages[cut:])
        for end in FINAL.values():
            found = account.world.desk.ledger.find(BTC, None, end.venue_order_id)
            assert found is not None
            assert (found.state.filled, found.state.status) == (end.filled, end.status)
        assert account.fills == sorted(m.trade_id for m in SCRIPT if isinstance(m, Fill))

    in_virtual_time(run)


def test_failed_reads_are_repeated_until_they_succeed() -> None:
    async def run() -> None:
        account = Account()
        account.feed(state("a", "1", at=1))
        exchange = account.world.exchange
        exchange.orders = {"a": state("a", "1", "canceled", at=5)}
        exchange.on["open_orders"] = [raiser(RequestTimeout("busy"))] * 3
        exchange.on["order"] = [raiser(refusal(RateLimited, after_s=7.0))]
        await account.stream.recover(EPOCH_NS)
        assert anyio.current_time() == pytest.approx(0.25 + 0.5 + 1 + 7)
        assert isinstance(account.out[-1], Recovered)

    in_virtual_time(run)


def test_fills_that_are_listed_late_are_asked_for_until_they_add_up() -> None:
    async def run() -> None:
        account = Account()
        exchange = account.world.exchange
        await account.world.desk.place(limit(), INSTRUMENT)
        exchange.orders["a-1"] = state("a-1", "1", "filled", filled="1", at=5)
        late = [fill("t1", "1", "0.25", 4, "a-1"), fill("t2", "1", "0.75", 5, "a-1")]

        def told(_: OrderState) -> list[Fill]:
            return late[: int(anyio.current_time() > 0.2) + int(anyio.current_time() > 1.0)]

        exchange.always["fills_of"] = told
        await account.stream.recover(EPOCH_NS)
        assert account.fills == ["t1", "t2"]
        assert anyio.current_time() == pytest.approx(0.25 + 0.5 + 1)
        assert [type(event) for event in account.out[-3:]] == [FillEvent, OrderEvent, Recovered]

    in_virtual_time(run)


def test_fills_of_an_order_that_the_exchange_does_not_find_yet_are_asked_for_again() -> None:
    async def run() -> None:
        account = Account()
        exchange = account.world.exchange
        await account.world.desk.place(limit(), INSTRUMENT)
        exchange.orders["a-1"] = state("a-1", "1", "filled", filled="1", at=5)
        exchange.on["fills_of"] = [raiser(refusal(OrderNotFound))] * 2
        exchange.always["fills_of"] = lambda _: [fill("t1", "1", "1", 5, "a-1")]
        await account.stream.recover(EPOCH_NS)
        assert account.fills == ["t1"]
        assert anyio.current_time() == pytest.approx(0.25 + 0.5)

    in_virtual_time(run)


def test_an_error_in_asking_for_late_fills_is_raised_as_it_is() -> None:
    async def run() -> None:
        account = Account()
        exchange = account.world.exchange
        await account.world.desk.place(limit(), INSTRUMENT)
        exchange.orders["a-1"] = state("a-1", "1", "filled", filled="1", at=5)
        exchange.on["fills_of"] = [raiser(refusal(AuthenticationError))]
        with pytest.raises(AuthenticationError):
            await account.stream.recover(EPOCH_NS)

    in_virtual_time(run)


def test_a_recovery_takes_no_other_order_under_the_id_of_a_lost_one_for_it() -> None:
    async def run() -> None:
        account = Account()
        world = account.world
        world.exchange.orders["a-1"] = state("a-1", "77", side=Side.SELL)
        world.exchange.on["place"] = [raiser(RequestTimeout("no reply"))]

        async def recover() -> None:
            await anyio.sleep(1)
            await account.stream.recover(EPOCH_NS)

        async with anyio.create_task_group() as group:
            group.start_soon(recover)
            with pytest.raises(OrderOutcomeUnknown):
                await world.desk.place(limit(), INSTRUMENT)
        told = [event.state for event in account.out if isinstance(event, OrderEvent)]
        assert [(each.venue_order_id, each.side) for each in told] == [("77", Side.SELL)]  # as the other order it is
        order = world.desk.order(OrderRef("a-1"), INSTRUMENT)
        assert order is not None
        assert order.venue_order_id is None

    in_virtual_time(run)


def test_fills_that_never_add_up_are_asked_for_a_few_seconds_only() -> None:
    async def run() -> None:
        account = Account()
        exchange = account.world.exchange
        await account.world.desk.place(limit(), INSTRUMENT)
        exchange.orders["a-1"] = state("a-1", "1", "filled", filled="1", at=5)
        exchange.on["fills_page"] = [raiser(RequestTimeout("busy"))]
        await account.stream.recover(EPOCH_NS)
        assert anyio.current_time() == pytest.approx(0.25 + 0.25 + 0.5 + 1 + 2 + 4)
        assert [type(event) for event in account.out[-2:]] == [OrderEvent, Recovered]

    in_virtual_time(run)


def test_the_fills_of_what_an_order_became_while_nobody_listened_count_as_its_own() -> None:
    async def run() -> None:
        account = Account()
        exchange = account.world.exchange
        await account.world.desk.place(limit(), INSTRUMENT)
        exchange.orders["a-1"] = state("a-1", "child", "filled", filled="1", at=5)  # it had another id before
        exchange.fills = [fill("t1", "child", "1", 5, None)]
        await account.stream.recover(EPOCH_NS)
        assert account.fills == ["t1"]
        assert anyio.current_time() == 0  # it adds up at once

    in_virtual_time(run)


def test_the_fills_of_an_order_that_a_reply_told_the_end_of_while_nobody_listened_are_found() -> None:
    async def run() -> None:
        account = Account()
        exchange = account.world.exchange
        old = state("a-0", "10", "filled", filled="1", at=5)
        new = state("a-1", "11", "filled", filled="1", at=EPOCH_NS + 1)
        exchange.on["place"] = [lambda _: old, lambda _: new]
        for name in ("a-0", "a-1"):
            await account.world.desk.place(limit(name), INSTRUMENT)
        exchange.fills = [fill("t1", "11", "1", EPOCH_NS + 1, None)]
        asked: list[str | None] = []
        exchange.always["fills_of"] = lambda order: asked.append(order.venue_order_id)
        await account.stream.recover(EPOCH_NS)
        assert account.fills == ["t1"]
        assert asked == []  # what ended long before is no matter of this recovery

    in_virtual_time(run)


def test_a_held_report_of_an_order_that_reads_hide_proves_fills_that_were_missed() -> None:
    async def run() -> None:
        account = Account()
        exchange = account.world.exchange

        async def place_slowly(request: object) -> OrderState:
            await anyio.sleep(30)
            return state("a-0", "10", "partially_filled", filled="0.5", at=7)

        exchange.on["place"] = [place_slowly]
        async with anyio.create_task_group() as group:
            group.start_soon(account.world.desk.place, limit("a-0"), INSTRUMENT)
            await anyio.sleep(1)
            account.stream.hold("private")
            half = state("a-0", "10", "partially_filled", filled="0.5", at=7)
            account.stream.feed(FillEvent(fill("t2", "10", "0.25", 7, None)), "private")
            account.stream.feed(OrderEvent(half), "private")
            exchange.always["fills_of"] = lambda order: (
                [fill("t1", "10", "0.25", 6, None), fill("t2", "10", "0.25", 7, None)]
                if order.venue_order_id == "10"
                else []
            )
            await account.stream.recover(EPOCH_NS, channel="private")
            assert sorted(account.fills) == ["t1", "t2"]

    in_virtual_time(run)


def test_of_an_order_placed_elsewhere_only_what_was_missed_is_asked_for() -> None:
    async def run() -> None:
        account = Account()
        exchange = account.world.exchange
        account.feed(state("old", "1", "partially_filled", filled="0.5", at=1), state("new", "2", at=1))
        exchange.orders = {
            "old": state("old", "1", "partially_filled", filled="0.75", at=5),
            "new": state("new", "2", "filled", filled="1", at=5),
        }
        asked: list[str | None] = []

        def told(order: OrderState) -> list[Fill]:
            asked.append(order.venue_order_id)
            return [fill("t9", "2", "1", 5, "new")]

        exchange.always["fills_of"] = told
        await account.stream.recover(EPOCH_NS)
        assert (asked, account.fills) == (["2"], ["t9"])
        assert anyio.current_time() == 0

    in_virtual_time(run)


def test_an_order_that_reads_do_not_show_yet_is_asked_for_again() -> None:
    async def run() -> None:
        account = Account()
        account.feed(state("a", "1", at=1))
        exchange = account.world.exchange
        exchange.on["order"] = [raiser(refusal(OrderNotFound))] * 3
        exchange.orders = {"a": state("a", "1", "canceled", at=5)}
        await account.stream.recover(EPOCH_NS)
        assert anyio.current_time() == pytest.approx(0.25 + 0.5 + 1)
        assert [type(event) for event in account.out] == [OrderEvent, OrderEvent, Recovered]
        assert account.world.desk.ledger.unfinished() == []

    in_virtual_time(run)


def test_what_was_held_from_before_does_not_bring_back_what_is_gone() -> None:
    async def run() -> None:
        account = Account()
        exchange = account.world.exchange
        exchange.held_balances = []
        exchange.held_positions = []
        account.stream.feed(BalanceEvent((balance("USDT", "5", at=1),)))
        account.stream.feed(PositionEvent((Position(BTC, InstrumentKind.LINEAR, D(3), updated_ns=1),)))
        account.stream.hold()
        account.stream.feed(BalanceEvent((balance("USDT", "4", at=2),)))
        account.stream.feed(PositionEvent((Position(BTC, InstrumentKind.LINEAR, D(2), updated_ns=2),)))
        del account.out[:]
        await account.stream.recover(EPOCH_NS)
        zero = D(0)
        assert account.out[:-1] == [
            BalanceEvent((Balance("USDT", zero, zero, zero),)),
            PositionEvent((Position(BTC, InstrumentKind.LINEAR, zero),)),
        ]
        assert isinstance(account.out[-1], Recovered)

    in_virtual_time(run)


def test_a_channel_lost_again_while_it_recovers_does_not_bring_back_what_is_gone() -> None:
    async def run() -> None:
        account = Account()
        exchange = account.world.exchange
        exchange.held_balances = []
        account.stream.feed(BalanceEvent((balance("USDT", "5", at=1),)))
        account.stream.hold("private")

        async def lost_again() -> None:
            account.stream.feed(BalanceEvent((balance("USDT", "4", at=2),)), "private")
            account.stream.hold("private")

        exchange.on["balances"] = [lost_again]
        await account.stream.recover(EPOCH_NS, channel="private")
        assert account.stream.held == 1  # its own recovery is to come
        await account.stream.recover(EPOCH_NS, channel="private")
        assert account.stream.held == 0
        told = [each.total for event in account.out if isinstance(event, BalanceEvent) for each in event.balances]
        assert told == [5, 0]

    in_virtual_time(run)


def test_a_lost_channel_does_not_hold_up_another_that_has_recovered() -> None:
    async def run() -> None:
        account = Account()
        account.stream.hold("orders")
        account.stream.hold("wallet")
        await account.stream.recover(EPOCH_NS, channel="orders")
        account.stream.feed(OrderEvent(state("a", "1", at=1)), "orders")
        account.stream.feed(OrderEvent(state("b", "2", at=1)), "wallet")
        assert [type(event) for event in account.out] == [Recovered, OrderEvent]
        assert account.stream.held == 1
        await account.stream.recover(EPOCH_NS, channel="wallet")
        assert [type(event) for event in account.out] == [Recovered, OrderEvent, Recovered, OrderEvent]

    in_virtual_time(run)


def test_a_ban_is_waited_for_and_then_what_was_missed_is_delivered() -> None:
    async def run() -> None:
        account = Account()
        account.feed(state("a", "1", at=1))
        exchange = account.world.exchange
        exchange.orders = {"a": state("a", "1", "canceled", at=5)}
        exchange.on["open_orders"] = [raiser(refusal(Banned, after_s=120.0))]
        await account.stream.recover(EPOCH_NS)
        assert anyio.current_time() == pytest.approx(120)
        assert isinstance(account.out[-1], Recovered)

    in_virtual_time(run)


@pytest.mark.parametrize("where", ["open_orders", "order"])
def test_a_recovery_that_cannot_succeed_raises_and_delivers_nothing_past_the_gap(where: str) -> None:
    async def run() -> None:
        account = Account()
        account.feed(state("a", "1", at=1))
        exchange = account.world.exchange
        exchange.on[where] = [raiser(refusal(AuthenticationError))]
        with pytest.raises(AuthenticationError):
            await account.stream.recover(EPOCH_NS)
        account.feed(state("a", "1", "canceled", at=7))
        assert (len(account.out), account.stream.held) == (1, 1)
        await account.stream.recover(EPOCH_NS)  # the order is found nowhere: nothing is concluded from that
        assert [type(event) for event in account.out] == [OrderEvent, Recovered, OrderEvent]

    in_virtual_time(run)


def test_an_order_in_doubt_is_resolved_by_the_recovery() -> None:
    async def run() -> None:
        account = Account(World(follow=False, resolve_s=1.0))
        exchange, desk = account.world.exchange, account.world.desk
        exchange.always["order"] = raiser(RequestTimeout("network down"))
        exchange.on["place"] = [executes_but(exchange), raiser(RequestTimeout("no reply"))]
        for name in ("there", "not there"):
            with pytest.raises(OrderOutcomeUnknown):
                await desk.place(limit(name.replace(" ", "-")), INSTRUMENT)
        del exchange.always["order"]
        await account.stream.recover(EPOCH_NS)
        assert [type(event) for event in account.out] == [OrderEvent, Recovered]
        assert [order.client_order_id for order in desk.ledger.unfinished()] == ["there"]

    in_virtual_time(run)


def test_those_who_ask_shortly_after_the_first_share_its_recovery() -> None:
    async def run() -> None:
        account = Account(gather_s=0.25)
        exchange = account.world.exchange
        exchange.always["open_orders"] = lambda: anyio.sleep(1)
        async with anyio.create_task_group() as group:
            for at in (5, 7, 3):
                group.start_soon(account.stream.recover, EPOCH_NS - at)
                await anyio.sleep(0.05)
        assert anyio.current_time() == pytest.approx(0.25 + 1)
        (told,) = account.out
        assert isinstance(told, Recovered)
        assert told.from_ns == EPOCH_NS - 7

    in_virtual_time(run)


def test_those_who_ask_while_a_recovery_reads_make_it_begin_again_for_all() -> None:
    async def run() -> None:
        account = Account()
        account.world.exchange.always["open_orders"] = lambda: anyio.sleep(1)

        async def later() -> None:
            await anyio.sleep(1.2)
            account.feed(state("a", "1", at=1))

        async with anyio.create_task_group() as group:
            group.start_soon(account.stream.recover, EPOCH_NS)
            group.start_soon(later)
            await anyio.sleep(0.5)
            for at in (7, 3, 5):
                group.start_soon(account.stream.recover, EPOCH_NS - at)
        assert anyio.current_time() == pytest.approx(0.5 + 1)
        assert [type(event) for event in account.out] == [Recovered, OrderEvent]
        assert [event.from_ns for event in account.out if isinstance(event, Recovered)] == [EPOCH_NS - 7]

    in_virtual_time(run)


def test_a_read_that_hangs_on_a_dead_connection_does_not_hold_up_the_recovery_after_the_next_loss() -> None:
    async def run() -> None:
        account = Account()
        account.world.exchange.on["open_orders"] = [lambda: anyio.sleep(15)]
        async with anyio.create_task_group() as group:
            group.start_soon(account.stream.recover, EPOCH_NS)
            await anyio.sleep(2)
            with anyio.fail_after(1):
                await account.stream.recover(EPOCH_NS)

    in_virtual_time(run)


def test_a_recovery_is_not_begun_again_without_end_and_who_comes_then_is_served_by_the_next() -> None:
    async def run() -> None:
        account = Account()
        account.world.exchange.always["open_orders"] = lambda: anyio.sleep(1)
        async with anyio.create_task_group() as group:
            for at in range(6):
                group.start_soon(account.stream.recover, EPOCH_NS - at)
                await anyio.sleep(0.5)
        assert [event.from_ns for event in account.out if isinstance(event, Recovered)] == [EPOCH_NS - 3, EPOCH_NS - 5]

    in_virtual_time(run)


def test_a_recovery_that_is_abandoned_leaves_those_who_wait_behind_it_served() -> None:
    async def run() -> None:
        account = Account()
        account.world.exchange.always["open_orders"] = lambda: anyio.sleep(0.8)

        async def impatient() -> None:
            with anyio.move_on_after(1):
                await account.stream.recover(EPOCH_NS - 9)

        async with anyio.create_task_group() as group:
            group.start_soon(impatient)
            await anyio.sleep(0.5)
            account.feed(state("a", "1", at=1))
            assert (await account.stream.recover(EPOCH_NS)).from_ns == EPOCH_NS
        assert [type(event) for event in account.out] == [Recovered, OrderEvent]

    in_virtual_time(run)


def test_too_much_held_is_let_go_and_recovered_again() -> None:
    async def run() -> None:
        account = Account(max_held=2)
        exchange = account.world.exchange
        rounds: list[int] = []

        async def busy() -> None:
            rounds.append(1)
            if len(rounds) == 1:
                for number in range(3):
                    exchange.orders[f"o{number}"] = state(f"o{number}", str(number), at=1)
                    account.feed(exchange.orders[f"o{number}"])

        exchange.always["balances"] = lambda: busy()
        await account.stream.recover(EPOCH_NS)
        assert len(rounds) == 2
        assert sum(isinstance(event, OrderEvent) for event in account.out) == 3

    in_virtual_time(run)


def test_an_event_held_before_the_recovery_starts_waits_for_it() -> None:
    async def run() -> None:
        account = Account()
        account.stream.hold()
        account.feed(state("a", "1", at=1))
        assert account.out == []
        await account.stream.recover(EPOCH_NS)
        assert [type(event) for event in account.out] == [Recovered, OrderEvent]
        account.stream.hold()
        account.feed(state("a", "1", at=2))
        account.stream.close()
        assert account.stream.held == 0

    in_virtual_time(run)


def test_a_balance_that_came_back_to_what_it_was_is_not_undone_by_a_report_from_between() -> None:
    async def run() -> None:
        account = Account()
        first, between, last = balance("USDT", "5", at=1), balance("USDT", "4", at=2), balance("USDT", "5", at=3)
        for each in (first, last, between):
            account.stream.feed(BalanceEvent((each,)))
        assert account.out == [BalanceEvent((first,))]

    in_virtual_time(run)


def test_balances_and_positions_never_go_back_and_vanished_ones_become_zero() -> None:
    async def run() -> None:
        account = Account()
        exchange = account.world.exchange
        old, new = balance("USDT", "5", at=1), balance("USDT", "4", at=2)
        account.stream.feed(BalanceEvent((new,)))
        account.stream.feed(BalanceEvent((old,)))
        account.stream.feed(BalanceEvent((replace(new, updated_ns=3),)))
        position = Position(BTC, InstrumentKind.SPOT, D(2), updated_ns=1)
        account.stream.feed(PositionEvent((position,)))
        account.stream.feed(PositionEvent((position,)))
        assert account.out == [BalanceEvent((new,)), PositionEvent((position,))]
        del account.out[:]
        await account.stream.recover(EPOCH_NS)
        zero = D(0)
        assert account.out[:-1] == [
            BalanceEvent((Balance("USDT", zero, zero, zero),)),
            PositionEvent((Position(BTC, InstrumentKind.SPOT, zero),)),
        ]
        exchange.held_positions = None
        exchange.always["balances"] = raiser(NotSupported("ex", "balances"))
        assert (await account.stream.recover(EPOCH_NS)).events == 0

    in_virtual_time(run)


def test_orders_of_instruments_no_longer_listed_do_not_stop_a_recovery() -> None:
    async def run() -> None:
        account = Account()
        account.feed(replace(state("e", "9", at=1), symbol=type(BTC)("OLD", "USDT")))
        assert (await account.stream.recover(EPOCH_NS)).events == 0

    in_virtual_time(run)


def test_anything_else_a_channel_says_is_passed_on() -> None:
    async def run() -> None:
        account = Account()
        account.stream.feed(Recovered(1, 2, 3))
        assert account.out == [Recovered(1, 2, 3)]

    in_virtual_time(run)


def test_a_recovery_looks_for_an_unlisted_instrument_once_and_tells_which_it_left_out() -> None:
    async def run() -> None:
        old, new = type(BTC)("OLD", "USDT"), type(BTC)("NEW", "USDT")
        listed = {BTC: INSTRUMENT}
        refreshed: list[int] = []
        left_out: list[Symbol] = []

        async def refresh() -> None:
            refreshed.append(1)
            listed[new] = replace(INSTRUMENT, symbol=new)

        world = World(follow=False)
        out: list[AccountEvent] = []
        stream = AccountStream(
            world.desk, world.exchange, world.exchange, world.clock, out.extend, instrument_of=listed.get,
            refresh=refresh, unlisted=left_out.append,
        )  # fmt: skip
        for symbol in (BTC, old, new):
            stream.feed(OrderEvent(replace(state(symbol.base, symbol.base, at=1), symbol=symbol)))
        del out[:]
        world.exchange.orders = {
            each.base: replace(state(each.base, each.base, "canceled", at=5), symbol=each) for each in (BTC, old, new)
        }
        await stream.recover(EPOCH_NS)
        assert [event.state.symbol for event in out if isinstance(event, OrderEvent)] == [BTC, new]
        assert (refreshed, left_out) == ([1], [old])

    in_virtual_time(run)


def test_a_recovery_asks_for_fills_by_the_exchanges_clock() -> None:
    async def run() -> None:
        ahead_ns = 3_600_000_000_000  # our clock
        account = Account(exchange_ns=lambda wall_ns: wall_ns - ahead_ns)
        account.feed(state("a", "1", at=1))
        asked: list[int | None] = []

        async def page(_: Any, span: Span, *__: Any) -> Page[Fill]:
            asked.append(span.start_ns)
            return Page([], None)

        account.world.exchange.fills_page = page  # type: ignore[method-assign,assignment]
        await account.stream.recover(EPOCH_NS + ahead_ns)
        assert asked == [EPOCH_NS - 60_000_000_000]

    in_virtual_time(run)


def test_a_recovery_ends_no_order_that_its_open_orders_or_fills_may_show() -> None:
    async def run() -> None:
        account = Account(World(follow=False, resolve_s=1.0))
        exchange, desk = account.world.exchange, account.world.desk
        exchange.always["order"] = raiser(RequestTimeout("network down"))
        exchange.on["place"] = [raiser(RequestTimeout("no reply"))]
        with pytest.raises(OrderOutcomeUnknown):
            await desk.place(limit(), INSTRUMENT)
        del exchange.always["order"]
        exchange.on["open_orders"] = [list, raiser(RequestTimeout("busy"))]
        await account.stream.recover(EPOCH_NS)
        assert len(desk.ledger.unfinished()) == 1  # the second look failed
        exchange.fills = [fill()]
        await account.stream.recover(EPOCH_NS)
        assert account.fills == ["t1"]

    in_virtual_time(run)


def payment(at: int, amount: str = "-0.5") -> FundingPayment:
    return FundingPayment(BTC, D(amount), "USDT", at)


def test_funding_payments_are_delivered_once_and_missed_ones_are_found() -> None:
    async def run(speed: float) -> None:
        account = Account(World(speed=speed, follow=False))
        account.stream.feed(FundingEvent(payment(1)))
        account.stream.feed(FundingEvent(payment(1)))
        account.world.exchange.payments = [payment(1), payment(2), payment(3)]
        recovered = await account.stream.recover(EPOCH_NS)
        assert account.out == [*(FundingEvent(payment(at)) for at in (1, 2, 3)), recovered]
        assert recovered.events == 2

    on_both_backends(run)


def test_funding_paid_in_two_assets_at_one_moment_is_two_payments() -> None:
    async def run() -> None:
        account = Account()
        other = replace(payment(1), asset="BNFCR")
        for each in (payment(1), other, payment(1), other):
            account.stream.feed(FundingEvent(each))
        assert account.out == [FundingEvent(payment(1)), FundingEvent(other)]

    in_virtual_time(run)


def test_only_the_newest_payments_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lotusx.account_stream.PAYMENTS_KNOWN", 2)

    async def run() -> None:
        account = Account()
        for at in (1, 2, 3, 3, 2, 1):
            account.stream.feed(FundingEvent(payment(at)))
        assert [event.payment.exchange_ns for event in account.out if isinstance(event, FundingEvent)] == [1, 2, 3, 1]

    in_virtual_time(run)


def test_where_fills_of_the_whole_account_can_be_asked_for_a_recovery_finds_those_of_unknown_symbols() -> None:
    async def run() -> None:
        account = Account()
        elsewhere = replace(fill("t9", "77", name=None), symbol=Symbol("ETH", "USDT"))
        account.world.exchange.account_fills = [elsewhere]
        await account.stream.recover(EPOCH_NS)
        assert [event.fill for event in account.out if isinstance(event, FillEvent)] == [elsewhere]

    in_virtual_time(run)


def test_one_asset_in_two_wallets_is_two_balances() -> None:
    async def run() -> None:
        account = Account()
        spot, perp = replace(balance("USDC", "1"), wallet="spot"), replace(balance("USDC", "2"), wallet="perp")
        account.stream.feed(BalanceEvent((spot,)))
        account.stream.feed(BalanceEvent((perp,)))
        account.stream.feed(BalanceEvent((spot,)))
        account.world.exchange.held_balances = [spot]
        await account.stream.recover(EPOCH_NS)
        said = [event.balances for event in account.out if isinstance(event, BalanceEvent)]
        assert said == [(spot,), (perp,), (replace(balance("USDC", "0"), wallet="perp"),)]

    in_virtual_time(run)


def test_positions_of_one_side_that_stand_at_once_are_told_apart_by_their_ids() -> None:
    async def run() -> None:
        account = Account()
        cross = Position(BTC, InstrumentKind.LINEAR, D(2), position_id="1", updated_ns=9)
        isolated = Position(BTC, InstrumentKind.LINEAR, D(-1), position_id="2", updated_ns=5)
        for _ in range(2):
            account.stream.feed(PositionEvent((cross, isolated)))
        account.world.exchange.held_positions = [isolated]
        await account.stream.recover(EPOCH_NS)
        said = [event.positions for event in account.out if isinstance(event, PositionEvent)]
        assert said == [(cross, isolated), (replace(cross, quantity=D(0), updated_ns=0),)]

    in_virtual_time(run)


def test_a_position_that_was_told_closed_is_not_told_again_after_a_reconnect() -> None:
    async def run() -> None:
        account = Account()
        cross = Position(BTC, InstrumentKind.LINEAR, D(0), position_id="1", leverage=D(3), updated_ns=9)
        isolated = Position(BTC, InstrumentKind.LINEAR, D(5), position_id="2", updated_ns=10)
        account.stream.feed(PositionEvent((cross,)))
        account.stream.feed(PositionEvent((isolated,)))
        account.world.exchange.held_positions = [isolated]
        await account.stream.recover(EPOCH_NS)
        said = [event.positions for event in account.out if isinstance(event, PositionEvent)]
        assert said == [(cross,), (isolated,)]

    in_virtual_time(run)


def test_the_two_positions_of_hedge_mode_are_two() -> None:
    async def run() -> None:
        account = Account()
        long = Position(BTC, InstrumentKind.LINEAR, D(2), side=PositionSide.LONG)
        short = Position(BTC, InstrumentKind.LINEAR, D(-1), side=PositionSide.SHORT)
        account.stream.feed(PositionEvent((long, short)))
        account.world.exchange.held_positions = [long]
        await account.stream.recover(EPOCH_NS)
        said = [event.positions for event in account.out if isinstance(event, PositionEvent)]
        assert said == [(long, short), (replace(short, quantity=D(0)),)]

    in_virtual_time(run)
