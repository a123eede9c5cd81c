"""The same against a simulated Backpack: its market stands still, its streams are ten times as fast."""

from __future__ import annotations

import pytest
from e2e_backpack import KEY
from e2e_kit import Connect

import lotusx
from lotusx_sim import Server, Simulator
from lotusx_sim.dialects.backpack import Backpack


@pytest.fixture
def sim() -> Simulator:
    return Simulator(Backpack(seed=7, actions_per_s=0, pace=0.1))


@pytest.fixture
def connect(server: Server) -> Connect:
    def connected(**settings: object) -> lotusx.Exchange:
        chosen = {"environment": "simulator", "base_url": server.base_url, "credentials": KEY, **settings}
        return lotusx.connect("backpack", **chosen)  # type: ignore[arg-type]

    return connected
