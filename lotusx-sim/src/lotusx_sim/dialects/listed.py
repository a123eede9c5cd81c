"""What venues make of an instrument they list: its background, its past."""

from decimal import Decimal
from random import Random
from typing import Protocol

from lotusx_sim.engine.candles import CandleStore, Past
from lotusx_sim.engine.feed import Habitat

_NS_PER_MS = 1_000_000
_PAST_FUNDINGS = 300


class Terms(Protocol):
    """What a listing of any venue has; spacing in ticks, size in steps."""

    @property
    def price(self) -> Decimal: ...

    @property
    def tick(self) -> Decimal: ...

    @property
    def step(self) -> Decimal: ...

    @property
    def spacing_ticks(self) -> int: ...

    @property
    def size_steps(self) -> int: ...


def habitat_of(name: str, listing: Terms) -> Habitat:
    """Return where the background population trades what the engine calls *name*."""
    return Habitat(name, listing.price, listing.tick, listing.step, listing.spacing_ticks, listing.size_steps)


def candles_of(listing: Terms, past: Past, *, start_ns: int) -> CandleStore:
    """Return the candles of a market that has had *past* when the venue starts."""
    start_ms = start_ns // _NS_PER_MS
    return CandleStore(start_ms=start_ms, price=listing.price, tick=listing.tick, step=listing.step, past=past)


def past_funding(name: str, *, seed: int, start_ns: int, every_ms: int, unit: Decimal) -> list[tuple[int, Decimal]]:
    """Return the funding of three hundred intervals before the start: (ms, rate), oldest first.

    Args:
        unit: Rates are between -50 and 250 of it.
    """
    draw = Random(f"funding:{seed}:{name}").randint
    newest_ms = start_ns // _NS_PER_MS // every_ms * every_ms
    times = range(newest_ms - (_PAST_FUNDINGS - 1) * every_ms, newest_ms + 1, every_ms)
    return [(at_ms, draw(-50, 250) * unit) for at_ms in times]
