"""Limits: never exceeded, fair, corrected by the exchange, silent when told to be."""

from __future__ import annotations

import heapq
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import pytest
from hypothesis import example, given, settings, strategies as st

from lotusx.errors import Banned, InvalidArgument, LotusXError, RateLimited
from lotusx.kernel import budget as budget_module
from lotusx.kernel.budget import Budget, BudgetRegistry
from lotusx.kernel.counts import Hold, Ledger, Ticket
from lotusx.kernel.dialect import Usage
from lotusx.kernel.facts import Limit
from lotusx.kernel.nonce import NonceAllocator
from lotusx.kernel.request import Cost, Lane

S = 1_000_000_000
FOREVER = 10**9 * S
MINUTE = Limit("weight", 100, 60.0)
ROLLING = Limit("orders", 10, 10.0, scope="account", aligned=False)


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class VirtualClock:
    """Time passes only when everybody waits for it."""

    def __init__(self) -> None:
        self.mono = 0
        self._sleepers: list[tuple[int, int, anyio.Event]] = []
        self._count = 0
        self.held = False

    def now_ns(self) -> int:
        return self.mono

    def monotonic_ns(self) -> int:
        return self.mono

    async def sleep(self, seconds: float) -> None:
        self._count += 1
        event = anyio.Event()
        heapq.heappush(self._sleepers, (self.mono + int(seconds * S), self._count, event))
        await event.wait()

    async def _pass(self) -> None:
        while True:
            await anyio.wait_all_tasks_blocked()
            if self._sleepers and not self.held:
                self.mono, _, event = heapq.heappop(self._sleepers)
                event.set()
            else:
                await anyio.sleep(0.001)

    @asynccontextmanager
    async def passing(self) -> AsyncIterator[None]:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._pass)
            yield
            self.held = False
            tasks.cancel_scope.cancel()


def take(budget: Budget, amount: int, now_ns: int, pool: str = "weight", lane: Lane = Lane.NORMAL) -> Hold | None:
    return budget.attempt(budget.ticket((Cost(pool, amount),), lane), now_ns)


steps = st.lists(st.tuples(st.integers(0, 40 * S), st.integers(1, 60), st.sampled_from(list(Lane))), max_size=60)


@given(steps, st.integers(0, 10**15))
def test_no_aligned_window_ever_holds_more_than_its_limit(steps: list[tuple[int, int, Lane]], distance_ns: int) -> None:
    budget = Budget("x", [MINUTE])
    budget.align(distance_ns, 0)
    now, windows = 0, dict[int, int]()
    for pause, amount, lane in steps:
        now += pause
        if take(budget, amount, now, lane=lane) is None:
            index = (now + distance_ns) // (60 * S)
            windows[index] = windows.get(index, 0) + amount
            assert windows[index] <= (100 if lane is Lane.URGENT else 90)


@given(steps)
def test_no_rolling_window_ever_holds_more_than_its_limit(steps: list[tuple[int, int, Lane]]) -> None:
    budget = Budget("x", [Limit("weight", 100, 60.0, aligned=False)])
    now, taken = 0, list[tuple[int, int]]()
    for pause, amount, lane in steps:
        now += pause
        if take(budget, amount, now, lane=lane) is None:
            taken.append((now, amount))
            ending_now = sum(a for at, a in taken if now - 60 * S < at <= now)
            assert ending_now <= (100 if lane is Lane.URGENT else 90)


@given(steps, st.booleans())
def test_waiting_as_long_as_told_is_enough(steps: list[tuple[int, int, Lane]], aligned: bool) -> None:
    budget = Budget("x", [Limit("weight", 100, 60.0, aligned=aligned)])
    now = 0
    for pause, amount, lane in steps:
        now += pause
        hold = take(budget, amount, now, lane=lane)
        if hold is not None:
            now += hold.wait_ns
            assert take(budget, amount, now, lane=lane) is None


def test_the_urgent_may_use_the_reserve() -> None:
    budget = Budget("x", [MINUTE])

    assert take(budget, 90, 0) is None
    assert take(budget, 1, 0) is not None
    assert take(budget, 10, 0, lane=Lane.URGENT) is None
    assert take(budget, 1, 0, lane=Lane.URGENT) is not None


def test_a_cost_between_reserve_and_limit_is_granted_when_nothing_else_is_used() -> None:
    budget = Budget("x", [MINUTE])

    assert take(budget, 95, 0) is None


def test_a_cost_above_the_whole_limit_is_refused() -> None:
    budget = Budget("x", [MINUTE])

    with pytest.raises(InvalidArgument, match="costs 101 of weight, whose limit is 100"):
        budget.ticket((Cost("weight", 101),))


def test_a_request_that_costs_nothing_passes_a_limit_of_one_that_is_used_up() -> None:
    budget = Budget("x", [Limit("orders", 1, 60.0)])
    assert take(budget, 1, 0, "orders") is None
    assert take(budget, 0, 0, "orders") is None
    assert take(budget, 1, 0, "orders") is not None


def test_a_pool_without_a_limit_is_not_counted_but_can_be_blocked() -> None:
    budget = Budget("x")
    assert take(budget, 10**6, 0, "odd") is None

    budget.block("odd", 5 * S)

    assert take(budget, 1, 0, "odd") == Hold(5 * S, "odd")
    assert take(budget, 1, 0, "other") is None


def test_all_windows_of_a_pool_count() -> None:
    budget = Budget("x", [Limit("orders", 10, 10.0), Limit("orders", 12, 86_400.0), Limit("orders", 99, 10.0)])

    assert take(budget, 9, 0, "orders") is None
    assert take(budget, 1, 10 * S, "orders") is None
    hold = take(budget, 1, 10 * S, "orders")
    assert hold is not None
    assert hold.wait_ns == 86_390 * S


def test_nonces_of_one_key_are_shared_and_of_two_are_not() -> None:
    registry = BudgetRegistry()
    mine = registry.nonces("x", "key")
    assert [mine.next(5), registry.nonces("x", "key").next(5), registry.nonces("x", "other").next(5)] == [5, 6, 5]
    assert registry.nonces("y", "key").next(5) == 5


@pytest.mark.parametrize(
    "ask",
    [
        lambda registry: registry.nonces("x", "key"),
        lambda registry: registry.budget("x", "host", ()),
        lambda registry: registry.connects("wss://host", (1, 1.0)),
    ],
    ids=["nonces", "budget", "connects"],
)
def test_two_threads_that_ask_at_once_share_what_is_made(ask: Callable[[BudgetRegistry], object]) -> None:
    made = []

    class Interrupted(BudgetRegistry):
        def _make_ledger(self, host: str) -> Ledger:
            self.interrupt()
            return super()._make_ledger(host)

        def _make_nonces(self, exchange: str, scope: str) -> NonceAllocator:
            self.interrupt()
            return super()._make_nonces(exchange, scope)

        def interrupt(self) -> None:
            made.append(1)
            if not other.ident:
                other.start()
                other.join(0.1)

    registry = Interrupted()
    other = threading.Thread(target=ask, args=(registry,))
    ask(registry)
    other.join()

    assert len(made) == 1


def test_what_a_reply_turned_out_to_cost_is_counted_at_once() -> None:
    budget = Budget("x", [MINUTE])
    take(budget, 10, 0)

    budget.charge([Cost("weight", 95), Cost("unlimited", 3)], S)

    assert budget.used("weight", 60.0, S) == 105  # more than the limit: it has happened
    hold = take(budget, 1, S)
    assert hold is not None


def test_the_exchanges_count_overrides_a_lower_one_of_ours() -> None:
    budget = Budget("x", [MINUTE, ROLLING])
    take(budget, 10, 0)

    budget.observe([Usage("weight", 60.0, 85), Usage("orders", 10.0, 7), Usage("orders", 1.0, 9)], sent_ns=0, now_ns=S)

    assert budget.used("weight", 60.0, S) == 85
    assert budget.used("orders", 10.0, S) == 7
    budget.observe([Usage("weight", 60.0, 20), Usage("orders", 10.0, 2)], sent_ns=S, now_ns=S)
    assert budget.used("weight", 60.0, S) == 85
    assert budget.used("orders", 10.0, S) == 7


def test_a_count_of_the_window_before_is_passed_over() -> None:
    budget = Budget("x", [MINUTE, ROLLING])

    budget.observe([Usage("weight", 60.0, 99), Usage("orders", 10.0, 9)], sent_ns=59 * S, now_ns=70 * S)

    assert budget.used("weight", 60.0, 70 * S) == 0
    assert budget.used("orders", 10.0, 70 * S) == 0


def test_wrong_weights_are_corrected_by_one_reply() -> None:
    budget, server, sent = Budget("x", [MINUTE]), 0, 0
    while take(budget, 5, 0) is None:
        server += 10  # the true weight is twice ours
        sent += 1
        budget.observe([Usage("weight", 60.0, server)], sent_ns=0, now_ns=0)

    assert server <= 100


def test_a_refund_gives_back_what_still_counts() -> None:
    budget = Budget("x", [MINUTE, ROLLING])
    ticket = budget.ticket((Cost("weight", 10), Cost("orders", 5)))
    assert budget.attempt(ticket, 0) is None

    budget.refund(ticket, S, ["orders"])
    assert (budget.used("weight", 60.0, S), budget.used("orders", 10.0, S)) == (10, 0)
    budget.refund(ticket, S)
    assert budget.used("weight", 60.0, S) == 0

    take(budget, 3, 61 * S)
    take(budget, 3, 61 * S, "orders")
    budget.refund(ticket, 61 * S)
    assert budget.used("weight", 60.0, 61 * S) == 3
    assert budget.used("orders", 10.0, 61 * S) == 3


def test_what_is_answered_late_counts_from_its_answer_on_where_windows_look_back() -> None:
    budget = Budget("x", [ROLLING, MINUTE])
    ticket = budget.ticket([Cost("orders", 9), Cost("weight", 9)])
    assert budget.attempt(ticket, 0) is None

    budget.answered(ticket, 4 * S)

    assert budget.used("orders", 10.0, 14 * S - 1) == 9
    assert budget.used("orders", 10.0, 14 * S) == 0
    late = budget.ticket([Cost("orders", 9)])
    assert budget.attempt(late, 20 * S) is None
    budget.answered(late, 35 * S)  # it had ceased to count
    assert budget.used("orders", 10.0, 36 * S) == 9
    assert budget.used("weight", 60.0, 59 * S) == 9
    assert budget.used("weight", 60.0, 61 * S) == 0


def test_a_block_is_never_shortened() -> None:
    budget = Budget("x", [MINUTE])
    budget.block(None, 10 * S, banned=True)
    budget.block(None, 5 * S)

    assert take(budget, 1, 0) == Hold(10 * S, "", banned=True)
    assert take(budget, 1, 10 * S) is None


def test_silence_without_a_time_lasts_until_the_windows_have_passed() -> None:
    budget = Budget("x", [MINUTE, ROLLING, Limit("orders", 99, 86_400.0)])
    budget.align(0, 50 * S)
    costs = (Cost("weight", 1), Cost("orders", 1))

    assert budget.quiet_ns(costs, 50 * S) == 10 * S
    take(budget, 1, 55 * S, "orders")
    assert budget.quiet_ns(costs, 58 * S) == 7 * S
    assert budget.quiet_ns((), 0) == S


def test_a_better_clock_moves_the_end_of_an_unused_window_only_outwards_of_a_used_one() -> None:
    budget = Budget("x", [MINUTE])
    budget.align(0, 0)
    take(budget, 90, 0)

    budget.align(30 * S, 1)  # the exchange's window ends sooner than thought: stay on the safe side
    hold = take(budget, 1, 1)
    assert hold is not None
    assert hold.wait_ns == 60 * S - 1

    fresh = Budget("x", [MINUTE])
    fresh.align(0, 0)
    fresh.align(30 * S, 0)
    take(fresh, 90, 0)
    hold = take(fresh, 1, 0)
    assert hold is not None
    assert hold.wait_ns == 30 * S


def test_connectors_of_one_address_share_its_limits_and_accounts_do_not() -> None:
    registry = BudgetRegistry()
    one = registry.budget("x", "api.test", [MINUTE, ROLLING], account="a")
    two = registry.budget("x", "api.test", [MINUTE, ROLLING], account="b")
    elsewhere = registry.budget("x", "testnet.test", [MINUTE, ROLLING], account="a")

    assert take(one, 90, 0) is None
    assert take(one, 9, 0, "orders") is None
    assert take(two, 1, 0) is not None
    assert take(two, 9, 0, "orders") is None
    assert take(elsewhere, 90, 0) is None
    two.block(None, S, banned=True)
    assert take(one, 1, 0, "orders") == Hold(S, "", banned=True)


def test_exchanges_at_one_host_share_it_and_what_they_name_alike() -> None:
    spot_orders = Limit("orders", 10, 10.0, scope="account spot", aligned=False)
    perp_orders = Limit("orders", 20, 10.0, scope="account perps", aligned=False)
    registry = BudgetRegistry()
    spot = registry.budget("x", "api.x", [MINUTE, spot_orders])
    perps = registry.budget("x-perp", "api.x", [MINUTE, perp_orders])
    assert spot.attempt(spot.ticket([Cost("weight", 50), Cost("orders", 5)]), 0) is None

    assert perps.used("weight", 60.0, 0) == 50
    assert perps.used("orders", 10.0, 0) == 0
    spot.block(None, 5 * S, banned=True)
    assert perps.attempt(perps.ticket([]), 0) == Hold(5 * S, "", True)


@pytest.mark.anyio
async def test_those_who_wait_are_served_in_order() -> None:
    clock, budget, served = VirtualClock(), Budget("x", [MINUTE]), list[tuple[int, int]]()

    async def one(name: int) -> None:
        await budget.acquire(budget.ticket((Cost("weight", 40),)), clock, deadline_ns=FOREVER)
        served.append((name, clock.mono // (60 * S)))

    async with clock.passing(), anyio.create_task_group() as tasks:
        clock.held = True
        for name in range(7):
            tasks.start_soon(one, name)
            await anyio.sleep(0.002)
        clock.held = False

    assert served == [(0, 0), (1, 0), (2, 1), (3, 1), (4, 2), (5, 2), (6, 3)]


@pytest.mark.anyio
async def test_small_requests_do_not_starve_a_large_one_and_the_urgent_pass_all() -> None:
    clock, budget, served = VirtualClock(), Budget("x", [MINUTE]), list[str]()
    take(budget, 80, 0)

    async def one(name: str, amount: int, lane: Lane = Lane.NORMAL) -> None:
        await budget.acquire(budget.ticket((Cost("weight", amount),), lane), clock, deadline_ns=FOREVER)
        served.append(name)

    async with clock.passing(), anyio.create_task_group() as tasks:
        clock.held = True
        for name, amount, lane in [
            ("large", 85, Lane.NORMAL),
            ("small", 2, Lane.NORMAL),  # there is room, but not before its turn
            ("tiny", 1, Lane.NORMAL),
            ("cancel", 20, Lane.URGENT),
            ("cancel again", 25, Lane.URGENT),
        ]:
            tasks.start_soon(one, name, amount, lane)
            await anyio.sleep(0.002)
        assert served == ["cancel"]
        clock.held = False

    assert served[:2] == ["cancel", "cancel again"]
    assert served.index("large") < served.index("tiny")
    assert len(served) == 5


@pytest.mark.anyio
async def test_a_request_held_by_one_pool_does_not_hold_those_who_only_need_another() -> None:
    clock, budget = VirtualClock(), Budget("x", [MINUTE, Limit("orders", 1, 86_400.0)])
    take(budget, 1, 0, "orders")
    both = budget.ticket((Cost("weight", 10), Cost("orders", 1)))
    assert budget.attempt(both, 0) is not None
    budget.enqueue(both)

    await budget.acquire(budget.ticket((Cost("weight", 80),)), clock, deadline_ns=0)

    assert take(budget, 5, 0) is not None  # its room is kept
    budget.leave(both)
    assert take(budget, 5, 0) is None


@pytest.mark.anyio
async def test_a_wait_beyond_the_deadline_is_refused_before_it_begins() -> None:
    clock, budget = VirtualClock(), Budget("x", [MINUTE])
    take(budget, 90, 0)

    with pytest.raises(RateLimited, match=r"weight is used up for 60\.0 s more; nothing was sent") as caught:
        await budget.acquire(budget.ticket((Cost("weight", 1),)), clock, deadline_ns=59 * S)

    assert caught.value.after_s == 60.0
    assert not caught.value.may_have_executed


@pytest.mark.anyio
@pytest.mark.parametrize(("banned", "kind"), [(True, Banned), (False, RateLimited)])
async def test_a_ban_is_told_at_once_unless_it_ends_in_time(banned: bool, kind: type[LotusXError]) -> None:
    clock, budget, holds = VirtualClock(), Budget("x", [MINUTE]), list[Hold]()
    budget.block(None, 120 * S, banned=banned)

    with pytest.raises(kind) as caught:
        await budget.acquire(budget.ticket(()), clock, deadline_ns=60 * S)
    assert caught.value.after_s == 120.0

    async with clock.passing():
        await budget.acquire(budget.ticket(()), clock, deadline_ns=121 * S, on_wait=holds.append)
    assert clock.mono == 120 * S
    assert holds == [Hold(120 * S, "", banned)]


@pytest.mark.anyio
async def test_a_block_that_comes_while_waiting_is_obeyed() -> None:
    clock, budget = VirtualClock(), Budget("x", [MINUTE])
    take(budget, 90, 0)
    async with clock.passing(), anyio.create_task_group() as tasks:
        clock.held = True
        budget.block("weight", 30 * S)
        tasks.start_soon(_acquire, budget, clock, 10**6 * S)
        await anyio.sleep(0.002)
        budget.block("weight", 100 * S)
        clock.held = False

    assert clock.mono == 100 * S


async def _acquire(budget: Budget, clock: VirtualClock, deadline_ns: int) -> None:
    await budget.acquire(budget.ticket((Cost("weight", 1),)), clock, deadline_ns=deadline_ns)


@pytest.mark.anyio
async def test_a_cancelled_waiter_gives_up_its_place() -> None:
    clock, budget = VirtualClock(), Budget("x", [MINUTE])
    take(budget, 50, 0)
    async with anyio.create_task_group() as tasks:
        ticket = budget.ticket((Cost("weight", 60),))

        async def wait() -> None:
            await budget.acquire(ticket, clock, deadline_ns=FOREVER)

        tasks.start_soon(wait)
        await anyio.wait_all_tasks_blocked()
        assert ticket.queued
        assert take(budget, 10, 0) is not None
        tasks.cancel_scope.cancel()

    assert not ticket.queued
    assert take(budget, 10, 0) is None


@pytest.mark.anyio
async def test_the_queue_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget_module, "MAX_WAITING", 1)
    clock, budget = VirtualClock(), Budget("x", [MINUTE])
    take(budget, 90, 0)
    budget.enqueue(budget.ticket((Cost("weight", 1),)))

    with pytest.raises(RateLimited, match="1 requests wait already"):
        await budget.acquire(budget.ticket((Cost("weight", 1),)), clock, deadline_ns=FOREVER)


def test_no_window_is_left_empty_while_somebody_waits() -> None:
    budget = Budget("x", [MINUTE])
    assert take(budget, 50, 0) is None
    first, second = (budget.ticket((Cost("weight", 60),), Lane.NORMAL) for _ in range(2))
    budget.enqueue(first)
    budget.enqueue(second)

    hold = budget.attempt(second, 60 * S)  # asked before the first, which fits into this window

    assert hold is not None
    assert hold.wait_ns == 60 * S


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 90), st.sampled_from(list(Lane))), max_size=25), st.booleans())
@example([(amount, Lane.URGENT) for amount in (89, 87, 89, 88, 87, 89, 90, 89)], True)
def test_everybody_is_served_in_the_end_and_the_order_within_a_lane_holds(
    wants: list[tuple[int, Lane]], aligned: bool
) -> None:
    """The waiters' own algorithm, without an event loop: everyone asks again when told to."""
    budget = Budget("x", [Limit("weight", 100, 60.0, aligned=aligned)])
    waiting = list[tuple[Ticket, int]]()
    for amount, lane in wants:
        ticket = budget.ticket((Cost("weight", amount),), lane)
        if budget.attempt(ticket, 0) is not None:
            budget.enqueue(ticket)
            waiting.append((ticket, 0))
    now, rounds = 0, 0
    while waiting:
        rounds += 1
        assert rounds < 10_000
        waiting.sort(key=lambda item: item[1])
        ticket, due = waiting.pop(0)
        now = max(now, due)
        hold = budget.attempt(ticket, now)
        if hold is None:
            budget.leave(ticket)
        else:
            waiting.append((ticket, now + max(hold.wait_ns, 1_000_000)))
    assert now <= 60 * S * (len(wants) + 2)


def test_limits_that_the_exchange_states_replace_ours_and_keep_the_count() -> None:
    registry = BudgetRegistry()
    budget = registry.budget("x", "host", [MINUTE, ROLLING], account="a")
    other = registry.budget("x", "host", [MINUTE, ROLLING], account="b")
    assert budget.attempt(budget.ticket([Cost("weight", 80), Cost("orders", 9)]), 0) is None

    budget.adopt(
        [
            Limit("weight", 300, 60.0),
            Limit("weight", 1_000, 3_600.0),
            Limit("weight", 0, 60.0),
            Limit("orders", 20, 10.0, scope="account", aligned=False),
        ],
        0,
    )

    assert budget.used("weight", 60.0, 0) == 80
    assert other.attempt(other.ticket([Cost("weight", 150)]), 0) is None  # per address: shared
    assert budget.used("weight", 3_600.0, 0) == 150
    assert budget.attempt(budget.ticket([Cost("orders", 9)]), 0) is None
    with pytest.raises(InvalidArgument, match="whose limit is 10 in 10 s"):
        other.ticket([Cost("orders", 11)])  # per account: not shared


def test_a_stated_limit_may_be_lower_than_what_is_used() -> None:
    budget = Budget("x", [MINUTE])
    budget.align(0, 0)
    assert budget.attempt(budget.ticket([Cost("weight", 80)]), 0) is None

    budget.adopt([Limit("weight", 50, 60.0)], 0)

    assert budget.attempt(budget.ticket([Cost("weight", 1)], Lane.URGENT), S) == Hold(59 * S, "weight")
