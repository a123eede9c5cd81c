"""Machines that name the same Redis share limits, bans and nonces, whatever their clocks show and whoever dies."""

from __future__ import annotations

import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import anyio
import pytest
import redis
from redis_kit import LIMITS, NS, Machine, MachineClock, Server

import lotusx
from lotusx.config import Sources, resolve
from lotusx.config_explain import explain
from lotusx.errors import Banned, BudgetsUnreachable, ConfigurationError, RateLimited
from lotusx.kernel.facts import Limit
from lotusx.kernel.request import Cost
from lotusx.plugin.manager import PluginManager
from lotusx_redis import RedisBudgets

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed"),
]
Make = Callable[..., Machine]


@pytest.fixture
def machine(server: Server) -> Iterator[Make]:
    made: list[Machine] = []

    def make(clock: MachineClock | None = None, *, account: str = "a", options: str = "") -> Machine:
        made.append(Machine(server.url + options, clock, account))
        return made[-1]

    yield make
    for each in made:
        each.registry.close()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_machines_use_one_limit_up_together_and_no_more(machine: Make) -> None:
    several = [machine() for _ in range(3)]
    taken: list[int] = []
    refused: list[str] = []

    async def use_up(each: Machine) -> None:
        try:
            while True:
                await each.take()
                taken.append(1)
        except RateLimited as error:
            refused.append(str(error))

    async with anyio.create_task_group() as tasks:
        for each in several:
            tasks.start_soon(use_up, each)
    assert (len(taken), len(refused)) == (100, 3)
    assert all("weight is used up" in text for text in refused)
    assert [await each.used() for each in several] == [100] * 3


async def test_what_was_given_back_charged_or_told_by_the_exchange_counts_for_all(machine: Make) -> None:
    one, two = machine(), machine()
    ticket = one.budget.ticket([Cost("weight", 40)])
    await one.budget.acquire(ticket, one.clock, deadline_ns=0)
    one.budget.answered(ticket, one.clock.monotonic_ns())
    one.budget.charge([Cost("weight", 5)], one.clock.monotonic_ns())
    await one.used()
    assert await two.used() == 45
    one.budget.refund(ticket, one.clock.monotonic_ns())
    await one.used()
    assert await two.used() == 5


async def test_a_ban_of_one_silences_all(machine: Make) -> None:
    one, two = machine(), machine(MachineClock(started_s=5_000))
    one.budget.block(None, one.clock.monotonic_ns() + 600 * NS, banned=True)
    await one.asked()
    with pytest.raises(Banned) as caught:
        await two.take()
    assert caught.value.after_s == pytest.approx(600, abs=60)


async def test_accounts_share_their_address_and_nothing_else(machine: Make) -> None:
    one, other = machine(account="a"), machine(account="b")
    await one.take(9, 4)
    assert (await other.used("weight"), await other.used("orders")) == (9, 0)
    await other.take(1, 2)
    assert (await one.used("weight"), await one.used("orders")) == (10, 4)  # what it does not have is kept


async def test_machines_whose_clocks_are_wrong_agree_by_the_clock_of_the_server(machine: Make) -> None:
    early, late = machine(MachineClock(50_000, wrong_s=-250)), machine(MachineClock(900_000, wrong_s=290))
    for each in (early, late):
        await each.registry.ready()
    await early.take(60, 5)
    with pytest.raises(RateLimited) as caught:
        await late.take(60)
    mine, its = caught.value.after_s, (await early.asked(60))
    assert its is not None
    assert mine == pytest.approx(its.wait_ns / NS, abs=60)  # the same window, though wall clocks are 540 s apart
    with pytest.raises(RateLimited):
        await late.take(1, 6)
    await late.take(1, 5)


async def test_a_server_whose_clock_is_set_back_or_forth_changes_no_count(
    machine: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = machine()
    await one.take(60, 5)
    place = one.registry._place
    hear = place.time.hear
    for set_by_s in (-3_000, 4_000):
        monkeypatch.setattr(
            place.time, "hear", lambda before, after, us, by=set_by_s: hear(before, after, us + by * 1_000_000)
        )
        assert (await one.used("weight"), await one.used("orders")) == (60, 5)
        assert (await one.used("weight"), await one.used("orders")) == (60, 5)


async def test_without_the_server_nothing_is_sent_and_the_error_says_why(machine: Make, server: Server) -> None:
    one = machine()
    await one.take()
    server.kill()
    with pytest.raises(
        BudgetsUnreachable, match=r"ex: the limits that are shared over unix://.* cannot be reached"
    ) as it:
        await one.take(wait_s=0.3)
    assert (it.value.sent, it.value.may_have_executed, it.value.retryable) == (False, False, True)
    assert "nothing was sent" in str(it.value)
    with pytest.raises(BudgetsUnreachable, match="no nonce"):
        one.registry.nonces("ex", "key").next(5)


async def test_a_server_that_comes_back_empty_is_told_what_was_used(machine: Make, server: Server) -> None:
    one, two = machine(), machine(MachineClock(started_s=700))
    await one.take(30, 3)
    await two.take(50, 1)
    nonce = one.registry.nonces("ex", "key").next(10**12)
    server.kill()
    with pytest.raises(BudgetsUnreachable):
        await one.take()
    server.start()
    await one.take(0, wait_s=30)  # it has only heard of 30
    await two.take(1, wait_s=30)
    assert await one.used() == 81
    with pytest.raises(RateLimited):
        await one.take(20)
    assert one.registry.nonces("ex", "key").next(10**12) > nonce


async def test_a_chosen_part_of_the_limits_may_be_used_without_the_server(machine: Make, server: Server) -> None:
    one, two = (machine(options="?alone=0.25") for _ in range(2))
    await one.take(10)
    await two.used()
    server.kill()
    await one.take(15)
    with pytest.raises(RateLimited):  # 10 + 15 are a quarter
        await one.take(1)
    await two.take(15)
    server.start()
    with anyio.fail_after(30):
        while await one.used() + await two.used() < 80:  # noqa: ASYNC110 - 10 + 15 + 15 each
            await anyio.sleep(0.01)
    with pytest.raises(RateLimited):
        await two.take(61)
    await two.take(60)


async def test_what_the_exchange_charged_while_the_server_was_away_is_added_when_it_is_back(
    machine: Make, server: Server
) -> None:
    one, two = (machine(options="?alone=0.25") for _ in range(2))
    await one.take(10)
    await two.used()
    server.process.send_signal(signal.SIGSTOP)  # it keeps what it has
    try:
        await one.take(5, wait_s=30)
        one.budget.charge([Cost("weight", 20)], one.clock.monotonic_ns())
        with anyio.fail_after(30):
            while one.budget.used("weight", 600, one.clock.monotonic_ns()) < 35:  # noqa: ASYNC110 - another thread's
                await anyio.sleep(0.01)
    finally:
        server.process.send_signal(signal.SIGCONT)
    await two.take(3, wait_s=30)
    with anyio.fail_after(30):
        while await two.used() < 38:
            await one.used()
    # What was asked for as it stopped may be carried out as it goes on, and is counted twice then.
    assert await one.used() == await two.used() in (38, 43)


async def test_machines_share_the_connections_that_an_address_may_open(machine: Make) -> None:
    connects = [machine().registry.connects("wss://stream.host/ws", (6, 600.0)) for _ in range(3)]

    async def take() -> list[int]:
        waits = []
        for each in connects:
            while (wait_ns := each.take(time.monotonic_ns())) and wait_ns < NS:  # noqa: ASYNC110 - it hears later
                await anyio.sleep(wait_ns / NS)
            waits.append(wait_ns // NS)
        return waits

    assert await take() == [0, 0, 0]
    assert all(599 >= wait_s > 500 for wait_s in await take())


async def test_nonces_increase_over_all_who_share_a_key(machine: Make) -> None:
    one, two, three = (machine().registry.nonces("ex", "key") for _ in range(3))
    assert [one.next(5), two.next(5), three.next(4), one.next(100), two.next(50)] == [5, 6, 7, 100, 101]
    assert machine().registry.nonces("ex", "another key").next(5) == 5


async def test_who_is_cancelled_while_he_asks_leaves_the_others_alone(machine: Make) -> None:
    one = machine()
    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(one.take, 1)
        tasks.cancel_scope.cancel()
    await one.take(80)
    assert await one.used() <= 100


async def test_a_count_that_nobody_can_read_is_an_error_and_not_a_limit_of_nothing(
    machine: Make, server: Server
) -> None:
    with redis.Redis.from_url(server.url) as client:
        client.set("lotusx:limits:host", "of somebody else")
    with pytest.raises(BudgetsUnreachable, match="WRONGTYPE"):
        await machine().take()


async def test_a_connection_does_not_begin_without_the_server(tmp_path: Path) -> None:
    with pytest.raises(BudgetsUnreachable, match="cannot be reached") as caught:
        async with lotusx.connect("binance", budgets=f"unix://:wordpass@{tmp_path}/none?alone=0.5"):
            pass
    assert "wordpass" not in str(caught.value)


async def test_a_server_whose_name_cannot_exist_cannot_be_reached() -> None:
    with pytest.raises(BudgetsUnreachable, match=r"redis://a\.\.b cannot be reached"):
        await RedisBudgets("redis://a..b").ready()


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("redis://host?alone=2", "alone must be a part of the limits"),
        ("redis://host?alone=x", "alone must be a part of the limits"),
        ("redis://host?timeout_s=0", "timeout_s must be seconds"),
        ("redis://user:wordpass@host:port/0", "redis://host:port/0 cannot be read"),
        ("redis://user:wordpass/2@host/0", "are written %2F"),
        ("redis://user:wordpass#2@host/0", "are written %2F"),
        ("redis://user:wordpass?2@host/0", "are written %2F"),
        ("redis://user:wordpass@host/0?timeout=1", "redis://host/0 cannot be read"),
        ("redis://user:wordpass@[::1/0", "cannot be read"),
        ("rediss://user:wordpass@host/0?ssl_cert_reqs=some", "rediss://host/0 cannot be read"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_its_password(address: str, why: str) -> None:
    with pytest.raises(ConfigurationError, match=why) as caught:
        RedisBudgets(address)
    assert "wordpass" not in str(caught.value)


def test_an_address_that_nothing_installed_serves_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"over nats:// \(installed: redis, rediss, unix\)"):
        lotusx.connect("binance", budgets="nats://host")


def test_limits_that_are_not_shared_are_counted_as_ever() -> None:
    budget = lotusx.BudgetRegistry().budget("ex", "host", [*LIMITS, Limit("raw", 5, 60)])
    budget.charge([Cost("raw", 2)], 1)
    assert budget.used("raw", 60, 1) == 2


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("redis://user:wordpass@host/0?alone=0.5", "redis://***@host/0?alone=0.5"),
        ("redis://user:wordpass/2@host/0", "redis://***@host/0"),
        ("redis://host/0?password=wordpass&alone=0.5", "redis://host/0?password=***&alone=0.5"),
    ],
)
def test_a_password_in_an_address_is_not_shown_where_the_configuration_is_explained(address: str, shown: str) -> None:
    sources = Sources({"LOTUSX_BINANCE_BUDGETS": address}, {}, {})
    (row,) = explain(PluginManager("binance").facts, None, sources)
    assert (row.setting, row.value) == ("budgets", shown)
    assert "wordpass" not in repr(resolve("binance", sources=sources))
