"""History that is listed newest first, seven days at a time: read in pieces that come out oldest first."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, TypeVar

from lotusx.errors import MalformedReply
from lotusx.plugin import Page, Span
from lotusx_bybit.v5.conversions import MS
from lotusx_bybit.v5.envelope import Listing, Params

T = TypeVar("T")

WEEK_MS = 7 * 86_400_000
OLDEST_MS = 3 * 366 * 86_400_000
"""How far back it is worth asking: orders are kept for two years."""
KEPT_MS = 730 * 86_400_000
"""How far back is asked where nobody says since when."""
MOST_ROWS = 5_000
"""Rows of one piece that are read before it is cut in two."""

Rows = tuple[list[T], bool]
"""Rows, newest first, and whether they are all; if not, older ones are missing."""

Ask = Callable[[Params], Awaitable[Listing[T]]]


async def pages(ask: Ask[T], params: Params) -> AsyncGenerator[list[T], None]:
    """Yield the pages that answer *params*, one after the other. Errors as in `moved`."""
    cursor: str | None = None
    while True:
        page = await ask({**params, "cursor": cursor})
        yield page.items
        if page.following is None:
            return
        cursor = moved(page.following, cursor)


def moved(after: str, before: str | None) -> str:
    """Return the cursor *after* a page that was asked for by *before*.

    Raises:
        MalformedReply: They are the same: more follows, and it cannot be asked for.
    """
    if after != before:
        return after
    error = MalformedReply("bybit: a list is not complete: more follows, but the cursor of the next page does not move")
    error.retryable = False  # the same question has the same answer
    raise error


async def everything(ask: Ask[T], params: Params, most: int | None = None) -> list[T]:
    """Return the rows of all pages in their order; with *most*, the first that many and perhaps a few more."""
    return (await at_most(ask, params, most))[0]


async def at_most(ask: Ask[T], params: Params, most: int | None) -> Rows[T]:
    """Return the same, and whether it is all: this is told by what was listed, where a row may be repeated."""
    rows: list[T] = []
    async with aclosing(pages(ask, params)) as found:
        async for page in found:
            rows += page
            if most is not None and len(rows) >= most:
                return rows, False
    return rows, True


def end_of(span: Span, now_ms: int) -> int:
    """Return the last millisecond of *span*."""
    return now_ms if span.end_ns is None else (span.end_ns - 1) // MS


async def piece(
    ask: Callable[[dict[str, Any], int | None], Awaitable[Rows[T]]],
    span: Span,
    cursor: str | None,
    limit: int,
    *,
    now_ms: int,
    time_of: Callable[[T], int],
) -> Page[T]:
    """Return one piece of *span*, oldest first; the cursor is the millisecond at which the next one starts.

    Where the span has no start, the newest *limit* rows of two years, without a cursor: asked for week by week until
    there are so many, for which it may take 105 times what one week takes.

    Args:
        ask: Returns the rows that answer parameters; with a number, the newest so many are enough.
        limit: How many of the newest are wanted where the span has no start.
        now_ms: The exchange's time.
        time_of: Milliseconds by which the exchange sorts a row.
    """
    end = end_of(span, now_ms)
    if span.start_ns is None and cursor is None:
        return Page(_oldest_first(await _newest(ask, end, limit), time_of)[-limit:], None)
    start = int(cursor) if cursor is not None else max(-(-(span.start_ns or 0) // MS), end - OLDEST_MS)
    length = WEEK_MS
    while True:
        upto = min(end, start + length - 1)
        rows, complete = await ask({"startTime": start, "endTime": upto}, MOST_ROWS if upto > start else None)
        if complete:
            break
        length = max((upto - start + 1) // 2, 1)
    return Page(_oldest_first(rows, time_of), str(upto + 1) if upto < end else None)


async def _newest(ask: Callable[[dict[str, Any], int | None], Awaitable[Rows[T]]], end: int, limit: int) -> list[T]:
    """Return the newest *limit* rows up to *end*, and perhaps older ones, as they are listed."""
    rows: list[T] = []
    oldest, upto = end - KEPT_MS, end
    while len(rows) < limit and upto >= oldest:
        times = {"startTime": max(upto - WEEK_MS + 1, oldest), "endTime": upto}
        wanted = most = limit - len(rows)
        found, complete = await ask(times, most)
        while len(found) < wanted and not complete:  # some were listed twice
            most *= 2
            found, complete = await ask(times, most)
        rows += found
        upto = times["startTime"] - 1
    return rows


def _oldest_first(rows: list[T], time_of: Callable[[T], int]) -> list[T]:
    """Sort what is listed newest first; of one moment, what was listed last comes first."""
    turned = list(reversed(rows))
    turned.sort(key=time_of)
    return turned
