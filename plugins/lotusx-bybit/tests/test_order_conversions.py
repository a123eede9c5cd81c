"""Orders and fills as Bybit tells them."""

from __future__ import annotations

from decimal import Decimal, localcontext
from typing import Any

import msgspec
import pytest
from bybit_documents import FILL, ORDER
from hypothesis import given, strategies as st

from lotusx.errors import ItemRejected
from lotusx.model import (
    Liquidity,
    OrderRequest,
    OrderState,
    OrderStatus,
    OrderType,
    PositionSide,
    Side,
    Symbol,
    TimeInForce,
)
from lotusx_bybit.v5 import account_types, order_conversions as convert
from lotusx_bybit.v5.category import Category

PERP = Symbol("BTC", "USDT", "USDT")
INVERSE = Symbol("BTC", "USD", "BTC")
SPOT = Symbol("BTC", "USDT")
MS = 1_000_000


def _order(category: Category = Category.LINEAR, symbol: Symbol = PERP, **changes: Any) -> OrderState:
    item = msgspec.convert({**ORDER, **changes}, account_types.Order)
    return convert.to_order(item, symbol=symbol, category=category)


def test_order_carries_what_the_exchange_said() -> None:
    state = _order(cumExecQty="0.040", cumExecValue="1200.02", avgPrice="30000.5", orderStatus="PartiallyFilled")

    assert (state.venue_order_id, state.client_order_id) == ("o-1", "a-1")
    assert (state.side, state.type, state.status) == (Side.BUY, OrderType.LIMIT, OrderStatus.PARTIALLY_FILLED)
    assert (state.quantity, state.filled, state.remaining) == (Decimal("0.1"), Decimal("0.04"), Decimal("0.06"))
    assert (state.price, state.average_price, state.filled_quote) == (
        Decimal("30000.50"),
        Decimal("30000.5"),
        Decimal("1200.02"),
    )
    assert (state.trigger_price, state.quote_quantity, state.reason) == (None, None, "")
    assert (state.created_ns, state.updated_ns) == (1_672_364_262_444 * MS, 1_672_364_262_457 * MS)
    assert (state.raw_status, state.raw_type, state.raw_time_in_force) == ("PartiallyFilled", "Limit", "GTC")


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("New", OrderStatus.OPEN),
        ("Untriggered", OrderStatus.PENDING),
        ("Triggered", OrderStatus.OPEN),
        ("Filled", OrderStatus.FILLED),
        ("Cancelled", OrderStatus.CANCELED),
        ("PartiallyFilledCanceled", OrderStatus.CANCELED),
        ("Rejected", OrderStatus.REJECTED),
        ("Deactivated", OrderStatus.CANCELED),
        ("Created", OrderStatus.OPEN),
        ("Active", OrderStatus.PENDING),
        ("PendingCancel", OrderStatus.OPEN),
        ("Moonstruck", OrderStatus.UNKNOWN),
    ],
)
def test_status_keeps_its_word(word: str, status: OrderStatus) -> None:
    state = _order(orderStatus=word)

    assert (state.status, state.raw_status) == (status, word)


def test_rejected_order_with_fills_was_canceled() -> None:
    assert _order(orderStatus="Rejected", cumExecQty="0.05").status is OrderStatus.CANCELED


@pytest.mark.parametrize(
    ("changes", "in_quote"),
    [
        ({"side": "Buy", "marketUnit": ""}, True),
        ({"side": "Sell", "marketUnit": ""}, False),
        ({"side": "Sell", "marketUnit": "quoteCoin"}, True),
        ({"side": "Buy", "marketUnit": "baseCoin"}, False),
    ],
)
def test_spot_market_order_says_what_its_quantity_counts(changes: dict[str, str], in_quote: bool) -> None:
    state = _order(Category.SPOT, SPOT, orderType="Market", qty="200", cumExecQty="0.004", **changes)

    assert state.quote_quantity == (200 if in_quote else None)
    assert state.quantity == (None if in_quote else 200)


def _ended_in_quote(spent: str, step: str | None = "0.000001", **changes: Any) -> OrderState:
    """Return a market order over 10000 of quote that Bybit canceled after 0.333 base units for *spent*."""
    ended: dict[str, Any] = {
        "orderStatus": "PartiallyFilledCanceled",
        "orderType": "Market",
        "marketUnit": "quoteCoin",
        "qty": "10000",
        "cumExecQty": "0.333",
        "cumExecValue": spent,
        "rejectReason": "EC_CancelForNoFullFill",
    }
    item = msgspec.convert({**ORDER, **ended, **changes}, account_types.Order)
    known = None if step is None else Decimal(step)
    return convert.to_order(item, symbol=SPOT, category=Category.SPOT, step=known)


@pytest.mark.parametrize(("spent", "step"), [("9999.99", "0.000001"), ("9960", "0.001"), ("10000", None)])
def test_quote_amount_that_could_not_be_spent_to_the_end_was_filled(spent: str, step: str | None) -> None:
    state = _ended_in_quote(spent, step)

    assert (state.status, state.reason) == (OrderStatus.FILLED, "EC_CancelForNoFullFill")
    assert _ended_in_quote(spent, step, marketUnit="baseCoin").status is OrderStatus.CANCELED
    unexplained = _ended_in_quote(spent, step, rejectReason="EC_NoError", cancelType="UNKNOWN")
    assert (unexplained.status, unexplained.reason) == (OrderStatus.FILLED, "")


@pytest.mark.parametrize(
    ("reject", "cancel", "reason"),
    [
        ("EC_NoEnoughQtyToFill", "UNKNOWN", "EC_NoEnoughQtyToFill"),
        ("EC_NoImmediateQtyToFill", "", "EC_NoImmediateQtyToFill"),
        ("EC_BySelfMatch", "CancelBySmp", "EC_BySelfMatch"),
        ("EC_NoError", "CancelBySmp", "CancelBySmp"),
        ("EC_NoError", "CancelByUser", ""),
        ("EC_CancelForNoFullFill", "CancelByAdmin", "EC_CancelForNoFullFill"),
    ],
)
def test_quote_amount_of_which_little_was_left_was_canceled_where_the_exchange_says_why(
    reject: str, cancel: str, reason: str
) -> None:
    state = _ended_in_quote("9970", "0.001", rejectReason=reject, cancelType=cancel)

    assert (state.status, state.reason) == (OrderStatus.CANCELED, reason)


@pytest.mark.parametrize(
    ("spent", "step"), [("1000", "0.000001"), ("9990", "0.000001"), ("", "0.000001"), ("9999.99", None)]
)
def test_quote_amount_of_which_more_than_a_step_is_worth_was_left_was_canceled(spent: str, step: str | None) -> None:
    state = _ended_in_quote(spent, step)

    assert (state.status, state.reason) == (OrderStatus.CANCELED, "EC_CancelForNoFullFill")
    assert state.quote_quantity == 10_000


def test_market_order_on_derivatives_never_counts_quote() -> None:
    assert _order(orderType="Market", side="Buy").quantity == Decimal("0.1")


def test_price_of_a_market_order_is_not_a_limit() -> None:
    assert _order(orderType="Market", price="31500").price is None
    assert _order(price="0").price is None


@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"stopOrderType": "Stop", "triggerDirection": 1}, OrderType.STOP_LOSS_LIMIT),
        ({"stopOrderType": "Stop", "triggerDirection": 2}, OrderType.TAKE_PROFIT_LIMIT),
        ({"stopOrderType": "Stop", "triggerDirection": 2, "side": "Sell"}, OrderType.STOP_LOSS_LIMIT),
        ({"stopOrderType": "Stop", "triggerDirection": 1, "side": "Sell"}, OrderType.TAKE_PROFIT_LIMIT),
        ({"stopOrderType": "Stop", "triggerDirection": 1, "orderType": "Market"}, OrderType.STOP_LOSS),
        ({"stopOrderType": "TakeProfit", "orderType": "Market"}, OrderType.TAKE_PROFIT),
        ({"stopOrderType": "PartialTakeProfit"}, OrderType.TAKE_PROFIT_LIMIT),
        ({"stopOrderType": "StopLoss"}, OrderType.STOP_LOSS_LIMIT),
        ({"stopOrderType": "PartialStopLoss", "orderType": "Market"}, OrderType.STOP_LOSS),
        ({"stopOrderType": "TrailingStop", "orderType": "Market"}, OrderType.TRAILING_STOP),
        ({"stopOrderType": "Stop", "triggerPrice": "30200"}, OrderType.STOP_LOSS_LIMIT),  # above the price at the time
        ({"stopOrderType": "tpslOrder", "triggerPrice": "30000"}, OrderType.TAKE_PROFIT_LIMIT),
        ({"stopOrderType": "tpslOrder", "triggerPrice": "9", "basePrice": "8"}, OrderType.STOP_LOSS_LIMIT),
        ({"stopOrderType": "Stop", "triggerPrice": "9", "lastPriceOnCreated": ""}, OrderType.UNKNOWN),
        ({"stopOrderType": "OcoOrder"}, OrderType.UNKNOWN),
        ({"stopOrderType": "UNKNOWN"}, OrderType.LIMIT),
        ({"stopOrderType": "", "orderType": "Market"}, OrderType.MARKET),
        ({"stopOrderType": "", "orderType": "Iceberg"}, OrderType.UNKNOWN),
    ],
)
def test_type_is_told_by_origin_side_and_direction(changes: dict[str, Any], kind: OrderType) -> None:
    state = _order(**changes)

    assert state.type is kind
    assert state.raw_type.startswith(changes.get("orderType", "Limit"))
    assert changes["stopOrderType"] in (*state.raw_type.split("/"), "", "UNKNOWN")


@pytest.mark.parametrize(
    ("word", "time_in_force", "post_only"),
    [
        ("GTC", TimeInForce.GTC, False),
        ("IOC", TimeInForce.IOC, False),
        ("FOK", TimeInForce.FOK, False),
        ("PostOnly", TimeInForce.GTC, True),
        ("RPI", TimeInForce.GTC, True),
        ("Forever", TimeInForce.UNKNOWN, False),
    ],
)
def test_time_in_force_keeps_its_word(word: str, time_in_force: TimeInForce, post_only: bool) -> None:
    state = _order(timeInForce=word)

    assert (state.time_in_force, state.post_only, state.raw_time_in_force) == (time_in_force, post_only, word)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"rejectReason": "EC_PostOnlyWillTakeLiquidity"}, "EC_PostOnlyWillTakeLiquidity"),
        ({"cancelType": "CancelByUser"}, ""),
        ({"cancelType": "CancelBySmp"}, "CancelBySmp"),
        ({"rejectReason": "UNKNOWN", "cancelType": ""}, ""),
    ],
)
def test_reason_is_told_of_an_end_that_nobody_asked_for(changes: dict[str, Any], reason: str) -> None:
    assert _order(orderStatus="Cancelled", **changes).reason == reason


def test_cancel_that_came_too_late_leaves_no_reason_on_a_filled_order() -> None:
    late: dict[str, Any] = {"cancelType": "CancelByUser", "rejectReason": "EC_OrigClOrdIDDoesNotExist"}

    assert _order(orderStatus="Filled", cumExecQty="0.1", **late).reason == ""


def test_inverse_order_counts_contracts() -> None:
    state = _order(Category.INVERSE, INVERSE, qty="300", cumExecQty="100", cumExecValue="0.00331122")

    assert (state.quantity, state.filled, state.filled_quote) == (Decimal(300), Decimal(100), Decimal(100))


@pytest.mark.parametrize("changes", [{"side": ""}, {"qty": "many"}, {"updatedTime": "soon"}])
def test_order_that_cannot_be_understood_is_rejected(changes: dict[str, Any]) -> None:
    with pytest.raises(ItemRejected):
        _order(**changes)


@given(
    quantity=st.decimals("0.00000001", 10**9, places=8),
    filled=st.decimals(0, 10**9, places=8),
    time=st.integers(1, 2_000_000_000_000),
)
def test_numbers_of_an_order_are_exact(quantity: Decimal, filled: Decimal, time: int) -> None:
    state = _order(qty=format(quantity, "f"), cumExecQty=format(filled, "f"), updatedTime=str(time))

    assert (state.quantity, state.filled, state.updated_ns) == (quantity, filled, time * MS)


def test_acknowledgement_proves_that_the_order_was_received_and_no_more() -> None:
    request = OrderRequest.limit("BTC/USDT:USDT", "buy", "0.1", "30000", client_order_id="a-1", reduce_only=True)

    state = convert.to_acknowledged(request, account_types.OrderIds("o-1", "a-1"), symbol=PERP)

    assert (state.venue_order_id, state.client_order_id, state.status) == ("o-1", "a-1", OrderStatus.PENDING)
    assert (state.quantity, state.price, state.filled, state.reduce_only) == (
        Decimal("0.1"),
        Decimal(30_000),
        Decimal(0),
        True,
    )
    assert state.updated_ns < _order().updated_ns


def test_acknowledged_amount_of_quote_is_no_quantity() -> None:
    request = OrderRequest.market("BTC/USDT", "buy", "200", quantity_unit="quote", client_order_id="a-1")

    state = convert.to_acknowledged(request, account_types.OrderIds(), symbol=SPOT)

    assert (state.quantity, state.quote_quantity, state.venue_order_id) == (None, Decimal(200), None)


def _fill(**changes: Any) -> account_types.Execution:
    return msgspec.convert({**FILL, **changes}, account_types.Execution)


def test_fill_carries_what_the_exchange_said() -> None:
    fill = convert.to_fill(_fill(), symbol=PERP, category=Category.LINEAR, received_ns=9)

    assert (fill.trade_id, fill.venue_order_id, fill.client_order_id) == ("e-1", "o-1", "a-1")
    assert (fill.side, fill.price, fill.quantity) == (Side.SELL, Decimal("0.3374"), Decimal(25))
    assert (fill.fee, fill.fee_asset, fill.liquidity) == (Decimal("0.005061"), "USDT", Liquidity.TAKER)
    assert (fill.exchange_ns, fill.received_ns) == (1_672_364_174_443 * MS, 9)


def test_fill_of_an_order_without_a_name_has_none() -> None:
    fill = convert.to_fill(_fill(orderLinkId="", execFee=""), symbol=PERP, category=Category.LINEAR, received_ns=9)

    assert (fill.client_order_id, fill.fee, fill.fee_asset) == (None, None, None)


@pytest.mark.parametrize(
    ("category", "symbol", "changes", "asset"),
    [
        (Category.SPOT, SPOT, {"side": "Buy"}, "BTC"),
        (Category.SPOT, SPOT, {"side": "Sell"}, "USDT"),
        (Category.SPOT, SPOT, {"side": "Buy", "isMaker": True, "feeRate": "-0.0001"}, "USDT"),
        (Category.SPOT, SPOT, {"side": "Sell", "isMaker": True, "feeRate": "-0.0001"}, "BTC"),
        (Category.SPOT, SPOT, {"side": "Sell", "isMaker": False, "feeRate": "-0.0001"}, "USDT"),
        (Category.SPOT, SPOT, {"side": "Sell", "feeCurrency": "MNT"}, "MNT"),
        (Category.LINEAR, PERP, {}, "USDT"),
        (Category.INVERSE, INVERSE, {}, "BTC"),
    ],
)
def test_fee_is_paid_in_what_the_order_brings_in(
    category: Category, symbol: Symbol, changes: dict[str, Any], asset: str
) -> None:
    assert convert.to_fill(_fill(**changes), symbol=symbol, category=category, received_ns=0).fee_asset == asset


@pytest.mark.parametrize(
    ("side", "fee", "stated", "rate", "quantity"),
    [
        ("Buy", "0.003676", "0.0001", "0.0001", 100),
        ("Buy", "-0.003676", "-0.0001", "-0.0001", 100),
        ("Sell", "0.003676", "-0.0001", "-0.0001", -100),
        ("Sell", "-0.003676", "0.0001", "0.0001", -100),
        ("Sell", "0.003676", "0.0001", "-0.0001", -100),  # a rate with the sign of who pays
    ],
)
def test_funding_that_was_paid_is_below_zero(side: str, fee: str, stated: str, rate: str, quantity: int) -> None:
    row = _fill(execType="Funding", side=side, execFee=fee, feeRate=stated, execQty="100", execTime="1672128000000")

    payment = convert.to_funding_payment(row, symbol=PERP, category=Category.LINEAR, received_ns=9)

    assert (payment.amount, payment.asset, payment.rate) == (-Decimal(fee), "USDT", Decimal(rate))
    assert (payment.quantity, payment.exchange_ns) == (Decimal(quantity), 1_672_128_000_000 * MS)
    assert payment.side is (PositionSide.LONG if side == "Buy" else PositionSide.SHORT)


@pytest.mark.parametrize(("stated", "rate"), [("0.0001", None), ("-0.0001", None), ("0", Decimal(0))])
@pytest.mark.parametrize("side", ["Buy", "Sell"])
def test_funding_of_which_nothing_was_paid_does_not_tell_the_sign_of_its_rate(
    side: str, stated: str, rate: Decimal | None
) -> None:
    row = _fill(execType="Funding", side=side, execFee="0", feeRate=stated, execQty="1")

    payment = convert.to_funding_payment(row, symbol=INVERSE, category=Category.INVERSE, received_ns=9)

    assert (payment.amount, payment.rate) == (0, rate)


def test_amendment_that_was_only_acknowledged_states_no_terms() -> None:
    before = _order()

    after = convert.to_amended(before, account_types.OrderIds("o-1", "a-1"))

    assert (after.venue_order_id, after.client_order_id) == ("o-1", before.client_order_id)
    assert (after.status, after.quantity, after.price, after.updated_ns) == (OrderStatus.PENDING, None, None, 0)


@pytest.mark.parametrize(("index", "side"), [(0, None), (1, PositionSide.LONG), (2, PositionSide.SHORT)])
def test_order_names_the_position_it_changes(index: int, side: PositionSide | None) -> None:
    assert _order(positionIdx=index).position_side is side


def test_callers_decimal_context_rounds_no_funding() -> None:
    row = _fill(execType="Funding", side="Sell", execFee="-1234.56789", execQty="1234567.8", feeRate="0.000123456789")

    with localcontext(prec=6):
        payment = convert.to_funding_payment(row, symbol=PERP, category=Category.LINEAR, received_ns=0)

    assert (payment.amount, payment.quantity) == (Decimal("1234.56789"), Decimal("-1234567.8"))
    assert payment.rate == Decimal("0.000123456789")
