"""What is said on a socket, and whose a message is."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, strategies as st

from lotusx.errors import CredentialsError, ItemRejected
from lotusx.plugin import Notice, NoticeKind, SigningContext
from lotusx_backpack.codec import BackpackCodec
from lotusx_backpack.signer import signer_from

KEY = "A6EHv/POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg="
SIGNER = signer_from({"api_key": KEY, "api_secret": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="})
CONTEXT = SigningContext(1_614_550_000_000, nonce=1)
PUBLIC, PRIVATE = BackpackCodec(), BackpackCodec(SIGNER)


def test_streams_are_subscribed_together_and_without_an_id() -> None:
    (message,) = PUBLIC.subscribe(["depth.SOL_USDC", "trade.SOL_USDC"], 7, CONTEXT)

    assert json.loads(message) == {"method": "SUBSCRIBE", "params": ["depth.SOL_USDC", "trade.SOL_USDC"]}


@pytest.mark.parametrize("method", ["SUBSCRIBE", "UNSUBSCRIBE"])
def test_private_streams_are_signed(method: str) -> None:
    keys = ["trade.SOL_USDC", "account.orderUpdate"]
    say = PRIVATE.subscribe if method == "SUBSCRIBE" else PRIVATE.unsubscribe

    (message,) = say(keys, 7, CONTEXT)

    signature = "Uf+mBpqN/y/EzT77rzrj7ga4mdvZmzq4XW+Lh+9B0K0wLMFJrInMKcACIpSpVaPNzrFEpPhINxEP2rNI3E92CA=="
    assert json.loads(message) == {
        "method": method,
        "params": keys,
        "signature": [KEY, signature, "1614550000000", "5000"],
    }


def test_public_streams_are_not_signed_even_where_there_is_a_key() -> None:
    assert "signature" not in PRIVATE.unsubscribe(["trade.SOL_USDC"], 7, CONTEXT)[0]


def test_private_stream_without_a_key_is_refused_before_sending() -> None:
    with pytest.raises(CredentialsError, match="api_key and api_secret"):
        PUBLIC.subscribe(["account.orderUpdate"], 7, CONTEXT)


@pytest.mark.parametrize(
    "message",
    [
        b'{"stream":"depth.SOL_USDC","data":{"e":"depth"}}',
        b'{"data":{"e":"depth"},"stream":"depth.SOL_USDC"}',
        b'{ "stream": "depth.SOL_USDC", "data": {} }',
        b'{"data":{},"stream":"depth.SOL_USDC","more":1}',
        b'{"stream":"depth.SOL\\u005fUSDC","data":{}}',
        b'{"data":{},"stream":"depth.SOL\\u005fUSDC"}',
        b'{"data":{"a":{"b":1},"stream":"trade.X"},"stream":"depth.SOL_USDC"}',
        b'{"data":{"a":"},\\"stream\\":\\"trade.X"},"stream":"depth.SOL_USDC"}',
        b'{"stream":"depth.SOL_USDC","data":{"a":{},"stream":"trade.X"}}',
    ],
)
def test_message_belongs_to_the_stream_it_names(message: bytes) -> None:
    assert PUBLIC.route(message) == "depth.SOL_USDC"


names = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1).filter(
    lambda name: not name.startswith("account.")
)


@given(names, st.booleans(), st.booleans())
def test_any_name_is_found_wherever_it_stands(name: str, first: bool, plain: bool) -> None:
    message: dict[str, object] = {"stream": name} if first else {}
    message |= {"data": {"s": {"stream": "x"}}}
    message["stream"] = name

    encoded = json.dumps(message, ensure_ascii=plain, separators=(",", ":")).encode()

    assert PUBLIC.route(encoded) == name


@pytest.mark.parametrize("name", ["account.orderUpdate", "account.orderUpdate.ETH_USDC", "account.orderUpdate.A.US_B"])
def test_private_stream_is_one_channel_whether_or_not_it_names_a_symbol(name: str) -> None:
    assert PRIVATE.route(json.dumps({"stream": name, "data": {}}, separators=(",", ":")).encode()) == (
        "account.orderUpdate"
    )


def test_public_name_keeps_all_its_parts() -> None:
    assert PUBLIC.route(b'{"stream":"kline.1m.AAPL.US_USDC_PERP","data":{}}') == "kline.1m.AAPL.US_USDC_PERP"


def test_refusal_is_told_in_the_words_of_the_exchange() -> None:
    notice = PUBLIC.route(b'{"id":null,"error":{"code":4006,"message":"Invalid stream"}}')

    assert notice == Notice(NoticeKind.ERROR, "Invalid stream (code 4006)")


@pytest.mark.parametrize(("code", "kind"), [(4003, NoticeKind.LOGIN_REQUIRED), (4006, NoticeKind.ERROR)])
def test_refusal_of_a_signature_replaces_the_socket_of_the_account(code: int, kind: NoticeKind) -> None:
    message = b'{"id":null,"error":{"code":%d,"message":"no"}}' % code

    assert PRIVATE.route(message) == Notice(kind, f"no (code {code})")
    assert PUBLIC.route(message) == Notice(NoticeKind.ERROR, f"no (code {code})")


def test_anything_else_that_is_json_is_ignored_by_name() -> None:
    assert PUBLIC.route(b'{"result":null,"id":1}') == Notice(NoticeKind.IGNORED, '{"result":null,"id":1}')


@pytest.mark.parametrize("message", [b"", b"hello", b"[1]", b'{"stream":"\xff"}', b'{"data":{},"stream":"\xff"}', b"{"])
def test_what_is_no_message_is_rejected(message: bytes) -> None:
    with pytest.raises(ItemRejected, match="not a message of Backpack"):
        PUBLIC.route(message)


def test_there_is_no_log_in_and_no_ping_of_its_own() -> None:
    assert PUBLIC.log_in(1, CONTEXT) is None
    assert PUBLIC.heartbeat(1) is None
    assert PUBLIC.answer(b"{}") is None
