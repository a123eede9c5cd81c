"""A program that places and cancels orders as fast as the limits it shares allow. It says each in a line."""

from __future__ import annotations

import json
import sys

import anyio

import lotusx

task = json.loads(sys.argv[1])


async def trade() -> None:
    async with lotusx.connect("binance", **task["settings"]) as exchange:
        await exchange.trading.ready()
        print("ready", flush=True)
        number = 0
        while True:
            number += 1
            name = f"{task['name']}-{number}"
            order = lotusx.OrderRequest.limit("BTC/USDT", "buy", "0.001", "60000", client_order_id=name)
            try:
                await exchange.trading.place(order)
            except lotusx.RateLimited as error:
                if error.code != "local":
                    print(f"refused: {error}", flush=True)
            else:
                print("placed", flush=True)
                await exchange.trading.cancel("BTC/USDT", client_order_id=name)


anyio.run(trade)
