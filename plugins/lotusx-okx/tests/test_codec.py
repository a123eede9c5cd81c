"""What is said on a socket, and whose a message is."""

from __future__ import annotations

import json

import okx_documents as documented
import pytest

from lotusx.errors import AuthenticationError, CredentialsError, ExchangeError, ItemRejected
from lotusx.plugin import Ack, Notice, NoticeKind
from lotusx_okx.codec import OkxCodec
from lotusx_okx.signer import signer_from

PUBLIC = OkxCodec("okx")
PRIVATE = OkxCodec("okx", signer_from(documented.CREDENTIALS), private=True)


def test_a_private_channel_is_subscribed_by_its_type_of_instrument() -> None:
    (text,) = PRIVATE.subscribe(["orders", "account"], 7, documented.CONTEXT)

    assert json.loads(text) == {
        "id": "7",
        "op": "subscribe",
        "args": [{"channel": "orders", "instType": "ANY"}, {"channel": "account"}],
    }


def test_a_log_in_is_the_documented_one_and_needs_a_key() -> None:
    text = PRIVATE.log_in(1, documented.CONTEXT)

    assert text is not None
    assert json.loads(text) == {"op": "login", "args": [documented.VECTORS["login"]]}
    assert PUBLIC.log_in(1, documented.CONTEXT) is None
    with pytest.raises(CredentialsError):
        OkxCodec("okx", private=True).log_in(1, documented.CONTEXT)


@pytest.mark.parametrize(
    ("message", "key"),
    [
        (documented.push("books", documented.BOOK, action="update"), "books:BTC-USDT-SWAP"),
        (documented.push("candle1m", documented.CANDLE, inst_id="BTC-USDT"), "candle1m:BTC-USDT"),
        (documented.private("orders", documented.ORDER_PUSH), "orders"),
        (b'{"arg":{"channel":"account","uid":"4"},"eventType":"snapshot","data":[]}', "account"),
        (b'{"data":[],"arg":{"instId":"BTC-USDT","channel":"tickers"}}', "tickers:BTC-USDT"),  # another order
        (b'{"arg": {"channel": "tickers", "instId": "BTC-USDT"}, "data": []}', "tickers:BTC-USDT"),
    ],
)
def test_a_message_belongs_to_its_channel(message: bytes, key: str) -> None:
    assert PRIVATE.route(message) == key


def test_answers_carry_the_id_of_what_they_answer() -> None:
    assert PUBLIC.route(b'{"id":"5","event":"subscribe","arg":{"channel":"books","instId":"X"},"connId":"a"}') == Ack(5)
    assert PUBLIC.route(b'{"event":"unsubscribe","arg":{"channel":"books","instId":"X"},"connId":"a"}') == Ack(
        None, key="books:X"
    )
    refused = PUBLIC.route(b'{"id":"5","event":"error","code":"60018","msg":"no such channel","connId":"a"}')
    assert isinstance(refused, Ack)
    assert refused.request_id == 5
    assert isinstance(refused.error, ExchangeError)
    assert refused.error.code == "60018"


def test_a_log_in_is_answered_without_an_id() -> None:
    assert PRIVATE.route(b'{"event":"login","code":"0","msg":"","connId":"a4d3ae55"}') == Ack(None)
    refused = PRIVATE.route(b'{"event":"error","code":"60009","msg":"Login failed.","connId":"a4d3ae55"}')
    assert isinstance(refused, Ack)
    assert isinstance(refused.error, AuthenticationError)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        (b"pong", NoticeKind.PONG),
        (b'{"event":"notice","code":"64008","msg":"soon","connId":"a"}', NoticeKind.SHUTDOWN),
        (b'{"event":"error","code":"60011","msg":"Please log in","connId":"a"}', NoticeKind.LOGIN_REQUIRED),
        (b'{"event":"error","code":"60012","msg":"Invalid request","connId":"a"}', NoticeKind.ERROR),
        (b'{"event":"channel-conn-count","channel":"orders","connCount":"2","connId":"a"}', NoticeKind.IGNORED),
        (
            b'{"event":"channel-conn-count-error","channel":"orders","connCount":"30","connId":"a"}',
            NoticeKind.SUBSCRIPTION_ENDED,
        ),
    ],
)
def test_announcements_are_told_apart(message: bytes, kind: NoticeKind) -> None:
    notice = PRIVATE.route(message)

    assert isinstance(notice, Notice)
    assert notice.kind is kind
    assert notice.key == ("orders" if kind is NoticeKind.SUBSCRIPTION_ENDED else None)


@pytest.mark.parametrize("message", [b"", b"{", b"ping!", b'{"arg":{"channel":"books', b"\xff\xfe"])
def test_what_is_no_message_is_rejected(message: bytes) -> None:
    with pytest.raises(ItemRejected):
        PUBLIC.route(message)


def test_the_heartbeat_is_a_word() -> None:
    assert PUBLIC.heartbeat(3) == "ping"
    assert PUBLIC.answer(b"pong") is None
