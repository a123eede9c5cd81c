"""OKX's WebSocket dialect, the same on public, business and private sockets.

The key of a channel is ``<channel>:<instId>``, of the account's channels just ``<channel>``. Answers carry the id of
the message they answer; those to a log-in have none. Source: OKX API v5 (2026-06), overview-websocket.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

import msgspec

from lotusx.errors import CredentialsError, ErrorKind as K, ExchangeError, ItemRejected, exchange_error
from lotusx.plugin import Ack, Control, Notice, NoticeKind, Signer, SigningContext
from lotusx_okx.errors import LOGIN_KINDS, WS_KINDS, YES

ORDERS: Final = "orders"
POSITIONS: Final = "positions"
ACCOUNT: Final = "account"

_OF_ACCOUNT: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        ORDERS: {"channel": ORDERS, "instType": "ANY"},
        POSITIONS: {"channel": POSITIONS, "instType": "SWAP"},
        ACCOUNT: {"channel": ACCOUNT},
    }
)
_LOGIN_REQUIRED = "60011"
_CLOSING = "64008"
_FIRST = b'{"arg":{"channel":"'
_START = len(_FIRST)
_NAME = b'","instId":"'

_encode = msgspec.json.Encoder().encode


class _Arg(msgspec.Struct):
    channel: str = ""
    instId: str = ""


class _Message(msgspec.Struct):
    """Anything on a socket."""

    event: str = ""
    arg: _Arg | None = None
    id: str = ""
    code: str = ""
    msg: str = ""
    channel: str = ""


_decode = msgspec.json.Decoder(_Message).decode


def _key(channel: str, inst_id: str) -> str:
    return channel if channel in _OF_ACCOUNT else f"{channel}:{inst_id}"


def _arg(key: str) -> Mapping[str, str]:
    channel, _, inst_id = key.partition(":")
    return _OF_ACCOUNT.get(key) or {"channel": channel, "instId": inst_id}


class OkxCodec:
    """One group of addresses.

    Args:
        signer: For the private group, which must log in; ``None``: public channels only.
    """

    def __init__(self, exchange: str, signer: Signer | None = None, *, private: bool = False) -> None:
        self._exchange = exchange
        self._signer = signer
        self._private = private

    def subscribe(self, keys: Sequence[str], request_id: int, context: SigningContext) -> list[str]:
        return [self._control("subscribe", keys, request_id)]

    def unsubscribe(self, keys: Sequence[str], request_id: int, context: SigningContext) -> list[str]:
        return [self._control("unsubscribe", keys, request_id)]

    def _control(self, op: str, keys: Sequence[str], request_id: int) -> str:
        return _encode({"id": str(request_id), "op": op, "args": [_arg(key) for key in keys]}).decode()

    def log_in(self, request_id: int, context: SigningContext) -> str | None:
        """Log a private socket in; this lasts as long as the socket.

        Raises:
            CredentialsError: There is no key.
        """
        if not self._private:
            return None
        if self._signer is None:
            raise CredentialsError(f"{self._exchange}: account streams need api_key, api_secret and passphrase")
        return _encode({"op": "login", "args": [self._signer.sign_message({}, context)]}).decode()

    def heartbeat(self, request_id: int) -> str | None:
        """The text ``ping``: a socket without any data for 30 seconds is closed."""
        return "ping"

    def answer(self, message: bytes) -> str | None:
        return None

    def route(self, message: bytes) -> str | Control:
        """Find the channel by its place; what does not begin with it is parsed."""
        if message.startswith(_FIRST):
            end = message.find(b'"', _START)
            channel = message[_START:end].decode("utf-8", "replace")
            if channel in _OF_ACCOUNT and end > 0:
                return channel
            if message.startswith(_NAME, end):
                start = end + len(_NAME)
                last = message.find(b'"', start)
                if last > start and message[start:last].isascii():
                    return f"{channel}:{message[start:last].decode()}"
        if message == b"pong":
            return Notice(NoticeKind.PONG)
        return self._parsed(message)

    def _parsed(self, message: bytes) -> str | Control:
        try:
            said = _decode(message)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            start = message[:80].decode("utf-8", "replace")
            raise ItemRejected(f"not a message of OKX: {start!r} ({error})", value=start) from None
        if not said.event and said.arg is not None:
            return _key(said.arg.channel, said.arg.instId)
        if said.event == "login":
            return Ack(None, None if said.code in ("", YES) else self._refusal(LOGIN_KINDS, said))
        if said.event in ("subscribe", "unsubscribe"):
            if said.id.isdecimal():
                return Ack(int(said.id))
            return Ack(None, key=None if said.arg is None else _key(said.arg.channel, said.arg.instId))
        if said.event == "error":
            return self._error(said)
        if said.event == "notice" and said.code == _CLOSING:
            return Notice(NoticeKind.SHUTDOWN, said.msg)
        if said.event == "channel-conn-count-error":
            return Notice(NoticeKind.SUBSCRIPTION_ENDED, "too many connections read this channel", key=said.channel)
        return Notice(NoticeKind.IGNORED, message[:200].decode("utf-8", "replace"))

    def _error(self, said: _Message) -> Control:
        if said.id.isdecimal():
            return Ack(int(said.id), self._refusal(WS_KINDS, said))
        if said.code == _LOGIN_REQUIRED:
            return Notice(NoticeKind.LOGIN_REQUIRED, said.msg)
        if said.code in LOGIN_KINDS and self._private:
            return Ack(None, self._refusal(LOGIN_KINDS, said))
        return Notice(NoticeKind.ERROR, f"{said.msg} (code {said.code})")

    def _refusal(self, kinds: Mapping[str, K], said: _Message) -> ExchangeError:
        kind = kinds.get(said.code, K.BAD_REQUEST)
        return exchange_error(kind, self._exchange, said.code, said.msg or "no text")
