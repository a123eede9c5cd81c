"""Backpack's streams: what each says, when, and to whom."""

from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest
from backpack_calls import PERP, SOL, BackpackCaller, BackpackSocket

from lotusx_sim import Backpack

ORDERS, POSITIONS, BALANCES = "account.orderUpdate", "account.positionUpdate", "account.balanceUpdate"


@pytest.fixture
def caller() -> BackpackCaller:
    made = BackpackCaller()
    for symbol in (SOL, PERP):
        made.sim.set_book(symbol, [("150", "10")], [("151", "10")])
    return made


def test_a_subscription_is_answered_by_nothing_but_data(caller: BackpackCaller) -> None:
    socket = caller.open()
    socket.send({"method": "SUBSCRIBE", "params": [f"trade.{SOL}", "depth.NO_USDC", f"markPrice.{SOL}"], "id": 7})
    assert socket.take() == []
    caller.sim.trade(SOL, "buy", "1")
    assert [message["stream"] for message in socket.take()] == [f"trade.{SOL}"]
    socket.send({"method": "UNSUBSCRIBE", "params": [f"trade.{SOL}"]})
    caller.sim.trade(SOL, "buy", "1")
    assert socket.take() == []


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("nonsense", 4002),
        ({"op": "subscribe"}, 4002),
        ({"method": "SUBSCRIBE", "params": ["nothing.SOL_USDC"]}, 4006),
        ({"method": "SUBSCRIBE", "params": ["kline.7m.SOL_USDC"]}, 4006),
        ({"method": "SUBSCRIBE", "params": ["depth.250ms.SOL_USDC"]}, 4008),
    ],
)
def test_what_is_no_stream_is_refused_without_its_name(caller: BackpackCaller, message: Any, code: int) -> None:
    socket = caller.open()
    socket.send(message)
    (said,) = socket.take()
    assert (said["id"], said["error"]["code"], "SOL" in str(said)) == (None, code, False)


def test_there_is_one_address() -> None:
    accepted: Any = BackpackSocket(BackpackCaller(), "/stream").accepted
    assert accepted.status == 404


# -- books -------------------------------------------------------------------------------------------------------


def rebuilt(book: dict[str, Any], frames: list[Any]) -> tuple[dict[Decimal, Decimal], dict[Decimal, Decimal], int]:
    """Follow the book from a snapshot by the documented rule."""
    sides = {
        name: {Decimal(price): Decimal(size) for price, size in book[long]}
        for name, long in (("b", "bids"), ("a", "asks"))
    }
    last = int(book["lastUpdateId"])
    for frame in frames:
        if frame["u"] <= last:
            continue
        assert frame["U"] <= last + 1 <= frame["u"]
        last = frame["u"]
        for name, levels in sides.items():
            for price, size in frame[name]:
                levels[Decimal(price)] = Decimal(size)
                if not Decimal(size):
                    del levels[Decimal(price)]
    return sides["b"], sides["a"], last


@pytest.mark.parametrize("window", ["", "200ms.", "600ms.", "1000ms."])
def test_frames_chain_and_lead_from_any_snapshot_to_the_book(window: str) -> None:
    caller = BackpackCaller(Backpack(seed=3, actions_per_s=200))
    name = f"depth.{window}{PERP}"
    socket = caller.reading(name)
    caller.step(3)
    snapshot = caller.public("depth", symbol=PERP, limit=1000)
    caller.step(3)
    caller.sim.quiet()
    caller.step(2)
    frames = socket.take(name)
    assert len(frames) > 3
    assert all(b["U"] == a["u"] + 1 for a, b in pairwise(frames))
    assert any(b["U"] < b["u"] for b in frames) == bool(window)
    truth = caller.public("depth", symbol=PERP, limit=1000)
    bids, asks, last = rebuilt(snapshot, frames)
    assert last == int(truth["lastUpdateId"])
    assert bids == {Decimal(price): Decimal(size) for price, size in truth["bids"]}
    assert asks == {Decimal(price): Decimal(size) for price, size in truth["asks"]}


def test_streams_pad_prices_to_the_tick(caller: BackpackCaller) -> None:
    socket = caller.reading(f"depth.{SOL}")
    caller.place(SOL, "Bid", "1", "149.5")
    (frame,) = socket.take(f"depth.{SOL}")
    assert (frame["b"], frame["a"]) == ([["149.50", "1.00"]], [])
    caller.call("DELETE", "/api/v1/orders", {"symbol": SOL})
    (frame,) = socket.take(f"depth.{SOL}")
    assert frame["b"] == [["149.50", "0.00"]]


def test_best_prices_share_the_books_numbers_and_may_be_nobodys(caller: BackpackCaller) -> None:
    socket = caller.reading(f"bookTicker.{SOL}", f"depth.{SOL}")
    caller.place(SOL, "Bid", "1", "150.5")
    messages = {message["stream"]: message["data"] for message in socket.take()}
    ticker, depth = messages[f"bookTicker.{SOL}"], messages[f"depth.{SOL}"]
    assert (ticker["b"], ticker["B"], ticker["a"]) == ("150.50", "1.00", "151.00")
    assert ticker["u"] == depth["u"]
    caller.place(SOL, "Bid", "1", "149")
    assert socket.take(f"bookTicker.{SOL}") == []  # only on change
    caller.sim.set_book(SOL, [], [])
    caller.call("DELETE", "/api/v1/orders", {"symbol": SOL})
    last = socket.take(f"bookTicker.{SOL}")[-1]
    assert (last["b"], last["B"], last["a"], last["A"]) == (None, None, None, None)


# -- other public streams ----------------------------------------------------------------------------------------


def test_a_trade_names_who_was_maker_and_whose_orders_met(caller: BackpackCaller) -> None:
    socket = caller.reading(f"trade.{SOL}")
    resting = caller.place(SOL, "Bid", "1", "150.5")
    caller.sim.trade(SOL, "sell", "1")
    (trade,) = socket.take(f"trade.{SOL}")
    assert (trade["p"], trade["q"], trade["m"], trade["b"]) == ("150.50", "1.00", True, resting["id"])
    assert (trade["t"], trade["T"]) == (caller.public("trades", symbol=SOL)[0]["id"], caller.now_ms * 1_000)


def test_candles_speak_when_there_are_trades_and_once_when_they_close(caller: BackpackCaller) -> None:
    name = f"kline.1m.{SOL}"
    socket = caller.reading(name)
    caller.step(120)
    assert socket.take() == []
    caller.sim.trade(SOL, "buy", "1")
    caller.sim.trade(SOL, "buy", "1")
    caller.step(1)
    assert [(bar["n"], bar["X"]) for bar in socket.take(name)] == [(1, False), (2, False)]
    caller.step(180)
    (closed,) = socket.take(name)
    assert (closed["X"], closed["n"], closed["t"], closed["T"]) == (
        True, 2, "2026-02-02T02:42:00", "2026-02-02T02:43:00",
    )  # fmt: skip


def test_tickers_and_marks_repeat_every_second_and_interest_every_minute(caller: BackpackCaller) -> None:
    names = (f"ticker.{PERP}", f"markPrice.{PERP}", f"openInterest.{PERP}")
    socket = caller.reading(*names)
    caller.step(60)
    streams = [message["stream"] for message in socket.take()]
    assert [streams.count(name) for name in names] == [60, 60, 1]
    caller.sim.set_mark(PERP, "152", "151.9")
    caller.step(1)
    (mark,) = socket.take(names[1])
    assert (mark["p"], mark["i"], mark["f"]) == ("152", "151.9", "0.0000125")
    assert mark["n"] == (caller.now_ms // 3_600_000 + 1) * 3_600_000


@pytest.mark.parametrize("name", ["liquidation", f"liquidation.{PERP}"])
def test_a_liquidation_is_told_with_the_closing_side(caller: BackpackCaller, name: str) -> None:
    socket = caller.reading(name, ORDERS)
    caller.place(PERP, "Bid", "10")
    caller.sim.deposit("USDC", "-99500")
    caller.sim.set_mark(PERP, "100")
    messages = socket.take()
    (told,) = [message["data"] for message in messages if message["stream"] == name]
    assert (told["s"], told["S"], told["q"]) == (PERP, "Ask", "10")
    (mine,) = [m["data"] for m in messages if m["stream"] == ORDERS and m["data"]["O"] != "USER"]
    assert (mine["e"], mine["O"], mine["X"]) == ("orderFill", "LIQUIDATION_AUTOCLOSE", "Filled")


# -- private streams ---------------------------------------------------------------------------------------------


def test_an_order_tells_its_life(caller: BackpackCaller) -> None:
    socket = caller.reading(ORDERS)
    placed = caller.place(SOL, "Bid", "2", "150.5", clientId=5, postOnly=True)
    caller.sim.trade(SOL, "sell", "0.5", "150.5")
    caller.cancel(SOL, clientId=5)
    frames = socket.take(ORDERS)
    assert [(f["e"], f["X"], f["z"]) for f in frames] == [
        ("orderAccepted", "New", "0"),
        ("orderFill", "PartiallyFilled", "0.5"),
        ("orderCancelled", "Cancelled", "0.5"),
    ]
    assert {(f["i"], f["c"], f["o"], f["S"], f["y"]) for f in frames} == {(placed["id"], 5, "LIMIT", "Bid", True)}
    fill = frames[1]
    assert (fill["l"], fill["L"], fill["m"], fill["n"], fill["N"]) == ("0.5", "150.5", True, "0.0004", "SOL")
    assert [f["t"] for f in frames] == [None, fill["t"], None]


def test_an_expiry_has_its_reason(caller: BackpackCaller) -> None:
    socket = caller.reading(ORDERS)
    caller.place(SOL, "Bid", "20", "151", timeInForce="IOC")
    accepted, fill, expired = socket.take(ORDERS)
    assert (accepted["e"], fill["e"]) == ("orderAccepted", "orderFill")
    assert (expired["e"], expired["X"], expired["R"]) == ("orderExpired", "Expired", "ImmediateOrCancel")


def test_a_trigger_is_placed_and_accepted_under_another_id(caller: BackpackCaller) -> None:
    socket = caller.reading(ORDERS)
    caller.sim.trade(SOL, "buy", "1")
    placed = caller.place(SOL, "Bid", triggerPrice="155", triggerQuantity="1", clientId=8)
    caller.sim.set_book(SOL, [("150", "10")], [("155", "10")])
    caller.sim.trade(SOL, "buy", "1")
    waiting, accepted, filled = socket.take(ORDERS)
    assert (waiting["e"], waiting["X"], waiting["q"], waiting["Y"]) == ("triggerPlaced", "TriggerPending", "0", "1")
    assert (accepted["e"], accepted["I"], accepted["c"]) == ("orderAccepted", placed["id"], 8)
    assert accepted["i"] == filled["i"] != placed["id"]


def test_one_market_may_be_followed_alone(caller: BackpackCaller) -> None:
    name = f"{ORDERS}.{PERP}"
    socket = caller.reading(name)
    caller.place(SOL, "Bid", "1", "140")
    caller.place(PERP, "Bid", "1", "140")
    assert [data["s"] for data in socket.take(name)] == [PERP]
    socket.unsubscribe(name)
    caller.place(PERP, "Bid", "1", "140")
    assert socket.take() == []


def test_positions_are_told_on_subscribing_and_as_they_change(caller: BackpackCaller) -> None:
    caller.place(PERP, "Bid", "2")
    socket = caller.reading(POSITIONS)
    (held,) = socket.take(POSITIONS)
    assert ("e" in held, held["q"], held["B"]) == (False, "2", "151")
    caller.place(PERP, "Bid", "1")
    caller.place(PERP, "Ask", "3")
    caller.place(PERP, "Ask", "1")
    frames = socket.take(POSITIONS)
    assert [(f["e"], f["q"]) for f in frames] == [
        ("positionAdjusted", "3"),
        ("positionClosed", "0"),
        ("positionOpened", "-1"),
    ]
    assert held["i"] not in (0, frames[2]["i"])
    assert (frames[1]["p"], frames[1]["l"]) == ("-3", "0")


def test_balances_are_told_as_they_are_and_not_before(caller: BackpackCaller) -> None:
    socket = caller.reading(BALANCES)
    assert socket.take() == []
    caller.place(SOL, "Bid", "1", "140")
    (told,) = socket.take(BALANCES)
    assert (told["a"], told["A"], told["L"], told["S"]) == ("USDC", "99860", "140", "0")


def test_nobody_hears_of_others(caller: BackpackCaller) -> None:
    socket = caller.reading(ORDERS, BALANCES)
    caller.sim.trade(SOL, "buy", "1")
    assert socket.take() == []
    socket.gone()
    caller.place(SOL, "Bid", "1", "140")
    assert socket.take() == []


# -- faults ------------------------------------------------------------------------------------------------------


def test_a_gap_a_crossed_level_and_the_end_of_streams(caller: BackpackCaller) -> None:
    name = f"depth.{SOL}"
    socket = caller.reading(name, ORDERS)
    caller.place(SOL, "Bid", "1", "140")
    (before,) = socket.take(name)
    caller.sim.gap(SOL)
    caller.place(SOL, "Bid", "1", "141")
    caller.place(SOL, "Bid", "1", "142")
    (after,) = socket.take(name)
    assert after["U"] == before["u"] + 2
    caller.sim.crossed_level(SOL)
    caller.place(SOL, "Bid", "1", "143")
    assert socket.take(name)[0]["b"][-1] == ["151.01", "0.01"]
    public = caller.reading(f"trade.{SOL}")
    caller.sim.expire_user_stream()
    assert (socket.ended, public.ended) == ("fin", None)
    caller.sim.server_shutdown()
    assert public.ended == (1001, "")


def test_a_lost_reply_is_an_order_all_the_same(caller: BackpackCaller) -> None:
    caller.sim.execute_but_time_out("POST", "/api/v1/order")
    said = caller.try_to_place(SOL, "Bid", "1", "140", clientId=3)
    assert (caller.status, said["code"]) == (504, "TIMEOUT")
    assert caller.sim.open_order_ids() == ["3"]
    caller.sim.delay_visibility(5)
    caller.place(SOL, "Bid", "1", "140", clientId=4)
    assert caller.call("GET", "/api/v1/order", {"symbol": SOL, "clientId": 4})["code"] == "RESOURCE_NOT_FOUND"
    caller.step(5)
    assert caller.get("/api/v1/order", symbol=SOL, clientId=4)["status"] == "New"


def test_a_ban_is_told_by_429(caller: BackpackCaller) -> None:
    caller.sim.ban(60)
    assert caller.public("time")["code"] == "TOO_MANY_REQUESTS"
