"""The same against simulated USDⓈ-M futures, whose market stands still."""

from __future__ import annotations

import pytest
from e2e_kit import KEY, Connect

import lotusx
from lotusx_sim import BinancePerp, Server, Simulator


@pytest.fixture
def sim() -> Simulator:
    return Simulator(BinancePerp(seed=7, actions_per_s=0))


@pytest.fixture
def connect(server: Server) -> Connect:
    def connected(**settings: object) -> lotusx.Exchange:
        chosen = {"environment": "simulator", "base_url": server.base_url, "credentials": KEY, **settings}
        return lotusx.connect("binance-perp", **chosen)  # type: ignore[arg-type]

    return connected
