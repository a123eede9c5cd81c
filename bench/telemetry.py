"""What observing costs on the hot path: CPU time per message, from the socket's bytes to the reader.

python -m bench.telemetry [messages]

A group of WebSockets is fed by a transport that hands over what one read brings (eight messages of one channel); the
exchange's work (routing, decoding) is as small as can be, so that what remains is the kernel's own. The three ways take
turns, and the fastest of each counts.
"""

from __future__ import annotations

import sys
import time
from random import Random
from types import SimpleNamespace
from typing import Any

import anyio
import anyio.lowlevel

from lotusx.kernel.codec import Ack, Channel, ChannelKind, WsFacts
from lotusx.kernel.request import SigningContext
from lotusx.kernel.telemetry import Telemetry
from lotusx.transport.clock import SystemClock
from lotusx.transport.supervisor import WsGroup

READ = 8
ROUNDS = 7
MESSAGE = b'{"s":"BTCUSDT","p":"60000.01","q":"0.001","T":1700000000000}'
EVENT = SimpleNamespace(exchange_ns=1_700_000_000_000_000_000, received_ns=1_700_000_000_000_100_000)


class Codec:
    """Knows one channel."""

    def subscribe(self, keys: Any, request_id: int, context: Any) -> list[str]:
        return [str(request_id)]

    def unsubscribe(self, keys: Any, request_id: int, context: Any) -> list[str]:
        return []

    def log_in(self, request_id: int, context: Any) -> str | None:
        return None

    def heartbeat(self, request_id: int) -> str | None:
        return None

    def answer(self, message: bytes) -> str | None:
        return None

    def route(self, message: bytes) -> Any:
        return "t" if message is MESSAGE else Ack(int(message))


class Transport:
    """Is the socket as well: acknowledges, and lets its handler be fed."""

    def __init__(self) -> None:
        self.last_received_ns = time.monotonic_ns()

    async def connect(self, url: str, handler: Any, **options: Any) -> Any:
        self.handler = handler
        return self

    async def run(self) -> Any:
        await anyio.sleep_forever()

    async def send(self, text: str) -> None:
        self.handler.on_messages([text.encode()], time.time_ns())

    async def ping(self) -> None: ...
    async def close(self) -> None: ...
    async def aclose(self) -> None: ...


async def feed(observer: Any, messages: int) -> float:
    """Return nanoseconds of CPU per message."""
    telemetry, transport = Telemetry(), Transport()
    if observer is not None:
        telemetry.observe(observer)
    group = WsGroup(
        exchange="x", group="g", url="ws://x", transport=transport, codec=Codec(), facts=WsFacts(), clock=SystemClock(),
        context=lambda: SigningContext(0, 1), rng=Random(7), telemetry=telemetry,
    )  # fmt: skip
    convert = [EVENT]
    channel: Channel[Any] = Channel("g", "t", ChannelKind.TRADES, lambda message, received_ns: convert)
    async with group, group.subscribe(channel, buffer=100_000) as stream:
        while str(stream.state) != "acknowledged":
            await anyio.lowlevel.checkpoint()
        run = [MESSAGE] * READ
        began = time.process_time_ns()
        for _ in range(messages // READ):
            transport.handler.on_messages(run, EVENT.received_ns)
            for _ in run:
                await anext(stream)
        return (time.process_time_ns() - began) / messages


class Measuring:
    """Wants measurements, and makes nothing of them."""

    measure_s = 1.0

    def __call__(self, event: object) -> None: ...


def main() -> None:
    """Print the table."""
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    ways: dict[str, Any] = {
        "nobody observes": None,
        "an observer": lambda event: None,
        "with measurements": Measuring(),
    }
    best = dict.fromkeys(ways, float("inf"))
    for _ in range(ROUNDS):
        for name, observer in ways.items():
            best[name] = min(best[name], anyio.run(feed, observer, messages))
    for name, cost in best.items():
        print(f"{name:<20} {cost:7.0f} ns per message")


if __name__ == "__main__":
    main()
