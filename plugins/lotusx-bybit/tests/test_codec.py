"""Which channel a message belongs to, and what is said to subscribe and to log in."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from lotusx.errors import (
    AuthenticationError,
    BadRequest,
    CredentialsError,
    InvalidSymbol,
    ItemRejected,
    NoChange,
    RateLimited,
)
from lotusx.plugin import Ack, Notice, NoticeKind, Reply, SigningContext
from lotusx_bybit import plugin
from lotusx_bybit.facts import FACTS
from lotusx_bybit.v5.category import Category
from lotusx_bybit.v5.codec import AccountCodec, PublicCodec, TradeCodec
from lotusx_bybit.v5.signer import signer_from

CONTEXT = SigningContext(now_ms=1_700_000_000_000, nonce=1)
SIGNER = signer_from("bybit", {"api_key": "k", "api_secret": "s"})
PUBLIC = PublicCodec("bybit")
SPOT = AccountCodec("bybit", SIGNER, [Category.SPOT])
PERP = AccountCodec("bybit-perp", SIGNER, [Category.LINEAR, Category.INVERSE])
TRADE = TradeCodec("bybit", SIGNER)


def _text(**content: object) -> bytes:
    return json.dumps(content).encode()


def test_topics_are_subscribed_by_name() -> None:
    keys = ["orderbook.50.BTCUSDT", "publicTrade.BTCUSDT"]

    assert [json.loads(text) for text in PUBLIC.subscribe(keys, 7, CONTEXT)] == [
        {"req_id": "7.2", "op": "subscribe", "args": keys}
    ]
    assert [json.loads(text) for text in PUBLIC.unsubscribe(keys, 8, CONTEXT)] == [
        {"req_id": "8.2", "op": "unsubscribe", "args": keys}
    ]


def test_account_subscribes_to_its_own_categories_and_to_the_one_wallet() -> None:
    keys = ["order", "wallet"]

    assert json.loads(SPOT.subscribe(keys, 1, CONTEXT)[0])["args"] == ["order.spot", "wallet"]
    assert json.loads(PERP.subscribe(keys, 1, CONTEXT)[0])["args"] == ["order.linear", "order.inverse", "wallet"]
    assert json.loads(PERP.unsubscribe(["position"], 2, CONTEXT)[0]) == {
        "req_id": "2.2",
        "op": "unsubscribe",
        "args": ["position.linear", "position.inverse"],
    }


def test_one_topic_of_a_channel_that_is_served_says_nothing_of_the_other() -> None:
    """A channel of the account is a topic for each category; Bybit refuses a request as a whole for one of them."""
    text = "error:already subscribed,topic:order.linear"

    def answered(codec: AccountCodec) -> object:
        asked = json.loads(codec.subscribe(["order"], 7, CONTEXT)[0])["req_id"]
        return codec.route(_text(success=False, ret_msg=text, op="subscribe", req_id=asked))

    assert answered(SPOT) == Ack(7)
    both = answered(PERP)
    assert isinstance(both, Ack)
    assert isinstance(both.error, NoChange)


def test_ping_is_text_and_carries_an_id() -> None:
    assert json.loads(PUBLIC.heartbeat(3) or "") == {"req_id": "3", "op": "ping"}
    assert json.loads(TRADE.heartbeat(4) or "") == {"reqId": "4", "op": "ping"}
    assert [codec.answer(b"{}") for codec in (PUBLIC, SPOT, TRADE)] == [None, None, None]


def test_only_private_sockets_log_in() -> None:
    assert PUBLIC.log_in(1, CONTEXT) is None
    private, trade = json.loads(SPOT.log_in(5, CONTEXT) or ""), json.loads(TRADE.log_in(6, CONTEXT) or "")

    assert (private["req_id"], private["op"], private["args"][:2]) == ("5", "auth", ["k", 1_700_000_010_000])
    assert (trade["reqId"], trade["op"], trade["args"]) == ("6", "auth", private["args"])


@pytest.mark.parametrize("codec", [AccountCodec("bybit", None, [Category.SPOT]), TradeCodec("bybit", None)])
def test_log_in_needs_a_key(codec: AccountCodec | TradeCodec) -> None:
    with pytest.raises(CredentialsError, match="api_key"):
        codec.log_in(1, CONTEXT)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (b'{"topic":"orderbook.50.BTCUSDT","type":"delta"}', "orderbook.50.BTCUSDT"),
        (b'{ "topic": "tickers.BTCUSDT" }', "tickers.BTCUSDT"),
        (b'{"id":"x","topic":"tickers.BTCUSDT"}', "tickers.BTCUSDT"),
        ('{"topic":"tickers.１USDT"}'.encode(), "tickers.１USDT"),
        (_text(success=True, ret_msg="subscribe", op="subscribe", req_id="3", conn_id="c"), Ack(3)),
        (_text(success=True, ret_msg="", op="unsubscribe", req_id="4"), Ack(4)),
        (_text(success=False, ret_msg="error:already subscribed,topic:x", op="subscribe", req_id="3.1"), Ack(3)),
        (_text(success=True, ret_msg="pong", op="ping", conn_id="c"), Notice(NoticeKind.PONG)),
        (_text(success=True, ret_msg="pong", conn_id="c", req_id="9", op="ping"), Notice(NoticeKind.PONG)),
        (_text(success=False, ret_msg="error:invalid op"), Notice(NoticeKind.ERROR, "error:invalid op")),
        (_text(success=False, ret_msg="x", op="subscribe"), Notice(NoticeKind.ERROR, "x")),
    ],
)
def test_public_message_is_routed(message: bytes, expected: object) -> None:
    assert PUBLIC.route(message) == expected


def test_message_of_nobody_is_ignored() -> None:
    message = _text(hello=1)

    assert PUBLIC.route(message) == Notice(NoticeKind.IGNORED, message.decode())
    assert TRADE.route(message) == Notice(NoticeKind.IGNORED, message.decode())


@given(st.text(min_size=1))
def test_routing_agrees_with_a_json_parser(topic: str) -> None:
    message = json.dumps({"topic": topic, "data": {}}, separators=(",", ":"), ensure_ascii=False)

    assert PUBLIC.route(message.encode("utf-8", "surrogatepass")) == topic


@pytest.mark.parametrize("message", [b"", b"{", b'{"topic":"x', b"[1]", b"\xff", b'{"topic":"\xff"}'])
def test_what_cannot_be_understood_is_rejected(message: bytes) -> None:
    for codec in (PUBLIC, SPOT, TRADE):
        with pytest.raises(ItemRejected):
            codec.route(message)


def test_private_message_that_was_cut_is_still_its_channels() -> None:
    """Who reads the channel rejects it, and what it said is asked for."""
    message = b'{"id":"592324fa945a30","topic":"execution.linear","creationTime":1716800399338,"data":[{"sym'

    assert PERP.route(message) == "execution"


def test_of_several_topics_one_that_is_subscribed_already_says_nothing_of_the_others() -> None:
    words = "error:already subscribed,topic:publicTrade.BTCUSDT"

    answer = PUBLIC.route(_text(success=False, ret_msg=words, op="subscribe", req_id="3.2"))

    assert isinstance(answer, Ack)
    assert isinstance(answer.error, NoChange)


def test_refused_topic_is_named_in_the_exchange_words() -> None:
    words = "error:handler not found,topic:orderbook.500.BTCUSDT"

    answer = PUBLIC.route(_text(success=False, ret_msg=words, op="subscribe", req_id="3"))

    assert isinstance(answer, Ack)
    assert answer.request_id == 3
    assert isinstance(answer.error, InvalidSymbol)
    assert answer.error.text == words


@pytest.mark.parametrize("category", ["linear", "inverse", "spot", "option"])
@pytest.mark.parametrize("topic", ["order", "execution", "position"])
def test_private_topic_is_known_with_and_without_its_category(topic: str, category: str) -> None:
    assert PERP.route(_text(topic=topic, creationTime=1, data=[])) == topic
    assert PERP.route(_text(topic=f"{topic}.{category}", data=[])) == (
        topic if category != "option" else f"{topic}.option"
    )
    assert PERP.route(_text(topic="execution.fast.linear", data=[])) == "execution.fast"


@pytest.mark.parametrize("spelling", [{"req_id": "5"}, {"reqId": "5"}, {"req_id": 5}])
def test_log_in_is_acknowledged_under_either_spelling(spelling: dict[str, object]) -> None:
    assert SPOT.route(_text(success=True, ret_msg="", op="auth", conn_id="c", **spelling)) == Ack(5)
    assert SPOT.route(_text(op="auth", success=True, retCode=0, retMsg="", connId="c")) == Ack(None)


def test_refused_log_in_is_an_authentication_error() -> None:
    answer = SPOT.route(_text(success=False, ret_msg="Params Error", op="auth", conn_id="c"))

    assert isinstance(answer, Ack)
    assert isinstance(answer.error, AuthenticationError)
    assert answer.error.text == "Params Error"


@pytest.mark.parametrize(
    ("code", "words", "kind"),
    [
        (10004, "Error sign", AuthenticationError),
        (10001, "Params error", AuthenticationError),
        (10003, "Too many sessions under the same UID", RateLimited),
    ],
)
def test_refused_log_in_of_the_trade_socket_has_a_code(code: int, words: str, kind: type[Exception]) -> None:
    answer = TRADE.route(_text(reqId="6", retCode=code, retMsg=words, op="auth", connId="c"))

    assert isinstance(answer, Ack)
    assert (answer.request_id, type(answer.error)) == (6, kind)
    assert str(code) in str(answer.error)


def test_second_log_in_is_harmless() -> None:
    assert TRADE.route(_text(retCode=20001, retMsg="Repeat auth", op="auth")) == Ack(None)
    assert TRADE.route(_text(retCode=0, retMsg="OK", op="auth", connId="c")) == Ack(None)


def test_trade_reply_is_handed_to_its_asker_whole() -> None:
    message = _text(reqId="9.1700000000000", retCode=110007, retMsg="x", op="order.create", data={})

    assert TRADE.route(message) == Reply(9, message)
    restarts = _text(reqId="9.1700000000000", retCode=10019, retMsg="restarting", op="order.create", data={})
    assert TRADE.route(restarts) == Reply(9, restarts, retires=True)
    assert TRADE.route(_text(retCode=0, op="pong", data=["1"], connId="c")) == Notice(NoticeKind.PONG)
    assert TRADE.route(_text(retCode=10404, retMsg="op not found", connId="c")) == Notice(
        NoticeKind.ERROR, "op not found (code 10404)"
    )


def test_words_without_a_topic_are_a_bad_request() -> None:
    answer = PUBLIC.route(_text(success=False, ret_msg="args size >10", op="subscribe", req_id="3"))

    assert isinstance(answer, Ack)
    assert isinstance(answer.error, BadRequest)


@pytest.mark.parametrize("environment", ["live", "demo"])
def test_plugin_hands_over_a_dialect_for_each_group(environment: str) -> None:
    where = FACTS.environments[environment]

    codecs = plugin.lotusx_codecs("bybit", where, SIGNER)

    assert set(codecs) == set(where.ws)
    assert json.loads(codecs["account"].subscribe(["order"], 1, CONTEXT)[0])["args"] == ["order.spot"]
