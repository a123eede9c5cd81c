"""Numbers as OKX writes them: sizes of swaps count contracts, times are milliseconds, and what is absent is ``""``."""

from __future__ import annotations

from decimal import Context, Decimal, Inexact

from lotusx.errors import InvalidArgument, ItemRejected
from lotusx.model import (
    decimal_from_wire,
    exact,
    multiplied,
    plain,
)

MS = 1_000_000
"""Nanoseconds in a millisecond."""

ONE = Decimal(1)
_EXACT = Context(prec=60, traps=[Inexact])


def ms_of(text: str, field: str) -> int:
    """Read a time in milliseconds. Raises `ItemRejected` where it is none."""
    if not (text.isascii() and text.isdigit()):
        raise ItemRejected(f"{field} is no time in milliseconds: {text!r}", field=field, value=text)
    return int(text)


def ns_of(text: str, field: str) -> int:
    """Read a time in milliseconds as nanoseconds. Errors as in `ms_of`."""
    return ms_of(text, field) * MS


def number(text: str, field: str) -> Decimal | None:
    """Read a number; ``None``: there is none."""
    return decimal_from_wire(text, field=field) if text else None


def positive(text: str, field: str) -> Decimal | None:
    """Read a number of which zero says that there is none."""
    return number(text, field) or None


def in_base(text: str, size: Decimal, field: str) -> Decimal:
    """Turn a quantity of the wire into base units, exactly. *size*: base units a contract; 1 on spot."""
    return multiplied(decimal_from_wire(text, field=field), size)


def base_text(text: str, size: Decimal) -> str:
    """Turn a quantity of the wire into base units, as text. Raises `ItemRejected` where it is no number."""
    return exact(text) if size == ONE else plain(in_base(text, size, "sz"))


def in_contracts(quantity: Decimal, size: Decimal) -> Decimal:
    """Turn base units into what the wire counts.

    Raises:
        InvalidArgument: It is no number of contracts that could be written.
    """
    if size == ONE:
        return quantity
    try:
        return _EXACT.divide(quantity, size)
    except Inexact:
        text = f"{plain(quantity)} is no number of contracts of {plain(size)}"
        raise InvalidArgument(text, rule="step_size") from None
