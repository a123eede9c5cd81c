"""What one core carries of several exchanges: trades of five connections with fifty streams each.

python -m bench.many [--rounds 3] [--trades 400] [--pace 1000]

Five servers, each a process of its own (three speak Binance's dialect, two Bybit's), send trades over plain sockets;
the client is one process, bound to one core. The ways to read take turns. *As fast as it reads*: CPU time per trade,
and what that makes in a second of one core. *Paced*: trades arrive evenly, and the share of one core that they cost.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from typing import Any

import anyio

import lotusx
from bench.environments import ROOT
from bench.measure import serving
from bench.server import make_certificate
from lotusx.many import Many

EXCHANGES = ("binance", "bybit", "binance", "bybit", "binance")
STREAMS = 50
SYMBOLS = ("BTC/USDT", *(f"S{number}/USDT" for number in range(1, STREAMS)))
WAYS = ("merged", "handlers", "tasks")
Figures = dict[str, float]


class Meter:
    """CPU and wall time from the first trade to the last of *count*."""

    def __init__(self, count: int) -> None:
        self.left = count
        self._count = count
        self._cpu_s = self._wall_s = 0.0

    def take(self, trade: Any) -> None:
        """Count one trade; report after the last and leave at once."""
        if self.left == self._count:
            self._cpu_s, self._wall_s = time.process_time(), time.perf_counter()
        self.left -= 1
        assert trade.price
        if not self.left:
            cpu_s, wall_s = time.process_time() - self._cpu_s, time.perf_counter() - self._wall_s
            print(json.dumps({"cpu_s": cpu_s, "wall_s": wall_s}), flush=True)
            os._exit(0)


async def client(way: str, count: int, urls: Sequence[str]) -> None:
    """Read *count* trades in one of the `WAYS`."""
    meter = Meter(count)
    places = {
        str(number): {"name": name, "environment": "simulator", "base_url": url}
        for number, (name, url) in enumerate(zip(EXCHANGES, urls, strict=True))
    }
    async with lotusx.connect_many(places) as many:
        streams = {
            (name, symbol): exchange.market.stream_trades(symbol)
            for name, exchange in many.alive.items()
            for symbol in SYMBOLS
        }
        await _read(way, many, streams, meter)


async def _read(way: str, many: Many, streams: dict[Any, Any], meter: Meter) -> None:
    if way == "merged":
        async with many.merge(streams) as merged:
            async for _, trade in merged:
                meter.take(trade)
        return
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(stream) for stream in streams.values()]
        async with anyio.create_task_group() as tasks:
            for stream in opened:
                if way == "handlers":
                    stream.handle(meter.take)
                else:
                    tasks.start_soon(_each, stream, meter)
            await anyio.sleep_forever()


async def _each(stream: lotusx.Stream[Any], meter: Meter) -> None:
    async for trade in stream:
        meter.take(trade)


def measure(
    ways: Sequence[str], rounds: int, trades: int, pace: int, folder: Path
) -> dict[str, list[dict[str, float]]]:
    """Return what each way took, round by round."""
    certificate = make_certificate(folder)
    found: dict[str, list[Figures]] = {way: [] for way in ways}
    with ExitStack() as stack:
        spec = {"trades": trades, "updates": 1, "symbols": STREAMS, "pace": pace}
        servers = [
            stack.enter_context(serving(sys.executable, {**spec, "exchange": name}, folder, certificate))
            for name in EXCHANGES
        ]
        urls = [server.plain for server in servers]
        for _ in range(rounds):
            for way in ways:
                count = str(trades * STREAMS * len(EXCHANGES))
                command = [sys.executable, "-m", "bench.many", "--client", way, count, *urls]
                run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
                if run.returncode:
                    raise SystemExit(f"{way} failed:\n{run.stdout}\n{run.stderr}")
                found[way].append(json.loads(run.stdout.splitlines()[-1]))
    return found


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == ["--client"]:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        anyio.run(client, sys.argv[2], int(sys.argv[3]), sys.argv[4:])
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trades", type=int, default=400, help="of each of the streams")
    parser.add_argument("--pace", type=int, default=1_000, help="trades a second of each exchange, when paced; 0: skip")
    options = parser.parse_args()
    total = options.trades * STREAMS * len(EXCHANGES)
    with tempfile.TemporaryDirectory() as folder:
        for way, taken in measure(WAYS, options.rounds, options.trades, 0, Path(folder)).items():
            each_us = statistics.median(one["cpu_s"] for one in taken) / total * 1e6
            print(f"as fast as it reads, {way}: {each_us:.2f} µs per trade, {1e6 / each_us:,.0f} trades/s of one core")
        if options.pace:
            (taken,) = measure(["merged"], 1, max(options.pace // STREAMS * 5, 1), options.pace, Path(folder)).values()
            share, wall_s = taken[0]["cpu_s"] / taken[0]["wall_s"], taken[0]["wall_s"]
            print(
                f"paced, merged: {options.pace * len(EXCHANGES):,} trades/s for {wall_s:.1f} s: {share:.0%} of one core"
            )


if __name__ == "__main__":
    main()
