"""A real broker, a simulated exchange, a gateway between them, and consumers of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.abc import TaskStatus

import lotusx
from lotusx_gateway import Gateway, Subjects, User, render_permissions
from lotusx_gateway.permissions import password_variable
from lotusx_sim import BinanceSpot, Simulator, serve
from lotusx_sim.dialects.binance.spot import DEFAULT_KEY

BTC = "BTC/USDT"
KEY = {"api_key": DEFAULT_KEY.key, "api_secret": DEFAULT_KEY.verifier}
READER, TRADER = User("reader"), User("trader", ("main",))
SUBJECTS = Subjects("binance", "simulator")
DEADLINE_S = 30.0


def password(user: str) -> str:
    return f"of-{user}"


class NatsServer:
    """``nats-server`` as a process. It is given a port at the first start, and keeps it."""

    def __init__(self, folder: Path, config: str | None = None, host: str = "127.0.0.1") -> None:
        binary = shutil.which("nats-server")
        if binary is None:
            pytest.skip("nats-server is not installed")
        self._binary = binary
        self._folder = folder
        self._port = -1
        self._host = host
        self.process: subprocess.Popen[bytes] | None = None
        self.config = render_permissions([READER, TRADER], [SUBJECTS]) if config is None else config

    @property
    def url(self) -> str:
        return f"nats://{self._host}:{self._port}"

    def start(self, *prefix: str) -> None:
        """Start it, and wait until it listens."""
        file = self._folder / "nats.conf"
        file.write_text(self.config)
        ports = self._folder / f"ports-{time.monotonic_ns()}"
        ports.mkdir()
        users = ("gateway", "reader", "trader")
        where = ["-a", self._host, "-p", str(self._port), "--ports_file_dir", str(ports)]
        command = [*prefix, self._binary, "-c", str(file), *where]
        passwords = {password_variable(user): password(user) for user in users}
        with (self._folder / "nats.log").open("ab") as log:
            self.process = subprocess.Popen(command, env={**os.environ, **passwords}, stderr=log)
        deadline = time.monotonic() + DEADLINE_S
        while not (found := list(ports.glob("*.ports"))):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError((self._folder / "nats.log").read_text()[-2000:])
            time.sleep(0.01)
        while not (text := found[0].read_text()):
            time.sleep(0.01)
        self._port = int(json.loads(text)["nats"][0].rpartition(":")[2])

    def kill(self) -> None:
        """End it as a crash would (SIGKILL)."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@dataclass
class Desk:
    """All there is."""

    nats: NatsServer
    sim: Simulator
    base_url: str
    gateway: Gateway
    stop: Callable[[], Awaitable[None]]

    def consumer(self, user: str = "trader", **more: Any) -> lotusx.Exchange:
        credentials = {"server": self.nats.url, "user": user, "password": password(user)}
        return lotusx.connect("gateway:binance", environment="simulator", **{"credentials": credentials, **more})


def upstream(base_url: str, **more: Any) -> lotusx.Exchange:
    return lotusx.connect("binance", environment="simulator", base_url=base_url, **more)


@asynccontextmanager
async def desk(
    nats: NatsServer, *, users: Sequence[User] = (READER, TRADER), actions_per_s: int = 0
) -> AsyncIterator[Desk]:
    """Run a gateway to a simulated exchange where nobody trades but the test."""
    sim = Simulator(BinanceSpot(seed=7, actions_per_s=actions_per_s))
    async with (
        serve(sim) as server,
        upstream(server.base_url) as public,
        upstream(server.base_url, credentials=KEY) as main,
        anyio.create_task_group() as tasks,
    ):
        sim.set_book("BTCUSDT", bids=[("60000", "1"), ("59990", "2")], asks=[("60010", "1"), ("60020", "2")])
        gateway = Gateway(public, server=nats.url, users=users, accounts={"main": main}, password=password("gateway"))
        running, ended = anyio.CancelScope(), anyio.Event()

        async def run(*, task_status: TaskStatus[None]) -> None:
            with running:
                await gateway.run(task_status=task_status)
            ended.set()

        async def stop() -> None:
            running.cancel()
            await ended.wait()

        await tasks.start(run)
        yield Desk(nats, sim, server.base_url, gateway, stop)
        tasks.cancel_scope.cancel()


async def until(what: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait until *what* is so."""
    with anyio.fail_after(DEADLINE_S):
        while True:
            found = what()
            if found if isinstance(found, bool) else await found:
                return
            await anyio.sleep(0.01)
