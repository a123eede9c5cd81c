"""Nothing that is told or sent is rounded by the caller's decimal context."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest

from lotusx.errors import InvalidArgument
from lotusx_binance import account_types, order_conversions
from lotusx_binance.order_requests import trailing_delta
from lotusx_binance.perp.order_requests import margin_change


def test_fee_rates_and_margins_are_exact_in_any_context() -> None:
    rates = {"standard": account_types.CommissionRates("0.00123456789", "0", "0.1", "0")}

    with localcontext(prec=6):
        rate = order_conversions.commission_rate(rates, "maker")
        change = margin_change(Decimal("-1234567.89"))

    assert rate == Decimal("0.10123456789")
    assert change == {"amount": "1234567.89", "type": 2}


def test_callback_between_two_basis_points_is_refused_in_any_context() -> None:
    with localcontext(prec=2), pytest.raises(InvalidArgument) as caught:
        trailing_delta(Decimal("0.01234"))

    assert caught.value.nearest == (Decimal("0.0123"), Decimal("0.0124"))
