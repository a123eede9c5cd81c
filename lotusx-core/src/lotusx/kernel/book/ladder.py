"""The levels of one book: both sides, best first, exact.

Its sides are compiled (`_levels.c`) where their texts are what exchanges write, and interpreted (`half`) for all else:
other spellings of numbers, prices that no float orders, and where there was no compiler. Measured:
docs/decisions/0004-order-book.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal, InvalidOperation

from lotusx.errors import ItemRejected
from lotusx.kernel.book.half import COMPILED, AnyHalf, DecimalHalf, FloatHalf, Pair, Unordered
from lotusx.kernel.book.lane import Lane
from lotusx.model.market_data import Level


class Ladder:
    """Two ordered sides of price levels. Pure; knows nothing of sequence numbers.

    A change that cannot be understood raises `ItemRejected` and marks the ladder ``broken``: it answers nothing more
    until it is replaced, because half a change may have been applied.

    Args:
        lane: What orders the levels to begin with.
        compiled: Makes the sides of `Lane.FLOAT`; ``None``: they are interpreted.

    Attributes:
        lane: What orders the levels. A price with too many digits for `Lane.FLOAT` moves the ladder to the other.
        broken: An item was rejected half-way.
        bid_floor: Deepest price known of the snapshot on that side; ``None``: the side is complete.
        ask_floor: The same for asks.
    """

    __slots__ = ("_asks", "_bids", "_compiled", "ask_floor", "bid_floor", "broken", "lane")

    def __init__(self, lane: Lane = Lane.DECIMAL, compiled: Callable[..., AnyHalf] | None = COMPILED) -> None:
        self.lane = lane
        self._compiled = compiled
        self._clear()

    def _clear(self) -> None:
        if self._compiled is not None and self.lane is Lane.FLOAT:
            self._begin(self._compiled(descending=True), self._compiled(descending=False))
        else:
            self._clear_interpreted()

    def _clear_interpreted(self) -> None:
        if self.lane is Lane.FLOAT:
            self._begin(FloatHalf(descending=True), FloatHalf(descending=False))
        else:
            self._begin(DecimalHalf(descending=True), DecimalHalf(descending=False))

    def _begin(self, bids: AnyHalf, asks: AnyHalf) -> None:
        self._bids = bids
        self._asks = asks
        self.bid_floor: Decimal | None = None
        self.ask_floor: Decimal | None = None
        self.broken = False

    def clear(self) -> None:
        """Forget all levels."""
        self._clear()

    def apply(self, bids: Sequence[Pair], asks: Sequence[Pair]) -> None:
        """Set absolute quantities; zero deletes, and deleting an absent level is normal.

        Changes deeper than a floor are not kept: nothing complete is known there.

        Raises:
            ItemRejected: A text is not a positive price or a quantity ≥ 0. The ladder is ``broken``.
        """
        try:
            understood = self._bids.apply(bids) and self._asks.apply(asks)
        except Unordered:
            self._apply_rebuilt(Lane.DECIMAL, bids, asks)
        except ItemRejected:
            self.broken = True
            raise
        except (ValueError, TypeError, InvalidOperation) as error:
            self.broken = True
            raise ItemRejected(f"a level is not a price and a quantity ({error})", field="level") from None
        else:
            if not understood:
                self._apply_rebuilt(self.lane, bids, asks)

    def _apply_rebuilt(self, lane: Lane, bids: Sequence[Pair], asks: Sequence[Pair]) -> None:
        """Begin with other sides what was begun already: quantities are absolute, so once more changes nothing."""
        self._rebuild(lane)
        self.apply(bids, asks)

    def replace(self, bids: Sequence[Pair], asks: Sequence[Pair], *, complete: bool) -> None:
        """Discard everything and take a snapshot.

        Args:
            bids: In any order.
            asks: In any order.
            complete: False: nothing is known deeper than the deepest level of a side. An empty side is complete.

        Raises:
            ItemRejected: As `apply`.
        """
        self._clear()
        self.apply(bids, asks)
        if not complete:
            self._set_floors()

    def _set_floors(self) -> None:
        lowest, highest = _last(self._bids), _last(self._asks)
        self._bids.set_floor(lowest)
        self._asks.set_floor(highest)
        self.bid_floor = None if lowest is None else Decimal(lowest)
        self.ask_floor = None if highest is None else Decimal(highest)

    def _rebuild(self, lane: Lane) -> None:
        bids, asks, floors, broken = self.bids(), self.asks(), (self.bid_floor, self.ask_floor), self.broken
        self.lane = lane
        self._clear_interpreted()
        self.broken = broken
        self.apply(bids, asks)
        self.bid_floor, self.ask_floor = floors
        self._bids.set_floor(None if floors[0] is None else str(floors[0]))
        self._asks.set_floor(None if floors[1] is None else str(floors[1]))

    @property
    def best_bid(self) -> Level | None:
        """Highest bid; ``None``: none is known."""
        pair = self._bids.best()
        return None if pair is None else Level(Decimal(pair[0]), Decimal(pair[1]))

    @property
    def best_ask(self) -> Level | None:
        """Lowest ask; ``None``: none is known."""
        pair = self._asks.best()
        return None if pair is None else Level(Decimal(pair[0]), Decimal(pair[1]))

    def best_pairs(self) -> tuple[Pair | None, Pair | None]:
        """Return best bid and best ask as text."""
        return self._bids.best(), self._asks.best()

    def bids(self, count: int | None = None) -> list[Pair]:
        """Return the *count* best bids as text, highest first; ``None``: all."""
        return list(self._bids.top(count))

    def asks(self, count: int | None = None) -> list[Pair]:
        """Return the *count* best asks as text, lowest first; ``None``: all."""
        return list(self._asks.top(count))

    def trim(self, count: int) -> None:
        """Forget all but the *count* best levels of each side."""
        self._bids.trim(count)
        self._asks.trim(count)

    def counts(self) -> tuple[int, int]:
        """Return how many bids and asks there are. Looks at all of them."""
        return self._bids.count(), self._asks.count()

    @property
    def fault(self) -> str:
        """Why this must not be shown, checked at the touch; empty: it may be.

        Sides are sorted and positive by construction, so what is left to go wrong is crossing, and a side whose known
        part is used up.
        """
        if self.broken:
            return "broken"
        bid, ask = self._bids.best(), self._asks.best()
        if bid is None or ask is None:
            if bid is None and self.bid_floor is not None:
                return "the bids known are used up"
            if ask is None and self.ask_floor is not None:
                return "the asks known are used up"
            return ""
        if self.lane is Lane.FLOAT:
            return "" if float(bid[0]) < float(ask[0]) else f"crossed: bid {bid[0]}, ask {ask[0]}"
        return "" if Decimal(bid[0]) < Decimal(ask[0]) else f"crossed: bid {bid[0]}, ask {ask[0]}"


def _last(half: AnyHalf) -> str | None:
    prices = [price for price, _ in half.top(None)]
    return prices[-1] if prices else None
