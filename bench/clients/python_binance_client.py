"""python-binance: ``AsyncClient``; only its address is set."""

from __future__ import annotations

import asyncio
import sys
from importlib import import_module

from bench.clients.meter import Meter


async def orders(base_url: str, count: int) -> None:
    """``order_limit_buy``, one after the other."""
    kind = import_module("binance").AsyncClient
    kind.API_URL = f"{base_url}/api"
    meter, client = Meter(), kind("k" * 64, "s" * 64)
    for number in range(count + 20):
        if number == 20:
            meter.start()
        order = await client.order_limit_buy(symbol="BTCUSDT", quantity="0.01", price="60000")
        assert order["status"] == "FILLED"
        meter.seen += number >= 20
    meter.report()
    await client.close_connection()


if __name__ == "__main__":
    asyncio.run(globals()[sys.argv[1]](sys.argv[2], int(sys.argv[3])))
