"""What a live book answers: levels, spread, depth, averages, and never from beyond what is known."""

from __future__ import annotations

from decimal import Decimal

from lotusx.errors import BeyondHorizon, InvalidArgument, StaleBook
from lotusx.kernel.book.half import Pair
from lotusx.kernel.book.reading import Depth, average_price, difference, middle, take_notional, to_level
from lotusx.kernel.book.sync import BookState, BookSync
from lotusx.model.enums import InstrumentKind, Side
from lotusx.model.instruments import Instrument
from lotusx.model.market_data import Level
from lotusx.model.numbers import decimal_from_user


class BookReads:
    """The reads of a live book.

    Attributes:
        instrument: What it is the book of.
        allow_stale: Whether reads that do not say otherwise answer from a stale book, where it still holds one.
    """

    def __init__(self, instrument: Instrument, sync: BookSync, *, allow_stale: bool) -> None:
        self.instrument = instrument
        self.allow_stale = allow_stale
        self._sync = sync

    def _raise_failure(self) -> None:
        raise NotImplementedError

    def _check(self, allow_stale: bool | None) -> None:
        self._raise_failure()
        if self._sync.state is BookState.SYNCED:
            return
        if (self.allow_stale if allow_stale is None else allow_stale) and self._sync.readable:
            return
        raise StaleBook(
            f"{self.instrument.symbol}: the book is {self._sync.state} ({self._sync.reason or 'no data yet'})"
        )

    @property
    def best_bid(self) -> Level | None:
        """Highest bid; ``None``: there is none."""
        self._check(None)
        return self._sync.ladder.best_bid

    @property
    def best_ask(self) -> Level | None:
        """Lowest ask; ``None``: there is none."""
        self._check(None)
        return self._sync.ladder.best_ask

    @property
    def spread(self) -> Decimal | None:
        """Best ask − best bid, quote; ``None``: a side is empty."""
        bid, ask = self.best_bid, self.best_ask
        return None if bid is None or ask is None else difference(ask.price, bid.price)

    @property
    def mid(self) -> Decimal | None:
        """The price half-way between best bid and best ask; ``None``: a side is empty."""
        bid, ask = self.best_bid, self.best_ask
        return None if bid is None or ask is None else middle(bid.price, ask.price)

    def bids(self, count: int | None = None, *, allow_stale: bool | None = None) -> list[Level]:
        """Return the *count* best bids, highest first; ``None``: all that are known.

        Fewer come where fewer are known: what lies beyond the horizon is never part of it.
        """
        self._check(allow_stale)
        return [level for pair in self._sync.ladder.bids(_count(count)) if (level := to_level(pair))]

    def asks(self, count: int | None = None, *, allow_stale: bool | None = None) -> list[Level]:
        """Return the *count* best asks, lowest first; otherwise as `bids`."""
        self._check(allow_stale)
        return [level for pair in self._sync.ladder.asks(_count(count)) if (level := to_level(pair))]

    @property
    def bid_horizon(self) -> Decimal | None:
        """Deepest bid price up to which the book is complete; ``None``: the whole side is known."""
        self._check(None)
        return self._sync.horizon(Side.BUY)

    @property
    def ask_horizon(self) -> Decimal | None:
        """Highest ask price up to which the book is complete; ``None``: the whole side is known."""
        self._check(None)
        return self._sync.horizon(Side.SELL)

    def depth_to(self, side: Side | str, notional: object, *, allow_stale: bool | None = None) -> Depth:
        """Return what an order of *notional* would take.

        Args:
            side: Of the order: a buy takes asks, a sell takes bids.
            notional: In quote, > 0: `Decimal`, int or text.

        Raises:
            BeyondHorizon: The known part of the book does not reach that far.
        """
        amount = _positive(notional, "notional")
        self._check(allow_stale)
        found = take_notional(self._facing(side), amount, self.instrument.contract_size, inverse=self._inverse)
        if found is None:
            raise self._beyond(side, f"a notional of {amount}")
        return found

    def vwap(self, side: Side | str, quantity: object, *, allow_stale: bool | None = None) -> Decimal:
        """Return the average price an order of *quantity* would get; arguments and errors as `depth_to`."""
        amount = _positive(quantity, "quantity")
        self._check(allow_stale)
        found = average_price(self._facing(side), amount, inverse=self._inverse)
        if found is None:
            raise self._beyond(side, f"a quantity of {amount}")
        return found

    def _facing(self, side: Side | str) -> list[Pair]:
        ladder = self._sync.ladder
        return ladder.asks() if _side(side) is Side.BUY else ladder.bids()

    @property
    def _inverse(self) -> bool:
        return self.instrument.kind is InstrumentKind.INVERSE

    def _beyond(self, side: Side | str, what: str) -> BeyondHorizon:
        facing = Side.SELL if _side(side) is Side.BUY else Side.BUY
        horizon = self._sync.horizon(facing)
        known = "the whole side holds less" if horizon is None else f"nothing is known beyond {horizon}"
        return BeyondHorizon(f"{self.instrument.symbol}: {what} is more than is known of the book ({known})")


def _side(side: Side | str) -> Side:
    try:
        return Side(side)
    except ValueError:
        raise InvalidArgument(f"{side!r} is not a side; one of: {', '.join(Side)}") from None


def _count(count: object) -> int | None:
    if count is None:
        return None
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise InvalidArgument(f"count must be a whole number ≥ 1 or None, not {count!r}")
    return count


def _positive(value: object, name: str) -> Decimal:
    number = decimal_from_user(value, name=name)
    if number <= 0:
        raise InvalidArgument(f"{name} must be above zero, not {number}")
    return number
