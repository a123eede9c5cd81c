"""LotusX through its public API."""

from __future__ import annotations

import sys
from decimal import Decimal

import anyio

import lotusx
from bench.clients.meter import Meter

KEY = {"api_key": "k" * 64, "api_secret": "s" * 64}


def connect(base_url: str) -> lotusx.Exchange:
    """Connect to the benchmark's server."""
    return lotusx.connect("binance", environment="simulator", base_url=base_url, credentials=KEY)


async def trades(base_url: str, count: int) -> None:
    """``async for`` over a stream of trades."""
    meter, last = Meter(), str(count)
    async with connect(base_url) as exchange, exchange.market.stream_trades("BTC/USDT") as stream:
        async for trade in stream:
            if not meter.seen:
                meter.start()
            meter.seen += 1
            if trade.trade_id == last:
                break
        meter.report()


async def book(base_url: str, count: int) -> None:
    """Both best prices, exact, after each update of a live book."""
    meter, last = Meter(), 1_000 + count
    async with connect(base_url) as exchange, exchange.market.live_order_book("BTC/USDT") as live:
        async for top in live.changes():
            if not meter.seen:
                meter.start()
            meter.seen += 1
            assert top.best_bid
            assert top.best_ask
            assert top.best_bid.price < top.best_ask.price
            if (live.last_update_id or 0) >= last:
                break
        meter.report()


async def orders(base_url: str, count: int) -> None:
    """Limit orders, one after the other, each answered by a typed order."""
    meter = Meter()
    price, quantity = Decimal(60_000), Decimal("0.01")
    async with connect(base_url) as exchange:
        for number in range(count + 20):
            if number == 20:
                meter.start()
            order = await exchange.trading.place(lotusx.OrderRequest.limit("BTC/USDT", "buy", quantity, price))
            assert order.state.filled == quantity
            meter.seen += number >= 20
        meter.report()


if __name__ == "__main__":
    anyio.run(globals()[sys.argv[1]], sys.argv[2], int(sys.argv[3]))
