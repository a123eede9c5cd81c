"""pybit: ``unified_trading.WebSocket``, whose socket lives in a thread; only addresses are set."""

from __future__ import annotations

import threading
from importlib import import_module
from typing import Any

from bench.clients.meter import Meter, Task


def socket_of(task: Task) -> Any:
    """Return its WebSocket to the benchmark's server."""
    module = import_module("pybit.unified_trading")
    module.__dict__["PUBLIC_WSS"] = f"{task.ws_url}/v5/public/{{CHANNEL_TYPE}}"
    return module.WebSocket(testnet=False, channel_type="spot")


def trades(task: Task) -> None:
    """A callback per message."""
    meter, last = Meter(), str(task.count)

    def take(message: dict[str, Any]) -> None:
        if not meter.seen:
            meter.start()
        meter.seen += 1
        if message["data"][-1]["i"] == last:
            meter.end()

    socket_of(task).trade_stream("BTCUSDT", take)


def book(task: Task) -> None:
    """A callback per update of the book that pybit keeps, which is not sorted; best prices looked for in it."""
    meter = Meter()

    def take(message: dict[str, Any]) -> None:
        if not meter.seen:
            meter.start()
        meter.seen += 1
        data = message["data"]
        assert max(float(level[0]) for level in data["b"]) < min(float(level[0]) for level in data["a"])
        if data["u"] > task.count:
            meter.end()

    socket_of(task).orderbook_stream(200, "BTCUSDT", take)


if __name__ == "__main__":
    given = Task.given()
    globals()[given.work](given)
    threading.Event().wait()
