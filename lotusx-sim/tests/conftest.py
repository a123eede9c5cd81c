"""Shared set-up: the helpers beside these tests are importable by their own names."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent / "helpers"))

from sim_calls import Caller

from lotusx_sim import BinanceSpot


@pytest.fixture
def caller() -> Caller:
    """Return an exchange with a fixed book around 68 250 in BTCUSDT."""
    return Caller(BinanceSpot(actions_per_s=0))


@pytest.fixture(params=["asyncio", "trio"])
def run(request: pytest.FixtureRequest) -> Callable[[Callable[[], Any]], Any]:
    """Run an async function on each backend."""
    import anyio

    return lambda main: anyio.run(main, backend=request.param)
