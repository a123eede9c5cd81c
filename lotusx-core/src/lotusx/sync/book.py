"""A live order book, read without ``await``: every read sees one consistent state."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from lotusx.sync.runner import Runner, next_within, over
from lotusx.sync.streams import Handling

if TYPE_CHECKING:
    from collections.abc import Callable

    from lotusx import book
    from lotusx.kernel.book.reading import BookTop, Depth
    from lotusx.kernel.book.sync import BookCounters, BookState
    from lotusx.model.enums import Side
    from lotusx.model.instruments import Instrument
    from lotusx.model.market_data import Level


class LiveOrderBook:
    """Twin of `lotusx.LiveOrderBook`; see there what is read and what it raises."""

    def __init__(self, twin: book.LiveOrderBook, runner: Runner) -> None:
        self._twin = twin
        self._runner = runner

    def __repr__(self) -> str:
        return self._runner.read(repr, self._twin)

    @property
    def instrument(self) -> Instrument:
        """What it is the book of."""
        return self._twin.instrument

    @property
    def allow_stale(self) -> bool:
        """Whether reads that do not say otherwise answer from a stale book."""
        return self._twin.allow_stale

    @allow_stale.setter
    def allow_stale(self, allow: bool) -> None:
        self._twin.allow_stale = allow

    @property
    def ended(self) -> bool:
        """Whether it has ended for good: failed, or closed."""
        return self._twin.ended

    @property
    def refreshes(self) -> int:
        """How often a fresh snapshot renewed its depth without a pause."""
        return self._twin.refreshes

    @property
    def best_bid(self) -> Level | None:
        """Highest bid; ``None``: there is none."""
        return self._runner.read(lambda: self._twin.best_bid)

    @property
    def best_ask(self) -> Level | None:
        """Lowest ask; ``None``: there is none."""
        return self._runner.read(lambda: self._twin.best_ask)

    @property
    def spread(self) -> Decimal | None:
        """Best ask − best bid, quote; ``None``: a side is empty."""
        return self._runner.read(lambda: self._twin.spread)

    @property
    def mid(self) -> Decimal | None:
        """The price half-way between best bid and best ask; ``None``: a side is empty."""
        return self._runner.read(lambda: self._twin.mid)

    def bids(self, count: int | None = None, *, allow_stale: bool | None = None) -> list[Level]:
        """Return the *count* best bids, highest first; ``None``: all that are known."""
        return self._runner.read(self._twin.bids, count, allow_stale=allow_stale)

    def asks(self, count: int | None = None, *, allow_stale: bool | None = None) -> list[Level]:
        """Return the *count* best asks, lowest first; otherwise as `bids`."""
        return self._runner.read(self._twin.asks, count, allow_stale=allow_stale)

    @property
    def bid_horizon(self) -> Decimal | None:
        """Deepest bid price up to which the book is complete; ``None``: the whole side is known."""
        return self._runner.read(lambda: self._twin.bid_horizon)

    @property
    def ask_horizon(self) -> Decimal | None:
        """Highest ask price up to which the book is complete; ``None``: the whole side is known."""
        return self._runner.read(lambda: self._twin.ask_horizon)

    def depth_to(self, side: Side | str, notional: object, *, allow_stale: bool | None = None) -> Depth:
        """Return what an order of *notional* would take."""
        return self._runner.read(self._twin.depth_to, side, notional, allow_stale=allow_stale)

    def vwap(self, side: Side | str, quantity: object, *, allow_stale: bool | None = None) -> Decimal:
        """Return the average price an order of *quantity* would get."""
        return self._runner.read(self._twin.vwap, side, quantity, allow_stale=allow_stale)

    @property
    def state(self) -> BookState:
        """Whether the book may be read."""
        return self._runner.read(lambda: self._twin.state)

    @property
    def stale_reason(self) -> str:
        """Why it is stale; empty while it is not."""
        return self._runner.read(lambda: self._twin.stale_reason)

    @property
    def age(self) -> float | None:
        """Seconds since the last update was received; ``None``: none yet."""
        return self._runner.read(lambda: self._twin.age)

    @property
    def last_update_id(self) -> int | None:
        """The exchange's number of the last update in the book; ``None``: none yet."""
        return self._runner.read(lambda: self._twin.last_update_id)

    @property
    def resyncs(self) -> int:
        """How often it became right again after having been stale."""
        return self._runner.read(lambda: self._twin.resyncs)

    @property
    def snapshot_requests(self) -> int:
        """How often a snapshot was asked for."""
        return self._runner.read(lambda: self._twin.snapshot_requests)

    @property
    def counters(self) -> BookCounters:
        """What happened to it so far."""
        return self._runner.read(lambda: self._twin.counters)

    def wait_synced(self) -> None:
        """Wait until the book may be read."""
        self._runner.call(self._twin.wait_synced)

    def changes(self) -> BookChanges:
        """Return an iterator over the touch after each update; who reads slowly skips to the newest."""
        return BookChanges(self._twin.changes(), self._runner)

    def handle(self, callback: Callable[[BookTop], object]) -> Handling:
        """Call *callback* with the touch after each update, in the connection's thread; it must not block."""
        end = self._runner.read(self._twin.handle, callback)

        async def ended() -> None:
            await end

        return Handling(lambda: self._runner.call(ended))


class BookChanges:
    """Iterates over the newest touch of a book."""

    def __init__(self, twin: book.BookChanges, runner: Runner) -> None:
        self._twin = twin
        self._runner = runner

    def __iter__(self) -> BookChanges:
        return self

    def __next__(self) -> BookTop:
        return self.next()

    def next(self, timeout_s: float | None = None) -> BookTop:
        """Return the next change.

        Raises:
            TimeoutError: There was none within *timeout_s* seconds; the book goes on.
            StopIteration: The book was closed.
        """
        top = self._runner.call(next_within, self._twin, timeout_s)
        if over(top):
            raise StopIteration
        return top
