"""I10: a published book is never crossed, unsorted or non-positive."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from lotusx.errors import StaleBook
from rig.invariant import Invariant

if TYPE_CHECKING:
    from lotusx.model.market_data import Level
    from rig.world import World

_TOP = 20
_WHOLE_EVERY = 16


class SaneBook(Invariant):
    """Judged in the very turn in which messages came in, by the book alone: no reference is asked."""

    id = "I10"
    title = "A published book is never crossed, unsorted or non-positive."
    bound = "always"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._looks = 0
        self._version: tuple[int | None, int] = (None, 0)

    def after_turn(self) -> None:
        book = getattr(self.world, "book", None)
        if book is None or (book.last_update_id, book.resyncs) == self._version:
            return
        self._version = book.last_update_id, book.resyncs
        self._looks += 1
        depth = None if self._looks % _WHOLE_EVERY == 0 else _TOP
        try:
            bids, asks = book.bids(depth), book.asks(depth)
        except StaleBook:
            return
        self._judge(bids, asks)

    def _judge(self, bids: Sequence[Level], asks: Sequence[Level]) -> None:
        self.exercised = self.world.notes.spoilt
        if bids and asks and bids[0].price >= asks[0].price:
            self.fail(f"crossed: {bids[0]} against {asks[0]}")
        if any(first.price <= then.price for first, then in pairwise(bids)):
            self.fail("the bids are not in falling order")
        if any(first.price >= then.price for first, then in pairwise(asks)):
            self.fail("the asks are not in rising order")
        for level in (*bids, *asks):
            if not (level.price.is_finite() and level.price > 0 and level.quantity.is_finite() and level.quantity > 0):
                self.fail(f"a level of {level.quantity} at {level.price}")
