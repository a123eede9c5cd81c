"""python-binance: ``AsyncClient`` and ``BinanceSocketManager``; only addresses are set."""

from __future__ import annotations

import asyncio
from importlib import import_module
from typing import Any

from bench.clients.meter import Meter, Task


def client_of(task: Task) -> Any:
    """Return a client of the benchmark's server."""
    kind = import_module("binance").AsyncClient
    kind.API_URL = f"{task.base_url}/api"
    kind.WS_API_URL = f"{task.ws_url}/ws-api/v3"
    return kind("k" * 64, "s" * 64)


async def orders(task: Task) -> None:
    """``order_limit_buy``, one after the other."""
    meter, client = Meter(), client_of(task)
    for number in range(task.count + 20):
        if number == 20:
            meter.start()
        order = await client.order_limit_buy(symbol="BTCUSDT", quantity="0.01", price="60000")
        assert order["status"] == "FILLED"
        meter.seen += number >= 20
    meter.end()


async def ws_orders(task: Task) -> None:
    """``ws_order_limit_buy``, one after the other."""
    meter, client = Meter(), client_of(task)
    for number in range(task.count + 20):
        if number == 20:
            meter.start()
        order = await client.ws_order_limit_buy(symbol="BTCUSDT", quantity="0.01", price="60000")
        assert order["status"] == "FILLED"
        meter.seen += number >= 20
    meter.end()


async def ticks(task: Task) -> None:
    """An order for each twentieth trade."""
    from bench.server import TICK

    meter, client = Meter(), client_of(task)
    manager = import_module("binance").BinanceSocketManager
    manager.STREAM_URL = f"{task.ws_url}/"
    sent: set[asyncio.Task[Any]] = set()
    async with manager(client).trade_socket("BTCUSDT") as socket:
        while True:
            trade = await socket.recv()
            if not meter.seen:
                meter.start()
            meter.seen += 1
            if trade["t"] % TICK == 0:
                order = client.order_limit_buy(symbol="BTCUSDT", quantity="0.01", price="60000")
                sent.add(asyncio.create_task(order))
            if trade["t"] == task.count:
                await asyncio.sleep(0.5)
                meter.end()


if __name__ == "__main__":
    given = Task.given()
    asyncio.run(globals()[given.work](given))
