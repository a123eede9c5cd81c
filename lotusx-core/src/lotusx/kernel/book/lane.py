"""How a ladder may order prices: by float where that is exact, by `Decimal` everywhere else.

Two decimal numbers of at most 15 significant digits never share a float, and never swap their order as floats. So a
float may *order* such prices. It is never the price: that stays the exchange's own text. Each price's text is looked at
(`fits_float`): one that a float cannot order moves its ladder to the other lane.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from lotusx.model.instruments import Instrument, SignificantDigits, TickSize

SAFE_DIGITS = 15
_SAFE_LENGTH = SAFE_DIGITS + 1  # the point; a whole number this long is below 2**53 or out of the ladder's range


class Lane(StrEnum):
    """What orders the levels of a ladder."""

    FLOAT = "float"
    DECIMAL = "decimal"


def lane_of(instrument: Instrument) -> Lane:
    """Choose the lane to begin with: `Lane.DECIMAL` where the instrument's rules allow prices that need it.

    >>> from lotusx.kernel.book.lane import digits_of
    >>> digits_of(TickSize(Decimal("0.01"), maximum=Decimal("1000000.00")))
    9
    """
    digits = digits_of(instrument.price_rule)
    return Lane.FLOAT if digits is None or digits <= SAFE_DIGITS else Lane.DECIMAL


def digits_of(rule: TickSize | SignificantDigits | None) -> int | None:
    """Return how many significant digits a price can have at most; ``None``: the rule does not say.

    Whole numbers may exceed a rule of significant digits; a ladder refuses to order them by float (`fits_float`).
    """
    if isinstance(rule, SignificantDigits):
        return rule.digits
    if rule is None or rule.maximum is None or not rule.maximum > 0 or not rule.tick_size > 0:
        return None
    exponent = rule.tick_size.normalize().as_tuple().exponent
    assert isinstance(exponent, int)  # a finite number's
    return max(1, rule.maximum.adjusted() - exponent + 1)


def fits_float(text: str) -> bool:
    """Whether *text*, a number, has few enough significant digits to be ordered by float."""
    if len(text) <= _SAFE_LENGTH:
        return True
    digits = "".join(map(str, Decimal(text).as_tuple().digits))
    return len(digits.strip("0")) <= SAFE_DIGITS
