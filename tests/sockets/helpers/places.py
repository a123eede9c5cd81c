"""One market of each simulated exchange that the network is made to misbehave in front of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal as D
from typing import Any

import anyio
import e2e_hyperliquid
import e2e_kit

import lotusx
from lotusx_sim import BinanceSpot, Hyperliquid, Simulator


@dataclass(frozen=True, slots=True)
class Place:
    """What the tests must know of it.

    Attributes:
        symbol: Our name of the market; ``market``: the exchange's.
        depth: How many levels of the book are looked at. ``book_topic``: of its messages, as the simulator has them.
    """

    exchange: str
    venue: Callable[[], Any]
    credentials: Mapping[str, str]
    symbol: str
    market: str
    depth: int
    book_topic: str

    def simulator(self) -> Simulator:
        """Return the exchange, still and with a book that nothing here can empty."""
        sim = Simulator(self.venue())
        sim.set_book(self.market, bids=[("68000", "900"), ("67999", "5")], asks=[("68001", "900"), ("68002", "5")])
        return sim

    def levels(self, sim: Simulator) -> list[list[tuple[D, D]]]:
        """Return the exchange's own book, bids and asks, best first."""
        book = sim.exchange.books[self.market]
        return [book.bids.top(self.depth), book.asks.top(self.depth)]


async def heard(trades: lotusx.Stream[lotusx.Trade], quantity: D) -> None:
    """Wait for a print of *quantity*; some subscriptions begin with prints that are known."""
    with anyio.fail_after(30):
        async for each in trades:
            if each.quantity == quantity:
                return


BINANCE = Place(
    "binance", lambda: BinanceSpot(seed=7, actions_per_s=0), e2e_kit.KEY, "BTC/USDT", "BTCUSDT", 1_000,
    "btcusdt@depth@100ms",
)  # fmt: skip
HYPERLIQUID = Place(
    "hyperliquid", lambda: Hyperliquid(seed=7, actions_per_s=0, pace=0.1), e2e_hyperliquid.KEY, "BTC/USDC:USDC", "BTC",
    20, "l2Book:BTC*",
)  # fmt: skip
