"""Hyperliquid's WebSocket dialect: one subscription a message, and answers that name it instead of a number.

The key of a channel is the subscription in words: ``trades xyz:TSLA``, ``candle BTC 1m``, ``orderUpdates``. Whose
account it is, and which variant of the book, belongs to the codec: messages do not tell, so one socket can serve one of
them only. Source: hyperliquid-docs, "Websocket".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from lotusx.errors import CredentialsError, ItemRejected
from lotusx.plugin import Ack, Control, Notice, NoticeKind, Reply, SigningContext

_encode = msgspec.json.Encoder().encode

_START = b'{"channel":"'
_DATA = b'","data":'
_COIN = b'{"coin":"'
_OF_COIN = frozenset({b"l2Book", b"bbo", b"trades", b"activeAssetCtx", b"activeSpotAssetCtx"})
_OF_USER = frozenset({"orderUpdates", "userEvents", "userFills", "userFundings", "spotState", "clearinghouseState"})
_SPOT_CONTEXT = "activeSpotAssetCtx"  # how contexts of spot come, though they are subscribed like any other
_CONTEXT = "activeAssetCtx"
_USER_EVENTS = "user"  # likewise
_BY_NAME = {
    b"orderUpdates": "orderUpdates",
    b"userFills": "userFills",
    b"userFundings": "userFundings",
    b"spotState": "spotState",
    b"user": "userEvents",
}
_COIN_ENDS = b'",'
_IN_COIN = 24
"""Where to look for it: behind the name of the channel, of those with short names."""
_NAMES_KEPT = 4_096
_PING = _encode({"method": "ping"}).decode()


class _Message(msgspec.Struct):
    channel: str
    data: msgspec.Raw = msgspec.Raw(b"null")


class _Coin(msgspec.Struct):
    coin: str


class _Bar(msgspec.Struct):
    s: str
    i: str


class _Dex(msgspec.Struct):
    dex: str


class _Post(msgspec.Struct):
    id: int


class _Answer(msgspec.Struct):
    method: str
    subscription: dict[str, Any]


_decode = msgspec.json.Decoder(_Message).decode
_coin = msgspec.json.Decoder(_Coin).decode
_coins = msgspec.json.Decoder(list[_Coin]).decode
_bar = msgspec.json.Decoder(_Bar).decode
_dex = msgspec.json.Decoder(_Dex).decode
_post = msgspec.json.Decoder(_Post).decode
_answer = msgspec.json.Decoder(_Answer).decode
_text = msgspec.json.Decoder(str).decode
_object = msgspec.json.Decoder(dict[str, Any]).decode


def key_of(subscription: Mapping[str, Any]) -> str:
    """Return the key of the channel that a subscription asks for."""
    parts = [str(subscription.get("type", ""))]
    if subscription.get("coin"):
        parts.append(str(subscription["coin"]))
    if subscription.get("interval"):
        parts.append(str(subscription["interval"]))
    if subscription.get("dex"):
        parts.append(str(subscription["dex"]))
    return " ".join(parts)


def _first_coin(data: bytes | msgspec.Raw) -> str | None:
    trades = _coins(data)
    return trades[0].coin if trades else None


def _key_of_data(channel: str, data: msgspec.Raw) -> str | None:
    """Return the key that a message belongs to; ``None``: it is empty."""
    if channel == "trades":
        coin = _first_coin(data)
        return None if coin is None else f"trades {coin}"
    if channel in ("l2Book", "bbo"):
        return f"{channel} {_coin(data).coin}"
    if channel in (_CONTEXT, _SPOT_CONTEXT):
        return f"{_CONTEXT} {_coin(data).coin}"
    if channel == "candle":
        bar = _bar(data)
        return f"candle {bar.s} {bar.i}"
    if channel == "clearinghouseState":
        return f"{channel} {_dex(data).dex}".rstrip()
    return "userEvents" if channel == _USER_EVENTS else channel


class HyperliquidCodec:
    """One group of sockets.

    Args:
        user: Address of the account whose channels may be subscribed to; ``None``: public ones only.
        fast: Whether books are those of five levels, which come ten times as often.
    """

    def __init__(self, user: str | None = None, *, fast: bool = False) -> None:
        self._user = user
        self._fast = fast
        self._names: dict[bytes, str] = {}  # by what a message begins with, up to the end of the coin

    def _subscription(self, key: str) -> dict[str, Any]:
        kind, *rest = key.split(" ")
        subscription: dict[str, Any] = {"type": kind}
        if kind in _OF_USER:
            if self._user is None:
                raise CredentialsError("hyperliquid: account streams need account_address or private_key")
            subscription["user"] = self._user
            if rest:
                subscription["dex"] = rest[0]
            return subscription
        subscription["coin"] = rest[0]
        if kind == "candle":
            subscription["interval"] = rest[1]
        if kind == "l2Book" and self._fast:
            subscription["fast"] = True
        return subscription

    def _control_messages(self, method: str, keys: Sequence[str]) -> list[str]:
        return [_encode({"method": method, "subscription": self._subscription(key)}).decode() for key in keys]

    def subscribe(self, keys: Sequence[str], request_id: int, context: SigningContext) -> list[str]:
        """Subscribe to each of *keys*; arrays are not understood.

        Raises:
            CredentialsError: A channel of an account, and no account was configured.
        """
        return self._control_messages("subscribe", keys)

    def unsubscribe(self, keys: Sequence[str], request_id: int, context: SigningContext) -> list[str]:
        return self._control_messages("unsubscribe", keys)

    def log_in(self, request_id: int, context: SigningContext) -> str | None:
        return None

    def heartbeat(self, request_id: int) -> str | None:
        """The server closes a socket on which it has sent nothing for 60 s."""
        return _PING

    def answer(self, message: bytes) -> str | None:
        return None

    def route(self, message: bytes) -> str | Control:
        """Find channel and coin by their places; only what does not begin as documented is parsed.

        So a message that is damaged further on is still its channel's, which counts it, or asks for what it said.
        """
        known = self._names.get(message[: message.find(_COIN_ENDS, _IN_COIN)])
        if known is not None:
            return known
        if message.startswith(_START):
            end = message.find(b'"', 12)
            channel = message[12:end]
            if channel in _OF_COIN and message.startswith(_DATA, end):
                at = end + len(_DATA) + (channel == b"trades")  # a list
                if message.startswith(_COIN, at):
                    at += len(_COIN)
                    stop = message.find(b'"', at)
                    coin = message[at:stop]
                    if b"\\" not in coin:
                        name = _CONTEXT if channel == b"activeSpotAssetCtx" else channel.decode()
                        try:
                            key = f"{name} {coin.decode()}"
                        except UnicodeDecodeError as error:
                            raise _rejected(message, error) from None
                        if 0 < stop == message.find(_COIN_ENDS, _IN_COIN) and len(self._names) < _NAMES_KEPT:
                            self._names[message[:stop]] = key
                        return key
            elif channel in _BY_NAME:
                return _BY_NAME[channel]
        return self._parsed(message)

    def _parsed(self, message: bytes) -> str | Control:
        if not message.lstrip().startswith(b"{"):  # some servers greet in plain words
            return Notice(NoticeKind.IGNORED, message[:200].decode("utf-8", "replace"))
        try:
            content = _decode(message)
            handler = _CONTROLS.get(content.channel)
            if handler is not None:
                return handler(content.data, message)
            key = _key_of_data(content.channel, content.data)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _rejected(message, error) from None
        return Notice(NoticeKind.IGNORED, f"an empty message of {content.channel}") if key is None else key


def _on_answer(data: msgspec.Raw, message: bytes) -> Control:
    return Ack(None, key=key_of(_answer(data).subscription))


def _on_error(data: msgspec.Raw, message: bytes) -> Control:
    """Read a refusal: the text ends with what was refused, which is all that tells whose it is."""
    text = _text(data)
    words, _, document = text.partition(": ")
    try:
        refused = _object(document)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Notice(NoticeKind.ERROR, text)
    subscription = refused.get("subscription", refused)
    if not isinstance(subscription, dict):
        return Notice(NoticeKind.ERROR, text)
    if words in ("Already subscribed", "Already unsubscribed") or refused.get("method") == "unsubscribe":
        return Ack(None, key=key_of(subscription))
    return Ack(None, text, key=key_of(subscription))


def _on_post(data: msgspec.Raw, message: bytes) -> Control:
    return Reply(_post(data).id, message)


def _on_pong(data: msgspec.Raw, message: bytes) -> Control:
    return Notice(NoticeKind.PONG, "pong")


_CONTROLS: Mapping[str, Callable[[msgspec.Raw, bytes], Control]] = {
    "subscriptionResponse": _on_answer,
    "error": _on_error,
    "post": _on_post,
    "pong": _on_pong,
}


def _rejected(message: bytes, error: Exception) -> ItemRejected:
    start = message[:80].decode("utf-8", "replace")
    return ItemRejected(f"not a message of Hyperliquid: {start!r} ({error})", value=start)
