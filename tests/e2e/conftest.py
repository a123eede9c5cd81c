"""The whole of LotusX against a simulated Binance on real sockets, on asyncio and on trio."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import anyio.lowlevel
import pytest

sys.path.insert(0, str(Path(__file__).parent / "helpers"))

from e2e_kit import KEY, Connect

import lotusx
from lotusx_sim import BinanceSpot, Server, Simulator, serve


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith("LOTUSX_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def sim() -> Simulator:
    """Return an exchange whose market stands still until a test moves it."""
    return Simulator(BinanceSpot(seed=7, actions_per_s=0))


@pytest.fixture
async def server(sim: Simulator, anyio_backend: object) -> AsyncIterator[Server]:
    del anyio_backend
    async with serve(sim) as running:
        yield running
        for _ in range(10):  # a socket that is being accepted while accepting is cancelled would never be closed
            await anyio.lowlevel.checkpoint()


@pytest.fixture
def connect(server: Server) -> Connect:
    """Return `lotusx.connect` to that exchange, with its key unless the test says otherwise."""

    def connected(**settings: object) -> lotusx.Exchange:
        chosen = {"environment": "simulator", "base_url": server.base_url, "credentials": KEY, **settings}
        return lotusx.connect("binance", **chosen)  # type: ignore[arg-type]

    return connected


@pytest.fixture
async def exchange(connect: Connect) -> AsyncIterator[lotusx.Exchange]:
    async with connect() as opened:
        yield opened
