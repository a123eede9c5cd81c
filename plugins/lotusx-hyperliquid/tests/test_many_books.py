"""A book of Hyperliquid against a reference, over a million generated messages."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hyperliquid_documents import BTC

from lotusx.kernel.book import BookSync
from lotusx_hyperliquid.conversions import FAST_LEVELS

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
PARTS, MESSAGES = 8, 125_000
Side = list[tuple[str, str]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Generator:
    """Books that move, stand still, thin out, and now and then come late or twice."""

    def __init__(self, seed: int) -> None:
        self._rng = Random(seed)
        self._time = 1_790_000_000_000
        self._mid = 84_000

    def next(self) -> tuple[int, Side, Side]:
        """Return time, bids and asks of the next message."""
        rng = self._rng
        self._time += rng.choice((-600, 0, 540, 540, 540, 540, 540, 541))
        self._mid = max(1_000, self._mid + rng.randint(-3, 3))
        gap = rng.randint(1, 4)
        bids = [(f"{self._mid - gap - n}.0", f"0.{rng.randint(1, 99999):05}") for n in range(rng.randint(1, 5))]
        asks = [(f"{self._mid + gap + n}.0", f"1.{rng.randint(1, 99999):05}") for n in range(rng.randint(1, 5))]
        return self._time, bids, asks


def written(time: int, bids: Side, asks: Side) -> bytes:
    """Write a message as the exchange does."""
    sides = (",".join(f'{{"px":"{px}","sz":"{sz}","n":1}}' for px, sz in side) for side in (bids, asks))
    return f'{{"channel":"l2Book","data":{{"coin":"BTC","time":{time},"levels":[[{"],[".join(sides)}]]}}}}'.encode()


@pytest.mark.parametrize("part", range(PARTS))
async def test_the_book_is_always_the_newest_message(desk: Any, part: int) -> None:
    market = desk.connector.market
    convert, book = market.book_channel(BTC, FAST_LEVELS).convert, BookSync(market.book_rule(FAST_LEVELS))
    generator = Generator(part)
    newest, expected, dropped = 0, ([("", "")], [("", "")]), 0
    for number in range(MESSAGES):
        time, bids, asks = generator.next()
        (update,) = convert(written(time, bids, asks), number)
        book.update(update)
        if time >= newest:
            newest, expected = time, (bids, asks)
        else:
            dropped += 1
        if number % 64 == 0:
            assert (list(book.ladder.bids(5)), list(book.ladder.asks(5))) == expected
        else:
            assert (book.ladder.bids(1)[0], book.ladder.asks(1)[0]) == (expected[0][0], expected[1][0])
    assert book.number == newest
    assert (book.counters.received, book.counters.ignored) == (MESSAGES, dropped)
    assert book.counters.applied == MESSAGES - dropped
