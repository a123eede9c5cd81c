"""A process killed between sending an order and its reply: the next one knows, and the exchange has one order."""

from __future__ import annotations

import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.abc
import pytest
from e2e_kit import until
from venues import SPECS, Spec

import lotusx
from lotusx_sim import serve

pytestmark = pytest.mark.anyio
PROGRAM = Path(__file__).parent / "helpers" / "trading_process.py"
NAME = "killed-1"


@pytest.fixture(params=SPECS, ids=lambda spec: spec.exchange)
def spec(request: pytest.FixtureRequest) -> Spec:
    chosen: Spec = request.param
    return chosen


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # the process under test runs on both; who watches it does not matter


def settings_of(spec: Spec, base_url: str, **more: Any) -> dict[str, Any]:
    return {"environment": "simulator", "base_url": base_url, "credentials": dict(spec.credentials), **more}


@asynccontextmanager
async def trading(spec: Spec, settings: dict[str, Any], backend: str) -> AsyncIterator[anyio.abc.Process]:
    task = {"exchange": spec.exchange, "settings": settings, "order": spec.order, "name": NAME}
    command = [sys.executable, str(PROGRAM), json.dumps(task), backend]
    async with await anyio.open_process(command, stderr=None) as process:
        try:
            yield process
        finally:
            if process.returncode is None:
                process.kill()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
async def test_a_process_killed_before_the_reply_leaves_one_order_and_the_next_knows_it(
    spec: Spec, backend: str, tmp_path: Path
) -> None:
    sim = spec.simulator()
    sim.lose_reply_to(*spec.place, how="hang")
    async with serve(sim) as server:
        settings = settings_of(spec, server.base_url, journal=str(tmp_path / "orders.db"))
        async with trading(spec, settings, backend) as process:
            await until(sim.order_ids)
            process.kill()
            await process.wait()
        async with lotusx.connect(spec.exchange, **settings) as exchange:
            with anyio.fail_after(60):
                (one,) = await exchange.recovered()
            assert isinstance(one.outcome, lotusx.Accepted)
            assert one.intent.client_order_id == NAME
            assert one.order is not None
            assert one.order.status is lotusx.OrderStatus.OPEN
            with pytest.raises(lotusx.InvalidArgument, match="used before"):
                await exchange.place(lotusx.OrderRequest.limit(*spec.order, client_order_id=NAME))
        async with lotusx.connect(spec.exchange, **settings) as third:
            assert await third.recovered() == ()  # proved once, never asked again
    assert sim.order_ids() == [spec.wire_id(NAME)]
    assert sim.requests[spec.place] == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "spec", [spec for spec in SPECS if spec.exchange in ("binance", "hyperliquid")], ids=lambda spec: spec.exchange
)
async def test_an_order_that_never_arrived_is_proved_lost_by_the_next_process(spec: Spec, tmp_path: Path) -> None:
    sim = spec.simulator()
    sim.lose_request(*spec.place, how="hang")
    async with serve(sim) as server:
        settings = settings_of(spec, server.base_url, journal=str(tmp_path / "orders.db"))
        async with trading(spec, settings, "asyncio") as process:
            await until(lambda: sim.requests[spec.place])
            process.kill()
            await process.wait()
        async with lotusx.connect(spec.exchange, **settings) as exchange:
            with anyio.fail_after(110):
                (one,) = await exchange.recovered()
            assert isinstance(one.outcome, lotusx.Rejected)
            assert "never accepted" in str(one.outcome.error)
    assert sim.order_ids() == []
    assert sim.requests[spec.place] == 1


async def test_what_a_living_process_has_under_way_is_left_to_it(tmp_path: Path) -> None:
    spec = SPECS[0]
    sim = spec.simulator()
    sim.lose_reply_to(*spec.place, how="hang")
    async with serve(sim) as server:
        settings = settings_of(spec, server.base_url, journal=str(tmp_path / "orders.db"))
        async with trading(spec, settings, "asyncio"):
            await until(sim.order_ids)
            async with lotusx.connect(spec.exchange, **settings) as exchange:
                assert await exchange.recovered() == ()
