"""Eight processes, one address: the exchange never has to refuse one of them, and none goes without."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import anyio
import pytest
from e2e_kit import KEY, until

from lotusx_sim import BinanceSpot, Simulator, serve
from lotusx_sim.dialects.binance.limits import LimitRules

PROGRAM = str(Path(__file__).parent / "helpers" / "asking_process.py")
PROCESSES = 8
LIMIT = 300
"""Orders in ten seconds, of the account. A tenth is kept for cancels."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.mark.slow
@pytest.mark.anyio
async def test_eight_processes_share_one_limit_of_the_exchange(tmp_path: Path) -> None:
    sim = Simulator(BinanceSpot(seed=7, actions_per_s=0, rules=LimitRules(orders_per_ten_seconds=LIMIT)))
    said: list[bytes] = [b""] * PROCESSES
    async with serve(sim) as server:
        settings = {
            "environment": "simulator", "base_url": server.base_url, "credentials": KEY, "budgets": str(tmp_path / "l"),
        }  # fmt: skip

        async def ask(number: int) -> None:
            task = json.dumps({"settings": settings, "name": f"p{number}"})
            async with await anyio.open_process([sys.executable, PROGRAM, task], stderr=None) as process:
                try:
                    assert process.stdout is not None
                    async for chunk in process.stdout:
                        said[number] += chunk
                finally:
                    if process.returncode is None:
                        process.kill()

        async with anyio.create_task_group() as group:
            for number in range(PROCESSES):
                group.start_soon(ask, number)
            await until(lambda: all(b"ready" in each for each in said), within_s=60)
            await anyio.sleep(34)
            group.cancel_scope.cancel()
    lines = [line for each in said for line in each.decode().splitlines()]
    assert not [line for line in lines if line.startswith("refused")]
    moments = sorted(order.created_ns for order in sim.orders())
    windows = Counter(moment // 10_000_000_000 for moment in moments)
    assert max(windows.values()) <= LIMIT
    whole = sorted(windows)[1:-1]
    assert whole
    assert all(windows[each] >= LIMIT * 0.85 for each in whole)  # and it is made use of
    shares = [each.count(b"placed") for each in said]
    assert sum(shares) ** 2 / (PROCESSES * sum(share**2 for share in shares)) >= 0.9  # Jain's index
