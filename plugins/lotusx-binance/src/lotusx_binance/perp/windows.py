"""Pure: history that the exchange gives in windows of less than a week, each at most one page."""

from __future__ import annotations

from collections.abc import Sequence

WINDOW_MS = 7 * 86_400_000 - 1
"""The longest window of ``allOrders``, ``userTrades`` and ``income``."""


def window(cursor: str | None, start: int, end: int) -> tuple[int, int]:
    """Return first and last millisecond of the page at *cursor*, ``None``: the first one of [start, end]."""
    opens = start if cursor is None else int(cursor)
    return opens, min(opens + WINDOW_MS - 1, end)


def next_start(times: Sequence[int], opens: int, closes: int, end: int, limit: int) -> str | None:
    """Return where the next page starts; ``None``: there is nothing more.

    A full page may have been cut within a millisecond, whose items then repeat.
    """
    if len(times) >= limit:
        newest = max(times)
        return str(newest if newest > opens else opens + 1)
    return None if closes >= end else str(closes + 1)
