"""Processes that are killed: a gateway with an order under way, and a consumer with a lease."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from anyio.abc import Process
from anyio.streams.buffered import BufferedByteReceiveStream
from gateway_kit import BTC, DEADLINE_S, KEY, NatsServer, desk, password, until

import lotusx
from lotusx.model import OrderRequest
from lotusx_gateway.permissions import password_variable
from lotusx_sim import BinanceSpot, Simulator, serve

pytestmark = [pytest.mark.anyio, pytest.mark.slow]

DOCUMENT = """
exchange = "binance"
environment = "simulator"
base_url = "{base_url}"
server = "{server}"
accounts = ["main"]
[users.trader]
accounts = ["main"]
"""


@asynccontextmanager
async def gateway_process(file: Path) -> AsyncIterator[Process]:
    """A gateway of its own, which serves already."""
    command = [sys.executable, "-m", "lotusx_gateway", "serve", str(file)]
    secrets = {"LOTUSX_BINANCE_API_KEY": KEY["api_key"], "LOTUSX_BINANCE_API_SECRET": KEY["api_secret"]}
    env = {**os.environ, **secrets, password_variable("gateway"): password("gateway")}
    async with await anyio.open_process(command, env=env, stderr=subprocess.DEVNULL) as process:
        try:
            assert process.stdout is not None
            with anyio.fail_after(DEADLINE_S):
                said = await BufferedByteReceiveStream(process.stdout).receive_until(b"\n", 200)
            assert said == b"serving lotusx.binance.simulator"
            yield process
        finally:
            if process.returncode is None:
                process.kill()


async def test_an_order_that_was_under_way_when_its_gateway_was_killed_is_found_and_sent_once(
    nats: NatsServer, tmp_path: Path
) -> None:
    sim = Simulator(BinanceSpot(seed=7, actions_per_s=0))
    credentials = {"server": nats.url, "user": "trader", "password": password("trader")}
    async with serve(sim) as server:
        sim.set_book("BTCUSDT", bids=[("60000", "1")], asks=[("60010", "1")])
        file = tmp_path / "gateway.toml"
        file.write_text(DOCUMENT.format(base_url=server.base_url, server=nats.url))
        orders: list[lotusx.Order] = []
        async with gateway_process(file) as first:
            exchange = lotusx.connect("gateway:binance", environment="simulator", credentials=credentials)
            async with exchange, exchange.stream_trades(BTC) as trades, anyio.create_task_group() as tasks:
                await until(lambda: trades.state == "acknowledged")
                sim.delay("POST", "/api/v3/order", 5.0)  # it has the order at once, and answers nobody

                async def place() -> None:
                    request = OrderRequest.limit(BTC, "buy", "0.01", "50000", client_order_id="one")
                    orders.append(await exchange.place(request))

                tasks.start_soon(place)
                await until(lambda: sim.order_ids() == ["one"])
                first.kill()
                await until(lambda: trades.state == "lost")
                assert orders == []
                async with gateway_process(file):
                    await until(lambda: trades.state == "acknowledged")
                    await until(lambda: bool(orders))
                    assert orders[0].status == "open"
                    await exchange.cancel(BTC, client_order_id="one")
                    assert sim.open_order_ids() == []
        assert sim.order_ids() == ["one"]


async def test_a_consumer_that_was_killed_is_forgotten(nats: NatsServer, tmp_path: Path) -> None:
    follow = (
        "import anyio, lotusx\n"
        "async def main():\n"
        f"    who = {{'server': {nats.url!r}, 'user': 'reader', 'password': {password('reader')!r}}}\n"
        "    async with lotusx.connect('gateway:binance', environment='simulator', credentials=who) as exchange:\n"
        "        async with exchange.stream_trades('BTC/USDT'):\n"
        "            await anyio.sleep_forever()\n"
        "anyio.run(main)\n"
    )
    async with desk(nats) as here:
        async with await anyio.open_process([sys.executable, "-c", follow], stderr=subprocess.DEVNULL) as consumer:
            await until(lambda: "trades BTC/USDT" in here.gateway.stats()["feeds"])
            consumer.kill()
        await until(lambda: here.gateway.stats()["feeds"] == {})
