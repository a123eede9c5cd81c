"""A live order book: right, or marked stale."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from decimal import Decimal
from types import TracebackType
from typing import TYPE_CHECKING

import anyio

from lotusx.book_reads import BookReads
from lotusx.errors import InvalidArgument, StreamClosed
from lotusx.kernel.book.lane import lane_of
from lotusx.kernel.book.reading import BookTop
from lotusx.kernel.book.rule import BookRule, Link, SnapshotSource
from lotusx.kernel.book.sync import BookCounters, BookState, BookSync, Outcome
from lotusx.kernel.telemetry import StreamChanged, Telemetry
from lotusx.model.instruments import Instrument
from lotusx.model.market_data import BookUpdate, OrderBook
from lotusx.resync import Resynchroniser, ResyncPolicy
from lotusx.streams import StatusChange, Stream, StreamState

if TYPE_CHECKING:
    from random import Random

    from lotusx.kernel.clock import Clock

_UP = frozenset((StreamState.ACKNOWLEDGED, StreamState.LIVE, StreamState.RECOVERED))
_THIN_EVERY = 32  # updates between two looks at how much depth is left


class LiveOrderBook(BookReads):
    """One instrument's book, kept in step with the exchange.

    Made by ``market.live_order_book(symbol)``; use it as ``async with … as book``. It never shows a crossed, unsorted
    or non-positive book. While it cannot vouch for what it holds it is stale: reading then raises `StaleBook`, unless
    ``allow_stale`` is set (here or in the call), and it is being resynchronised, alone, whatever other books do.

    Every read may raise, besides `StaleBook`, what ended the book for good (`StreamClosed`, a refused subscription).
    Prices are quote per base, quantities base units (contracts where the instrument counts those); all exact.

    Attributes:
        refreshes: How often a fresh snapshot renewed its depth without a pause.
    """

    def __init__(
        self,
        instrument: Instrument,
        open_stream: Callable[[], AbstractAsyncContextManager[Stream[BookUpdate]]],
        fetch_snapshot: Callable[[], Awaitable[OrderBook | BookUpdate]],
        rule: BookRule,
        *,
        clock: Clock,
        random: Random,
        policy: ResyncPolicy | None = None,
        pace: AbstractAsyncContextManager[object] | None = None,
        telemetry: Telemetry | None = None,
        exchange: str = "",
        allow_stale: bool = False,
        wait: bool = True,
    ) -> None:
        """Prepare a book; nothing happens before the ``async with``.

        Args:
            open_stream: Subscribes to the updates.
            fetch_snapshot: Asks for a snapshot; used where the rule says so.
            policy: How often and how patiently snapshots are asked for.
            pace: Entered around every request for a snapshot; books that share a budget share what is behind it.
            wait: Whether the ``async with`` begins only once the book is synced.
        """
        super().__init__(instrument, BookSync(rule, lane_of(instrument)), allow_stale=allow_stale)
        self.refreshes = 0
        self._open_stream = open_stream
        self._clock = clock
        self._telemetry = telemetry
        self._exchange = exchange
        self._wait = wait
        self._resync = Resynchroniser(self, self._sync, fetch_snapshot, policy or ResyncPolicy(), clock, random, pace)
        self._stream: Stream[BookUpdate] | None = None
        self._context: AbstractAsyncContextManager[LiveOrderBook] | None = None
        self._signal: anyio.Event | None = None
        self._failure: BaseException | None = None
        self._heard_ns: int | None = None
        self._received_ns = 0
        self._version = 0
        self._syncs = 0
        self._unsynced = True
        self._told = False
        self._watchers: tuple[Callable[[], object], ...] = ()
        self._handler: Callable[[BookTop], object] | None = None
        self._end: Awaitable[None] | None = None

    def __repr__(self) -> str:
        return f"<LiveOrderBook {self.instrument.symbol} {self.state} {self.last_update_id}>"

    # ------------------------------------------------------------------------------------------------- life

    async def __aenter__(self) -> LiveOrderBook:
        if self._context is not None:
            raise InvalidArgument("a LiveOrderBook is entered once; make another")
        self._context = self._run()
        return await self._context.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        assert self._context is not None
        return await self._context.__aexit__(kind, error, trace)

    @asynccontextmanager
    async def _run(self) -> AsyncIterator[LiveOrderBook]:
        raised: Exception | None = None
        async with self._open_stream() as stream:
            self._stream = stream
            if stream.state not in _UP:
                self._sync.lost(f"stream {stream.state}")
            self._end = end = stream.handle_runs(self._on_updates, self._on_status)
            try:
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._resync.run, stream)
                    try:
                        if self._wait:
                            await self.wait_synced()
                        yield self
                    except Exception as error:  # a task group would wrap it
                        raised = error
                    tasks.cancel_scope.cancel()
            finally:
                self.fail(StreamClosed(f"{self.instrument.symbol}: the book was closed"))
                if self._told and stream.error is not None:
                    with suppress(Exception):  # the reader has it already: leaving the block must not raise it again
                        await end
        if raised is not None:
            raise raised

    def _on_updates(self, updates: Sequence[BookUpdate]) -> None:
        """Take what came at once. Without a callback nobody can look at the states in between."""
        self._heard_ns = self._clock.monotonic_ns()
        counters = self._sync.counters
        looked = counters.applied // _THIN_EVERY
        newest = None
        for update in updates:
            outcome = self._sync.update(update)
            if outcome is Outcome.APPLIED and self._handler is None:
                newest = update
            else:
                self._became(outcome, update)
        if newest is not None and self._sync.state is BookState.SYNCED:
            self.publish(newest.received_ns)
        if counters.applied // _THIN_EVERY != looked and self._sync.is_thin:
            self._resync.wake()

    def _became(self, outcome: Outcome, update: BookUpdate) -> None:
        if outcome is Outcome.APPLIED:
            self.publish(update.received_ns)
        elif outcome is Outcome.STALE:
            self._resync.distrust_stream()
            self._went_stale()
        elif self._sync.state is not BookState.SYNCED:
            self._resync.wake()

    def _on_status(self, change: StatusChange) -> None:
        if change.state in _UP:
            self._sync.restored()
            self._resync.wake()
        elif change.state is StreamState.CLOSED:
            error = self._stream.error if self._stream is not None else None
            self.fail(error or StreamClosed(f"{self.instrument.symbol}: the stream was closed"))
        else:
            self._resync.forget()
            if self._sync.lost(f"stream {change.state}: {change.reason}".rstrip(": ")) is Outcome.STALE:
                self._went_stale()

    def publish(self, received_ns: int) -> None:
        """Show what the machine holds now. For the machinery, not for users."""
        self._received_ns = received_ns
        self._version += 1
        if self._heard_ns is None:
            self._heard_ns = self._clock.monotonic_ns()
        if self._unsynced:
            self._unsynced = False
            self._syncs += 1
            self._tell("synced", "")
            self._resync.wake()
        self._notify()
        if self._handler is not None:
            self._hand_over(self._handler)

    def _hand_over(self, handler: Callable[[BookTop], object]) -> None:
        try:
            handler(self._top())
        except Exception as error:
            assert self._stream is not None
            self._handler = None
            self._stream.end(error)

    def refreshed(self) -> None:
        """Count a renewal of depth. For the machinery, not for users."""
        self.refreshes += 1

    @property
    def is_comparable(self) -> bool:
        """Whether a snapshot's number is one of its own. For the machinery, not for users."""
        return self._sync.rule.source is SnapshotSource.REQUEST

    def is_behind(self, newest: OrderBook) -> bool:
        """Whether *newest* holds what this book has not heard of. For the machinery, not for users.

        A book that is not synced waits for a snapshot, which will tell.
        """
        if self._sync.state is not BookState.SYNCED or (self._sync.number or 0) >= (newest.sequence or 0):
            return False
        if self._sync.rule.link is Link.CONTIGUOUS:
            return True
        ladder = self._sync.ladder  # where numbers have holes, nobody promises that a still book keeps its number
        sides = ((ladder.bids(len(newest.bids)), newest.bids), (ladder.asks(len(newest.asks)), newest.asks))
        return any(
            [(Decimal(price), Decimal(quantity)) for price, quantity in ours]
            != [(level.price, level.quantity) for level in theirs]
            for ours, theirs in sides
        )

    def report(self, trouble: str) -> None:
        """Tell observers. For the machinery, not for users."""
        self._tell("stale", trouble)

    def _went_stale(self) -> None:
        self._unsynced = True
        self._tell("stale", self._sync.reason)
        self._resync.wake()
        self._notify()

    def fail(self, error: BaseException) -> None:
        """End the book for good: every reader gets *error*. For the machinery, not for users."""
        if self._failure is None:
            self._failure = error
            self._resync.end()
            self._notify()

    def _tell(self, state: str, reason: str) -> None:
        if self._telemetry:
            self._telemetry.emit(
                StreamChanged(self._exchange, f"book:{self.instrument.symbol}", state, reason, "live_book")
            )

    def watch(self, callback: Callable[[], object]) -> None:
        """Call *callback* after every change, of staleness too; it must neither block nor raise. For the machinery."""
        self._watchers = (*self._watchers, callback)

    def _notify(self) -> None:
        for callback in self._watchers:
            callback()
        signal = self._signal
        if signal is not None:
            self._signal = None
            signal.set()

    async def _changed(self) -> None:
        if self._signal is None:
            self._signal = anyio.Event()
        await self._signal.wait()

    # ------------------------------------------------------------------------------------------------ state

    @property
    def state(self) -> BookState:
        """Whether the book may be read. Reading state never raises."""
        return self._sync.state if self._failure is None else BookState.STALE

    @property
    def ended(self) -> bool:
        """Whether it has ended for good: failed, or closed."""
        return self._failure is not None

    @property
    def stale_reason(self) -> str:
        """Why it is stale; empty while it is not."""
        return self._sync.reason if self._failure is None else str(self._failure)

    @property
    def age(self) -> float | None:
        """Seconds since the last update (or the first snapshot) was received; ``None``: none yet."""
        return None if self._heard_ns is None else (self._clock.monotonic_ns() - self._heard_ns) / 1e9

    @property
    def last_update_id(self) -> int | None:
        """The exchange's number of the last update in the book, or of the one that made it stale; ``None``: none."""
        return self._sync.number

    @property
    def resyncs(self) -> int:
        """How often it became right again after having been stale."""
        return max(0, self._syncs - 1)

    @property
    def snapshot_requests(self) -> int:
        """How often a snapshot was asked for: what keeping this book has cost."""
        return self._resync.requests

    @property
    def counters(self) -> BookCounters:
        """What happened to it so far."""
        return self._sync.counters

    async def wait_synced(self) -> None:
        """Wait until the book may be read.

        Raises:
            LotusXError: What ended the book for good.
        """
        while self.state is not BookState.SYNCED:
            self._raise_failure()
            await self._changed()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            self._told = True
            raise self._failure

    def changes(self) -> BookChanges:
        """Return an iterator over the touch after each update; who reads slowly skips to the newest.

        The first one comes at once if the book is synced. While it is stale nothing comes. Several readers may iterate,
        each at its own speed. Iteration ends with the book's block, and raises what ended the book otherwise.
        """
        return BookChanges(self)

    def handle(self, callback: Callable[[BookTop], object]) -> Awaitable[None]:
        """Call *callback* with the touch after each update, as its frame is decoded, and now if the book is synced.

        `changes` shows the newest state of what came together; this shows every one, and has every one computed. While
        the book is stale nothing comes. The callback must not block: one that holds the loop for more than 100 ms is
        reported. If it raises, the book ends; the error is raised by reading, by awaiting what this returns (which
        waits for the end of the book), or else when the ``async with`` of the book is left.

        Raises:
            InvalidArgument: The book is not entered yet, or has a callback already.
            LotusXError: What ended the book for good.
        """
        self._raise_failure()
        if self._stream is None or self._end is None:
            raise InvalidArgument("enter the book before it is handled")
        if self._handler is not None:
            raise InvalidArgument("a book has one callback; use `changes` beside it")
        self._stream.keeps_newest = False
        self._handler = callback
        if self.state is BookState.SYNCED:
            self._hand_over(callback)
        return self._end

    def _top(self) -> BookTop:
        bid, ask = self._sync.ladder.best_pairs()
        return BookTop(bid, ask, self._sync.number or 0, self._received_ns)


class BookChanges:
    """Iterates over the newest touch of a book; made by `LiveOrderBook.changes`."""

    __slots__ = ("_book", "_seen")

    def __init__(self, book: LiveOrderBook) -> None:
        self._book = book
        self._seen = 0

    def __aiter__(self) -> BookChanges:
        return self

    async def __anext__(self) -> BookTop:
        book = self._book
        while book.state is not BookState.SYNCED or book._version == self._seen:
            if isinstance(book._failure, StreamClosed):
                raise StopAsyncIteration
            book._raise_failure()
            await book._changed()
        self._seen = book._version
        return book._top()
