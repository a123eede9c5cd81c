"""How large the scenarios are that are played at leisure: a small size for every seed, and that of the bounds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scale:
    """Sizes.

    Attributes:
        quiet_s: How long the market stands still (I03).
        sockets: How many are cut together, at most (I05); the exchange may allow fewer.
        connections: Of the same user, which own those sockets.
        outages_s: How long nobody is let in; one is drawn.
        rotations: Of sockets (I06).
        books: At the same time (I11); fewer where the simulated exchange lists fewer markets.
        book_depth: Levels a side of each; 0: as many as of the book under test.
        markets: How many more the simulated exchange lists for all that, where it can.
    """

    quiet_s: float
    sockets: int
    connections: int
    outages_s: tuple[float, ...]
    rotations: int
    books: int
    book_depth: int = 0
    markets: int = 0


SMALL = Scale(
    quiet_s=300.0, sockets=12, connections=1, outages_s=(60.0, 90.0, 300.0, 1_800.0), rotations=4, books=8
)  # fmt: skip
"""288 quiet stretches make a day; the longest patience is a fifth of one. Hundreds of seeds rotate often enough."""
FULL = Scale(
    quiet_s=86_400.0, sockets=500, connections=5, outages_s=(1_800.0,), rotations=100, books=200, book_depth=100,
    markets=198,
)  # fmt: skip
"""What the bounds say."""
