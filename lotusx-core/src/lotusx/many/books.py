"""A consolidated book that lives: one live order book per exchange, read together."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import anyio

from lotusx.errors import InvalidArgument, LotusXError, SourceFailed
from lotusx.kernel.book.sync import BookState
from lotusx.many.consolidating import ConsolidatedBook, LegBook, LegState, consolidate
from lotusx.many.hosting import Failures, Hosts
from lotusx.many.matching import base_quantity
from lotusx.model.enums import InstrumentKind
from lotusx.model.market_data import Level

if TYPE_CHECKING:
    from lotusx.book import LiveOrderBook
    from lotusx.exchange import Exchange
    from lotusx.model.instruments import Instrument
    from lotusx.rules import Rounding


@dataclass(frozen=True, slots=True)
class LegPlan:
    """One exchange's part: what to follow there. ``taker_fee`` ``None``: as ``asks_fee`` says, or not considered."""

    name: str
    exchange: Exchange | LotusXError
    instrument: Instrument | None
    taker_fee: Decimal | None
    asks_fee: bool


@dataclass(frozen=True, slots=True)
class InverseRule:
    """How contracts of an inverse instrument become base units, level by level."""

    step: Decimal
    rounding: Rounding


class LiveConsolidatedBook:
    """One market on several exchanges, followed live; made by ``many.consolidated_book(…)``.

    Each leg is a `LiveOrderBook` of its own. A leg that is not in step, too old or gone is left out of what `read`
    returns, and named there with the reason; it comes back by itself when its book is in step again.
    """

    def __init__(
        self,
        plans: Mapping[str, LegPlan],
        failures: Failures,
        *,
        depth: int,
        max_age_s: float | None,
        inverse: InverseRule | None,
    ) -> None:
        self._plans = plans
        self._depth = depth
        self._max_age_s = max_age_s
        self._inverse = inverse
        self._fees = {name: plan.taker_fee for name, plan in plans.items()}
        self._hosts: Hosts[str, LiveOrderBook] = Hosts(failures, SourceFailed, self._settled)
        self._version = 0
        self._signal: anyio.Event | None = None
        self._closed = False

    def __repr__(self) -> str:
        return f"<LiveConsolidatedBook {', '.join(f'{leg.name}: {leg.state}' for leg in self.read(1).legs)}>"

    @asynccontextmanager
    async def open(self) -> AsyncIterator[LiveConsolidatedBook]:
        """Follow all legs until the block ends. For `lotusx.many.Many.consolidated_book`."""
        contexts = {name: self._leg(plan) for name, plan in self._plans.items()}
        try:
            async with self._hosts.run(contexts, wait=False):
                yield self
        finally:
            self._closed = True
            self._moved()

    def read(self, depth: int = 1) -> ConsolidatedBook:
        """Return the book as it is now: up to *depth* levels a side of each leg in use, and every leg's state.

        Raises:
            InvalidArgument: *depth* is not within 1 and the depth that was asked for.
        """
        if not 1 <= depth <= self._depth:
            raise InvalidArgument(f"depth is from 1 to {self._depth}, as this book was opened; not {depth}")
        return consolidate([self._book(name, depth) for name in self._plans], max_age_s=self._max_age_s)

    def changes(self, depth: int = 1) -> ConsolidatedChanges:
        """Iterate over the book now, and after each change of a leg, of its state too; slow readers skip to the newest.

        With a largest age, a leg's growing too old is a change too. Ends with the block.
        """
        return ConsolidatedChanges(self, depth)

    async def wait_used(self, count: int | None = None) -> ConsolidatedBook:
        """Wait until *count* legs (``None``: all) are in use, and return the book.

        Raises:
            InvalidArgument: It has not so many legs.
            SourceFailed: So many will never be, because legs have failed for good.
        """
        wanted = len(self._plans) if count is None else count
        if not 1 <= wanted <= len(self._plans):
            raise InvalidArgument(f"count is from 1 to {len(self._plans)}, the legs of this book; not {wanted}")
        async for book in self.changes():
            if sum(leg.state is LegState.USED for leg in book.legs) >= wanted:
                return book
            failed = [leg for leg in book.legs if leg.state is LegState.FAILED]
            if failed and len(book.legs) - len(failed) < wanted:
                raise SourceFailed(failed[0].name, LotusXError(failed[0].reason))
        raise LotusXError("the block of this book has ended")

    @asynccontextmanager
    async def _leg(self, plan: LegPlan) -> AsyncIterator[LiveOrderBook]:
        exchange = plan.exchange
        if isinstance(exchange, LotusXError):
            raise exchange
        assert plan.instrument is not None
        if plan.asks_fee:
            self._fees[plan.name] = (await exchange.account.fees(plan.instrument.symbol)).taker
        live: AbstractAsyncContextManager[LiveOrderBook]
        live = exchange.market.live_order_book(plan.instrument.symbol, depth=max(self._depth, 20))
        async with live as book:
            book.watch(lambda: self._changed(plan.name, book))
            yield book

    def _book(self, name: str, depth: int) -> LegBook:
        fee, failure = self._fees[name], self._hosts.failed.get(name)
        if failure is not None:
            reason = failure.reason if isinstance(failure, SourceFailed) else str(failure)
            return LegBook(name, taker_fee=fee, trouble=reason, failed=True)
        book = self._hosts.held.get(name)
        if book is None:
            trouble = "the block of this book has ended" if self._closed else "its first snapshot has not come yet"
            return LegBook(name, taker_fee=fee, trouble=trouble)
        if book.state is not BookState.SYNCED:
            return LegBook(
                name, taker_fee=fee, age_s=book.age, trouble=book.stale_reason or f"the book is {book.state}"
            )
        bids, asks = self._in_base(name, book.bids(depth)), self._in_base(name, book.asks(depth))
        return LegBook(name, bids, asks, fee, book.age)

    def _in_base(self, name: str, levels: list[Level]) -> list[Level]:
        instrument = self._plans[name].instrument
        assert instrument is not None
        if instrument.kind is not InstrumentKind.INVERSE:
            return levels
        rule = self._inverse
        assert rule is not None
        return [
            Level(
                level.price,
                base_quantity(
                    instrument, level.quantity, "contracts", price=level.price, step=rule.step, rounding=rule.rounding
                ),
            )
            for level in levels
        ]

    def _changed(self, name: str, book: LiveOrderBook) -> None:
        if book.ended and not self._closed and name in self._hosts.held:
            try:
                book.bids(1)
            except LotusXError as error:
                self._hosts.fail(name, error)
        self._moved()

    def _settled(self, name: str) -> None:
        del name
        self._moved()

    def _moved(self) -> None:
        self._version += 1
        signal, self._signal = self._signal, None
        if signal is not None:
            signal.set()

    async def _change(self, within_s: float | None) -> None:
        """Wait for a change, or until a leg may have grown too old."""
        if self._signal is None:
            self._signal = anyio.Event()
        with anyio.move_on_after(within_s):
            await self._signal.wait()

    def _next_too_old(self) -> float | None:
        """Seconds until the next leg in use grows too old; ``None``: none can."""
        limit = self._max_age_s
        if limit is None:
            return None
        ages = [book.age for book in self._hosts.held.values() if book.state is BookState.SYNCED]
        left = [limit - age for age in ages if age is not None and age <= limit]
        return min(left) + 0.001 if left else None


class ConsolidatedChanges:
    """Iterates over the newest state of a consolidated book; made by `LiveConsolidatedBook.changes`."""

    __slots__ = ("_book", "_depth", "_seen", "_states")

    def __init__(self, book: LiveConsolidatedBook, depth: int) -> None:
        self._book = book
        self._depth = depth
        self._seen = -1
        self._states: tuple[LegState, ...] = ()

    def __aiter__(self) -> ConsolidatedChanges:
        return self

    async def __anext__(self) -> ConsolidatedBook:
        book = self._book
        while not book._closed:
            if book._version != self._seen:
                self._seen = book._version
                return self._read()
            await book._change(book._next_too_old())
            if book._version == self._seen:  # nothing came: only time has passed
                states, found = self._states, self._read()
                if self._states != states:
                    return found
        raise StopAsyncIteration

    def _read(self) -> ConsolidatedBook:
        found = self._book.read(self._depth)
        self._states = tuple(leg.state for leg in found.legs)
        return found
