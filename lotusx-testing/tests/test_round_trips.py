"""A conversion that loses something on the way there and back is caught."""

from __future__ import annotations

from decimal import Decimal

import pytest

from lotusx.model import Side, decimal_from_wire, plain
from lotusx_testing import RoundTrip

WORDS = {Side.BUY: "Bid", Side.SELL: "Ask"}
SIDES = {word: side for side, word in WORDS.items()}
NUMBERS = [Decimal("0.00000001"), Decimal("123456789.123456789"), Decimal(1)]


def test_conversion_that_keeps_everything_passes() -> None:
    RoundTrip("side", list(Side), WORDS.__getitem__, SIDES.__getitem__).check()
    RoundTrip("price", NUMBERS, plain, lambda text: decimal_from_wire(text, field="price")).check()


def test_number_that_went_through_a_float_is_caught() -> None:
    with pytest.raises(AssertionError, match="is read as"):
        RoundTrip("price", NUMBERS, lambda value: repr(float(value)), Decimal).check()


def test_two_values_that_are_written_alike_are_caught() -> None:
    class Forgetful:
        """Remembers what it wrote last, so that each value alone comes back."""

        last = ""

        def write(self, value: str) -> str:
            self.last = value
            return value[:2]

        def read(self, wire: str) -> str:
            return self.last

    ids = Forgetful()
    with pytest.raises(AssertionError, match="'abc' and 'abd' are both written as 'ab'"):
        RoundTrip("id", ["abc", "abd"], ids.write, ids.read).check()


def test_round_trip_without_values_fails() -> None:
    with pytest.raises(AssertionError, match="no value"):
        RoundTrip("nothing", [], str, str).check()
