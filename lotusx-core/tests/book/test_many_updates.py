"""A million generated updates, some lost, repeated, swapped or falsified, against a naive reference book."""

from __future__ import annotations

import os
import time
from decimal import Decimal
from random import Random

import pytest

from lotusx.kernel.book import BookRule, BookState, BookSync, Lane, Outcome
from lotusx.model.market_data import BookUpdate, Level, OrderBook

from .book_kit import SYMBOL

UPDATES = 1_000_000
CHUNK = 20_000
LOW, HIGH, WIDTH = 10_000, 10_024, 12  # where the middle walks, in ticks; levels a side
PRICES = [f"{tick / 100:.8f}" for tick in range(HIGH + 200)]
QUANTITIES = ["0.00000000", *(f"{n / 1000:.8f}" for n in range(1, 1_000))]


class Ticks:
    """The naive reference: two dicts of ticks; the best is looked for among all of them."""

    def __init__(self) -> None:
        self.bids: dict[int, str] = {tick: "1.00000000" for tick in range(LOW - WIDTH, LOW)}
        self.asks: dict[int, str] = {tick: "1.00000000" for tick in range(LOW + 1, LOW + WIDTH)}

    def snapshot(self, number: int) -> OrderBook:
        bids, asks = (
            tuple(Level(Decimal(PRICES[tick]), Decimal(quantity)) for tick, quantity in side.items())
            for side in (self.bids, self.asks)
        )
        return OrderBook(SYMBOL, bids, asks, number, complete=True)

    def best(self) -> tuple[str, str, str, str]:
        bid, ask = max(self.bids), min(self.asks)
        return PRICES[bid], self.bids[bid], PRICES[ask], self.asks[ask]


def generate(random: Random, count: int, middle: int) -> tuple[list[tuple[int, int, int]], int]:
    """Draw *count* changes at once: (tick, quantity index, middle at that time)."""
    moves = random.choices((0, 0, 0, 0, 0, 0, -1, 1), k=count)
    offsets = random.choices((*range(-WIDTH, 0), *range(1, WIDTH + 1)), k=count)
    sizes = random.choices((0, *range(1, 1_000)), weights=(400, *([1] * 999)), k=count)
    changes = []
    for move, offset, size in zip(moves, offsets, sizes, strict=True):
        middle = min(HIGH, max(LOW, middle + move))
        changes.append((middle + offset, size, middle))
    return changes, middle


@pytest.mark.slow
@pytest.mark.parametrize("lane", [Lane.FLOAT])
def test_a_million_updates_agree_with_a_naive_book(lane: Lane) -> None:
    seed = int(os.environ.get("LOTUSX_SEED", "20261121"))
    random = Random(seed)
    sync, truth = BookSync(BookRule.contiguous(), lane), Ticks()
    number = shown = whole = faults = stale = 0
    middle = LOW
    started = time.monotonic()
    sync.snapshot(truth.snapshot(number))
    for _ in range(UPDATES // CHUNK):
        changes, middle = generate(random, CHUNK, middle)
        faulty = {random.randrange(CHUNK): random.choice(("drop", "repeat", "swap", "wrong")) for _ in range(20)}
        held: BookUpdate | None = None
        for index, (tick, size, mid) in enumerate(changes):
            number += 1
            bids: list[tuple[str, str]] = []
            asks: list[tuple[str, str]] = []
            for side, texts in ((truth.bids, bids), (truth.asks, asks)):
                for old in [t for t in ((mid,) if mid not in (tick,) else ()) if t in side and len(side) > 1]:
                    del side[old]
                    texts.append((PRICES[old], QUANTITIES[0]))
            mine, other, texts, facing = (
                (truth.bids, truth.asks, bids, asks) if tick < mid else (truth.asks, truth.bids, asks, bids)
            )
            if tick in other:  # the middle has passed it
                del other[tick]
                facing.append((PRICES[tick], QUANTITIES[0]))
            if not size and tick in mine and len(mine) > 1:
                del mine[tick]
                texts.append((PRICES[tick], QUANTITIES[0]))
            elif size:
                crossing = [t for t in other if (t <= tick if mine is truth.bids else t >= tick)]
                for old in crossing:
                    del other[old]
                    facing.append((PRICES[old], QUANTITIES[0]))
                mine[tick] = QUANTITIES[size]
                texts.append((PRICES[tick], QUANTITIES[size]))
            if not truth.bids or not truth.asks:
                truth.bids.setdefault(LOW - 100, "1.00000000")
                truth.asks.setdefault(HIGH + 100, "1.00000000")
                bids.append((PRICES[LOW - 100], truth.bids[LOW - 100])) if LOW - 100 in truth.bids else None
                asks.append((PRICES[HIGH + 100], truth.asks[HIGH + 100])) if HIGH + 100 in truth.asks else None
            update = BookUpdate(SYMBOL, bids, asks, number, number)
            fault = faulty.get(index)
            if fault is not None:
                faults += 1
                if fault == "drop":
                    continue
                if fault == "repeat":
                    sync.update(update)
                elif fault == "swap":
                    held = update
                    continue
                else:
                    best_ask = PRICES[min(truth.asks)]
                    update = BookUpdate(SYMBOL, [*bids, (best_ask, "1")], asks, number, number)
            outcome = sync.update(update)
            if held is not None:
                sync.update(held)
                held = None
            if outcome is Outcome.STALE:
                stale += 1
                assert sync.snapshot(truth.snapshot(number)) is Outcome.APPLIED
            if sync.state is BookState.SYNCED and sync.number == number:
                shown += 1
                bid, ask = sync.ladder.best_pairs()
                assert bid is not None
                assert ask is not None
                assert (*bid, *ask) == truth.best()
        if sync.state is BookState.SYNCED and sync.number == number:
            whole += 1
            assert sync.ladder.bids() == [(PRICES[t], truth.bids[t]) for t in sorted(truth.bids, reverse=True)]
            assert sync.ladder.asks() == [(PRICES[t], truth.asks[t]) for t in sorted(truth.asks)]
    print(
        f"book: seed {seed}, {number} updates, {faults} faults, {stale} resyncs, {shown} states and {whole} whole books "
        f"compared, {time.monotonic() - started:.1f} s"
    )
    assert number >= UPDATES
    assert shown >= UPDATES - 4 * faults
    assert stale > 0
