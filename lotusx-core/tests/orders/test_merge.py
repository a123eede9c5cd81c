from __future__ import annotations

from dataclasses import replace
from decimal import Decimal as D, localcontext
from itertools import pairwise, permutations
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st

from lotusx.kernel.orders.ledger import Ledger
from lotusx.kernel.orders.merge import TrackedOrder
from lotusx.model.account import AccountEvent, FillEvent, OrderEvent
from lotusx.model.enums import OrderStatus
from lotusx.model.orders import Fill, OrderState
from lotusx.model.symbol import Symbol
from lotusx.orders.terms import asked_for

from .order_kit import BTC, fill, limit, state

# A life: opened, filled in three, ended. Each message is what a channel or a query may bring, any number of times.
LIFE: list[OrderState | Fill] = [
    state(status="pending", at=0, price=None, quantity=None),  # a bare acknowledgement
    state(at=1, version=1),
    state(status="partially_filled", filled="0.2", at=2, version=2),
    state(status="partially_filled", filled="0.5", at=2, version=3, average_price=D(99)),
    state(status="canceled", filled="0.5", at=4, version=4, raw_status="CANCELED"),
    fill("t1", quantity="0.2", at=2),
    fill("t2", quantity="0.3", at=2),
    fill("t3", quantity="0.1", at=4),  # matched before the cancel, reported after it
    fill("t3", quantity="0.1", at=4, name=None),  # the same from another source, without our id
    state(None, status="partially_filled", filled="0.2", at=2, version=2),
]


def ledger() -> tuple[Ledger, TrackedOrder]:
    made = Ledger()
    return made, made.open(asked_for(limit()))


def feed(book: Ledger, messages: list[Any]) -> list[AccountEvent]:
    events: list[AccountEvent] = []
    for message in messages:
        events += book.apply_fill(message) if isinstance(message, Fill) else book.apply_state(message)
    return events


def check_events(events: list[AccountEvent]) -> None:
    """No order ever goes backwards, no fill is told twice."""
    fills = [event.fill.trade_id for event in events if isinstance(event, FillEvent)]
    assert len(fills) == len(set(fills))
    states = [event.state for event in events if isinstance(event, OrderEvent)]
    for earlier, later in pairwise(states):
        assert later.filled >= earlier.filled
        assert later.status.is_terminal or not earlier.status.is_terminal
        assert later.status.is_terminal > earlier.status.is_terminal or later.updated_ns >= earlier.updated_ns


EXPECTED = ledger()
feed(EXPECTED[0], LIFE)


@given(st.permutations(LIFE * 2), st.integers(0, 2))
@settings(max_examples=300)
def test_any_order_and_repetition_of_reports_gives_the_same_order(messages: list[Any], more: int) -> None:
    book, order = ledger()
    events = feed(book, messages + LIFE * more)
    check_events(events)
    assert order.state == EXPECTED[1].state
    assert order.state.filled == D("0.6")
    assert order.state.status is OrderStatus.CANCELED
    assert order.fills.keys() == EXPECTED[1].fills.keys()
    assert {event.fill.trade_id for event in events if isinstance(event, FillEvent)} == {"t1", "t2", "t3"}
    last = [event.state for event in events if isinstance(event, OrderEvent)][-1]
    assert last == order.state
    assert len(book) == 1


def test_a_life_in_order_is_told_message_by_message() -> None:
    book, order = ledger()
    messages = [
        state(at=1, version=1),
        fill("t1", quantity="0.2", at=2),
        state(status="partially_filled", filled="0.2", at=2, version=2),
        state(status="canceled", filled="0.2", at=3, version=3),
        fill("t9", quantity="0.1", at=3),
    ]
    events = feed(book, messages)
    told = [event.fill if isinstance(event, FillEvent) else event.state for event in events]  # type: ignore[union-attr]
    assert told[:5] == messages
    assert told[5:] == [replace(order.state, filled=D("0.3"))]  # a late fill changes an order that has ended
    assert book.counts.applied == 5


def test_an_end_is_never_left_but_complete_execution_is_the_truer_end() -> None:
    book, order = ledger()
    feed(book, [state(status="canceled", at=9), state(at=10), state(status="expired", at=8)])
    assert str(order.state.status) == "canceled"
    feed(book, [state(status="filled", filled="1", at=7)])
    assert order.state.status is OrderStatus.FILLED


def test_an_end_told_without_its_time_does_not_take_the_order_back_in_time() -> None:
    book, _ = ledger()
    feed(book, [state(at=5), state(status="filled", filled="1", at=1)])
    found = book.find(BTC, "a-1")
    assert found is not None
    assert (found.state.status, found.state.updated_ns) == (OrderStatus.FILLED, 5)


def test_reports_of_one_moment_without_versions_still_merge_in_one_way() -> None:
    one, two = state(at=5, price="100"), state(at=5, price="101")
    results = []
    for messages in ([one, two], [two, one], [one, two, one]):
        book, order = ledger()
        feed(book, messages)
        results.append(order.state)
    assert results[0] == results[1] == results[2]


def test_sums_are_exact_in_any_context() -> None:
    with localcontext() as context:
        context.prec = 3
        book, order = ledger()
        feed(
            book,
            [fill(f"t{n}", quantity="1E-18", at=2) for n in range(3)] + [fill("big", quantity="123456789012", at=3)],
        )
        assert order.state.filled == D("123456789012.000000000000000003")


# Row 17: an amendment that is a cancel and a new order. The old leg executed 0.4 of 1, the new one 0.3 of 0.6.
def amendment(new_name: str | None) -> dict[str, list[OrderState | Fill]]:
    name = new_name or "a-1"
    return {
        "ack": [state(name, "2", at=10, quantity="0.6", price="90", created_ns=10)],
        "accept new": [state(name, "2", at=10, quantity="0.6", price="90", created_ns=10)],
        "cancel old": [state("a-1", "1", "canceled", at=10, filled="0.4", created_ns=1)],
        "fill old": [
            fill("t1", "1", "0.4", at=5),
            state("a-1", "1", "partially_filled", at=5, filled="0.4", created_ns=1),
        ],
        "fill new": [
            fill("t2", "2", "0.3", at=12, name=name),
            state(name, "2", "partially_filled", at=12, filled="0.3", quantity="0.6", price="90", created_ns=10),
        ],
    }


@pytest.mark.parametrize("new_name", ["a-2", None], ids=["new client id", "same client id"])
@pytest.mark.parametrize("dropped", [None, "ack", "accept new", "cancel old", "fill old", "fill new"])
def test_an_amended_order_counts_every_fill_whatever_message_is_dropped(
    new_name: str | None, dropped: str | None
) -> None:
    messages = amendment(new_name)
    for order_of_arrival in permutations(messages):
        book, order = ledger()
        book.apply_state(state(at=1, created_ns=1))
        if new_name:
            book.alias(order, new_name)
        book.set_amendment(order, "n-1", possible=True)
        for name in order_of_arrival:
            if name != dropped:
                events = feed(book, messages[name])
                assert not any(isinstance(event, OrderEvent) and event.state.status.is_terminal for event in events)
        book.set_amendment(order, "n-1", possible=False)
        if dropped in ("fill old", "fill new"):  # recovery brings the fill, and what a query says of the orders
            assert order.state.filled <= D("0.7")
            feed(book, [*messages["fill old"], *messages["cancel old"], *messages["fill new"]])
        assert order.state.filled == D("0.7"), order_of_arrival
        assert (order.state.venue_order_id, order.state.price) == ("2", D(90))
        assert order.state.status is OrderStatus.PARTIALLY_FILLED
        assert order.state.quantity == D("1.0")
        assert order.state.remaining == D("0.3")
        assert len(book) == 1


def test_an_order_acknowledged_without_a_time_is_older_than_the_one_that_took_its_place() -> None:
    book, order = ledger()
    book.apply_state(state(at=0))  # the answer to placing it; what the stream said of its end was missed
    book.set_amendment(order, "n-1", possible=True)
    book.apply_state(state("a-1", "2", at=0), order)  # the answer to the amendment: the same client id
    book.set_amendment(order, "n-1", possible=False)
    assert order.state.venue_order_id == "2"
    book.apply_state(state("a-1", "2", "canceled", at=12, created_ns=10))
    assert (order.state.venue_order_id, order.state.status) == ("2", OrderStatus.CANCELED)
    assert book.unfinished() == []


def test_a_fill_alone_promotes_the_new_leg() -> None:
    book, order = ledger()
    book.apply_state(state(at=1))
    book.alias(order, "a-2")
    book.set_amendment(order, "n-1", possible=True)
    book.apply_state(state("a-1", "1", "canceled", at=10))
    book.apply_fill(fill("t2", "2", "0.3", at=12, name="a-2"))
    book.set_amendment(order, "n-1", possible=False)
    assert (order.state.venue_order_id, order.state.client_order_id) == ("2", "a-2")
    assert order.state.status is OrderStatus.PARTIALLY_FILLED
    assert order.state.filled == D("0.3")
    assert book.find(BTC, "a-1") is book.find(BTC, "a-2") is book.find(BTC, None, "2") is order


def test_the_end_of_an_amendment_that_failed_tells_the_end_that_was_held_back() -> None:
    book, order = ledger()
    book.apply_state(state(at=1))
    book.set_amendment(order, "n-1", possible=True)
    (held,) = book.apply_state(state(status="canceled", at=2))
    assert isinstance(held, OrderEvent)
    assert held.state.status is OrderStatus.PENDING
    (ended,) = book.set_amendment(order, "n-1", possible=False)
    assert isinstance(ended, OrderEvent)
    assert ended.state.status is OrderStatus.CANCELED
    assert book.unfinished() == []


def test_an_order_first_seen_without_our_id_turns_out_to_be_ours() -> None:
    book, order = ledger()
    assert len(book.apply_state(state(None, "1", "partially_filled", at=2, filled="0.2"))) == 1
    book.apply_fill(fill("t1", quantity="0.2", at=2, name=None))
    assert len(book) == 2
    book.apply_state(state(venue=None, at=0, quantity=None, price=None))  # the reply: our id, no venue id
    book.apply_state(state(at=1))
    assert len(book) == 1
    assert order.state.filled == D("0.2")
    assert len(order.legs) == 1
    assert order.state.status is OrderStatus.PARTIALLY_FILLED
    assert book.apply_fill(fill("t1", quantity="0.2", at=2)) == []


def test_fills_that_came_before_anything_else_are_counted_once_the_order_is_known() -> None:
    book, order = ledger()
    assert len(book.apply_fill(fill("t1", "7", "0.2", name=None))) == 1
    assert book.apply_fill(fill("t1", "7", "0.2", name=None)) == []
    assert book.sizes()["stray_fills"] == 1
    assert book.apply_fill(fill("t1", "7", "0.2")) == []  # now with our id
    assert order.state.filled == D("0.2")
    assert book.sizes() == {"orders": 1, "finished": 0, "stray_fills": 0, "forgotten_ids": 0}


def test_an_order_that_a_repeated_fill_shows_to_have_ended_is_told() -> None:
    book, order = ledger()
    book.apply_state(state(None, "9", "filled", filled="1", at=2))
    book.apply_fill(fill("t1", "9", name=None))
    assert [type(event) for event in book.apply_fill(fill("t1", "9"))] == [OrderEvent]  # now with our id
    assert (order.state.status, book.unfinished()) == (OrderStatus.FILLED, [])


def watched(order: TrackedOrder) -> list[str]:
    """Return the trade ids that readers of *order* are told, as they are."""
    told: list[str] = []
    order.watchers.append(lambda events: told.extend(e.fill.trade_id for e in events if isinstance(e, FillEvent)))
    return told


def test_fills_that_turn_out_to_be_an_orders_are_told_to_its_readers_and_not_to_the_account_again() -> None:
    book, order = ledger()
    told = watched(order)
    book.apply_fill(fill("t1", "7", "0.2", name=None))
    events = book.apply_state(state(venue="7", filled="0.2", fills=(fill("t2", "7", "0.1", at=2),)))
    assert [event.fill.trade_id for event in events if isinstance(event, FillEvent)] == ["t2"]
    assert told == ["t1", "t2"]
    book.apply_fill(fill("t3", "8", "0.1", at=3, name=None))
    assert book.apply_fill(fill("t3", "8", "0.1", at=3)) == []  # the same, now with our id
    book.apply_state(state(None, "9", at=4))
    book.apply_fill(fill("t4", "9", "0.1", at=4, name=None))
    book.apply_fill(fill("t1", "9", "0.2", name=None))  # known to both
    assert len(book.apply_fill(fill("t5", "9", "0.1", at=5))) == 1
    assert told == ["t1", "t2", "t3", "t4", "t5"]


def test_both_sides_of_one_trade_may_be_ours() -> None:
    book = Ledger()
    one = fill("same", "1", name=None)
    assert len(feed(book, [one, replace(one, venue_order_id="2", side=type(one.side)("sell"))])) == 2


def test_a_client_id_of_somebody_else_does_not_join_orders() -> None:
    book = Ledger()
    feed(book, [state("web", "1", "filled", filled="1", at=1), state("web", "2", at=2)])
    assert len(book) == 2
    assert book.find(BTC, "web") is None
    mine = book.open(asked_for(limit("mine")))
    other = replace(state("mine", "5"), symbol=Symbol("ETH", "USDT"))
    book.apply_state(other)
    assert not mine.known_to_exchange
    assert book.find(Symbol("ETH", "USDT"), "mine", "5") is not mine


def test_memory_is_bounded_and_what_was_forgotten_does_not_come_back() -> None:
    book = Ledger(keep_finished=3, keep_ids=8)
    for number in range(10):
        book.open(asked_for(limit(f"a-{number}")))
        feed(book, [state(f"a-{number}", str(number), "filled", filled="1", at=9)])
        feed(book, [fill(f"t{number}", str(number), at=9, name=f"a-{number}")])
    assert len(book) == 3
    assert book.counts.forgotten == 7
    assert book.sizes()["forgotten_ids"] == 8
    assert book.used("a-6")
    assert book.used("a-9")
    assert not book.used("new")
    assert feed(book, [state(None, "6", "filled", filled="1", at=9), fill("t6", "6", at=9, name=None)]) == []
    embedded = state(None, "700", "filled", filled="1", at=9, fills=(fill("t6", "700"),))
    assert [type(event) for event in book.apply_state(embedded)] == [OrderEvent]
    for number in range(20):
        book.apply_fill(fill(f"s{number}", f"stray-{number}", name=None))
    assert book.sizes()["stray_fills"] == 8
    assert book.counts.evicted_fills == 12
    assert book.apply_fill(fill("s11", "stray-11", name=None)) == []


def test_an_order_that_never_came_to_be_is_forgotten_like_one_that_ended() -> None:
    book = Ledger(keep_finished=0)
    order = book.open(asked_for(limit()))
    assert book.unfinished() == [order]
    book.close(order)
    assert book.unfinished() == []
    assert len(book) == 0
    book.close(order)  # nothing left to forget
    again = Ledger()
    order = again.open(asked_for(limit()))
    again.close(order)
    again.apply_state(state())
    assert again.unfinished() == [order]


def test_an_order_without_any_report_is_what_was_asked() -> None:
    order = TrackedOrder(asked_for(limit()), own=True)
    assert order.leg(None) is None
    assert order.state.status is OrderStatus.UNKNOWN
    assert not order.known_to_exchange
    assert TrackedOrder(state(None), own=False).client_order_id is None


def test_what_was_spent_belongs_to_what_was_filled_whichever_report_is_newer() -> None:
    book, order = ledger()
    reply = state(status="partially_filled", filled="0.5", filled_quote=D(50), average_price=D(100))
    opened = state(version=7, filled_quote=D(0))  # of the same millisecond, and numbered where the reply is not
    for messages in permutations([reply, opened]):
        book, order = ledger()
        feed(book, list(messages))
        assert order.state.filled_quote == 50
        assert order.state.average_price == 100


def test_what_was_spent_is_not_known_while_fills_say_more_than_reports() -> None:
    for own in (True, False):
        book = ledger()[0] if own else Ledger()
        feed(book, [state(status="partially_filled", filled="0.5", filled_quote=D(50), average_price=D(100)), fill()])
        order = book.find(BTC, "a-1", "1")
        assert order is not None
        assert (order.state.filled, order.state.filled_quote, order.state.average_price) == (1, None, None)
        feed(book, [state(status="filled", filled="1", filled_quote=D(110), average_price=D(110), at=2)])
        assert (order.state.filled, order.state.filled_quote, order.state.average_price) == (1, 110, 110)


def test_a_status_nobody_knows_stays_unknown_however_much_was_filled() -> None:
    book, order = ledger()
    feed(book, [state(status="unknown", filled="0.5", raw_status="PAUSED")])
    assert (order.state.status, order.state.raw_status) == (OrderStatus.UNKNOWN, "PAUSED")
