"""Processes that share a directory share limits, bans and nonces, as the connections of one process do."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from hypothesis import given, settings, strategies as st

from lotusx.errors import Banned, ConfigurationError, ConnectionFailed, RateLimited
from lotusx.kernel.budget import Budget, BudgetRegistry
from lotusx.kernel.counts import BUSY, Ledger, Pool
from lotusx.kernel.dialect import Usage
from lotusx.kernel.facts import Limit
from lotusx.kernel.ledger_document import LedgerDocument
from lotusx.kernel.request import Cost, Lane
from lotusx.shared_budgets import SharedBudgets, SharedFile, SharedNonces
from lotusx.transport.clock import SystemClock

_S = 1_000_000_000
WEIGHT, ORDERS, RAW = Limit("weight", 100, 60), Limit("orders", 10, 10, "account", aligned=False), Limit("raw", 50, 300)
LIMITS = (WEIGHT, ORDERS)


@pytest.fixture
def several(tmp_path: Path) -> Iterator[list[SharedBudgets]]:
    made = [SharedBudgets(tmp_path / "limits") for _ in range(3)]
    yield made
    for each in made:
        each.close()


def budgets(several: list[SharedBudgets], account: str = "a") -> list[Budget]:
    return [each.budget("ex", "host", LIMITS, account=account) for each in several]


def take(budget: Budget, now_ns: int, weight: int = 1, orders: int = 0) -> Any:
    costs = [Cost("weight", weight), *([Cost("orders", orders)] if orders else [])]
    ticket = budget.ticket(costs, Lane.URGENT)
    return budget.attempt(ticket, now_ns)


def test_processes_share_the_connections_that_an_address_may_open(several: list[SharedBudgets]) -> None:
    connects = [each.connects("wss://stream.host/ws", (6, 10.0)) for each in several]

    assert [each.take(0) for each in connects] == [0, 0, 0]
    assert [each.take(1) for each in connects] == [10 * _S - 1] * 3
    assert [each.take(10 * _S) for each in (*connects, connects[0])] == [0, 0, 0, 10 * _S]


STEPS = st.lists(
    st.tuples(
        st.integers(0, 2),
        st.sampled_from(["take", "give back", "answered", "charge", "observe", "block", "ban"]),
        st.integers(1, 40),
        st.integers(0, 20),
    ),
    max_size=40,
)


@given(steps=STEPS)
@settings(max_examples=60)
def test_three_processes_count_like_one(steps: list[tuple[int, str, int, int]], tmp_path_factory: Any) -> None:
    several = [SharedBudgets(path := tmp_path_factory.mktemp("limits")), SharedBudgets(path), SharedBudgets(path)]
    shared, alone = budgets(several), BudgetRegistry().budget("ex", "host", LIMITS, account="a")
    now_ns = 1_000 * _S
    tickets: list[tuple[Budget, Any, Any]] = []
    for who, what, amount, seconds in steps:
        now_ns += seconds * _S // 4
        budget = shared[who]
        if what == "take":
            costs = [Cost("weight", amount), Cost("orders", min(amount, 10))]
            pair = (budget.ticket(costs), alone.ticket(costs))
            hold, expected = budget.attempt(pair[0], now_ns), alone.attempt(pair[1], now_ns)
            assert hold == expected
            if hold is None:
                tickets.append((budget, *pair))
        elif what in ("give back", "answered") and tickets:
            taker, mine, its = tickets.pop()
            if what == "answered":
                taker.answered(mine, now_ns)
                alone.answered(its, now_ns)
            else:
                taker.refund(mine, now_ns)
                alone.refund(its, now_ns)
        elif what == "charge":
            for each in (budget, alone):
                each.charge([Cost("weight", amount)], now_ns)
        elif what == "observe":
            for each in (budget, alone):
                each.observe([Usage("weight", 60, amount)], sent_ns=now_ns, now_ns=now_ns)
        elif what in ("block", "ban"):
            for each in (budget, alone):
                each.block("orders" if what == "block" else None, now_ns + amount * _S // 10, banned=what == "ban")
        for each in shared:
            for pool, window_s in (("weight", 60), ("orders", 10)):
                assert each.used(pool, window_s, now_ns) == alone.used(pool, window_s, now_ns)
    for registry in several:
        registry.close()


def test_a_ban_of_one_silences_all_until_it_ends(several: list[SharedBudgets]) -> None:
    async def run() -> None:
        one, two, _ = budgets(several)
        clock = SystemClock()
        now_ns = clock.monotonic_ns()
        one.block(None, now_ns + 60 * _S, banned=True)
        with pytest.raises(Banned):
            await two.acquire(two.ticket([Cost("weight", 1)]), clock, deadline_ns=now_ns + _S)
        one.block(None, now_ns, banned=True)

    anyio.run(run)


def test_a_limit_that_only_one_of_them_knows_is_kept_by_the_others(several: list[SharedBudgets]) -> None:
    one, two, three = several
    rich = one.budget("ex", "host", (*LIMITS, RAW), account="a")
    rich.charge([Cost("raw", 7), Cost("weight", 3)], 5 * _S)
    poor = two.budget("ex", "host", LIMITS, account="b")
    poor.charge([Cost("weight", 1)], 6 * _S)
    late = three.budget("ex", "host", LIMITS, account="a")
    late.adopt([RAW], 7 * _S)  # told by the exchange
    assert (late.used("raw", 300, 7 * _S), late.used("weight", 60, 7 * _S)) == (7, 4)
    late.charge([Cost("raw", 1)], 7 * _S)
    assert rich.used("raw", 300, 7 * _S) == 8


def test_accounts_share_their_address_and_nothing_else(several: list[SharedBudgets]) -> None:
    one, two = (
        several[0].budget("ex", "host", LIMITS, account="a"),
        several[1].budget("ex", "host", LIMITS, account="b"),
    )
    elsewhere = several[2].budget("ex", "other host", LIMITS, account="a")
    assert take(one, _S, weight=9, orders=4) is None
    assert (two.used("weight", 60, _S), two.used("orders", 10, _S)) == (9, 0)
    assert elsewhere.used("weight", 60, _S) == 0


def test_a_process_that_starts_later_finds_what_was_used(several: list[SharedBudgets], tmp_path: Path) -> None:
    (one, *_) = budgets(several)
    assert take(one, _S, weight=100) is None
    several[0].close()
    late = SharedBudgets(tmp_path / "limits")
    assert take(budgets([late])[0], 2 * _S).wait_ns > 50 * _S
    late.close()


def test_nothing_is_taken_while_another_process_holds_the_lock(several: list[SharedBudgets], tmp_path: Path) -> None:
    one, *_ = budgets(several)
    (path,) = (tmp_path / "limits").iterdir()
    other = SharedFile(path)
    assert other.lock(0)
    hold = take(one, _S)
    assert (hold.pool, hold.wait_ns) == (BUSY, 1_000_000)
    one.charge([Cost("weight", 5)], _S)  # forgotten, but it must not fail
    one.observe([Usage("weight", 60, 9)], sent_ns=_S, now_ns=_S)

    async def run() -> None:
        clock = SystemClock()
        ticket = one.ticket([Cost("weight", 1)])
        with pytest.raises(RateLimited, match="another process holds"):
            await one.acquire(ticket, clock, deadline_ns=clock.monotonic_ns() + _S // 100)

    anyio.run(run)
    other.unlock()
    other.close()
    assert take(one, _S) is None
    assert one.used("weight", 60, _S) == 1


def test_what_cannot_be_read_begins_anew(
    several: list[SharedBudgets], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    one, two, _ = budgets(several)
    assert take(one, _S, weight=100) is None
    (path,) = (tmp_path / "limits").iterdir()
    file = SharedFile(path)
    assert file.lock(1)
    number, _document = file.read()
    file.write(number + 1, b"\xc1 nonsense")
    file.unlock()
    assert take(two, _S, weight=100) is None
    assert "begin anew" in caplog.text
    with pytest.raises(ConfigurationError, match="no room"):
        file.write(number + 2, b"x" * 1_000_000)
    file.close()


def test_accounts_whose_windows_have_passed_make_room_for_others(several: list[SharedBudgets], tmp_path: Path) -> None:
    (one, *_) = budgets(several)
    now_ns = time.monotonic_ns()  # what counts no more is told by the machine's clock
    ledger = Ledger()
    late, *others = [
        Budget("ex", LIMITS, account=account, ledger=ledger) for account in ("late", *map(str, range(220)))
    ]  # fmt: skip
    written = LedgerDocument(ledger)
    written.restore()
    for budget in others:
        for part in range(60):
            budget.charge([Cost("orders", 1)], now_ns - 30 * _S + part * _S // 6)
    late.charge([Cost("orders", 7)], now_ns)
    late.block(None, now_ns + 90 * _S, banned=True)
    document = written.dump()
    (path,) = (tmp_path / "limits").iterdir()
    file = SharedFile(path)
    assert file.lock(1)
    file.write(file.read()[0] + 1, document)
    assert 250 * 1024 < len(document) < 256 * 1024
    file.unlock()
    one.charge([Cost("orders", 2)], now_ns)
    assert file.lock(1)
    assert len(file.read()[1] or b"") < 1024
    file.unlock()
    file.close()
    assert budgets(several, "late")[1].used("orders", 10, now_ns) == 7
    assert budgets(several)[2].used("orders", 10, now_ns) == 2
    assert take(budgets(several)[2], now_ns).banned


def test_costs_without_a_stated_limit_may_be_met_while_another_thread_reads_the_document() -> None:
    ledger = Ledger()
    budget = Budget("ex", LIMITS, ledger=ledger)

    class Key:
        """Is read in the moment in which the event loop meets such a cost: it holds no lock for that."""

        def __iter__(self) -> Iterator[str]:
            budget.ticket([Cost("unlimited", 1)])
            return iter(("weight", "account:b"))

    key: Any = Key()
    ledger.pools[key] = Pool("weight")
    ledger.pools["weight", "account:c"] = Pool("weight")
    LedgerDocument(ledger).restore()


def test_a_directory_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigurationError, match="cannot be made"):
        SharedBudgets(tmp_path / "file" / "limits")
    (tmp_path / "limits").mkdir()
    registry = SharedBudgets(tmp_path / "limits")
    (tmp_path / "limits").rmdir()
    with pytest.raises(ConfigurationError, match="cannot be opened"):
        registry.budget("ex", "host", LIMITS)


def test_nonces_increase_over_all_who_share_a_key(several: list[SharedBudgets]) -> None:
    one, two, three = (each.nonces("ex", "key") for each in several)
    assert [one.next(5), two.next(5), three.next(4), one.next(100), two.next(50)] == [5, 6, 7, 100, 101]
    assert several[0].nonces("ex", "another key").next(5) == 5
    assert several[0].nonces("ex", "key") is one


def test_a_nonce_that_cannot_be_had_is_an_error_that_nothing_was_sent(tmp_path: Path) -> None:
    nonces, other = SharedNonces(SharedFile(tmp_path / "n"), lock_s=0.01), SharedFile(tmp_path / "n")
    assert other.lock(0)
    with pytest.raises(ConnectionFailed, match="another process") as caught:
        nonces.next(5)
    assert not caught.value.may_have_executed
    other.close()
    assert nonces.next(5) == 5
    nonces.close()


HAMMER = """
import json, sys, time
from lotusx.kernel.facts import Limit
from lotusx.kernel.request import Cost
from lotusx.shared_budgets import SharedBudgets

path, seconds = sys.argv[1], float(sys.argv[2])
registry = SharedBudgets(path)
budget = registry.budget("ex", "host", [Limit("weight", 200, 0.5), Limit("orders", 100, 0.5, aligned=False)])
budget.align(0, time.monotonic_ns())
nonces = registry.nonces("ex", "key")
print("ready", flush=True)
sys.stdin.readline()
taken, used = [], []
ends = time.monotonic() + seconds
while time.monotonic() < ends:
    now_ns = time.monotonic_ns()
    ticket = budget.ticket([Cost("weight", 2), Cost("orders", 1)])
    if budget.attempt(ticket, now_ns) is None:
        taken.append(now_ns)
        used.append(nonces.next(7))
    time.sleep(0.0005)  # for a request to be sent, or for room
print(json.dumps([taken, used]), flush=True)
"""


def hammers(path: Path, count: int, seconds: float) -> list[subprocess.Popen[str]]:
    command = [sys.executable, "-c", HAMMER, str(path), str(seconds)]
    made = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(count)]
    for each in made:
        assert each.stdout is not None
        assert each.stdout.readline() == "ready\n"
    return made


def release(processes: list[subprocess.Popen[str]]) -> None:
    for each in processes:
        assert each.stdin is not None
        each.stdin.write("\n")
        each.stdin.flush()


def ended(processes: list[subprocess.Popen[str]]) -> list[str]:
    said = []
    for each in processes:
        out, _ = each.communicate(timeout=100)
        said.append(out)
    return said


@pytest.mark.slow
def test_eight_processes_stay_within_one_limit_and_none_starves(tmp_path: Path) -> None:
    processes = hammers(tmp_path, 8, 6.0)
    release(processes)
    results = [json.loads(said) for said in ended(processes)]
    moments = sorted(moment for taken, _ in results for moment in taken)
    aligned = Counter(moment // (_S // 2) for moment in moments)
    assert max(aligned.values()) <= 100  # of weight 2
    widest = max(
        sum(1 for other in moments[index : index + 200] if other < moment + _S // 2)
        for index, moment in enumerate(moments)
    )
    assert widest <= 100
    assert len(moments) >= 8 * 70  # and it is made use of
    shares = [len(taken) for taken, _ in results]
    assert sum(shares) ** 2 / (8 * sum(share**2 for share in shares)) >= 0.9  # Jain's index
    nonces = [nonce for _, used in results for nonce in used]
    assert len(nonces) == len(set(nonces))


def test_a_process_that_is_killed_takes_nothing_along(tmp_path: Path) -> None:
    processes = hammers(tmp_path, 3, 60.0)
    release(processes)
    registry = SharedBudgets(tmp_path)
    limits = [Limit("weight", 200, 0.5), Limit("orders", 100, 0.5, aligned=False)]
    budget = registry.budget("ex", "host", limits)
    time.sleep(0.05)
    for each in processes:  # wherever it is: taking, waiting, or writing what it took
        each.send_signal(signal.SIGKILL)
        each.communicate()
    late = time.monotonic() + 30
    while True:  # all that was taken counts for half a second, no longer
        now_ns = time.monotonic_ns()
        ticket = budget.ticket([Cost("weight", 180), Cost("orders", 90)])
        if budget.attempt(ticket, now_ns) is None:
            break
        assert time.monotonic() < late
        time.sleep(0.005)
    assert registry.nonces("ex", "key").next(7) >= 7
    registry.close()
