"""Sockets of the simulated Bybit: public streams, private streams, order entry."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from bybit_calls import BybitCaller, BybitSocket

from lotusx_sim import Bybit
from lotusx_sim.dialects.bybit import LimitRules
from lotusx_sim.wire import HttpResponse

BOOK = "orderbook.50.BTCUSDT"


@pytest.fixture
def caller() -> BybitCaller:
    return BybitCaller()


@pytest.fixture
def linear(caller: BybitCaller) -> BybitSocket:
    return caller.open("/v5/public/linear")


# -- commands ----------------------------------------------------------------------------------------------------


def test_each_kind_of_socket_says_subscribed_and_pong_in_its_way(caller: BybitCaller) -> None:
    spot, linear = caller.open("/v5/public/spot"), caller.open("/v5/public/linear")
    (reply, *_) = spot.subscribe("publicTrade.BTCUSDT")
    assert (reply["success"], reply["ret_msg"], reply["op"], reply["req_id"]) == (True, "subscribe", "subscribe", "s")
    (reply, *_) = linear.subscribe("publicTrade.BTCUSDT")
    assert (reply["success"], reply["ret_msg"]) == (True, "")
    (pong,) = linear.ask({"req_id": "p", "op": "ping"})
    assert (pong["success"], pong["ret_msg"], pong["op"], pong["req_id"]) == (True, "pong", "ping", "p")
    (pong,) = caller.private().ask({"req_id": "p", "op": "ping"})
    assert (pong["op"], pong["args"], pong["req_id"]) == ("pong", [str(caller.now_ms)], "p")
    (pong,) = caller.open("/v5/trade").ask({"op": "ping"})
    assert (pong["retCode"], pong["op"], pong["data"]) == (0, "pong", [str(caller.now_ms)])


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"op": "subscribe", "args": [BOOK, "orderbook.500.BTCUSDT"]}, "error:handler not found,topic:orderbook.500."),
        ({"op": "subscribe", "args": ["publicTrade.btcusdt"]}, "error:handler not found,topic:publicTrade.btcusdt"),
        ({"op": "subscribe", "args": ["order"]}, "error:handler not found,topic:order"),
        ({"op": "dance"}, "error:invalid op"),
        ("nonsense", "Failed to decode incoming data:nonsense"),
    ],
)
def test_what_is_wrong_is_refused_as_a_whole_and_the_socket_stays(linear: BybitSocket, message: Any, text: str) -> None:
    (reply,) = linear.ask(message)
    assert reply["success"] is False
    assert reply["ret_msg"].startswith(text)
    assert linear.ended is None
    assert linear.subscribe(BOOK)[0]["success"]
    assert linear.subscribe(BOOK)[0]["ret_msg"] == f"error:already subscribed,topic:{BOOK}"


def test_a_refused_log_in_is_answered_in_the_words_of_its_socket() -> None:
    caller = BybitCaller()
    caller.sim.refuse("WS", "auth", 200, {"retCode": 10003, "retMsg": "Too many sessions"}, times=1)
    (reply, *_) = caller.open("/v5/private").ask({"req_id": "a", "op": "auth", "args": []})
    assert (reply["success"], reply["ret_msg"], reply["req_id"]) == (False, "Too many sessions", "a")


def test_spot_takes_ten_topics_a_request_and_a_socket_has_room_for_so_many_characters() -> None:
    caller = BybitCaller(Bybit(actions_per_s=0, rules=LimitRules(topic_characters=60)))
    spot, linear = caller.open("/v5/public/spot"), caller.open("/v5/public/linear")
    topics = [f"kline.{interval}.BTCUSDT" for interval in (1, 3, 5, 15, 30, 60, 120, 240, 360, 720, "D")]
    assert spot.subscribe(*topics)[0]["ret_msg"] == "args size >10"
    assert linear.subscribe(*topics[:4])[0]["success"] is False
    assert linear.subscribe(*topics[:3])[0]["success"] is True


def test_nothing_comes_after_unsubscribing(caller: BybitCaller, linear: BybitSocket) -> None:
    linear.subscribe(BOOK, "publicTrade.BTCUSDT", "tickers.BTCUSDT", "kline.1.BTCUSDT")
    linear.ask({"op": "unsubscribe", "args": [BOOK, "publicTrade.BTCUSDT", "tickers.BTCUSDT", "kline.1.BTCUSDT"]})
    caller.sim.trade("linear:BTCUSDT", "buy", "0.5")
    caller.step(120)
    assert linear.take() == []


# -- books -------------------------------------------------------------------------------------------------------


def follow(messages: list[Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Build a book from its messages by the documented rule."""
    bids: dict[str, str] = {}
    asks: dict[str, str] = {}
    number = 0
    for message in messages:
        data = message["data"]
        if message["type"] == "snapshot":
            bids, asks = dict(data["b"]), dict(data["a"])
        else:
            assert data["u"] == number + 1
            for side, rows in ((bids, data["b"]), (asks, data["a"])):
                for price, size in rows:
                    side.pop(price, None)
                    if size != "0":
                        side[price] = size
        number = data["u"]
    return bids, asks


@pytest.mark.parametrize("category", ["spot", "linear", "inverse"])
@pytest.mark.parametrize("depth", [50, 200, 1000])
def test_a_snapshot_and_its_deltas_are_the_book(caller: BybitCaller, category: str, depth: int) -> None:
    symbol = "BTCUSD" if category == "inverse" else "BTCUSDT"
    socket = caller.open(f"/v5/public/{category}")
    socket.send({"op": "subscribe", "args": [f"orderbook.{depth}.{symbol}"]})
    caller.sim.quiet(False)
    caller.step(20)
    caller.sim.quiet()
    caller.step(1)
    messages = socket.take(f"orderbook.{depth}.{symbol}")
    assert len(messages) > 10
    bids, asks = follow(messages)
    book = caller.public("orderbook", category=category, symbol=symbol, limit=depth)
    assert (bids, asks) == (dict(book["b"]), dict(book["a"]))
    times = [message["ts"] for message in messages[1:]]
    assert min(b - a for a, b in pairwise(times)) >= {50: 20, 200: 100, 1000: 200}[depth]


def test_levels_pushed_out_of_the_window_are_told_as_gone(caller: BybitCaller, linear: BybitSocket) -> None:
    bids = [(str(80_000 - n), "1") for n in range(50)]
    caller.sim.set_book("linear:BTCUSDT", bids, [("80010", "1")])
    linear.subscribe(BOOK)
    caller.place("linear", "BTCUSDT", "Buy", "0.5", "80001")
    (delta,) = linear.take(BOOK)
    assert delta["data"]["b"] == [["80001.00", "0.500"], ["79951.00", "0"]]


def test_level_one_is_a_snapshot_each_time_and_repeats_itself_after_three_seconds(
    caller: BybitCaller, linear: BybitSocket
) -> None:
    linear.send({"op": "subscribe", "args": ["orderbook.1.BTCUSDT"]})
    caller.step(3)
    caller.sim.trade("linear:BTCUSDT", "buy", "0.01")
    caller.step(0.01)
    first, repeated, changed = linear.take("orderbook.1.BTCUSDT")
    assert {first["type"], repeated["type"], changed["type"]} == {"snapshot"}
    assert (repeated["data"], changed["data"]["u"]) == (first["data"], first["data"]["u"] + 1)
    assert len(changed["data"]["a"]) == 1


def test_a_restart_of_the_books_sends_number_one(caller: BybitCaller, linear: BybitSocket) -> None:
    linear.subscribe(BOOK)
    caller.venue.restart_books("linear:BTCUSDT", caller.sim.now_ns())
    caller.sim.trade("linear:BTCUSDT", "buy", "0.01")
    caller.step(0.1)
    snapshot, delta = linear.take(BOOK)
    assert (snapshot["type"], snapshot["data"]["u"], delta["type"], delta["data"]["u"]) == ("snapshot", 1, "delta", 2)


def test_a_late_reader_goes_on_where_the_stream_is(caller: BybitCaller, linear: BybitSocket) -> None:
    linear.subscribe(BOOK)
    caller.sim.trade("linear:BTCUSDT", "buy", "0.01")
    late = caller.open("/v5/public/linear")
    (_, snapshot) = late.subscribe(BOOK)
    caller.step(1)
    caller.sim.trade("linear:BTCUSDT", "buy", "0.01")
    (delta,) = late.take(BOOK)
    assert delta["data"]["u"] == snapshot["data"]["u"] + 1
    assert linear.take(BOOK)[-1] == delta


# -- other public streams ----------------------------------------------------------------------------------------


def test_trades_come_as_they_happen_with_the_takers_side(caller: BybitCaller) -> None:
    spot, linear = caller.open("/v5/public/spot"), caller.open("/v5/public/linear")
    for socket in (spot, linear):
        socket.subscribe("publicTrade.BTCUSDT")
    for name in ("spot:BTCUSDT", "linear:BTCUSDT"):
        caller.sim.trade(name, "sell", "0.01")
    (row,) = spot.rows("publicTrade.BTCUSDT")
    assert (row["S"], row["v"], row["i"].isdigit(), "L" in row) == ("Sell", "0.010000", True, False)
    (row,) = linear.rows("publicTrade.BTCUSDT")
    assert (row["S"], row["v"], len(row["i"]), row["L"]) == ("Sell", "0.010", 36, "MinusTick")


def test_the_linear_ticker_sends_what_changed_and_spot_everything(caller: BybitCaller, linear: BybitSocket) -> None:
    linear.send({"op": "subscribe", "args": ["tickers.BTCUSDT"]})
    caller.sim.set_mark("linear:BTCUSDT", "84000.1")
    caller.step(1)
    snapshot, *deltas = linear.take("tickers.BTCUSDT")
    merged = dict(snapshot["data"])
    for delta in deltas:
        assert delta["type"] == "delta"
        assert len(delta["data"]) < 12
        merged |= delta["data"]
    rest = caller.public("tickers", category="linear", symbol="BTCUSDT")["list"][0]
    assert merged["markPrice"] == "84000.10"
    assert {name: merged[name] for name in rest} == rest

    spot = caller.open("/v5/public/spot")
    spot.send({"op": "subscribe", "args": ["tickers.BTCUSDT"]})
    caller.sim.trade("spot:BTCUSDT", "buy", "0.01")
    caller.step(1)
    first, second = spot.take("tickers.BTCUSDT")
    assert (first["type"], second["type"]) == ("snapshot", "snapshot")
    assert set(first["data"]) == set(second["data"])
    assert "bid1Price" not in first["data"]


def test_a_candle_is_confirmed_when_it_closes(caller: BybitCaller, linear: BybitSocket) -> None:
    linear.subscribe("kline.1.BTCUSDT")
    caller.sim.trade("linear:BTCUSDT", "buy", "0.5")
    caller.step(61)
    rows = linear.rows("kline.1.BTCUSDT")
    closed = [row for row in rows if row["confirm"]]
    assert len(closed) == 1
    assert closed[0]["end"] - closed[0]["start"] == 59_999
    assert rows[-1]["start"] == closed[0]["start"] + 60_000
    bars = caller.public("kline", category="linear", symbol="BTCUSDT", interval="1", limit=2)["list"]
    assert bars[1][5] == closed[0]["volume"]


# -- private streams ---------------------------------------------------------------------------------------------


def test_private_sockets_want_a_signature_that_is_not_over(caller: BybitCaller) -> None:
    socket = caller.open("/v5/private")
    (reply,) = socket.subscribe("order")
    assert (reply["success"], reply["op"]) == (False, "subscribe")
    assert socket.authenticate(secret="wrong")["success"] is False
    assert socket.authenticate(ahead_ms=0)["ret_msg"] == "Params Error"
    reply = socket.authenticate()
    assert (reply["success"], reply["op"]) == (True, "auth")
    assert socket.subscribe("order", "wallet")[0]["success"] is True
    assert socket.subscribe("orders")[0]["success"] is False
    assert socket.subscribe("position", "position.linear")[0]["success"] is False


def test_a_fill_is_told_on_each_topic(caller: BybitCaller) -> None:
    socket = caller.private("order", "execution", "execution.fast", "position", "wallet")
    caller.place("linear", "BTCUSDT", "Buy", "0.01", orderLinkId="mine")
    messages = {message["topic"]: message for message in socket.take()}
    assert set(messages) == {"order", "execution", "execution.fast", "position", "wallet"}
    assert "id" not in messages["execution.fast"]
    fast, full = messages["execution.fast"]["data"][0], messages["execution"]["data"][0]
    assert (fast["execId"], fast["orderLinkId"]) == (full["execId"], "mine")
    assert Decimal(messages["wallet"]["data"][0]["coin"][0]["walletBalance"]) == 100_000 - Decimal(full["execFee"])
    assert messages["position"]["data"][0]["entryPrice"] == full["execPrice"].rstrip("0").rstrip(".")


@pytest.mark.parametrize(("echoes", "topic"), [(False, "order"), (True, "order.linear")])
def test_categorised_topics_bring_their_category_only(echoes: bool, topic: str) -> None:
    caller = BybitCaller(Bybit(actions_per_s=0, echoes_category=echoes))
    socket = caller.private("order.linear")
    caller.place("spot", "BTCUSDT", "Buy", "0.01", "80000")
    caller.place("linear", "BTCUSDT", "Buy", "0.01", "80000")
    (message,) = socket.take()
    assert (message["topic"], message["data"][0]["category"]) == (topic, "linear")


def test_a_deposit_is_told_and_moving_prices_alone_are_not(caller: BybitCaller) -> None:
    caller.place("linear", "BTCUSDT", "Buy", "0.01")
    socket = caller.private("wallet")
    caller.sim.set_mark("linear:BTCUSDT", "84100")
    assert socket.take() == []
    caller.sim.deposit("USDC", "5")
    (row,) = socket.rows("wallet")
    assert [(coin["coin"], coin["walletBalance"]) for coin in row["coin"]] == [("USDC", "10005")]


def test_silent_private_sockets_are_closed_after_a_time_that_can_be_chosen(caller: BybitCaller) -> None:
    paths = ("/v5/private?max_active_time=30s", "/v5/private", "/v5/public/linear")
    sockets = [caller.open(path) for path in paths]

    def ended() -> list[Any]:
        return [socket.ended for socket in sockets]

    caller.step(29)
    assert ended() == [None, None, None]
    caller.step(2)
    assert ended() == [(1000, ""), None, None]
    sockets[1].ask({"op": "ping"})
    caller.step(599)
    assert ended() == [(1000, ""), None, None]
    caller.step(2)
    assert ended() == [(1000, ""), (1000, ""), None]


# -- order entry -------------------------------------------------------------------------------------------------

LIMIT = {
    "category": "linear",
    "symbol": "BTCUSDT",
    "side": "Buy",
    "orderType": "Limit",
    "qty": "0.01",
    "price": "80000",
}


@pytest.fixture
def trade(caller: BybitCaller) -> BybitSocket:
    socket = caller.open("/v5/trade")
    socket.authenticate()
    return socket


def test_order_entry_wants_authentication_once(caller: BybitCaller) -> None:
    socket = caller.open("/v5/trade")
    assert socket.act("order.create", LIMIT)["retCode"] == 10007
    assert socket.authenticate(secret="wrong")["retCode"] == 10004
    reply = socket.authenticate()
    assert (reply["retCode"], reply["retMsg"], reply["op"]) == (0, "OK", "auth")
    assert socket.authenticate()["retCode"] == 20001


def test_orders_are_placed_changed_and_cancelled_with_the_answers_of_rest(
    caller: BybitCaller, trade: BybitSocket
) -> None:
    private = caller.private("order")
    reply = trade.act("order.create", LIMIT | {"orderLinkId": "w"}, request_id="r1")
    assert (reply["reqId"], reply["retCode"], reply["op"]) == ("r1", 0, "order.create")
    assert reply["data"]["orderLinkId"] == "w"
    assert (reply["header"]["X-Bapi-Limit"], reply["header"]["X-Bapi-Limit-Status"]) == ("10", "9")
    named = {"category": "linear", "symbol": "BTCUSDT", "orderLinkId": "w"}
    assert trade.act("order.amend", named | {"price": "80001"})["retCode"] == 0
    assert trade.act("order.cancel", named)["retCode"] == 0
    assert trade.act("order.cancel", named)["retCode"] == 110001
    assert [(row["orderStatus"], row["price"]) for row in private.rows("order")] == [
        ("New", "80000.00"), ("New", "80001.00"), ("Cancelled", "80001.00"),
    ]  # fmt: skip


def test_a_batch_by_socket_answers_each_item(caller: BybitCaller, trade: BybitSocket) -> None:
    items = [{key: value for key, value in LIMIT.items() if key != "category"} | {"orderLinkId": n} for n in "aab"]
    reply = trade.act("order.create-batch", {"category": "linear", "request": items})
    assert [code["code"] for code in reply["retExtInfo"]["list"]] == [0, 110072, 0]
    assert caller.sim.open_order_ids() == ["a", "b"]


@pytest.mark.parametrize(
    ("op", "args", "request_id", "late_ms", "code"),
    [
        ("order.create", LIMIT, "used", 0, 20006),
        ("order.create", LIMIT, "x" * 37, 0, 10001),
        ("order.create", LIMIT, "", 5_001, 10002),
        ("order.create", LIMIT | {"qty": "0"}, "", 0, 10001),
        ("order.list", LIMIT, "", 0, 10404),
    ],
)
def test_what_is_wrong_with_a_command_is_said(
    caller: BybitCaller, trade: BybitSocket, op: str, args: dict[str, str], request_id: str, late_ms: int, code: int
) -> None:
    trade.act("order.cancel", {"category": "linear", "symbol": "BTCUSDT", "orderId": "1"}, request_id="used")
    reply = trade.act(op, args, request_id=request_id, at_ms=caller.now_ms - late_ms)
    assert (reply["retCode"], reply["data"], reply.get("reqId", "")) == (code, {}, request_id)
    assert caller.sim.orders() == []


def test_rest_and_socket_share_a_quota(caller: BybitCaller, trade: BybitSocket) -> None:
    for _ in range(10):
        caller.place("linear", "BTCUSDT", "Buy", "0.01", "80000")
    reply = trade.act("order.create", LIMIT)
    assert (reply["retCode"], reply["header"]["X-Bapi-Limit-Status"]) == (10006, "0")
    caller.step(1)
    assert trade.act("order.create", LIMIT)["retCode"] == 0


def test_a_restarting_node_takes_no_new_orders(caller: BybitCaller, trade: BybitSocket) -> None:
    linear, private = caller.open("/v5/public/linear"), caller.private()
    caller.sim.server_shutdown()
    assert trade.act("order.create", LIMIT)["retCode"] == 10019
    assert (linear.ended, private.ended) == ((1001, ""), (1001, ""))


# -- what an environment lacks -----------------------------------------------------------------------------------


def test_demo_has_no_order_entry_by_socket_no_public_streams_and_few_batches() -> None:
    caller = BybitCaller(Bybit(actions_per_s=0, environment="demo"))
    for path in ("/v5/trade", "/v5/public/linear", "/v5/public/spot"):
        refused = caller.open(path).accepted
        assert isinstance(refused, HttpResponse)
        assert refused.status == 404
    assert caller.private("order").ended is None
    assert caller.query("/v5/account/fee-rate", True, category="linear")["retCode"] == 10032
    request = [{"symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "80000"}]
    codes = [
        caller.command("order/create-batch", category=category, request=request)["retCode"]
        for category in ("spot", "inverse", "linear")
    ]
    assert codes == [10032, 10032, 0]
    caller.post("account/demo-apply-money", utaDemoApplyMoney=[{"coin": "USDT", "amountStr": "1000"}])
    assert caller.coin("USDT")["walletBalance"] == "101000"
    live = BybitCaller(Bybit(actions_per_s=0, environment="testnet"))
    assert live.command("account/demo-apply-money") == ""
    assert live.get("account/fee-rate", category="linear", symbol="BTCUSDT")["list"][0]["makerFeeRate"] == "0.0002"
