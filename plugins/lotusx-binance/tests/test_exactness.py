"""Nothing that is told or sent is rounded by the caller's decimal context."""

from __future__ import annotations

from decimal import Decimal, localcontext

import pytest

from lotusx.errors import InvalidArgument
from lotusx.model import Symbol
from lotusx_binance import account_types, order_conversions
from lotusx_binance.order_requests import trailing_delta
from lotusx_binance.perp import account_types as account_types_of_contracts
from lotusx_binance.perp.account_conversions import to_balance, to_payments
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


def test_balances_and_funding_of_contracts_are_exact_in_any_context() -> None:
    held = account_types_of_contracts.AssetBalance(
        asset="USDT", balance="1234567.89", crossWalletBalance="0", availableBalance="1000000.25", updateTime=1
    )
    rows = [
        account_types_of_contracts.Income(
            symbol="BTCUSDT", incomeType="FUNDING_FEE", income=income, asset="USDT", time=1
        )
        for income in ("1234567.891", "0.002")
    ]

    with localcontext(prec=6):
        balance = to_balance(held)
        (payment,) = to_payments(rows, symbol=Symbol.parse("BTC/USDT:USDT"))

    assert balance.locked == Decimal("234567.64")
    assert payment.amount == Decimal("1234567.893")
