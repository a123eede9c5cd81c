"""Binance spot market streams: what is said, when, and to whom."""

from decimal import Decimal
from itertools import pairwise
from typing import Any
from urllib.parse import quote

import pytest
from sim_calls import Caller, Socket

from lotusx_sim import BinanceSpot


def busy() -> Caller:
    return Caller(BinanceSpot(symbols=["BTCUSDT", "ETHUSDT"]))


def levels(side: list[list[str]]) -> dict[str, str]:
    return {level[0]: level[1] for level in side}


def test_a_trade_is_told_at_once_in_every_stream_that_shows_it(caller: Caller) -> None:
    socket = caller.open("/stream?streams=btcusdt@trade/btcusdt@aggTrade/btcusdt@bookTicker")
    best = Decimal(caller.public("/api/v3/ticker/bookTicker", symbol="BTCUSDT")["bidQty"])
    caller.sim.trade("BTCUSDT", "sell", best + Decimal("0.01"))
    told = socket.take()
    trades = [m["data"] for m in told if m["stream"] == "btcusdt@trade"]
    assert [trade["m"] for trade in trades] == [True, True]
    assert trades[1]["t"] == trades[0]["t"] + 1
    aggregates = [m["data"] for m in told if m["stream"] == "btcusdt@aggTrade"]
    assert [(a["f"], a["l"]) for a in aggregates] == [(t["t"], t["t"]) for t in trades]
    quote_ = next(m["data"] for m in told if m["stream"] == "btcusdt@bookTicker")
    assert set(quote_) == {"u", "s", "b", "B", "a", "A"}


def test_one_taker_at_one_price_is_one_aggregate(caller: Caller) -> None:
    caller.sim.set_book("BTCUSDT", [], [("68000", "1"), ("68000", "1")])
    socket = caller.open("/ws/btcusdt@aggTrade")
    caller.sim.trade("BTCUSDT", "buy", "1.5")
    (aggregate,) = socket.take()
    assert (aggregate["q"], aggregate["l"] - aggregate["f"]) == ("1.50000000", 1)


def test_snapshot_and_diffs_give_the_venues_book() -> None:
    caller = busy()
    socket = caller.open("/ws/btcusdt@depth@100ms")
    caller.step(1)
    snapshot = caller.public("/api/v3/depth", symbol="BTCUSDT", limit=5000)
    bids, asks = levels(snapshot["bids"]), levels(snapshot["asks"])
    position = snapshot["lastUpdateId"]
    for _ in range(20):
        caller.step(1)
    applied = 0
    for event in socket.take():
        if event["u"] <= position:
            continue
        assert event["U"] <= position + 1
        position, applied = event["u"], applied + 1
        for book, changes in ((bids, event["b"]), (asks, event["a"])):
            for price, quantity in changes:
                book[price] = quantity
    final = caller.public("/api/v3/depth", symbol="BTCUSDT", limit=5000)
    assert applied > 20
    assert position == final["lastUpdateId"]
    assert {p: q for p, q in bids.items() if Decimal(q)} == levels(final["bids"])
    assert {p: q for p, q in asks.items() if Decimal(q)} == levels(final["asks"])


def test_update_ids_of_diffs_follow_each_other() -> None:
    caller = busy()
    fast = caller.open("/ws/btcusdt@depth@100ms")
    slow = caller.open("/ws/btcusdt@depth")
    caller.step(10)
    for socket in (fast, slow):
        events = socket.take()
        assert len(events) > 5
        assert all(later["U"] == earlier["u"] + 1 for earlier, later in pairwise(events))


def test_a_diff_stream_says_nothing_while_nothing_changes(caller: Caller) -> None:
    socket = caller.open("/ws/btcusdt@depth@100ms")
    caller.step(60)
    assert socket.take() == []


def test_a_late_subscriber_is_not_told_the_past(caller: Caller) -> None:
    first = caller.open("/ws/btcusdt@depth@100ms")
    caller.step(1)
    first.connection.gone(caller.clock.now_ns())
    caller.limit()
    before = caller.public("/api/v3/depth", symbol="BTCUSDT")["lastUpdateId"]
    late = caller.open("/ws/btcusdt@depth@100ms")
    caller.limit(price="60001")
    caller.step(1)
    (event,) = late.take()
    assert event["U"] == before + 1


@pytest.mark.parametrize(("name", "count"), [("btcusdt@depth5@100ms", 10), ("btcusdt@depth20", 1)])
def test_partial_books_come_by_the_clock(caller: Caller, name: str, count: int) -> None:
    socket = caller.open(f"/ws/{name}")
    caller.step(1)
    told = socket.take()
    assert len(told) == count
    assert set(told[0]) == {"lastUpdateId", "bids", "asks"}


def test_tickers_come_each_second_when_something_traded() -> None:
    caller = busy()
    socket = caller.open("/stream?streams=btcusdt@ticker/btcusdt@miniTicker/!miniTicker@arr")
    caller.step(5)
    told = socket.take()
    names = [m["stream"] for m in told]
    assert 1 <= names.count("btcusdt@ticker") <= 5
    assert names.count("btcusdt@ticker") == names.count("btcusdt@miniTicker")
    array = next(m["data"] for m in told if m["stream"] == "!miniTicker@arr")
    assert {item["s"] for item in array} <= {"BTCUSDT", "ETHUSDT"}


def test_a_candle_is_closed_once_and_the_next_begins() -> None:
    caller = busy()
    socket = caller.open("/ws/btcusdt@kline_1m")
    for _ in range(130):
        caller.step(1)
    bars = [event["k"] for event in socket.take()]
    closed = [bar["t"] for bar in bars if bar["x"]]
    assert closed == sorted(set(closed))
    assert len(closed) == 2
    rows = {row[0]: row for row in caller.public("/api/v3/klines", symbol="BTCUSDT", interval="1m", limit=5)}
    for bar in (bar for bar in bars if bar["x"]):
        row = rows[bar["t"]]
        assert [bar[k] for k in "ohlcv"] == row[1:6]


def test_a_second_candle_comes_each_second(caller: Caller) -> None:
    socket = caller.open("/ws/btcusdt@kline_1s")
    for _ in range(5):
        caller.sim.trade("BTCUSDT", "buy", "0.001")
        caller.step(1)
    bars = [event["k"] for event in socket.take()]
    assert len([bar for bar in bars if bar["x"]]) == 4


def control(socket: Socket, method: str, params: Any = None, number: Any = 1) -> Any:
    message = {"method": method, "id": number}
    if params is not None:
        message["params"] = params
    return socket.ask(message)


def test_subscribing_and_unsubscribing(caller: Caller) -> None:
    socket = caller.open("/ws")
    assert control(socket, "SUBSCRIBE", ["btcusdt@trade"]) == {"result": None, "id": 1}
    assert control(socket, "LIST_SUBSCRIPTIONS", number="two") == {"result": ["btcusdt@trade"], "id": "two"}
    caller.sim.trade("BTCUSDT", "buy", "0.001")
    assert len(socket.take()) == 1
    assert control(socket, "UNSUBSCRIBE", ["btcusdt@trade", "never@there"])["result"] is None
    caller.sim.trade("BTCUSDT", "buy", "0.001")
    assert socket.take() == []


def test_the_combined_form_can_be_switched(caller: Caller) -> None:
    socket = caller.open("/ws/btcusdt@trade")
    assert control(socket, "GET_PROPERTY", ["combined"])["result"] is False
    assert control(socket, "SET_PROPERTY", ["combined", True])["result"] is None
    caller.sim.trade("BTCUSDT", "buy", "0.001")
    assert socket.take()[0]["stream"] == "btcusdt@trade"


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", 3),
        ("[]", 2),
        ({"method": "DANCE", "id": 1}, 2),
        ({"method": "SUBSCRIBE", "id": 1}, 2),
        ({"method": "SUBSCRIBE", "params": [1], "id": 1}, 2),
        ({"method": "SUBSCRIBE", "params": [], "id": 1.5}, 2),
        ({"method": "SET_PROPERTY", "params": ["colour", True], "id": 1}, 0),
        ({"method": "SET_PROPERTY", "params": ["combined", "yes"], "id": 1}, 1),
        ({"method": "SUBSCRIBE", "params": [f"x{n}@trade" for n in range(1025)], "id": 1}, 2),
    ],
)
def test_a_malformed_control_message_is_refused(caller: Caller, message: Any, code: int) -> None:
    socket = caller.open("/ws")
    assert socket.ask(message)["error"]["code"] == code


@pytest.mark.parametrize(
    "name",
    ["nope@trade", "BTCUSDT@trade", "btcusdt@dreams", "btcusdt@kline_7m", "btcusdt@depth7", "btcusdt@depth@1ms"],
)
def test_an_unknown_stream_is_acknowledged_and_silent(caller: Caller, name: str) -> None:
    socket = caller.open("/ws")
    assert control(socket, "SUBSCRIBE", [name])["result"] is None
    caller.sim.trade("BTCUSDT", "buy", "0.001")
    caller.step(5)
    assert socket.take() == []


def test_a_sixth_message_in_a_second_ends_the_connection(caller: Caller) -> None:
    socket = caller.open("/ws")
    for number in range(5):
        control(socket, "LIST_SUBSCRIPTIONS", number=number)
    socket.send({"method": "LIST_SUBSCRIPTIONS", "id": 6})
    assert socket.ended == (1008, "Too many requests")


def test_pings_count_as_messages(caller: Caller) -> None:
    socket = caller.open("/ws")
    for _ in range(6):
        socket.connection.pinged(caller.clock.now_ns())
    assert socket.ended == (1008, "Too many requests")


def test_names_in_the_address_may_be_percent_encoded(caller: Caller) -> None:
    socket = caller.open("/stream?streams=" + quote("币安人生usdt@trade"))
    caller.sim.trade("币安人生USDT", "buy", "1000")
    assert socket.take()[0]["data"]["s"] == "币安人生USDT"


def test_times_come_in_microseconds_on_request(caller: Caller) -> None:
    socket = caller.open("/stream?streams=btcusdt@trade&timeUnit=MICROSECOND")
    caller.sim.trade("BTCUSDT", "buy", "0.001")
    assert socket.take()[0]["data"]["E"] == caller.clock.now_ns() // 1_000


def test_a_wrong_path_is_refused(caller: Caller) -> None:
    from lotusx_sim.wire import HttpResponse

    accepted = caller.open("/nowhere").accepted
    assert isinstance(accepted, HttpResponse)
    assert accepted.status == 404


def test_a_connection_ends_after_a_day(caller: Caller) -> None:
    socket = caller.open("/ws")
    caller.step(24 * 3600)
    assert socket.ended is not None
    assert socket.ended[0] == 1001


def test_too_many_connections_are_refused(caller: Caller) -> None:
    from lotusx_sim.wire import HttpResponse

    for _ in range(300):
        caller.open("/ws")
    accepted = caller.open("/ws").accepted
    assert isinstance(accepted, HttpResponse)
    assert accepted.status == 429


def test_a_banned_client_cannot_connect(caller: Caller) -> None:
    from lotusx_sim.wire import HttpResponse

    caller.sim.ban(10)
    accepted = caller.open("/ws").accepted
    assert isinstance(accepted, HttpResponse)
    assert accepted.status == 418


def test_a_long_sleep_is_not_lived_through_event_by_event() -> None:
    caller = busy()
    socket = caller.open("/ws/btcusdt@depth@100ms")
    caller.step(23 * 3600)
    assert len(socket.texts) <= 601
