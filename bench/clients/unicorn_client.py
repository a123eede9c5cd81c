"""unicorn-binance-websocket-api, with its picows engine: a callback per message, a dict."""

from __future__ import annotations

import threading
from importlib import import_module
from typing import Any

from bench.clients.meter import Meter, Task


def trades(task: Task) -> None:
    """``process_stream_data`` of one stream, parsed to a dict as it offers."""
    meter, finished = Meter(), threading.Event()

    def take(message: Any) -> None:
        data = message.get("data")
        if data is None:  # the answer to its subscription
            return
        if not meter.seen:
            meter.start()
        meter.seen += 1
        if data["t"] == task.count:
            meter.end()

    kind = import_module("unicorn_binance_websocket_api").BinanceWebSocketApiManager
    manager = kind(
        exchange="binance.com",
        output_default="dict",
        websocket_base_uri=f"{task.ws_url}/",
        disable_colorama=True,
        warn_on_update=False,
        websocket_library="picows",
    )
    manager.create_stream(["trade"], ["btcusdt"], process_stream_data=take)
    finished.wait()


if __name__ == "__main__":
    given = Task.given()
    globals()[given.work](given)
