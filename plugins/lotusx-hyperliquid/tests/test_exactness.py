"""Nothing that is told is rounded by the caller's decimal context."""

from __future__ import annotations

from decimal import Decimal as D, localcontext

from lotusx.model import OrderStatus
from lotusx_hyperliquid import account_types as types, order_conversions as convert


def test_balances_and_executed_quantities_are_exact_in_any_context() -> None:
    spot = types.SpotBalance(coin="USDC", token=0, total="1234567.89", hold="0.01")
    perp = types.PerpState(types.MarginSummary("1234567.89", "0.01"), "0.01", [])

    with localcontext(prec=6):
        free = convert.to_spot_balance(spot, asset="USDC").free
        locked = convert.to_margin_balance(perp, asset="USDC", dex="").locked
        executed = convert._executed(OrderStatus.OPEN, D("1234567.8"), D("0.3"))

    assert (free, locked, executed) == (D("1234567.88"), D("1234567.88"), D("1234567.5"))
