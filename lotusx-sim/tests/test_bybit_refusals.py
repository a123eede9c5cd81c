"""Corners of the simulated Bybit: what is refused, and what few clients ask."""

from typing import Any

import pytest
from bybit_calls import BybitCaller

from lotusx_sim import Bybit
from lotusx_sim.dialects.bybit import LimitRules
from lotusx_sim.wire import HttpRequest

ROOMY = LimitRules(spot_orders_per_second=1_000, derivative_orders_per_second=1_000)
LIN, SPT = ("linear", "BTCUSDT"), ("spot", "BTCUSDT")
NAMED = {"category": "linear", "symbol": "BTCUSDT"}


@pytest.fixture
def caller() -> BybitCaller:
    made = BybitCaller(Bybit(seed=7, actions_per_s=0, rules=ROOMY))
    for name in ("spot:BTCUSDT", "linear:BTCUSDT"):
        made.sim.set_book(name, [("79990", "5")], [("80000", "50")])
        made.sim.trade(name, "buy", "0.01")
    return made


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        ("order/realtime", {"category": "linear", "symbol": "NOPE"}, 10001),
        ("order/realtime", {**NAMED, "limit": "0"}, 10001),
        ("order/realtime", {**NAMED, "limit": "many"}, 10001),
        ("execution/list", {"category": "linear", "startTime": "2", "endTime": "1"}, 10001),
        ("execution/list", {"category": "linear", "cursor": "nothing"}, 10001),
        ("position/list", {"category": "linear"}, 10001),
        ("position/list", {"category": "spot", "symbol": "BTCUSDT"}, 10001),
        ("account/wallet-balance", {"accountType": "SPOT"}, 10001),
        ("account/fee-rate", {"category": "linear", "symbol": "NOPE"}, 10001),
        ("order/spot-borrow-check", {"category": "spot", "symbol": "BTCUSDT", "side": "Up"}, 10001),
    ],
)
def test_a_wrong_question_is_refused(caller: BybitCaller, path: str, params: dict[str, Any], code: int) -> None:
    assert caller.query(f"/v5/{path}", True, **params)["retCode"] == code


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("order/cancel-all", {"category": "linear", "symbol": "BTCUSDT", "orderFilter": "All"}),
        ("order/create-batch", {"category": "linear", "request": []}),
        ("order/cancel", {"category": "linear", "symbol": "NOPE", "orderId": "1"}),
        ("position/set-leverage", {**NAMED, "buyLeverage": "x", "sellLeverage": "1"}),
        ("position/switch-mode", {**NAMED, "mode": 1}),
        ("position/trading-stop", {**NAMED, "tpslMode": "Whole"}),
        ("position/trading-stop", {**NAMED, "tpslMode": "Full", "stopLoss": "1"}),
        ("position/trading-stop", {**NAMED, "tpslMode": "Full", "positionIdx": 1}),
        ("position/trading-stop", {**NAMED, "tpslMode": "Full", "trailingStop": "far"}),
        ("position/add-margin", {**NAMED, "margin": "much"}),
        ("account/set-margin-mode", {"setMarginMode": "NONE"}),
        ("order/pre-check", {**NAMED, "side": "Buy", "orderType": "Market", "qty": ["1"]}),
    ],
)
def test_a_wrong_command_is_refused(caller: BybitCaller, path: str, body: dict[str, Any]) -> None:
    assert caller.command(path, **body)["retCode"] == 10001


@pytest.mark.parametrize("body", [b"not json", b"[1]", b"\xff"])
def test_a_body_that_is_no_object_is_refused(caller: BybitCaller, body: bytes) -> None:
    headers = caller.headers(body.decode("latin-1"))
    assert caller.send(HttpRequest("POST", "/v5/order/create", headers, body))["retCode"] == 10001
    assert caller.sim.orders() == []


def test_margin_that_is_not_isolated_cannot_be_changed_and_portfolio_margin_is_not_to_be_had(
    caller: BybitCaller,
) -> None:
    caller.place(*LIN, "Buy", "0.01")
    assert caller.command("position/add-margin", **NAMED, margin="1")["retCode"] == 110036
    said = caller.command("account/set-margin-mode", setMarginMode="PORTFOLIO_MARGIN")
    assert (said["retCode"], len(said["result"]["reasons"])) == (3400045, 1)


def test_coins_and_risk_limits_are_listed(caller: BybitCaller) -> None:
    (row,) = caller.get("asset/coin/query-info", coin="BTC")["rows"]
    assert (row["coin"], row["chains"][0]["chainWithdraw"]) == ("BTC", "0")
    (tier,) = caller.public("risk-limit", category="linear", symbol="SOLUSDT")["list"]
    assert (tier["maintenanceMargin"], tier["initialMargin"], tier["maxLeverage"]) == ("0.01", "0.02", "50.00")
    assert len(caller.public("risk-limit", category="inverse")["list"]) == 3
    assert caller.public("instruments-info", category="option")["list"] == []


def test_stops_of_a_part_of_a_position(caller: BybitCaller) -> None:
    caller.place(*LIN, "Buy", "0.2")
    body = {**NAMED, "tpslMode": "Partial", "positionIdx": 0}
    assert caller.command("position/trading-stop", **body, stopLoss="70000")["retCode"] == 10001  # without a size
    caller.post("position/trading-stop", **body, stopLoss="79000", slSize="0.05", slTriggerBy="MarkPrice")
    (row,) = caller.get("order/realtime", **NAMED)["list"]
    assert (row["stopOrderType"], row["qty"], row["triggerBy"]) == ("PartialStopLoss", "0.050", "MarkPrice")
    caller.sim.set_mark("linear:BTCUSDT", "78999")
    assert caller.positions(*LIN)[0]["size"] == "0.150"


def test_stops_of_an_order_lie_on_their_sides_of_its_price_and_can_be_changed(caller: BybitCaller) -> None:
    for wrong in ({"takeProfit": "78000"}, {"stopLoss": "79500"}, {"takeProfit": "90000", "tpTriggerBy": "Price"}):
        assert caller.refused(*LIN, "Buy", "0.1", "79000", **wrong) == 10001
    assert caller.refused(*LIN, "Buy", "0.1", "79000", takeProfit="90000", reduceOnly=True) in (110057, 110017)
    assert caller.refused(*LIN, "Buy", "0.1", "79000", takeProfit="90000", tpslMode="Partial") == 10001
    assert caller.refused(*SPT, "Buy", "0.1", "79000", takeProfit="90000") == 10001
    order_id = caller.place(*LIN, "Buy", "0.1", "79000", takeProfit="90000", stopLoss="70000", orderLinkId="o")
    caller.post("order/amend", **NAMED, orderId=order_id, takeProfit="0", stopLoss="71000")
    row = caller.order("linear", order_id)
    assert (row["takeProfit"], row["stopLoss"], row["tpslMode"]) == ("", "71000.00", "Full")
    assert caller.command("order/amend", **NAMED, orderId=order_id, stopLoss="nothing")["retCode"] == 10001
    caller.sim.fill("o")
    position = caller.positions(*LIN)[0]
    assert (position["takeProfit"], position["stopLoss"]) == ("", "71000.00")


def test_an_order_by_quote_cannot_get_another_quantity(caller: BybitCaller) -> None:
    stop = {"orderFilter": "StopOrder", "triggerPrice": "81000"}
    order_id = caller.place(*SPT, "Buy", "100", **stop)
    body = {"category": "spot", "symbol": "BTCUSDT", "orderId": order_id}
    assert caller.command("order/amend", **body, qty="1")["retCode"] == 170312
    caller.post("order/amend", **body, triggerPrice="80500")
    assert caller.order("spot", order_id)["triggerPrice"] == "80500.0"
    caller.sim.set_book("spot:BTCUSDT", [("80400", "5")], [("80500", "5")])
    caller.sim.trade("spot:BTCUSDT", "buy", "0.01")
    assert caller.order("spot", order_id)["cumExecQty"] == "0.001242"


def test_an_amendment_that_waits_for_the_engine_reaches_an_order_that_waits_too() -> None:
    caller = BybitCaller(Bybit(seed=7, actions_per_s=0, matching_delay_ms=5))
    socket = caller.private("order")
    order_id = caller.place(*LIN, "Buy", "0.1", "79000")
    caller.post("order/amend", **NAMED, orderId=order_id, price="79001")
    caller.post("order/amend", **NAMED, orderId=order_id, qty="1000")
    caller.step(0.01)
    assert [(row["orderStatus"], row["price"], row["qty"]) for row in socket.rows("order")][-1] == (
        "New", "79001.00", "0.100",
    )  # fmt: skip


def test_an_unknown_time_in_force_of_slippage_or_unit_is_refused(caller: BybitCaller) -> None:
    for more in (
        {"slippageTolerance": "1", "slippageToleranceType": "Cents"},
        {"smpType": "CancelAll"},
        {"triggerPrice": "81000", "triggerDirection": 1, "triggerBy": "Price"},
        {"triggerPrice": "81000.05", "triggerDirection": 1},
    ):
        assert caller.refused(*LIN, "Buy", "0.1", **more) == 10001
    assert caller.refused(*SPT, "Buy", "0.1", marketUnit="cents") == 10001
    assert caller.refused(*SPT, "Buy", "0") == 170130
    assert caller.refused(*SPT, "Sell", "0") == 170130
    assert caller.refused(*SPT, "Buy", "1", "80000", orderFilter="OcoOrder") == 170201
    assert caller.refused(*SPT, "Sell", "0.1", "70000") == 170194
    assert caller.refused(*LIN, "Buy", "20") == 110007


def test_a_sell_below_the_band_is_brought_inside(caller: BybitCaller) -> None:
    order_id = caller.place(*LIN, "Sell", "0.1", "70000", timeInForce="IOC")
    assert caller.order("linear", order_id)["price"] == "76000.00"  # 80000 * 0.95


def test_executions_and_logs_are_filtered(caller: BybitCaller) -> None:
    mine = caller.place(*LIN, "Buy", "0.01", orderLinkId="mine")
    caller.place("linear", "ETHUSDT", "Buy", "0.1")
    for params in ({"orderId": mine}, {"orderLinkId": "mine"}, {"symbol": "BTCUSDT"}, {"baseCoin": "BTC"}):
        assert [r["orderId"] for r in caller.get("execution/list", category="linear", **params)["list"]] == [mine]
    assert caller.get("execution/list", category="linear", settleCoin="USDC")["list"] == []
    low = caller.now_ms - 1_000
    assert len(caller.get("execution/list", category="linear", startTime=low)["list"]) == 2
    assert caller.get("execution/list", category="linear", endTime=low)["list"] == []
    assert len(caller.get("account/transaction-log", currency="USDT")["list"]) == 2
    assert caller.get("account/transaction-log", type="SETTLEMENT")["list"] == []
    assert len(caller.get("order/history", category="linear", orderStatus="Filled")["list"]) == 2
    assert caller.get("order/history", category="linear", orderStatus="Cancelled")["list"] == []


def test_private_topics_can_be_left_and_must_be_known(caller: BybitCaller) -> None:
    socket = caller.private("order", "wallet")
    (reply,) = socket.ask({"op": "unsubscribe", "args": ["order", "wallet"]})
    assert reply["success"]
    caller.place(*LIN, "Buy", "0.01")
    assert socket.take() == []
    assert socket.ask({"op": "dance"})[0]["ret_msg"] == "error:invalid op"
    assert socket.ask("nonsense")[0]["success"] is False
    assert socket.ask({"op": "subscribe", "args": []})[0]["success"] is False


def test_a_trade_socket_says_what_is_wrong_with_a_message(caller: BybitCaller) -> None:
    trade = caller.open("/v5/trade")
    assert trade.ask("nonsense")[0]["retCode"] == 10001
    assert trade.ask({"op": "auth", "args": []})[0]["retCode"] == 10001
    trade.authenticate()
    header = {"X-BAPI-TIMESTAMP": str(caller.now_ms)}
    assert trade.ask({"op": "order.create", "header": header, "args": []})[0]["retCode"] == 10001
    assert trade.ask({"op": "order.create", "args": [{}]})[0]["retCode"] == 10001
