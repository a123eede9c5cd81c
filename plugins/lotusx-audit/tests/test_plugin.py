"""Every order command of a connection is written down: what was meant, what came of it, by what evidence."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
import trio.testing

import lotusx
from lotusx.errors import ConfigurationError, ExchangeError, OrderVetoed, RefusedBeforeSending
from lotusx.plugin import hookimpl
from lotusx_audit import Audit, AuditError, AuditLog, verify
from lotusx_audit.__main__ import main
from lotusx_audit.records import TYPES
from lotusx_sim import BinanceSpot, Simulator
from lotusx_sim.dialects.binance.spot import DEFAULT_KEY
from lotusx_sim.shells import memory

BTC = "BTC/USDT"
KEY = {"api_key": DEFAULT_KEY.key, "api_secret": DEFAULT_KEY.verifier}
pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@pytest.fixture
def sim() -> Simulator:
    return Simulator(BinanceSpot(seed=7, actions_per_s=0))


@pytest.fixture
async def server(sim: Simulator) -> AsyncIterator[memory.MemoryServer]:
    async with memory.connect(sim, latency_s=0.005) as running:
        yield running


def connect(server: memory.MemoryServer, *plugins: object, **more: Any) -> lotusx.Exchange:
    return lotusx.connect(
        "binance", environment="simulator", base_url=server.base_url, credentials=KEY,
        http=server.http, ws=server.ws, clock=server.clock, plugins=plugins, **more,
    )  # fmt: skip


def audit(path: Path, **more: Any) -> Audit:
    return Audit({"file": str(path), "fsync": "never", **more})  # no threads: they know nothing of virtual time


def buy(name: str, **more: Any) -> lotusx.OrderRequest:
    return lotusx.OrderRequest.limit(BTC, "buy", "0.0100", "60000.10", client_order_id=name, **more)


def records(path: Path, *types: str) -> list[dict[str, Any]]:
    every = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    return [each for each in every if each["type"] in types]


class Veto:
    @hookimpl
    def lotusx_before_order(self, request: lotusx.OrderRequest) -> None:
        if request.client_order_id == "vetoed":
            raise OrderVetoed("not this one", rule="mine")


async def test_intents_outcomes_and_evidence_are_written_in_order_and_verify(
    server: memory.MemoryServer, path: Path
) -> None:
    async with connect(server, Veto(), audit(path)) as exchange:
        await exchange.place(buy("a"))
        await exchange.amend(BTC, client_order_id="a", price="60000.2")
        with pytest.raises(OrderVetoed):
            await exchange.place(buy("vetoed"))
        with pytest.raises(RefusedBeforeSending):
            await exchange.place(buy("b", time_in_force="gtd", expires_ns=1))
        await exchange.place(lotusx.OrderRequest.market(BTC, "buy", "0.01", client_order_id="m"))
        await exchange.cancel(BTC, client_order_id="a")
        await exchange.cancel_all(BTC)
    assert verify(path).ok
    told = [
        (each["type"], each["kind"], each.get("outcome", "")) for each in records(path, "intent", "outcome", "refused")
    ]
    assert told == [
        ("intent", "place", ""), ("outcome", "place", "accepted"),
        ("intent", "amend", ""), ("outcome", "amend", "accepted"),
        ("refused", "place", ""),
        ("intent", "place", ""), ("outcome", "place", "accepted"),
        ("intent", "cancel", ""), ("outcome", "cancel", "accepted"),
        ("intent", "cancel_all", ""), ("outcome", "cancel_all", "accepted"),
    ]  # fmt: skip
    first = records(path, "intent")[0]
    assert first["request"]["price"] == "60000.10"
    assert first["request"]["quantity"] == "0.0100"
    assert (first["exchange"], first["environment"], first["client_order_id"]) == ("binance", "simulator", "a")
    assert records(path, "refused")[0]["reason"] == "not this one"
    assert records(path, "outcome")[0]["evidence"]
    assert {each["fill"]["client_order_id"] for each in records(path, "fill")} == {"m"}
    assert not any(str(secret) in str(each) for secret in KEY.values() for each in records(path, *TYPES.values()))


async def test_the_intent_is_in_the_file_before_the_order_is_sent(
    server: memory.MemoryServer, sim: Simulator, path: Path
) -> None:
    seen: list[int] = []

    class Watch:
        @hookimpl
        def lotusx_rest_middleware(self, exchange: str) -> Any:
            async def watched(request: Any, following: Any) -> Any:
                if request.path == "/api/v3/order":
                    seen.append(len(records(path, "intent")))
                return await following(request)

            return watched

    async with connect(server, Watch(), audit(path, fsync="always")) as exchange:
        await exchange.place(buy("a"))
    assert seen[0] == 1


async def test_a_doubt_and_how_it_was_resolved_are_written(
    server: memory.MemoryServer, sim: Simulator, path: Path
) -> None:
    async with connect(server, audit(path)) as exchange:
        sim.execute_but_time_out("POST", "/api/v3/order")
        await exchange.place(buy("a"))
    (outcome,) = records(path, "outcome")
    assert outcome["outcome"] == "accepted"
    assert len(outcome["evidence"]) >= 2


async def test_while_the_log_cannot_be_written_orders_are_refused_and_cancels_pass(
    server: memory.MemoryServer, path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    async with connect(server, audit(path)) as exchange:
        await exchange.place(buy("a"))
        with monkeypatch.context() as patched:
            patched.setattr(AuditLog, "_write", full)
            await exchange.cancel(BTC, client_order_id="a")
            with pytest.raises(OrderVetoed, match="No space left"):
                await exchange.place(buy("b"))
        await exchange.place(buy("c"))
    assert [each.message.partition(": ")[2] for each in caplog.records if each.levelno == logging.ERROR] == [
        "No space left on device"
    ]
    (gap,) = records(path, "gap")
    assert gap["lost"] >= 3
    found = verify(path)
    assert found.ok
    assert any(note.endswith("gap") for note in found.notes)


async def test_commands_that_are_no_orders_are_written_down_with_what_was_asked(
    server: memory.MemoryServer, path: Path
) -> None:
    params = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "9"}
    async with connect(server, audit(path)) as exchange:
        await exchange.place(buy("a"))
        await exchange.native.call("GET", "/api/v3/openOrders", {"symbol": "BTCUSDT"}, signed=True)
        await exchange.native.call("POST", "/api/v3/order", {**params, "price": "60000"}, signed=True)
        with pytest.raises(ExchangeError):
            await exchange.native.call("POST", "/api/v3/order", params, signed=True)
    asked, refused = records(path, "command")  # neither the order nor the reads
    assert (asked["origin"], asked["verb"]) == ("native", "POST")
    assert asked["url"].endswith("/api/v3/order")
    assert "price=60000" in asked["query"] + asked.get("body", "")
    assert "signature" not in json.dumps(asked)
    ends = records(path, "command_ended")
    assert [each["number"] for each in ends] == [asked["number"], refused["number"]]
    assert ends[0]["status"] == 200
    assert "-1013" in ends[1]["reason"]
    assert verify(path).ok


async def test_while_the_log_cannot_be_written_native_commands_are_refused(
    server: memory.MemoryServer, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    async with connect(server, audit(path)) as exchange:
        with monkeypatch.context() as patched:
            patched.setattr(AuditLog, "_write", full)
            assert await exchange.native.call("GET", "/api/v3/time")
            with pytest.raises(OrderVetoed, match="No space left") as caught:
                await exchange.native.call("DELETE", "/api/v3/openOrders", {"symbol": "BTCUSDT"}, signed=True)
        assert caught.value.rule == "audit"
        assert await exchange.open_orders() == []


async def test_a_log_that_cannot_be_opened_lets_nothing_connect(server: memory.MemoryServer, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AuditError, match="cannot be opened"):
        async with connect(server, audit(tmp_path / "file" / "audit")):
            raise AssertionError("connected")


async def test_the_table_of_the_configuration_enables_it(
    server: memory.MemoryServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "lotusx.toml").write_text('[audit]\nfile = "here/audit.jsonl"\nfsync = "never"\n')
    monkeypatch.chdir(tmp_path)
    async with connect(server) as exchange:
        await exchange.place(buy("a"))
    assert verify(tmp_path / "here" / "audit.jsonl").records >= 2


@pytest.mark.parametrize(
    "options", [{}, {"file": ""}, {"file": "x", "fsync": "maybe"}, {"file": "x", "max_mb": 0}, {"file": "x", "sync": 1}]
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=r"\[audit\]"):
        Audit(options)


def test_what_was_written_is_on_the_disk_a_second_later(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr("lotusx_audit.plugin._SYNC_S", 0.001)
    monkeypatch.setattr("os.fsync", synced.append)
    plugin = Audit({"file": str(path)})

    async def run() -> None:
        async with plugin.lotusx_lifespan("acme"):
            assert plugin._append([{"type": "note"}])
            with anyio.fail_after(30):
                while len(synced) < 2:  # noqa: ASYNC110 - a disk has no event to wait for
                    await anyio.sleep(0.001)

    anyio.run(run)
    assert verify(path).records == 1


def test_the_verifier_says_so_and_ends_accordingly(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = AuditLog(path)
    newest = log.append([{"type": "note"}])
    log.close()
    assert main(["verify", str(path), "--expect", f"1:{newest.hash}"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "ok": True, "problem": "", "records": 1, "newest": f"1:{newest.hash}", "notes": [],
    }  # fmt: skip
    path.write_bytes(path.read_bytes().replace(b"note", b"nope"))
    assert main(["verify", str(path)]) == 1
    assert main(["verify", str(path / "none")]) == 2
    with pytest.raises(SystemExit):
        main(["verify", str(path), "--expect", "1:2"])
