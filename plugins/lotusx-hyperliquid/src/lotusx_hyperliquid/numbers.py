"""Numbers as actions carry them. Which prices and sizes an asset takes is the business of `lotusx.rules`.

Source: hyperliquid-docs, "Tick and lot size" and "Signing"; ``float_to_wire`` and ``float_to_int`` of
hyperliquid-python-sdk 0.24.0.
"""

from __future__ import annotations

from decimal import Clamped, Context, Decimal, DecimalException, Inexact, InvalidOperation, Overflow, Underflow

from lotusx.errors import InvalidArgument
from lotusx.model import Instrument, Side, plain
from lotusx.rules import MAX_EXPONENT, Rounding, round_price

WIRE_DECIMALS = 8
"""A ninth decimal makes the whole request unreadable."""

USD_DECIMALS = 6
"""Amounts of collateral that are whole numbers count millionths."""

# Says so instead of rounding, whatever the caller's decimal context.
_EXACT = Context(prec=4 * MAX_EXPONENT, traps=[Clamped, Inexact, InvalidOperation, Overflow, Underflow])


def wire(value: Decimal, *, name: str) -> str:
    """Write a number as it is hashed: no exponent, no trailing zeros, no minus zero. Never rounds.

    >>> wire(Decimal("1670.10"), name="price")
    '1670.1'

    Raises:
        InvalidArgument: It has more than 8 decimals, or is not finite.
    """
    text = plain(_writable(value, name))
    if len(text.partition(".")[2]) > WIRE_DECIMALS:
        raise InvalidArgument(f"{name} {text} has more than {WIRE_DECIMALS} decimals", rule="decimals")
    return text


def scaled(value: Decimal, decimals: int, *, name: str) -> int:
    """Write a number as a whole count of its last decimal. Never rounds.

    >>> scaled(Decimal("1.5"), USD_DECIMALS, name="margin")
    1500000

    Raises:
        InvalidArgument: It has more decimals.
    """
    count = _EXACT.scaleb(_writable(value, name), decimals)
    if count != count.to_integral_value():
        raise InvalidArgument(f"{name} {plain(value)} has more than {decimals} decimals", rule="decimals")
    return int(count)


def _writable(value: Decimal, name: str) -> Decimal:
    if value.is_finite() and abs(value.adjusted()) <= MAX_EXPONENT:
        return value
    raise InvalidArgument(f"{name} must be a number that can be written, not {value}", rule="decimals")


def worst_price(instrument: Instrument, side: Side, reference: Decimal, max_slippage: Decimal) -> Decimal:
    """Return the limit price that bounds an order without one: *max_slippage* (a fraction) away from *reference*.

    Rounded to a price of the instrument towards the reference, so that the bound is never exceeded: for a buy down, for
    a sell up.

    Raises:
        InvalidArgument: No price is left there.
    """
    away = max_slippage if side is Side.BUY else max_slippage.copy_negate()
    try:
        bound = _EXACT.multiply(reference, _EXACT.add(Decimal(1), away))
    except DecimalException:
        raise InvalidArgument(
            f"max_slippage {max_slippage} of {reference} is not a number that can be worked with", rule="max_slippage"
        ) from None
    return round_price(instrument, bound, Rounding.within_limit(side))
