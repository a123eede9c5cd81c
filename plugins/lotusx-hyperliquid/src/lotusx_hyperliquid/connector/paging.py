"""History that is asked for by time alone, in pages of a fixed size."""

from __future__ import annotations

from lotusx.errors import MalformedReply


def next_begin(newest_ms: int, begin_ms: int, rows: int, what: str) -> int:
    """Return the millisecond with which the page after a full one begins: the last one of this, whose rows repeat.

    Raises:
        MalformedReply: The page is full of one millisecond. What else that has cannot be asked for: there are no ids.
    """
    if newest_ms > begin_ms:
        return newest_ms
    error = MalformedReply(
        f"hyperliquid: the history is not complete: {rows} {what} or more are of the millisecond {begin_ms}, and no "
        "more of one are told; ask for what is before it and for what is after it"
    )
    error.retryable = False  # the same question has the same answer
    raise error
