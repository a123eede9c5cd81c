"""What recording costs: trades of one connection read by a process that records them, against one that does not.

python -m bench.recording [--rounds 3] [--trades 100000]

A server process sends Binance's trades over a plain socket; the client is one process, bound to one core, writing to a
temporary folder. CPU time counts from the first trade until the recording is closed, its writing thread included.
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
from pathlib import Path

import anyio

import lotusx
from bench.environments import ROOT
from bench.measure import serving
from bench.server import make_certificate
from lotusx.kernel.flow import Overflow

WAYS = {"not recorded": None, "frames": (True, False), "events": (False, True), "frames and events": (True, True)}


async def client(count: int, url: str, plugins: Sequence[object]) -> float:
    """Read *count* trades; return the CPU time of this process when the first came."""
    begun, left = 0.0, count
    async with (
        lotusx.connect("binance", environment="simulator", base_url=url, plugins=plugins) as exchange,
        exchange.stream_trades("BTC/USDT", buffer=count, overflow=Overflow.BLOCK) as trades,
    ):
        async for _ in trades:
            begun = begun or time.process_time()
            left -= 1
            if not left:
                return begun
    raise RuntimeError("the stream ended")


def run_client(way: str, count: int, url: str, folder: Path) -> None:
    """Read in one of the `WAYS`; print what that took."""
    recorder = None
    if (what := WAYS[way]) is not None:
        from lotusx_recorder import Recorder

        recorder = Recorder(to=str(folder), raw=what[0], events=what[1])
    begun = anyio.run(client, count, url, [recorder] if recorder else [])
    taken_s = time.process_time() - begun
    written = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
    lost = sum(each.lost for each in recorder.counts().values()) if recorder else 0
    print(json.dumps({"cpu_s": taken_s, "bytes": written, "lost": lost}), flush=True)


def measure(rounds: int, trades: int, folder: Path) -> dict[str, list[dict[str, float]]]:
    """Return what each way took, round by round."""
    certificate = make_certificate(folder)
    found: dict[str, list[dict[str, float]]] = {way: [] for way in WAYS}
    spec = {"exchange": "binance", "trades": trades, "updates": 1}
    with serving(sys.executable, spec, folder, certificate) as server:
        for number in range(rounds):
            for way in WAYS:
                place = folder / f"{number} {way}"
                place.mkdir()
                command = [
                    sys.executable,
                    "-m",
                    "bench.recording",
                    "--client",
                    way,
                    str(trades),
                    server.plain,
                    str(place),
                ]
                run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
                if run.returncode:
                    raise SystemExit(f"{way} failed:\n{run.stdout}\n{run.stderr}")
                found[way].append(json.loads(run.stdout.splitlines()[-1]))
    return found


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == ["--client"]:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
        run_client(sys.argv[2], int(sys.argv[3]), sys.argv[4], Path(sys.argv[5]))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--trades", type=int, default=100_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for way, taken in measure(options.rounds, options.trades, Path(folder)).items():
            each_us = statistics.median(one["cpu_s"] for one in taken) / options.trades * 1e6
            size = taken[-1]["bytes"] / options.trades
            print(f"{way}: {each_us:.2f} µs and {size:.1f} bytes per trade, {taken[-1]['lost']:.0f} rows lost")


if __name__ == "__main__":
    main()
