"""Numbers as the venue writes them, and the rules prices and sizes must keep."""

from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal

WIRE_DECIMALS = 8
_SIGNIFICANT = 5
_USD = Decimal("0.000001")


def wire(value: Decimal) -> str:
    """Write *value* as it is hashed: no exponent, no trailing zeros, no ``-0``."""
    text = format(value.normalize(), "f")
    return "0" if text == "-0" else text


def shown(value: Decimal) -> str:
    """Write *value* as answers show it: like `wire`, with ``.0`` behind whole numbers."""
    text = wire(value)
    return text if "." in text else f"{text}.0"


def usd(value: Decimal) -> str:
    """Write an amount of dollars: six decimals at most."""
    return shown(value.quantize(_USD, rounding=ROUND_HALF_UP))


def rounded(value: Decimal, decimals: int) -> str:
    """Write *value* with at most *decimals* of them, cut off."""
    return shown(value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_DOWN))


def decimals_of(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)


def is_price(price: Decimal, size_decimals: int, max_decimals: int) -> bool:
    """Tell whether *price* is whole, or has at most five significant figures and few enough decimals.

    Args:
        size_decimals: ``szDecimals`` of the asset.
        max_decimals: 6 for perpetuals, 8 for spot.
    """
    decimals = decimals_of(price)
    if not decimals:
        return True
    return len(price.normalize().as_tuple().digits) <= _SIGNIFICANT and decimals <= max_decimals - size_decimals


def price_figures(value: Decimal, size_decimals: int, max_decimals: int) -> Decimal:
    """Round a computed price, such as a mid, to what the venue would show: one figure more than an order may have."""
    magnitude = value.adjusted()
    decimals = max(0, min(_SIGNIFICANT - magnitude, max_decimals - size_decimals + 1))
    return value.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
