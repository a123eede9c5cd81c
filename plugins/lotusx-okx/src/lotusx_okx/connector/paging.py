"""Lists that are read from the newest backwards, by the id or the time of the last row seen."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from lotusx.errors import MalformedReply
from lotusx.plugin import Span
from lotusx_okx.numbers import MS

R = TypeVar("R")

FRESH_MS = 60_000
"""How far a boundary of an archive is kept away from, for clocks that differ."""
DAY_MS = 86_400_000


def older_than(span: Span, days: int, now_ms: int) -> bool:
    """Say whether *span* reaches back further than the last *days*."""
    return span.start_ns is not None and span.start_ns // MS < now_ms - days * DAY_MS + FRESH_MS


def inside(moment_ns: int, span: Span) -> bool:
    """Say whether a moment lies in *span*, whose end is exclusive."""
    begins, ends = span.start_ns, span.end_ns
    return (begins is None or moment_ns >= begins) and (ends is None or moment_ns < ends)


async def newest_in(
    span: Span,
    ask: Callable[[str | None, int], Awaitable[Sequence[R]]],
    *,
    time_of: Callable[[R], int],
    name_of: Callable[[R], str],
    limit: int,
    most: int,
    lag_ns: int = 0,
    count: Callable[[Sequence[R]], int] | None = None,
) -> list[R]:
    """Return the rows of *span*, oldest first: all of them, or without a start the newest *limit* of them.

    Args:
        ask: Takes the name after which (that is, before which in time) to read, and how many; newest first.
        time_of: Nanoseconds.
        name_of: Of a row, as *ask* takes it.
        most: Rows that one answer may have.
        lag_ns: How much older than the row before it a row may be listed: reading goes on that much past the start.
        count: How many of *limit* rows amount to, newest first, where it is not rows that are counted: without a start,
            those that were read until there were enough are returned then.

    Raises:
        MalformedReply: A full page ends where it was asked to begin: what lies behind it cannot be had.
    """
    found: dict[str, R] = {}
    after: str | None = None
    wanted = min(limit, most) if count is None and span.start_ns is None and span.end_ns is None else most
    while True:
        rows = await ask(after, wanted)
        found.update((name_of(row), row) for row in rows if inside(time_of(row), span))
        if len(rows) < wanted:
            break
        if name_of(rows[-1]) == after:
            error = MalformedReply(f"okx: a list is not complete: a full page that should follow {after} ends with it")
            error.retryable = False  # the same question has the same answer
            raise error
        after = name_of(rows[-1])
        if span.start_ns is not None:
            if time_of(rows[-1]) < span.start_ns - lag_ns:
                break
        elif (len(found) if count is None else count(list(found.values()))) >= limit:
            break
    oldest_first = list(found.values())[::-1]
    oldest_first.sort(key=time_of)  # stable: of one moment, the order they came in
    return oldest_first[-limit:] if span.start_ns is None and count is None else oldest_first
