"""ccxt and ccxt.pro: their documented calls; only addresses and the certificate are set."""

from __future__ import annotations

import asyncio
import os
from importlib import import_module
from typing import Any

from bench.clients.meter import Meter, Task

SYMBOLS = {"binance": "BTC/USDT", "bybit": "BTC/USDT", "hyperliquid": "BTC/USDC:USDC"}
TYPES = {"binance": ["spot"], "bybit": ["spot"], "hyperliquid": ["swap"]}


async def connect(task: Task, *, load: bool = True) -> Any:
    """Return an exchange with its markets loaded."""
    options = {"fetchMarkets": {"types": TYPES[task.exchange]}, "fetchCurrencies": False, "watchOrderBookLimit": 1_000}
    settings: dict[str, Any] = {"enableRateLimit": False, "options": options}
    if "SSL_CERT_FILE" in os.environ:
        settings["cafile"] = os.environ["SSL_CERT_FILE"]
    exchange = getattr(import_module("ccxt.pro"), task.exchange)(settings)
    exchange.has["fetchCurrencies"] = False
    base, ws = task.base_url, task.ws_url
    if task.exchange == "binance":
        exchange.urls["api"].update(dict.fromkeys(("public", "private"), f"{base}/api/v3"), v1=f"{base}/api/v1")
        exchange.urls["api"]["ws"].update({"spot": f"{ws}/stream", "ws-api": {"spot": f"{ws}/ws-api/v3"}})
    elif task.exchange == "bybit":
        exchange.urls["api"].update(dict.fromkeys(("spot", "futures", "v2", "public", "private"), base))
        exchange.urls["api"]["ws"]["public"]["spot"] = f"{ws}/v5/public/spot"
    else:
        exchange.urls["api"].update(public=base, private=base)
        exchange.urls["api"]["ws"]["public"] = f"{ws}/ws"
        exchange.walletAddress = "0x14791697260E4c9A71f18484C9f997B308e59325"
        exchange.privateKey = "0x0123456789012345678901234567890123456789012345678901234567890123"
        exchange.options["builderFee"] = False
    if load:
        await exchange.load_markets()
    if task.exchange == "binance":
        exchange.apiKey, exchange.secret = "k" * 64, "s" * 64  # with a key, load_markets would ask for margin pairs too
    return exchange


async def trades(task: Task) -> None:
    """``watch_trades`` until the last id was there."""
    meter, exchange = Meter(), await connect(task)
    while True:
        batch = await exchange.watch_trades(SYMBOLS[task.exchange])
        if not meter.seen:
            meter.start()
        meter.seen += len(batch)
        if int(batch[-1]["id"]) >= task.count:
            meter.end()


async def book(task: Task) -> None:
    """``watch_order_book``; each state that reaches the caller counts."""
    meter, exchange = Meter(), await connect(task)
    limit = {"bybit": 200}.get(task.exchange)
    while True:
        state = await exchange.watch_order_book(SYMBOLS[task.exchange], limit)
        if not meter.seen:
            meter.start()
        meter.seen += 1
        assert state["bids"][0][0] < state["asks"][0][0]
        if _number(task.exchange, state) >= task.count:
            meter.end()


def _number(exchange: str, state: Any) -> int:
    if exchange == "binance":
        return int(state["nonce"]) - 1_000
    return int(state["timestamp"]) - 1_770_000_000_000 - (exchange == "bybit")


async def orders(task: Task) -> None:
    """``create_order``, one after the other."""
    meter, exchange = Meter(), await connect(task)
    for number in range(task.count + 20):
        if number == 20:
            meter.start()
        order = await exchange.create_order(SYMBOLS[task.exchange], "limit", "buy", 0.01, 60_000)
        assert order["id"]
        meter.seen += number >= 20
    meter.end()


async def ws_orders(task: Task) -> None:
    """``create_order_ws``, one after the other."""
    meter, exchange = Meter(), await connect(task)
    for number in range(task.count + 20):
        if number == 20:
            meter.start()
        order = await exchange.create_order_ws(SYMBOLS[task.exchange], "limit", "buy", 0.01, 60_000)
        assert order["id"]
        meter.seen += number >= 20
    meter.end()


async def ticks(task: Task) -> None:
    """An order for each twentieth trade."""
    from bench.server import TICK

    meter, exchange = Meter(), await connect(task)
    sent: set[asyncio.Task[Any]] = set()
    ordered = 0
    while True:
        batch = await exchange.watch_trades("BTC/USDT")
        if not meter.seen:
            meter.start()
        meter.seen += len(batch)
        newest = int(batch[-1]["id"])
        while ordered < newest // TICK:  # also for trades that never reached the caller
            ordered += 1
            sent.add(asyncio.create_task(exchange.create_order("BTC/USDT", "limit", "buy", 0.01, 60_000)))
        if newest >= task.count:
            await asyncio.sleep(0.5)
            meter.end()


async def markets(task: Task) -> None:
    """``load_markets`` of a new exchange each time."""
    meter = Meter()
    for number in range(task.count + 1):
        if number == 1:
            meter.start()
        exchange = await connect(task)
        assert len(exchange.markets) > 100
        await exchange.close()
        meter.seen += number >= 1
    meter.end()


async def connected(task: Task) -> None:
    """Memory of an exchange with its markets loaded."""
    from bench.memory import private_kb

    exchange = await connect(task)
    assert len(exchange.markets) > 100
    Meter().report(mb=private_kb() / 1e3)
    os._exit(0)


if __name__ == "__main__":
    given = Task.given()
    factory = None
    if os.environ.get("BENCH_LOOP") == "uvloop":
        factory = import_module("uvloop").new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(globals()[given.work](given))
