"""A real Redis, and machines with clocks of their own."""

from __future__ import annotations

import subprocess
import time
from contextlib import suppress
from pathlib import Path

import anyio
import redis

from lotusx.kernel.budget import Budget
from lotusx.kernel.counts import Hold
from lotusx.kernel.facts import Limit
from lotusx.kernel.request import Cost, Lane
from lotusx_redis import RedisBudgets

NS = 1_000_000_000
WEIGHT = Limit("weight", 100, 600)
ORDERS = Limit("orders", 10, 600, "account", aligned=False)
LIMITS = (WEIGHT, ORDERS)


class Server:
    """A Redis on a Unix socket. What it has does not survive it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"unix://{folder}/socket"
        self.process: subprocess.Popen[bytes]

    def start(self) -> None:
        command = ["redis-server", "--port", "0", "--unixsocket", f"{self.folder}/socket", "--dir", str(self.folder)]
        self.process = subprocess.Popen([*command, "--save", ""], stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while not self._answers():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    def _answers(self) -> bool:
        with suppress(redis.RedisError), redis.Redis.from_url(self.url) as client:
            return bool(client.ping())
        return False

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(30)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(30)


class MachineClock:
    """The clock of a machine that was started at another time, and whose wall clock is wrong."""

    def __init__(self, started_s: float = 0.0, wrong_s: float = 0.0) -> None:
        self._started_ns = int(started_s * NS)
        self._wrong_ns = int(wrong_s * NS)

    def now_ns(self) -> int:
        return time.time_ns() + self._wrong_ns

    def monotonic_ns(self) -> int:
        return time.monotonic_ns() + self._started_ns

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)


class Machine:
    """One registry, one budget and one clock."""

    def __init__(self, url: str, clock: MachineClock | None = None, account: str = "a") -> None:
        self.clock = clock or MachineClock()
        self.registry = RedisBudgets(url, monotonic_ns=self.clock.monotonic_ns)
        self.budget: Budget = self.registry.budget("ex", "host", LIMITS, account=account)

    async def take(self, weight: int = 1, orders: int = 0, *, wait_s: float = 0.0, lane: Lane = Lane.URGENT) -> None:
        """Take it, as a request that may wait for *wait_s* does."""
        costs = [Cost("weight", weight), *([Cost("orders", orders)] if orders else [])]
        ticket = self.budget.ticket(costs, lane)
        await self.budget.acquire(ticket, self.clock, deadline_ns=self.clock.monotonic_ns() + int(wait_s * NS))

    async def asked(self, weight: int = 1) -> Hold | None:
        common = self.budget._ledger.common
        assert common is not None
        return await common.ask(self.budget.ticket([Cost("weight", weight)], Lane.URGENT))

    async def used(self, pool: str = "weight") -> int:
        """Return what is counted, after it was brought up to date."""
        await self.asked(0)
        return self.budget.used(pool, 600, self.clock.monotonic_ns())
