"""A program that reads trades, to be suspended. It says every state of its stream and every trade, one a line."""

from __future__ import annotations

import json
import sys

import anyio

import lotusx
from lotusx.streams import StatusChange

task = json.loads(sys.argv[1])


async def read() -> None:
    async with (
        lotusx.connect(task["exchange"], environment="simulator", base_url=task["base_url"]) as exchange,
        exchange.market.stream_trades(task["symbol"]) as trades,
    ):
        async for item in trades.with_status():
            print(item.state if isinstance(item, StatusChange) else "trade", flush=True)


name, options = task["backend"]
anyio.run(read, backend=name, backend_options=options)
