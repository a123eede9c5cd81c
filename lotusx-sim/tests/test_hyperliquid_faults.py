"""Faults of the simulator on Hyperliquid, where one path takes many kinds of request."""

import json
from decimal import Decimal
from typing import Any

import pytest

pytest.importorskip("coincurve", reason="needs lotusx-sim[hyperliquid]")

from hl_calls import BTC, ETH, HYPE_SPOT, USER, HlCaller, HlSocket, limit

from lotusx_sim.control import respond_to_control
from lotusx_sim.wire import HttpRequest

CLOID = "0x" + "ab" * 16
_JSON = (("content-type", "application/json"),)


@pytest.fixture
def hl() -> HlCaller:
    return HlCaller()


def order(hl: HlCaller, cloid: str = CLOID) -> bytes:
    action = {"type": "order", "orders": [limit(BTC, "buy", "0.01", "80000", c=cloid)], "grouping": "na"}
    return json.dumps(hl.signed(action)).encode()


def send(hl: HlCaller, body: bytes, path: str = "/exchange") -> Any:
    return hl.sim.handle(HttpRequest("POST", path, _JSON, body), client_ip="10.0.0.1")


def test_requests_are_counted_by_their_type(hl: HlCaller) -> None:
    hl.info("l2Book", coin="BTC")
    hl.info("l2Book", coin="BTC")
    hl.act({"type": "noop"})
    socket = hl.open()
    socket.post("info", {"type": "meta"})
    socket.send({"method": "ping"})
    assert dict(hl.sim.requests) == {
        ("POST", "/info/l2Book"): 2,
        ("POST", "/exchange/noop"): 1,
        ("CONNECT", "/ws"): 1,
        ("WS", "/info/meta"): 1,
        ("WS", "ping"): 1,
    }
    assert hl.sim.snapshot_calls("BTC") == 2


def test_a_lost_reply_is_of_an_order_that_arrived(hl: HlCaller) -> None:
    hl.sim.lose_reply_to("POST", "/exchange/order")
    body = order(hl)
    assert hl.info("meta")["universe"]
    assert send(hl, body).response is None
    assert hl.sim.open_order_ids() == [CLOID]
    again = send(hl, body)
    assert b"duplicate nonce" in again.response.body  # an identical resend tells that the first one arrived


def test_a_lost_request_never_arrived_and_may_be_sent_again(hl: HlCaller) -> None:
    hl.sim.lose_request("POST", "/exchange/order")
    body = order(hl)
    assert send(hl, body).response is None
    assert hl.sim.order_ids() == []
    assert b"resting" in send(hl, body).response.body
    assert hl.sim.order_ids() == [CLOID]


def test_a_gateway_timeout_leaves_open_what_happened(hl: HlCaller) -> None:
    hl.sim.execute_but_time_out("POST", "/exchange/order")
    outcome = send(hl, order(hl))
    assert (outcome.response.status, dict(outcome.response.headers)["content-type"]) == (504, "text/html")
    assert hl.sim.open_order_ids() == [CLOID]


def test_a_rate_limit_is_429_null(hl: HlCaller) -> None:
    hl.sim.answer(429, "POST", "/info/*")
    assert hl.info("meta") is None
    assert (hl.last.status, hl.last.body) == (429, b"null")
    assert "retry-after" not in dict(hl.last.headers)
    hl.sim.answer(429, retry_after=3)
    hl.info("meta")
    assert dict(hl.last.headers)["retry-after"] == "3"


def test_a_ban_holds_for_everybody_until_it_ends(hl: HlCaller) -> None:
    hl.sim.ban(30)
    hl.info("meta")
    assert hl.last.status == 429
    hl.step(30)
    assert hl.info("meta")["universe"]


def test_an_order_may_be_invisible_at_first(hl: HlCaller) -> None:
    hl.sim.delay_visibility(1)
    hl.place(limit(BTC, "buy", "0.01", "85000", "Ioc", c=CLOID))
    hl.place(limit(BTC, "buy", "0.01", "80000"))
    assert hl.status(CLOID) == "unknownOid"
    assert hl.info("openOrders", user=USER) == hl.info("historicalOrders", user=USER) == []
    assert len(hl.info("userFills", user=USER)) == 1
    hl.step(1)
    assert hl.status(CLOID) == "filled"
    assert len(hl.info("openOrders", user=USER)) == 1


def test_json_can_be_cut(hl: HlCaller) -> None:
    hl.sim.cut_json("POST", "/info/meta", keep_bytes=10)
    outcome = send(hl, b'{"type":"meta"}', "/info")
    assert outcome.response.body == b'{"universe'


# -- the socket --------------------------------------------------------------------------------------------------


def posted(hl: HlCaller, socket: HlSocket) -> Any:
    return socket.post("action", json.loads(order(hl)))


def test_the_reply_to_a_posted_order_can_be_lost(hl: HlCaller) -> None:
    socket = hl.open()
    socket.subscribe("orderUpdates", user=USER)
    hl.sim.lose_reply_to("WS", "/exchange/order", how="hang")
    assert posted(hl, socket) is None
    assert hl.sim.open_order_ids() == [CLOID]
    assert len(socket.take("orderUpdates")) == 1
    hl.sim.lose_reply_to("WS", "/exchange/order")
    assert posted(hl, socket) is None
    assert socket.ended == "fin"


def test_a_posted_order_can_be_lost_or_refused(hl: HlCaller) -> None:
    socket = hl.open()
    hl.sim.lose_request("WS", "/exchange/order")
    assert posted(hl, socket) is None
    hl.sim.answer(429, "WS", "/exchange/*")
    assert posted(hl, socket) == {"type": "error", "payload": "429 Too Many Requests"}
    hl.sim.refuse("WS", "/exchange/order", 200, {"status": "err", "response": "no"}, times=1)
    assert posted(hl, socket) == {"type": "action", "payload": {"status": "err", "response": "no"}}
    assert hl.sim.order_ids() == []


def test_a_subscription_can_be_lost(hl: HlCaller) -> None:
    socket = hl.open()
    hl.sim.lose_request("WS", "subscribe")
    assert socket.subscribe("trades", coin="BTC") == []
    assert socket.subscribe("trades", coin="BTC")[0]["channel"] == "subscriptionResponse"


def test_books_can_be_skipped_doubled_crossed_and_cut(hl: HlCaller) -> None:
    socket = hl.open()
    socket.subscribe("l2Book", coin="BTC", fast=True)
    socket.subscribe("l2Book", coin="ETH", fast=True)

    def frames() -> list[Any]:
        socket.take()
        hl.step(0.54)
        return [data for data in socket.take("l2Book") if data["coin"] == "BTC"]

    hl.sim.gap("BTC")
    assert frames() == []
    hl.sim.duplicate_next("l2Book:BTC*")
    assert len(frames()) == 2
    hl.sim.crossed_level("BTC")
    (frame,) = frames()
    bids, asks = frame["levels"]
    assert Decimal(bids[0]["px"]) > Decimal(asks[0]["px"])
    hl.sim.cut_message("l2Book:BTC*")
    hl.step(0.54)
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        socket.take()


def test_a_frame_can_come_after_the_one_that_follows(hl: HlCaller) -> None:
    socket = hl.open()
    socket.subscribe("l2Book", coin="BTC")
    socket.take()
    hl.sim.reorder("l2Book:BTC")
    hl.step(5.4 * 2)
    first, second = socket.take("l2Book")
    assert first["time"] > second["time"]


def test_a_users_streams_can_fall_silent(hl: HlCaller) -> None:
    socket = hl.open()
    for kind in ("orderUpdates", "userFills"):
        socket.subscribe(kind, user=USER)
    socket.take()
    fault = hl.sim.silence("user/*")
    hl.place(limit(BTC, "buy", "0.01", "85000", "Ioc"))
    assert socket.take() == []
    fault.clear()
    hl.place(limit(BTC, "buy", "0.01", "85000", "Ioc"))
    assert len(socket.take()) == 2


def test_private_streams_end_with_their_socket(hl: HlCaller) -> None:
    public, private = hl.open(), hl.open()
    public.subscribe("trades", coin="BTC")
    private.subscribe("userFills", user=USER)
    hl.sim.expire_user_stream()
    assert (public.ended, private.ended) == (None, "fin")


def test_a_shutdown_closes_all_sockets(hl: HlCaller) -> None:
    sockets = [hl.open(), hl.open()]
    hl.sim.server_shutdown()
    assert [socket.ended for socket in sockets] == [(1001, "")] * 2


# -- the market --------------------------------------------------------------------------------------------------


def test_somebody_else_can_trade_in_every_kind_of_market(hl: HlCaller) -> None:
    for coin, size in (("BTC", "0.5"), ("@107", "20"), ("xyz:TSLA", "2")):
        assert hl.sim.trade(coin, "sell", size) == Decimal(size)
        assert hl.info("recentTrades", coin=coin)[0]["side"] == "A"


# -- the ledger --------------------------------------------------------------------------------------------------


def test_the_ledger_is_of_all_wallets_of_an_account(hl: HlCaller) -> None:
    hl.place(limit(BTC, "buy", "0.01", "85000", "Ioc"), limit(HYPE_SPOT, "buy", "1", "40", "Ioc"))
    assert [fill.symbol for fill in hl.sim.fills()] == ["BTC", "@107"]
    assert hl.sim.fills() == hl.sim.fills("main") == hl.sim.fills(USER)
    assert [fill.symbol for fill in hl.sim.fills("main/spot")] == ["@107"]
    total = sum((hl.sim.balances(f"main/{wallet}")["USDC"].total for wallet in ("perp", "spot", "xyz")), Decimal(0))
    assert hl.sim.balances()["USDC"].total == total
    hl.sim.deposit("USDC", "5", account="main/spot")
    assert hl.sim.balances()["USDC"].total == total + 5
    with pytest.raises(KeyError):
        hl.sim.fills("nobody")


def test_prices_and_funding_can_be_set_from_another_process(hl: HlCaller) -> None:
    def act(what: str, **arguments: Any) -> int:
        body = json.dumps({"do": what, "with": arguments}).encode()
        return respond_to_control(hl.sim, HttpRequest("POST", "/__sim__/actions", (), body)).status

    hl.place(limit(ETH, "buy", "1", "2900", "Ioc"))
    assert act("set_mark", symbol="ETH", mark="2800") == 200
    assert act("set_funding_rate", symbol="ETH", rate="0.001") == 200
    assert act("settle_funding", symbol="ETH") == 200
    assert hl.info("userFunding", user=USER)[0]["delta"]["usdc"] == "-2.8"
    assert act("follow_trades", symbol="ETH") == 200
    assert hl.info("metaAndAssetCtxs")[1][ETH]["markPx"] != "2800.0"
    assert act("set_mark", symbol="@107", mark="2800") == 400
