"""What is said to subscribe, and whose a message is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hyperliquid_documents import BBO, BOOK, CANDLE, CONTEXT, TRADES, USER, frame

from lotusx.errors import CredentialsError, ItemRejected
from lotusx.plugin import Ack, Notice, NoticeKind, Reply, SigningContext
from lotusx_hyperliquid.codec import HyperliquidCodec, key_of

CONTEXT_OF_NOW = SigningContext(1, 1)


@pytest.fixture
def codec() -> HyperliquidCodec:
    return HyperliquidCodec(USER)


@pytest.mark.parametrize(
    ("key", "subscription"),
    [
        ("trades xyz:TSLA", {"type": "trades", "coin": "xyz:TSLA"}),
        ("l2Book @107", {"type": "l2Book", "coin": "@107"}),
        ("candle BTC 1m", {"type": "candle", "coin": "BTC", "interval": "1m"}),
        ("orderUpdates", {"type": "orderUpdates", "user": USER}),
        ("clearinghouseState", {"type": "clearinghouseState", "user": USER}),
        ("clearinghouseState xyz", {"type": "clearinghouseState", "user": USER, "dex": "xyz"}),
    ],
)
def test_each_key_is_one_message(codec: HyperliquidCodec, key: str, subscription: dict[str, str]) -> None:
    (one,) = codec.subscribe([key], 1, CONTEXT_OF_NOW)
    assert json.loads(one) == {"method": "subscribe", "subscription": subscription}
    (two,) = codec.unsubscribe([key], 2, CONTEXT_OF_NOW)
    assert json.loads(two) == {"method": "unsubscribe", "subscription": subscription}
    assert key_of(subscription) == key
    answer = frame("subscriptionResponse", {"method": "subscribe", "subscription": subscription})
    assert codec.route(answer.encode()) == Ack(None, key=key)


def test_fast_books_are_subscribed_as_such() -> None:
    (text,) = HyperliquidCodec(fast=True).subscribe(["l2Book BTC"], 1, CONTEXT_OF_NOW)
    assert json.loads(text)["subscription"] == {"type": "l2Book", "coin": "BTC", "fast": True}
    data = {"type": "l2Book", "coin": "BTC", "nSigFigs": None, "mantissa": None, "fast": True}
    answer = frame("subscriptionResponse", {"method": "subscribe", "subscription": data})
    assert HyperliquidCodec(fast=True).route(answer.encode()) == Ack(None, key="l2Book BTC")


def test_channels_of_an_account_need_one() -> None:
    with pytest.raises(CredentialsError):
        HyperliquidCodec().subscribe(["orderUpdates"], 1, CONTEXT_OF_NOW)


@pytest.mark.parametrize("pretty", [False, True])
@pytest.mark.parametrize(
    ("message", "key"),
    [
        (TRADES, "trades BTC"),
        (BOOK, "l2Book BTC"),
        (BBO, "bbo BTC"),
        (CANDLE, "candle BTC 1m"),
        (CONTEXT, "activeAssetCtx BTC"),
        (frame("activeSpotAssetCtx", {"coin": "@107", "ctx": {}}), "activeAssetCtx @107"),
        (frame("l2Book", {"time": 1, "coin": "xyz:TSLA"}), "l2Book xyz:TSLA"),
        (frame("trades", [{"px": "1", "coin": "BTC"}]), "trades BTC"),
        (frame("orderUpdates", []), "orderUpdates"),
        (frame("user", {"fills": []}), "userEvents"),
        (frame("userFills", {"user": USER, "fills": []}), "userFills"),
        (frame("spotState", {}), "spotState"),
        (frame("clearinghouseState", {"dex": "", "user": USER}), "clearinghouseState"),
        (frame("clearinghouseState", {"dex": "xyz", "user": USER}), "clearinghouseState xyz"),
    ],
)
def test_messages_find_their_channel_however_they_are_written(
    codec: HyperliquidCodec, message: str, key: str, pretty: bool
) -> None:
    text = json.dumps(json.loads(message), indent=1) if pretty else message
    assert codec.route(text.encode()) == key


@pytest.mark.parametrize(
    ("channel", "data", "expected"),
    [
        ("subscriptionResponse", {"method": "unsubscribe", "subscription": {"type": "bbo", "coin": "BTC"}},
         Ack(None, key="bbo BTC")),
        ("error", 'Already subscribed: {"type":"bbo","coin":"BTC"}', Ack(None, key="bbo BTC")),
        ("error", 'Already unsubscribed: {"type":"bbo","coin":"BTC"}', Ack(None, key="bbo BTC")),
        ("error", 'Error parsing JSON into valid websocket request: {"method":"subscribe","subscription":'
         '{"type":"candle","coin":"BTC","interval":"7m"}}', "candle BTC 7m"),
        ("error", "something else", NoticeKind.ERROR),
        ("error", "odd: [1]", NoticeKind.ERROR),
        ("error", 'odd: {"subscription": 1}', NoticeKind.ERROR),
        ("trades", [], NoticeKind.IGNORED),
    ],
)  # fmt: skip
def test_controls(codec: HyperliquidCodec, channel: str, data: Any, expected: Any) -> None:
    routed = codec.route(frame(channel, data).encode())
    if isinstance(expected, str) and not isinstance(expected, NoticeKind):
        assert isinstance(routed, Ack)
        assert (routed.key, str(routed.error)[:18]) == (expected, "Error parsing JSON")
    elif isinstance(expected, NoticeKind):
        assert isinstance(routed, Notice)
        assert routed.kind is expected
    else:
        assert routed == expected


def test_pings_and_posts(codec: HyperliquidCodec) -> None:
    heartbeat = codec.heartbeat(1)
    assert heartbeat is not None
    assert json.loads(heartbeat) == {"method": "ping"}
    assert codec.route(b'{"channel":"pong"}') == Notice(NoticeKind.PONG, "pong")
    message = frame("post", {"id": 7, "response": {"type": "action", "payload": {}}}).encode()
    assert codec.route(message) == Reply(7, message)
    assert codec.log_in(1, CONTEXT_OF_NOW) is None
    assert codec.answer(message) is None


def test_plain_words_are_no_error(codec: HyperliquidCodec) -> None:
    assert codec.route(b"Websocket connection established.") == Notice(
        NoticeKind.IGNORED, "Websocket connection established."
    )


@pytest.mark.parametrize(
    "message",
    [b"{", b'{"channel":1}', b'{"channel":"bbo","data":{"coin":1}}', b'{"channel":"bbo","data":{"coin":"\xff"}}'],
)
def test_what_cannot_be_read_is_rejected(codec: HyperliquidCodec, message: bytes) -> None:
    with pytest.raises(ItemRejected, match="not a message of Hyperliquid"):
        codec.route(message)
