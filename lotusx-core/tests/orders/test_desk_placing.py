from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D
from typing import Any

import anyio
import pytest

from lotusx.errors import (
    Banned,
    ConnectionFailed,
    DuplicateOrder,
    EndpointGone,
    InsufficientFunds,
    InvalidArgument,
    InvalidOrder,
    LotusXError,
    MalformedReply,
    NotSupported,
    OrderNotFound,
    OrderOutcomeUnknown,
    RateLimited,
    RequestTimeout,
    Unavailable,
)  # fmt: skip
from lotusx.kernel.orders.ledger import Ledger
from lotusx.kernel.orders.outcome import CommandKind
from lotusx.kernel.ports import OrderRef
from lotusx.kernel.telemetry import OrderOutcome, Telemetry
from lotusx.model.account import FillEvent, OrderEvent
from lotusx.model.enums import OrderStatus, Side
from lotusx.model.orders import Accepted, Rejected, Unknown
from lotusx.model.requests import OrderRequest
from lotusx.orders import ClientOrderIds, Intent

from .order_kit import (
    HORIZON_S,
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

DOUBTS: list[Exception] = [
    RequestTimeout("no reply"),
    ConnectionFailed("reset"),
    MalformedReply("HTML instead of JSON", status=502, body="<html>"),
    refusal(Unavailable, may_have_executed=True),
    refusal(DuplicateOrder),
    KeyError("a bug in the plugin, after the reply came"),
]
PROOFS: list[LotusXError] = [
    ConnectionFailed("no route", sent=False),
    refusal(InsufficientFunds),
    refusal(RateLimited, after_s=1.0),
    refusal(Unavailable),
    InvalidArgument("the plugin refuses"),
]


def test_an_acknowledged_order_is_returned_and_told_once() -> None:
    async def run(speed: float) -> None:
        world = World(speed=speed)
        order = await world.desk.place(limit(), INSTRUMENT)
        assert (order.client_order_id, order.venue_order_id, order.status) == ("a-1", "1", OrderStatus.OPEN)
        assert world.told == [OrderEvent(order.state)]
        assert world.desk.apply_state(world.exchange.orders["a-1"]) == []
        assert repr(order) == "<Order a-1 buy BTC/USDT open, filled 0>"

    on_both_backends(run)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal(InsufficientFunds), InsufficientFunds),
        (RequestTimeout("no reply"), InvalidOrder),
    ],
)
def test_an_order_that_the_stream_reports_rejected_is_not_accepted(answer: Exception, error: type[Exception]) -> None:
    async def run() -> None:
        world = World()

        def reject(request: OrderRequest) -> None:
            world.desk.apply_state(state(status="rejected", reason="no money"))
            raise answer

        world.exchange.on["place"] = [reject]
        with pytest.raises(error, match="no"):
            await world.desk.place(limit(), INSTRUMENT)
        assert world.desk.order(OrderRef("a-1"), INSTRUMENT).status is OrderStatus.REJECTED  # type: ignore[union-attr]

    in_virtual_time(run)


@pytest.mark.parametrize("error", PROOFS, ids=lambda error: type(error).__name__)
def test_a_proof_of_rejection_is_raised_as_it_is(error: LotusXError) -> None:
    async def run() -> None:
        world = World()
        world.exchange.on["place"] = [raiser(error)]
        with pytest.raises(type(error)) as caught:
            await world.desk.place(limit(), INSTRUMENT)
        assert caught.value is error
        assert world.exchange.looks == 0
        assert world.desk.ledger.unfinished() == []

    in_virtual_time(run)


@pytest.mark.parametrize("error", DOUBTS, ids=lambda error: type(error).__name__)
def test_a_lost_reply_ends_in_the_true_state_without_resending(error: Exception) -> None:
    async def run(speed: float) -> None:
        world = World(speed=speed)
        world.exchange.on["place"] = [executes_but(world.exchange, error)]
        order = await world.desk.place(limit(), INSTRUMENT)
        assert order.status is OrderStatus.OPEN
        assert world.exchange.sent == ["a-1"]

    on_both_backends(run)


@pytest.mark.parametrize("error", DOUBTS, ids=lambda error: type(error).__name__)
def test_an_order_that_never_arrived_is_absent_only_after_the_horizon(error: Exception) -> None:
    async def run() -> None:
        world = World()
        world.exchange.on["place"] = [raiser(error)]
        begun = anyio.current_time()
        with pytest.raises(Unavailable, match="was never accepted") as caught:
            await world.desk.place(limit(), INSTRUMENT)
        assert HORIZON_S <= anyio.current_time() - begun < HORIZON_S + 1
        assert (caught.value.code, caught.value.retryable, caught.value.may_have_executed) == ("lost", True, False)
        assert world.exchange.sent == ["a-1"]
        assert world.desk.ledger.unfinished() == []

    in_virtual_time(run)


def test_without_a_known_horizon_absence_never_proves_anything() -> None:
    async def run() -> None:
        world = World(horizon_s=0.0)
        world.exchange.on["place"] = [raiser(RequestTimeout("no reply"))]
        with pytest.raises(OrderOutcomeUnknown) as caught:
            await world.desk.place(limit(), INSTRUMENT)
        assert caught.value.client_order_id == "a-1"
        assert caught.value.evidence[0].startswith("RequestTimeout: no reply after 0.00 s")
        assert "not found, which proves nothing yet" in caught.value.evidence[1]
        assert [order.client_order_id for order in world.desk.ledger.unfinished()] == ["a-1"]

    in_virtual_time(run)


def test_an_order_that_becomes_visible_late_is_found() -> None:
    async def run() -> None:
        world = World()
        world.exchange.visible = False
        world.exchange.on["place"] = [executes_but(world.exchange)]

        async def appear() -> None:
            await anyio.sleep(3)
            world.exchange.visible = True

        async with anyio.create_task_group() as group:
            group.start_soon(appear)
            order = await world.desk.place(limit(), INSTRUMENT)
        assert order.status is OrderStatus.OPEN

    in_virtual_time(run)


def test_network_errors_while_looking_never_conclude_anything() -> None:
    async def run() -> None:
        world = World()
        world.exchange.on["place"] = [executes_but(world.exchange)]
        world.exchange.always["order"] = raiser(ConnectionFailed("DNS is down", sent=False))
        with pytest.raises(OrderOutcomeUnknown, match="DNS is down"):
            await world.desk.place(limit(), INSTRUMENT)
        del world.exchange.always["order"]
        from lotusx.kernel.ports import OrderRef

        found = await world.desk.query(OrderRef("a-1"), INSTRUMENT)  # the intent was kept, and is known to be ours
        assert found.status is OrderStatus.OPEN
        handle = world.desk.order(OrderRef("a-1"), INSTRUMENT)
        assert handle is not None
        assert handle.state == found

    in_virtual_time(run)


@pytest.mark.parametrize("evidence", ["state", "fill"])
def test_an_event_of_the_stream_ends_the_doubt_at_once(evidence: str) -> None:
    async def run() -> None:
        world = World()
        world.exchange.on["place"] = [raiser(RequestTimeout("no reply"))]

        async def stream() -> None:
            await anyio.sleep(1.01)
            if evidence == "state":
                world.desk.apply_state(state(venue="77"))
            else:
                world.desk.apply_fill(fill(venue="77"))

        async with anyio.create_task_group() as group:
            group.start_soon(stream)
            order = await world.desk.place(limit(), INSTRUMENT)
        assert anyio.current_time() < 1.5
        assert order.venue_order_id == "77"
        assert world.exchange.sent == ["a-1"]

    in_virtual_time(run)


def test_an_event_that_came_before_the_error_counts() -> None:
    async def run() -> None:
        world = World()

        def hook(request: Any) -> None:
            world.desk.apply_state(world.exchange.execute(request))
            raise refusal(Banned)  # a gateway's refusal of something the engine had taken already

        world.exchange.on["place"] = [hook]
        assert (await world.desk.place(limit(), INSTRUMENT)).status is OrderStatus.OPEN
        assert world.exchange.looks == 0

    in_virtual_time(run)


def test_a_duplicate_id_that_belongs_to_another_order_is_a_rejection() -> None:
    async def run() -> None:
        world = World()
        world.exchange.execute(limit(price="55"))
        world.exchange.on["place"] = [raiser(refusal(DuplicateOrder))]
        with pytest.raises(DuplicateOrder):
            await world.desk.place(limit(price="100"), INSTRUMENT)
        world.exchange.orders["b-1"] = state("b-1", side="sell")
        world.exchange.on["place"] = [raiser(refusal(DuplicateOrder))]
        with pytest.raises(DuplicateOrder):
            await world.desk.place(limit("b-1"), INSTRUMENT)

    in_virtual_time(run)


@pytest.mark.parametrize("other", [{"created_ns": 1}, {"side": Side.SELL}], ids=["older", "other side"])
def test_another_order_under_the_id_of_a_lost_one_is_not_taken_for_it(other: dict[str, Any]) -> None:
    async def run() -> None:
        world = World()
        foreign = state(venue="77", status="filled", filled="5", quantity="5", price="250", **other)
        world.exchange.orders["a-1"] = foreign
        world.exchange.on["place"] = [raiser(ConnectionFailed("reset", sent=True))]
        with pytest.raises(OrderOutcomeUnknown, match="77 has its client id, and is another order"):
            await world.desk.place(limit(), INSTRUMENT)
        order = world.desk.order(OrderRef("a-1"), INSTRUMENT)
        assert order is not None
        assert (order.venue_order_id, order.state.filled) == (None, 0)

    in_virtual_time(run)


def test_an_older_order_of_the_same_id_and_terms_is_not_taken_for_a_lost_one() -> None:
    async def run() -> None:
        world = World()
        world.exchange.orders["a-1"] = state(venue="77", status="filled", filled="1", created_ns=1)
        world.exchange.on["place"] = [raiser(RequestTimeout("no reply"))]
        with pytest.raises(OrderOutcomeUnknown, match="77 has its client id, and is another order"):
            await world.desk.place(limit(), INSTRUMENT)
        asked = await world.desk.query(OrderRef("a-1"), INSTRUMENT)
        assert asked.venue_order_id == "77"  # what the exchange has under that id
        order = world.desk.order(OrderRef("a-1"), INSTRUMENT)
        assert order is not None
        assert (order.venue_order_id, order.state.filled) == (None, 0)

    in_virtual_time(run)


@pytest.mark.parametrize("where", ["open orders", "fills"])
def test_the_second_look_takes_no_other_order_under_the_id_for_the_lost_one(where: str) -> None:
    async def run() -> None:
        world = World()
        world.exchange.on["place"] = [raiser(RequestTimeout("no reply"))]
        if where == "open orders":
            world.exchange.always["open_orders"] = lambda: [state(venue="77", side=Side.SELL)]
        else:
            world.exchange.fills = [replace(fill(venue="77"), side=Side.SELL)]
        with pytest.raises(Unavailable, match="never accepted"):
            await world.desk.place(limit(), INSTRUMENT)

    in_virtual_time(run)


@pytest.mark.parametrize("where", ["open orders", "fills"])
def test_the_second_look_finds_what_the_first_does_not_show(where: str) -> None:
    async def run() -> None:
        world = World()
        world.exchange.on["place"] = [raiser(RequestTimeout("no reply"))]
        if where == "open orders":
            world.exchange.always["open_orders"] = lambda: [state("other", "8"), state(venue="9")]
        else:
            world.exchange.fills = [fill(f"t{n}", venue="8", name="other") for n in range(3)] + [fill(venue="9")]
        order = await world.desk.place(limit(), INSTRUMENT)
        assert order.venue_order_id == "9"

    in_virtual_time(run)


@pytest.mark.parametrize("where", ["open_orders", "fills_page"])
def test_a_second_look_that_fails_leaves_it_open(where: str) -> None:
    async def run() -> None:
        world = World()
        world.exchange.on["place"] = [raiser(RequestTimeout("no reply"))]
        world.exchange.always[where] = raiser(RequestTimeout("busy"))
        with pytest.raises(OrderOutcomeUnknown):
            await world.desk.place(limit(), INSTRUMENT)

    in_virtual_time(run)


def test_what_an_exchange_cannot_be_asked_does_not_stop_the_proof() -> None:
    async def run() -> None:
        world = World()
        world.exchange.on["place"] = [raiser(RequestTimeout("no reply"))]
        for name in ("open_orders", "fills_page"):
            world.exchange.always[name] = raiser(NotSupported("ex", name))
        with pytest.raises(Unavailable, match="never accepted"):
            await world.desk.place(limit(), INSTRUMENT)

    in_virtual_time(run)


def test_a_caller_that_leaves_in_doubt_leaves_the_order_known() -> None:
    async def run(speed: float) -> None:
        for moment in ("sending", "looking"):
            world = World(speed=speed)

            leaving = anyio.CancelScope()

            async def never(_: Any, leaving: anyio.CancelScope = leaving) -> None:
                leaving.cancel()
                await anyio.sleep_forever()

            if moment == "sending":
                world.exchange.on["place"] = [never]
            else:
                world.exchange.on["place"] = [raiser(RequestTimeout("no reply"))]
                world.exchange.always["order"] = never
            with leaving:
                await world.desk.place(limit(), INSTRUMENT)
            assert leaving.cancelled_caught
            assert [order.client_order_id for order in world.desk.ledger.unfinished()] == ["a-1"]
            assert world.exchange.sent == ["a-1"]
            world.desk.apply_state(state())
            assert world.desk.ledger.unfinished()[0].state.status is OrderStatus.OPEN

    on_both_backends(run)


def test_an_absent_order_is_closed_by_a_later_query_and_revived_by_evidence() -> None:
    async def run() -> None:
        from lotusx.kernel.ports import OrderRef

        world = World(resolve_s=1.0)
        world.exchange.on["place"] = [raiser(RequestTimeout("no reply"))]
        world.exchange.always["open_orders"] = raiser(RequestTimeout("busy"))
        with pytest.raises(OrderOutcomeUnknown):
            await world.desk.place(limit(), INSTRUMENT)
        with pytest.raises(OrderNotFound):
            await world.desk.query(OrderRef("a-1"), INSTRUMENT)
        assert len(world.desk.ledger.unfinished()) == 1  # the open orders, which may have it, could not be read
        del world.exchange.always["open_orders"]
        with pytest.raises(OrderNotFound):
            await world.desk.query(OrderRef("a-1"), INSTRUMENT)
        assert world.desk.ledger.unfinished() == []
        with pytest.raises(OrderNotFound):
            await world.desk.query(OrderRef("a-1"), INSTRUMENT)
        with pytest.raises(OrderNotFound):
            await world.desk.query(OrderRef("nobody"), INSTRUMENT)
        assert world.desk.apply_state(state()) != []
        assert len(world.desk.ledger.unfinished()) == 1

    in_virtual_time(run)


def test_rules_checks_and_used_ids_refuse_before_anything_is_sent() -> None:
    async def run() -> None:
        def veto(request: object, instrument: object, occasion: object) -> None:
            raise EndpointGone("ex", "0", "risk says no")

        world = World(checks=[veto])
        with pytest.raises(InvalidArgument, match="step_size"):
            await world.desk.place(limit(quantity="0.0001", price="60000"), INSTRUMENT)
        with pytest.raises(EndpointGone, match="risk says no"):
            await world.desk.place(limit(), INSTRUMENT)
        free = World()
        await free.desk.place(limit(), INSTRUMENT)
        with pytest.raises(InvalidArgument, match="used before"):
            await free.desk.place(limit(), INSTRUMENT)
        assert (world.exchange.sent, free.exchange.sent) == ([], ["a-1"])

    in_virtual_time(run)


class Notes:
    def __init__(self, fails: str = "") -> None:
        self.kept: list[Any] = []
        self._fails = fails

    async def intend(self, intent: Intent) -> None:
        if self._fails == "intend":
            raise OSError("disk full")
        self.kept.append(intent)

    async def conclude(self, intent: Intent, outcome: str, evidence: tuple[str, ...]) -> None:
        if self._fails == "conclude":
            raise OSError("disk full")
        self.kept.append((intent.client_order_id, outcome))


def test_the_journal_knows_before_the_exchange_does() -> None:
    async def run() -> None:
        notes = Notes()
        world = World(journal=notes)
        world.exchange.on["place"] = [lambda _: notes.kept.append("sent")]
        request = limit(None)
        await world.desk.place(request, INSTRUMENT)
        first, sent, last = notes.kept
        assert (first.kind, first.client_order_id, first.request.quantity) == (CommandKind.PLACE, "id-1", D(1))
        assert (sent, last) == ("sent", ("id-1", "accepted"))

    in_virtual_time(run)


def test_an_order_the_journal_cannot_keep_is_not_sent(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        world = World(journal=Notes("intend"))
        with pytest.raises(OSError, match="disk full"):
            await world.desk.place(limit(), INSTRUMENT)
        assert world.exchange.sent == []
        assert world.desk.ledger.unfinished() == []
        late = World(journal=Notes("conclude"))
        await late.desk.place(limit(), INSTRUMENT)  # the order stands; the log says so

    in_virtual_time(run)
    assert "could not note the outcome of a-1" in caplog.text


def test_observers_are_told_every_outcome() -> None:
    async def run() -> None:
        telemetry = Telemetry()
        seen: list[Any] = []
        telemetry.observe(seen.append)
        world = World(telemetry=telemetry)
        await world.desk.place(limit(), INSTRUMENT)
        world.exchange.on["place"] = [raiser(refusal(InsufficientFunds))]
        with pytest.raises(InsufficientFunds):
            await world.desk.place(limit("a-2"), INSTRUMENT)
        outcomes = [event for event in seen if isinstance(event, OrderOutcome)]
        assert [(event.client_order_id, event.outcome) for event in outcomes] == [
            ("a-1", "accepted"), ("a-2", "rejected"),
        ]  # fmt: skip

    in_virtual_time(run)


def test_fills_in_the_reply_are_told_before_the_state_they_led_to() -> None:
    async def run() -> None:
        world = World()
        one = fill()
        world.exchange.on["place"] = [lambda _: state(status="filled", filled="1", fills=(one,))]
        order = await world.desk.place(limit(), INSTRUMENT)
        assert world.told == [FillEvent(one), OrderEvent(order.state)]
        assert order.fills == (one,)
        assert world.desk.apply_fill(one) == []
        assert order.filled == 1

    in_virtual_time(run)


def outcome_kinds(outcomes: list[Any]) -> list[type]:
    return [type(outcome) for outcome in outcomes]


def test_a_batch_gives_one_outcome_per_input_in_order() -> None:
    async def run(speed: float) -> None:
        world = World(speed=speed)

        def mixed(requests: list[Any]) -> list[Any]:
            return [
                world.exchange.execute(requests[0]),
                refusal(InsufficientFunds),
                world.exchange.execute(requests[2]),
            ]

        world.exchange.on["place_batch"] = [mixed]
        requests = [limit("a"), limit("b"), limit("c"), limit("c"), limit("d", quantity="0.0001")]
        outcomes = await world.desk.place_batch(requests, [INSTRUMENT] * 5)
        assert outcome_kinds(outcomes) == [Accepted, Rejected, Accepted, Rejected, Rejected]
        assert [outcome.client_order_id for outcome in outcomes] == ["a", "b", "c", "c", "d"]
        assert world.exchange.sent == ["a", "b", "c"]

    on_both_backends(run)


@pytest.mark.parametrize("shape", ["reversed", "short", "long", "empty", "anonymous", "timeout", "refused"])
def test_any_shape_of_batch_reply_gives_the_true_outcomes(shape: str) -> None:
    async def run() -> None:
        world = World()

        def reply(requests: list[Any]) -> list[Any]:
            if shape == "refused":
                raise refusal(RateLimited)
            made: list[Any] = [world.exchange.execute(each) for each in requests]
            if shape == "timeout":
                raise RequestTimeout("no reply")
            return {
                "reversed": made[::-1],
                "short": made[1:],
                "long": [state("stranger", "99"), *made, made[0]],
                "empty": [],
                "anonymous": [state(None, each.venue_order_id) for each in made],
            }[shape]

        world.exchange.on["place_batch"] = [reply]
        outcomes = await world.desk.place_batch([limit("a"), limit("b"), limit("c")], [INSTRUMENT] * 3)
        assert outcome_kinds(outcomes) == [Rejected if shape == "refused" else Accepted] * 3
        assert [outcome.client_order_id for outcome in outcomes] == ["a", "b", "c"]
        if shape != "refused":
            assert [o.state.venue_order_id for o in outcomes if isinstance(o, Accepted)] == ["1", "2", "3"]
        assert world.exchange.sent == ["a", "b", "c"]

    in_virtual_time(run)


def test_a_reordered_batch_never_pins_an_error_on_the_wrong_order() -> None:
    async def run() -> None:
        world = World()

        def reply(requests: list[Any]) -> list[Any]:  # "b" and "c" were refused, in an order nobody knows
            return [refusal(InsufficientFunds), world.exchange.execute(requests[0]), refusal(RateLimited)]

        world.exchange.on["place_batch"] = [reply]
        outcomes = await world.desk.place_batch([limit("a"), limit("b"), limit("c")], [INSTRUMENT] * 3)
        assert outcome_kinds(outcomes) == [Accepted, Rejected, Rejected]
        assert all(isinstance(o.error, Unavailable) for o in outcomes if isinstance(o, Rejected))

        world.exchange.on["place_batch"] = [
            lambda requests: [refusal(InsufficientFunds), world.exchange.execute(requests[0])]
        ]
        outcomes = await world.desk.place_batch([limit("d"), limit("e")], [INSTRUMENT] * 2)
        assert isinstance(outcomes[1], Rejected)
        assert isinstance(outcomes[1].error, InsufficientFunds)  # one input and one item were left

    in_virtual_time(run)


def test_a_whole_batch_in_doubt_is_unknown_item_by_item() -> None:
    async def run() -> None:
        world = World(horizon_s=0.0)
        world.exchange.on["place_batch"] = [raiser(RequestTimeout("no reply"))]
        outcomes = await world.desk.place_batch([limit("a"), limit("b")], [INSTRUMENT] * 2)
        assert outcome_kinds(outcomes) == [Unknown, Unknown]
        assert anyio.current_time() < 25  # resolved side by side

    in_virtual_time(run)


def test_batches_are_cut_to_what_the_exchange_takes_and_can_be_emulated() -> None:
    async def run() -> None:
        world = World(batch_limits={CommandKind.PLACE: 2})
        sizes: list[int] = []
        world.exchange.always["place_batch"] = lambda requests: sizes.append(len(requests))
        await world.desk.place_batch([limit(name) for name in "abcde"], [INSTRUMENT] * 5)
        assert sizes == [2, 2, 1]
        world.exchange.on["place"] = [raiser(refusal(InsufficientFunds))]
        outcomes = await world.desk.place_batch([limit("x"), limit("y")], [INSTRUMENT] * 2, emulate=True)
        assert outcome_kinds(outcomes) == [Rejected, Accepted]
        assert await world.desk.place_batch([], []) == []

    in_virtual_time(run)


def test_a_check_that_breaks_rejects_its_item_only() -> None:
    async def run() -> None:
        async def broken(request: Any, instrument: object, occasion: object) -> None:
            if request.client_order_id == "a":
                raise ZeroDivisionError("a bug in a check")

        world = World(checks=[broken])
        first, second = await world.desk.place_batch([limit("a"), limit("b")], [INSTRUMENT] * 2)
        assert isinstance(first, Rejected)
        assert "a bug in a check" in str(first.error)
        assert isinstance(first.error.__cause__, ZeroDivisionError)
        assert isinstance(second, Accepted)

    in_virtual_time(run)


def test_a_cancelled_batch_stays_known() -> None:
    async def run(speed: float) -> None:
        world = World(speed=speed)

        leaving = anyio.CancelScope()

        async def never(_: Any) -> None:
            leaving.cancel()
            await anyio.sleep_forever()

        world.exchange.on["place_batch"] = [never]
        with leaving:
            await world.desk.place_batch([limit("a"), limit("b")], [INSTRUMENT] * 2)
        assert leaving.cancelled_caught
        assert [order.client_order_id for order in world.desk.ledger.unfinished()] == ["a", "b"]

    on_both_backends(run)


def test_what_a_cancelled_batch_had_not_sent_yet_is_not_waited_for() -> None:
    async def run(speed: float) -> None:
        world = World(speed=speed, batch_limits={CommandKind.PLACE: 1, CommandKind.AMEND: 1})
        leaving = anyio.CancelScope()

        async def never(*_: Any) -> None:
            leaving.cancel()
            await anyio.sleep_forever()

        world.exchange.on["place_batch"] = [never]
        with leaving:
            await world.desk.place_batch([limit("a"), limit("b")], [INSTRUMENT] * 2)
        assert [order.client_order_id for order in world.desk.ledger.unfinished()] == ["a"]

        handles = [await world.desk.place(limit(name), INSTRUMENT) for name in "cd"]
        leaving = anyio.CancelScope()
        world.exchange.on["amend_batch"] = [never]
        with leaving:
            refs = [OrderRef(handle.client_order_id) for handle in handles]
            await world.desk.amend_batch(refs, [(None, D(101))] * 2, [INSTRUMENT] * 2)
        changed = await world.desk.amend(refs[1], INSTRUMENT, price=D(102))
        assert changed.state.price == 102

    on_both_backends(run)


def test_ids_are_short_plain_and_unique() -> None:
    import os
    import re

    ids = ClientOrderIds(os.urandom, prefix="bot_1")
    made = {ids() for _ in range(1000)}
    assert len(made) == 1000
    assert all(re.fullmatch(r"bot_1-[A-Za-z0-9_-]{1,26}", name) and len(name) <= 32 for name in made)
    for prefix in ("", "sixteen-letters-", "ä"):
        with pytest.raises(InvalidArgument, match="prefix"):
            ClientOrderIds(os.urandom, prefix=prefix)


def test_a_ledger_can_be_handed_in() -> None:
    ledger = Ledger(keep_finished=1)
    assert World(ledger=ledger).desk.ledger is ledger


def test_a_follower_that_breaks_does_not_change_how_an_order_ends(caplog: pytest.LogCaptureFixture) -> None:
    async def run() -> None:
        world = World()

        def broken(events: object) -> None:
            raise ZeroDivisionError("a bug in a follower")

        stop = world.desk.listen(broken)
        assert (await world.desk.place(limit(), INSTRUMENT)).status is OrderStatus.OPEN
        stop()
        assert "a follower of the account raised" in caplog.text

    in_virtual_time(run)


def test_what_prepares_an_order_may_prevent_it_and_nothing_is_remembered_of_it() -> None:
    async def run() -> None:
        prepared: list[str] = []

        async def prepare() -> None:
            prepared.append("asked")
            if len(prepared) == 1:
                raise ConnectionFailed("the clock could not be read", sent=False)

        world = World(prepare=prepare)
        with pytest.raises(ConnectionFailed, match="could not be read"):
            await world.desk.place(limit(), INSTRUMENT)
        assert world.exchange.sent == []
        await world.desk.place(limit(), INSTRUMENT)
        await world.desk.amend(OrderRef("a-1"), INSTRUMENT, price=D(90))
        await world.desk.cancel(OrderRef("a-1"), INSTRUMENT)
        assert len(prepared) == 3  # a cancel does not wait

    in_virtual_time(run)


@pytest.mark.parametrize("more", [{"type": "stop_loss", "trigger_price": "90", "price": None}, {"reduce_only": True}])
def test_an_order_that_the_exchange_may_hide_is_never_decided_by_absence(more: dict[str, Any]) -> None:
    async def run() -> None:
        world = World(hidden_by={"grouping": ("bracket",)})
        child, parent = ({**limit().plain_fields(), "native": {"grouping": "bracket"}} for _ in range(2))
        child = {key: value for key, value in {**child, **more, "client_order_id": "a-2"}.items() if value is not None}
        world.exchange.on["place_batch"] = [raiser(RequestTimeout("no reply"))]
        requests = [OrderRequest(**parent), OrderRequest(**child)]
        first, second = await world.desk.place_batch(requests, [INSTRUMENT] * 2)
        assert (type(first), type(second)) == (Rejected, Unknown)  # the parent is in no way hidden
        await anyio.sleep(HORIZON_S)
        with pytest.raises(OrderNotFound):
            await world.desk.query(OrderRef("a-2"), INSTRUMENT)
        assert [order.client_order_id for order in world.desk.ledger.unfinished()] == ["a-2"]
        world.exchange.execute(requests[1])
        assert (await world.desk.query(OrderRef("a-2"), INSTRUMENT)).status is OrderStatus.OPEN

    in_virtual_time(run)
