"""A naive reference book, a seeded market that moves it, and a clock that only the test moves."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from random import Random

import anyio

from lotusx.kernel.book import Link
from lotusx.model.enums import InstrumentKind, InstrumentStatus
from lotusx.model.instruments import Instrument, TickSize
from lotusx.model.market_data import BookUpdate, Level, OrderBook
from lotusx.model.symbol import Symbol

SYMBOL = Symbol("BTC", "USDT")
INSTRUMENT = Instrument(
    symbol=SYMBOL,
    venue_symbol="BTCUSDT",
    kind=InstrumentKind.SPOT,
    status=InstrumentStatus.TRADING,
    price_rule=TickSize(Decimal("0.01"), maximum=Decimal(1_000_000)),
    step_size=Decimal("0.00001"),
)
Side = dict[Decimal, Decimal]


class NaiveBook:
    """Two dicts; sorts whenever it is asked. Slow and plainly right."""

    def __init__(self) -> None:
        self.bids: Side = {}
        self.asks: Side = {}

    def apply(self, update: BookUpdate) -> None:
        for side, pairs in ((self.bids, update.bids), (self.asks, update.asks)):
            for price, quantity in pairs:
                side.pop(Decimal(price), None)
                if Decimal(quantity):
                    side[Decimal(price)] = Decimal(quantity)

    def replace(self, book: OrderBook) -> None:
        self.bids = {level.price: level.quantity for level in book.bids}
        self.asks = {level.price: level.quantity for level in book.asks}

    def snapshot(self, number: int, depth: int) -> OrderBook:
        bids, asks = self.top_bids()[:depth], self.top_asks()[:depth]
        return OrderBook(SYMBOL, tuple(Level(*x) for x in bids), tuple(Level(*x) for x in asks), number)

    def top_bids(self, floor: Decimal | None = None) -> list[tuple[Decimal, Decimal]]:
        return sorted(((p, q) for p, q in self.bids.items() if floor is None or p >= floor), reverse=True)

    def top_asks(self, floor: Decimal | None = None) -> list[tuple[Decimal, Decimal]]:
        return sorted((p, q) for p, q in self.asks.items() if floor is None or p <= floor)


class Market:
    """A market whose every state is remembered by number. Its updates join one to five numbered changes."""

    def __init__(self, seed: int, link: Link = Link.CONTIGUOUS, *, single: bool = False) -> None:
        self.random = Random(seed)
        self.link = link
        self.single = single
        self.number = 100
        self.mid = 5_000
        self.book = NaiveBook()
        self.history: dict[int, tuple[Side, Side]] = {100: ({}, {})}
        for offset in range(1, 9):
            self.book.bids[self._price(self.mid - offset)] = Decimal(offset)
            self.book.asks[self._price(self.mid + offset)] = Decimal(offset)
        self._remember()

    def _price(self, tick: int) -> Decimal:
        return Decimal(tick) / 100

    def _remember(self) -> None:
        self.history[self.number] = (dict(self.book.bids), dict(self.book.asks))

    def step(self) -> BookUpdate:
        """Change one to five levels, one after the other, never crossing, and return them as one update."""
        previous = self.number
        changed: tuple[set[Decimal], set[Decimal]] = (set(), set())
        first = 0
        for _ in range(self.random.randint(1, 5)):
            if not (self.single and first):
                self.number += 1 if self.link is Link.CONTIGUOUS else self.random.randint(1, 4)
            first = first or self.number
            self._change(changed)
            self._remember()
        bids, asks = (
            [(f"{price:.8f}", f"{side.get(price, Decimal(0)):.8f}") for price in sorted(prices)]
            for side, prices in zip((self.book.bids, self.book.asks), changed, strict=True)
        )
        stated = previous if self.link is Link.PREVIOUS else None
        return BookUpdate(SYMBOL, bids, asks, first, self.number, stated, received_ns=self.number)

    def _change(self, changed: tuple[set[Decimal], set[Decimal]]) -> None:
        bids, asks = self.book.bids, self.book.asks
        if self.random.random() < 0.2:  # the touch moves: what stands in the way goes first
            self.mid += self.random.choice((-1, 1))
        is_bid = self.random.random() < 0.5
        side, other = (bids, asks) if is_bid else (asks, bids)
        tick = self.mid + self.random.randint(1, 12) * (-1 if is_bid else 1)
        price = self._price(tick)
        for standing in [p for p in other if (p <= price if is_bid else p >= price)]:
            del other[standing]
            changed[1 if is_bid else 0].add(standing)
        changed[0 if is_bid else 1].add(price)
        if price in side and len(side) > 2 and self.random.random() < 0.5:
            del side[price]
        else:
            side[price] = Decimal(self.random.randint(1, 10**6)) / 1000

    def snapshot(self, number: int | None = None, *, complete: bool = True) -> OrderBook:
        """The book as it was at *number* (default: now)."""
        number = self.number if number is None else number
        bids, asks = self.history[number]
        return OrderBook(
            SYMBOL,
            tuple(Level(price, bids[price]) for price in sorted(bids, reverse=True)),
            tuple(Level(price, asks[price]) for price in sorted(asks)),
            sequence=number,
            complete=complete,
        )

    def stream_snapshot(self) -> BookUpdate:
        book = self.snapshot()
        pairs = [[(f"{x.price:.8f}", f"{x.quantity:.8f}") for x in side] for side in (book.bids, book.asks)]
        return BookUpdate(SYMBOL, pairs[0], pairs[1], self.number, self.number, snapshot=True)

    def levels(self, number: int) -> tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]:
        bids, asks = self.history[number]
        return sorted(bids.items(), reverse=True), sorted(asks.items())


def exact(pairs: list[tuple[str, str]]) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(price), Decimal(quantity)) for price, quantity in pairs]


class ManualClock:
    """Time passes when the test says so."""

    def __init__(self) -> None:
        self.ns = 1_000_000_000
        self.slept: list[float] = []
        self._sleepers: list[tuple[int, anyio.Event]] = []

    def now_ns(self) -> int:
        return self.ns

    def monotonic_ns(self) -> int:
        return self.ns

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        event = anyio.Event()
        self._sleepers.append((self.ns + int(seconds * 1e9), event))
        await event.wait()

    async def advance(self, seconds: float) -> None:
        """Let time pass, and everyone whom that wakes come to rest."""
        self.ns += int(seconds * 1e9)
        for due, event in self._sleepers:
            if due <= self.ns:
                event.set()
        self._sleepers = [(due, event) for due, event in self._sleepers if due > self.ns]
        await anyio.wait_all_tasks_blocked()


def corpus() -> Path:
    root = Path(__file__).resolve().parents[3]
    return Path(os.environ.get("LOTUSX_CORPUS", root / ".." / "shared" / "corpus"))


def recorded(path: Path) -> Iterator[BookUpdate | OrderBook]:
    """Snapshots and updates of a recorded capture, in the order they were received."""
    with path.open("rb") as lines:
        for line in lines:
            record = json.loads(line)
            if record["dir"] == "rest_snapshot":
                document = record["msg"]
                sides = [tuple(Level(Decimal(p), Decimal(q)) for p, q in document[name]) for name in ("bids", "asks")]
                yield OrderBook(SYMBOL, sides[0], sides[1], sequence=document["lastUpdateId"])
            elif "@depth" in record["msg"].get("stream", ""):
                data = record["msg"]["data"]
                yield BookUpdate(
                    SYMBOL,
                    [(p, q) for p, q in data["b"]],
                    [(p, q) for p, q in data["a"]],
                    data["U"],
                    data["u"],
                    data.get("pu"),
                    received_ns=record["recv_ns"],
                )
