"""Rows in a real NATS JetStream: all of them, in order, also when the server goes away meanwhile."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import nats
import pytest
from recorder_kit import simulated, watch

from lotusx.errors import ConfigurationError
from lotusx_recorder import Count, Recorder
from lotusx_recorder.nats_sink import NatsSink
from lotusx_recorder.sinks import Origin
from lotusx_recorder.tables import FRAMES, LOSSES
from lotusx_recorder.writing import Writer

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(shutil.which("nats-server") is None, reason="nats-server is not installed"),
]
ROW = (0, 5, "market", 1, "in", "k", "trades", "{}")


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Server:
    """A NATS server with JetStream; what it has survives a restart."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.options = options
        self.port = -1
        self.process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        for old in self.folder.glob("*.ports"):
            old.unlink()
        place = ["-a", "127.0.0.1", "-p", str(self.port), "--ports_file_dir", str(self.folder)]
        command = ["nats-server", "-js", "-sd", str(self.folder / "store"), *place, *self.options]
        self.process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        until(lambda: any(each.read_text() for each in self.folder.glob("*.ports")))
        (said,) = (json.loads(each.read_text()) for each in self.folder.glob("*.ports"))
        self.port = int(said["nats"][0].rpartition(":")[2])

    def stop(self) -> None:
        self.process.kill()
        self.process.wait(30)

    def rows(self, table: str) -> list[tuple[str, dict[str, Any]]]:
        """Return the run and the row of each message."""

        async def read() -> list[tuple[str, dict[str, Any]]]:
            client = await nats.connect(self.url)
            stream = client.jetstream()
            reader = await stream.subscribe(f"lotusx.{table}", ordered_consumer=True)
            count = (await stream.stream_info("LOTUSX", subjects_filter=f"lotusx.{table}")).state.subjects or {}
            found = [await reader.next_msg(30) for _ in range(count.get(f"lotusx.{table}", 0))]
            await client.close()
            return [((each.headers or {})["Lotusx-Run"], json.loads(each.data)) for each in found]

        return anyio.run(read)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    made.start()
    try:
        yield made
    finally:
        made.stop()


async def test_a_connection_is_recorded_into_a_stream_exactly(server: Server) -> None:
    recorder = Recorder({"to": server.url})
    async with simulated("binance", recorder) as exchange:
        seen = await watch(exchange, "BTC/USDT", 3)
    assert await anyio.to_thread.run_sync(recorder.close, 30)

    rows = await anyio.to_thread.run_sync(server.rows, "trades")
    assert [(row["price"], row["quantity"], row["trade_id"]) for _, row in rows[:3]] == [
        (trade.price_text, trade.quantity_text, trade.trade_id) for trade in seen.trades[:3]
    ]
    assert len({run for run, _ in rows}) == 1
    written = recorder.counts()["trades"]
    assert (written.written, written.heard, written.lost) == (len(rows), len(rows), 0)


def test_a_server_that_restarts_costs_no_row_and_doubles_none(server: Server) -> None:
    writer = Writer(NatsSink(server.url), flush_s=0.01)
    writer.start(Origin("binance", "simulator", "1"))
    writer.put(FRAMES, 1, 1, lambda: [ROW])
    until(lambda: writer.counts()[FRAMES].written)
    server.stop()
    writer.put(FRAMES, 1, 1, lambda: [(1, *ROW[1:])])
    until(lambda: writer.problem.startswith("NATS: "))
    server.start()
    until(lambda: writer.counts()[FRAMES].written == 2)
    assert writer.close(30)

    assert writer.counts() == {FRAMES: Count(2, 2, 0)}
    assert [(run, row["seq"]) for run, row in server.rows(FRAMES)] == [("1", 0), ("1", 1)]


def test_what_exceeds_the_buffer_while_the_server_is_away_is_counted_and_noted(server: Server) -> None:
    writer = Writer(NatsSink(server.url), flush_s=0.01, max_bytes=100)
    writer.start(Origin("binance", "simulator", "1"))
    server.stop()
    for seq in range(5):
        writer.put(FRAMES, 1, 40, lambda seq=seq: [(seq, *ROW[1:])])  # type: ignore[misc]  # a default is no argument
    until(lambda: writer.problem)
    server.start()
    until(lambda: writer.counts()[FRAMES].written == 2)
    assert writer.close(30)

    assert writer.counts() == {FRAMES: Count(5, 2, 3)}
    assert [(row["table"], row["rows"]) for _, row in server.rows(LOSSES)] == [(FRAMES, 3)]


def test_a_row_that_is_sent_again_is_kept_once(server: Server) -> None:
    sink = NatsSink(server.url)
    sink.open(Origin("binance", "simulator", "1"))
    sink.add(FRAMES, [ROW])
    waiting = list(sink._waiting)
    sink.flush()
    sink._waiting.extend(waiting)  # as if its acknowledgement had been lost
    sink.flush()
    sink.close()
    assert len(server.rows(FRAMES)) == 1


def test_a_row_that_is_too_large_for_the_server_is_lost_and_no_other(server: Server) -> None:
    writer = Writer(NatsSink(server.url), flush_s=0.01)
    writer.start(Origin("binance", "simulator", "1"))
    writer.put(FRAMES, 1, 1, lambda: [ROW])
    writer.put(FRAMES, 1, 1, lambda: [(1, *ROW[1:-1], "x" * 2_000_000)])
    writer.put(FRAMES, 1, 1, lambda: [(2, *ROW[1:])])
    until(lambda: writer.counts()[FRAMES].waiting == 0)
    assert writer.close(30)
    assert writer.counts() == {FRAMES: Count(3, 2, 1)}
    assert [row["seq"] for _, row in server.rows(FRAMES)] == [0, 2]


async def test_a_server_that_is_not_there_is_an_error_before_anything_is_sent(server: Server) -> None:
    server.stop()
    with pytest.raises(ConfigurationError, match="nothing can be recorded there: NATS: "):
        async with simulated("binance", Recorder({"to": server.url})):
            pass


def test_a_server_that_refuses_the_password_is_an_error_that_does_not_tell_it(tmp_path: Path) -> None:
    bare = Server(tmp_path, "--config", str(tmp_path / "conf"))
    (tmp_path / "conf").write_text("authorization { user: me, password: wordpass }")
    bare.start()
    try:
        with pytest.raises(OSError, match=r"NATS: .*Authorization") as caught:
            NatsSink(bare.url.replace("//", "//me:guessed@")).open(Origin("binance", "simulator", "1"))
        assert "guessed" not in str(caught.value)
    finally:
        bare.stop()


def test_an_address_without_a_host_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="no address of a nats:// sink"):
        Recorder({"to": "nats://"})


def test_without_its_client_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "lotusx_recorder.nats_sink")
    monkeypatch.setitem(sys.modules, "nats.aio.client", None)
    with pytest.raises(ConfigurationError, match=r"lotusx-recorder\[nats\]"):
        Recorder({"to": "nats://localhost"})
