"""Orders, from the model's words into the exchange's."""

from __future__ import annotations

import json
from decimal import Decimal as D
from typing import Any

import pytest
from hypothesis import given, strategies as st

from lotusx.errors import InvalidArgument, NotSupported
from lotusx.model import (
    Instrument,
    InstrumentKind,
    InstrumentStatus,
    OrderRequest,
    OrderType,
    Symbol,
    TickSize,
    decimal_from_wire,
)
from lotusx.plugin import Request, Verb
from lotusx_backpack.order_requests import NATIVE, Value, cancel_body, check_trigger, order_body
from lotusx_backpack.signer import request_text


def instrument(text: str, state: str = "Open") -> Instrument:
    symbol = Symbol.parse(text)
    return Instrument(
        symbol=symbol,
        venue_symbol=f"{symbol.base}_{symbol.quote}" + ("_PERP" if symbol.settle else ""),
        kind=InstrumentKind.LINEAR if symbol.settle else InstrumentKind.SPOT,
        status=InstrumentStatus.TRADING,
        price_rule=TickSize(D("0.01")),
        step_size=D("0.01"),
        raw_status=state,
    )


SPOT, PERP = instrument("SOL/USDC"), instrument("SOL/USDC:USDC")


def limit(where: Instrument = SPOT, **more: Any) -> OrderRequest:
    return OrderRequest.limit(where.symbol, "buy", "0.50", "141.250", **more)


def market(where: Instrument = SPOT, **more: Any) -> OrderRequest:
    return OrderRequest.market(where.symbol, "sell", "0.50", **more)


def conditional(kind: str, where: Instrument = PERP, **more: Any) -> OrderRequest:
    fields = {"symbol": where.symbol, "side": "sell", "type": kind, "quantity": "2", "trigger_price": "120.0"}
    return OrderRequest(**fields | more)


LIMIT: dict[str, Value] = {
    "symbol": "SOL_USDC",
    "side": "Bid",
    "orderType": "Limit",
    "price": "141.25",
    "quantity": "0.5",
    "timeInForce": "GTC",
}
MARKET: dict[str, Value] = {"symbol": "SOL_USDC", "side": "Ask", "orderType": "Market", "quantity": "0.5"}


def test_limit_order_is_good_till_cancelled_and_its_client_id_a_number() -> None:
    assert order_body(limit(), SPOT) == LIMIT
    assert order_body(limit(), SPOT, client_id=0) == LIMIT | {"clientId": 0}


@pytest.mark.parametrize(("time_in_force", "word"), [("ioc", "IOC"), ("fok", "FOK"), ("gtc", "GTC")])
def test_time_in_force(time_in_force: str, word: str) -> None:
    assert order_body(limit(time_in_force=time_in_force), SPOT) == LIMIT | {"timeInForce": word}
    assert order_body(market(time_in_force=time_in_force), SPOT) == MARKET | {"timeInForce": word}


def test_post_only_and_reduce_only_are_flags_that_are_sent_only_when_set() -> None:
    body = order_body(limit(PERP, post_only=True, reduce_only=True), PERP)

    assert body == LIMIT | {"symbol": "SOL_USDC_PERP", "postOnly": True, "reduceOnly": True}


def test_market_order_in_base_or_in_quote() -> None:
    assert order_body(market(), SPOT) == MARKET
    assert order_body(market(quantity_unit="quote"), SPOT) == {
        "symbol": "SOL_USDC",
        "side": "Ask",
        "orderType": "Market",
        "quoteQuantity": "0.5",
    }


TRIGGER: dict[str, Value] = {
    "symbol": "SOL_USDC_PERP",
    "side": "Ask",
    "orderType": "Market",
    "triggerPrice": "120",
    "triggerQuantity": "2",
    "triggerBy": "LastPrice",
}


@pytest.mark.parametrize("kind", ["stop_loss", "take_profit"])
def test_conditional_order_has_its_quantity_with_the_trigger_only(kind: str) -> None:
    assert order_body(conditional(kind), PERP) == TRIGGER
    assert order_body(conditional(f"{kind}_limit", price="119.5"), PERP) == TRIGGER | {
        "orderType": "Limit",
        "price": "119.5",
    }


def test_trigger_goes_by_another_price_where_native_says_so() -> None:
    body = order_body(conditional("stop_loss", reduce_only=True, native={"triggerBy": "MarkPrice"}), PERP)

    assert body == TRIGGER | {"triggerBy": "MarkPrice", "reduceOnly": True}


@pytest.mark.parametrize(
    ("kind", "side", "below", "above"),
    [
        ("stop_loss", "sell", True, False),
        ("stop_loss", "buy", False, True),
        ("take_profit", "sell", False, True),
        ("take_profit", "buy", True, False),
    ],
)
def test_trigger_lies_on_the_side_that_makes_it_what_was_asked_for(
    kind: str, side: str, below: bool, above: bool
) -> None:
    for trigger, fits in (("119", below), ("120", False), ("121", above)):
        for name, price in ((kind, None), (f"{kind}_limit", "1")):
            request = conditional(name, side=side, trigger_price=trigger, price=price)
            if fits:
                check_trigger(request, D(120))
                continue
            with pytest.raises(InvalidArgument, match="the exchange tells a stop from a take-profit") as caught:
                check_trigger(request, D(120))
            assert caught.value.rule == "trigger_price"


def test_order_without_a_trigger_has_none_to_check() -> None:
    check_trigger(limit(), D(1))


def test_take_profit_and_stop_loss_come_with_the_order() -> None:
    native = {"takeProfitTriggerPrice": "160.0", "stopLossTriggerPrice": "130", "stopLossLimitPrice": "129.50"}

    body = order_body(limit(PERP, native=native | {"stopLossTriggerBy": "MarkPrice"}), PERP)

    assert body == LIMIT | {
        "symbol": "SOL_USDC_PERP",
        "takeProfitTriggerPrice": "160",
        "takeProfitTriggerBy": "LastPrice",
        "stopLossTriggerPrice": "130",
        "stopLossTriggerBy": "MarkPrice",
        "stopLossLimitPrice": "129.5",
    }


def test_what_an_order_may_have_besides_is_sent_in_the_form_it_is_signed_in() -> None:
    native = {
        "selfTradePrevention": "RejectBoth",
        "autoLendRedeem": "true",
        "autoBorrow": "false",
        "brokerId": "7",
        "slippageTolerance": "10",
        "slippageToleranceType": "TickSize",
    }

    body = order_body(market(native=native), SPOT)

    assert body == MARKET | {
        "selfTradePrevention": "RejectBoth",
        "autoLendRedeem": True,
        "autoBorrow": False,
        "brokerId": 7,
        "slippageTolerance": "10",
        "slippageToleranceType": "TickSize",
    }
    text = request_text(Request(Verb.POST, "", "/api/v1/order", body=json.dumps(body).encode()))
    assert "&autoBorrow=false&autoLendRedeem=true&brokerId=7&orderType=Market&" in text


@pytest.mark.parametrize(
    ("native", "words"),
    [
        ({"quantity": "7"}, "is not part of an order"),
        ({"postOnly": "true"}, "is not part of an order"),
        ({"triggerBy": "MarkPrice"}, "goes with a trigger_price"),
        ({"autoLend": "True"}, "'true' or 'false'"),
        ({"brokerId": "65536"}, "below 65536"),
        ({"brokerId": "-1"}, "below 65536"),
        ({"selfTradePrevention": ""}, "is empty"),
        ({"takeProfitTriggerPrice": "many"}, "is not a number"),
        ({"takeProfitTriggerPrice": "0"}, "above zero"),
        ({"takeProfitTriggerPrice": "160.005"}, "tick_size"),
        ({"takeProfitLimitPrice": "160"}, "'takeProfitTriggerPrice'.* is missing"),
        ({"stopLossTriggerBy": "MarkPrice"}, "'stopLossTriggerPrice'.* is missing"),
        ({"slippageTolerance": "1"}, "go together"),
        ({"slippageToleranceType": "Percent"}, "go together"),
    ],
)
def test_native_part_that_cannot_be_right_is_refused_before_sending(native: dict[str, str], words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        order_body(limit(native=native), SPOT)


@pytest.mark.parametrize(
    ("request_", "where", "words"),
    [
        (limit(time_in_force="gtd", expires_ns=1), SPOT, "GTD"),
        (limit(quantity_unit="contracts"), SPOT, "contracts"),
        (limit(reduce_only=True), SPOT, "reduce_only on spot"),
        (market(max_slippage="0.01"), SPOT, "max_slippage"),
        (limit(PERP, position_side="long"), PERP, "two positions"),
        (conditional("trailing_stop", trailing_fraction="0.01"), PERP, "trailing"),
        (conditional("stop_loss", trailing_fraction="0.01"), PERP, "trailing"),
    ],
)
def test_order_that_there_is_not_names_another_way(request_: OrderRequest, where: Instrument, words: str) -> None:
    with pytest.raises(NotSupported, match=words) as caught:
        order_body(request_, where)

    assert caught.value.instead


@pytest.mark.parametrize(
    ("state", "request_", "words"),
    [
        ("LimitOnly", market(), "limit orders only"),
        ("LimitOnly", limit(), None),
        ("PostOnly", market(), "post-only orders only"),
        ("PostOnly", limit(), "post-only orders only"),
        ("PostOnly", limit(post_only=True), None),
    ],
)
def test_market_in_a_narrower_state_takes_what_it_names(state: str, request_: OrderRequest, words: str | None) -> None:
    where = instrument("SOL/USDC", state)
    if words is None:
        assert order_body(request_, where)["symbol"] == "SOL_USDC"
        return
    with pytest.raises(InvalidArgument, match=words) as caught:
        order_body(request_, where)
    assert caught.value.rule == "status"


def test_cancel_names_one_id_only() -> None:
    assert cancel_body("SOL_USDC", order_id="28", client_id=77) == {"symbol": "SOL_USDC", "orderId": "28"}
    assert cancel_body("SOL_USDC", client_id=0) == {"symbol": "SOL_USDC", "clientId": 0}
    with pytest.raises(InvalidArgument, match="name the order"):
        cancel_body("SOL_USDC")


amounts = st.decimals("1e-12", "1e12", allow_nan=False, allow_infinity=False)


@given(st.sampled_from(list(OrderType)), amounts, amounts, amounts)
def test_numbers_go_out_as_they_are_and_read_back(kind: OrderType, quantity: D, price: D, trigger: D) -> None:
    if kind in (OrderType.UNKNOWN, OrderType.TRAILING_STOP):
        return
    request = OrderRequest(
        symbol=PERP.symbol,
        side="buy",
        type=kind,
        quantity=quantity,
        price=price if kind.has_limit_price else None,
        trigger_price=trigger if kind.is_conditional else None,
    )

    body = order_body(request, PERP)

    sent = {"quantity": quantity, "triggerQuantity": quantity, "price": price, "triggerPrice": trigger}
    texts = {name: str(body[name]) for name in sent if name in body}
    assert ("quantity" in texts) is not ("triggerQuantity" in texts)
    assert {name: decimal_from_wire(text) for name, text in texts.items()} == {name: sent[name] for name in texts}
    assert not any(set(text) - set("0123456789.") for text in texts.values())


def test_native_names_are_none_that_the_model_writes_itself() -> None:
    written = set(LIMIT) | set(MARKET) | set(TRIGGER) | {"postOnly", "reduceOnly", "clientId", "quoteQuantity"}

    assert set(NATIVE) & written == {"triggerBy"}
