"""Order books, pure: the ladder of levels and the machine that keeps it in step with the exchange."""

from lotusx.kernel.book.ladder import Ladder
from lotusx.kernel.book.lane import Lane, lane_of
from lotusx.kernel.book.pace import SnapshotPace, seconds_each
from lotusx.kernel.book.reading import BookTop, Depth
from lotusx.kernel.book.rule import BookRule, Link, SnapshotSource
from lotusx.kernel.book.sync import BookCounters, BookState, BookSync, Outcome

__all__ = [
    "BookCounters",
    "BookRule",
    "BookState",
    "BookSync",
    "BookTop",
    "Depth",
    "Ladder",
    "Lane",
    "Link",
    "Outcome",
    "SnapshotPace",
    "SnapshotSource",
    "lane_of",
    "seconds_each",
]
