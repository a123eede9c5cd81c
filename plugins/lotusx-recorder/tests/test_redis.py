"""Rows in a real Redis: all of them, in order, also when the server goes away meanwhile."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from traceback import format_exception
from typing import Any

import pytest
import redis
from recorder_kit import simulated, watch

from lotusx.errors import ConfigurationError
from lotusx_recorder import Count, Recorder
from lotusx_recorder.redis_sink import RedisSink
from lotusx_recorder.sinks import Origin
from lotusx_recorder.tables import FRAMES
from lotusx_recorder.writing import Writer

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed"),
]
ROW = (0, 5, "market", 1, "in", "k", "trades", "{}")


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


class Server:
    """A Redis on a Unix socket; what it has survives a restart."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"unix://{folder}/socket"
        self.process: subprocess.Popen[bytes]

    def start(self) -> None:
        command = ["redis-server", "--port", "0", "--unixsocket", f"{self.folder}/socket", "--dir", str(self.folder)]
        self.process = subprocess.Popen([*command, "--appendonly", "yes"], stdout=subprocess.DEVNULL)
        until(self._answers)

    def _answers(self) -> bool:
        with suppress(redis.RedisError), redis.Redis.from_url(self.url) as client:
            return bool(client.ping())
        return False

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)

    def rows(self, table: str) -> list[dict[str, Any]]:
        with redis.Redis.from_url(self.url) as client:
            found: Any = client.xrange(f"lotusx:{table}")
            return [json.loads(fields[b"row"]) for _, fields in found]


@pytest.fixture
def server() -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder:  # a socket's path must be short
        made = Server(Path(folder))
        made.start()
        try:
            yield made
        finally:
            made.stop()


async def test_a_connection_is_recorded_into_streams_exactly(server: Server) -> None:
    recorder = Recorder({"to": server.url})
    async with simulated("binance", recorder) as exchange:
        seen = await watch(exchange, "BTC/USDT", 3)
    assert recorder.close(30)

    found = server.rows("trades")[:3]
    assert [(row["price"], row["quantity"], row["trade_id"]) for row in found] == [
        (trade.price_text, trade.quantity_text, trade.trade_id) for trade in seen.trades[:3]
    ]
    assert all(each.written == each.heard == len(server.rows(table)) for table, each in recorder.counts().items())


def test_a_server_that_restarts_costs_no_row(server: Server) -> None:
    writer = Writer(RedisSink(server.url), flush_s=0.01)
    writer.start(Origin("binance", "simulator", "1"))
    writer.put(FRAMES, 1, 1, lambda: [ROW])
    until(lambda: writer.counts()[FRAMES].written)
    server.stop()
    writer.put(FRAMES, 1, 1, lambda: [(1, *ROW[1:])])
    until(lambda: writer.problem.startswith("Redis: "))
    server.start()
    until(lambda: writer.counts()[FRAMES].written == 2)
    assert writer.close(30)

    assert writer.counts() == {FRAMES: Count(2, 2, 0)}
    assert [row["seq"] for row in server.rows(FRAMES)] == [0, 1]


async def test_a_server_that_is_not_there_is_an_error_before_anything_is_sent(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nothing can be recorded there: Redis: "):
        async with simulated("binance", Recorder({"to": f"unix://{tmp_path}/none"})):
            pass


@pytest.mark.parametrize("scheme", ["kafka", "kafkas", "nats", "redis", "rediss"])
@pytest.mark.parametrize("mark", "/?#")
def test_a_password_that_would_be_read_as_a_host_is_refused_unseen(scheme: str, mark: str) -> None:
    address = f"{scheme}://user:c4n{mark}ary@host:1"
    with pytest.raises(ConfigurationError, match="%2F") as caught:
        Recorder({"to": address})
    assert "c4n" not in "".join(format_exception(caught.value))


def test_an_address_that_no_sink_serves_is_refused() -> None:
    with pytest.raises(
        ConfigurationError, match=r"no installed sink serves file:// \(installed: .*redis, rediss, unix\)"
    ):
        Recorder({"to": "file://localhost"})


def test_without_its_client_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "lotusx_recorder.redis_sink")
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(ConfigurationError, match=r"lotusx-recorder\[redis\]"):
        Recorder({"to": "redis://localhost"})
