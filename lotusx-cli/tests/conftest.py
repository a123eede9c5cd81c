"""The command line in this process, against simulated exchanges on real sockets in another thread."""

from __future__ import annotations

import os
import shlex
import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal

from lotusx_cli.app import run
from lotusx_sim import BinanceSpot, Bybit, Hyperliquid, Server, Simulator, serve
from lotusx_sim.dialects.binance import DEFAULT_KEY


@dataclass(frozen=True)
class Result:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()


@dataclass(frozen=True)
class Venue:
    """A simulated exchange, and the options that lead to it."""

    exchange: str
    sim: Simulator
    server: Server
    portal: BlockingPortal

    @property
    def options(self) -> str:
        return f"--exchange {self.exchange} --environment simulator --base-url {self.server.base_url}"

    def do(self, action: Callable[[Simulator], Any]) -> Any:
        """Do something in the simulator's thread."""
        return self.portal.call(action, self.sim)


Lotusx = Callable[..., Result]


@pytest.fixture(scope="session")
def portal() -> Iterator[BlockingPortal]:
    with start_blocking_portal() as running:
        yield running


@pytest.fixture(scope="session")
def binance(portal: BlockingPortal) -> Iterator[Venue]:
    sim = Simulator(BinanceSpot(seed=7))
    with portal.wrap_async_context_manager(serve(sim)) as server:
        yield Venue("binance", sim, server, portal)


@pytest.fixture(scope="session")
def bybit(portal: BlockingPortal) -> Iterator[Venue]:
    sim = Simulator(Bybit(seed=7))
    with portal.wrap_async_context_manager(serve(sim)) as server:
        yield Venue("bybit", sim, server, portal)


@pytest.fixture(scope="session")
def hyperliquid(portal: BlockingPortal) -> Iterator[Venue]:
    sim = Simulator(Hyperliquid(seed=7))
    with portal.wrap_async_context_manager(serve(sim)) as server:
        yield Venue("hyperliquid", sim, server, portal)


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty working directory, an empty home elsewhere (libraries cache there), no settings of this machine."""
    for name in os.environ:
        if name.startswith("LOTUSX_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "user"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Binance's key, where a user would put it."""
    monkeypatch.setenv("LOTUSX_BINANCE_API_KEY", DEFAULT_KEY.key)
    monkeypatch.setenv("LOTUSX_BINANCE_API_SECRET", DEFAULT_KEY.verifier)


@pytest.fixture
def lotusx(capsys: pytest.CaptureFixture[str]) -> Lotusx:
    """Run one command line, as a shell would split it."""

    def command(line: str, *more: str) -> Result:
        code = run([*shlex.split(line), *more])
        said = capsys.readouterr()
        return Result(code, said.out, said.err)

    return command


@pytest.fixture
def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
