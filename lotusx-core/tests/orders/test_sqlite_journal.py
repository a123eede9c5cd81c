"""The journal beside the event loop: written together, waited for by those who must, closed whole."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

import anyio
import pytest

from lotusx.errors import JournalFailed
from lotusx.kernel.orders.outcome import CommandKind
from lotusx.model.orders import Accepted, Rejected
from lotusx.orders.journal import Intent
from lotusx.orders.sqlite_journal import MAX_WAITING, PRUNE_EVERY_NS, SqliteJournal
from lotusx.transport.clock import SystemClock

from .order_kit import BTC, INSTRUMENT, World, limit

pytestmark = pytest.mark.anyio
_sessions = count(1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "orders.db"


@asynccontextmanager
async def running(path: Path, **more: Any) -> AsyncIterator[SqliteJournal]:
    made = SqliteJournal(path, "ex:main", more.pop("clock", SystemClock()), session=f"j{next(_sessions)}", **more)
    async with anyio.create_task_group() as group:
        await group.start(made.run)
        yield made
        group.cancel_scope.cancel()


def intent(name: str, asked_ns: int = time.time_ns()) -> Intent:  # one moment for all
    return Intent(CommandKind.PLACE, name, BTC, asked_ns, request=limit(name))


def rows(path: Path) -> list[tuple[str, str | None]]:
    db = sqlite3.connect(path)
    found = db.execute("SELECT client_order_id, outcome FROM intent ORDER BY id").fetchall()
    db.close()
    return found


async def test_an_intent_is_in_the_file_when_intend_returns(path: Path) -> None:
    async with running(path) as journal:
        await journal.intend(intent("a-1"))
        assert rows(path) == [("a-1", None)]


async def test_a_batch_is_written_at_once_before_it_is_sent(path: Path) -> None:
    async with running(path) as journal:
        commits: list[str] = []
        journal._opened()._db.set_trace_callback(lambda text: commits.append(text) if text == "COMMIT" else None)
        world = World(journal=journal)
        seen: list[list[str]] = []
        world.exchange.on["place_batch"] = [lambda _: seen.append([name for name, _ in rows(path)])]
        names = [f"a-{number}" for number in range(40)]
        outcomes = await world.desk.place_batch([limit(name) for name in names], [INSTRUMENT] * 40)
        assert all(isinstance(outcome, Accepted) for outcome in outcomes)
        assert [sorted(each) for each in seen] == [sorted(names)]
        assert len(commits) <= 4  # those that came first, those that came meanwhile, and outcomes
    assert rows(path) == [(name, "accepted") for name, _ in rows(path)]


async def test_the_loop_goes_on_while_the_disk_is_busy(path: Path) -> None:
    async with running(path) as journal:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        kept = anyio.Event()

        async def intend() -> None:
            await journal.intend(intent("a-1"))
            kept.set()

        async with anyio.create_task_group() as group:
            group.start_soon(intend)
            for _ in range(20):
                await anyio.sleep(0.001)
            assert not kept.is_set()
            other.execute("ROLLBACK")
            with anyio.fail_after(30):
                await kept.wait()
        other.close()


async def test_what_cannot_be_kept_is_not_sent_and_the_next_is(path: Path) -> None:
    async with running(path) as journal:
        db = journal._opened()._db
        (pages,) = db.execute("PRAGMA page_count").fetchone()
        db.execute(f"PRAGMA max_page_count = {pages}")
        world = World(journal=journal)
        names = [f"a-{number}" for number in range(300)]
        outcomes = await world.desk.place_batch([limit(name) for name in names], [INSTRUMENT] * 300)
        refused = [outcome for outcome in outcomes if isinstance(outcome, Rejected)]
        assert refused
        assert all(isinstance(outcome.error, JournalFailed) for outcome in refused)
        assert {outcome.client_order_id for outcome in refused}.isdisjoint(world.exchange.sent)
        db.execute("PRAGMA max_page_count = 1000000")
        await world.desk.place(limit("later"), INSTRUMENT)
        assert "later" in world.exchange.sent


@pytest.mark.parametrize("name", ["caf\udce9", b"a-2"])
async def test_an_id_that_the_file_cannot_hold_fails_its_own_command_and_no_other(path: Path, name: Any) -> None:
    async with running(path) as journal:
        ended: dict[Any, Exception | None] = {}

        async def keep(one: Any) -> None:
            try:
                await journal.intend(replace(intent("a-0"), client_order_id=one))
                ended[one] = None
            except JournalFailed as error:
                ended[one] = error

        async with anyio.create_task_group() as group:
            for one in ("a-1", name, "a-3"):
                group.start_soon(keep, one)
        await journal.conclude(replace(intent("a-0"), client_order_id=name), "unknown", ())
        await journal.intend(intent("a-4"))
        assert isinstance(ended.pop(name), JournalFailed)
        assert ended == {"a-1": None, "a-3": None}
    assert sorted(rows(path)) == [("a-1", None), ("a-3", None), ("a-4", None)]


async def test_an_outcome_that_cannot_be_kept_is_said_and_harms_nobody(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(path) as journal:
        await journal.intend(intent("a-1"))
        journal._opened()._db.execute("DROP TABLE intent")
        await journal.conclude(intent("a-1"), "accepted", ())
        with pytest.raises(JournalFailed):
            await journal.intend(intent("a-2"))
    assert "how a-1 ended is not in the journal" in caplog.text


async def test_outcomes_that_wait_are_still_written_at_the_end(path: Path) -> None:
    async with running(path) as journal:
        await journal.intend(intent("a-1"))
        await journal.conclude(intent("a-1"), "accepted", ("seen",))
    assert rows(path) == [("a-1", "accepted")]


async def test_a_closed_journal_and_one_with_too_much_waiting_refuse(path: Path) -> None:
    async with running(path) as journal:
        for number in range(MAX_WAITING):
            await journal.conclude(intent(f"a-{number}"), "accepted", ())
        with pytest.raises(JournalFailed, match="wait for the order journal"):
            await journal.intend(intent("one too many"))
    with pytest.raises(JournalFailed, match="is not open"):
        await journal.intend(intent("late"))


async def test_a_file_that_cannot_be_opened_fails_the_start(tmp_path: Path) -> None:
    journal = SqliteJournal(tmp_path / "no" / "orders.db", "ex:main", SystemClock(), session="x")
    async with anyio.create_task_group() as group:
        with pytest.raises(JournalFailed, match="cannot be opened"):
            await group.start(journal.run)


async def test_it_prunes_once_an_hour(path: Path) -> None:
    class Clock(SystemClock):
        ahead_ns = 0

        def now_ns(self) -> int:
            return super().now_ns() + self.ahead_ns

    clock = Clock()
    async with running(path, clock=clock, survives_power_loss=False) as journal:
        await journal.intend(intent("a-1"))
        await journal.conclude(intent("a-1"), "accepted", ())
        await journal.intend(intent("a-2"))
        clock.ahead_ns = 25 * PRUNE_EVERY_NS
        await journal.intend(intent("a-3"))
        with anyio.fail_after(30):
            while len(rows(path)) > 2:  # noqa: ASYNC110 - the file has no event to wait for
                await anyio.sleep(0.002)
    assert [name for name, _ in rows(path)] == ["a-2", "a-3"]
