"""Orders of USDⓈ-M futures, in both directions."""

from __future__ import annotations

import json
from decimal import Decimal, localcontext
from typing import Any

import msgspec
import pytest
from binance_contracts import ALGO_ID, FILL, PLACED, QUERIED, WAITING, limit_buy, market_buy, order_state, stop_sell

from lotusx.errors import InvalidArgument, ItemRejected, NotSupported
from lotusx.model import (
    Instrument,
    Liquidity,
    MarginMode,
    OrderRequest,
    OrderStatus,
    OrderType,
    PositionSide,
    TimeInForce,
)
from lotusx.plugin import Amendment
from lotusx_binance.perp import account_types as types, order_conversions as convert, order_requests as write
from lotusx_binance.perp.account_conversions import to_margin_mode

MS = 1_000_000
S = 1_000_000_000


def read(kind: Any, document: dict[str, Any]) -> Any:
    return msgspec.json.decode(json.dumps(document), type=kind)


# What is sent


@pytest.mark.parametrize(
    ("request_", "differs"),
    [
        (limit_buy(), {}),
        (limit_buy(time_in_force="ioc"), {"timeInForce": "IOC"}),
        (limit_buy(time_in_force="fok"), {"timeInForce": "FOK"}),
        (limit_buy(post_only=True), {"timeInForce": "GTX"}),
        (limit_buy(reduce_only=True), {"reduceOnly": "true"}),
        (
            limit_buy(time_in_force="gtd", expires_ns=1_770_000_600 * S),
            {"timeInForce": "GTD", "goodTillDate": 1_770_000_600_000},
        ),
        (limit_buy(position_side="long"), {"positionSide": "LONG"}),
        (limit_buy(position_side="short", reduce_only=True), {"positionSide": "SHORT"}),
        (limit_buy(native={"selfTradePreventionMode": "NONE"}), {"selfTradePreventionMode": "NONE"}),
    ],
)
def test_limit_orders(request_: OrderRequest, differs: dict[str, Any]) -> None:
    assert write.order_params(request_, "BTCUSDT") == {
        "newOrderRespType": "RESULT",
        "newClientOrderId": "a-1",
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.01",
        "price": "68000",
        **differs,
    }


def test_market_orders_have_neither_price_nor_time_in_force() -> None:
    assert write.order_params(market_buy(client_order_id=None), "BTCUSDT") == {
        "symbol": "BTCUSDT",
        "side": "BUY",
        "type": "MARKET",
        "quantity": "0.01",
        "newOrderRespType": "RESULT",
    }


@pytest.mark.parametrize(
    ("kind", "sent", "more", "written"),
    [
        ("stop_loss", "STOP_MARKET", {}, {}),
        ("take_profit", "TAKE_PROFIT_MARKET", {"reduce_only": True}, {"reduceOnly": "true"}),
        ("stop_loss_limit", "STOP", {"price": "59000"}, {"timeInForce": "GTC", "price": "59000"}),
        (
            "take_profit_limit",
            "TAKE_PROFIT",
            {"price": "59000", "time_in_force": "ioc"},
            {"timeInForce": "IOC", "price": "59000"},
        ),
        ("stop_loss", "STOP_MARKET", {"native": {"workingType": "MARK_PRICE"}}, {"workingType": "MARK_PRICE"}),
    ],
)
def test_conditional_orders(kind: str, sent: str, more: dict[str, Any], written: dict[str, Any]) -> None:
    assert write.algo_params(stop_sell(type=kind, **more), "BTCUSDT") == {
        "algoType": "CONDITIONAL",
        "symbol": "BTCUSDT",
        "side": "SELL",
        "type": sent,
        "quantity": "0.01",
        "triggerPrice": "60000",
        "clientAlgoId": "a-1",
        **written,
    }


@pytest.mark.parametrize(("fraction", "rate"), [("0.01", "1"), ("0.0015", "0.15"), ("0.2", "20")])
def test_trailing_orders_state_their_callback_in_per_cent(fraction: str, rate: str) -> None:
    request = stop_sell(type="trailing_stop", trailing_fraction=fraction, client_order_id=None)
    with localcontext(prec=1):  # the caller's: it decides nothing
        params = write.algo_params(request, "BTCUSDT")

    assert (params["type"], Decimal(params["callbackRate"])) == ("TRAILING_STOP_MARKET", Decimal(rate))
    assert (params["activatePrice"], "triggerPrice" in params, "clientAlgoId" in params) == ("60000", False, False)


@pytest.mark.parametrize(
    ("request_", "error", "words"),
    [
        (market_buy(quantity_unit="quote"), NotSupported, "base units"),
        (market_buy(time_in_force="ioc"), InvalidArgument, "time_in_force"),
        (
            limit_buy(post_only=True, time_in_force="gtd", expires_ns=1_770_000_600 * S),
            NotSupported,
            "post_only with time in force GTD",
        ),
        (limit_buy(time_in_force="gtd", expires_ns=1_770_000_600 * S + 1), InvalidArgument, "whole seconds"),
        (limit_buy(native={"price": "1"}), InvalidArgument, "native"),
        (limit_buy(native={"closePosition": "true"}), NotSupported, "closePosition"),
        (limit_buy(position_side="long", reduce_only=True), InvalidArgument, "opens a long"),
        (limit_buy(side="sell", position_side="short", reduce_only=True), InvalidArgument, "opens a short"),
    ],
)
def test_what_there_is_not_is_refused_before_it_is_sent(
    request_: OrderRequest, error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        write.order_params(request_, "BTCUSDT")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"type": "trailing_stop"}, "trailing_fraction is missing"),
        ({"trailing_fraction": "0.01"}, "not used by a stop_loss"),
        ({"type": "trailing_stop", "trailing_fraction": "0.0009"}, r"must be 0\.001 to 0\.2"),
        ({"type": "trailing_stop", "trailing_fraction": "0.21"}, r"must be 0\.001 to 0\.2"),
    ],
)
def test_callbacks_go_with_trailing_orders_alone(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidArgument, match=words):
        write.algo_params(stop_sell(**changes), "BTCUSDT")


def test_an_end_between_two_seconds_names_both() -> None:
    with pytest.raises(InvalidArgument) as caught:
        write.good_till(5 * S + 1, 0)

    assert caught.value.nearest == (5 * S, 6 * S)


def test_an_end_that_comes_too_soon_names_the_first_that_may_be() -> None:
    with pytest.raises(InvalidArgument, match="600 s ahead") as caught:
        write.good_till(1_600 * S, 1_000 * S)

    assert caught.value.nearest == (1_601 * S,)
    assert write.good_till(1_601 * S, 1_000 * S) == 1_601_000


@pytest.mark.parametrize(
    ("change", "quantity", "price"),
    [
        (Amendment(quantity=Decimal("0.005")), "0.005", "68000"),
        (Amendment(price=Decimal("68001.5")), "0.01", "68001.5"),
        (Amendment(Decimal(2), Decimal(3)), "2", "3"),
    ],
)
def test_an_amendment_states_all_terms(perp: Instrument, change: Amendment, quantity: str, price: str) -> None:
    assert write.modify_params(order_state(perp), change, "BTCUSDT") == {
        "symbol": "BTCUSDT",
        "orderId": 28,
        "side": "BUY",
        "quantity": quantity,
        "price": price,
    }


def test_an_amendment_that_would_cancel_is_refused(perp: Instrument) -> None:
    with pytest.raises(InvalidArgument, match="filled already"):
        write.modify_params(order_state(perp, filled=Decimal("0.005")), Amendment(quantity=Decimal("0.005")), "BTCUSDT")


@pytest.mark.parametrize("changes", [{"venue_order_id": ALGO_ID}, {"price": None}, {"quantity": None}])
def test_what_is_no_limit_order_cannot_be_amended(perp: Instrument, changes: dict[str, Any]) -> None:
    with pytest.raises(NotSupported, match="cancel, then place"):
        write.modify_params(order_state(perp, **changes), Amendment(new_client_order_id="n"), "BTCUSDT")


@pytest.mark.parametrize(("name", "number"), [("algo:7", 7), ("7", None), (None, None)])
def test_conditional_orders_are_told_by_their_names(name: str | None, number: int | None) -> None:
    assert write.algo_id(name) == number


def test_a_name_that_is_no_number_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="followed by a number"):
        write.algo_id("algo:seven")


@pytest.mark.parametrize(
    ("amount", "written"), [("5.5", {"amount": "5.5", "type": 1}), ("-2", {"amount": "2", "type": 2})]
)
def test_margin_goes_in_or_out(amount: str, written: dict[str, Any]) -> None:
    assert write.margin_change(Decimal(amount)) == written


# What comes back


def test_a_thin_reply_states_no_average(perp: Instrument) -> None:
    filled = {**PLACED, "status": "FILLED", "executedQty": "0.010", "timeInForce": "IOC"}
    state = convert.to_order(read(types.Order, filled), symbol=perp.symbol)

    assert (state.status, state.filled, state.average_price, state.filled_quote) == (
        "filled",
        Decimal("0.010"),
        None,
        None,
    )
    assert (state.venue_order_id, state.client_order_id, state.updated_ns, state.created_ns) == (
        "28",
        "a-1",
        2_000 * MS,
        None,
    )
    assert (state.trigger_price, state.time_in_force, state.post_only) == (None, TimeInForce.IOC, False)


def test_a_queried_order_states_all(perp: Instrument) -> None:
    found = {**QUERIED, "status": "PARTIALLY_FILLED", "executedQty": "0.004", "avgPrice": "67999.5", "cumQuote": "272",
             "timeInForce": "GTX", "reduceOnly": True, "positionSide": "SHORT", "stopPrice": "1"}  # fmt: skip
    state = convert.to_order(read(types.Order, found), symbol=perp.symbol)

    assert (state.average_price, state.filled_quote) == (Decimal("67999.5"), Decimal(272))
    assert (state.post_only, state.time_in_force, state.raw_time_in_force) == (True, TimeInForce.GTC, "GTX")
    assert (state.reduce_only, state.position_side, state.trigger_price) == (True, PositionSide.SHORT, Decimal(1))
    assert state.created_ns == 1_000 * MS


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ("NEW", OrderStatus.OPEN),
        ("CANCELED", OrderStatus.CANCELED),
        ("REJECTED", OrderStatus.REJECTED),
        ("EXPIRED", OrderStatus.EXPIRED),
        ("EXPIRED_IN_MATCH", OrderStatus.EXPIRED),
        ("NEW_ADL", OrderStatus.OPEN),
        ("NEW_INSURANCE", OrderStatus.OPEN),
        ("DREAMING", OrderStatus.UNKNOWN),
    ],
)
def test_status(perp: Instrument, raw: str, status: OrderStatus) -> None:
    state = convert.to_order(read(types.Order, {**QUERIED, "status": raw}), symbol=perp.symbol)

    assert (state.status, state.raw_status) == (status, raw)


def test_new_words_stay_visible(perp: Instrument) -> None:
    found = {**QUERIED, "origType": "ODD", "type": "ODD", "timeInForce": "GTE_GTC"}
    state = convert.to_order(read(types.Order, found), symbol=perp.symbol)

    assert (state.type, state.raw_type) == (OrderType.UNKNOWN, "ODD")
    assert (state.time_in_force, state.raw_time_in_force) == (TimeInForce.UNKNOWN, "GTE_GTC")


@pytest.mark.parametrize("field", ["side", "positionSide"])
def test_an_unknown_side_rejects_the_order(perp: Instrument, field: str) -> None:
    with pytest.raises(ItemRejected, match=field):
        convert.to_order(read(types.Order, {**QUERIED, field: "LEFT"}), symbol=perp.symbol)


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        ("NEW", OrderStatus.PENDING),
        ("TRIGGERING", OrderStatus.PENDING),
        ("TRIGGERED", OrderStatus.PENDING),
        ("CANCELED", OrderStatus.CANCELED),
        ("REJECTED", OrderStatus.REJECTED),
        ("EXPIRED", OrderStatus.EXPIRED),
        ("FINISHED", OrderStatus.UNKNOWN),
    ],
)
def test_a_conditional_order_waits(perp: Instrument, raw: str, status: OrderStatus) -> None:
    state = convert.to_conditional(read(types.AlgoOrder, {**WAITING, "algoStatus": raw}), symbol=perp.symbol)

    assert (state.status, state.raw_status, state.type) == (status, raw, OrderType.STOP_LOSS)
    assert (state.venue_order_id, state.trigger_price, state.price) == (ALGO_ID, Decimal(60_000), None)
    assert state.filled == 0


@pytest.mark.parametrize("quantity", [{"quantity": "0"}, {"quantity": None}, {"quantity": ""}, {}])
def test_an_order_that_closes_the_whole_position_has_no_quantity_before_it_triggers(
    perp: Instrument, quantity: dict[str, Any]
) -> None:
    terms = {name: value for name, value in WAITING.items() if name != "quantity"}
    waiting = read(types.AlgoOrder, {**terms, **quantity, "closePosition": True})
    child = read(types.Order, {**QUERIED, "origQty": "0", "closePosition": True})

    for state in (
        convert.to_conditional(waiting, symbol=perp.symbol),
        convert.to_order(child, symbol=perp.symbol),
    ):
        assert (state.quantity, state.remaining, state.filled) == (None, None, 0)
    became = read(types.Order, {**QUERIED, "closePosition": True})
    assert convert.to_order(became, symbol=perp.symbol).quantity == Decimal("0.010")


def test_a_conditional_order_is_read_under_the_older_name_of_its_type(perp: Instrument) -> None:
    document = {name: value for name, value in WAITING.items() if name not in ("orderType", "price")}
    state = convert.to_conditional(read(types.AlgoOrder, {**document, "type": "TAKE_PROFIT"}), symbol=perp.symbol)

    assert (state.type, state.price) == (OrderType.TAKE_PROFIT_LIMIT, None)


@pytest.mark.parametrize(
    ("code", "words"),
    [("0", ""), (None, ""), ("x", ""), ("2", "er 2: the rest of an IOC order"), (77, "er 77: unknown to LotusX")],
)
def test_reasons_of_an_expiry(code: str | int | None, words: str) -> None:
    assert convert.expiry_reason(code) == words


def test_a_fill_names_order_fee_and_liquidity(perp: Instrument) -> None:
    fill = convert.to_fill(read(types.AccountTrade, FILL), symbol=perp.symbol, received_ns=9)

    assert (fill.trade_id, fill.venue_order_id, fill.side) == ("5", "28", "buy")
    assert (fill.fee, fill.fee_asset, fill.liquidity) == (Decimal("0.272"), "USDT", Liquidity.TAKER)
    assert (fill.exchange_ns, fill.received_ns) == (1_000 * MS, 9)


@pytest.mark.parametrize(
    ("text", "mode"), [("CROSSED", "cross"), ("cross", "cross"), ("ISOLATED", "isolated"), ("odd", "unknown")]
)
def test_margin_modes_in_all_their_spellings(text: str, mode: str) -> None:
    assert to_margin_mode(text) is MarginMode(mode)
