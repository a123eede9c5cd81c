"""Bybit's WebSocket dialects: public streams, the account's private streams, order entry.

The first two write ``req_id`` and ``ret_msg``, the third ``reqId`` and ``retMsg``. Answers are told by ``op`` and by
the request's id, never by their words, which differ by product. Source: bybit-exchange/docs, v5/ws/connect.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import field

from lotusx.errors import CredentialsError, ErrorKind as K, ExchangeError, ItemRejected, exchange_error
from lotusx.plugin import Ack, Control, Notice, NoticeKind, Reply, Signer, SigningContext
from lotusx_bybit.v5.category import Category
from lotusx_bybit.v5.codes import PRIVATE_WORDS, PUBLIC_WORDS, TRADE_KINDS, kind_of_words
from lotusx_bybit.v5.errors import refusal_error
from lotusx_bybit.v5.trade_socket import request_number

ORDERS: Final = "order"
FILLS: Final = "execution"
POSITIONS: Final = "position"
WALLET: Final = "wallet"

_TOPIC = b'"topic":"'
_FURTHEST = 120
"""Within so many bytes a message says its topic: private ones have an id of their own before it."""
_ANSWERS = ("subscribe", "unsubscribe", "auth")

_encode = msgspec.json.Encoder().encode


class _Message(msgspec.Struct):
    """Anything on a socket. Private answers were seen in both spellings."""

    topic: str | None = None
    op: str = ""
    success: bool | None = None
    ret_msg: str = ""
    req_id: str | int | None = None
    code: int = field(name="retCode", default=0)
    text: str = field(name="retMsg", default="")
    name: str | int | None = field(name="reqId", default=None)


_decode = msgspec.json.Decoder(_Message).decode


def _read(message: bytes) -> _Message:
    try:
        return _decode(message)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        start = message[:80].decode("utf-8", "replace")
        raise ItemRejected(f"not a message of Bybit: {start!r} ({error})", value=start) from None


def _topic_of(message: bytes) -> str | None:
    """Find the topic by its place, without parsing: that of a message that was cut is found, too."""
    start = message.find(_TOPIC, 0, _FURTHEST) + len(_TOPIC)
    end = message.find(b'"', start)
    topic = message[start:end]
    if start < len(_TOPIC) or end <= start or b"\\" in topic or not topic.isascii():
        return None
    return topic.decode()


def _ignored(message: bytes) -> Notice:
    return Notice(NoticeKind.IGNORED, message[:200].decode("utf-8", "replace"))


def _control(op: str, request_id: int, topics: Sequence[str]) -> str:
    return _encode({"req_id": f"{request_id}.{len(topics)}", "op": op, "args": list(topics)}).decode()


def _is_alone(name: str) -> bool:
    """Say whether the request that `_control` gave this id was about one topic."""
    return name.partition(".")[2] == "1"


class _StreamCodec:
    """What the public and the private streams have in common."""

    _words: tuple[tuple[str, K], ...] = ()

    def __init__(self, exchange: str) -> None:
        self._exchange = exchange

    def heartbeat(self, request_id: int) -> str | None:
        """A WebSocket ping is not what the documents ask for: text, every 20 seconds."""
        return f'{{"req_id":"{request_id}","op":"ping"}}'

    def answer(self, message: bytes) -> str | None:
        return None

    def _answered(self, said: _Message, message: bytes) -> Control:
        if said.op == "pong" or said.ret_msg == "pong":
            return Notice(NoticeKind.PONG)
        refused = self._refused(said)
        if said.op in _ANSWERS:
            number = request_number(str(said.req_id or said.name or ""))
            if number is not None or said.op == "auth":
                return Ack(number, refused)
        if refused is not None:
            return Notice(NoticeKind.ERROR, refused.text)
        return _ignored(message)

    def _refused(self, said: _Message) -> ExchangeError | None:
        if said.success is not False and not said.code:
            return None
        text = said.ret_msg or said.text or "no text"
        kind = K.AUTHENTICATION if said.op == "auth" else kind_of_words(text, self._words)
        if kind is K.NO_CHANGE and _is_alone(str(said.req_id or "")):
            return None  # "already subscribed": the stream goes on. Of several topics the others may not be served.
        return exchange_error(kind, self._exchange, said.op or "control", text)


class PublicCodec(_StreamCodec):
    """Public streams of one category. A topic is the key of its channel."""

    _words = PUBLIC_WORDS

    def subscribe(self, keys: Sequence[str], request_id: int, context: SigningContext) -> list[str]:
        return [_control("subscribe", request_id, keys)]

    def unsubscribe(self, keys: Sequence[str], request_id: int, context: SigningContext) -> list[str]:
        return [_control("unsubscribe", request_id, keys)]

    def log_in(self, request_id: int, context: SigningContext) -> str | None:
        return None

    def route(self, message: bytes) -> str | Control:
        topic = _topic_of(message)
        if topic is not None:
            return topic
        said = _read(message)
        return self._answered(said, message) if said.topic is None else said.topic


class AccountCodec(_StreamCodec):
    """The private streams of one account. The key of a channel is the topic without its category.

    Subscribed are the topics of *categories* alone (``order.linear``). Which form of a topic Bybit puts into the
    messages of such a subscription is not documented: the channel is told by how it begins.
    """

    _words = PRIVATE_WORDS

    def __init__(self, exchange: str, signer: Signer | None, categories: Sequence[Category]) -> None:
        super().__init__(exchange)
        self._signer = signer
        self._categories = tuple(categories)
        self._suffixes = frozenset(f".{category}" for category in Category)

    def subscribe(self, keys: Sequence[str], request_id: int, context: SigningContext) -> list[str]:
        return [_control("subscribe", request_id, self._topics(keys))]

    def unsubscribe(self, keys: Sequence[str], request_id: int, context: SigningContext) -> list[str]:
        return [_control("unsubscribe", request_id, self._topics(keys))]

    def _topics(self, keys: Sequence[str]) -> list[str]:
        topics = []
        for key in keys:
            topics += [key] if key == WALLET else [f"{key}.{category}" for category in self._categories]
        return topics

    def log_in(self, request_id: int, context: SigningContext) -> str | None:
        """Log the socket in; this lasts as long as the socket.

        Raises:
            CredentialsError: There is no key.
        """
        return _log_in(self._exchange, self._signer, {"req_id": str(request_id)}, context)

    def route(self, message: bytes) -> str | Control:
        topic = _topic_of(message)
        if topic is None:
            said = _read(message)
            if said.topic is None:
                return self._answered(said, message)
            topic = said.topic
        head, dot, last = topic.rpartition(".")
        return head if f"{dot}{last}" in self._suffixes else topic


class TradeCodec:
    """Order entry. It has no channels; a reply goes to its asker whole."""

    def __init__(self, exchange: str, signer: Signer | None) -> None:
        self._exchange = exchange
        self._signer = signer

    def subscribe(self, keys: Sequence[str], request_id: int, context: SigningContext) -> list[str]:
        return []

    def unsubscribe(self, keys: Sequence[str], request_id: int, context: SigningContext) -> list[str]:
        return []

    def log_in(self, request_id: int, context: SigningContext) -> str | None:
        """Log the socket in; this lasts as long as the socket. Errors as in `AccountCodec`."""
        return _log_in(self._exchange, self._signer, {"reqId": str(request_id)}, context)

    def heartbeat(self, request_id: int) -> str | None:
        """A WebSocket ping is not what the documents ask for: text, every 20 seconds."""
        return f'{{"reqId":"{request_id}","op":"ping"}}'

    def answer(self, message: bytes) -> str | None:
        return None

    def route(self, message: bytes) -> str | Control:
        said = _read(message)
        if said.op == "pong":
            return Notice(NoticeKind.PONG)
        number = request_number(str(said.name or ""))
        if said.op == "auth":
            return Ack(number, self._refused(said))
        if number is not None:
            return Reply(number, message, retires=said.code == NODE_RESTARTS)
        if said.code:
            return Notice(NoticeKind.ERROR, f"{said.text} (code {said.code})")
        return _ignored(message)

    def _refused(self, said: _Message) -> ExchangeError | None:
        if not said.code:
            return None
        error = refusal_error(self._exchange, said.code, said.text, command=False, table=TRADE_KINDS)
        if error.kind is K.BAD_REQUEST:  # parameters of a log-in are key, time and signature
            return exchange_error(K.AUTHENTICATION, self._exchange, error.code, error.text)
        return None if error.kind is K.NO_CHANGE else error


NODE_RESTARTS = 10019
"""The code of a trade socket that answers no more requests, and stays open for a while."""


def _log_in(exchange: str, signer: Signer | None, head: dict[str, str], context: SigningContext) -> str:
    if signer is None:
        raise CredentialsError(f"{exchange}: account streams and orders need api_key and api_secret or private_key")
    return _encode(signer.sign_message(head, context)).decode()
