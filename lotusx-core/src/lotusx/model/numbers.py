"""Exact numbers: from wire text to `Decimal` and back, never through a float."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow

from lotusx.errors import InvalidArgument, ItemRejected

_INFINITY = float("inf")
EXACT = Context(prec=2_000, traps=[Inexact, InvalidOperation])
_AMOUNTS = Context(prec=100, traps=[Inexact, InvalidOperation, Overflow])
_QUOTIENT = Context(prec=28, traps=[InvalidOperation])


def decimal_from_wire(text: str, *, field: str = "number") -> Decimal:
    """Read a number the exchange wrote as text.

    Raises:
        ItemRejected: *text* is not a finite number.
    """
    try:
        value = Decimal(text)
    except (InvalidOperation, TypeError, ValueError):
        raise ItemRejected(f"{field} is not a number: {text!r}", field=field, value=str(text)) from None
    if not value.is_finite():
        raise ItemRejected(f"{field} is not finite: {text!r}", field=field, value=text)
    return value


def exact(text: str) -> str:
    """Vouch that *text* is a finite number, and keep it as text until somebody reads it.

    The conversion to binary only tests the form; its result is thrown away.

    Raises:
        ItemRejected: It is not.
    """
    try:
        finite = -_INFINITY < float(text) < _INFINITY
    except (ValueError, TypeError):
        finite = False
    if finite:
        return text
    raise ItemRejected(f"not a finite number: {text!r}", value=str(text))


exact_interpreted = exact
with suppress(ImportError):  # there was no compiler
    from lotusx.model import _numbers

    globals()["exact"] = _numbers.exact  # the same, but for what it costs: types and documentation are the one above


def decimal_from_user(value: object, *, name: str) -> Decimal:
    """Read a number a person wrote: `Decimal`, `int` or text. A float is refused.

    Raises:
        InvalidArgument: A float (the text of the error shows the right call), NaN, or not a number.
    """
    if isinstance(value, bool) or not isinstance(value, Decimal | int | str):
        shown = repr(value) if isinstance(value, float) else type(value).__name__
        example = f"{name}=Decimal({str(value)!r})" if isinstance(value, float) else f"{name}=Decimal('0.1')"
        raise InvalidArgument(f"{name} must be exact, not {shown}: write {example} or {name}='…' as text")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise InvalidArgument(f"{name} is not a number: {value!r}") from None
    if not number.is_finite():
        raise InvalidArgument(f"{name} must be finite, not {value}")
    return number


def plain(value: Decimal) -> str:
    """Write *value* for the wire: no exponent, no trailing zeros, no minus zero.

    >>> plain(Decimal("1.500E-7"))
    '0.00000015'
    >>> plain(Decimal("-0.00"))
    '0'
    """
    if not value:
        return "0"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def shifted(number: Decimal, places: int) -> Decimal:
    """Move the decimal point, to the left where *places* is below zero. Exact, whatever the caller's decimal context.

    >>> shifted(Decimal("12.5"), -2)
    Decimal('0.125')
    """
    return EXACT.scaleb(number, places)


def quotient(dividend: Decimal, divisor: Decimal) -> Decimal:
    """Divide, to 28 digits (half even), whatever the caller's decimal context: an average price mostly does not end.

    >>> quotient(Decimal(2), Decimal(3))
    Decimal('0.6666666666666666666666666667')
    """
    return _QUOTIENT.divide(dividend, divisor)


def added(a: Decimal, b: Decimal) -> Decimal:
    """Return a + b: exact, whatever the caller's decimal context.

    Raises:
        ItemRejected: It would have to be rounded, for the two are more than a hundred digits apart.
    """
    return _exactly(_AMOUNTS.add, a, b)


def subtracted(a: Decimal, b: Decimal) -> Decimal:
    """Return a - b. Errors as in `added`."""
    return _exactly(_AMOUNTS.subtract, a, b)


def multiplied(a: Decimal, b: Decimal) -> Decimal:
    """Return a * b. Errors as in `added`."""
    return _exactly(_AMOUNTS.multiply, a, b)


def negated(number: Decimal) -> Decimal:
    """Return -number, and 0 for 0: a unary minus would round to the caller's decimal context.

    >>> negated(Decimal("0.10"))
    Decimal('-0.10')
    """
    return number.copy_negate() if number else number.copy_abs()


def _exactly(operation: Callable[[Decimal, Decimal], Decimal], a: Decimal, b: Decimal) -> Decimal:
    try:
        return operation(a, b)
    except DecimalException:
        raise ItemRejected(f"{a} and {b} are no amounts of one thing") from None
