"""History that can only be asked for by how far it is from the newest."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import TypeVar

from lotusx.plugin import Span

R = TypeVar("R")


def first(span: Span, unit_ns: int) -> int | None:
    """Return the first whole *unit_ns* in *span*; ``None``: open."""
    return None if span.start_ns is None else -(-span.start_ns // unit_ns)


def last(span: Span, unit_ns: int) -> int | None:
    """Return the last whole *unit_ns* in *span*, whose end is exclusive; ``None``: open."""
    return None if span.end_ns is None else (span.end_ns - 1) // unit_ns


def inside(moment_ns: int, span: Span) -> bool:
    """Say whether a moment lies in *span*, whose end is exclusive."""
    begins, ends = span.start_ns, span.end_ns
    return (begins is None or moment_ns >= begins) and (ends is None or moment_ns < ends)


async def newest_in(
    span: Span,
    ask: Callable[[int, int], Awaitable[Sequence[R]]],
    *,
    time_of: Callable[[R], int],
    key_of: Callable[[R], Hashable],
    limit: int,
    most: int,
) -> list[R]:
    """Return the rows of *span*, oldest first: all of them, or without a start the newest *limit* of them.

    What is added meanwhile moves rows to the next page, where they are seen again.

    Args:
        ask: Takes limit and offset; newest first, or else all of them are read.
        time_of: Nanoseconds.
        key_of: What tells a row from another.
        most: Rows that one answer may have.
    """
    found: dict[Hashable, R] = {}
    offset = 0
    start, end = span.start_ns, span.end_ns
    wanted = min(max(limit, 2), most) if start is None and end is None else most  # of two, one is the newer
    while True:
        rows = await ask(wanted, offset)
        found.update((key_of(row), row) for row in rows if inside(time_of(row), span))
        if len(rows) < wanted:
            break
        newest_first = time_of(rows[0]) >= time_of(rows[-1])
        if newest_first and (len(found) >= limit if start is None else time_of(rows[-1]) < start):
            break
        offset += wanted
    oldest_first = list(found.values())[::-1]
    oldest_first.sort(key=time_of)  # stable: of one moment, the order they came in
    return oldest_first[-limit:] if start is None else oldest_first
