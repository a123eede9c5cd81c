"""What the simulated Bybit allows how often, and what goes wrong on demand."""

import json
from typing import Any

import pytest
from bybit_calls import BybitCaller

from lotusx_sim import Bybit, Effect
from lotusx_sim.dialects.bybit import LimitRules
from lotusx_sim.wire import HttpRequest, HttpResponse

LIN = ("linear", "BTCUSDT")
BODY = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "80000"}


@pytest.fixture
def caller() -> BybitCaller:
    return BybitCaller()


# -- limits ------------------------------------------------------------------------------------------------------


def test_each_answer_says_what_is_left_of_its_quota(caller: BybitCaller) -> None:
    caller.place(*LIN, "Buy", "0.01", "80000")
    assert (caller.header("x-bapi-limit"), caller.header("x-bapi-limit-status")) == ("10", "9")
    assert caller.header("x-bapi-limit-reset-timestamp") == str(caller.now_ms)
    caller.place("spot", "BTCUSDT", "Buy", "0.01", "80000")
    assert (caller.header("x-bapi-limit"), caller.header("x-bapi-limit-status")) == ("20", "19")
    caller.place("inverse", "BTCUSD", "Buy", "10", "80000")
    assert caller.header("x-bapi-limit-status") == "8"  # of the same quota as linear
    caller.get("account/wallet-balance", accountType="UNIFIED")
    assert caller.header("x-bapi-limit") == "50"


def test_over_the_quota_nothing_is_done_until_the_time_that_is_named(caller: BybitCaller) -> None:
    first_ms = caller.now_ms
    for _ in range(10):
        caller.place(*LIN, "Buy", "0.01", "80000")
    said = caller.command("order/create", **BODY)
    assert (said["retCode"], caller.header("x-bapi-limit-status")) == (10006, "0")
    assert caller.header("x-bapi-limit-reset-timestamp") == str(first_ms + 1_000)
    assert len(caller.sim.open_orders()) == 10
    caller.step(1)
    assert caller.command("order/create", **BODY)["retCode"] == 0


def test_an_address_that_asks_too_much_is_banned_for_ten_minutes() -> None:
    caller = BybitCaller(Bybit(actions_per_s=0, rules=LimitRules(requests_per_five_seconds=5)))
    for _ in range(5):
        caller.public("time")
    assert caller.query("/v5/market/time") == "access too frequent"
    assert caller.last.status == 403
    assert caller.send(HttpRequest("GET", "/v5/market/time"), ip="10.0.0.2")["retCode"] == 0
    caller.step(599)
    assert caller.query("/v5/market/time") == "access too frequent"
    caller.step(1)
    caller.public("time")


def test_connects_and_order_messages_are_counted_by_address() -> None:
    rules = LimitRules(connects_per_five_minutes=2, trade_messages_per_second=2)
    caller = BybitCaller(Bybit(actions_per_s=0, rules=rules))
    trade = caller.open("/v5/trade")
    trade.authenticate()
    cancel = {"category": "linear", "symbol": "BTCUSDT", "orderId": "1"}
    assert [trade.act("order.cancel", cancel)["retCode"] for _ in range(3)] == [110001, 110001, 10403]
    caller.open("/v5/private")
    refused = caller.open("/v5/private").accepted
    assert isinstance(refused, HttpResponse)
    assert refused.status == 403


def test_there_may_be_only_so_many_orders() -> None:
    rules = LimitRules(open_orders=2, conditional_orders=1, spot_conditional_orders=1)
    caller = BybitCaller(Bybit(actions_per_s=0, rules=rules))
    for category, active, waiting in (("linear", 110020, 110009), ("spot", 170810, 170810)):
        stop: dict[str, Any] = {"triggerPrice": "90000"}
        stop |= {"triggerDirection": 1} if category == "linear" else {"orderFilter": "StopOrder"}
        caller.place(category, "BTCUSDT", "Sell", "0.01", "90000")
        caller.place(category, "BTCUSDT", "Buy", "0.01", "80000", **stop)
        assert caller.refused(category, "BTCUSDT", "Buy", "0.01", "80000", **stop) == waiting
        if category == "linear":
            caller.place(category, "BTCUSDT", "Sell", "0.01", "90000")
        assert caller.refused(category, "BTCUSDT", "Sell", "0.01", "90000") == active


# -- faults ------------------------------------------------------------------------------------------------------


def outcome(caller: BybitCaller, body: dict[str, str]) -> Any:
    text = json.dumps(body)
    return caller.sim.handle(HttpRequest("POST", "/v5/order/create", caller.headers(text), text.encode()))


def test_a_lost_reply_leaves_the_order_and_a_lost_request_does_not(caller: BybitCaller) -> None:
    caller.sim.lose_reply_to("POST", "/v5/order/create")
    assert outcome(caller, BODY | {"orderLinkId": "came"}).response is None
    caller.sim.lose_request("POST", "/v5/order/*")
    assert outcome(caller, BODY | {"orderLinkId": "lost"}).response is None
    assert caller.sim.open_order_ids() == ["came"]
    assert caller.refused(*LIN, "Buy", "0.01", "80000", orderLinkId="came") == 110072


def test_a_time_out_leaves_open_what_was_done(caller: BybitCaller) -> None:
    caller.sim.execute_but_time_out("POST", "/v5/order/create")
    assert caller.command("order/create", **BODY, orderLinkId="t")["retCode"] == 10000
    assert caller.sim.open_order_ids() == ["t"]


def test_an_order_can_be_hidden_from_queries_for_a_while(caller: BybitCaller) -> None:
    caller.sim.delay_visibility(0.2)
    order_id = caller.place(*LIN, "Buy", "0.01", "80000")
    asked = {"category": "linear", "orderId": order_id}
    assert caller.get("order/realtime", **asked)["list"] == []
    caller.step(0.2)
    assert len(caller.get("order/realtime", **asked)["list"]) == 1


def test_answers_in_the_venues_place_and_bans(caller: BybitCaller) -> None:
    caller.sim.answer(429, path="/v5/order/create", retry_after=3)
    said = caller.command("order/create", **BODY)
    assert (said["retCode"], caller.last.status, caller.header("retry-after")) == (429, 429, "3")
    caller.sim.html_502("POST", "/v5/order/create")
    assert caller.command("order/create", **BODY).startswith("<html>")
    caller.sim.ban(5)
    assert caller.query("/v5/market/time") == "access too frequent"
    caller.step(5)
    caller.public("time")
    assert caller.sim.orders() == []


def test_faults_reach_order_entry_by_socket_under_the_name_of_its_op(caller: BybitCaller) -> None:
    trade = caller.open("/v5/trade")
    trade.authenticate()
    caller.sim.refuse("WS", "order.create", 200, {"retCode": 10016, "retMsg": "Internal error"}, times=1)
    reply = trade.act("order.create", BODY, request_id="r")
    assert (reply["retCode"], reply["retMsg"], reply["reqId"], reply["op"]) == (
        10016, "Internal error", "r", "order.create",
    )  # fmt: skip
    caller.sim.lose_reply_to("WS", "order.create", how="hang")
    trade.send({"op": "order.create", "header": {"X-BAPI-TIMESTAMP": str(caller.now_ms)}, "args": [BODY]})
    assert trade.take() == []
    assert len(caller.sim.open_orders()) == 1
    caller.sim.chaos(1, rate=1.0, path="order.cancel", effects=[Effect.LOSE_REQUEST])
    trade.send({"op": "order.cancel", "args": [{}]})
    assert trade.take() == []


def test_stream_faults_tell_spot_from_linear(caller: BybitCaller) -> None:
    spot, linear = caller.open("/v5/public/spot"), caller.open("/v5/public/linear")
    topic = "orderbook.50.BTCUSDT"
    for socket in (spot, linear):
        socket.subscribe(topic)
    caller.sim.gap("linear:BTCUSDT")
    for _ in range(2):
        for name in ("spot:BTCUSDT", "linear:BTCUSDT"):
            caller.sim.trade(name, "buy", "0.01")
        caller.step(0.1)
    assert [len(socket.take(topic)) for socket in (spot, linear)] == [2, 1]

    caller.sim.crossed_level("linear:BTCUSDT")
    caller.sim.trade("linear:BTCUSDT", "buy", "0.01")
    (delta,) = linear.take(topic)
    ask = caller.public("orderbook", category="linear", symbol="BTCUSDT")["a"][0][0]
    assert float(delta["data"]["b"][0][0]) > float(ask)


def test_private_messages_can_be_lost_and_sockets_cut(caller: BybitCaller) -> None:
    socket = caller.private("order", "wallet")
    fault = caller.sim.silence("user/order")
    caller.place(*LIN, "Buy", "0.01", "80000")
    assert {message["topic"] for message in socket.take()} == {"wallet"}
    assert fault.applied == 1
    caller.sim.expire_user_stream()
    assert socket.ended == "fin"
