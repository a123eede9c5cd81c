"""LotusX through its public API."""

from __future__ import annotations

import os
from decimal import Decimal
from typing import Any
from urllib.request import urlopen

import anyio

import lotusx
from bench.clients.meter import Meter, Task
from bench.venues.hyperliquid import FIRST_MS
from lotusx.kernel.book.reading import BookTop
from lotusx.plugin import hookimpl

HMAC = {"api_key": "k" * 64, "api_secret": "s" * 64}
CREDENTIALS = {
    "binance": HMAC,
    "bybit": None,
    "hyperliquid": {"private_key": "0x0123456789012345678901234567890123456789012345678901234567890123"},
}
SYMBOLS = {"binance": "BTC/USDT", "bybit": "BTC/USDT", "hyperliquid": "BTC/USDC:USDC"}
FIRST_BOOK = {"binance": 1_000, "bybit": 1, "hyperliquid": FIRST_MS}
DEPTH = {"binance": 1_000, "bybit": 200, "hyperliquid": 20}


def connect(task: Task, **more: Any) -> lotusx.Exchange:
    """Connect to the benchmark's server."""
    return lotusx.connect(
        task.exchange,
        environment="simulator",
        base_url=task.base_url,
        credentials=CREDENTIALS[task.exchange],
        **more,
    )


async def trades(task: Task, **more: Any) -> None:
    """``async for`` over a stream of trades."""
    meter, last = Meter(), str(task.count)
    async with connect(task, **more) as exchange, exchange.market.stream_trades(SYMBOLS[task.exchange]) as stream:
        async for trade in stream:
            if not meter.seen:
                meter.start()
            meter.seen += 1
            if trade.trade_id == last:
                meter.end()


async def handler(task: Task) -> None:
    """A direct handler of a stream of trades."""
    meter, last = Meter(), str(task.count)

    def take(trade: lotusx.Trade) -> None:
        if not meter.seen:
            meter.start()
        meter.seen += 1
        if trade.trade_id == last:
            meter.end()

    async with connect(task) as exchange, exchange.market.stream_trades(SYMBOLS[task.exchange]) as stream:
        await stream.handle(take)


async def observed(task: Task) -> None:
    """`trades`, with an observer that counts."""
    counted = 0

    def count(_: object) -> None:
        nonlocal counted
        counted += 1

    count.measure_s = 1.0  # type: ignore[attr-defined] # it wants measurements too

    class Counting:
        """A plugin."""

        @hookimpl
        def lotusx_observer(self) -> Any:
            return count

    await trades(task, plugins=[Counting()])


async def book(task: Task) -> None:
    """Both best prices, exact, in each state of a live book that reaches its reader."""
    meter, last = Meter(), FIRST_BOOK[task.exchange] + task.count
    async with (
        connect(task) as exchange,
        exchange.market.live_order_book(SYMBOLS[task.exchange], depth=DEPTH[task.exchange]) as live,
    ):
        async for top in live.changes():
            if not meter.seen:
                meter.start()
            meter.seen += 1
            assert top.best_bid
            assert top.best_ask
            assert top.best_bid.price < top.best_ask.price
            if top.sequence >= last:
                meter.end()


async def book_handler(task: Task) -> None:
    """Both best prices, exact, after each update of a live book."""
    meter, last = Meter(), FIRST_BOOK[task.exchange] + task.count

    def take(top: BookTop) -> None:
        if not meter.seen:
            meter.start()
        meter.seen += 1
        assert top.best_bid
        assert top.best_ask
        assert top.best_bid.price < top.best_ask.price
        if top.sequence >= last:
            meter.end()

    async with (
        connect(task) as exchange,
        exchange.market.live_order_book(SYMBOLS[task.exchange], depth=DEPTH[task.exchange]) as live,
    ):
        await live.handle(take)


async def orders(task: Task, **more: Any) -> None:
    """Limit orders, one after the other, each answered by a typed order."""
    meter = Meter()
    price, quantity = Decimal(60_000), Decimal("0.01")
    symbol = SYMBOLS[task.exchange]
    async with connect(task, **more) as exchange:
        for number in range(task.count + 20):
            if number == 20:
                meter.start()
            order = await exchange.trading.place(lotusx.OrderRequest.limit(symbol, "buy", quantity, price))
            assert order.state.filled == quantity
            meter.seen += number >= 20
        meter.end()


async def ws_orders(task: Task) -> None:
    """`orders` over the exchange's WebSocket API."""
    await orders(task, options={"order_entry": "ws"})


async def ticks(task: Task, **more: Any) -> None:
    """An order for each twentieth trade."""
    from bench.server import TICK

    meter, last = Meter(), str(task.count)
    price, quantity = Decimal(60_000), Decimal("0.01")
    symbol = SYMBOLS[task.exchange]
    async with connect(task, **more) as exchange, anyio.create_task_group() as tasks:

        async def place() -> None:
            await exchange.trading.place(lotusx.OrderRequest.limit(symbol, "buy", quantity, price))

        await exchange.trading.ready()
        async with exchange.market.stream_trades(symbol) as stream:
            async for trade in stream:
                if not meter.seen:
                    meter.start()
                meter.seen += 1
                if int(trade.trade_id) % TICK == 0:
                    tasks.start_soon(place)
                if trade.trade_id == last:
                    await anyio.sleep(0.5)
                    meter.end()


async def ws_ticks(task: Task) -> None:
    """`ticks` with orders over the WebSocket API."""
    await ticks(task, options={"order_entry": "ws"})


async def markets(task: Task) -> None:
    """All instruments, each time of a new connection, from the document to typed instruments."""
    meter = Meter()
    for number in range(task.count + 1):
        if number == 1:
            meter.start()
        async with connect(task) as exchange:
            listed = await exchange.market.instruments()
            assert len(listed) > 100
        meter.seen += number >= 1
    meter.end()


async def connected(task: Task) -> None:
    """Memory of a connection that has loaded the instruments."""
    from bench.memory import private_kb

    async with connect(task) as exchange:
        assert len(await exchange.market.instruments()) > 100
        Meter().report(mb=private_kb() / 1e3)
        os._exit(0)


async def idle(task: Task) -> None:
    """Memory of one more open socket."""
    from bench.memory import private_kb
    from lotusx.transport.wsproto_ws import WsprotoTransport

    class Handler:
        """Hears nothing."""

        def on_messages(self, messages: list[bytes], received_ns: int) -> None:
            raise AssertionError(messages)

    transport = WsprotoTransport()
    async with anyio.create_task_group() as tasks:

        async def open_one() -> None:
            connection = await transport.connect(f"{task.ws_url}/stream", Handler())
            tasks.start_soon(connection.run)

        for _ in range(5):
            await open_one()
        before = private_kb()
        for _ in range(task.count):
            await open_one()
        await anyio.sleep(0.2)
        Meter().report(kb=(private_kb() - before) / task.count)
        os._exit(0)


async def many_trades(task: Task) -> None:
    """Trades of many symbols on one connection set, each stream with a direct handler."""
    meter, symbols = Meter(), int(task.option)

    def take(_: lotusx.Trade) -> None:
        if not meter.seen:
            meter.start()
        meter.seen += 1
        if meter.seen == task.count:
            meter.end()

    async def one(exchange: lotusx.Exchange, symbol: str) -> None:
        async with exchange.market.stream_trades(symbol) as stream:
            await stream.handle(take)

    def begin() -> None:
        with urlopen(f"{task.plain_url}/bench/begin") as begun:
            begun.read()

    async with connect(task) as exchange, anyio.create_task_group() as tasks:
        for symbol in ["BTC/USDT", *(f"S{n}/USDT" for n in range(1, symbols))]:
            tasks.start_soon(one, exchange, symbol)


async def many_books(task: Task) -> None:
    """Many live books; the best prices of each are read whenever it changed."""
    symbols = int(task.option)
    last, synced, done, meter = 1_000 + task.count // symbols, 0, 0, Meter()

    async def one(exchange: lotusx.Exchange, symbol: str) -> None:
        nonlocal synced, done
        async with exchange.market.live_order_book(symbol, depth=100) as live:  # cheap snapshots: they are paced
            synced += 1
            if synced == symbols:
                await anyio.to_thread.run_sync(begin)  # an update would only be kept for later
                meter.start()
            async for top in live.changes():
                assert top.best_bid
                if top.sequence >= last:
                    break
            meter.seen += live.counters.applied
            done += 1
            if done == symbols:
                if meter.seen < task.count:
                    raise ValueError(f"{task.count - meter.seen} updates came before their books stood")
                meter.end()

    def begin() -> None:
        with urlopen(f"{task.plain_url}/bench/begin") as begun:
            begun.read()

    async with connect(task) as exchange, anyio.create_task_group() as tasks:
        for symbol in ["BTC/USDT", *(f"S{n}/USDT" for n in range(1, symbols))]:
            tasks.start_soon(one, exchange, symbol)


if __name__ == "__main__":
    given = Task.given()
    loop = os.environ.get("BENCH_LOOP", "asyncio")
    backend = "trio" if loop == "trio" else "asyncio"
    more = {"use_uvloop": True} if loop == "uvloop" else {}
    anyio.run(globals()[given.work], given, backend=backend, backend_options=more)
