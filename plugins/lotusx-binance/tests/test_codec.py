"""Which channel a message belongs to, and what is said to subscribe."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from lotusx.errors import AuthenticationError, CredentialsError, ItemRejected
from lotusx.plugin import Ack, Notice, NoticeKind, Reply, SigningContext
from lotusx_binance.codec import ACCOUNT_KEY, ApiCodec, StreamCodec, write
from lotusx_binance.signer import signer_from

CONTEXT = SigningContext(now_ms=1_770_000_000_000, nonce=1)
STREAM = StreamCodec()
API = ApiCodec("binance", signer_from({"api_key": "k", "api_secret": "s"}))


def test_streams_are_subscribed_by_name() -> None:
    keys = ["btcusdt@trade", "btcusdt@depth@100ms"]

    assert [json.loads(text) for text in STREAM.subscribe(keys, 7, CONTEXT)] == [
        {"method": "SUBSCRIBE", "params": keys, "id": 7}
    ]
    assert [json.loads(text) for text in STREAM.unsubscribe(keys, 8, CONTEXT)] == [
        {"method": "UNSUBSCRIBE", "params": keys, "id": 8}
    ]


@pytest.mark.parametrize("codec", [STREAM, API])
def test_neither_dialect_logs_in_or_has_a_ping_of_its_own(codec: StreamCodec | ApiCodec) -> None:
    assert codec.log_in(1, CONTEXT) is None
    assert codec.heartbeat(1) is None
    assert codec.answer(b"{}") is None


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ('{"stream":"btcusdt@trade","data":{}}', "btcusdt@trade"),
        ('{"stream":"１２３@trade","data":{}}', "１２３@trade"),
        (r'{"stream":"\uff11\uff12@trade","data":{}}', "１２@trade"),
        ('{ "stream": "btcusdt@trade", "data": {} }', "btcusdt@trade"),
        ('{"data":{},"stream":"btcusdt@trade"}', "btcusdt@trade"),
        ('{"stream":"!serverShutdown","data":{"e":"serverShutdown"}}', Notice(NoticeKind.SHUTDOWN, "!serverShutdown")),
        ('{"data":{},"stream":"!serverShutdown"}', Notice(NoticeKind.SHUTDOWN, "serverShutdown")),
        ('{"e":"serverShutdown","E":1770123456789}', Notice(NoticeKind.SHUTDOWN, "serverShutdown")),
        ('{"result":null,"id":3}', Ack(3)),
        ('{"result":["btcusdt@trade"],"id":3}', Ack(3)),
        ('{"code":2,"msg":"Invalid request: x","id":3}', Ack(3, "Invalid request: x (code 2)")),
        ('{"error":{"code":2,"msg":"Invalid request: x"},"id":3}', Ack(3, "Invalid request: x (code 2)")),
        ('{"code":3,"msg":"Invalid JSON: x"}', Notice(NoticeKind.ERROR, "Invalid JSON: x (code 3)")),
        ('{"hello":1}', Notice(NoticeKind.IGNORED, '{"hello":1}')),
    ],
)
def test_market_message_is_routed(message: str, expected: object) -> None:
    assert STREAM.route(message.encode()) == expected


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1).filter(lambda key: key[0] != "!"))
def test_routing_agrees_with_a_json_parser(key: str) -> None:
    message = json.dumps({"stream": key, "data": {}}, separators=(",", ":"), ensure_ascii=False)

    assert STREAM.route(message.encode()) == key


@pytest.mark.parametrize("message", [b"", b"{", b'{"stream":"btc', b"[1]", b'{"stream":"\xff\xff","data":{}}', b"\xff"])
def test_what_cannot_be_understood_is_rejected(message: bytes) -> None:
    with pytest.raises(ItemRejected):
        STREAM.route(message)
    with pytest.raises(ItemRejected):
        API.route(message[:1] + b"\xff")


def test_user_data_is_subscribed_with_a_signature_of_any_key() -> None:
    (text,) = API.subscribe([ACCOUNT_KEY], 5, CONTEXT)

    message = json.loads(text)
    assert message["id"] == "s5"
    assert message["method"] == "userDataStream.subscribe.signature"
    assert message["params"]["apiKey"] == "k"
    assert message["params"]["timestamp"] == CONTEXT.now_ms
    assert len(message["params"]["signature"]) == 64
    assert json.loads(API.unsubscribe([ACCOUNT_KEY], 6, CONTEXT)[0])["method"] == "userDataStream.unsubscribe"


def test_user_data_needs_a_key() -> None:
    with pytest.raises(CredentialsError, match="api_key"):
        ApiCodec("binance", None).subscribe([ACCOUNT_KEY], 1, CONTEXT)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ('{"subscriptionId":0,"event":{"e":"executionReport"}}', ACCOUNT_KEY),
        ('{"event":{"e":"executionReport"},"subscriptionId":0}', ACCOUNT_KEY),
        (
            '{"subscriptionId":0,"event":{"e":"eventStreamTerminated","E":1}}',
            Notice(NoticeKind.SUBSCRIPTION_ENDED, "eventStreamTerminated", ACCOUNT_KEY),
        ),
        ('{"event":{"e":"serverShutdown","E":1}}', Notice(NoticeKind.SHUTDOWN, "serverShutdown")),
        ('{"id":"s5","status":200,"result":{"subscriptionId":0}}', Ack(5)),
        ('{"id":"s5","status":400,"error":{"code":-2035,"msg":"active"}}', Ack(5)),
        (
            '{"id":null,"status":401,"error":{"code":-2015,"msg":"Invalid API-key"}}',
            Notice(NoticeKind.ERROR, "Invalid API-key (code -2015)"),
        ),
        (
            '{"id":"other","status":200,"result":{}}',
            Notice(NoticeKind.IGNORED, '{"id":"other","status":200,"result":{}}'),
        ),
    ],
)
def test_api_message_is_routed(message: str, expected: object) -> None:
    assert API.route(message.encode()) == expected


@pytest.mark.parametrize(("status", "code"), [(401, -2015), (400, -1022), (401, -2014)])
def test_a_refused_key_is_told_as_an_authentication_error_with_its_code(status: int, code: int) -> None:
    answer = API.route(json.dumps({"id": "s5", "status": status, "error": {"code": code, "msg": "no"}}).encode())

    assert isinstance(answer, Ack)
    assert answer.request_id == 5
    assert isinstance(answer.error, AuthenticationError)
    assert (answer.error.code, answer.error.text) == (str(code), "no")


def test_reply_is_handed_to_its_asker_whole() -> None:
    message = b'{"id":9,"status":400,"error":{"code":-2010,"msg":"x"}}'

    assert API.route(message) == Reply(9, message)
    assert json.loads(write(9, "time", {})) == {"id": 9, "method": "time", "params": {}}
