"""Orders and account events: what is written, and what is read back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from lotusx.errors import InvalidArgument, ItemRejected, NotSupported
from lotusx.model import (
    BalanceEvent,
    FillEvent,
    Liquidity,
    OrderEvent,
    OrderRequest,
    OrderStatus,
    OrderType,
    Side,
    Symbol,
    TimeInForce,
)
from lotusx_binance import account_types, order_conversions as orders
from lotusx_binance.order_requests import order_params, trailing_delta

BTC = Symbol("BTC", "USDT")
NUMBERS = st.decimals(min_value=0, max_value=10**9, places=8, allow_nan=False).map(lambda value: format(value, "f"))
TIMES = st.integers(1, 2_000_000_000_000)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (
            {"type": "market", "quantity": "1E-7"},
            {"type": "MARKET", "quantity": "0.0000001"},
        ),
        (
            {"type": "market", "quantity": "100.50", "quantity_unit": "quote"},
            {"type": "MARKET", "quoteOrderQty": "100.5"},
        ),
        (
            {"type": "limit", "quantity": "1", "price": "5E+4"},
            {"type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "50000"},
        ),
        (
            {"type": "limit", "quantity": "1", "price": "2", "time_in_force": "ioc"},
            {"type": "LIMIT", "timeInForce": "IOC", "quantity": "1", "price": "2"},
        ),
        (
            {"type": "limit", "quantity": "1", "price": "2", "time_in_force": "fok"},
            {"type": "LIMIT", "timeInForce": "FOK", "quantity": "1", "price": "2"},
        ),
        (
            {"type": "limit", "quantity": "1", "price": "2", "post_only": True, "time_in_force": "gtc"},
            {"type": "LIMIT_MAKER", "quantity": "1", "price": "2"},
        ),
        (
            {"type": "stop_loss", "quantity": "1", "trigger_price": "2"},
            {"type": "STOP_LOSS", "quantity": "1", "stopPrice": "2"},
        ),
        (
            {"type": "stop_loss_limit", "quantity": "1", "price": "2", "trigger_price": "3"},
            {"type": "STOP_LOSS_LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "2", "stopPrice": "3"},
        ),
        (
            {"type": "take_profit", "quantity": "1", "trigger_price": "2"},
            {"type": "TAKE_PROFIT", "quantity": "1", "stopPrice": "2"},
        ),
        (
            {"type": "take_profit_limit", "quantity": "1", "price": "2", "trailing_fraction": "0.0001"},
            {"type": "TAKE_PROFIT_LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "2", "trailingDelta": 1},
        ),
        (
            {"type": "trailing_stop", "quantity": "1", "trailing_fraction": "0.0125", "trigger_price": "9"},
            {"type": "STOP_LOSS", "quantity": "1", "stopPrice": "9", "trailingDelta": 125},
        ),
        (
            {"type": "limit", "quantity": "1", "price": "2", "native": {"icebergQty": "0.1"}},
            {"type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "price": "2", "icebergQty": "0.1"},
        ),
    ],
)
def test_every_spot_order_type_is_written(order: dict[str, Any], expected: dict[str, Any]) -> None:
    request = OrderRequest(symbol="BTC/USDT", side="sell", client_order_id="a-1", **order)

    assert order_params(request, "BTCUSDT") == {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "newClientOrderId": "a-1",
        "newOrderRespType": "FULL",
        **expected,
    }


@pytest.mark.parametrize(
    ("order", "error", "words"),
    [
        ({"type": "market", "reduce_only": True}, NotSupported, "reduce_only"),
        ({"type": "limit", "price": "1", "time_in_force": "gtd", "expires_ns": 1}, NotSupported, "GTD"),
        ({"type": "market", "quantity_unit": "contracts"}, NotSupported, "contracts"),
        ({"type": "market", "time_in_force": "ioc"}, InvalidArgument, "time_in_force is not used"),
        ({"type": "trailing_stop", "trigger_price": "1"}, InvalidArgument, "trailing_fraction is missing"),
        ({"type": "trailing_stop", "trailing_fraction": "0.00015"}, InvalidArgument, "whole number of basis points"),
        ({"type": "market", "native": {"newOrderRespType": "ACK"}}, InvalidArgument, "LotusX writes itself"),
    ],
)
def test_order_that_spot_does_not_have_is_refused(order: dict[str, Any], error: type[Exception], words: str) -> None:
    request = OrderRequest(symbol="BTC/USDT", side="buy", quantity="1", **order)

    with pytest.raises(error, match=words):
        order_params(request, "BTCUSDT")


def test_refused_callback_names_its_neighbours() -> None:
    with pytest.raises(InvalidArgument) as caught:
        trailing_delta(Decimal("0.00015"))
    assert caught.value.nearest == (Decimal("0.0001"), Decimal("0.0002"))
    with pytest.raises(InvalidArgument) as caught:
        trailing_delta(Decimal("0.00001"))
    assert caught.value.nearest == (Decimal("0.0001"),)


@given(st.integers(1, 10_000))
def test_callback_round_trip(points: int) -> None:
    assert trailing_delta(Decimal(points) / 10_000) == points


def _order(**changes: Any) -> account_types.Order:
    document = {
        "symbol": "BTCUSDT",
        "orderId": 28,
        "clientOrderId": "a-1",
        "price": "68000.00",
        "origQty": "0.01",
        "executedQty": "0.004",
        "origQuoteOrderQty": "0.000000",
        "cummulativeQuoteQty": "272.00",
        "status": "PARTIALLY_FILLED",
        "timeInForce": "GTC",
        "type": "LIMIT",
        "side": "BUY",
        "stopPrice": "0.0",
        "time": 1_000,
        "updateTime": 2_000,
        "isWorking": True,
        **changes,
    }
    return msgspec.convert(document, account_types.Order)


def test_queried_order_is_read_whole() -> None:
    state = orders.to_order(_order(), symbol=BTC)

    assert (state.venue_order_id, state.client_order_id) == ("28", "a-1")
    assert (state.status, state.type, state.side) == (OrderStatus.PARTIALLY_FILLED, OrderType.LIMIT, Side.BUY)
    assert (state.quantity, state.filled, state.remaining) == (Decimal("0.01"), Decimal("0.004"), Decimal("0.006"))
    assert (state.filled_quote, state.average_price) == (Decimal(272), Decimal(68_000))
    assert (state.trigger_price, state.quote_quantity) == (None, None)
    assert (state.created_ns, state.updated_ns) == (1_000_000_000, 2_000_000_000)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"status": "NEW"}, {"status": OrderStatus.OPEN}),
        ({"status": "PENDING_NEW"}, {"status": OrderStatus.PENDING}),
        ({"status": "PENDING_CANCEL"}, {"status": OrderStatus.OPEN}),
        ({"status": "EXPIRED_IN_MATCH", "expiryReason": "X"}, {"status": OrderStatus.EXPIRED, "reason": "X"}),
        ({"status": "QUANTUM"}, {"status": OrderStatus.UNKNOWN, "raw_status": "QUANTUM"}),
        ({"type": "LIMIT_MAKER"}, {"type": OrderType.LIMIT, "post_only": True}),
        ({"type": "ODD"}, {"type": OrderType.UNKNOWN, "raw_type": "ODD"}),
        ({"timeInForce": "GTX"}, {"time_in_force": TimeInForce.UNKNOWN, "raw_time_in_force": "GTX"}),
        (
            {"type": "STOP_LOSS", "status": "NEW", "isWorking": False, "stopPrice": "9"},
            {"type": OrderType.STOP_LOSS, "status": OrderStatus.PENDING, "trigger_price": Decimal(9)},
        ),
        ({"type": "STOP_LOSS", "trailingDelta": 10}, {"type": OrderType.TRAILING_STOP}),
        ({"origQuoteOrderQty": "100.0"}, {"quantity": None, "quote_quantity": Decimal(100), "remaining": None}),
        ({"cummulativeQuoteQty": "-1"}, {"filled_quote": None, "average_price": None}),
        ({"executedQty": "0.0", "cummulativeQuoteQty": "0.0"}, {"average_price": None}),
        ({"clientOrderId": ""}, {"client_order_id": None}),
    ],
)
def test_order_field_is_mapped(changes: dict[str, Any], expected: dict[str, Any]) -> None:
    state = orders.to_order(_order(**changes), symbol=BTC)

    assert {name: getattr(state, name) for name in expected} == expected


def test_unknown_side_rejects_the_item() -> None:
    with pytest.raises(ItemRejected, match="side"):
        orders.to_order(_order(side="BOTH"), symbol=BTC)


def _event(**changes: Any) -> bytes:
    report = {
        "e": "executionReport",
        "E": 1_770_000_000_200,
        "s": "BTCUSDT",
        "c": "lx-0001",
        "S": "BUY",
        "o": "LIMIT",
        "f": "GTC",
        "q": "0.01000000",
        "p": "68000.00000000",
        "P": "0.00000000",
        "F": "0.00000000",
        "g": -1,
        "C": "",
        "x": "TRADE",
        "X": "PARTIALLY_FILLED",
        "r": "NONE",
        "i": 42931530001,
        "l": "0.00400000",
        "z": "0.00400000",
        "L": "68000.00000000",
        "n": "0.00000400",
        "N": "BTC",
        "T": 1_770_000_000_199,
        "t": 5300000009,
        "I": 86419840001,
        "w": True,
        "m": True,
        "M": True,
        "O": 1_769_999_990_000,
        "Z": "272.00000000",
        "Y": "272.00000000",
        "Q": "0.00000000",
        "W": 1_769_999_990_000,
        "V": "NONE",
        **changes,
    }
    return msgspec.json.encode({"subscriptionId": 0, "event": report})


def _read(message: bytes) -> list[Any]:
    return orders.to_account_events(message, 7, lambda venue_symbol: BTC)


def test_match_gives_the_fill_and_then_the_order() -> None:
    fill_event, order_event = _read(_event())

    assert isinstance(fill_event, FillEvent)
    assert isinstance(order_event, OrderEvent)
    fill = fill_event.fill
    assert (fill.trade_id, fill.venue_order_id, fill.client_order_id) == ("5300000009", "42931530001", "lx-0001")
    assert (fill.price, fill.quantity) == (Decimal(68_000), Decimal("0.004"))
    assert (fill.fee, fill.fee_asset, fill.liquidity) == (Decimal("0.000004"), "BTC", Liquidity.MAKER)
    assert order_event.state.average_price == 68_000
    assert order_event.state.version == 86419840001
    assert order_event.state.fills == (fill,)


@pytest.mark.parametrize(
    ("changes", "client_order_id"),
    [
        ({"x": "CANCELED", "X": "CANCELED", "c": "cancel-1", "C": "lx-0001", "t": -1}, "lx-0001"),
        ({"x": "CANCELED", "X": "CANCELED", "c": "lx-0001", "C": "", "t": -1}, "lx-0001"),
        ({"x": "REPLACED", "X": "NEW", "c": "lx-0002", "C": "lx-0001", "t": -1}, "lx-0002"),
        ({"x": "EXPIRED", "X": "EXPIRED", "t": -1}, "lx-0001"),
    ],
)
def test_order_is_named_by_its_own_id_not_by_the_cancels(changes: dict[str, Any], client_order_id: str) -> None:
    (event,) = _read(_event(**changes))

    assert event.state.client_order_id == client_order_id
    assert event.state.venue_order_id == "42931530001"


def test_fee_in_a_third_asset_and_fee_not_stated() -> None:
    assert _read(_event(n="0.00001", N="BNB", m=False))[0].fill.fee_asset == "BNB"
    unstated = _read(_event(n="0", N=None))[0].fill
    assert (unstated.fee, unstated.fee_asset) == (None, None)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"r": "INSUFFICIENT_BALANCES"}, "INSUFFICIENT_BALANCES"),
        ({"eR": "UNFILLED_IOC_QUANTITY_EXPIRED"}, "UNFILLED_IOC_QUANTITY_EXPIRED"),
        ({}, ""),
    ],
)
def test_end_nobody_asked_for_has_a_reason(changes: dict[str, Any], reason: str) -> None:
    (event,) = _read(_event(x="EXPIRED", X="EXPIRED", t=-1, **changes))

    assert event.state.reason == reason


def test_balances_are_absolute_and_differences_are_not_balances() -> None:
    position = b'{"e":"outboundAccountPosition","E":2,"u":1,"B":[{"a":"BTC","f":"1.5","l":"0.5"}]}'
    (event,) = _read(b'{"subscriptionId":0,"event":' + position + b"}")

    assert isinstance(event, BalanceEvent)
    (balance,) = event.balances
    assert (balance.asset, balance.free, balance.locked, balance.total) == (
        "BTC",
        Decimal("1.5"),
        Decimal("0.5"),
        Decimal(2),
    )
    assert balance.updated_ns == 1_000_000
    assert _read(b'{"subscriptionId":0,"event":{"e":"balanceUpdate","E":1,"a":"BTC","d":"1","T":1}}') == []
    assert _read(b'{"subscriptionId":0,"event":{"e":"listStatus"}}') == []


def test_unknown_event_is_rejected_visibly() -> None:
    with pytest.raises(ItemRejected, match="surprise"):
        _read(b'{"subscriptionId":0,"event":{"e":"surprise"}}')


@given(st.fixed_dictionaries({part: st.tuples(*[st.integers(0, 100)] * 4) for part in ("standard", "special", "tax")}))
def test_fee_rates_add_up(parts: dict[str, tuple[int, ...]]) -> None:
    rates = {
        part: account_types.CommissionRates(*(format(Decimal(value).scaleb(-5), "f") for value in values))
        for part, values in parts.items()
    }
    total = orders.commission_rate(rates, "maker")

    buyer, seller = (sum(values[side] for values in parts.values()) for side in (2, 3))
    assert total == Decimal(sum(values[0] for values in parts.values()) + max(buyer, seller)).scaleb(-5)
