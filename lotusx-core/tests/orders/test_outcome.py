from __future__ import annotations

from dataclasses import replace
from itertools import permutations
from typing import Any

import anyio
import pytest
from hypothesis import given, settings, strategies as st

from lotusx.errors import (
    CredentialsError,
    DuplicateOrder,
    InsufficientFunds,
    LotusXError,
    NoChange,
    OrderNotFound,
    OrderOutcomeUnknown,
    PartialFailure,
    RequestTimeout,
    StreamClosed,
    Unavailable,
)  # fmt: skip
from lotusx.kernel.orders.outcome import MAX_EVIDENCE, Command, CommandKind, Phase, is_proof
from lotusx.kernel.ports import OrderRef
from lotusx.model.enums import OrderStatus, OrderType, TimeInForce
from lotusx.model.orders import OrderState
from lotusx.model.requests import OrderRequest
from lotusx.orders.batch import Unmatched, align
from lotusx.orders.terms import is_answer_to

from .order_kit import BTC, HORIZON_S, INSTRUMENT, World, executes_but, in_virtual_time, limit, raiser, refusal, state

S = 1_000_000_000


def command(horizon_s: float = 10.0) -> Command:
    return Command(CommandKind.PLACE, "a-1", horizon_s=horizon_s, now_ns=0, wall_ns=0)


STEPS: dict[str, Any] = {
    "reply": lambda c, now: c.accept("acknowledged", now),
    "refusal": lambda c, now: c.reject(refusal(InsufficientFunds), now),
    "timeout": lambda c, now: c.doubt("no reply", now),
    "network error": lambda c, now: c.note("could not look", now),
    "not found": lambda c, now: c.absent(now, now) and c.reject(refusal(Unavailable), now),
    "give up": lambda c, now: c.give_up(now),
}


@given(st.lists(st.tuples(st.sampled_from(list(STEPS)), st.integers(0, 6)), max_size=12), st.sampled_from([0.0, 10.0]))
@settings(max_examples=300)
def test_no_end_without_evidence_and_none_before_the_horizon(steps: list[tuple[str, int]], horizon_s: float) -> None:
    c, now, doubted_at = command(horizon_s), 0, None
    seen: set[str] = set()
    for name, seconds in steps:
        now += seconds * S
        before = c.phase
        STEPS[name](c, now)
        seen.add(name)
        if name == "timeout" and not c.decided:
            doubted_at = now
        if before is Phase.ACCEPTED:
            assert c.phase is Phase.ACCEPTED
        if name == "network error":
            assert c.phase is before
        if name == "not found" and c.phase is Phase.REJECTED and before is not Phase.REJECTED:
            assert horizon_s
            assert doubted_at is not None
            assert now - doubted_at >= horizon_s * S
    if c.phase is Phase.ACCEPTED:
        assert "reply" in seen
    if c.phase is Phase.REJECTED:
        assert c.error is not None
        assert seen & {"refusal", "not found"}
    assert (c.error is None) == (c.phase is not Phase.REJECTED)


def test_evidence_of_the_exchange_beats_an_earlier_rejection() -> None:
    c = command()
    assert c.reject(refusal(InsufficientFunds), 1)
    assert c.accept("an event shows it", 2)
    assert not c.accept("again", 3)
    assert not c.reject(refusal(InsufficientFunds), 4)
    assert c.error is None


def test_the_trail_tells_when_and_stays_short() -> None:
    c = command()
    c.doubt("no reply", S)
    for second in range(200):
        c.note("could not look", second * S)
    assert len(c.evidence) == MAX_EVIDENCE + 1
    assert c.evidence[0] == "no reply after 1.00 s"
    assert c.evidence[2] == f"{201 - MAX_EVIDENCE} more looks"
    assert c.evidence[-1] == "could not look after 199.00 s"


@pytest.mark.parametrize(
    ("error", "place", "cancel"),
    [
        (CredentialsError("no key"), True, True),
        (OrderNotFound("ex", "1", "no"), True, False),
        (NoChange("ex", "1", "no"), True, False),
        (PartialFailure("ex", "1", "half"), False, False),
        (DuplicateOrder("ex", "1", "again"), False, False),
        (StreamClosed("the socket closed with the request pending"), False, False),
        (OrderOutcomeUnknown("ex", "a"), False, False),
        (LotusXError("?"), False, False),
        (ValueError("?"), False, False),
    ],
    ids=lambda value: type(value).__name__,
)
def test_only_what_shows_that_nothing_happened_is_proof(error: Exception, place: bool, cancel: bool) -> None:
    assert is_proof(CommandKind.PLACE, error) is place
    assert is_proof(CommandKind.CANCEL, error) is is_proof(CommandKind.AMEND, error) is cancel


# Row 3: {reply lost, stream event, query result, retry timer} in every order and at any distance.
MOMENTS = st.lists(st.floats(0.01, 25.0), min_size=3, max_size=3)


@given(st.booleans(), MOMENTS, st.booleans(), st.booleans(), st.sampled_from(["timeout", "reply", "duplicate", "504"]))
@settings(max_examples=120, deadline=None)
def test_whatever_comes_first_one_send_and_a_true_end(
    executed: bool, moments: list[float], stream_works: bool, reads_work: bool, reply: str
) -> None:
    arrives, visible, streamed = moments
    world = World(horizon_s=HORIZON_S)
    exchange = world.exchange
    exchange.visible = False
    errors: dict[str, Exception] = {
        "timeout": RequestTimeout("no reply"),
        "duplicate": refusal(DuplicateOrder),
        "504": refusal(Unavailable, may_have_executed=True),
    }

    async def place(request: Any) -> OrderState:
        made = exchange.execute(request) if executed else None
        await anyio.sleep(arrives)
        if reply in errors or made is None:
            raise errors.get(reply, refusal(InsufficientFunds))
        return made

    async def run() -> None:
        exchange.on["place"] = [place]
        if not reads_work:
            for name in ("order", "open_orders", "fills_page"):
                exchange.always[name] = raiser(RequestTimeout("busy"))

        async def show() -> None:
            await anyio.sleep(arrives + min(visible, HORIZON_S - 1))  # the horizon is a fact of the exchange
            exchange.visible = True

        async def stream() -> None:
            await anyio.sleep(streamed)
            if executed and stream_works:
                world.desk.apply_state(exchange.orders["a-1"])

        outcome: str
        async with anyio.create_task_group() as group:
            group.start_soon(show)
            group.start_soon(stream)
            try:
                order = await world.desk.place(limit(), INSTRUMENT)
            except OrderOutcomeUnknown as doubt:
                outcome = "unknown" if doubt.evidence else "no reason given"
            except LotusXError as error:
                outcome = "no proof" if error.may_have_executed else "rejected"
            else:
                outcome = "accepted"
                assert order.status is OrderStatus.OPEN
        assert exchange.sent == ["a-1"]
        if executed:
            assert outcome == "accepted" or (outcome == "unknown" and not reads_work)
        else:
            assert outcome == ("unknown" if not reads_work and reply in errors else "rejected")

    in_virtual_time(run)


def test_two_desks_never_share_anything() -> None:
    async def run() -> None:
        one, two = World(), World()
        one.exchange.on["place"] = [executes_but(one.exchange)]
        await one.desk.place(limit(), INSTRUMENT)
        assert two.told == []
        await two.desk.place(limit(), INSTRUMENT)

    in_virtual_time(run)


NAMES = [OrderRef(name) for name in "abc"]


@pytest.mark.parametrize("places", list(permutations(range(3))))
def test_states_are_matched_by_id_wherever_they_stand(places: tuple[int, ...]) -> None:
    items = [state(name) for name in "abc"]
    assert align(NAMES, [items[place] for place in places]) == items


def test_items_without_ids_are_matched_by_place_only_where_that_is_safe() -> None:
    no, maybe = refusal(InsufficientFunds), refusal(Unavailable)
    a, b, c = (state(name) for name in "abc")
    assert align(NAMES, [a, no, c]) == [a, no, c]
    assert align(NAMES, [no, maybe, state(None)]) == [no, maybe, state(None)]
    assert align(NAMES, [c, no, a]) == [a, no, c]  # one of each left
    shuffled = align(NAMES, [no, a, maybe])
    assert shuffled[0] == a
    assert [type(item) for item in shuffled[1:]] == [Unmatched, Unmatched]
    assert [type(item) for item in align(NAMES, [])] == [Unmatched] * 3
    assert align([OrderRef(venue_order_id="1"), *NAMES[1:]], [state("x", "1"), b, no]) == [state("x", "1"), b, no]
    strange = align(NAMES, [a, b, state("stranger", "9")])
    assert strange[:2] == [a, b]
    assert isinstance(strange[2], Unmatched)


def test_a_market_order_may_come_back_as_a_limit_order_that_takes_at_once() -> None:
    request = OrderRequest.market(BTC, "buy", 1, client_order_id="a-1")
    answer = replace(state(), type=OrderType.LIMIT)
    assert not is_answer_to(request, answer)
    assert is_answer_to(request, replace(answer, time_in_force=TimeInForce.IOC))


def test_an_item_of_a_batch_of_amendments_is_known_by_its_new_id() -> None:
    answers = [state("new-b", "9"), state("new-a", "8")]
    names = [OrderRef("a", "1"), OrderRef("b", "2")]
    assert align(names, answers, ["new-a", "new-b"]) == answers[::-1]
