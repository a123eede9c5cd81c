"""The same against a simulated Bybit: its markets stand still, its streams are ten times as fast."""

from __future__ import annotations

import pytest
from e2e_bybit import KEY
from e2e_kit import Connect

import lotusx
from lotusx_sim import Bybit, Server, Simulator


@pytest.fixture
def venue() -> Bybit:
    return Bybit(seed=7, actions_per_s=0, pace=0.1)


@pytest.fixture
def sim(venue: Bybit) -> Simulator:
    return Simulator(venue)


@pytest.fixture
def connect(server: Server) -> Connect:
    """Return a function that connects to the exchange named, ``bybit-perp`` if left out."""

    def connected(name: str = "bybit-perp", **settings: object) -> lotusx.Exchange:
        chosen = {"environment": "simulator", "base_url": server.base_url, "credentials": KEY, **settings}
        return lotusx.connect(name, **chosen)  # type: ignore[arg-type]

    return connected
