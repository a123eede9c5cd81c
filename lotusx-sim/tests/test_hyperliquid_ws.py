"""The WebSocket of the simulated Hyperliquid: subscriptions, streams, posted requests, limits."""

import base64
import json
import zlib
from decimal import Decimal
from itertools import pairwise
from typing import Any

import pytest

pytest.importorskip("coincurve", reason="needs lotusx-sim[hyperliquid]")

from hl_calls import BTC, HYPE_SPOT, TSLA, USER, HlCaller, HlSocket, limit, trigger

from lotusx_sim import Hyperliquid
from lotusx_sim.dialects.hyperliquid import LimitRules
from lotusx_sim.wire import HttpResponse

CLOID = "0x" + "ab" * 16
PARSE = "Error parsing JSON into valid websocket request: "


@pytest.fixture
def hl() -> HlCaller:
    return HlCaller()


@pytest.fixture
def socket(hl: HlCaller) -> HlSocket:
    return hl.open()


def channels(messages: list[Any]) -> list[str]:
    return [message["channel"] for message in messages]


# -- subscribing -------------------------------------------------------------------------------------------------


def test_a_subscription_is_acknowledged_with_its_defaults_before_data(socket: HlSocket) -> None:
    ack, first = socket.subscribe("l2Book", coin="BTC")
    wanted = {"type": "l2Book", "coin": "BTC", "nSigFigs": None, "mantissa": None, "fast": False}
    assert ack == {"channel": "subscriptionResponse", "data": {"method": "subscribe", "subscription": wanted}}
    assert (first["channel"], first["data"]["coin"]) == ("l2Book", "BTC")


def test_subscribing_twice_is_a_harmless_error(socket: HlSocket) -> None:
    socket.subscribe("trades", coin="BTC")
    (error,) = socket.subscribe("trades", coin="BTC")
    assert error == {"channel": "error", "data": 'Already subscribed: {"type":"trades","coin":"BTC"}'}


def test_a_stream_ends_when_it_is_unsubscribed(hl: HlCaller, socket: HlSocket) -> None:
    socket.subscribe("l2Book", coin="BTC")
    message = {"method": "unsubscribe", "subscription": {"type": "l2Book", "coin": "BTC"}}
    (ack,) = socket.ask(message)
    assert ack["data"]["method"] == "unsubscribe"
    hl.step(10)
    assert socket.take() == []
    (error,) = socket.ask(message)
    assert error["data"].startswith("Already unsubscribed: ")


@pytest.mark.parametrize(
    "message",
    [
        "{", "[]", '{"method":"dance"}', '{"method":"subscribe"}',
        '{"method":"subscribe","subscription":{"type":"noSuchType","coin":"BTC"}}',
        '{"method":"subscribe","subscription":{"type":"l2Book","coin":["BTC","ETH"]}}',
        '{"method":"subscribe","subscription":{"type":"candle","coin":"BTC","interval":"7m"}}',
        '{"method":"subscribe","subscription":{"type":"userFills","user":"me"}}',
        '{"method":"post","request":{"type":"info","payload":{"type":"meta"}}}',
        '{"method":"post","id":"1","request":{"type":"info","payload":{"type":"meta"}}}',
        '{"method":"post","id":1,"request":{"type":"wish","payload":{}}}',
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_repeated_in_the_error(socket: HlSocket, message: str) -> None:
    assert socket.ask(message) == [{"channel": "error", "data": PARSE + message}]
    assert socket.ended is None


@pytest.mark.parametrize(
    "wanted",
    [
        {"type": "l2Book", "coin": "btc"},
        {"type": "trades", "coin": "TSLA"},
        {"type": "l2Book", "coin": "BTC", "nSigFigs": 6},
        {"type": "l2Book", "coin": "BTC", "nSigFigs": 4, "mantissa": 2},
        {"type": "l2Book", "coin": "BTC", "nSigFigs": 5, "mantissa": 1},
        {"type": "activeAssetData", "user": USER, "coin": "@107"},
        {"type": "clearinghouseState", "user": USER, "dex": "nope"},
    ],
)
def test_one_unknown_name_drops_the_connection_without_goodbye(socket: HlSocket, wanted: dict[str, Any]) -> None:
    socket.subscribe("trades", coin="ETH")
    assert socket.ask({"method": "subscribe", "subscription": wanted}) == []
    assert socket.ended == "fin"


def test_a_ping_is_answered_with_a_pong(socket: HlSocket) -> None:
    assert socket.ask({"method": "ping"}) == [{"channel": "pong"}]


def test_a_connection_that_is_told_nothing_for_a_minute_is_closed(hl: HlCaller, socket: HlSocket) -> None:
    hl.step(40)
    socket.send({"method": "ping"})
    hl.step(59)
    assert socket.ended is None
    hl.step(1)
    assert socket.ended == (1000, "Inactive")


def test_only_one_path_takes_websockets(hl: HlCaller) -> None:
    from lotusx_sim.connection import ShellSide

    side = ShellSide(lambda text: None, lambda code, reason: None, lambda how: None)
    refused = hl.sim.open_ws("/stream", (), side)
    assert isinstance(refused, HttpResponse)
    assert refused.status == 404


# -- market streams ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fast", "depth", "period"), [(False, 20, 5.4), (True, 5, 0.54)])
def test_books_come_whole_at_their_cadence(
    hl: HlCaller, socket: HlSocket, fast: bool, depth: int, period: float
) -> None:
    socket.subscribe("l2Book", coin="BTC", fast=fast)
    hl.step(54)
    frames = socket.take("l2Book")
    assert len(frames) == round(54 / period)
    assert {later["time"] - frame["time"] for frame, later in pairwise(frames)} == {round(period * 1000)}
    assert [len(side) for side in frames[0]["levels"]] == [depth, depth]
    assert frames[0].get("fast", False) is fast


def test_the_cadence_can_be_scaled() -> None:
    hl = HlCaller(Hyperliquid(actions_per_s=0, pace=0.1))
    socket = hl.open()
    socket.subscribe("l2Book", coin="BTC")
    hl.step(5.4)
    assert len(socket.take("l2Book")) == 10


def test_the_touch_is_told_when_it_changes(hl: HlCaller, socket: HlSocket) -> None:
    hl.sim.set_book("BTC", bids=[("84000", "1")], asks=[("84100", "1")])
    _, first = socket.subscribe("bbo", coin="BTC")
    assert first["data"]["bbo"] == [{"px": "84000.0", "sz": "1.0", "n": 1}, {"px": "84100.0", "sz": "1.0", "n": 1}]
    hl.place(limit(BTC, "buy", "0.5", "83000"))
    assert socket.take("bbo") == []
    hl.place(limit(BTC, "buy", "0.5", "84050"))
    (frame,) = socket.take("bbo")
    assert frame["bbo"][0] == {"px": "84050.0", "sz": "0.5", "n": 1}
    hl.sim.set_book("BTC", bids=[("84000", "1")], asks=[])
    assert socket.take("bbo")[-1]["bbo"][1] is None


def test_trades_begin_with_the_last_twenty_seconds(hl: HlCaller, socket: HlSocket) -> None:
    hl.step(30)
    hl.place(limit(BTC, "buy", "0.01", "85000", "Ioc"))
    hl.step(10)
    _, replay = socket.subscribe("trades", coin="BTC")
    assert [trade["sz"] for trade in replay["data"]] == ["0.01"]
    hl.place(limit(BTC, "sell", "0.02", "80000", "Ioc"))
    (live,) = socket.take("trades")
    assert [(trade["side"], trade["sz"]) for trade in live] == [("A", "0.02")]


def test_candles_come_with_trades(hl: HlCaller, socket: HlSocket) -> None:
    socket.subscribe("candle", coin="BTC", interval="1m")
    hl.sim.set_book("BTC", bids=[("84000", "1")], asks=[("84100", "1")])
    socket.take()
    hl.place(limit(BTC, "buy", "0.01", "84100", "Ioc"))
    (candle,) = socket.take("candle")
    assert (candle["s"], candle["i"], candle["c"]) == ("BTC", "1m", "84100.0")
    hl.step(59)
    assert socket.take("candle") == []


def test_mids_come_by_dex_every_five_seconds(hl: HlCaller, socket: HlSocket) -> None:
    _, first = socket.subscribe("allMids")
    assert {"BTC", "@107"} <= first["data"]["mids"].keys()
    assert "dex" not in first["data"]
    _, builder = socket.subscribe("allMids", dex="xyz")
    assert (builder["data"]["dex"], list(builder["data"]["mids"])) == ("xyz", ["xyz:TSLA", "xyz:SP500"])
    hl.step(10)
    assert len(socket.take("allMids")) == 4


def test_contexts_come_every_second_and_those_of_spot_by_a_channel_of_their_own(hl: HlCaller, socket: HlSocket) -> None:
    _, perp = socket.subscribe("activeAssetCtx", coin="BTC")
    _, spot = socket.subscribe("activeAssetCtx", coin="@107")
    assert (perp["channel"], spot["channel"]) == ("activeAssetCtx", "activeSpotAssetCtx")
    assert perp["data"]["ctx"]["oraclePx"]
    assert spot["data"]["ctx"]["coin"] == "@107"
    hl.step(3)
    assert len(socket.take("activeAssetCtx")) == 3


def test_contexts_of_all_dexes_are_joined_by_index(socket: HlSocket) -> None:
    _, first = socket.subscribe("allDexsAssetCtxs")
    assert [(dex, len(contexts)) for dex, contexts in first["data"]["ctxs"]] == [("", 6), ("xyz", 2)]


def test_packed_contexts_begin_whole_and_then_tell_changes(hl: HlCaller, socket: HlSocket) -> None:
    _, first = socket.subscribe("fastAssetCtxs")
    unpacked = json.loads(zlib.decompress(base64.b64decode(first["data"]), -15))
    assert {"BTC", "@107", "xyz:TSLA"} <= unpacked.keys()
    hl.step(5)
    assert socket.take() == []
    hl.sim.set_mark("BTC", "84321")
    hl.step(1)
    (packed,) = socket.take("fastAssetCtxs")
    assert json.loads(zlib.decompress(base64.b64decode(packed), -15)).keys() == {"BTC"}


# -- user streams ------------------------------------------------------------------------------------------------


def updates(socket: HlSocket) -> list[tuple[str, str]]:
    """Return status and remaining size of each update."""
    return [(item["status"], item["order"]["sz"]) for frame in socket.take("orderUpdates") for item in frame]


def test_order_updates_begin_with_nothing_and_follow_an_order(hl: HlCaller, socket: HlSocket) -> None:
    hl.sim.set_book("BTC", bids=[("84000", "1")], asks=[("84100", "1")])
    assert channels(socket.subscribe("orderUpdates", user=USER)) == ["subscriptionResponse"]
    (status,) = hl.place(limit(BTC, "buy", "0.03", "84050", c=CLOID))
    (frame,) = socket.take("orderUpdates")
    order = {
        "coin": "BTC", "side": "B", "limitPx": "84050.0", "sz": "0.03", "oid": status["resting"]["oid"],
        "timestamp": hl.now_ms, "origSz": "0.03", "cloid": CLOID,
    }  # fmt: skip
    assert frame == [{"order": order, "status": "open", "statusTimestamp": hl.now_ms}]
    hl.sim.fill(CLOID, "0.01")
    assert updates(socket) == [("open", "0.02")]
    hl.cancel(BTC, status["resting"]["oid"])
    assert updates(socket) == [("canceled", "0.02")]


def test_a_taker_is_told_of_open_and_filled_in_one_frame(hl: HlCaller, socket: HlSocket) -> None:
    hl.sim.set_book("BTC", bids=[], asks=[("84100", "0.01"), ("84110", "0.01"), ("84120", "0.01")])
    socket.subscribe("orderUpdates", user=USER)
    hl.place(limit(BTC, "buy", "0.03", "85000"))
    assert updates(socket) == [("open", "0.03"), ("filled", "0.0")]
    hl.sim.set_book("BTC", bids=[], asks=[("84100", "0.01")])
    hl.place(limit(BTC, "buy", "0.03", "85000", "Ioc"))
    assert updates(socket) == [("open", "0.03"), ("open", "0.02"), ("canceled", "0.02")]


def test_a_refused_order_is_told_of_with_an_id(hl: HlCaller, socket: HlSocket) -> None:
    socket.subscribe("orderUpdates", user=USER)
    hl.place(limit(BTC, "buy", "0.01", "84144", "Alo", c=CLOID))
    ((item,),) = socket.take("orderUpdates")
    assert (item["status"], item["order"]["cloid"]) == ("badAloPxRejected", CLOID)
    assert hl.info("orderStatus", user=USER, oid=item["order"]["oid"])["order"]["status"] == "badAloPxRejected"
    hl.place(limit(BTC, "buy", "0.01", "80000", "Ioc"))
    assert updates(socket) == [("iocCancelRejected", "0.01")]


def test_a_trigger_is_told_of_before_what_it_does(hl: HlCaller, socket: HlSocket) -> None:
    hl.place(limit(BTC, "buy", "0.01", "85000", "Ioc"))
    socket.subscribe("orderUpdates", user=USER)
    hl.place(trigger(BTC, "sell", "0.01", "84000", "sl", "80000"))
    hl.sim.set_mark("BTC", "83999")
    assert updates(socket) == [("open", "0.01"), ("triggered", "0.01"), ("filled", "0.0")]


def test_fills_begin_with_a_snapshot_and_go_on_without(hl: HlCaller, socket: HlSocket) -> None:
    hl.place(limit(BTC, "buy", "0.01", "85000", "Ioc"))
    _, snapshot = socket.subscribe("userFills", user=USER)
    assert (snapshot["data"]["isSnapshot"], snapshot["data"]["user"]) == (True, USER)
    assert snapshot["data"]["fills"] == hl.info("userFills", user=USER)
    hl.place(limit(HYPE_SPOT, "buy", "1", "40", "Ioc"))
    (live,) = socket.take("userFills")
    assert live == {"user": USER, "fills": hl.info("userFills", user=USER)[:1]}


def test_user_events_come_by_the_channel_user(hl: HlCaller, socket: HlSocket) -> None:
    socket.subscribe("userEvents", user=USER)
    hl.place(limit(BTC, "buy", "1", "85000", "Ioc"), limit(BTC, "buy", "0.01", "80000", c=CLOID))
    (fills,) = socket.take("user")
    assert list(fills) == ["fills"]
    hl.sim.settle_funding("BTC")
    (funding,) = socket.take("user")
    assert funding["funding"]["coin"] == "BTC"
    hl.sim.cancel(CLOID)
    (canceled,) = socket.take("user")
    assert canceled == {"nonUserCancel": [{"coin": "BTC", "oid": hl.sim.order(CLOID).id}]}


def test_a_liquidation_is_a_user_event(hl: HlCaller, socket: HlSocket) -> None:
    hl.sim.set_book("BTC", bids=[("84000", "100")], asks=[("84100", "100")])
    hl.place(limit(BTC, "buy", "20", "84100", "Ioc"))
    socket.subscribe("userEvents", user=USER)
    hl.sim.set_mark("BTC", "79000")
    liquidations = [item["liquidation"] for item in socket.take("user") if "liquidation" in item]
    assert [item["liquidated_user"] for item in liquidations] == [USER]


def test_funding_begins_with_a_snapshot(hl: HlCaller, socket: HlSocket) -> None:
    hl.place(limit(BTC, "buy", "1", "85000", "Ioc"))
    hl.step(3600)
    socket = hl.open()
    _, snapshot = socket.subscribe("userFundings", user=USER)
    assert snapshot["data"]["isSnapshot"] is True
    assert [row["coin"] for row in snapshot["data"]["fundings"]] == ["BTC"]
    hl.sim.settle_funding("BTC")
    (live,) = socket.take("userFundings")
    assert "isSnapshot" not in live
    assert live["fundings"][0].keys() == snapshot["data"]["fundings"][0].keys()


def test_transfers_are_told_of(hl: HlCaller, socket: HlSocket) -> None:
    socket.subscribe("userNonFundingLedgerUpdates", user=USER)
    hl.act_as_user(
        "UsdClassTransfer", "string amount,bool toPerp,uint64 nonce", "usdClassTransfer", amount="1", toPerp=True
    )
    (live,) = socket.take("userNonFundingLedgerUpdates")
    assert live["nonFundingLedgerUpdates"][0]["delta"] == {
        "type": "accountClassTransfer", "usdc": "1.0", "toPerp": True,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "more", "inner"),
    [
        ("clearinghouseState", {}, "clearinghouseState"),
        ("clearinghouseState", {"dex": "xyz"}, "clearinghouseState"),
        ("allDexsClearinghouseState", {}, "clearinghouseStates"),
        ("spotState", {}, "spotState"),
        ("openOrders", {}, "orders"),
    ],
)
def test_states_are_absolute_and_follow_every_change(
    hl: HlCaller, socket: HlSocket, kind: str, more: dict[str, str], inner: str
) -> None:
    _, first = socket.subscribe(kind, user=USER, **more)
    assert (first["channel"], first["data"]["user"]) == (kind, USER)
    hl.place(
        limit(BTC, "buy", "0.01", "85000", "Ioc"),
        limit(TSLA, "buy", "1", "420", "Ioc"),
        limit(HYPE_SPOT, "buy", "1", "40", "Ioc"),
        limit(BTC, "buy", "0.01", "80000"),
    )
    frames = socket.take(kind)
    assert len(frames) == 1
    assert frames[0][inner] != first["data"][inner]
    if kind in ("clearinghouseState", "openOrders"):
        assert frames[0]["dex"] == more.get("dex", "")
    if kind != "allDexsClearinghouseState":
        by_info = {"spotState": "spotClearinghouseState", "openOrders": "frontendOpenOrders"}.get(kind, kind)
        assert frames[0][inner] == hl.info(by_info, user=USER, **more)


def test_what_may_be_traded_is_told_by_coin(hl: HlCaller, socket: HlSocket) -> None:
    _, first = socket.subscribe("activeAssetData", user=USER, coin="BTC")
    hl.act({"type": "updateLeverage", "asset": BTC, "isCross": True, "leverage": 5})
    frames = socket.take("activeAssetData")
    assert first["data"]["leverage"]["value"] == 20
    assert frames[-1]["leverage"]["value"] == 5


def test_nobody_hears_of_another_user(hl: HlCaller, socket: HlSocket) -> None:
    other = "0x" + "99" * 20
    for kind in ("orderUpdates", "userFills", "userEvents"):
        socket.subscribe(kind, user=other)
    socket.take()
    hl.place(limit(BTC, "buy", "0.01", "85000", "Ioc"))
    assert socket.take() == []


# -- posted requests ---------------------------------------------------------------------------------------------


def test_an_action_can_be_posted(hl: HlCaller, socket: HlSocket) -> None:
    action = {"type": "order", "orders": [limit(BTC, "buy", "0.01", "80000", c=CLOID)], "grouping": "na"}
    response = socket.post("action", hl.signed(action), 256)
    assert response["type"] == "action"
    assert response["payload"]["response"]["data"]["statuses"][0]["resting"]["cloid"] == CLOID
    assert hl.sim.open_order_ids() == [CLOID]


def test_an_info_request_can_be_posted_and_is_wrapped_once_more(hl: HlCaller, socket: HlSocket) -> None:
    response = socket.post("info", {"type": "l2Book", "coin": "BTC"})
    assert response == {"type": "info", "payload": {"type": "l2Book", "data": hl.info("l2Book", coin="BTC")}}


def test_nonces_are_shared_by_both_surfaces(hl: HlCaller, socket: HlSocket) -> None:
    body = hl.signed({"type": "noop"})
    assert hl.post("/exchange", body)["status"] == "ok"
    assert "duplicate nonce" in socket.post("action", body)["payload"]["response"]


def test_a_posted_request_that_cannot_be_read_is_answered_as_http_would(socket: HlSocket) -> None:
    response = socket.post("info", {"type": "weather"})
    assert response["type"] == "error"
    assert response["payload"].startswith("422 ")


def test_posted_requests_count_against_the_weight() -> None:
    hl = HlCaller(Hyperliquid(actions_per_s=0, rules=LimitRules(weight_per_minute=20)))
    socket = hl.open()
    assert socket.post("info", {"type": "meta"})["type"] == "info"
    assert socket.post("info", {"type": "meta"}) == {"type": "error", "payload": "429 Too Many Requests"}


# -- limits ------------------------------------------------------------------------------------------------------


def is_refused(socket: HlSocket) -> bool:
    return isinstance(socket.accepted, HttpResponse)


def test_ten_connections_are_open_at_once(hl: HlCaller) -> None:
    sockets = [hl.open() for _ in range(10)]
    assert is_refused(hl.open())
    assert not is_refused(hl.open("10.0.0.2"))
    sockets[0].gone()
    assert not is_refused(hl.open())


def test_thirty_connections_are_made_in_a_minute(hl: HlCaller) -> None:
    for _ in range(30):
        hl.open().gone()
    assert is_refused(hl.open())
    hl.step(60)
    assert not is_refused(hl.open())


def test_ten_users_are_followed(hl: HlCaller, socket: HlSocket) -> None:
    for number in range(10):
        assert socket.subscribe("userFills", user=f"0x{number:040x}")[0]["channel"] == "subscriptionResponse"
    (error,) = socket.subscribe("userFills", user=USER)
    assert error == {"channel": "error", "data": "Cannot track more than 10 total users."}
    socket.send({"method": "unsubscribe", "subscription": {"type": "userFills", "user": f"0x{0:040x}"}})
    assert channels(socket.subscribe("orderUpdates", user=USER)) == ["subscriptionResponse"]


def test_subscriptions_are_limited_by_address(hl: HlCaller) -> None:
    hl = HlCaller(Hyperliquid(actions_per_s=0, rules=LimitRules(subscriptions=2)))
    one, other = hl.open(), hl.open()
    one.subscribe("trades", coin="BTC")
    other.subscribe("trades", coin="BTC")
    assert channels(other.subscribe("trades", coin="ETH")) == ["error"]
    one.gone()
    assert channels(other.subscribe("trades", coin="ETH"))[0] == "subscriptionResponse"


def test_two_thousand_messages_are_taken_in_a_minute() -> None:
    hl = HlCaller(Hyperliquid(actions_per_s=0, rules=LimitRules(messages_per_minute=3)))
    socket = hl.open()
    for _ in range(3):
        socket.send({"method": "ping"})
    assert socket.ended is None
    socket.send({"method": "ping"})
    assert socket.ended == "fin"


def test_positions_move_with_the_mark_although_nothing_happens(hl: HlCaller, socket: HlSocket) -> None:
    hl.place(limit(BTC, "buy", "1", "85000", "Ioc"))
    socket.subscribe("clearinghouseState", user=USER)
    hl.sim.set_mark("BTC", "84000")
    hl.step(5)
    (*_, frame) = socket.take("clearinghouseState")
    (item,) = frame["clearinghouseState"]["assetPositions"]
    assert Decimal(item["position"]["positionValue"]) == 84_000
