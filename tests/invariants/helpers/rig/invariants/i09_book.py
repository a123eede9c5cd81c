"""I09: a book is right or marked stale."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lotusx.errors import StaleBook
from rig.invariant import Invariant

if TYPE_CHECKING:
    from lotusx.model.market_data import Level
    from rig.exchange import Levels
    from rig.world import World

_TOP = 20
_WHOLE_EVERY = 16


class BookOrStale(Invariant):
    """Judged in the very turn in which messages came in: the book answers as the venue's own, or not at all."""

    id = "I09"
    title = "A book is right or marked stale."
    bound = "no published state differs from the reference; stale in the same turn as the gap"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._number: int | None = None
        self._resyncs = 0
        self._looks = 0

    def after_turn(self) -> None:
        book = getattr(self.world, "book", None)
        if book is None:
            return
        number = book.last_update_id
        try:
            bids, asks = book.bids(_TOP), book.asks(_TOP)
        except StaleBook:
            if book.state == "synced":
                self.fail("a synced book does not answer")
            return
        if book.state != "synced":
            self.fail(f"the book answers although it is {book.state}")
        if number is None or (number == self._number and book.resyncs == self._resyncs):
            return
        self._number, self._resyncs = number, book.resyncs
        self._looks += 1
        self.exercised += 1
        if self._looks % _WHOLE_EVERY == 0:
            bids, asks = book.bids(), book.asks()
        self.world.log.write("book", f"{number} {bids[:1]} {asks[:1]}")
        states = self.world.exchange.truth.at(self.world.exchange.symbol, number)
        if not states:
            self.fail(f"the book is at {number}, which the venue never told")
            return
        differences = [_difference(bids, truth[0]) or _difference(asks, truth[1]) for truth in states]
        if all(differences):
            self.fail(f"at {number} {differences[-1]}")


def _difference(levels: list[Level], reference: Levels) -> str:
    """Return where *levels* differ from the venue's; empty: nowhere."""
    shown = [(level.price, level.quantity) for level in levels]
    owed = list(reference)[: len(shown)] if len(shown) >= _TOP else list(reference)
    if shown == owed:
        return ""
    at = next((i for i, pair in enumerate(zip(shown, owed, strict=False)) if pair[0] != pair[1]), len(shown))
    has = shown[at] if at < len(shown) else "nothing"
    had = owed[at] if at < len(owed) else "nothing"
    return f"level {at} is {has}, the venue has {had}"
