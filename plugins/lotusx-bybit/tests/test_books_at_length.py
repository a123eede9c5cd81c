"""A million generated updates of each depth, with holes, repetitions and restarts, against a naive book."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from lotusx.kernel.book import BookState, BookSync
from lotusx.model import Symbol
from lotusx_bybit.v5 import books, types

BTC = Symbol("BTC", "USDT", "USDT")
UPDATES = 1_000_000
Push = types.Push[types.BookEvent]


class Naive:
    """The rule in its plainest form: two dictionaries, a number, and whether they are worth anything."""

    def __init__(self) -> None:
        self.sides: tuple[dict[int, str], dict[int, str]] = ({}, {})
        self.number = 0
        self.good = False

    def read(self, push: Push) -> None:
        event = push.data
        if push.type == "snapshot":
            for levels in self.sides:
                levels.clear()
            self.good = True
        elif not self.good or event.u <= self.number:
            # Number 1 says that the service was restarted: as a delta it is of no use.
            self.good = self.good and event.u != books.RESTART
            return
        elif event.u != self.number + 1:
            self.good = False
            return
        self.number = event.u
        for levels, changes in zip(self.sides, (event.b, event.a), strict=True):
            for price, quantity in changes:
                if quantity == "0":
                    levels.pop(int(price), None)
                else:
                    levels[int(price)] = quantity

    def pairs(self) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        bids, asks = self.sides
        return (
            [(str(price), bids[price]) for price in sorted(bids, reverse=True)],
            [(str(price), asks[price]) for price in sorted(asks)],
        )


def _stream(depth: int, rng: Random) -> Iterator[tuple[Push, bool]]:
    """Yield messages, and whether something out of the ordinary has just happened.

    Bids have *depth* prices below the middle and asks as many above it, so that no level is ever out of the window.
    """
    number, middle, count = 0, 10 * depth, 0
    draw = rng.random

    def level(sign: int) -> tuple[str, str]:
        price = middle + sign * (1 + int(draw() * depth))
        return str(price), "0" if draw() < 0.35 else str(1 + int(draw() * 1_000))

    def push(kind: str, u: int, levels: int) -> Push:
        changes = [[level(sign) for _ in range(levels)] for sign in (-1, 1)]
        return Push("orderbook", 1, types.BookEvent("BTCUSDT", changes[0], changes[1], u), kind)

    while count < UPDATES:
        lot = draw()
        if number == 0 or lot < 0.0004:  # a snapshot, under any number, perhaps after a restart
            middle = 10 * depth + int(draw() * depth)
            number = books.RESTART if lot < 0.0002 else number + 1 + int(draw() * 1_000)
            yield push("snapshot", number, depth), True
        elif lot < 0.0006:  # a repetition
            yield push("delta", number - int(draw() * 3), 1), True
        elif lot < 0.0008:  # a hole
            number += 2 + int(draw() * 5)
            yield push("delta", number, 1), True
        else:
            number += 1
            yield push("delta", number, 1), False
        count += 1


@pytest.mark.slow
@pytest.mark.parametrize("depth", books.DEPTHS)
def test_book_is_the_naive_one_after_a_million_updates(depth: int) -> None:
    sync, naive = BookSync(books.book_rule(depth)), Naive()
    compared = good = 0

    for index, (push, special) in enumerate(_stream(depth, Random(depth))):
        sync.update(books.to_book_update(push, symbol=BTC, received_ns=0))
        naive.read(push)
        if special or index % 1_000 == 0:
            assert (sync.state is BookState.SYNCED) is naive.good, f"after {index} updates"
            compared += 1
            if naive.good:
                good += 1
                assert (sync.number, (sync.ladder.bids(), sync.ladder.asks())) == (naive.number, naive.pairs())

    assert sync.counters.received == UPDATES
    assert sync.counters.gaps > 50
    assert sync.counters.snapshots > 200
    assert good > compared / 4 > 300
