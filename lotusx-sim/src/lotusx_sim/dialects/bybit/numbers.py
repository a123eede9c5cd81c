"""Numbers as the venue writes them: text, no exponent."""

from decimal import ROUND_HALF_EVEN, Decimal

_AMOUNT = Decimal("1e-8")


def plain(value: Decimal) -> str:
    """Write *value* without trailing zeros."""
    text = format(value.normalize(), "f")
    return "0" if text == "-0" else text


def amount(value: Decimal) -> str:
    """Write an amount of a coin: eight decimals at most."""
    return plain(value.quantize(_AMOUNT, rounding=ROUND_HALF_EVEN))


def scaled(value: Decimal, unit: Decimal) -> str:
    """Write *value* with the decimals of *unit* (a tick or step), with more only where it has more."""
    rounded = value.quantize(unit, rounding=ROUND_HALF_EVEN)
    return format(rounded, "f") if rounded == value else plain(value)


def rounded(value: Decimal, unit: Decimal) -> str:
    """Write *value* rounded to the decimals of *unit*."""
    return format(value.quantize(unit, rounding=ROUND_HALF_EVEN), "f")
