"""The file of a journal: what it keeps, who takes it over, and what it says when it cannot be used."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from decimal import Decimal as D
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from lotusx.errors import JournalFailed
from lotusx.kernel.orders.outcome import CommandKind
from lotusx.kernel.ports import Amendment, OrderRef
from lotusx.model.enums import PositionSide, QuantityUnit, TimeInForce
from lotusx.model.requests import OrderRequest
from lotusx.orders.journal import Intent
from lotusx.orders.journal_store import KEEP_S, KEEP_UNDECIDED_S, JournalStore
from lotusx.orders.terms import amended_request, asked_for

from .order_kit import BTC, INSTRUMENT, limit

_S = 1_000_000_000
_sessions = count(1)


def opened(path: Path, scope: str = "ex:main", now_s: int = 0, **more: Any) -> JournalStore:
    return JournalStore(path, scope, f"s{next(_sessions)}", now_s * _S, **more)


def intent(name: str = "a-1", at_s: int = 0, **more: Any) -> Intent:
    return Intent(CommandKind.PLACE, name, BTC, at_s * _S, request=limit(name, **more))


def keep(store: JournalStore, *intents: Intent) -> None:
    store.write([store.intend(each) for each in intents])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "orders.db"


REQUESTS = [
    limit("a", quantity="0.10000000000000000001", price="1E-8"),
    OrderRequest.market("BTC/USDT:USDT-261225-90000-C", "sell", 3, client_order_id="b", max_slippage="0.005"),
    OrderRequest(
        symbol="BTC/USD:BTC", side="sell", type="stop_loss_limit", quantity="5", quantity_unit=QuantityUnit.CONTRACTS,
        price="100", trigger_price="99.5", time_in_force=TimeInForce.GTD, expires_ns=7, reduce_only=True,
        position_side=PositionSide.SHORT, client_order_id="c", native={"selfTrade": "none"},
    ),
]  # fmt: skip


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda each: str(each.client_order_id))
def test_an_intent_comes_back_as_it_was(path: Path, request_: OrderRequest) -> None:
    name = str(request_.client_order_id)
    kept = [
        Intent(CommandKind.PLACE, name, request_.symbol, 5, request=request_),
        Intent(CommandKind.CANCEL, "7", request_.symbol, 6, names=OrderRef(None, "7")),
    ]
    store = opened(path)
    keep(store, *kept)
    store.close()
    again = opened(path)
    found = again.adopt()
    again.close()
    assert found == kept
    assert found[0].request is not None
    assert found[0].request.price == request_.price


def test_an_amendment_comes_back_although_it_could_not_be_placed_like_that(path: Path) -> None:
    change = Amendment(price=D("90.5"), new_client_order_id="a-2")
    wanted = amended_request(asked_for(limit()), change, INSTRUMENT)
    kept = Intent(CommandKind.AMEND, "a-1", BTC, 5, wanted, change, OrderRef("a-1", "77"))
    store = opened(path)
    keep(store, kept)
    store.close()
    again = opened(path)
    (found,) = again.adopt()
    again.close()
    assert (found.change, found.names) == (change, OrderRef("a-1", "77"))
    assert found.request is not None
    assert asked_for(found.request) == asked_for(wanted)


def test_only_what_has_no_proof_is_taken_over_and_only_once(path: Path) -> None:
    store = opened(path)
    keep(store, *(intent(name, at) for at, name in enumerate(("done", "refused", "open", "doubtful"))))
    store.write(
        [
            store.conclude(intent("done", 0), "accepted", ["it has it"], 9),
            store.conclude(intent("refused", 1), "rejected", [], 9),
            store.conclude(intent("doubtful", 3), "unknown", ["nothing known"], 9),
        ]
    )
    store.close()
    second = opened(path)
    third = opened(path)
    assert [each.client_order_id for each in second.adopt()] == ["open", "doubtful"]
    assert third.adopt() == []  # the second still runs
    second.write([second.conclude(intent("open", 2), "accepted", [], 9)])
    second.close()
    assert [each.client_order_id for each in third.adopt()] == ["doubtful"]
    third.close()


def test_another_account_is_none_of_our_business(path: Path) -> None:
    store = opened(path)
    keep(store, intent())
    store.close()
    other = opened(path, "ex:hedge")
    assert other.adopt() == []
    other.close()


def test_proved_intents_are_dropped_after_a_day_and_others_after_thirty(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = opened(path)
    keep(store, intent("ended"), intent("doubtful"))
    store.write([store.conclude(intent("ended"), "accepted", [], 0)])

    def left() -> list[str]:
        with sqlite3.connect(path) as db:
            names = [name for (name,) in db.execute("SELECT client_order_id FROM intent ORDER BY id")]
        db.close()
        return names

    store.prune(KEEP_S * _S)
    assert left() == ["ended", "doubtful"]
    store.prune((KEEP_S + 1) * _S)
    assert left() == ["doubtful"]
    assert not caplog.records
    store.prune((KEEP_UNDECIDED_S + 1) * _S)
    assert left() == []
    assert "the place of doubtful (ex:main)" in caplog.text
    store.close()


def test_the_file_stops_growing_when_as_much_is_dropped_as_is_kept(path: Path) -> None:
    store = opened(path)
    sizes = []
    for day in range(6):
        now_ns = day * (KEEP_S + 1) * _S
        day_s = now_ns // _S
        for part in range(4):
            names = [f"{day}-{part}-{number}" for number in range(100)]
            keep(store, *(intent(name, day_s) for name in names))
            store.write([store.conclude(intent(name, day_s), "accepted", [], now_ns) for name in names])
        store.prune(now_ns)
        sizes.append(path.stat().st_size + path.with_name("orders.db-wal").stat().st_size)
    store.close()
    assert sizes[-1] <= sizes[2] * 1.2


def test_a_full_disk_is_said_before_anything_could_be_sent(path: Path) -> None:
    store = opened(path)
    (pages,) = store._db.execute("PRAGMA page_count").fetchone()
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(JournalFailed, match="full"):
        keep(store, *(intent(f"a-{number}") for number in range(1000)))
    store._db.execute("PRAGMA max_page_count = 1000000")
    keep(store, intent("later"))  # there is room again
    store.close()
    again = opened(path)
    assert [each.client_order_id for each in again.adopt()] == ["later"]
    again.close()


def test_a_damaged_file_is_refused_with_what_to_do(path: Path) -> None:
    store = opened(path)
    keep(store, *(intent(f"a-{number}") for number in range(100)))
    store.close()
    whole = bytearray(path.read_bytes())
    for page in range(4096, len(whole), 4096):
        whole[page : page + 200] = b"\xa5" * 200
    path.write_bytes(whole)
    with pytest.raises(JournalFailed, match=r"is damaged.*Move it away"):
        opened(path)
    path.write_bytes(b"not a database, but long enough to look like one" * 100)
    with pytest.raises(JournalFailed, match=r"is damaged"):
        opened(path)


def test_an_intent_that_makes_no_sense_is_damage_too(path: Path) -> None:
    store = opened(path)
    keep(store, intent())
    store._db.execute("UPDATE intent SET symbol = 'nonsense'")
    store.close()
    again = opened(path)
    with pytest.raises(JournalFailed, match="an intent cannot be read"):
        again.adopt()
    again.close()


def test_a_journal_of_another_version_or_purpose_is_left_alone(path: Path, tmp_path: Path) -> None:
    opened(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 2")
    db.close()
    with pytest.raises(JournalFailed, match="has version 2, and this LotusX writes version 1"):
        opened(path)
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE mine (x)")
    db.close()
    with pytest.raises(JournalFailed, match="no order journal"):
        opened(other)
    with pytest.raises(JournalFailed, match="cannot be opened"):
        opened(tmp_path / "nowhere" / "orders.db")


def test_a_writer_that_holds_on_too_long_is_named_as_the_reason(path: Path) -> None:
    store = opened(path, busy_s=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalFailed, match="another process"):
        keep(store, intent())
    other.execute("ROLLBACK")
    keep(store, intent())
    other.close()
    store.close()


def test_nobody_else_may_read_it_and_nothing_but_the_file_stays(path: Path) -> None:
    store = opened(path)
    keep(store, intent())
    assert path.stat().st_mode & 0o077 == 0 or os.name == "nt"
    store.close()
    assert [each.name for each in path.parent.iterdir()] == ["orders.db"]


WRITER = """
import sys
import time
from pathlib import Path
from lotusx.kernel.orders.outcome import CommandKind
from lotusx.model.requests import OrderRequest
from lotusx.model.symbol import Symbol
from lotusx.orders.journal import Intent
from lotusx.orders.journal_store import JournalStore

store = JournalStore(Path(sys.argv[1]), "ex:main", sys.argv[2], 0)
for number in range(1_000_000):
    name = f"{sys.argv[2]}-{number}"
    request = OrderRequest.limit("BTC/USDT", "buy", "1", "100", client_order_id=name)
    store.write([store.intend(Intent(CommandKind.PLACE, name, Symbol("BTC", "USDT"), number, request=request))])
    print(name, flush=True)
    time.sleep(0.002)  # SQLite's queue is not fair: a writer that never pauses may keep another out for long
"""


def test_what_two_processes_had_kept_survives_that_they_are_killed(path: Path) -> None:
    processes = [
        subprocess.Popen([sys.executable, "-c", WRITER, path, name], stdout=subprocess.PIPE, text=True)
        for name in ("one", "two")
    ]
    told: list[str] = []
    for process in processes:
        assert process.stdout is not None
        told += [process.stdout.readline().strip() for _ in range(20)]
    living = opened(path)
    assert living.adopt() == []  # both still run
    for process in processes:
        process.send_signal(signal.SIGKILL)
    for process in processes:
        assert process.stdout is not None
        told += process.stdout.read().split()
        process.stdout.close()
        process.wait()
    found = {each.client_order_id for each in living.adopt()}
    living.close()
    assert {name for name in told if name.split("-")[-1].isdigit()} <= found
    assert len(found) <= len(told) + 2  # each may have kept one more than it had time to tell
