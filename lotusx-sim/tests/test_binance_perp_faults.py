"""Faults of simulated USDⓈ-M futures: what is named how, what is executed, what the venue itself does."""

import json

from um_calls import BTC, UmCaller

from lotusx_sim.wire import HttpRequest


def test_requests_and_messages_have_names_that_faults_can_hit() -> None:
    um = UmCaller()
    venue = um.sim.venue

    assert venue.name_of(HttpRequest("POST", "/fapi/v1/order?symbol=BTCUSDT")) == "/fapi/v1/order"
    assert venue.name_of_ws("/ws-fapi/v1", '{"method": "order.place"}') == "order.place"
    assert venue.is_request("/ws-fapi/v1", "{}")
    assert not venue.is_request("/public/stream", "{}")
    assert venue.snapshot_symbol(HttpRequest("GET", f"/fapi/v1/depth?symbol={BTC}")) == BTC
    assert venue.wallets_of(None) == ("main",)
    assert (venue.pings_clients, venue.compresses) == (True, True)


def test_a_lost_reply_leaves_an_executed_order() -> None:
    um = UmCaller()
    um.sim.lose_reply_to("POST", "/fapi/v1/order")
    target = f"/fapi/v1/order?{_signed(um)}"

    outcome = um.sim.handle(HttpRequest("POST", target, (("x-mbx-apikey", um.key.key),)))

    assert outcome.response is None
    assert um.sim.open_order_ids() == ["lost"]


def _signed(um: UmCaller) -> str:
    from sim_calls import signed_query

    order = f"symbol={BTC}&side=BUY&type=LIMIT&timeInForce=GTC&quantity=0.01&price=66000&newClientOrderId=lost"
    return signed_query(order, um.clock.now_ns())


def test_a_crossed_book_message_has_a_bid_above_the_best_ask() -> None:
    um = UmCaller()
    ask = um.get("v1/depth", symbol=BTC, limit=5)["asks"][0][0]
    text = json.dumps({"stream": "btcusdt@depth@100ms", "data": {"b": [], "a": []}})

    crossed = json.loads(um.sim.venue.cross(BTC, text))

    assert float(crossed["data"]["b"][0][0]) > float(ask)


def test_a_ban_answers_everybody_with_418() -> None:
    um = UmCaller()
    um.sim.venue.ban(um.clock.now_ns() + 60_000_000_000)

    assert um.get("v1/time")["code"] == -1003
    assert um.last.status == 418
    assert getattr(um.open("/public/stream").accepted, "status", None) == 418


def test_a_shutdown_closes_every_socket() -> None:
    um = UmCaller()
    sockets = [um.open(target) for target in ("/public/stream", "/ws-fapi/v1")] + [um.private()]

    um.sim.venue.announce_shutdown(um.clock.now_ns())

    assert [socket.ended for socket in sockets] == [(1001, "")] * 3


def test_a_connection_lives_for_a_day() -> None:
    um = UmCaller()
    socket = um.open("/public/stream?streams=btcusdt@bookTicker")

    um.step(24 * 3_600)

    assert socket.ended == (1001, "Connection reached its lifetime of 24 hours")


def test_a_handshake_of_the_ws_api_costs_five() -> None:
    um = UmCaller()
    um.open("/ws-fapi/v1")

    um.get("v1/time")

    assert um.header["x-mbx-used-weight-1m"] == "6"


def test_the_background_trades_when_it_may() -> None:
    um = UmCaller(actions_per_s=40)
    before = um.get("v1/trades", symbol=BTC)

    um.step(20)

    assert len(um.get("v1/trades", symbol=BTC)) > len(before)
