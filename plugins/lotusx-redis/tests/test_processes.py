"""Two processes, one simulated exchange that counts for itself, and one Redis between them."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import anyio.to_thread
import pytest
from redis_kit import Server

from lotusx_sim import BinanceSpot, Simulator, serve
from lotusx_sim.dialects.binance.limits import LimitRules

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(shutil.which("redis-server") is None, reason="redis-server is not installed"),
]
LIMIT = 250
PROGRAM = """
import json, sys
import anyio, lotusx

async def main():
    address, budgets, most = sys.argv[1:]
    async with lotusx.connect("binance", environment="simulator", base_url=address, budgets=budgets) as exchange:
        await exchange.market.instruments()  # the limits that this exchange states are among them
        print(json.dumps({"calls": 0}), flush=True)
        sys.stdin.readline()
        for number in range(int(most)):
            with anyio.move_on_after(2):
                await exchange.market.server_time()
                print(json.dumps({"calls": number + 1}), flush=True)
                continue
            return  # it would have waited for the next minute

anyio.run(main)
"""


@contextmanager
def program(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-c", PROGRAM, *arguments]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def said(process: subprocess.Popen[str], calls: int | None) -> dict[str, Any]:
    """Return what it says of that many calls, or of all if ``None``."""
    assert process.stdout is not None
    last: dict[str, Any] = {}
    for line in process.stdout:
        last |= json.loads(line)
        if last["calls"] == calls:
            break
    return last


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def test_two_processes_stay_within_one_limit_though_one_is_killed(server: Server) -> None:
    venue = BinanceSpot(seed=7, rules=LimitRules(weight_per_minute=LIMIT))
    sim = Simulator(venue)
    async with serve(sim) as served:
        began = sim.now_ns() // 60_000_000_000
        with program(served.base_url, server.url, "100000") as one, program(served.base_url, server.url, "400") as two:
            for each in (one, two):
                await anyio.to_thread.run_sync(said, each, 0)
            for each in (one, two):
                assert each.stdin is not None
                print(file=each.stdin, flush=True)
            first = await anyio.to_thread.run_sync(said, one, 20)
            one.send_signal(signal.SIGKILL)  # wherever it is
            second = await anyio.to_thread.run_sync(said, two, None)
        used = venue.state.limits.used_weight("127.0.0.1", sim.now_ns())
        same_minute = sim.now_ns() // 60_000_000_000 == began
    assert second["calls"] > 5  # the other's end did not stop it
    assert used <= LIMIT
    if same_minute:  # 20 + 20 for the instruments
        assert first["calls"] + second["calls"] <= used - 40 <= LIMIT - 40
