"""Keeps a ladder in step with the exchange: a pure machine, one book, no exchange's name.

::

    WAITING_SNAPSHOT ──snapshot fits──▶ SYNCED ──gap, breach, loss──▶ STALE ──snapshot fits──▶ SYNCED

Updates that arrive while not synced are kept, as long as they form one unbroken chain; a snapshot is good when that
chain continues it. Nothing is shown before.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, StrEnum

from lotusx.errors import ItemRejected
from lotusx.kernel.book.ladder import Ladder
from lotusx.kernel.book.lane import Lane
from lotusx.kernel.book.rule import BookRule, Link, SnapshotSource
from lotusx.model.enums import Side
from lotusx.model.market_data import BookUpdate, OrderBook

BEHIND_LIMIT = 3
"""So many snapshots in a row may be refused as older than the book: caches lag, but numbers may begin anew as well."""


class BookState(StrEnum):
    """Whether a book may be read."""

    WAITING_SNAPSHOT = "waiting_snapshot"  # never synced yet
    SYNCED = "synced"
    STALE = "stale"  # was synced; the reason says what ended that


class Outcome(Enum):
    """What became of an input."""

    APPLIED = "applied"  # the book changed and may be shown
    BUFFERED = "buffered"  # kept until a snapshot fits
    IGNORED = "ignored"  # old or repeated
    STALE = "stale"  # this input ended the synced state; a snapshot is needed
    NEED_SNAPSHOT = "need_snapshot"  # the snapshot does not fit, or a fresh one is still needed


@dataclass(slots=True)
class BookCounters:
    """What happened to a book since it was made.

    ``received = applied + ignored + buffered + refused``; replayed ones are counted among the buffered.
    """

    received: int = 0
    applied: int = 0
    ignored: int = 0
    buffered: int = 0
    refused: int = 0
    overflowed: int = 0
    gaps: int = 0
    breaches: int = 0
    losses: int = 0
    snapshots: int = 0
    snapshots_refused: int = 0


class BookSync:
    """One book's state. Inputs: `update`, `snapshot`, `lost`, `restored`, `begin_refresh`.

    Attributes:
        ladder: The levels; show them only while ``state`` is SYNCED (``readable``: also as a stale picture).
        reason: Why it is stale; empty while synced or never synced.
        number: Of the last update that the ladder took, or refused; ``None``: none yet, or the numbers went back.
    """

    def __init__(self, rule: BookRule, lane: Lane = Lane.DECIMAL) -> None:
        self.rule = rule
        self.ladder = Ladder(lane)
        self.state = BookState.WAITING_SNAPSHOT
        self.reason = ""
        self.number: int | None = None
        self.readable = False
        self.counters = BookCounters()
        self._down = False
        self._refreshing = False
        self._anchored = False  # an update of the stream has continued the snapshot
        self._old_in_a_row = 0
        self._behind_in_a_row = 0
        self._kept: deque[BookUpdate] = deque(maxlen=rule.buffer_limit)
        self._thin = (0, 0)

    @property
    def is_thin(self) -> bool:
        """Whether half of the snapshot's depth is used up: time to renew it while still synced. Counts the levels."""
        if not any(self._thin):
            return False
        bids, asks = self.ladder.counts()
        return bids < self._thin[0] or asks < self._thin[1]

    def horizon(self, side: Side) -> Decimal | None:
        """Deepest price up to which the buy or sell side is complete; ``None``: all of it is known."""
        buys = side is Side.BUY
        window = self.rule.window
        if window is None:
            return self.ladder.bid_floor if buys else self.ladder.ask_floor
        pairs = self.ladder.bids(window) if buys else self.ladder.asks(window)
        return Decimal(pairs[-1][0]) if len(pairs) >= window else None

    @property
    def is_down(self) -> bool:
        """Whether the stream is lost; no snapshot is accepted until it is back."""
        return self._down

    # -------------------------------------------------------------------------------------------------- updates

    def update(self, update: BookUpdate) -> Outcome:
        """Take one update of the stream. Never raises."""
        self.counters.received += 1
        self._down = False
        if update.snapshot or self.rule.link is Link.NONE:
            return self._whole(update)
        if update.last == self.rule.restart_number:
            return self._refuse("the exchange started counting anew")
        if self.state is not BookState.SYNCED:
            return self._keep(update)
        assert self.number is not None
        if update.last <= self.number and not self._follows(update):
            return self._old(update)
        if not self._continues(update, self.number, strict=self._anchored):
            self.counters.gaps += 1
            if not self.rule.log_gaps_only:
                self._to_stale(f"gap: the book is at {self.number}, the update begins at {update.first}")
                self._keep(update)
                return Outcome.STALE
        if self._refreshing:
            self._kept.append(update)
        return self._apply(update)

    def _follows(self, update: BookUpdate) -> bool:
        """Whether *update* names the book's own number, where that alone decides and numbers may go back."""
        chained = self.rule.link is Link.PREVIOUS and self.rule.source is SnapshotSource.STREAM
        return chained and update.previous == self.number

    def _continues(self, update: BookUpdate, number: int, *, strict: bool) -> bool:
        """Whether nothing is missing between *number* and *update*, which ends after it."""
        if self.rule.link is Link.CONTIGUOUS:
            return update.first <= number + 1
        if update.previous is None:
            return False
        return update.previous == number if strict else update.previous <= number

    def _apply(self, update: BookUpdate) -> Outcome:
        self.number = update.last  # also where it is refused: no older snapshot has what it brought
        try:
            self.ladder.apply(update.bids, update.asks)
        except ItemRejected as error:
            return self._breach(str(error))
        self._anchored = True
        self._old_in_a_row = 0
        if self.rule.window is not None:
            self.ladder.trim(self.rule.window)
        fault = self.ladder.fault
        if fault:
            return self._breach(fault)
        self.counters.applied += 1
        return Outcome.APPLIED

    def _old(self, update: BookUpdate) -> Outcome:
        self._old_in_a_row += 1
        if self._old_in_a_row > self.rule.old_limit:
            self.counters.gaps += 1
            self._to_stale(f"the numbers went back: the book was at {self.number}, updates are at {update.last}")
            self.number = None
            self._keep(update)
            return Outcome.STALE
        self.counters.ignored += 1
        return Outcome.IGNORED

    def _keep(self, update: BookUpdate) -> Outcome:
        if self.rule.source is SnapshotSource.STREAM:  # its snapshot replaces everything before it
            self.counters.ignored += 1
            return Outcome.IGNORED
        if self._kept:
            last = self._kept[-1].last
            if update.last <= last:
                self._old_in_a_row += 1
                if self._old_in_a_row <= self.rule.old_limit:
                    self.counters.ignored += 1
                    return Outcome.IGNORED
                self._restart_chain()
                self.number = None
            elif not self._continues(update, last, strict=True):
                self._restart_chain()
        if len(self._kept) == self._kept.maxlen:
            self.counters.overflowed += 1
        self._old_in_a_row = 0
        self._kept.append(update)
        self.counters.buffered += 1
        return Outcome.BUFFERED

    def _restart_chain(self) -> None:
        """No snapshot can need what came before a hole: one that does would end in the hole."""
        self.counters.gaps += 1
        self._kept.clear()

    def _whole(self, update: BookUpdate) -> Outcome:
        if self.rule.link is Link.NONE and self.number is not None and update.last < self.number:
            return self._old(update)
        try:
            self.ladder.replace(update.bids, update.asks, complete=self.rule.window is not None)
        except ItemRejected as error:
            return self._breach(str(error))
        if self.rule.window is not None:
            self.ladder.trim(self.rule.window)
        fault = self.ladder.fault
        if fault:
            return self._breach(fault)
        self._synced(update.last)
        self._anchored = True
        self.counters.applied += 1
        return Outcome.APPLIED

    def _breach(self, reason: str) -> Outcome:
        """What the ladder holds must never be shown, not even as a stale picture."""
        self.counters.breaches += 1
        return self._refuse(reason)

    def _refuse(self, reason: str) -> Outcome:
        self.counters.refused += 1
        self.readable = False
        self.ladder.clear()
        self._to_stale(reason)
        return Outcome.STALE

    def _to_stale(self, reason: str) -> None:
        self.state = BookState.STALE
        self.reason = reason
        self._refreshing = False
        self._old_in_a_row = 0
        self._kept.clear()

    # ------------------------------------------------------------------------------------------------- snapshots

    def snapshot(self, book: OrderBook | BookUpdate) -> Outcome:
        """Take a snapshot that was requested after the stream was live.

        A `BookUpdate` is taken as its raw form (``last``: its number), and as cut at a depth.
        APPLIED: the book is synced. NEED_SNAPSHOT: too old for the updates kept, older than what the book has seen, or
        unusable: fetch another. Where several in a row end below that, the exchange counts anew.
        """
        number = book.last if isinstance(book, BookUpdate) else book.sequence
        if self._down or number is None or (self.state is BookState.SYNCED and not self._refreshing):
            self.counters.snapshots_refused += 1
            return Outcome.NEED_SNAPSHOT
        fresh = Ladder(self.ladder.lane)
        try:
            _fill(fresh, book)
            end = self._replay(fresh, number)
        except ItemRejected:
            self.counters.breaches += 1
            end = None
        behind = end is not None and self.number is not None and end < self.number
        if behind and self.state is not BookState.SYNCED:
            self._behind_in_a_row += 1
            behind = self._behind_in_a_row <= BEHIND_LIMIT
        if end is None or behind or fresh.fault:
            self.counters.snapshots_refused += 1
            return Outcome.NEED_SNAPSHOT
        self.ladder = fresh
        self._anchored = end > number
        self._synced(end)
        return Outcome.APPLIED

    def _replay(self, ladder: Ladder, number: int) -> int | None:
        """Bring *ladder* from *number* to the last update kept; ``None``: they do not meet."""
        strict = False
        for update in self._kept:
            if update.last <= number:
                continue
            if not self._continues(update, number, strict=strict):
                return None
            ladder.apply(update.bids, update.asks)
            number, strict = update.last, True
        return number

    def _synced(self, number: int) -> None:
        self.counters.snapshots += 1
        self.number = number
        self.state = BookState.SYNCED
        self.reason = ""
        self.readable = True
        self._refreshing = False
        self._old_in_a_row = self._behind_in_a_row = 0
        self._kept.clear()
        ladder = self.ladder
        bids, asks = ladder.counts()
        self._thin = (
            bids // 2 if ladder.bid_floor is not None else 0,
            asks // 2 if ladder.ask_floor is not None else 0,
        )

    def begin_refresh(self) -> None:
        """Keep updates from now on, while applying them, so that a snapshot may replace the ladder without a pause."""
        if self.state is BookState.SYNCED:
            self._kept.clear()
            self._refreshing = True

    # ------------------------------------------------------------------------------------------------ the stream

    def lost(self, reason: str) -> Outcome:
        """The stream is lost or silent: whatever was kept is worth nothing, and no snapshot fits until it is back."""
        self._down = True
        self._kept.clear()
        if self.state is not BookState.SYNCED:
            if self.state is BookState.STALE:
                self.reason = reason
            return Outcome.NEED_SNAPSHOT
        self.counters.losses += 1
        self._to_stale(reason)
        return Outcome.STALE

    def restored(self) -> None:
        """The stream is live again, though nothing may have arrived yet."""
        self._down = False


def _fill(ladder: Ladder, book: OrderBook | BookUpdate) -> None:
    if isinstance(book, BookUpdate):
        if not (book.bids and book.asks):
            raise ItemRejected("an empty side cannot be one that was cut at a depth", field="snapshot")
        ladder.replace(book.bids, book.asks, complete=False)
        return
    if not book.complete and not (book.bids and book.asks):
        raise ItemRejected("an empty side cannot be one that was cut at a depth", field="snapshot")
    ladder.replace(
        [(_text(level.price), _text(level.quantity)) for level in book.bids],
        [(_text(level.price), _text(level.quantity)) for level in book.asks],
        complete=book.complete,
    )


def _text(number: Decimal) -> str:
    """Return *number* without an exponent, as compiled sides understand it, unless that would be long."""
    text = str(number)
    return f"{number:f}" if "E" in text and abs(number.adjusted()) < 40 else text
