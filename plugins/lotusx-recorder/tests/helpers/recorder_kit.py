"""Recordings of simulated exchanges, made in virtual time."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import pyarrow.parquet as pq
import trio.testing

import lotusx
from lotusx.model.market_data import Level, Trade
from lotusx_recorder import Recorder, RecordingEnded
from lotusx_sim import BinanceSpot, Bybit, Hyperliquid, Simulator
from lotusx_sim.shells import memory

VENUES = {
    "binance": (BinanceSpot, "BTC/USDT"),
    "bybit": (Bybit, "BTC/USDT"),
    "hyperliquid": (Hyperliquid, "BTC/USDC:USDC"),
}
BACKEND: tuple[str, dict[str, object]] = ("trio", {"clock": trio.testing.MockClock(autojump_threshold=0)})


@dataclass
class Seen:
    """What a bot got to see."""

    trades: list[Trade] = field(default_factory=list)
    books: list[tuple[Trade, int, list[Level], list[Level]]] = field(default_factory=list)


@dataclass(frozen=True)
class Recorded:
    """A recording, and what the bot saw while it was made."""

    exchange: str
    symbol: str
    folder: Path
    seen: Seen

    def replay(self, *plugins: object, **options: Any) -> lotusx.Exchange:
        chosen = {"recording": self.folder, "speed": None, **options}
        return lotusx.connect("replay", options=chosen, plugins=plugins)


@asynccontextmanager
async def simulated(exchange: str, recorder: Recorder | None = None, **more: Any) -> AsyncIterator[lotusx.Exchange]:
    """Connect to a simulated *exchange* in this process."""
    venue, _ = VENUES[exchange]
    sim = Simulator(venue(seed=7))
    async with memory.connect(sim, latency_s=0.005) as server:
        if recorder is not None:
            recorder._now_ns = server.clock.now_ns
        async with lotusx.connect(
            exchange, environment="simulator", base_url=server.base_url, http=server.http, ws=server.ws,
            clock=server.clock, plugins=[] if recorder is None else [recorder], **more,
        ) as connected:  # fmt: skip
            yield connected


async def watch(exchange: lotusx.Exchange, symbol: str, count: int | None = None) -> Seen:
    """Be a bot: follow trades and the book, until *count* trades have come, or to the end."""
    seen, enough = Seen(), anyio.Event()

    def look(trade: Trade) -> None:
        seen.trades.append(trade)
        if book.last_update_id is not None:
            seen.books.append((trade, book.last_update_id, book.bids(), book.asks()))
        if len(seen.trades) == count:
            enough.set()

    with contextlib.suppress(RecordingEnded):
        async with exchange.live_order_book(symbol) as book, exchange.stream_trades(symbol) as trades:
            ended = trades.handle(look)
            if count is None:
                await ended
            await enough.wait()
    return seen


def in_virtual_time(function: Callable[..., Awaitable[Any]], *arguments: Any) -> Any:
    backend, options = BACKEND
    return anyio.run(function, *arguments, backend=backend, backend_options=options)


def record(exchange: str, folder: Path, trades: int = 40) -> Recorded:
    """Make a recording."""
    symbol = VENUES[exchange][1]
    recorder = Recorder(to=folder)

    async def run() -> Seen:
        async with simulated(exchange, recorder) as connected:
            return await watch(connected, symbol, trades)

    seen = in_virtual_time(run)
    assert recorder.close(30)
    assert not recorder.problem
    return Recorded(exchange, symbol, folder, seen)


def tables(folder: Path) -> set[str]:
    """Return the tables that have files."""
    return {path.parent.parent.name for path in folder.glob("**/*.parquet")}


def rows(folder: Path, table: str) -> list[dict[str, Any]]:
    """Return the rows of *table*, in the order in which they were heard."""
    found = [row for path in sorted((folder / table).glob("**/*.parquet")) for row in pq.read_table(path).to_pylist()]
    return sorted(found, key=lambda row: row.get("seq", 0))
