"""Binance spot over the WS API: requests, sessions, user data."""

import base64
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from sim_calls import Caller, Socket, signed_params

from lotusx_sim import ApiKey, BinanceSpot
from lotusx_sim.dialects.binance import DEFAULT_KEY

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ED25519 = ApiKey(
    "ed25519-key",
    "main",
    PRIVATE.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
    kind="ed25519",
)
LIMIT = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01"}


@pytest.fixture
def socket(caller: Caller) -> Socket:
    return caller.open("/ws-api/v3")


def logged_on() -> tuple[Caller, Socket]:
    caller = Caller(BinanceSpot(keys=[DEFAULT_KEY, ED25519], actions_per_s=0))
    socket = caller.open("/ws-api/v3")
    stamp = caller.clock.now_ns() // 1_000_000
    signature = base64.b64encode(PRIVATE.sign(f"apiKey={ED25519.key}&timestamp={stamp}".encode())).decode()
    reply = socket.call("session.logon", apiKey=ED25519.key, timestamp=stamp, signature=signature)
    assert reply["result"]["apiKey"] == ED25519.key
    return caller, socket


def events(socket: Socket, kind: str | None = None) -> list[dict[str, Any]]:
    found = [message["event"] for message in socket.take() if "event" in message]
    return [event for event in found if kind in (None, event["e"])]


def test_a_reply_carries_id_status_result_and_limits(socket: Socket) -> None:
    reply = socket.ask({"id": "anything", "method": "ping"})
    assert (reply["id"], reply["status"], reply["result"]) == ("anything", 200, {})
    assert reply["rateLimits"][0]["count"] == 3


@pytest.mark.parametrize("target", ["/ws-api/v3?returnRateLimits=false", "/ws-api/v3"])
def test_limits_can_be_left_out(caller: Caller, target: str) -> None:
    socket = caller.open(target)
    params = {} if "false" in target else {"returnRateLimits": False}
    assert "rateLimits" not in socket.call("ping", **params)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("time", {}),
        ("exchangeInfo", {"symbols": ["BTCUSDT", "币安人生USDT"]}),
        ("depth", {"symbol": "BTCUSDT", "limit": 5}),
        ("trades.recent", {"symbol": "BTCUSDT"}),
        ("trades.historical", {"symbol": "BTCUSDT"}),
        ("trades.aggregate", {"symbol": "BTCUSDT"}),
        ("klines", {"symbol": "BTCUSDT", "interval": "1m"}),
        ("uiKlines", {"symbol": "BTCUSDT", "interval": "1m"}),
        ("avgPrice", {"symbol": "BTCUSDT"}),
        ("ticker.24hr", {"symbol": "BTCUSDT"}),
        ("ticker.price", {"symbol": "BTCUSDT"}),
        ("ticker.book", {"symbol": "BTCUSDT"}),
    ],
)
def test_market_data_needs_no_key(socket: Socket, method: str, params: dict[str, Any]) -> None:
    reply = socket.call(method, **params)
    assert reply["status"] == 200
    assert reply["result"]


def test_an_order_goes_its_way(socket: Socket) -> None:
    placed = socket.call_signed("order.place", **LIMIT, price="60000.00", newClientOrderId="one")
    assert placed["result"]["status"] == "NEW"
    assert socket.call_signed("order.test", **LIMIT, price="60000.00")["result"] == {}
    ids = {"symbol": "BTCUSDT", "origClientOrderId": "one"}
    assert socket.call_signed("order.status", **ids)["result"]["status"] == "NEW"
    assert len(socket.call_signed("openOrders.status", symbol="BTCUSDT")["result"]) == 1
    amended = socket.call_signed("order.amend.keepPriority", **ids, newQty="0.005", newClientOrderId="two")
    assert amended["result"]["amendedOrder"]["qty"] == "0.00500000"
    replaced = socket.call_signed(
        "order.cancelReplace",
        **LIMIT,
        price="61000.00",
        cancelReplaceMode="STOP_ON_FAILURE",
        cancelOrigClientOrderId="two",
    )
    assert replaced["result"]["newOrderResult"] == "SUCCESS"
    order_id = replaced["result"]["newOrderResponse"]["orderId"]
    assert socket.call_signed("order.cancel", symbol="BTCUSDT", orderId=order_id)["result"]["status"] == "CANCELED"
    assert socket.call_signed("openOrders.cancelAll", symbol="BTCUSDT")["error"]["code"] == -2011


def test_the_account_can_be_read(socket: Socket) -> None:
    for method, params in (
        ("account.status", {}),
        ("account.commission", {"symbol": "BTCUSDT"}),
        ("account.rateLimits.orders", {}),
        ("allOrders", {"symbol": "BTCUSDT"}),
        ("myTrades", {"symbol": "BTCUSDT"}),
    ):
        assert socket.call_signed(method, **params)["status"] == 200


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", -1135),
        ("[]", -1102),
        ({"id": 1}, -1102),
        ({"id": 1, "method": "ping", "params": []}, -1135),
        ({"id": 1, "method": "dance"}, -1100),
        ({"id": 1, "method": "depth"}, -1102),
        ({"id": 1, "method": "userDataStream.start"}, -1020),
        ({"id": 1, "method": "userDataStream.subscribe"}, -1102),
        ({"id": 1, "method": "account.status"}, -1102),
        ({"id": 1, "method": "account.status", "params": {"apiKey": "x", "timestamp": 1, "signature": "x"}}, -2014),
    ],
)
def test_a_wrong_request_gets_the_venues_code(socket: Socket, message: Any, code: int) -> None:
    assert socket.ask(message)["error"]["code"] == code


def test_a_wrong_signature_is_refused(socket: Socket, caller: Caller) -> None:
    params = signed_params({}, caller.clock.now_ns()) | {"recvWindow": 5}
    assert socket.call("account.status", **params)["error"]["code"] == -1022


def test_a_non_ascii_symbol_is_signed_raw(socket: Socket) -> None:
    assert socket.call_signed("openOrders.status", symbol="币安人生USDT")["result"] == []


def test_a_rate_limit_says_when_to_come_back() -> None:
    from lotusx_sim.dialects.binance import LimitRules

    caller = Caller(BinanceSpot(rules=LimitRules(weight_per_minute=3), actions_per_s=0))
    socket = caller.open("/ws-api/v3")
    socket.call("ping")
    error = socket.call("ping")
    assert (error["status"], error["error"]["code"]) == (429, -1003)
    assert error["error"]["data"]["retryAfter"] > caller.clock.now_ns() // 1_000_000


def test_an_hmac_key_cannot_log_on(socket: Socket) -> None:
    assert socket.call_signed("session.logon")["status"] == 400


def test_a_session_needs_no_signature_any_more() -> None:
    caller, socket = logged_on()
    stamp = caller.clock.now_ns() // 1_000_000
    assert socket.call("account.status", timestamp=stamp)["status"] == 200
    assert socket.call("account.status")["error"]["code"] == -1102
    assert socket.call("session.status")["result"]["authorizedSince"] == stamp
    assert socket.call("session.logout")["result"]["apiKey"] is None
    assert socket.call("account.status", timestamp=stamp)["error"]["code"] == -1102


def test_a_signed_request_overrides_the_session() -> None:
    _, socket = logged_on()
    assert socket.call_signed("account.status")["status"] == 200


def test_a_revoked_key_ends_its_session() -> None:
    caller, socket = logged_on()
    caller.sim.venue.revoke_key(ED25519.key)  # type: ignore[attr-defined]
    reply = socket.call("account.status", timestamp=caller.clock.now_ns() // 1_000_000)
    assert (reply["status"], reply["error"]["code"]) == (401, -2015)


def test_user_data_follows_a_session() -> None:
    caller, socket = logged_on()
    assert socket.call("userDataStream.subscribe")["result"] == {"subscriptionId": 0}
    assert socket.call("session.subscriptions")["result"] == [{"subscriptionId": 0}]
    caller.limit()
    assert [event["x"] for event in events(socket, "executionReport")] == ["NEW"]
    socket.call("session.logout")
    assert [event["e"] for event in events(socket)] == ["eventStreamTerminated"]


def subscribed(caller: Caller) -> Socket:
    socket = caller.open("/ws-api/v3")
    assert socket.call_signed("userDataStream.subscribe.signature")["result"] == {"subscriptionId": 0}
    return socket


def test_an_account_is_subscribed_once_per_socket(caller: Caller) -> None:
    socket = subscribed(caller)
    assert socket.call_signed("userDataStream.subscribe.signature")["error"]["code"] == -2035
    assert socket.call("userDataStream.unsubscribe", subscriptionId=7)["error"]["code"] == -2036
    assert socket.call("userDataStream.unsubscribe", subscriptionId=0)["result"] == {}
    assert [event["e"] for event in events(socket)] == ["eventStreamTerminated"]
    assert socket.call_signed("userDataStream.subscribe.signature")["result"] == {"subscriptionId": 1}


def test_an_order_that_takes_reports_new_and_each_fill_and_the_balances(caller: Caller) -> None:
    socket = subscribed(caller)
    caller.sim.set_book("BTCUSDT", [], [("68000", "0.006"), ("68001", "1")])
    caller.place(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.01", newClientOrderId="one")
    told = events(socket)
    reports = [event for event in told if event["e"] == "executionReport"]
    assert [(r["x"], r["X"], r["z"]) for r in reports] == [
        ("NEW", "NEW", "0.00000000"),
        ("TRADE", "PARTIALLY_FILLED", "0.00600000"),
        ("TRADE", "FILLED", "0.01000000"),
    ]
    assert [report["m"] for report in reports] == [False, False, False]
    ids = [report["I"] for report in reports]
    assert ids == sorted(set(ids))
    assert told[-1]["e"] == "outboundAccountPosition"
    assert {balance["a"] for balance in told[-1]["B"]} == {"BTC", "USDT"}


def test_a_cancel_report_names_the_cancel_and_the_order(caller: Caller) -> None:
    socket = subscribed(caller)
    caller.limit(newClientOrderId="one")
    caller.signed("DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="one", newClientOrderId="undo")
    report = events(socket, "executionReport")[-1]
    assert (report["x"], report["c"], report["C"]) == ("CANCELED", "undo", "one")


def test_an_amendment_report_names_the_new_and_the_old_id(caller: Caller) -> None:
    socket = subscribed(caller)
    caller.limit(newClientOrderId="one")
    caller.signed(
        "PUT", "/api/v3/order/amend/keepPriority",
        symbol="BTCUSDT", origClientOrderId="one", newClientOrderId="two", newQty="0.005",
    )  # fmt: skip
    report = events(socket, "executionReport")[-1]
    assert (report["x"], report["c"], report["C"], report["q"]) == ("REPLACED", "two", "one", "0.00500000")


def test_a_stop_reports_when_it_is_placed_and_when_it_works(caller: Caller) -> None:
    socket = subscribed(caller)
    caller.place(
        symbol="BTCUSDT", side="SELL", type="STOP_LOSS_LIMIT", timeInForce="GTC", quantity="0.01", price="90000",
        stopPrice="60000", strategyId="3",
    )  # fmt: skip
    caller.sim.set_book("BTCUSDT", [("60000", "1")], [])
    caller.sim.trade("BTCUSDT", "sell", "0.5")
    reports = events(socket, "executionReport")
    assert [(r["x"], r["w"], "W" in r) for r in reports] == [("NEW", False, False), ("NEW", True, True)]
    assert reports[0]["P"] == "60000.00000000"
    assert reports[0]["j"] == 3


def test_a_trailing_stop_reports_its_delta(caller: Caller) -> None:
    socket = subscribed(caller)
    caller.place(symbol="BTCUSDT", side="SELL", type="STOP_LOSS", quantity="0.01", trailingDelta="100")
    (report,) = events(socket, "executionReport")
    assert (report["d"], report["D"]) == (100, caller.clock.now_ns() // 1_000_000)


def test_self_trade_prevention_is_reported(caller: Caller) -> None:
    socket = subscribed(caller)
    caller.sim.set_book("BTCUSDT", [], [])
    caller.limit(price="60000", newClientOrderId="maker")
    caller.limit(side="SELL", price="60000", newClientOrderId="taker")
    reports = events(socket, "executionReport")
    assert [(r["c"], r["x"]) for r in reports] == [("maker", "NEW"), ("taker", "NEW"), ("maker", "TRADE_PREVENTION")]
    assert (reports[2]["X"], reports[2]["B"]) == ("EXPIRED_IN_MATCH", "0.01000000")


def test_an_expiry_gives_its_reason(caller: Caller) -> None:
    socket = subscribed(caller)
    caller.limit(timeInForce="IOC")
    report = events(socket, "executionReport")[-1]
    assert (report["x"], report["eR"]) == ("EXPIRED", "UNFILLED_IOC_QUANTITY_EXPIRED")


def test_a_deposit_is_told_as_a_difference_and_as_the_balance_it_makes(caller: Caller) -> None:
    socket = subscribed(caller)
    caller.sim.deposit("USDT", "5")
    difference, position = events(socket)
    assert (difference["e"], difference["a"], difference["d"]) == ("balanceUpdate", "USDT", "5.00000000")
    assert (position["e"], position["B"][0]["f"]) == ("outboundAccountPosition", "100005.00000000")


def test_the_same_events_come_to_every_subscriber(caller: Caller) -> None:
    first, second = subscribed(caller), subscribed(caller)
    caller.limit()
    assert events(first) == events(second) != []


def test_the_user_stream_can_expire(caller: Caller) -> None:
    socket = subscribed(caller)
    caller.sim.expire_user_stream()
    assert [event["e"] for event in events(socket)] == ["eventStreamTerminated"]
    caller.limit()
    assert events(socket) == []


def test_a_shutdown_is_announced_on_every_surface(caller: Caller) -> None:
    api, raw, combined = caller.open("/ws-api/v3"), caller.open("/ws"), caller.open("/stream")
    caller.sim.server_shutdown()
    (message,) = api.take()
    assert (message["event"]["e"], "subscriptionId" in message) == ("serverShutdown", False)
    assert raw.take()[0]["e"] == "serverShutdown"
    assert combined.take()[0]["stream"] == "!serverShutdown"


def test_microseconds_on_request(caller: Caller) -> None:
    socket = caller.open("/ws-api/v3?timeUnit=MICROSECOND")
    assert socket.call("time")["result"]["serverTime"] == caller.clock.now_ns() // 1_000


def test_pings_are_not_counted_here(socket: Socket, caller: Caller) -> None:
    for _ in range(10):
        socket.connection.pinged(caller.clock.now_ns())
    assert socket.ended is None
