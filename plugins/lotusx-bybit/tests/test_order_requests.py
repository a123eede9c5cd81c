"""What is asked of Bybit, in its own words."""

from __future__ import annotations

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from lotusx.errors import InvalidArgument, NotSupported
from lotusx.model import OrderRequest, OrderType, Side
from lotusx.plugin import Amendment, OrderRef
from lotusx_bybit.v5.category import Category
from lotusx_bybit.v5.envelope import encode_body
from lotusx_bybit.v5.order_requests import (
    amend_params,
    batch_params,
    cancel_all_params,
    cancel_params,
    link_id,
    order_params,
    position_leg,
    slippage_percent,
    trigger_direction,
)

ROOT = Path(__file__).resolve().parents[3]
CORPUS = Path(os.environ.get("LOTUSX_CORPUS") or ROOT.parent / "shared" / "corpus")
SYMBOLS = {Category.SPOT: "BTC/USDT", Category.LINEAR: "BTC/USDT:USDT", Category.INVERSE: "BTC/USD:BTC"}


def _written(category: Category, side: str = "sell", **order: Any) -> dict[str, Any]:
    unit = {"quantity_unit": "contracts"} if category is Category.INVERSE else {}
    request = OrderRequest(symbol=SYMBOLS[category], side=side, client_order_id="a-1", **{**unit, **order})
    return order_params(request, "BTCUSDT", exchange="bybit", category=category)


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (
            {"type": "market", "quantity": "1E-7"},
            {"orderType": "Market", "qty": "0.0000001", "marketUnit": "baseCoin"},
        ),
        (
            {"type": "market", "quantity": "100.50", "quantity_unit": "quote"},
            {"orderType": "Market", "qty": "100.5", "marketUnit": "quoteCoin"},
        ),
        (
            {"type": "market", "quantity": "1", "max_slippage": "0.0025", "time_in_force": "ioc"},
            {"orderType": "Market", "qty": "1", "marketUnit": "baseCoin", "slippageToleranceType": "Percent",
             "slippageTolerance": "0.25"},
        ),
        (
            {"type": "limit", "quantity": "1", "price": "5E+4"},
            {"orderType": "Limit", "qty": "1", "price": "50000", "timeInForce": "GTC"},
        ),
        (
            {"type": "limit", "quantity": "1", "price": "2", "time_in_force": "ioc"},
            {"orderType": "Limit", "qty": "1", "price": "2", "timeInForce": "IOC"},
        ),
        (
            {"type": "limit", "quantity": "1", "price": "2", "time_in_force": "fok"},
            {"orderType": "Limit", "qty": "1", "price": "2", "timeInForce": "FOK"},
        ),
        (
            {"type": "limit", "quantity": "1", "price": "2", "post_only": True},
            {"orderType": "Limit", "qty": "1", "price": "2", "timeInForce": "PostOnly"},
        ),
        (
            {"type": "stop_loss", "quantity": "1", "trigger_price": "2"},
            {"orderType": "Market", "qty": "1", "marketUnit": "baseCoin", "triggerPrice": "2",
             "orderFilter": "StopOrder"},
        ),
        (
            {"type": "take_profit_limit", "quantity": "1", "price": "2", "trigger_price": "3"},
            {"orderType": "Limit", "qty": "1", "price": "2", "timeInForce": "GTC", "triggerPrice": "3",
             "orderFilter": "StopOrder"},
        ),
        (
            {"type": "limit", "quantity": "1", "price": "2", "native": {"smpType": "CancelMaker"}},
            {"orderType": "Limit", "qty": "1", "price": "2", "timeInForce": "GTC", "smpType": "CancelMaker"},
        ),
    ],
)  # fmt: skip
def test_every_spot_order_is_written(order: dict[str, Any], expected: dict[str, Any]) -> None:
    assert _written(Category.SPOT, **order) == {
        "category": "spot",
        "symbol": "BTCUSDT",
        "side": "Sell",
        "orderLinkId": "a-1",
        **expected,
    }


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ({"type": "market", "quantity": "3"}, {"orderType": "Market", "qty": "3"}),
        (
            {"type": "limit", "quantity": "3", "price": "2", "reduce_only": True},
            {"orderType": "Limit", "qty": "3", "price": "2", "timeInForce": "GTC", "reduceOnly": True},
        ),
        (
            {"type": "stop_loss", "quantity": "3", "trigger_price": "2"},
            {"orderType": "Market", "qty": "3", "triggerPrice": "2", "triggerDirection": 2, "triggerBy": "LastPrice"},
        ),
        (
            {"type": "take_profit", "quantity": "3", "trigger_price": "2", "side": "buy"},
            {"orderType": "Market", "qty": "3", "triggerPrice": "2", "triggerDirection": 2, "triggerBy": "LastPrice",
             "side": "Buy"},
        ),
        (
            {"type": "stop_loss_limit", "quantity": "3", "price": "4", "trigger_price": "2", "side": "buy"},
            {"orderType": "Limit", "qty": "3", "price": "4", "timeInForce": "GTC", "triggerPrice": "2",
             "triggerDirection": 1, "triggerBy": "LastPrice", "side": "Buy"},
        ),
    ],
)  # fmt: skip
@pytest.mark.parametrize("category", [Category.LINEAR, Category.INVERSE])
def test_every_contract_order_is_written(category: Category, order: dict[str, Any], expected: dict[str, Any]) -> None:
    assert _written(category, **order) == {
        "category": category.value,
        "symbol": "BTCUSDT",
        "side": "Sell",
        "positionIdx": 0,
        "orderLinkId": "a-1",
        **expected,
    }


@pytest.mark.parametrize(
    ("side", "kind", "direction"),
    [
        (Side.BUY, OrderType.STOP_LOSS, 1),
        (Side.SELL, OrderType.STOP_LOSS_LIMIT, 2),
        (Side.BUY, OrderType.TAKE_PROFIT_LIMIT, 2),
        (Side.SELL, OrderType.TAKE_PROFIT, 1),
    ],
)
def test_stop_goes_with_the_market_and_take_profit_against_it(side: Side, kind: OrderType, direction: int) -> None:
    assert trigger_direction(side, kind) == direction


@pytest.mark.parametrize(
    ("position", "side", "leg", "reduces"),
    [("long", "buy", 1, False), ("long", "sell", 1, True), ("short", "sell", 2, False), ("short", "buy", 2, True)],
)
def test_hedge_mode_names_the_position_and_whether_it_shrinks(
    position: str, side: str, leg: int, reduces: bool
) -> None:
    written = _written(Category.LINEAR, side, type="market", quantity="1", position_side=position)
    assert (written["positionIdx"], written.get("reduceOnly", False)) == (leg, reduces)
    assert position_leg(None) == 0


@pytest.mark.parametrize(("position", "side"), [("long", "buy"), ("short", "sell")])
def test_order_that_opens_a_position_cannot_only_reduce_it(position: str, side: str) -> None:
    with pytest.raises(InvalidArgument, match="it cannot be reduce_only"):
        _written(Category.LINEAR, side, type="market", quantity="1", position_side=position, reduce_only=True)


@pytest.mark.parametrize(
    ("category", "order", "error", "words"),
    [
        (Category.SPOT, {"type": "market", "reduce_only": True}, NotSupported, "reduce_only on spot"),
        (Category.SPOT, {"type": "market", "quantity_unit": "contracts"}, NotSupported, "contracts on spot"),
        (Category.SPOT, {"type": "market", "position_side": "long"}, NotSupported, "position_side on spot"),
        (Category.LINEAR, {"type": "market", "quantity_unit": "quote"}, NotSupported, "a quantity in quote"),
        (Category.INVERSE, {"type": "market", "quantity_unit": "base"}, InvalidArgument, "contracts of 1 USD"),
        (Category.SPOT, {"type": "limit", "price": "1", "time_in_force": "gtd", "expires_ns": 1}, NotSupported, "GTD"),
        (Category.LINEAR, {"type": "market", "time_in_force": "fok"}, InvalidArgument, "time_in_force is not used"),
        (Category.LINEAR, {"type": "trailing_stop", "trailing_fraction": "0.01"}, NotSupported, "trailing orders"),
        (
            Category.LINEAR,
            {"type": "stop_loss", "trigger_price": "1", "trailing_fraction": "0.01"},
            NotSupported,
            "trailing orders",
        ),
        (
            Category.LINEAR,
            {"type": "stop_loss", "trigger_price": "1", "max_slippage": "0.01"},
            NotSupported,
            "max_slippage of a stop_loss",
        ),
        (Category.SPOT, {"type": "market", "max_slippage": "0.00015"}, InvalidArgument, "whole number of basis points"),
        (Category.SPOT, {"type": "market", "native": {"qty": "2"}}, InvalidArgument, "LotusX writes itself"),
        (Category.SPOT, {"type": "market", "native": {"isLeverage": "yes"}}, InvalidArgument, "'0' or '1', not 'yes'"),
        (Category.LINEAR, {"type": "market", "client_order_id": "a b"}, InvalidArgument, "client_order_id may have"),
    ],
)
def test_order_that_bybit_does_not_have_is_refused(
    category: Category, order: dict[str, Any], error: type[Exception], words: str
) -> None:
    unit = {"quantity_unit": "contracts"} if category is Category.INVERSE else {}
    request = OrderRequest(symbol=SYMBOLS[category], side="buy", quantity="1", **{**unit, **order})

    with pytest.raises(error, match=words):
        order_params(request, "BTCUSDT", exchange="bybit", category=category)


def test_native_parameters_that_are_no_text_are_sent_as_what_they_are() -> None:
    native = {"isLeverage": "1", "rpiTakerAccess": "true", "smpType": "CancelMaker"}
    request = OrderRequest.limit("BTC/USDT", "buy", "1", "2", native=native)

    written = order_params(request, "BTCUSDT", exchange="bybit", category=Category.SPOT)

    assert b'"isLeverage":1,"rpiTakerAccess":true,"smpType":"CancelMaker"}' in encode_body(written)


def test_native_reduce_only_is_sent_as_the_boolean_it_is() -> None:
    native = {"reduceOnly": "true", "closeOnTrigger": "true"}
    request = OrderRequest.market("BTC/USDT:USDT", "sell", "1", native=native)

    written = order_params(request, "BTCUSDT", exchange="bybit-perp", category=Category.LINEAR)

    assert b'"reduceOnly":true,"closeOnTrigger":true}' in encode_body(written)
    both = OrderRequest.market("BTC/USDT:USDT", "sell", "1", native=native, reduce_only=True)
    with pytest.raises(InvalidArgument, match="LotusX writes itself"):
        order_params(both, "BTCUSDT", exchange="bybit-perp", category=Category.LINEAR)


@pytest.mark.parametrize("name", ["", "x" * 37, "a b", "a.b", "é", "a\n"])
def test_client_order_id_that_bybit_does_not_take_is_refused(name: str) -> None:
    with pytest.raises(InvalidArgument):
        link_id(name)


@given(st.text("abcXYZ019-_", min_size=1, max_size=36))
def test_client_order_id_goes_as_it_is(name: str) -> None:
    assert link_id(name) == name


@given(st.integers(1, 1_000))
def test_slippage_is_a_percentage_of_two_decimals(points: int) -> None:
    assert Decimal(slippage_percent(Decimal(points) / 10_000)) == Decimal(points) / 100


@pytest.mark.parametrize(
    ("fraction", "nearest"),
    [("0.00015", ("0.0001", "0.0002")), ("0.00001", ("0.0001",)), ("0.1001", ("0.1",)), ("0.5", ("0.1",))],
)
def test_refused_slippage_names_its_neighbours(fraction: str, nearest: tuple[str, ...]) -> None:
    with pytest.raises(InvalidArgument) as caught:
        slippage_percent(Decimal(fraction))
    assert caught.value.nearest == tuple(map(Decimal, nearest))


@given(quantity=st.decimals("0.00000001", 10**9, places=8), price=st.decimals("0.00000001", 10**9, places=8))
def test_numbers_of_an_order_lose_nothing_on_the_wire(quantity: Decimal, price: Decimal) -> None:
    sent = json.loads(encode_body(_written(Category.LINEAR, type="limit", quantity=quantity, price=price)))

    assert (Decimal(sent["qty"]), Decimal(sent["price"])) == (quantity, price)
    assert "E" not in sent["qty"] + sent["price"]


def test_amendment_names_what_changes_only() -> None:
    ref = OrderRef(client_order_id="a-1", venue_order_id="o-1")

    assert amend_params(ref, Amendment(price=Decimal("2.50")), "BTCUSDT", category=Category.LINEAR) == {
        "category": "linear",
        "symbol": "BTCUSDT",
        "orderId": "o-1",
        "price": "2.5",
    }
    change = Amendment(quantity=Decimal(3), new_client_order_id="b-1")  # an amended order keeps its ids
    assert amend_params(OrderRef("a-1"), change, "BTCUSDT", category=Category.SPOT) == {
        "category": "spot",
        "symbol": "BTCUSDT",
        "orderLinkId": "a-1",
        "qty": "3",
    }


def test_cancel_names_the_order() -> None:
    ref = OrderRef(client_order_id="a-1")

    assert cancel_params(ref, "X", category=Category.SPOT) == {"category": "spot", "symbol": "X", "orderLinkId": "a-1"}
    with pytest.raises(InvalidArgument, match="name the order"):
        cancel_params(OrderRef(), "X", category=Category.SPOT)


def test_cancel_of_all_needs_a_scope_unless_on_spot() -> None:
    assert cancel_all_params(Category.SPOT) == {"category": "spot"}
    assert cancel_all_params(Category.SPOT, order_filter="StopOrder") == {
        "category": "spot",
        "orderFilter": "StopOrder",
    }
    assert cancel_all_params(Category.LINEAR, venue_symbol="X") == {"category": "linear", "symbol": "X"}
    assert cancel_all_params(Category.INVERSE, settle="BTC") == {"category": "inverse", "settleCoin": "BTC"}
    with pytest.raises(InvalidArgument, match="an instrument or a settle asset"):
        cancel_all_params(Category.LINEAR)


def test_batch_states_its_category_once() -> None:
    orders = [_written(Category.LINEAR, type="market", quantity=number) for number in (1, 2)]

    body = batch_params(Category.LINEAR, orders)

    assert body["category"] == "linear"
    assert body["request"] == [{name: order[name] for name in order if name != "category"} for order in orders]


@pytest.mark.parametrize("folder", ["bybit", "bybit-perp"])
@pytest.mark.skipif(not (CORPUS / "INDEX.md").exists(), reason=f"no corpus at {CORPUS} ($LOTUSX_CORPUS)")
def test_another_client_sends_the_same_orders(folder: str) -> None:
    for shape in json.loads((CORPUS / folder / "requests.json").read_bytes())["ccxt_static_requests"]:
        sent = json.loads(shape["output"])
        category = Category(sent["category"])
        if category is Category.SPOT and sent["orderType"] == "Market":
            sent.setdefault("marketUnit", "quoteCoin")  # what it relies on the exchange to assume
        native = {name: sent[name] for name in ("takeProfit", "stopLoss") if name in sent}
        request = OrderRequest(
            symbol=SYMBOLS[category],
            side=sent["side"].lower(),
            type=_type_of(sent),
            quantity=sent["qty"],
            quantity_unit=_unit_of(sent),
            price=sent.get("price"),
            trigger_price=sent.get("triggerPrice"),
            post_only=sent.get("timeInForce") == "PostOnly",
            reduce_only=sent.get("reduceOnly", False),
            native=native,
        )

        written = order_params(request, sent["symbol"], exchange="bybit", category=category)

        ours = {"timeInForce": "GTC", "positionIdx": 0, "triggerBy": "LastPrice"}  # we say what it leaves to defaults
        assert {**ours, **written} == {**ours, **sent}


def _type_of(sent: dict[str, Any]) -> str:
    if "triggerPrice" in sent:  # a buy that waits for the price to rise
        return "stop_loss_limit"
    return str(sent["orderType"]).lower()


def _unit_of(sent: dict[str, Any]) -> str:
    if sent["category"] == "inverse":
        return "contracts"
    return "quote" if sent.get("marketUnit") == "quoteCoin" else "base"
