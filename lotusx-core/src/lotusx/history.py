"""History in pages, handed out as one ordered sequence without repetitions."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable
from datetime import datetime
from typing import TypeVar

from lotusx.errors import InvalidArgument, MalformedReply
from lotusx.kernel.ports import Page, Span

T = TypeVar("T")

Moment = datetime | int | None
"""An aware `datetime`, nanoseconds since the epoch, or ``None`` (open)."""

_1990_NS, _2200_NS = 631_152_000_000_000_000, 7_258_118_400_000_000_000
_UNITS = {"seconds": 1_000_000_000, "milliseconds": 1_000_000, "microseconds": 1_000}


def to_ns(moment: Moment, *, name: str) -> int | None:
    """Return *moment* as nanoseconds since the epoch.

    Raises:
        InvalidArgument: A naive datetime, a number that is of our time in another unit, or something else.
    """
    if moment is None or (isinstance(moment, int) and not isinstance(moment, bool)):
        for unit, factor in _UNITS.items():
            if moment is not None and _1990_NS <= moment * factor < _2200_NS:
                raise InvalidArgument(
                    f"{name} is in nanoseconds since the epoch, and {moment} looks like {unit}: give "
                    f"{moment * factor}, or an aware datetime"
                )
        return moment
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            raise InvalidArgument(f"{name} must say its time zone: datetime(…, tzinfo=timezone.utc)")
        return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1_000
    raise InvalidArgument(f"{name} must be an aware datetime or nanoseconds since the epoch")


def to_span(start: Moment, end: Moment) -> Span:
    """Return [start, end) and refuse a reversed one."""
    return in_order(Span(to_ns(start, name="start"), to_ns(end, name="end")))


def in_order(span: Span) -> Span:
    """Return *span* unless it is reversed."""
    if span.start_ns is not None and span.end_ns is not None and span.start_ns >= span.end_ns:
        raise InvalidArgument("start must lie before end")
    return span


async def all_pages(fetch: Callable[[str | None, int], Awaitable[Page[T]]]) -> list[T]:
    """Return the items of every page, oldest first. *fetch* takes a cursor (``None``: the first page) and a limit.

    Raises:
        MalformedReply: A page says that more follows where it began itself: what lies there cannot be had.
    """
    items: list[T] = []
    cursor: str | None = None
    while True:
        page = await fetch(cursor, 1_000)
        items += page.items
        if page.cursor is None:
            return items
        cursor = _moved(page.cursor, cursor)


async def iterate(
    fetch: Callable[[str | None], Awaitable[Page[T]]], identity: Callable[[T], Hashable], *, remember: int = 10_000
) -> AsyncGenerator[T, None]:
    """Yield every item of every page once, in order.

    Args:
        fetch: Takes a cursor (``None``: the first page) and returns a page, oldest first.
        identity: What makes an item the same as another; the last *remember* are kept to drop repetitions where
            pages overlap.

    Raises:
        MalformedReply: As in `all_pages`.
    """
    seen: set[Hashable] = set()
    order: deque[Hashable] = deque()
    cursor: str | None = None
    while True:
        page = await fetch(cursor)
        for item in page.items:
            key = identity(item)
            if key in seen:
                continue
            seen.add(key)
            order.append(key)
            if len(order) > remember:
                seen.discard(order.popleft())
            yield item
        if page.cursor is None:
            return
        cursor = _moved(page.cursor, cursor)


def _moved(after: str, before: str | None) -> str:
    if after != before:
        return after
    error = MalformedReply("the history is not complete: more follows, but the cursor of the next page does not move")
    error.retryable = False  # the same question has the same answer
    raise error
