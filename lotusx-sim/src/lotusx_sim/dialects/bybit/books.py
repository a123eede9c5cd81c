"""One book at one depth, with the numbers under which its changes are sent. Source: Bybit V5, public orderbook.

A change is told as the difference of two views of the best levels: what is pushed out of the window is told as gone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from lotusx_sim.engine.orders import ZERO

Levels = list[tuple[Decimal, Decimal]]
DEPTHS_MS = {1: 10, 50: 20, 200: 100, 1000: 200}  # by depth: the least time between two messages
_FIRST_NUMBER = 170_000
RESTART = 1


@dataclass(frozen=True, slots=True)
class Delta:
    bids: Levels
    asks: Levels


class BookStream:
    def __init__(self, view: Callable[[], tuple[Levels, Levels]]) -> None:
        self._view = view
        self.bids, self.asks = view()
        self.number = _FIRST_NUMBER
        self.has_readers = False  # who then alone advances it

    def advance(self) -> Delta | None:
        """Take over how the book stands now; return what changed, under the next number, or None."""
        bids, asks = self._view()
        delta = Delta(_difference(self.bids, bids), _difference(self.asks, asks))
        if not delta.bids and not delta.asks:
            return None
        delta.bids.sort(reverse=True)
        delta.asks.sort()
        self.bids, self.asks = bids, asks
        self.number += 1
        return delta

    def restart(self) -> None:
        """Begin anew with number 1, as after a restart of the venue's service."""
        self.bids, self.asks = self._view()
        self.number = RESTART


def _difference(old: Levels, new: Levels) -> Levels:
    before, after = dict(old), dict(new)
    changed = [(price, size) for price, size in new if before.get(price) != size]
    return changed + [(price, ZERO) for price in before if price not in after]
