"""ccxt and ccxt.pro: their documented calls; only addresses and the certificate are set."""

from __future__ import annotations

import asyncio
import os
import sys
from importlib import import_module
from typing import Any

from bench.clients.meter import Meter


async def connect(base_url: str) -> Any:
    """Return an exchange with its markets loaded."""
    options = {"fetchMarkets": {"types": ["spot"]}, "fetchCurrencies": False, "watchOrderBookLimit": 1_000}
    settings: dict[str, Any] = {"enableRateLimit": False, "options": options}
    if "SSL_CERT_FILE" in os.environ:
        settings["cafile"] = os.environ["SSL_CERT_FILE"]
    exchange = import_module("ccxt.pro").binance(settings)
    exchange.has["fetchCurrencies"] = False
    exchange.urls["api"].update(dict.fromkeys(("public", "private"), f"{base_url}/api/v3"), v1=f"{base_url}/api/v1")
    exchange.urls["api"]["ws"]["spot"] = f"{base_url.replace('http', 'ws', 1)}/stream"
    await exchange.load_markets()
    exchange.apiKey, exchange.secret = "k" * 64, "s" * 64  # with a key, load_markets would ask for margin pairs too
    return exchange


async def trades(base_url: str, count: int) -> None:
    """``watch_trades`` until the last id was there."""
    meter, exchange = Meter(), await connect(base_url)
    while True:
        batch = await exchange.watch_trades("BTC/USDT")
        if not meter.seen:
            meter.start()
        meter.seen += len(batch)
        if int(batch[-1]["id"]) >= count:
            break
    meter.report()
    await exchange.close()


async def book(base_url: str, count: int) -> None:
    """``watch_order_book``; each state that reaches the caller counts."""
    meter, exchange = Meter(), await connect(base_url)
    while True:
        state = await exchange.watch_order_book("BTC/USDT")
        if not meter.seen:
            meter.start()
        meter.seen += 1
        assert state["bids"][0][0] < state["asks"][0][0]
        if state["nonce"] >= 1_000 + count:
            break
    meter.report()
    await exchange.close()


async def orders(base_url: str, count: int) -> None:
    """``create_order``, one after the other."""
    meter, exchange = Meter(), await connect(base_url)
    for number in range(count + 20):
        if number == 20:
            meter.start()
        order = await exchange.create_order("BTC/USDT", "limit", "buy", 0.01, 60_000)
        assert order["filled"] == 0.01
        meter.seen += number >= 20
    meter.report()
    await exchange.close()


if __name__ == "__main__":
    asyncio.run(globals()[sys.argv[1]](sys.argv[2], int(sys.argv[3])))
