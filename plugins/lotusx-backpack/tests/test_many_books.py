"""A book of Backpack against a reference, over a million generated updates."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

import pytest
from backpack_documents import PERP, text

from lotusx.kernel.book import BookSync

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
PARTS, UPDATES = 8, 125_000
AHEAD = 3
Levels = dict[int, int]
"""Quantity in steps by price in ticks of 0.1."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Generator:
    """A market that moves: its book, and the updates that lead to it."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.sides: tuple[Levels, Levels] = (
            {1_410 - n: n + 1 for n in range(60)},
            {1_412 + n: n + 1 for n in range(60)},
        )
        self.number = 6_730_019_258

    def next(self) -> bytes:
        """Change up to three levels of each side, in any order; sometimes none."""
        rng = self.rng
        first = self.number + 1
        self.number = first + rng.choice((0, 0, 0, 0, 2))  # a window of several changes
        written: list[str] = []
        for side, levels in enumerate(self.sides):
            touched = {}
            for _ in range(rng.randint(0, 3)):
                tick = 1_410 - rng.randint(0, 80) if side == 0 else 1_412 + rng.randint(0, 80)
                touched[tick] = 0 if rng.random() < 0.4 else rng.randint(1, 999)
            for tick, quantity in touched.items():
                if quantity:
                    levels[tick] = quantity
                else:
                    levels.pop(tick, None)
            pairs = list(touched.items())
            rng.shuffle(pairs)
            written.append(
                ",".join(f'["{tick // 10}.{tick % 10}0","{quantity / 100:.5f}"]' for tick, quantity in pairs)
            )
        return (
            '{"stream":"depth.SOL_USDC_PERP","data":{"e":"depth","E":1,"T":1,"s":"SOL_USDC_PERP",'
            f'"U":{first},"u":{self.number},"b":[{written[0]}],"a":[{written[1]}]}}}}'
        ).encode()

    def snapshot(self) -> str:
        """Return the book as REST writes it: without padding, the best bid last."""
        bids, asks = (
            [[plain(tick, 10), plain(quantity, 100)] for tick, quantity in sorted(levels.items())]
            for levels in self.sides
        )
        return text({"asks": asks, "bids": bids, "lastUpdateId": str(self.number), "timestamp": 1})

    def best(self, side: int, count: int) -> list[tuple[Decimal, Decimal]]:
        """Return the best levels."""
        chosen = sorted(self.sides[side].items(), reverse=side == 0)[:count]
        return [(Decimal(tick) / 10, Decimal(quantity) / 100) for tick, quantity in chosen]


def plain(value: int, unit: int) -> str:
    return format((Decimal(value) / unit).normalize(), "f")


def told(levels: Any) -> list[tuple[Decimal, Decimal]]:
    return [(Decimal(price), Decimal(quantity)) for price, quantity in levels]


@pytest.mark.parametrize("part", range(PARTS))
async def test_book_is_the_markets_after_every_update(desk: Any, part: int) -> None:
    market = desk.connector.market
    convert, book, generator = (
        market.book_channel(PERP, 1_000).convert,
        BookSync(market.book_rule(1_000)),
        Generator(part),
    )
    early = [generator.next() for _ in range(AHEAD)]  # kept, and older than the snapshot
    desk.rest.reply(generator.snapshot())
    snapshot = await market.order_book(PERP, 1_000)
    for message in early:
        book.update(convert(message, 1)[0])
    book.snapshot(snapshot)
    for number in range(UPDATES):
        book.update(convert(generator.next(), number)[0])
        if number % 64 == 0:
            for side, levels in ((0, book.ladder.bids(100)), (1, book.ladder.asks(100))):
                assert told(levels) == generator.best(side, 100)
        assert book.number == generator.number
    counters = book.counters
    assert (counters.received, counters.applied, counters.buffered) == (UPDATES + AHEAD, UPDATES, AHEAD)
    assert (counters.gaps, counters.breaches) == (0, 0)


async def test_missing_update_is_a_gap(desk: Any) -> None:
    market = desk.connector.market
    convert, book, generator = (
        market.book_channel(PERP, 1_000).convert,
        BookSync(market.book_rule(1_000)),
        Generator(99),
    )
    desk.rest.reply(generator.snapshot())
    book.snapshot(await market.order_book(PERP, 1_000))
    book.update(convert(generator.next(), 1)[0])
    before = book.number
    generator.next()
    book.update(convert(generator.next(), 2)[0])
    assert book.number == before
    assert book.counters.gaps == 1
