"""Replaying recordings: what clients see, and how their orders meet it."""

import json
import os
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sim_calls import Caller

from lotusx_sim import BinanceSpot
from lotusx_sim.dialects.binance.recording import CaptureError, capture_of, read_capture
from lotusx_sim.engine.orders import Status

SECOND = 1_000_000_000
CORPUS = Path(os.environ.get("LOTUSX_CORPUS", Path(__file__).parents[3] / "shared" / "corpus"))
RECORDED = CORPUS / "binance" / "ws" / "capture_BTCUSDT_depth_trade_20240808.ndjson"


def depth(at_s: float, first: int, last: int, bids: list[Any], asks: list[Any]) -> dict[str, Any]:
    data = {"e": "depthUpdate", "E": 1, "s": "BTCUSDT", "U": first, "u": last, "b": bids, "a": asks}
    return frame(at_s, {"stream": "btcusdt@depth@100ms", "data": data})


def trade(at_s: float, number: int, price: str, quantity: str, *, buyer_is_maker: bool) -> dict[str, Any]:
    data = {
        "e": "trade", "E": 1, "s": "BTCUSDT", "t": number, "p": price, "q": quantity, "T": 1_723_161_255_342,
        "m": buyer_is_maker, "M": True,
    }  # fmt: skip
    return frame(at_s, {"stream": "btcusdt@trade", "data": data})


def frame(at_s: float, message: Any, kind: str = "in") -> dict[str, Any]:
    return {"recv_ns": 1_000 * SECOND + round(at_s * SECOND), "dir": kind, "msg": message}


def snapshot(at_s: float = 0) -> dict[str, Any]:
    book = {"lastUpdateId": 10, "bids": [["100.00", "1"], ["99.00", "2"]], "asks": [["101.00", "1"], ["102.00", "2"]]}
    return frame(at_s, book, "rest_snapshot")


STORY = [
    depth(-1, 5, 8, [["98.00", "9"]], []),
    trade(-0.5, 1, "100.00", "1", buyer_is_maker=True),
    snapshot(),
    depth(1, 9, 12, [["100.00", "0.5"]], []),
    trade(2, 2, "99.50", "0.3", buyer_is_maker=True),
    depth(3, 13, 14, [["100.00", "0"], ["99.00", "0"], ["95.00", "1"]], [["96.00", "4"], ["101.00", "0"]]),
]


def lines(frames: list[dict[str, Any]]) -> list[str]:
    return [json.dumps(item) for item in frames]


def replay(speed: float = 1.0) -> Caller:
    return Caller(BinanceSpot(capture=capture_of(lines(STORY)), speed=speed, actions_per_s=0))


def test_the_book_starts_as_the_snapshot_has_it_and_waits_for_a_reader() -> None:
    caller = replay()
    caller.step(100)
    book = caller.public("/api/v3/depth", symbol="BTCUSDT")
    assert (book["lastUpdateId"], book["bids"][0], len(book["asks"])) == (10, ["100.00000000", "1.00000000"], 2)


def test_readers_get_the_recorded_messages() -> None:
    caller = replay()
    socket = caller.open("/ws/btcusdt@depth@100ms/btcusdt@trade")
    caller.step(10)
    assert socket.take() == [item["msg"]["data"] for item in STORY[3:]]


def test_the_snapshot_moves_with_the_replay() -> None:
    caller = replay()
    caller.open("/ws/btcusdt@trade")
    caller.step(0)
    caller.step(1)
    assert caller.public("/api/v3/depth", symbol="BTCUSDT")["lastUpdateId"] == 12
    caller.step(2)
    book = caller.public("/api/v3/depth", symbol="BTCUSDT")
    assert (book["lastUpdateId"], book["bids"][0][0], book["asks"][0][0]) == (14, "95.00000000", "96.00000000")


def test_the_slow_diff_covers_the_same_ids() -> None:
    caller = replay()
    socket = caller.open("/ws/btcusdt@depth")
    caller.step(10)
    events = socket.take()
    assert [(event["U"], event["u"]) for event in events] == [(9, 12), (13, 14)]


def test_best_quotes_are_derived_where_they_were_not_recorded() -> None:
    caller = replay()
    socket = caller.open("/ws/btcusdt@bookTicker")
    caller.step(10)
    assert [(event["u"], event["b"]) for event in socket.take()] == [(12, "100.00000000"), (14, "95.00000000")]


def test_recorded_trades_show_in_lists_and_candles() -> None:
    caller = replay()
    socket = caller.open("/ws/btcusdt@aggTrade/btcusdt@kline_1s")
    caller.step(10)
    assert [item["id"] for item in caller.public("/api/v3/trades", symbol="BTCUSDT")] == [2]
    kinds = {event["e"] for event in socket.take()}
    assert kinds == {"aggTrade", "kline"}
    assert caller.public("/api/v3/ticker/price", symbol="BTCUSDT")["price"] == "99.50000000"


def test_a_faster_replay_is_over_sooner() -> None:
    caller = replay(speed=10)
    socket = caller.open("/ws/btcusdt@depth@100ms")
    caller.step(0)
    caller.step(0.3)
    assert len(socket.take()) == 2
    assert caller.sim.next_due_ns() is not None


def test_a_marketable_order_takes_recorded_levels() -> None:
    caller = replay()
    filled = caller.place(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="1.5")
    assert [(fill["price"], fill["qty"]) for fill in filled["fills"]] == [
        ("101.00000000", "1.00000000"),
        ("102.00000000", "0.50000000"),
    ]
    assert caller.public("/api/v3/depth", symbol="BTCUSDT")["asks"][0][1] == "1.00000000"
    assert caller.public("/api/v3/trades", symbol="BTCUSDT") == []


def test_a_resting_order_fills_when_a_recorded_trade_reaches_it() -> None:
    caller = replay()
    caller.open("/ws/btcusdt@trade")
    caller.limit(price="99.60", quantity="1", newClientOrderId="above")
    caller.limit(price="99.40", quantity="1", newClientOrderId="below")
    caller.step(0)
    caller.step(2)
    assert caller.sim.order("above").executed.normalize().to_eng_string() == "0.3"
    assert caller.sim.order("below").executed == 0


def test_a_resting_order_fills_when_a_recorded_level_crosses_it() -> None:
    caller = replay()
    caller.open("/ws/btcusdt@trade")
    caller.limit(price="97.00", quantity="1", newClientOrderId="one")
    caller.step(0)
    caller.step(3)
    order = caller.sim.order("one")
    assert (order.status, order.executed_quote) == (Status.FILLED, Decimal(97))


def test_a_stop_triggers_on_a_recorded_trade() -> None:
    caller = replay()
    caller.open("/ws/btcusdt@trade")
    caller.place(
        symbol="BTCUSDT", side="SELL", type="STOP_LOSS", quantity="1", stopPrice="99.50", newClientOrderId="stop"
    )
    caller.step(0)
    caller.step(2)
    assert caller.sim.order("stop").status is Status.FILLED


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([], "no depth snapshot"),
        ([snapshot()], "one market"),
        ([snapshot(), depth(1, 12, 13, [], [])], "11 to 11 are missing"),
    ],
)
def test_a_capture_that_cannot_be_replayed_says_why(frames: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(CaptureError, match=message):
        capture_of(lines(frames))


@pytest.mark.parametrize("content", ["{", "[]", '{"dir":"in"}'])
def test_a_file_that_is_no_capture_says_so(tmp_path: Path, content: str) -> None:
    path = tmp_path / "x.ndjson"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(CaptureError, match="is not a capture"):
        read_capture(path)
    with pytest.raises(CaptureError, match="cannot read"):
        read_capture(tmp_path / "missing.ndjson")


def test_a_capture_needs_its_market_and_a_forward_speed() -> None:
    capture = capture_of(lines(STORY))
    with pytest.raises(ValueError, match="not listed"):
        BinanceSpot(capture=capture, symbols=["ETHUSDT"])
    with pytest.raises(ValueError, match="above 0"):
        Caller(BinanceSpot(capture=capture, speed=0))


def test_frames_kept_as_text_with_times_in_seconds_are_read_too() -> None:
    old = [{"recv": item["recv_ns"] / SECOND, "dir": item["dir"], "msg": json.dumps(item["msg"])} for item in STORY]
    assert len(capture_of(lines(old)).records) == 3


@pytest.mark.skipif(not RECORDED.exists(), reason="the corpus is not here")
def test_a_real_recording_ends_where_it_was_recorded_to_end() -> None:
    caller = Caller(BinanceSpot(capture=RECORDED, symbols=["BTCUSDT"], actions_per_s=0))
    socket = caller.open("/ws/btcusdt@depth@100ms")
    caller.step(0)
    caller.step(30)
    events = socket.take()
    assert len(events) > 250
    position = 50093239218
    for event in events:
        assert event["U"] <= position + 1
        position = event["u"]
    assert caller.public("/api/v3/depth", symbol="BTCUSDT", limit=1)["lastUpdateId"] == position
