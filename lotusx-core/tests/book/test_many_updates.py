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
        one = "1.00000000"
        self.bids = dict.fromkeys((LOW - 100, *range(LOW - WIDTH, LOW)), one)  # the outermost ones always stay
        self.asks = dict.fromkeys((HIGH + 100, *range(LOW + 1, LOW + WIDTH)), one)

    def change(self, tick: int, size: int, middle: int) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """Set or delete a level, remove what it would cross, and return what an exchange would send."""
        bids: list[tuple[str, str]] = []
        asks: list[tuple[str, str]] = []
        if tick < middle:
            side, texts, other, facing = self.bids, bids, self.asks, asks
            crossed = [at for at in other if at <= tick]
        else:
            side, texts, other, facing = self.asks, asks, self.bids, bids
            crossed = [at for at in other if at >= tick]
        for at in crossed:
            del other[at]
            facing.append((PRICES[at], QUANTITIES[0]))
        if size:
            side[tick] = QUANTITIES[size]
        else:
            side.pop(tick, None)
        texts.append((PRICES[tick], QUANTITIES[size]))
        return bids, asks

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
def test_a_million_updates_agree_with_a_naive_book() -> None:
    seed = int(os.environ.get("LOTUSX_SEED", "20261121"))
    random = Random(seed)
    sync, truth = BookSync(BookRule.contiguous(), Lane.FLOAT), Ticks()
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
            bids, asks = truth.change(tick, size, mid)
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
        f"book: seed {seed}, {number} updates, {faults} faults, {stale} resyncs, {shown} states and {whole} "
        f"whole books compared, {time.monotonic() - started:.1f} s"
    )
    assert number >= UPDATES
    assert shown >= UPDATES - 4 * faults
    assert stale > 0
