"""A million generated updates, with losses, repetitions and snapshots out of step, against a naive book."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

import pytest

from lotusx.kernel.book import BookState, BookSync, Outcome
from lotusx.model import Instrument

pytestmark = [pytest.mark.anyio, pytest.mark.slow]
UPDATES = 1_000_000
LEVELS = 200
"""Prices a side that may be taken; a snapshot states all of them."""

MIDDLE = 10_000
Sides = tuple[dict[int, int], dict[int, int]]
"""Bids and asks: quantity by price."""


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@dataclass(frozen=True)
class Event:
    """One ``depthUpdate``."""

    first: int
    last: int
    previous: int
    changes: Sides

    def message(self) -> bytes:
        """Return it as the stream sends it."""
        bids, asks = (",".join(f'["{price}","{each[price]}"]' for price in each) for each in self.changes)
        return (
            '{"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1,"T":1,"s":"BTCUSDT",'
            f'"U":{self.first},"u":{self.last},"pu":{self.previous},"b":[{bids}],"a":[{asks}]}}}}'
        ).encode()

    def apply(self, sides: Sides) -> None:
        for levels, changes in zip(sides, self.changes, strict=True):
            for price, quantity in changes.items():
                if quantity:
                    levels[price] = quantity
                else:
                    levels.pop(price, None)


@dataclass(frozen=True)
class Snapshot:
    """``GET /fapi/v1/depth``: the market after the change of that number, which may lie within an event."""

    number: int
    sides: Sides

    def reply(self) -> str:
        bids, asks = pairs(self.sides)
        return json.dumps({"lastUpdateId": self.number, "E": 1, "T": 1, "bids": bids, "asks": asks})


def pairs(sides: Sides) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    bids, asks = sides
    return (
        [(str(price), str(bids[price])) for price in sorted(bids, reverse=True)],
        [(str(price), str(asks[price])) for price in sorted(asks)],
    )


class Market:
    """Changes one level at a time, under numbers with holes; an event tells of one to three changes."""

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.number = self.told = 1_000
        self.sides: Sides = (
            {MIDDLE - n: n for n in range(1, LEVELS + 1)},
            {MIDDLE + n: n for n in range(1, LEVELS + 1)},
        )

    def snapshot(self) -> Snapshot:
        return Snapshot(self.number, (dict(self.sides[0]), dict(self.sides[1])))

    def next(self, *, look: bool) -> tuple[Event, Snapshot | None]:
        """Return the next event; with a *look* at the market after the first of its changes."""
        draw, first, seen = self.rng.random, 0, None
        changes: Sides = ({}, {})
        for _ in range(1 + int(draw() * 3)):
            self.number += 1 + int(draw() * 4)
            first = first or self.number
            side, distance = int(draw() * 2), 1 + int(draw() * LEVELS)
            price = MIDDLE + (distance if side else -distance)
            changes[side][price] = 0 if draw() < 0.35 else 1 + int(draw() * 1_000)
            Event(0, 0, 0, changes).apply(self.sides)
            if look and seen is None:
                seen = self.snapshot()
        event, self.told = Event(first, self.number, self.told, changes), self.number
        return event, seen


class Naive:
    """The documented procedure in its plainest form. Source: "How to manage a local order book correctly"."""

    def __init__(self) -> None:
        self.sides: Sides = ({}, {})
        self.number = 0
        self.good = False
        self.begun = False
        self.kept: list[Event] = []

    def read(self, event: Event) -> None:
        if not self.good:
            self._keep(event)
        elif event.last <= self.number:
            return
        elif event.previous == self.number or (not self.begun and event.previous <= self.number):
            event.apply(self.sides)
            self.number, self.begun = event.last, True
        else:
            self.good, self.kept = False, [event]

    def _keep(self, event: Event) -> None:
        if self.kept and event.last <= self.kept[-1].last:
            return
        if self.kept and event.previous != self.kept[-1].last:
            self.kept.clear()
        self.kept.append(event)

    def begin(self, snapshot: Snapshot) -> bool:
        """Begin with *snapshot* and what was kept; say whether they meet."""
        later = [event for event in self.kept if event.last > snapshot.number]
        if later and later[0].previous > snapshot.number:
            return False
        self.sides, self.number = (dict(snapshot.sides[0]), dict(snapshot.sides[1])), snapshot.number
        self.good, self.begun, self.kept = True, False, []
        for event in later:
            self.read(event)
        return True


Doing = Literal["delivered", "lost", "repeated"]


def _fate(lot: float, *, awaited: bool) -> Doing:
    """Draw what becomes of an event; more of them are lost while a snapshot is awaited."""
    lost = 0.1 if awaited else 0.0004
    return "lost" if lot < lost else "repeated" if lot < lost + 0.0004 else "delivered"


@pytest.mark.timeout(600)
async def test_book_is_the_naive_one_after_a_million_updates(futures: Any, perp: Instrument) -> None:
    rng, data = Random(7), futures.connector.market
    convert, sync, naive, market = (
        data.book_channel(perp, 1_000).convert,
        BookSync(data.book_rule(1_000)),
        Naive(),
        Market(rng),
    )
    line: deque[Event] = deque()  # on their way
    snapshot: Snapshot | None = market.snapshot()
    late, due = 0, 5  # events that the stream is behind; events until the snapshot arrives
    accepted = refused = compared = 0

    while sync.counters.received < UPDATES:
        wanted = not naive.good and snapshot is None
        event, seen = market.next(look=wanted)
        line.append(event)
        if seen is not None:
            snapshot, due = seen, int(rng.random() * 6)
        if rng.random() < 0.001:
            late = int(rng.random() * 8)
        special = False
        while len(line) > late:
            event = line.popleft()
            fate = _fate(rng.random(), awaited=snapshot is not None)
            special = special or fate != "delivered" or not naive.good
            for _ in range(("lost", "delivered", "repeated").index(fate)):
                sync.update(convert(event.message(), 0)[0])
                naive.read(event)
        if snapshot is not None and (due := due - 1) < 0:
            futures.rest.reply(snapshot.reply())
            outcome = sync.snapshot(await data.order_book(perp, 1_000))
            met = naive.begin(snapshot)
            assert (outcome is Outcome.APPLIED) is met
            accepted, refused = accepted + met, refused + (not met)
            snapshot, special = None, True
        assert (sync.state is BookState.SYNCED) is naive.good, f"after {sync.counters.received} updates"
        if naive.good and (special or sync.counters.received % 1_000 == 0):
            assert (sync.number, (sync.ladder.bids(), sync.ladder.asks())) == (naive.number, pairs(naive.sides))
            assert naive.number != market.number or naive.sides == market.sides
            compared += 1

    assert sync.counters.gaps > 200
    assert accepted > 200
    assert refused > 10
    assert compared > 1_000
    assert (sync.counters.breaches, sync.counters.overflowed) == (0, 0)
