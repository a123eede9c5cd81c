"""Faults between client and venue, and the ledger that tells what is true."""

import json
from decimal import Decimal
from typing import Any

import pytest
from sim_calls import Caller, signed_params, signed_query

from lotusx_sim import BinanceSpot, Effect
from lotusx_sim.dialects.binance import DEFAULT_KEY
from lotusx_sim.engine.orders import Status
from lotusx_sim.wire import HttpOutcome, HttpRequest


def send(caller: Caller, method: str = "POST", path: str = "/api/v3/order") -> HttpOutcome:
    query = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=60000" if method == "POST" else ""
    target = f"{path}?{signed_query(query, caller.clock.now_ns())}"
    return caller.sim.handle(HttpRequest(method, target, (("x-mbx-apikey", DEFAULT_KEY.key),)))


@pytest.mark.parametrize("how", ["cut", "reset", "hang"])
def test_a_lost_reply_was_executed_once(caller: Caller, how: str) -> None:
    fault = caller.sim.lose_reply_to("POST", "/api/v3/order", how=how)
    assert (send(caller).response, len(caller.sim.open_orders())) == (None, 1)
    assert send(caller).response is not None
    assert (fault.applied, fault.is_active) == (1, False)


def test_a_lost_request_was_not_executed(caller: Caller) -> None:
    caller.sim.lose_request("POST", "/api/v3/order")
    assert send(caller).response is None
    assert caller.sim.orders() == []


def test_a_refusal_lasts_until_it_is_cleared(caller: Caller) -> None:
    fault = caller.sim.refuse("*", "/api/v3/*", 503, {"code": -1016, "msg": "gone"})
    for _ in range(3):
        outcome = send(caller)
        assert outcome.response is not None
        assert (outcome.response.status, json.loads(outcome.response.body)["code"]) == (503, -1016)
    fault.clear()
    assert caller.public("/api/v3/ping") == {}
    assert caller.sim.orders() == []


def test_a_delay_is_told_to_the_shell(caller: Caller) -> None:
    caller.sim.delay("GET", "/api/v3/time", 1.5)
    outcome = caller.sim.handle(HttpRequest("GET", "/api/v3/time"))
    assert outcome.delay_s == 1.5


@pytest.mark.parametrize(("executes", "orders"), [(False, 0), (True, 1)])
def test_a_gateway_page_is_html(caller: Caller, executes: bool, orders: int) -> None:
    caller.sim.html_502("POST", "/api/v3/order", executes=executes)
    outcome = send(caller)
    assert outcome.response is not None
    assert outcome.response.status == 502
    assert b"<html>" in outcome.response.body
    assert len(caller.sim.orders()) == orders


def test_json_can_be_cut(caller: Caller) -> None:
    caller.sim.cut_json("POST", "/api/v3/order", keep_bytes=10)
    outcome = send(caller)
    assert outcome.response is not None
    assert len(outcome.response.body) == 10
    assert len(caller.sim.orders()) == 1


@pytest.mark.parametrize("retry_after", [5, "Wed, 21 Oct 2026 07:28:00 GMT", "-1", None])
def test_a_rate_limit_can_be_answered_in_every_form(caller: Caller, retry_after: Any) -> None:
    caller.sim.answer(429, "GET", "/api/v3/time", retry_after=retry_after)
    assert caller.public("/api/v3/time")["code"] == -1003
    assert caller.header.get("retry-after") == (None if retry_after is None else str(retry_after))


def test_an_answer_may_have_a_body_of_its_own(caller: Caller) -> None:
    caller.sim.answer(503, body='{"code":-1008,"msg":"x"}')
    assert caller.public("/api/v3/time")["code"] == -1008


def test_a_backend_timeout_executes(caller: Caller) -> None:
    caller.sim.execute_but_time_out("POST", "/api/v3/order")
    outcome = send(caller)
    assert outcome.response is not None
    assert (outcome.response.status, json.loads(outcome.response.body)["code"]) == (503, -1007)
    assert len(caller.sim.orders()) == 1


def test_a_ban_holds_for_everybody_until_it_ends(caller: Caller) -> None:
    caller.sim.ban(30)
    caller.public("/api/v3/ping")
    assert (caller.last.status, caller.header["retry-after"]) == (418, "30")
    caller.step(30)
    assert caller.public("/api/v3/ping") == {}


def test_an_order_may_be_invisible_at_first(caller: Caller) -> None:
    caller.sim.delay_visibility(2)
    caller.limit(newClientOrderId="one")
    ask = {"symbol": "BTCUSDT", "origClientOrderId": "one"}
    assert caller.signed("GET", "/api/v3/order", **ask)["code"] == -2013
    assert caller.signed("GET", "/api/v3/openOrders") == []
    assert caller.signed("GET", "/api/v3/allOrders", symbol="BTCUSDT") == []
    caller.step(2)
    assert caller.signed("GET", "/api/v3/order", **ask)["status"] == "NEW"


def test_chaos_is_the_same_for_the_same_seed() -> None:
    def run(seed: int) -> list[bool]:
        caller = Caller(BinanceSpot(symbols=["BTCUSDT"], actions_per_s=0))
        caller.sim.chaos(seed, rate=0.3, path="/api/v3/*", effects=[Effect.LOSE_REPLY, Effect.LOSE_REQUEST])
        return [send(caller).response is None for _ in range(40)]

    assert run(1) == run(1) != run(2)
    assert 4 < sum(run(1)) < 25


def test_chaos_spares_other_paths(caller: Caller) -> None:
    caller.sim.chaos(1, rate=1.0, path="/api/v3/order")
    assert caller.public("/api/v3/ping") == {}


def test_a_black_hole_answers_nothing(caller: Caller) -> None:
    socket = caller.open("/ws/btcusdt@trade")
    caller.sim.black_hole()
    assert send(caller).lost_by == "hang"
    assert caller.open("/ws").accepted is None
    caller.sim.trade("BTCUSDT", "buy", "0.001")
    socket.send({"method": "LIST_SUBSCRIPTIONS", "id": 1})
    assert socket.texts == []
    caller.sim.heal()
    caller.sim.trade("BTCUSDT", "buy", "0.001")
    assert len(socket.take()) == 1


@pytest.mark.parametrize("how", [1000, 1001, 1006, 1008, 1011, 1012, 1013, "fin", "rst"])
def test_connections_can_be_cut_in_every_way(caller: Caller, how: int | str) -> None:
    socket, api = caller.open("/ws"), caller.open("/ws-api/v3")
    assert caller.sim.cut_connections(how, only="/ws-api*") == 1
    assert api.ended == (how if isinstance(how, str) else (how, ""))
    assert socket.ended is None


def trade(caller: Caller) -> None:
    caller.sim.trade("BTCUSDT", "buy", "0.001")


def test_a_silenced_stream_stays_acknowledged_and_its_siblings_speak(caller: Caller) -> None:
    socket = caller.open("/stream?streams=btcusdt@trade/btcusdt@aggTrade")
    fault = caller.sim.silence("btcusdt@trade")
    trade(caller)
    assert [m["stream"] for m in socket.take()] == ["btcusdt@aggTrade"]
    fault.clear()
    trade(caller)
    assert len(socket.take()) == 2


def test_a_gap_is_one_missing_diff_on_every_connection(caller: Caller) -> None:
    sockets = [caller.open("/ws/btcusdt@depth@100ms") for _ in range(2)]
    caller.sim.gap("BTCUSDT")
    for price in ("60000", "60001", "60002"):
        caller.limit(price=price)
        caller.step(0.1)
    first, second = (socket.take() for socket in sockets)
    assert first == second
    assert len(first) == 2
    assert first[0]["b"][0][0] == "60001.00000000"


def test_equal_messages_at_other_times_are_other_messages(caller: Caller) -> None:
    socket = caller.open("/ws/btcusdt@depth5@100ms")
    caller.sim.silence("btcusdt@depth5*", times=1)
    for _ in range(5):
        caller.step(0.1)
    assert len(socket.take()) == 4


def test_a_message_can_come_twice(caller: Caller) -> None:
    socket = caller.open("/ws/btcusdt@trade")
    caller.sim.duplicate_next("btcusdt@trade")
    trade(caller)
    one, two = socket.take()
    assert one == two


def test_messages_can_be_swapped(caller: Caller) -> None:
    socket = caller.open("/ws/btcusdt@trade")
    caller.sim.reorder("btcusdt@trade")
    trade(caller)
    assert socket.take() == []
    trade(caller)
    later, earlier = socket.take()
    assert later["t"] == earlier["t"] + 1


def test_a_message_can_be_late(caller: Caller) -> None:
    socket = caller.open("/ws/btcusdt@trade")
    caller.sim.delay_stream("btcusdt@trade", 3)
    trade(caller)
    caller.step(2)
    assert socket.take() == []
    caller.step(1)
    assert len(socket.take()) == 1


def test_a_message_can_be_cut(caller: Caller) -> None:
    socket = caller.open("/ws/btcusdt@trade")
    caller.sim.cut_message("btcusdt@trade")
    trade(caller)
    with pytest.raises(json.JSONDecodeError):
        json.loads(socket.texts[0])


@pytest.mark.parametrize("path", ["/ws", "/stream?streams="])
def test_a_book_can_be_crossed(caller: Caller, path: str) -> None:
    socket = caller.open(f"{path}/btcusdt@depth@100ms" if path == "/ws" else f"{path}btcusdt@depth@100ms")
    caller.sim.crossed_level("BTCUSDT")
    caller.limit()
    caller.step(0.1)
    message = socket.take()[0]
    event = message.get("data", message)
    ask = caller.public("/api/v3/ticker/bookTicker", symbol="BTCUSDT")["askPrice"]
    assert Decimal(event["b"][0][0]) > Decimal(ask)


def test_private_events_can_be_hit_too(caller: Caller) -> None:
    socket = caller.open("/ws-api/v3")
    socket.call_signed("userDataStream.subscribe.signature")
    caller.sim.silence("user")
    caller.limit()
    assert socket.take() == []


@pytest.mark.parametrize(("how", "ended"), [("cut", "fin"), ("reset", "rst"), ("hang", None)])
def test_a_ws_api_reply_can_be_lost(caller: Caller, how: str, ended: str | None) -> None:
    socket = caller.open("/ws-api/v3")
    caller.sim.lose_reply_to("WS", "order.place", how=how)
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}
    params = signed_params({**order, "price": "60000"}, caller.clock.now_ns())
    socket.send({"id": 1, "method": "order.place", "params": params})
    assert (socket.texts, socket.ended) == ([], ended)
    assert len(caller.sim.orders()) == 1


def test_a_ws_api_request_can_be_lost(caller: Caller) -> None:
    socket = caller.open("/ws-api/v3")
    caller.sim.lose_request("WS", "ping")
    socket.send({"id": 1, "method": "ping"})
    assert socket.texts == []
    assert socket.call("ping")["status"] == 200


def test_a_ws_api_request_can_be_answered_in_the_venues_place(caller: Caller) -> None:
    socket = caller.open("/ws-api/v3")
    caller.sim.answer(429, "WS", "order.place", retry_after=7)
    reply = socket.call("order.place")
    now_ms = caller.clock.now_ns() // 1_000_000
    assert (reply["id"], reply["status"], reply["error"]["code"]) == (1, 429, -1003)
    assert reply["error"]["data"] == {"serverTime": now_ms, "retryAfter": now_ms + 7_000}
    assert socket.call("order.place")["status"] == 400  # the venue's own answer again
    assert caller.sim.orders() == []


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (503, b"", {"code": -1001, "msg": "Internal error; unable to process your request. Please try again."}),
        (400, {"code": -2010, "msg": "No."}, {"code": -2010, "msg": "No."}),
    ],
)
def test_a_ws_api_request_can_be_refused(caller: Caller, status: int, body: Any, expected: Any) -> None:
    socket = caller.open("/ws-api/v3")
    fault = caller.sim.refuse("WS", "ping", status, body)
    assert socket.call("ping") == {"id": 1, "status": status, "error": expected}
    fault.clear()
    assert socket.call("ping")["status"] == 200


def test_a_scripted_success_is_a_result(caller: Caller) -> None:
    caller.sim.answer(200, "WS", "time", body={"serverTime": 5})
    assert caller.open("/ws-api/v3").call("time") == {"id": 1, "status": 200, "result": {"serverTime": 5}}


def test_an_unknown_way_to_cut_a_reply_is_refused(caller: Caller) -> None:
    with pytest.raises(ValueError, match="json or http"):
        caller.sim.cut_json(how="tcp")


def test_a_handshake_can_be_refused_or_lost(caller: Caller) -> None:
    from lotusx_sim.wire import HttpResponse

    caller.sim.refuse("CONNECT", "/ws", 403, "<html>no</html>", times=1)
    accepted = caller.open("/ws").accepted
    assert isinstance(accepted, HttpResponse)
    assert accepted.status == 403
    caller.sim.lose_request("CONNECT", "/ws")
    assert caller.open("/ws").accepted is None


def test_the_ledger_counts_requests_without_their_secrets(caller: Caller) -> None:
    caller.limit()
    caller.public("/api/v3/depth", symbol="币安人生USDT")
    assert caller.sim.requests[("POST", "/api/v3/order")] == 1
    assert caller.sim.snapshot_calls("币安人生USDT") == 1
    assert "signature" not in repr(caller.sim.requests)


def test_an_outsider_fills_a_resting_order_in_parts(caller: Caller) -> None:
    caller.limit(newClientOrderId="one", quantity="0.02")
    caller.sim.fill("one", "0.005")
    order = caller.sim.order("one")
    assert (order.status, order.executed) == (Status.PARTIALLY_FILLED, Decimal("0.005"))
    caller.sim.fill("one")
    assert caller.sim.order("one").status is Status.FILLED
    assert [fill.is_maker for fill in caller.sim.fills()] == [True, True]
    with pytest.raises(KeyError):
        caller.sim.order("two")


def test_an_outsider_trades_up_to_a_price(caller: Caller) -> None:
    caller.sim.set_book("BTCUSDT", [("60000", "1")], [("60010", "1"), ("60020", "1")])
    assert caller.sim.trade("BTCUSDT", "buy", "5", "60010") == 1
    assert caller.sim.trade("BTCUSDT", "sell", "0.5") == Decimal("0.5")
    book = caller.public("/api/v3/depth", symbol="BTCUSDT")
    assert book["asks"] == [["60020.00000000", "1.00000000"]]


def test_the_exchange_can_end_an_order(caller: Caller) -> None:
    caller.limit(newClientOrderId="one")
    caller.sim.cancel("one")
    assert caller.sim.order("one").status is Status.EXPIRED
    assert caller.sim.open_order_ids() == []
    assert caller.sim.order_ids() == ["one"]


def test_a_market_can_be_quieted_and_woken() -> None:
    caller = Caller(BinanceSpot(symbols=["BTCUSDT"]))
    caller.step(5)
    caller.sim.quiet()
    seen = caller.public("/api/v3/depth", symbol="BTCUSDT")["lastUpdateId"]
    caller.step(60)
    assert caller.public("/api/v3/depth", symbol="BTCUSDT")["lastUpdateId"] == seen
    assert caller.sim.next_due_ns() is None
    caller.sim.quiet(False)
    caller.step(5)
    assert caller.public("/api/v3/depth", symbol="BTCUSDT")["lastUpdateId"] > seen


def test_balances_show_what_is_locked(caller: Caller) -> None:
    caller.limit()
    assert caller.sim.balances()["USDT"].locked == 600
