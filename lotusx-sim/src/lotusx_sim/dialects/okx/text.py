"""Numbers as the venue writes them: text, no exponent, no trailing zeros."""

from decimal import ROUND_HALF_EVEN, Decimal

NS_PER_MS = 1_000_000
_AMOUNT = Decimal("1e-12")


def plain(value: Decimal) -> str:
    text = format(value.normalize(), "f")
    return "0" if text == "-0" else text


def amount(value: Decimal) -> str:
    """Write an amount of a currency: twelve decimals at most."""
    return plain(value.quantize(_AMOUNT, rounding=ROUND_HALF_EVEN))


def on_tick(value: Decimal, tick: Decimal) -> str:
    return plain(value.quantize(tick, rounding=ROUND_HALF_EVEN))


def ms(ns: int) -> str:
    return str(ns // NS_PER_MS)
