"""The desired set is data: whatever an exchange does to control messages, the actual set becomes it."""

from __future__ import annotations

import itertools
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from lotusx.kernel.budget import BudgetRegistry, ConnectBudget
from lotusx.kernel.codec import Ack, ChannelKind, WsFacts
from lotusx.kernel.handover import Handover
from lotusx.kernel.membership import Acked, Change, Member, Op, Probe, Refused, Send, Silent, Wanted, deadline_ns
from lotusx.kernel.pacing import NS, Backoff, Pace
from lotusx.kernel.subscriptions import Subscriptions

S = NS


def wanted(key: str, kind: ChannelKind = ChannelKind.TRADES, **more: Any) -> Wanted:
    return Wanted(key, key, kind, **more)


def open_with(*keys: str, kind: ChannelKind = ChannelKind.TRADES, facts: WsFacts | None = None) -> Subscriptions:
    subs = Subscriptions(facts or WsFacts())
    for key in keys:
        subs.want(wanted(key, kind))
    subs.open(1, 0)
    return subs


def ids() -> Any:
    return itertools.count(1).__next__


class Convergence(RuleBasedStateMachine):
    """A server that may lose, refuse for a while, repeat or accept control messages, and sockets that break."""

    def __init__(self) -> None:
        super().__init__()
        self.subs = Subscriptions(WsFacts(max_channels=3, max_keys_per_message=2))
        self.now = 0
        self.new_id = ids()
        self.sessions: dict[int, int] = {}
        self.actual: dict[int, list[str]] = {}
        self.numbers = itertools.count(1)
        self.answers: list[tuple[int, int]] = []

    @rule(key=st.sampled_from("abcdefgh"), alone=st.booleans())
    def toggle(self, key: str, alone: bool) -> None:
        if key in self.subs.desired:
            slot = self.subs.drop(key)
            if not list(self.subs.idents(slot)):
                self._break([number for number, of in self.sessions.items() if of == slot])
                self.subs.discard_slot(slot)
        else:
            self.subs.want(wanted(key, alone=alone))

    @rule()
    def connect(self) -> None:
        for slot in {self.subs.slot_of(ident) for ident in self.subs.desired} - set(self.sessions.values()):
            number = next(self.numbers)
            self.subs.open(number, slot)
            self.sessions[number] = slot
            self.actual[number] = []

    @rule(data=st.data())
    def cut(self, data: Any) -> None:
        if self.sessions:
            self._break([data.draw(st.sampled_from(sorted(self.sessions)))])

    def _break(self, numbers: list[int]) -> None:
        for number in numbers:
            self.subs.close(number)
            del self.sessions[number], self.actual[number]

    @rule(fate=st.sampled_from(["fine", "fine", "lost", "twice", "unanswered"]))
    def send(self, fate: str) -> None:
        for number in self.sessions:
            send = self.subs.next_send(number, self.now, self.new_id)
            if send is None:
                continue
            self.subs.sent(number, send, self.now)
            if fate != "lost":
                self._serve(number, send)
            for _ in range({"fine": 1, "twice": 2}.get(fate, 0)):
                self.subs.acknowledged(number, Ack(send.request_id), self.now)

    def _serve(self, number: int, send: Send) -> None:
        for key in send.keys:
            if send.op is Op.UNSUBSCRIBE and key in self.actual[number]:
                self.actual[number].remove(key)
            elif send.op is Op.SUBSCRIBE and key not in self.actual[number]:
                self.actual[number].append(key)

    @rule(data=st.data())
    def renew(self, data: Any) -> None:
        if self.subs.desired:
            self.subs.renew(data.draw(st.sampled_from(sorted(self.subs.desired))))

    @rule(seconds=st.integers(1, 20))
    def wait(self, seconds: int) -> None:
        self.now += seconds * S
        for number in self.sessions:
            self.subs.due(number, self.now)

    @invariant()
    def slots_hold_what_an_exchange_allows(self) -> None:
        slots = [self.subs.slot_of(ident) for ident in self.subs.desired]
        for slot in set(slots):
            carried = list(self.subs.idents(slot))
            assert len(carried) <= 3
            if any(self.subs.desired[ident].alone for ident in carried):
                assert len(carried) == 1

    def teardown(self) -> None:
        for _ in range(30):
            self.connect()
            self.now += 11 * S
            for number in self.sessions:
                self.subs.due(number, self.now)
                while (send := self.subs.next_send(number, self.now, self.new_id)) is not None:
                    self._serve(number, send)
                    self.subs.acknowledged(number, Ack(send.request_id), self.now)
        for number, slot in self.sessions.items():
            assert sorted(self.actual[number]) == sorted(self.subs.idents(slot))
        assert sorted(key for keys in self.actual.values() for key in keys) == sorted(self.subs.desired)


TestConvergence = Convergence.TestCase
TestConvergence.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


@pytest.mark.parametrize("bad", [0, 3, 6])
def test_a_refusal_is_halved_until_it_names_one_key(bad: int) -> None:
    keys = [f"k{n}" for n in range(7)]
    subs = open_with(*keys)
    refused, messages = [], 0
    new_id = ids()
    while (send := subs.next_send(1, 0, new_id)) is not None:
        messages += 1
        error = "no" if f"k{bad}" in send.keys else None
        refused += [
            change for change in subs.acknowledged(1, Ack(send.request_id, error), 0) if isinstance(change, Refused)
        ]
    assert refused == [Refused(f"k{bad}", "no")]
    assert messages <= 7


def test_a_key_proven_before_is_asked_for_with_growing_waits() -> None:
    subs = open_with("a")
    new_id = ids()
    send = subs.next_send(1, 0, new_id)
    assert send is not None
    (acked,) = subs.acknowledged(1, Ack(send.request_id), 0)
    assert isinstance(acked, Acked)
    subs.close(1)
    subs.open(2, 0)
    times: list[int] = []
    changes: list[Change] = []
    now = 0
    while not changes:
        send = subs.next_send(2, now, new_id)
        if send is None:
            now = subs.due(2, now)[1] or 10**15
            continue
        times.append(now)
        changes = subs.acknowledged(2, Ack(send.request_id, "busy"), now)
    assert times == [0, 1 * S, 3 * S, 7 * S]
    assert changes == [Refused("a", "busy")]


def test_silence_is_probed_before_its_deadline_and_named_at_it() -> None:
    subs = open_with("a", kind=ChannelKind.BOOK)
    send = subs.next_send(1, 0, ids())
    assert send is not None
    (acked,) = subs.acknowledged(1, Ack(send.request_id), 0)
    assert isinstance(acked, Acked)
    member = acked.member
    assert subs.due(1, 2 * S) == ([], int(2.5 * S))
    assert subs.due(1, int(2.5 * S)) == ([Probe(member)], 5 * S)  # asking takes more than a second
    assert subs.due(1, 4 * S) == ([], 5 * S)
    changes, _ = subs.due(1, 5 * S)
    assert changes == [Silent(member)]
    again = [subs.next_send(1, 5 * S, ids()) for _ in range(3)]
    assert [send.op for send in again if send] == [Op.UNSUBSCRIBE, Op.SUBSCRIBE]


def test_a_quiet_market_is_asked_less_and_less_often_until_it_speaks() -> None:
    subs = open_with("a", kind=ChannelKind.TICKER)
    send = subs.next_send(1, 0, ids())
    assert send is not None
    subs.acknowledged(1, Ack(send.request_id), 0)
    member = subs.table(1)["a"]
    now, gaps = 0, []
    for _ in range(5):
        before = now
        while not any(isinstance(change, Probe) for change in subs.due(1, now)[0]):
            now += S
        gaps.append((now - before) // S)
        subs.quiet(member, now)
    assert gaps == [8, 16, 32, 48, 48]
    member.heard_ns = now + 1
    subs.heard(member)
    assert subs.due(1, now + 2)[1] == now + 1 + int(7.5 * S)


def test_after_a_quiet_market_the_first_message_is_a_first_one_again() -> None:
    subs = open_with("a", kind=ChannelKind.BOOK)
    send = subs.next_send(1, 0, ids())
    assert send is not None
    subs.acknowledged(1, Ack(send.request_id), 0)
    member = subs.table(1)["a"]
    member.heard_ns = 1
    subs.heard(member)
    assert subs.table(1)["a"].live
    subs.due(1, 3 * S)
    subs.quiet(member, 4 * S)
    assert not member.live
    assert subs.due(1, 4 * S)[1] == 4 * S + int(7.5 * S)
    member.heard_ns = 5 * S
    subs.heard(member)
    assert subs.due(1, 5 * S)[1] == 5 * S + int(2.5 * S)


def found_silent() -> tuple[Subscriptions, Member]:
    """A book that was declared silent at 5 s and is subscribed to again, accepted at 6 s."""
    subs = open_with("a", kind=ChannelKind.BOOK)
    numbers = ids()
    first = subs.next_send(1, 0, numbers)
    assert first is not None
    subs.acknowledged(1, Ack(first.request_id), 0)
    member = subs.table(1)["a"]
    assert subs.due(1, 5 * S)[0] == [Silent(member)]
    assert subs.next_send(1, 5 * S, numbers) is not None  # ends the old one
    again = subs.next_send(1, 5 * S, numbers)
    assert again is not None
    subs.acknowledged(1, Ack(again.request_id), 6 * S)
    return subs, member


@pytest.mark.parametrize("heard_ns", [6 * S, 6 * S + 1], ids=["in the moment of acceptance", "later"])
def test_what_answers_a_subscription_made_again_does_not_end_its_patience(heard_ns: int) -> None:
    subs, member = found_silent()
    member.heard_ns = heard_ns
    subs.heard(member)
    assert subs.due(1, heard_ns)[1] == heard_ns + int(7.5 * S)
    assert not any(isinstance(change, Silent) for change in subs.due(1, heard_ns + 8 * S)[0])


@pytest.mark.parametrize("later_ns", [0, S], ids=["with the answer", "later"])
def test_the_message_after_the_answer_ends_its_patience_and_is_told_to_whoever_watches(later_ns: int) -> None:
    subs, member = found_silent()
    member.heard_ns = 6 * S
    subs.heard(member)
    watched = [member.watched]
    member.heard_ns += later_ns
    subs.heard(member)
    assert [*watched, member.watched] == [True, False]
    assert subs.due(1, member.heard_ns)[1] == member.heard_ns + int(2.5 * S)


def test_a_stated_cadence_stretches_the_deadline() -> None:
    assert deadline_ns(ChannelKind.BOOK, None) == 5 * S
    assert deadline_ns(ChannelKind.BOOK, 3.0) == 9 * S
    assert deadline_ns(ChannelKind.ACCOUNT, 3.0) is None


def test_data_answers_for_a_subscribe_that_was_never_acknowledged() -> None:
    subs = open_with("a")
    assert subs.next_send(1, 0, ids()) is not None
    member = subs.table(1)["a"]
    subs.heard(member)
    changes, _ = subs.due(1, 10 * S)
    assert changes == [Acked(member)]


def test_what_belongs_to_a_closed_session_means_nothing() -> None:
    subs = open_with("a")
    send = subs.next_send(1, 0, ids())
    assert send is not None
    subs.close(1)
    assert subs.next_send(1, 0, ids()) is None
    assert subs.due(1, 0) == ([], None)
    assert subs.acknowledged(1, Ack(send.request_id), 0) == []
    assert subs.sent(1, send, 0) == []
    subs.ended(1, "a")
    subs.discard_slot(0)  # it is not empty
    assert list(subs.idents(0)) == ["a"]


def test_a_dropped_key_is_not_accepted_any_more() -> None:
    subs = open_with("a", "b")
    new_id = ids()
    send = subs.next_send(1, 0, new_id)
    assert send is not None
    subs.drop("a")
    assert [
        change.member.key for change in subs.acknowledged(1, Ack(send.request_id), 0) if isinstance(change, Acked)
    ] == ["b"]
    end = subs.next_send(1, 0, new_id)
    assert end is not None
    assert (end.op, end.keys) == (Op.UNSUBSCRIBE, ("a",))
    assert subs.acknowledged(1, Ack(end.request_id, "whatever"), 0) == []
    table = subs.table(1)
    table["b"].sink(b"", 0)  # nobody listens yet
    assert list(table) == ["b"]


# --------------------------------------------------------------------------------------------------------- handover


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 2**32), st.booleans())
@settings(deadline=None)
def test_a_handover_loses_and_repeats_nothing_however_the_sockets_interleave(
    begin: int, lag: int, seed: int, snapshot: bool
) -> None:
    rng = Random(seed)
    out: list[int] = []
    move: Handover[int] = Handover(out.extend)
    total = 80
    old, new = 0, begin
    if snapshot:
        move.new([("snapshot", -1)])
    while not move.switched:
        if old < total and (new >= total or rng.random() < 0.5):
            move.old([(old, old)])
            old += 1
        elif new < total:
            move.new([(new, new)])
            new += 1
        if move.ready and (rng.random() < 0.2 or old == new == total):
            move.switch()
    move.switch()
    move.old([(old, old)])
    while new < total:
        move.new([(new, new)])
        new += 1
    assert out == list(range(total))


def test_a_switch_without_proof_passes_everything_not_seen_and_settles_when_told() -> None:
    out: list[int] = []
    move: Handover[int] = Handover(out.extend)
    move.old([(1, 1)])
    move.new([(5, 5)])
    move.switch()
    move.new([(1, 1), (6, 6)])
    assert (out, move.settled) == ([1, 5, 6], False)
    move.settle()
    move.new([(1, 1)])
    assert out == [1, 5, 6, 1]


# ---------------------------------------------------------------------------------------------------------- pacing


def test_a_pace_allows_a_burst_and_then_waits_for_the_window() -> None:
    pace = Pace.per_second(2)
    for _ in range(2):
        assert pace.delay_ns(0) == 0
        pace.spend(0)
    assert pace.delay_ns(S // 2) == S // 2
    slow = Pace.per_second(0.5)
    slow.spend(0)
    assert slow.delay_ns(0) == 2 * S


@pytest.mark.parametrize(("stated", "allowed"), [((300, 300.0), 150), ((1, 10.0), 1)])
def test_half_the_connect_budget_is_used(stated: tuple[int, float], allowed: int) -> None:
    budget = ConnectBudget(stated)
    assert [budget.take(0) for _ in range(allowed)] == [0] * allowed
    assert budget.take(0) == (300 if allowed > 1 else 20) * S


def test_waits_grow_to_thirty_seconds_with_full_jitter() -> None:
    backoff = Backoff(Random(1))
    waits = [backoff.next_s() for _ in range(12)]
    bounds = [min(30.0, 0.25 * 2**n) for n in range(12)]
    assert all(0 <= wait <= bound for wait, bound in zip(waits, bounds, strict=True))
    backoff.reset()
    assert backoff.next_s(10.0) <= 10.25


def test_whoever_connects_to_one_host_shares_the_strictest_connect_budget() -> None:
    registry = BudgetRegistry()
    market, api = registry.connects("ws://host:1/stream", (300, 300.0)), registry.connects("wss://HOST/api", (10, 300))
    more, other = registry.connects("wss://host/more", (4, 60.0)), registry.connects("wss://other", (300, 300.0))

    assert [each.take(0) for each in (market, api)] == [0, 0]
    assert more.take(0) == 60 * S
    assert [each.take(61 * S) for each in (more, market, api)] == [0, 0, 60 * S]
    assert [each.take(122 * S) for each in (api, more)] == [0, 178 * S]  # the fifth of ten in five minutes
    assert other.take(122 * S) == 0


def test_an_answer_that_names_the_subscription_settles_that_one_alone() -> None:
    subs = Subscriptions(WsFacts(max_keys_per_message=1))
    for name in ("a", "b"):
        subs.want(Wanted(name, name, ChannelKind.TRADES))
    subs.open(1, 0)
    ids = itertools.count(1).__next__
    assert [subs.next_send(1, 0, ids), subs.next_send(1, 0, ids)] == [
        Send(Op.SUBSCRIBE, ("a",), 1), Send(Op.SUBSCRIBE, ("b",), 2),
    ]  # fmt: skip
    (acked,) = subs.acknowledged(1, Ack(None, key="b"), 0)
    assert isinstance(acked, Acked)
    assert acked.member.key == "b"
    assert subs.acknowledged(1, Ack(None, key="b"), 0) == []
    assert subs.acknowledged(1, Ack(None, key="c"), 0) == []
    (refused,) = subs.acknowledged(1, Ack(None, "no such coin", key="a"), 0)
    assert refused == Refused("a", "no such coin")


def test_two_views_of_one_key_lie_on_different_sockets() -> None:
    subs = Subscriptions(WsFacts())
    slots = [subs.want(Wanted(ident, ident[0], ChannelKind.TICKER)) for ident in ("a", "b", "a mark", "b mark", "c")]
    assert slots == [0, 0, 1, 1, 0]
    subs.drop("a")
    assert subs.want(Wanted("a other", "a", ChannelKind.TICKER)) == 0


def test_what_was_asked_for_and_never_answered_is_unsubscribed_when_nobody_wants_it_any_more() -> None:
    subs = Subscriptions(WsFacts())
    new_id = ids()
    subs.want(wanted("a"))
    subs.open(1, 0)
    assert subs.next_send(1, 0, new_id) is not None
    subs.due(1, 10 * S)
    subs.want(wanted("b"))
    subs.drop("a")
    send = subs.next_send(1, 10 * S, new_id)
    assert send is not None
    assert (send.op, send.keys) == (Op.UNSUBSCRIBE, ("a",))


def test_a_lost_unsubscribe_is_sent_again_unless_the_channel_is_wanted_by_then() -> None:
    subs = Subscriptions(WsFacts(max_keys_per_message=1))
    new_id = ids()
    for name in ("a", "b", "c"):
        subs.want(wanted(name))
    subs.open(1, 0)
    while (send := subs.next_send(1, 0, new_id)) is not None:
        subs.acknowledged(1, Ack(send.request_id), 0)
    subs.drop("a")
    subs.drop("b")
    assert [subs.next_send(1, 0, new_id), subs.next_send(1, 0, new_id)] == [
        Send(Op.UNSUBSCRIBE, ("a",), 4), Send(Op.UNSUBSCRIBE, ("b",), 5),
    ]  # fmt: skip
    subs.want(wanted("b"))
    again = subs.next_send(1, 0, new_id)
    assert again == Send(Op.SUBSCRIBE, ("b",), 6)
    assert subs.acknowledged(1, Ack(None, key="b"), 0) == []  # in the order of sending: it answers the unsubscribe
    (acked,) = subs.acknowledged(1, Ack(None, key="b"), 0)
    assert isinstance(acked, Acked)
    subs.due(1, 10 * S)
    assert subs.next_send(1, 10 * S, new_id) == Send(Op.UNSUBSCRIBE, ("a",), 7)
    subs.acknowledged(1, Ack(7), 10 * S)
    subs.due(1, 21 * S)
    assert subs.next_send(1, 21 * S, new_id) is None
