"""The whole of LotusX in half a minute: a live book, an order, a dead connection that heals, a lost reply.

A simulated Binance runs in a process of its own and is reached over real HTTP and real WebSockets. Run it with
``make demo``, or ``python examples/first_light.py`` where lotusx-core, lotusx-sim and lotusx-binance are installed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from subprocess import PIPE
from typing import Any

import anyio
import httpx
from anyio.streams.text import TextReceiveStream

import lotusx

# The key pair of the exchange's published signing examples: public, and of use on the simulator only.
API_KEY = "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A"
API_SECRET = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
SYMBOL = "BTC/USDT"
COLOUR = sys.stdout.isatty() and "NO_COLOR" not in os.environ


def say(text: str, *, head: bool = False) -> None:
    """Print one line; headings stand out where a terminal is looked at."""
    if head:
        print(f"\n\x1b[1;36m{text}\x1b[0m" if COLOUR else f"\n== {text}", flush=True)
    else:
        print(f"   {text}", flush=True)


class Simulator:
    """A simulated exchange in another process, and its remote control."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url

    async def do(self, what: str, name: str, **arguments: Any) -> None:
        """Script a fault or an action."""
        async with httpx.AsyncClient(trust_env=False) as client:
            reply = await client.post(f"{self.base_url}/__sim__/{what}", json={"do": name, "with": arguments})
        reply.raise_for_status()

    async def ledger(self) -> Any:
        """Return what the exchange itself has on record."""
        async with httpx.AsyncClient(trust_env=False) as client:
            return (await client.get(f"{self.base_url}/__sim__/ledger")).json()


@asynccontextmanager
async def simulator(*arguments: str) -> AsyncIterator[Simulator]:
    """Start ``lotusx-sim serve`` and stop it afterwards."""
    command = [sys.executable, "-m", "lotusx_sim", "serve", "--venue", "binance", *arguments]
    async with await anyio.open_process(command, stdout=PIPE, stderr=None) as process:
        try:
            assert process.stdout is not None
            ready = json.loads((await TextReceiveStream(process.stdout).receive()).splitlines()[0])
            yield Simulator(ready["base_url"])
        finally:
            process.terminate()


def connect(sim: Simulator) -> lotusx.Exchange:
    """Connect as a user would; only the environment and its address differ from the real exchange."""
    return lotusx.connect(
        "binance",
        environment="simulator",
        base_url=sim.base_url,
        credentials={"api_key": API_KEY, "api_secret": API_SECRET},
    )


async def look_around(exchange: lotusx.Exchange) -> None:
    """Health, instruments, ticker."""
    say("1. connected", head=True)
    report = await exchange.health_check()
    for check in report.checks:
        say(f"{check.name:<13} {check.result:<4} {check.detail} ({check.elapsed_s * 1e3:.0f} ms)")
    instrument = await exchange.market.instrument(SYMBOL)
    say(
        f"{len(await exchange.market.instruments())} instruments; {SYMBOL}: {instrument.price_rule}, "
        f"step {instrument.step_size}, min notional {instrument.min_notional}"
    )
    ticker = await exchange.market.ticker(SYMBOL)
    say(f"last {ticker.last_price}, 24 h {ticker.low_price} … {ticker.high_price}, volume {ticker.base_volume} BTC")


async def watch_book(exchange: lotusx.Exchange, updates: int) -> None:
    """A live order book over a WebSocket."""
    say("2. a live order book", head=True)
    async with exchange.market.live_order_book(SYMBOL) as book:
        seen = 0
        async for top in book.changes():
            seen += 1
            bid, ask = top.best_bid, top.best_ask
            if bid and ask and (seen == 1 or seen % max(1, updates // 5) == 0):
                say(
                    f"update {top.sequence}: {bid.quantity:>10} @ {bid.price} | {ask.price} @ {ask.quantity:<10} "
                    f"spread {ask.price - bid.price}, age {(book.age or 0) * 1e3:.0f} ms"
                )
            if seen >= updates:
                break
        say(f"buying 0.5 BTC now would cost {book.vwap(lotusx.Side.BUY, Decimal('0.5')):.2f} each")


async def trade(exchange: lotusx.Exchange, sim: Simulator) -> None:
    """An order is placed, partly filled and cancelled; the account stream tells all of it."""
    say("3. an order: placed, partly filled, cancelled", head=True)
    async with exchange.account.stream_account() as events:
        top = await exchange.market.best_bid_offer(SYMBOL)
        assert top.bid_price is not None  # somebody bids
        price = top.bid_price - 50
        order = await exchange.trading.place(
            lotusx.OrderRequest.limit(SYMBOL, "buy", Decimal("0.01000"), price, client_order_id="first-light-1")
        )
        say(f"placed {order.client_order_id}: {order.status}, 0.01 BTC at {price}")
        await sim.do("actions", "fill", client_order_id="first-light-1", quantity="0.004")
        with anyio.fail_after(10):
            async for event in events:
                say(f"account event: {type(event).__name__:<13} {describe(event)}")
                if isinstance(event, lotusx.model.FillEvent):
                    break
        final = await exchange.trading.cancel(SYMBOL, client_order_id="first-light-1")
        say(f"cancelled: {final.status}, filled {final.filled} of {final.quantity} BTC")


def describe(event: Any) -> str:
    """Say in a few words what happened."""
    if isinstance(event, lotusx.model.OrderEvent):
        return f"{event.state.client_order_id} {event.state.status}, filled {event.state.filled}"
    if isinstance(event, lotusx.model.FillEvent):
        return f"{event.fill.quantity} at {event.fill.price}, fee {event.fill.fee} {event.fill.fee_asset}"
    if isinstance(event, lotusx.model.BalanceEvent):
        return ", ".join(f"{item.asset} {item.total}" for item in event.balances)
    return str(event)


async def heal(exchange: lotusx.Exchange, sim: Simulator) -> None:
    """Every connection is killed; the book says it is stale, and comes back by itself."""
    say("4. the connection is killed", head=True)
    async with exchange.market.live_order_book(SYMBOL) as book:
        before = book.last_update_id
        await sim.do("faults", "cut_connections", how="rst")
        cut = time.monotonic()
        with anyio.fail_after(30):
            while book.state == "synced":  # noqa: ASYNC110 - a reader that polls, to show how soon it is told
                await anyio.sleep(0.001)
            say(f"after {(time.monotonic() - cut) * 1e3:5.0f} ms the book is stale: {book.stale_reason}")
            await book.wait_synced()
        say(
            f"after {(time.monotonic() - cut) * 1e3:5.0f} ms it is right again: update {before} → {book.last_update_id}"
        )


async def lose_a_reply(exchange: lotusx.Exchange, sim: Simulator) -> None:
    """The exchange executes an order and its answer is lost. Nothing is sent twice."""
    say("5. an order whose reply is lost", head=True)
    await sim.do("faults", "lose_reply_to", method="POST", path="/api/v3/order", how="reset")
    order = await exchange.trading.place(
        lotusx.OrderRequest.market(SYMBOL, "buy", Decimal("0.01000"), client_order_id="first-light-2")
    )
    placed = [item for item in (await sim.ledger())["orders"] if item["client_id"] == "first-light-2"]
    say(f"resolved by looking: {order.status}, filled {order.filled} BTC")
    say(f"orders with this id at the exchange: {len(placed)}")
    if len(placed) != 1:
        raise SystemExit("the exchange has another number of orders than was asked for")


async def replay(corpus: Path, updates: int) -> None:
    """The same book, fed by data recorded at the real exchange."""
    say("6. recorded market data", head=True)
    capture = corpus / "binance" / "ws" / "capture_BTCUSDT_depth_trade_20240808.ndjson"
    if not capture.is_file():
        say(f"not shown: no recordings at {corpus} (set LOTUSX_CORPUS)")
        return
    async with (
        simulator("--capture", str(capture), "--speed", "20") as sim,
        connect(sim) as exchange,
        exchange.market.live_order_book(SYMBOL) as book,
        exchange.market.stream_trades(SYMBOL) as trades,
    ):
        seen = 0
        async for top in book.changes():
            seen += 1
            if seen >= updates and top.best_bid and top.best_ask:
                best = f"{top.best_bid.price} / {top.best_ask.price}"
                say(f"{capture.name}: {seen} states seen, best {best}, resyncs {book.resyncs}")
                break
        say(f"trades so far: {trades.counters}")


async def main() -> None:
    """Run all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--updates", type=int, default=25, help="book updates to watch (default: 25)")
    parser.add_argument("--seed", type=int, default=1, help="seed of the simulated market (default: 1)")
    options = parser.parse_args()
    corpus = Path(os.environ.get("LOTUSX_CORPUS", Path(__file__).parent.parent.parent / "shared" / "corpus"))
    begun = time.monotonic()
    async with simulator("--seed", str(options.seed)) as sim, connect(sim) as exchange:
        say(f"simulated Binance at {sim.base_url}", head=True)
        await look_around(exchange)
        await watch_book(exchange, options.updates)
        await trade(exchange, sim)
        await heal(exchange, sim)
        await lose_a_reply(exchange, sim)
    await replay(corpus, options.updates)
    say(f"done in {time.monotonic() - begun:.1f} s", head=True)


if __name__ == "__main__":
    anyio.run(main)
