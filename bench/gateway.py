"""What the gateway costs and adds: trades of one exchange, through a NATS broker, to several consumers.

python -m bench.gateway [--trades 20000] [--pace 2000] [--consumers 1,4]

A server sends Binance's trades evenly; the gateway, the broker and each consumer are processes of their own on this
machine. CPU time is that of the gateway, and of one consumer, for each trade. What is added is the time from the moment
in which the gateway's own code holds a trade to the one in which a consumer's does, by a clock that both see.
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
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

import lotusx
from bench.environments import ROOT
from bench.measure import serving
from bench.server import make_certificate
from lotusx.kernel.flow import Overflow
from lotusx_gateway import Gateway, Subjects, User, render_permissions

BTC = "BTC/USDT"
ENVIRONMENT = "simulator"
PASSWORD = "of-the-benchmark"
GATEWAY, CONSUMER = User("gateway"), User("consumer")


class Seen:
    """When each trade was held, by its number."""

    def __init__(self) -> None:
        self.times: dict[str, int] = {}
        self.cpu_s = 0.0

    def take(self, trade: lotusx.Trade) -> None:
        """Note one."""
        if not self.times:
            self.cpu_s = time.process_time()
        self.times[str(trade.trade_id)] = time.monotonic_ns()

    def report(self) -> None:
        """Print what was seen, and the CPU time since the first."""
        print(json.dumps({"cpu_s": time.process_time() - self.cpu_s, "times": self.times}), flush=True)


async def gateway(server: str, url: str) -> None:
    """Serve until standard input ends, then report."""
    async with lotusx.connect("binance", environment=ENVIRONMENT, base_url=url) as exchange:
        serving_it = Gateway(exchange, server=server, users=[CONSUMER], password=PASSWORD)
        async with anyio.create_task_group() as tasks:
            await tasks.start(serving_it.run)
            print("serving", flush=True)
            await anyio.to_thread.run_sync(sys.stdin.readline)  # a consumer follows: hear what it is sent
            seen = Seen()
            async with exchange.market.stream_trades(BTC) as trades:
                trades.handle(seen.take)
                print("hearing", flush=True)
                await anyio.to_thread.run_sync(sys.stdin.read)
            seen.report()
            tasks.cancel_scope.cancel()


async def consumer(server: str, count: int) -> None:
    """Read until *count* trades were sent, or nothing comes any more; report."""
    credentials = {"server": server, "user": CONSUMER.name, "password": PASSWORD}
    seen = Seen()
    async with (
        lotusx.connect("gateway:binance", environment=ENVIRONMENT, credentials=credentials) as exchange,
        exchange.market.stream_trades(BTC, buffer=count, overflow=Overflow.BLOCK) as trades,
    ):
        print("following", flush=True)
        while len(seen.times) < count:
            with anyio.move_on_after(3.0 if seen.times else 60.0) as waited:
                seen.take(await anext(trades))
            if waited.cancelled_caught:
                break
    seen.report()


@contextmanager
def broker(folder: Path) -> Iterator[str]:
    """Run ``nats-server`` with the permissions that the gateway asks for."""
    config = folder / "nats.conf"
    config.write_text(render_permissions([CONSUMER], [Subjects("binance", ENVIRONMENT)]))
    passwords = {f"NATS_{user.name.upper()}_PASSWORD": PASSWORD for user in (GATEWAY, CONSUMER)}
    command = ["nats-server", "-c", str(config), "-a", "127.0.0.1", "-p", "-1", "--ports_file_dir", str(folder)]
    with subprocess.Popen(command, env={**os.environ, **passwords}, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 30
            while not (found := [path for path in folder.glob("*.ports") if path.stat().st_size]):
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit("nats-server does not start")
                time.sleep(0.02)
            yield json.loads(found[0].read_text())["nats"][0]
        finally:
            process.terminate()


@contextmanager
def child(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """Run this file in a process of its own."""
    command = [sys.executable, "-m", "bench.gateway", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.terminate()


def said(process: subprocess.Popen[str]) -> str:
    """Return the next line of *process*."""
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    if not line:
        raise SystemExit("a process of the benchmark has failed")
    return line


def measure(trades: int, pace: int, consumers: int) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return what the gateway reports, and what each consumer does."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        spec = {"exchange": "binance", "trades": trades, "updates": 1, "pace": pace}
        server = stack.enter_context(serving(sys.executable, spec, folder, make_certificate(folder)))
        address = stack.enter_context(broker(folder))
        holder = stack.enter_context(child("--gateway", address, server.plain))
        assert said(holder) == "serving"
        readers = [stack.enter_context(child("--consumer", address, str(trades))) for _ in range(consumers)]
        for reader in readers:
            assert said(reader) == "following"
        assert holder.stdin is not None
        holder.stdin.write("\n")
        holder.stdin.flush()
        assert said(holder) == "hearing"
        reports = [json.loads(said(reader)) for reader in readers]
        holder.stdin.close()
        return json.loads(said(holder)), reports


def show(consumers: int, trades: int, held: dict[str, Any], reports: Sequence[dict[str, Any]]) -> None:
    """Print the figures of one run."""
    came = [report["times"] for report in reports]
    added = sorted(
        (at - held["times"][name]) / 1e6 for times in came for name, at in times.items() if name in held["times"]
    )
    each_us = [report["cpu_s"] / len(report["times"]) * 1e6 for report in reports]
    lost = sum(trades - len(times) for times in came)
    print(
        f"{consumers} consumers: gateway {held['cpu_s'] / len(held['times']) * 1e6:.1f} µs and each consumer "
        f"{statistics.median(each_us):.1f} µs of CPU per trade; added: median {statistics.median(added):.2f} ms, "
        f"99 of 100 within {added[int(len(added) * 0.99)]:.2f} ms; {lost} of {trades * consumers} not received"
    )


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == ["--gateway"]:
        anyio.run(gateway, sys.argv[2], sys.argv[3])
        return
    if sys.argv[1:2] == ["--consumer"]:
        anyio.run(consumer, sys.argv[2], int(sys.argv[3]))
        return
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trades", type=int, default=20_000)
    parser.add_argument("--pace", type=int, default=2_000, help="trades a second")
    parser.add_argument("--consumers", default="1,4", help="how many, one run after the other")
    options = parser.parse_args()
    for count in map(int, options.consumers.split(",")):
        show(count, options.trades, *measure(options.trades, options.pace, count))


if __name__ == "__main__":
    main()
