"""picows and msgspec by hand: the least a Python user can write for a trade or a book, without any safety."""

from __future__ import annotations

import asyncio
import os
import ssl
from bisect import bisect_left, insort
from importlib import import_module
from typing import Any

import msgspec

from bench.clients.meter import Meter, Task


class Trade(msgspec.Struct):
    """What the user wants of a trade; numbers stay text."""

    s: str
    t: int
    p: str
    q: str
    T: int
    m: bool


class TradeMessage(msgspec.Struct):
    """Its message."""

    data: Trade


class Depth(msgspec.Struct):
    """Changes of a book."""

    u: int
    b: list[tuple[str, str]]
    a: list[tuple[str, str]]


class DepthMessage(msgspec.Struct):
    """Its message."""

    data: Depth


async def run(task: Task, stream: str, take: Any) -> None:
    """Give every frame's bytes to *take*."""
    picows = import_module("picows")

    base: Any = picows.WSListener

    class Listener(base):
        """Calls back."""

        def on_ws_frame(self, transport: Any, frame: Any) -> None:
            take(frame.get_payload_as_memoryview())

    tls = None
    if task.base_url.startswith("https"):
        tls = ssl.create_default_context(cafile=os.environ["SSL_CERT_FILE"])
    url = f"{task.ws_url}/stream?streams={stream}"
    transport, _ = await picows.ws_connect(Listener, url, ssl_context=tls)
    await transport.wait_disconnected()


async def trades(task: Task) -> None:
    """A typed trade per frame."""
    meter, decode = Meter(), msgspec.json.Decoder(TradeMessage).decode

    def take(data: Any) -> None:
        trade = decode(data).data
        if not meter.seen:
            meter.start()
        meter.seen += 1
        if trade.t == task.count:
            meter.end()

    await run(task, "btcusdt@trade", take)


class Side:
    """A sorted list of floats and a dict: what one writes by hand."""

    def __init__(self, pairs: list[list[str]]) -> None:
        self.levels = {float(price): float(quantity) for price, quantity in pairs}
        self.keys = sorted(self.levels)

    def apply(self, pairs: list[tuple[str, str]]) -> None:
        keys, levels = self.keys, self.levels
        for price_text, quantity_text in pairs:
            price, quantity = float(price_text), float(quantity_text)
            if quantity:
                if price not in levels:
                    insort(keys, price)
                levels[price] = quantity
            elif price in levels:
                del levels[price]
                del keys[bisect_left(keys, price)]


async def book(task: Task) -> None:
    """A book of floats, best prices read after each update."""
    import json
    from urllib.request import urlopen

    meter, decode = Meter(), msgspec.json.Decoder(DepthMessage).decode
    sides: list[Side] = []

    def take(data: Any) -> None:
        update = decode(data).data
        if not sides:  # blocks: the rest is only sent when it was asked for
            with urlopen(f"{task.plain_url}/api/v3/depth") as reply:
                document = json.load(reply)
            sides.extend([Side(document["bids"]), Side(document["asks"])])
        if not meter.seen:
            meter.start()
        meter.seen += 1
        bids, asks = sides
        bids.apply(update.b)
        asks.apply(update.a)
        assert bids.keys[-1] < asks.keys[0]
        if update.u >= 1_000 + task.count:
            meter.end()

    await run(task, "btcusdt@depth@100ms", take)


if __name__ == "__main__":
    given = Task.given()
    factory = None
    if os.environ.get("BENCH_LOOP") == "uvloop":
        factory = import_module("uvloop").new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(globals()[given.work](given))
