"""Whether a trade, a book update or an order costs more than it did: CPU as a multiple of a fixed loop, one process.

    python -m bench.guard [--write]

Neither absolute times nor other libraries: the loop below runs in turn with each work, and of each the cheapest round
counts, for whatever else a machine does can only make a round dearer. A work fails where it costs more than
``1 + SLACK`` times what `bench/guard.json` notes for it, three times over.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import anyio

import lotusx
from bench.inprocess import BURST, Http, Ws
from bench.venues.binance import Exchange

NOTED = Path(__file__).with_name("guard.json")
SLACK = 0.5  # another processor may cost a third more for the same
ROUNDS, TRIES = 12, 3
TRADES, UPDATES, ORDERS = 5_000, 100, 100
Work = Callable[[], Awaitable[None]]


def reference() -> None:
    """The fixed loop: what Python does in such work, without any of our code. Never change it."""
    text = '{"p":"94321.15000000","q":"0.00153000","t":1,"m":true,"b":[["1.10","2.20"],["1.30","4.40"]]}'
    kept: dict[str, float] = {}
    for number in range(4_000):
        data = json.loads(text)
        kept[data["p"] + str(number % 50)] = float(data["q"])
        if len(kept) > 40:
            kept.pop(next(iter(kept)))
        sum(len(price) for price, _ in data["b"])


@asynccontextmanager
async def works() -> AsyncIterator[dict[str, Work]]:
    """Make what is measured; each call does it once more."""
    venue = Exchange({"trades": TRADES, "updates": UPDATES * (ROUNDS * TRIES + 1) + 1, "symbols": 1})
    ws = Ws(venue)
    key = {"api_key": "k" * 64, "api_secret": "s" * 64}
    connection = lotusx.connect(
        "binance", environment="simulator", base_url="http://bench.example", credentials=key, http=Http(venue), ws=ws
    )
    frames = venue.frames(["btcusdt@trade"])
    reads = [b"".join(frames[at : at + BURST]) for at in range(0, TRADES, BURST)]
    async with (
        connection as exchange,
        exchange.market.stream_trades("BTC/USDT") as stream,
        exchange.market.live_order_book("BTC/USDT") as book,
    ):
        socket = ws.sockets[0]
        left = iter(venue.frames(["btcusdt@depth@100ms"]))
        order = lotusx.OrderRequest.limit("BTC/USDT", "buy", Decimal("0.01"), Decimal(60_000))

        async def trades() -> None:
            for read in reads:
                socket.play(read)
                for _ in range(BURST):
                    await anext(stream)

        async def books() -> None:
            for _ in range(UPDATES):
                socket.play(next(left))
                assert book.best_bid

        async def orders() -> None:
            for _ in range(ORDERS):
                await exchange.trading.place(order)

        yield {"trades": trades, "book updates": books, "orders": orders}


async def measured() -> dict[str, float]:
    """Return each work's cost as a multiple of the loop's."""
    least: dict[str, float] = {}

    def note(name: str, took: float) -> None:
        least[name] = min(took, least.get(name, took))

    async with works() as found:
        for work in found.values():
            await work()
        for _ in range(ROUNDS):
            for name, work in found.items():
                began = time.process_time()
                reference()
                note("reference", time.process_time() - began)
                began = time.process_time()
                await work()
                note(name, time.process_time() - began)
    return {name: took / least["reference"] for name, took in least.items() if name != "reference"}


def main() -> None:
    """Compare with what is noted, or note it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="note what it costs now")
    options = parser.parse_args()
    if options.write:
        found = anyio.run(measured)
        NOTED.write_text(json.dumps({name: round(value, 3) for name, value in found.items()}, indent=1) + "\n", "utf-8")
    noted = json.loads(NOTED.read_text("utf-8"))
    for _ in range(TRIES):
        found = anyio.run(measured)
        for name, value in found.items():
            print(f"{name}: {value:.3f} of the loop, noted {noted[name]:.3f}")
        if all(value <= noted[name] * (1 + SLACK) for name, value in found.items()):
            return
    sys.exit(f"dearer than noted by more than {SLACK:.0%}; `python -m bench.guard --write` notes what it costs now")


if __name__ == "__main__":
    main()
