"""How an exchange's updates and snapshots become a book, as data."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from lotusx.kernel.request import Cost


class Link(StrEnum):
    """What ties an update to the one before."""

    CONTIGUOUS = "contiguous"  # its first number is at most one above the book's
    PREVIOUS = "previous"  # it names the number of the update before
    NONE = "none"  # nothing: each update is a whole book


class SnapshotSource(StrEnum):
    """Where a first or fresh snapshot comes from."""

    REQUEST = "request"  # asked for, while the stream's updates are kept
    STREAM = "stream"  # sent by the stream itself after subscribing


@dataclass(frozen=True, slots=True)
class BookRule:
    """One exchange's rule. Use the named constructors.

    Attributes:
        restart_number: An update of this number says that the exchange started counting anew: it must be a snapshot.
        window: The stream keeps this many levels a side complete, and no more; ``None``: it has no such window.
        buffer_limit: Updates kept while a snapshot is awaited; the oldest go first, which a later snapshot mends.
        old_limit: So many old updates in a row mean that the numbers went back, not that they repeat.
        costs: What a request for a snapshot takes from the exchange's limits. All books of a connection together use
            half of what those admit; empty: ``ExchangeFacts.snapshots_per_s`` says how many they may ask for.
        log_gaps_only: Count gaps and apply all the same, where an exchange does not promise that its numbers chain.
    """

    link: Link
    source: SnapshotSource
    restart_number: int | None = None
    window: int | None = None
    buffer_limit: int = 10_000
    old_limit: int = 200
    log_gaps_only: bool = False
    costs: tuple[Cost, ...] = ()

    @classmethod
    def contiguous(cls, *, costs: tuple[Cost, ...] = ()) -> BookRule:
        """Updates carry first and last number without holes; the snapshot is requested.

        The first update kept satisfies ``first ≤ number + 1 ≤ last``; later ``first > number + 1`` is a gap.
        """
        return cls(Link.CONTIGUOUS, SnapshotSource.REQUEST, costs=costs)

    @classmethod
    def previous_number(cls, *, costs: tuple[Cost, ...] = ()) -> BookRule:
        """Updates name the number of the one before, numbers have holes; the snapshot is requested.

        The first update kept satisfies ``previous ≤ number ≤ last``; later ``previous ≠ number`` is a gap.
        """
        return cls(Link.PREVIOUS, SnapshotSource.REQUEST, costs=costs)

    @classmethod
    def stream_snapshot(
        cls, *, window: int | None, restart_number: int | None = None, log_gaps_only: bool = False
    ) -> BookRule:
        """The stream begins with a snapshot and goes on with updates numbered one by one."""
        return cls(
            Link.CONTIGUOUS,
            SnapshotSource.STREAM,
            restart_number=restart_number,
            window=window,
            log_gaps_only=log_gaps_only,
        )

    @classmethod
    def chained(cls, *, window: int | None) -> BookRule:
        """The stream begins with a snapshot and goes on with updates that name the number of the one before.

        Numbers have holes. They may go back: an update that names the book's own number follows it, whatever its own
        number is, which may be the same (nothing changed) or lower (the exchange has begun to count anew).
        """
        return cls(Link.PREVIOUS, SnapshotSource.STREAM, window=window, old_limit=20)

    @classmethod
    def full_snapshots(cls, *, window: int | None) -> BookRule:
        """Each message is the whole book; ``last`` is its time or number, and an older one is dropped."""
        return cls(Link.NONE, SnapshotSource.STREAM, window=window)
