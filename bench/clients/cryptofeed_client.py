"""cryptofeed: its feed handler, on uvloop as it chooses itself; only addresses are set. It refuses anything but TLS."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

from bench.clients.meter import Meter, Task


def run(task: Task, channel: str, callback: Any) -> Any:
    """Run a feed until its callback ends the process."""
    connection, exchanges = import_module("cryptofeed.connection"), import_module("cryptofeed.exchanges")
    defines = import_module("cryptofeed.defines")
    if task.exchange == "bybit":
        kind: Any = exchanges.Bybit
        # Its own order: linear, inverse, spot.
        address, routes = (
            f"{task.ws_url}/v5/public/spot",
            connection.Routes(
                [f"/v5/market/instruments-info?&category={each}" for each in ("linear", "inverse", "spot")]
            ),
        )
    else:
        kind = exchanges.Binance
        address, routes = (
            task.ws_url,
            connection.Routes("/api/v3/exchangeInfo", l2book="/api/v3/depth?symbol={}&limit={}"),
        )
    kind.websocket_endpoints = [connection.WebsocketEndpoint(address)]
    kind.rest_endpoints = [connection.RestEndpoint(task.plain_url, routes=routes)]  # REST, once per run
    settings = {"uvloop": os.environ.get("BENCH_LOOP") != "asyncio", "log": {"disabled": True, "filename": os.devnull}}
    handler = import_module("cryptofeed").FeedHandler(config=settings)
    name = getattr(defines, channel)
    handler.add_feed(kind(channels=[name], symbols=["BTC-USDT"], callbacks={name: callback}))
    handler.run()


def trades(task: Task) -> None:
    """A callback per trade."""
    meter, last = Meter(), str(task.count)

    async def take(trade: Any, _: float) -> None:
        if not meter.seen:
            meter.start()
        meter.seen += 1
        if trade.id == last:
            meter.end()

    run(task, "TRADES", take)


def book(task: Task) -> None:
    """A callback per update; best prices read in it."""
    meter, last = Meter(), task.count + (1 if task.exchange == "bybit" else 1_000)

    async def take(state: Any, _: float) -> None:
        if not meter.seen:
            meter.start()
        meter.seen += 1
        assert state.book.bids.index(0)[0] < state.book.asks.index(0)[0]
        number = state.sequence_number
        if number is None:
            number = meter.seen if task.exchange == "bybit" else 0
        if number >= last:
            meter.end()

    run(task, "L2_BOOK", take)


if __name__ == "__main__":
    given = Task.given()
    globals()[given.work](given)
