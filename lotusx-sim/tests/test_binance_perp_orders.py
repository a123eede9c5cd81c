"""Order entry of simulated USDⓈ-M futures: by REST, in batches, by WS API, and conditional orders."""

import json
from typing import Any

import pytest
from um_calls import BTC, UmCaller, kinds


@pytest.fixture
def um() -> UmCaller:
    return UmCaller()


def test_an_order_is_answered_without_average_price(um: UmCaller) -> None:
    reply = um.market()

    assert reply["status"] == "FILLED"
    assert reply["cumQty"] == "0.010"
    assert not {"avgPrice", "cumQuote", "fills"} & set(reply)
    query = um.ask("GET", "v1/order", symbol=BTC, orderId=reply["orderId"])
    assert query["avgPrice"] == "68251.200"
    assert query["cumQuote"] == "682.512"


def test_an_order_nobody_waited_for_is_new_whatever_became_of_it(um: UmCaller) -> None:
    reply = um.ask("POST", "v1/order", symbol=BTC, side="BUY", type="MARKET", quantity="0.01")

    assert (reply["status"], reply["executedQty"]) == ("NEW", "0.000")
    assert um.ask("GET", "v1/order", symbol=BTC, orderId=reply["orderId"])["status"] == "FILLED"


def test_order_calls_cost_no_weight_and_are_counted(um: UmCaller) -> None:
    um.limit()
    um.limit()

    assert um.header["x-mbx-used-weight-1m"] == "0"
    assert (um.header["x-mbx-order-count-10s"], um.header["x-mbx-order-count-1m"]) == ("2", "2")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"type": "STOP_MARKET"}, -4120),
        ({"type": "STOP"}, -4120),
        ({"type": "ICEBERG"}, -1116),
        ({"side": "HOLD"}, -1117),
        ({"timeInForce": "RPI"}, -1115),
        ({"price": "66000.05"}, -1111),
        ({"quantity": "0.0001"}, -1111),
        ({"quantity": "0"}, -4003),
        ({"price": "0"}, -4001),
        ({"quantity": "abc"}, -1100),
        ({"quantity": "1001"}, -4005),
        ({"price": "80000"}, -4016),
        ({"side": "SELL", "price": "60000"}, -4024),
        ({"quantity": "0.001", "price": "4000"}, -4164),
        ({"positionSide": "LONG"}, -4061),
        ({"positionSide": "UP"}, -4060),
        ({"reduceOnly": "true"}, -2022),
        ({"timeInForce": "GTX", "price": "68300"}, -5022),
        ({"timeInForce": "GTD"}, -1102),
        ({"timeInForce": "GTD", "goodTillDate": "1770000001000"}, -5040),
        ({"newClientOrderId": "a b"}, -4015),
        ({"selfTradePreventionMode": "TRANSFER"}, -5038),
        ({"newOrderRespType": "FULL"}, -1136),
        ({"priceMatch": "QUEUE"}, -5037),
        ({"quantity": "300"}, -2019),
        ({"symbol": "LUNAUSDT", "price": "0.4", "quantity": "100"}, -4140),
    ],
)
def test_orders_that_break_a_rule_get_the_documented_code(um: UmCaller, changes: dict[str, str], code: int) -> None:
    reply = um.limit(**changes)

    assert reply["code"] == code
    assert um.last.status == 400
    assert um.sim.order_ids() == []


def test_a_client_id_is_free_again_when_its_order_is_done(um: UmCaller) -> None:
    um.limit(newClientOrderId="x:1/a.b")

    assert um.limit(newClientOrderId="x:1/a.b")["code"] == -4116
    um.sim.fill("x:1/a.b")
    assert um.limit(newClientOrderId="x:1/a.b")["status"] == "NEW"


def test_a_cancelled_order_keeps_its_client_id(um: UmCaller) -> None:
    um.limit(newClientOrderId="a")

    reply = um.ask("DELETE", "v1/order", symbol=BTC, origClientOrderId="a")

    assert (reply["status"], reply["clientOrderId"]) == ("CANCELED", "a")
    assert um.ask("DELETE", "v1/order", symbol=BTC, origClientOrderId="a")["code"] == -2011
    assert um.ask("GET", "v1/order", symbol=BTC, origClientOrderId="nope")["code"] == -2013


def test_price_match_takes_the_price_from_the_book(um: UmCaller) -> None:
    book = um.get("v1/depth", symbol=BTC, limit=5)
    order = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}

    queue = um.ask("POST", "v1/order", **order, priceMatch="QUEUE_5")
    opponent = um.ask("POST", "v1/order", **order, priceMatch="OPPONENT")

    assert queue["price"] == book["bids"][4][0]
    assert opponent["price"] == book["asks"][0][0]


def test_an_order_good_till_a_date_ends_then(um: UmCaller) -> None:
    until = 1_770_000_000_000 + 700_000
    um.limit(newClientOrderId="g", timeInForce="GTD", goodTillDate=until)

    um.step(699)
    assert um.sim.open_order_ids() == ["g"]
    um.step(2)

    order = um.ask("GET", "v1/order", symbol=BTC, origClientOrderId="g")
    assert (order["status"], order["goodTillDate"], order["timeInForce"]) == ("EXPIRED", until, "GTD")


def test_a_changed_order_keeps_its_ids(um: UmCaller) -> None:
    placed = um.limit(newClientOrderId="m")

    reply = um.ask(
        "PUT", "v1/order", symbol=BTC, origClientOrderId="m", side="BUY", quantity="0.02", price="65900", modifyId=7
    )

    assert (reply["orderId"], reply["clientOrderId"], reply["modifyId"]) == (placed["orderId"], "m", 7)
    assert (reply["price"], reply["origQty"]) == ("65900.0", "0.020")


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"quantity": "0.010", "price": "66000"}, -5027),
        ({"side": "SELL", "quantity": "0.02", "price": "66000"}, -1117),
        ({"quantity": "0.02", "price": "66000", "reduceOnly": "true"}, -5047),
        ({"quantity": "0.02"}, -1102),
        ({"price": "66000"}, -1102),
        ({"origClientOrderId": "nope", "quantity": "0.02", "price": "66000"}, -2013),
    ],
)
def test_a_change_that_is_refused_leaves_the_order(um: UmCaller, changes: dict[str, str], code: int) -> None:
    um.limit(newClientOrderId="m")

    reply = um.ask("PUT", "v1/order", **{"symbol": BTC, "origClientOrderId": "m", "side": "BUY", **changes})

    assert reply["code"] == code
    assert um.ask("GET", "v1/openOrder", symbol=BTC, origClientOrderId="m")["price"] == "66000.0"


@pytest.mark.parametrize(
    ("tif", "changes"), [("GTC", {"quantity": "0.004", "price": "66000"}), ("GTX", {"quantity": "1", "price": "68300"})]
)
def test_a_change_that_leaves_nothing_to_rest_ends_the_order(um: UmCaller, tif: str, changes: dict[str, str]) -> None:
    um.limit(newClientOrderId="m", timeInForce=tif)
    um.sim.fill("m", "0.005")

    reply = um.ask("PUT", "v1/order", symbol=BTC, origClientOrderId="m", side="BUY", **changes)

    assert (reply["status"], reply["executedQty"]) == ("CANCELED", "0.005")


def test_a_batch_tells_each_outcome_in_its_place(um: UmCaller) -> None:
    good = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01", "price": "66000"}
    items = [good | {"newClientOrderId": "1"}, good | {"price": "90000"}, good | {"newClientOrderId": "3"}]

    reply = um.ask("POST", "v1/batchOrders", batchOrders=json.dumps(items))

    assert um.last.status == 200
    assert [row.get("clientOrderId", row.get("code")) for row in reply] == ["1", -4016, "3"]
    (ten_seconds, minute) = um.ask("GET", "v1/rateLimit/order")
    assert (ten_seconds["count"], minute["count"]) == (3, 1)


def test_batches_change_and_cancel(um: UmCaller) -> None:
    for name in ("1", "2"):
        um.limit(newClientOrderId=name)
    change = {"symbol": BTC, "side": "BUY", "quantity": "0.01", "price": "65000"}
    changes = [change | {"origClientOrderId": name} for name in ("1", "nope")]

    changed = um.ask("PUT", "v1/batchOrders", batchOrders=json.dumps(changes))
    names = json.dumps(["1", "2", "nope"])
    cancelled = um.ask("DELETE", "v1/batchOrders", symbol=BTC, origClientOrderIdList=names)

    assert [row.get("price", row.get("code")) for row in changed] == ["65000.0", -2013]
    assert [row.get("status", row.get("code")) for row in cancelled] == ["CANCELED", "CANCELED", -2011]


@pytest.mark.parametrize(("items", "code"), [("[{}, {}, {}, {}, {}, {}]", -4082), ("[]", -1130), ("nonsense", -1130)])
def test_a_batch_of_another_form_is_refused(um: UmCaller, items: str, code: int) -> None:
    assert um.ask("POST", "v1/batchOrders", batchOrders=items)["code"] == code


def test_cancelling_all_leaves_conditional_orders(um: UmCaller) -> None:
    um.limit(newClientOrderId="a")
    um.algo(clientAlgoId="c")

    assert um.ask("DELETE", "v1/allOpenOrders", symbol=BTC)["code"] == 200
    assert um.sim.open_order_ids() == ["c"]
    assert um.ask("GET", "v1/openOrders") == []
    um.ask("DELETE", "v1/algoOpenOrders", symbol=BTC)
    assert um.sim.open_order_ids() == []


def test_the_countdown_cancels_unless_it_is_renewed_or_stopped(um: UmCaller) -> None:
    um.limit(newClientOrderId="a")
    assert um.ask("POST", "v1/countdownCancelAll", symbol=BTC, countdownTime=5_000) == {
        "symbol": BTC, "countdownTime": "5000",
    }  # fmt: skip
    um.step(4)
    um.ask("POST", "v1/countdownCancelAll", symbol=BTC, countdownTime=5_000)
    um.step(4)
    assert um.sim.open_order_ids() == ["a"]

    um.ask("POST", "v1/countdownCancelAll", symbol=BTC, countdownTime=0)
    um.step(60)
    assert um.sim.open_order_ids() == ["a"]

    um.ask("POST", "v1/countdownCancelAll", symbol=BTC, countdownTime=1_000)
    um.step(1)
    assert um.sim.open_order_ids() == []


def test_history_shows_orders_and_fills(um: UmCaller) -> None:
    um.limit(newClientOrderId="a")
    um.market()
    um.market("SELL", reduceOnly="true")

    orders = um.ask("GET", "v1/allOrders", symbol=BTC)
    fills = um.ask("GET", "v1/userTrades", symbol=BTC)

    assert [row["status"] for row in orders] == ["NEW", "FILLED", "FILLED"]
    assert um.ask("GET", "v1/allOrders") == orders
    assert [(row["side"], row["qty"], row["maker"], row["realizedPnl"]) for row in fills] == [
        ("BUY", "0.010", False, "0.00000000"), ("SELL", "0.010", False, "-0.00200000"),
    ]  # fmt: skip
    eight_days = {"startTime": 1_770_000_000_000 - 8 * 86_400_000, "endTime": 1_770_000_000_000}
    assert um.ask("GET", "v1/userTrades", symbol=BTC, **eight_days)["code"] == -4166
    assert um.ask("GET", "v1/allOrders", symbol=BTC, startTime=2, endTime=1)["code"] == -1023


def test_a_test_order_is_checked_and_not_placed(um: UmCaller) -> None:
    order = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}

    assert um.ask("POST", "v1/order/test", **order, price="66000")["status"] == "NEW"
    assert um.ask("POST", "v1/order/test", **order, price="90000")["code"] == -4016
    assert um.sim.order_ids() == []


def test_too_many_orders_are_refused_until_the_window_ends() -> None:
    from dataclasses import replace

    from lotusx_sim.dialects.binance_perp import UM_RULES

    um = UmCaller(rules=replace(UM_RULES, orders_per_ten_seconds=2))
    um.limit()
    um.limit()

    assert um.limit()["code"] == -1015
    assert um.last.status == 429
    um.step(10)
    assert um.limit()["status"] == "NEW"


# -- conditional orders ------------------------------------------------------------------------------------------------


def test_a_conditional_order_has_ids_of_its_own_and_is_no_order_before_its_trigger(um: UmCaller) -> None:
    algo = um.algo(clientAlgoId="s")

    assert algo["algoStatus"] == "NEW"
    assert um.ask("GET", "v1/order", symbol=BTC, origClientOrderId="s")["code"] == -2013
    assert um.ask("DELETE", "v1/order", symbol=BTC, origClientOrderId="s")["code"] == -2011
    assert um.ask("GET", "v1/openOrders", symbol=BTC) == []
    (row,) = um.ask("GET", "v1/openAlgoOrders", symbol=BTC)
    assert (row["algoId"], row["actualOrderId"]) == (algo["algoId"], "")


def test_a_triggered_order_is_linked_to_the_order_it_became(um: UmCaller) -> None:
    um.market()
    um.algo(clientAlgoId="s", reduceOnly="true")
    um.sim.set_book(BTC, [("66900", "1")], [("66910", "1")])
    um.sim.trade(BTC, "sell", "0.01")

    row = um.ask("GET", "v1/algoOrder", clientAlgoId="s")
    child = um.ask("GET", "v1/order", symbol=BTC, orderId=row["actualOrderId"])

    assert row["algoStatus"] == "FINISHED"
    assert (child["type"], child["origType"], child["status"]) == ("MARKET", "STOP_MARKET", "FILLED")
    assert (row["actualPrice"], row["actualQty"]) == ("66900.0", "0.010")
    assert um.ask("GET", "v1/openAlgoOrders") == []
    assert [item["algoStatus"] for item in um.ask("GET", "v1/allAlgoOrders", symbol=BTC)] == ["FINISHED"]


def test_a_trigger_is_told_before_or_after_the_order_it_makes() -> None:
    told = []
    for late in (False, True):
        um = UmCaller(late_trigger=late)
        um.algo(side="BUY", type="STOP_MARKET", triggerPrice="69000", workingType="MARK_PRICE")
        socket = um.private()
        um.sim.set_mark(BTC, "69001")
        told.append(kinds(socket))

    assert told[0][:3] == ["ALGO_UPDATE TRIGGERING", "ALGO_UPDATE TRIGGERED", "ORDER_TRADE_UPDATE NEW NEW"]
    assert told[1].index("ALGO_UPDATE TRIGGERED") > told[1].index("ORDER_TRADE_UPDATE TRADE FILLED")
    assert told[0][-1] == told[1][-1] == "ALGO_UPDATE FINISHED"


def test_margin_is_asked_for_at_the_trigger_not_before(um: UmCaller) -> None:
    socket = um.private()
    um.algo(side="BUY", type="STOP", quantity="100", price="69000", triggerPrice="69000", workingType="MARK_PRICE")
    socket.take()

    um.sim.set_mark(BTC, "69001")

    (event,) = socket.take()
    assert (event["e"], event["o"]["X"], event["o"]["rm"]) == ("ALGO_UPDATE", "REJECTED", "Margin is insufficient.")
    assert um.ask("GET", "v1/allOrders", symbol=BTC) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"triggerPrice": "69000"}, -2021),
        ({"triggerPrice": None}, -1102),
        ({"algoType": "VP"}, -1130),
        ({"type": "LIMIT"}, -1116),
        ({"closePosition": "true"}, -4137),
        ({"closePosition": "true", "quantity": None, "reduceOnly": "true"}, -4138),
        ({"closePosition": "true", "quantity": None, "type": "TRAILING_STOP_MARKET", "callbackRate": "1"}, -4136),
        ({"type": "TRAILING_STOP_MARKET", "callbackRate": "21"}, -2007),
        ({"type": "TRAILING_STOP_MARKET", "callbackRate": "1", "activatePrice": "60000"}, -2021),
        ({"workingType": "INDEX"}, -4031),
        ({"type": "STOP"}, -1102),
        ({"symbol": "LUNAUSDT"}, -4140),
    ],
)
def test_conditional_orders_that_break_a_rule_get_the_documented_code(
    um: UmCaller, changes: dict[str, Any], code: int
) -> None:
    assert um.algo(**changes)["code"] == code
    assert um.sim.order_ids() == []


def test_a_conditional_order_is_cancelled_by_either_id_and_said_so_as_text(um: UmCaller) -> None:
    first, second = um.algo(clientAlgoId="1"), um.algo(clientAlgoId="2")
    socket = um.private()

    reply = um.ask("DELETE", "v1/algoOrder", algoId=first["algoId"])
    um.ask("DELETE", "v1/algoOrder", clientAlgoId="2")

    assert reply == {"algoId": first["algoId"], "clientAlgoId": "1", "code": "200", "msg": "success"}
    assert kinds(socket) == ["ALGO_UPDATE CANCELED"] * 2
    assert um.ask("DELETE", "v1/algoOrder", algoId=second["algoId"])["code"] == -2011
    assert um.ask("GET", "v1/algoOrder", algoId=1)["code"] == -2013


def test_a_trailing_stop_is_told_twice_as_new_and_fires_on_the_way_back(um: UmCaller) -> None:
    um.market(quantity="0.010")
    socket = um.private()
    um.algo(
        type="TRAILING_STOP_MARKET", callbackRate="1", triggerPrice=None, clientAlgoId="t", workingType="MARK_PRICE"
    )
    assert [event["o"]["ia"] for event in socket.take()] == [False, True]

    um.sim.set_mark(BTC, "70000")
    um.sim.set_mark(BTC, "69400")
    assert socket.take() == []
    um.sim.set_mark(BTC, "69299")

    assert "ALGO_UPDATE TRIGGERED" in kinds(socket)


def test_a_trailing_stop_with_an_activation_price_waits_for_it(um: UmCaller) -> None:
    socket = um.private()
    um.algo(type="TRAILING_STOP_MARKET", callbackRate="1", triggerPrice=None, activatePrice="70000",
            workingType="MARK_PRICE")  # fmt: skip
    assert [event["o"]["ia"] for event in socket.take()] == [False]

    um.sim.set_mark(BTC, "70001")

    assert [event["o"]["ia"] for event in socket.take()] == [True]


def test_close_position_takes_the_whole_position(um: UmCaller) -> None:
    um.market(quantity="0.030")
    um.algo(quantity=None, closePosition="true", workingType="MARK_PRICE")

    um.sim.set_mark(BTC, "66999")

    assert um.sim.positions() == {}


def test_a_conditional_limit_order_rests_after_its_trigger(um: UmCaller) -> None:
    um.algo(side="BUY", type="TAKE_PROFIT", triggerPrice="67000", price="66000", clientAlgoId="tp",
            workingType="MARK_PRICE")  # fmt: skip
    um.sim.set_mark(BTC, "66999")

    row = um.ask("GET", "v1/algoOrder", clientAlgoId="tp")
    (order,) = um.ask("GET", "v1/openOrders", symbol=BTC)

    assert (row["algoStatus"], row["actualType"]) == ("TRIGGERED", "LIMIT")
    assert str(order["orderId"]) == row["actualOrderId"]
    um.ask("DELETE", "v1/order", symbol=BTC, orderId=order["orderId"])
    assert um.ask("GET", "v1/algoOrder", clientAlgoId="tp")["algoStatus"] == "FINISHED"


# -- WS API ------------------------------------------------------------------------------------------------------------


def test_orders_are_entered_by_websocket(um: UmCaller) -> None:
    socket = um.open("/ws-fapi/v1")
    terms = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}

    placed = socket.call_signed("order.place", **terms, price="66000", newClientOrderId="w")
    changed = socket.call_signed(
        "order.modify", symbol=BTC, origClientOrderId="w", side="BUY", quantity="0.02", price="66000"
    )
    asked = socket.call_signed("order.status", symbol=BTC, origClientOrderId="w")
    cancelled = socket.call_signed("order.cancel", symbol=BTC, origClientOrderId="w")
    refused = socket.call_signed("order.place", **terms, price="90000")

    assert placed["status"] == 200
    assert placed["result"]["selfTradePreventionMode"] == "NONE"
    assert changed["result"]["origQty"] == "0.020"
    assert asked["result"]["avgPrice"] == "0.00000"
    assert cancelled["result"]["status"] == "CANCELED"
    assert (refused["status"], refused["error"]["code"]) == (400, -4016)


def test_conditional_orders_and_account_by_websocket(um: UmCaller) -> None:
    socket = um.open("/ws-fapi/v1")
    terms = {"algoType": "CONDITIONAL", "symbol": BTC, "side": "SELL", "type": "STOP_MARKET", "quantity": "0.01"}

    algo = socket.call_signed("algoOrder.place", **terms, triggerPrice="67000")["result"]
    cancelled = socket.call_signed("algoOrder.cancel", algoId=algo["algoId"])["result"]
    balance = socket.call_signed("v2/account.balance")["result"]
    positions = socket.call_signed("v2/account.position")["result"]

    assert cancelled["code"] == "200"
    assert balance[0]["asset"] == "USDT"
    assert positions == []


def test_the_listen_key_by_websocket_is_the_one_by_rest(um: UmCaller) -> None:
    socket = um.open("/ws-fapi/v1")

    by_websocket = socket.call("userDataStream.start", apiKey=um.key.key)["result"]["listenKey"]

    assert by_websocket == um.keyed("POST", "v1/listenKey")["listenKey"]
    assert socket.call("userDataStream.ping", apiKey=um.key.key)["status"] == 200


def test_a_session_needs_an_ed25519_key(um: UmCaller) -> None:
    socket = um.open("/ws-fapi/v1")

    assert socket.call_signed("session.logon")["error"]["code"] == -4056
    assert socket.call("order.cancel", symbol=BTC, timestamp=1_770_000_000_000)["status"] == 400
    assert socket.call("no.such")["error"]["code"] == -1100
