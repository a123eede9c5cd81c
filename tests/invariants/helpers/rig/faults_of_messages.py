"""What can go wrong with messages besides being lost or cut: the account's come in any order, a book's cannot be."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from random import Random
from typing import TYPE_CHECKING, Any

import anyio
import msgspec

from rig.faults import Fault
from rig.levels import another, quantity_of, sides_of

if TYPE_CHECKING:
    from rig.world import World

WINDOW_S = 5.0
"""How far a message of the account may be from its place."""


async def account_messages_permuted(world: World, rng: Random) -> None:
    """Deliver each message of the account one to three times, each time at any moment of a window."""

    def scatter(topic: str) -> list[float] | None:
        if not fnmatchcase(topic, world.exchange.user_topic):
            return None
        return [rng.uniform(0.0, WINDOW_S) for _ in range(rng.randint(1, 3))]

    world.gate.scatter = scatter
    await anyio.sleep(rng.uniform(10.0, 25.0))
    world.gate.scatter = None
    await anyio.sleep(WINDOW_S + 1.0)


async def book_levels_spoilt(world: World, rng: Random) -> None:
    """Send levels of the book that are absent, out of order, on both sides at one price, negative, or no numbers."""
    ways: tuple[Callable[[Any, Any], bool], ...] = (
        lambda bids, asks: _absent(bids),
        lambda bids, asks: _shuffle(bids, asks, rng),
        _both_sides,
        lambda bids, asks: _wrong(bids, asks, quantity="-1"),
        lambda bids, asks: _wrong(asks, bids, price="0"),
        lambda bids, asks: _wrong(asks, bids, price="NaN"),
        lambda bids, asks: _wrong(bids, asks, quantity="Infinity"),
    )
    left = 0

    def spoil(text: str, topic: str) -> str:
        nonlocal left
        del topic
        if not left or world.gate.whose(text.encode()) != world.book_key():
            return text
        document = msgspec.json.decode(text)
        found = sides_of(document)
        if found is None or not rng.choice(ways)(*found):
            return text
        left -= 1
        world.notes.spoilt += 1
        return msgspec.json.encode(document).decode()

    world.gate.spoil = spoil
    for _ in range(rng.randint(4, 10)):
        left = 1
        await anyio.sleep(rng.uniform(0.3, 4.0))
    world.gate.spoil = None


def _absent(bids: list[Any]) -> bool:
    if not bids:
        return False
    bids.append(another(bids[0], price="0.00000001", quantity="0"))
    return True


def _shuffle(bids: list[Any], asks: list[Any], rng: Random) -> bool:
    rng.shuffle(bids)
    rng.shuffle(asks)
    return len(bids) + len(asks) > 1


def _both_sides(bids: list[Any], asks: list[Any]) -> bool:
    """Bid what is asked: at once above the best offer, or at it."""
    asked = next((level for level in asks if quantity_of(level) > 0), None)
    if asked is None:
        return False
    bids.append(asked)
    return True


def _wrong(side: list[Any], other: list[Any], *, price: str | None = None, quantity: str | None = None) -> bool:
    like = (side or other or [None])[0]
    if like is None:
        return False
    side.append(another(like, price=price, quantity=quantity))
    return True


FAULTS: dict[str, Fault] = {
    "account messages permuted": Fault(account_messages_permuted, 3),
    "book levels spoilt": Fault(book_levels_spoilt, 2),
}
