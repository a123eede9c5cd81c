"""Backpack's four ways to write a time → nanoseconds since the Unix epoch.

Milliseconds and microseconds come as numbers or as their digits; history and candles as ISO text, in UTC without saying
so. Source: the exchange's OpenAPI document (2026-08), and recordings.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from lotusx.errors import ItemRejected

US = 1_000
"""Nanoseconds in a microsecond."""
MS = 1_000_000
"""Nanoseconds in a millisecond."""
S = 1_000_000_000
"""Nanoseconds in a second."""

Whole = int | str
"""A whole number that some messages write as text."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def whole(value: Whole, *, field: str) -> int:
    """Read a whole number.

    Raises:
        ItemRejected: It is none.
    """
    if isinstance(value, int):
        return value
    if value.isascii() and value.isdecimal():
        return int(value)
    raise ItemRejected(f"{field} is not a whole number: {value!r}", field=field, value=value)


def utc_ns(text: str, *, field: str) -> int:
    """Read ``2025-07-27T17:39:00.092`` or ``2026-09-01 16:52:00``; without a zone it is UTC.

    Raises:
        ItemRejected: It is no such text.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ItemRejected(f"{field} is not a time: {text!r}", field=field, value=text) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return (moment - _EPOCH) // _MICROSECOND * US


def moment_ns(value: Whole, *, field: str, unit: int = MS) -> int:
    """Read a number of *unit* (nanoseconds), or ISO text.

    Raises:
        ItemRejected: It is neither.
    """
    if isinstance(value, int) or value.isdecimal():
        return whole(value, field=field) * unit
    return utc_ns(value, field=field)
