"""Order book: our ladder, sync machine and decoding, as ratios to a plain sorted list of floats.

``python bench/book_update.py``: 1 000 levels a side, 42 level changes a message, then both best prices read. The
reference is what one writes by hand: a loop over a sorted list and a dict of floats, which checks nothing.
"""

from __future__ import annotations

import statistics
import time
from bisect import bisect_left, insort
from collections.abc import Callable
from random import Random

import msgspec

from lotusx.kernel.book import BookRule, BookSync, Ladder, Lane, Outcome
from lotusx.model.market_data import BookUpdate
from lotusx.model.symbol import Symbol

LEVELS, CHANGES, MESSAGES, ROUNDS = 1_000, 42, 400, 15
SYMBOL = Symbol("BTC", "USDT")
MIDDLE = 6_000_000  # in ticks of 0.01
Pairs = list[tuple[str, str]]


class Wire(msgspec.Struct):
    """A depth message of 42 levels, about 1.5 kB."""

    E: int
    U: int
    u: int
    b: list[tuple[str, str]]
    a: list[tuple[str, str]]


class PlainSide:
    """The reference."""

    def __init__(self, pairs: Pairs) -> None:
        self.levels = {float(price): float(quantity) for price, quantity in pairs}
        self.keys = sorted(self.levels)

    def apply(self, pairs: Pairs) -> None:
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


def material() -> tuple[Pairs, Pairs, list[tuple[Pairs, Pairs]]]:
    """Return both sides of a snapshot and the messages after it."""
    random = Random(1)

    def level(sign: int) -> tuple[str, str]:
        ticks = MIDDLE + sign * (1 + int(abs(random.gauss(0, 200))) % LEVELS)
        quantity = "0.00000000" if random.random() < 0.4 else f"{random.random() * 5:.8f}"
        return f"{ticks / 100:.8f}", quantity

    bids, asks = ([(f"{(MIDDLE + s * n) / 100:.8f}", "1.00000000") for n in range(1, LEVELS + 1)] for s in (-1, 1))
    half = CHANGES // 2
    return bids, asks, [([level(-1) for _ in range(half)], [level(1) for _ in range(half)]) for _ in range(MESSAGES)]


def measure(runs: dict[str, Callable[[], Callable[[], None]]]) -> dict[str, float]:
    """Return CPU ns per level change, the median of interleaved rounds."""
    times: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(ROUNDS):
        for name, prepare in runs.items():
            run = prepare()
            started = time.process_time_ns()
            run()
            times[name].append((time.process_time_ns() - started) / (MESSAGES * CHANGES))
    return {name: statistics.median(taken) for name, taken in times.items()}


def main() -> None:
    """Print the table."""
    bids, asks, messages = material()
    updates = [BookUpdate(SYMBOL, b, a, n, n) for n, (b, a) in enumerate(messages, start=1)]
    wire = [msgspec.json.encode(Wire(1_723_161_255_208, n, n, b, a)) for n, (b, a) in enumerate(messages, start=1)]
    decoder = msgspec.json.Decoder(Wire)

    def reference() -> Callable[[], None]:
        below, above = PlainSide(bids), PlainSide(asks)

        def run() -> None:
            for b, a in messages:
                below.apply(b)
                above.apply(a)
                below.keys[-1], above.keys[0]

        return run

    def ladder(new: Callable[[], Ladder]) -> Callable[[], Callable[[], None]]:
        def prepare() -> Callable[[], None]:
            levels = new()
            levels.replace(bids, asks, complete=True)

            def run() -> None:
                for b, a in messages:
                    levels.apply(b, a)
                    levels.best_pairs()

            return run

        return prepare

    def fresh() -> BookSync:
        sync = BookSync(BookRule.contiguous(), Lane.FLOAT)
        assert sync.snapshot(BookUpdate(SYMBOL, bids, asks, 0, 0)) is Outcome.APPLIED
        return sync

    def machine() -> Callable[[], None]:
        sync = fresh()

        def run() -> None:
            for update in updates:
                sync.update(update)
                sync.ladder.best_pairs()

        return run

    def decoding() -> Callable[[], None]:
        sync = fresh()

        def run() -> None:
            for message in wire:
                data = decoder.decode(message)
                sync.update(BookUpdate(SYMBOL, data.b, data.a, data.U, data.u))
                sync.ladder.best_pairs()

        return run

    def exact() -> Callable[[], None]:
        sync = fresh()

        def run() -> None:
            for message in wire:
                data = decoder.decode(message)
                sync.update(BookUpdate(SYMBOL, data.b, data.a, data.U, data.u))
                _ = sync.ladder.best_bid, sync.ladder.best_ask

        return run

    def decode_only() -> Callable[[], None]:
        def run() -> None:
            for message in wire:
                decoder.decode(message)

        return run

    results = measure(
        {
            "plain sorted list of floats (reference)": reference,
            "ladder": ladder(lambda: Ladder(Lane.FLOAT)),
            "ladder, not compiled": ladder(lambda: Ladder(Lane.FLOAT, None)),
            "ladder, decimal lane": ladder(lambda: Ladder(Lane.DECIMAL)),
            "sync machine, checked": machine,
            "decode only": decode_only,
            "decode + sync machine, best as text": decoding,
            "decode + sync machine, best as Decimal": exact,
        }
    )
    base = results["plain sorted list of floats (reference)"]
    print(f"{'':44}{'ns/level':>10}{'µs/update':>11}{'ratio':>8}")
    for name, taken in results.items():
        print(f"{name:44}{taken:10.0f}{taken * CHANGES / 1000:11.1f}{taken / base:8.2f}")


if __name__ == "__main__":
    main()
