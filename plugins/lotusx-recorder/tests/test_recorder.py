"""What is recorded, what never is, and what becomes of what cannot be written."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from recorder_kit import rows, simulated, tables, watch

import lotusx
from lotusx.errors import ConfigurationError
from lotusx.plugin import ChannelKind, Effect, FramesReceived, Request, Verb
from lotusx_recorder import Count, Origin, ParquetSink, Recorder, Recording
from lotusx_recorder.plugin import is_public
from lotusx_recorder.sinks import put_whole
from lotusx_recorder.tables import FRAMES, LOSSES, Row
from lotusx_recorder.writing import Writer
from lotusx_sim.dialects.binance.spot import DEFAULT_KEY

pytestmark = pytest.mark.anyio
KEY = {"api_key": DEFAULT_KEY.key, "api_secret": DEFAULT_KEY.verifier}
ORDER = lotusx.OrderRequest.limit("BTC/USDT", "buy", "0.0100", "60000.10", client_order_id="mine-1")
ORIGIN = Origin("binance", "simulator", "1")
ROW = (0, 5, "market", 1, "in", "k", "trades", "{}")


def until(condition: Callable[[], object]) -> None:
    """Wait for another thread."""
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


async def test_nothing_of_an_account_reaches_the_disk(tmp_path: Path) -> None:
    recorder = Recorder(to=tmp_path)
    async with simulated("binance", recorder, credentials=KEY) as exchange, exchange.stream_account():
        await exchange.place(ORDER)
        await exchange.balances()
        await watch(exchange, "BTC/USDT", 3)
    assert recorder.close(30)

    text = str([rows(tmp_path, table) for table in tables(tmp_path)])
    assert "btcusdt@trade" in text
    for secret in (*KEY.values(), "signature", "mine-1", "listenKey", "userDataStream", "session.logon"):
        assert secret not in text


@pytest.mark.parametrize(
    ("request_", "public"),
    [
        (Request(Verb.GET, "https://a", "/b"), True),
        (Request(Verb.POST, "https://a", "/b", headers=(("Content-Type", "application/json"),)), True),
        (Request(Verb.GET, "https://a", "/b", signed=True), False),
        (Request(Verb.POST, "https://a", "/listenKey", headers=(("X-MBX-APIKEY", "k"),)), False),
        (Request(Verb.POST, "https://a", "/b", effect=Effect.COMMAND), False),
    ],
)
def test_only_what_anybody_could_ask_is_recorded(request_: Request, public: bool) -> None:
    assert is_public(request_) is public


async def test_raw_messages_have_their_arrival_socket_and_direction(tmp_path: Path) -> None:
    recorder = Recorder(to=tmp_path)
    async with simulated("binance", recorder) as exchange:
        seen = await watch(exchange, "BTC/USDT", 3)
    assert recorder.close(30)

    frames = rows(tmp_path, "frames")
    assert [row["seq"] for row in frames] == sorted({row["seq"] for row in frames})
    assert '"SUBSCRIBE"' in next(row["payload"] for row in frames if row["direction"] == "out")
    trades = [row for row in frames if row["key"] == "btcusdt@trade"]
    assert [row["received_ns"] for row in trades[:3]] == [trade.received_ns for trade in seen.trades[:3]]
    assert {(row["ws_group"], row["session"], row["kind"]) for row in trades} == {("market", 1, "trades")}
    states = [(row["what"], row["key"], row["state"]) for row in rows(tmp_path, "states")]
    assert ("stream", "btcusdt@trade", "live") in states


@pytest.mark.parametrize(("option", "absent"), [("raw", {"frames", "answers"}), ("events", {"trades", "book_updates"})])
async def test_either_half_can_be_left_out(tmp_path: Path, option: str, absent: set[str]) -> None:
    recorder = Recorder({"to": str(tmp_path), option: False})
    async with simulated("binance", recorder) as exchange:
        await watch(exchange, "BTC/USDT", 3)
    assert recorder.close(30)

    assert not absent & tables(tmp_path)
    assert {"frames", "answers", "trades", "book_updates"} - absent <= tables(tmp_path)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({}, "to must be the folder"),
        ({"to": "x", "flush_s": 0}, "flush_s must be a number above 0"),
        ({"to": "x", "raw": "yes"}, "raw must be true or false"),
        ({"to": "x", "speed": 1}, "unknown key 'speed'"),
    ],
)
def test_wrong_options_are_named(options: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        Recorder(options)


async def test_a_folder_that_cannot_be_made_is_an_error_before_anything_is_sent(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", "utf-8")
    with pytest.raises(ConfigurationError, match="nothing can be recorded there"):
        async with simulated("binance", Recorder(to=tmp_path / "file" / "below")):
            pass


async def test_a_recorder_serves_one_connection(tmp_path: Path) -> None:
    recorder = Recorder(to=tmp_path)
    async with simulated("binance", recorder):
        pass
    with pytest.raises(ConfigurationError, match="records one connection"):
        async with simulated("binance", recorder):
            pass
    assert recorder.close(30)


async def test_what_was_recorded_beside_orders_on_paper_is_of_the_exchanges_environment(tmp_path: Path) -> None:
    recorder = Recorder(to=tmp_path)
    async with recorder.lotusx_lifespan("binance", "paper:simulator"):
        heard = FramesReceived("binance", "market", 1, "k", ChannelKind.TRADES, 5, (b"{}",))
        recorder.lotusx_observer("binance")(heard)
    assert recorder.close(30)

    assert Recording(tmp_path).environment == "simulator"


class Gate:
    """A disk that can be full."""

    def __init__(self) -> None:
        self.full = True
        self.tried = 0

    def write(self, path: Path, content: memoryview) -> None:
        self.tried += 1
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        put_whole(path, content)


async def test_trading_goes_on_while_the_disk_is_full(tmp_path: Path) -> None:
    gate = Gate()
    recorder = Recorder({"flush_s": 0.01}, sink=ParquetSink(tmp_path, write=gate.write))
    async with simulated("binance", recorder, credentials=KEY) as exchange:
        await watch(exchange, "BTC/USDT", 3)
        until(lambda: recorder.problem)
        order = await exchange.place(ORDER)
        await watch(exchange, "BTC/USDT", 3)

        assert order.state.client_order_id == "mine-1"
        assert recorder.problem == "No space left on device"
    assert recorder.close(30)

    counts = recorder.counts()
    assert counts["trades"].heard >= 6
    assert all(each.lost == each.heard and not each.written for each in counts.values())
    assert not tables(tmp_path)


def test_what_is_held_is_written_when_there_is_room_again_and_what_was_lost_is_noted(tmp_path: Path) -> None:
    gate = Gate()
    writer = Writer(ParquetSink(tmp_path, write=gate.write), max_bytes=1000, flush_s=0.01, now_ns=lambda: 7)
    writer.start(ORIGIN)
    for _ in range(3):
        writer.put(FRAMES, 1, 400, lambda: [ROW])
    until(lambda: writer.problem)
    gate.full = False
    until(lambda: writer.counts()[FRAMES].written)
    assert writer.close(30)

    assert writer.counts() == {FRAMES: Count(heard=3, written=2, lost=1)}
    assert len(rows(tmp_path, FRAMES)) == 2
    ((loss),) = rows(tmp_path, LOSSES)
    assert (loss["at_ns"], loss["table"], loss["rows"], loss["reason"]) == (7, FRAMES, 1, "No space left on device")


class Slow:
    """A sink that hangs until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()

    def open(self, origin: Origin) -> None: ...
    def add(self, table: str, rows: Sequence[Row]) -> None: ...
    def flush(self) -> None:
        assert self.go.wait(30)

    def close(self) -> None: ...


async def test_a_connection_that_closes_before_all_is_written_says_so(caplog: pytest.LogCaptureFixture) -> None:
    sink = Slow()
    recorder = Recorder(sink=sink)
    async with simulated("binance", recorder) as exchange:
        await watch(exchange, "BTC/USDT", 3)
    said = [record.getMessage() for record in caplog.records if record.name == "lotusx.recorder"]
    sink.go.set()
    assert recorder.close(30)

    assert said == ["the recording was not yet written when the connection had closed"]


def test_a_process_that_ends_before_all_is_written_says_how_much(caplog: pytest.LogCaptureFixture) -> None:
    sink = Slow()
    writer = Writer(sink, flush_s=0.01)
    writer.start(ORIGIN)
    writer.put(FRAMES, 2, 1, lambda: [ROW, ROW])
    writer.finish(0.05)
    said = [record.getMessage() for record in caplog.records]
    sink.go.set()
    writer.finish(30)

    assert said == ["the process ends with 2 rows unwritten: the sink is slow"]
    assert writer.counts()[FRAMES] == Count(2, 2, 0)


def test_what_waits_for_a_slow_sink_is_bounded_and_the_connection_never_waits() -> None:
    sink = Slow()
    writer = Writer(sink, max_bytes=10_000, flush_s=0.01)
    writer.start(ORIGIN)
    for _ in range(1000):
        writer.put(FRAMES, 1, 100, lambda: [ROW])
    count = writer.counts()[FRAMES]
    sink.go.set()
    assert writer.close(30)

    assert (count.heard, count.lost) == (1000, 900)
    assert writer.counts()[FRAMES] == Count(1000, 100, 900)


def test_a_full_disk_is_tried_again_no_oftener_however_much_waits(tmp_path: Path) -> None:
    gate = Gate()
    writer = Writer(ParquetSink(tmp_path, write=gate.write), max_bytes=1000, flush_s=3600)
    writer.start(ORIGIN)
    writer.put(FRAMES, 1, 900, lambda: [ROW])
    until(lambda: writer.problem)
    tried = gate.tried
    writer.put(FRAMES, 1, 50, lambda: [ROW])
    until(lambda: not writer._queue)

    assert gate.tried == tried
    assert writer.close(30)


def test_one_row_that_cannot_be_kept_costs_no_other(tmp_path: Path) -> None:
    writer = Writer(ParquetSink(tmp_path), flush_s=60)
    writer.start(ORIGIN)
    for row in (ROW, ("no number", *ROW[1:]), ROW):
        writer.put(FRAMES, 1, 1, lambda row=row: [row])  # type: ignore[misc]  # a lambda's default has no type
    writer.put(FRAMES, 1, 1, lambda: [(*ROW[:-1], b"\xff".decode())])
    assert writer.close(30)

    assert writer.counts()[FRAMES] == Count(4, 2, 2)
    assert len(rows(tmp_path, FRAMES)) == 2
    assert sum(row["rows"] for row in rows(tmp_path, LOSSES)) == 2


def test_what_comes_after_the_end_is_lost_and_counted(tmp_path: Path) -> None:
    writer = Writer(ParquetSink(tmp_path))
    writer.start(ORIGIN)
    writer.put(FRAMES, 1, 1, lambda: [ROW])
    assert writer.close(30)
    writer.put(FRAMES, 1, 1, lambda: [ROW])

    assert writer.counts()[FRAMES] == Count(heard=2, written=1, lost=1)


def test_a_sink_that_does_not_take_losses_is_written_to_all_the_same(tmp_path: Path) -> None:
    class Narrow(ParquetSink):
        def add(self, table: str, rows: Sequence[Row]) -> None:
            if table == LOSSES:
                raise ValueError("no such table")
            super().add(table, rows)

    writer = Writer(Narrow(tmp_path), max_bytes=10, flush_s=0.01)
    writer.start(ORIGIN)
    writer.put(FRAMES, 1, 11, lambda: [ROW])
    writer.put(FRAMES, 1, 10, lambda: [ROW])
    until(lambda: writer.counts()[FRAMES].written)
    writer.put(FRAMES, 1, 10, lambda: [ROW])
    assert writer.close(30)

    assert writer.counts()[FRAMES] == Count(heard=3, written=2, lost=1)
