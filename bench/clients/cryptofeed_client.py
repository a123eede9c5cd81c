"""cryptofeed: its feed handler, on uvloop as it chooses itself; only addresses are set. It refuses anything but TLS."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import Any

from bench.clients.meter import Meter


def run(channel: str, base_url: str, callback: Any) -> Any:
    """Run a feed until its callback stops the loop."""
    connection, exchanges = import_module("cryptofeed.connection"), import_module("cryptofeed.exchanges")
    defines, kind = import_module("cryptofeed.defines"), exchanges.Binance
    routes = connection.Routes("/api/v3/exchangeInfo", l2book="/api/v3/depth?symbol={}&limit={}")
    plain = sys.argv[4]  # REST, once per run
    kind.websocket_endpoints = [connection.WebsocketEndpoint(base_url.replace("http", "ws", 1))]
    kind.rest_endpoints = [connection.RestEndpoint(plain, routes=routes)]
    handler = import_module("cryptofeed").FeedHandler()
    name = getattr(defines, channel)
    handler.add_feed(kind(channels=[name], symbols=["BTC-USDT"], callbacks={name: callback}))
    handler.run()


def trades(base_url: str, count: int) -> None:
    """A callback per trade."""
    meter, last = Meter(), str(count)

    async def take(trade: Any, _: float) -> None:
        if not meter.seen:
            meter.start()
        meter.seen += 1
        if trade.id == last:
            stop(meter)

    run("TRADES", base_url, take)


def book(base_url: str, count: int) -> None:
    """A callback per update; best prices read in it."""
    meter = Meter()

    async def take(state: Any, _: float) -> None:
        if not meter.seen:
            meter.start()
        meter.seen += 1
        assert state.book.bids.index(0)[0] < state.book.asks.index(0)[0]
        if state.sequence_number >= 1_000 + count:
            stop(meter)

    run("L2_BOOK", base_url, take)


def stop(meter: Meter) -> None:
    """End here: its own shutdown waits for what nobody measures."""
    meter.report()
    sys.stdout.flush()
    import_module("os")._exit(0)


if __name__ == "__main__":
    globals()[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
