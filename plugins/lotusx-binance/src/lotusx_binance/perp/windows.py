"""Pure: history that the exchange gives in windows of less than a week, each at most one page."""

from __future__ import annotations

from collections.abc import Sequence

from lotusx.errors import MalformedReply

WINDOW_MS = 7 * 86_400_000 - 1
"""The longest window of ``allOrders``, ``userTrades`` and ``income``."""


def window(cursor: str | None, start: int, end: int) -> tuple[int, int]:
    """Return first and last millisecond of the page at *cursor*, ``None``: the first one of [start, end]."""
    opens = start if cursor is None else int(cursor)
    return opens, min(opens + WINDOW_MS - 1, end)


def incomplete(why: str, instead: str) -> MalformedReply:
    """Return the error of a history that goes on where it cannot be asked for."""
    text = f"binance-perp: the history is not complete: {why}, and no more of one page are told; {instead}"
    error = MalformedReply(text)
    error.retryable = False  # the same question has the same answer
    return error


def next_start(times: Sequence[int], opens: int, closes: int, end: int, limit: int, what: str) -> str | None:
    """Return where the next page starts; ``None``: there is nothing more.

    A full page may have been cut within a millisecond, whose items then repeat.

    Raises:
        MalformedReply: The page is full of one millisecond. That ids reach further back than a week is not documented.
    """
    if len(times) >= limit:
        newest = max(times)
        if newest <= opens:
            raise incomplete(
                f"{limit} {what} or more are of the millisecond {opens}",
                "ask for what is before it and for what is after it",
            )
        return str(newest)
    return None if closes >= end else str(closes + 1)
