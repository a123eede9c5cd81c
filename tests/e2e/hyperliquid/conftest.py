"""The same against a simulated Hyperliquid: its market stands still, its streams are ten times as fast."""

from __future__ import annotations

from decimal import Decimal

import pytest
from e2e_hyperliquid import KEY, SUB
from e2e_kit import Connect

import lotusx
from lotusx_sim import Hyperliquid, Server, Simulator
from lotusx_sim.dialects.hyperliquid import DEFAULT_ADDRESS, DEFAULT_AGENT_ADDRESS, Account


@pytest.fixture
def sim() -> Simulator:
    account = Account(
        DEFAULT_ADDRESS, agents=(DEFAULT_AGENT_ADDRESS,), sub_accounts=(("sub", SUB),), volume=Decimal(2_000_000)
    )
    balances = {"sub": {"perp": {"USDC": Decimal(1_000)}}}
    return Simulator(Hyperliquid(seed=7, actions_per_s=0, pace=0.1, accounts=(account,), balances=balances))


@pytest.fixture
def connect(server: Server) -> Connect:
    def connected(**settings: object) -> lotusx.Exchange:
        chosen = {"environment": "simulator", "base_url": server.base_url, "credentials": KEY, **settings}
        return lotusx.connect("hyperliquid", **chosen)  # type: ignore[arg-type]

    return connected
