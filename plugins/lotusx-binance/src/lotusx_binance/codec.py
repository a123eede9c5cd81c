"""Binance's two WebSocket dialects: the combined market streams and the WebSocket API.

Source: binance-spot-api-docs, web-socket-streams.md, web-socket-api.md and user-data-stream.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from lotusx.errors import CredentialsError, ItemRejected
from lotusx.plugin import Ack, Control, Notice, NoticeKind, Reply, Signer, SigningContext
from lotusx_binance.errors import SPOT
from lotusx_binance.replies import ErrorBody

ACCOUNT_KEY = "account"
"""The one private channel: user data of the account that the signer signs for."""

_STREAM = b'{"stream":"'
_START = len(_STREAM)
_SUBSCRIPTION = b'{"subscriptionId":'
_SHUTDOWN = "!serverShutdown"
_ALREADY_ACTIVE = -2035

_encode = msgspec.json.Encoder().encode


class _Error(msgspec.Struct):
    code: int
    msg: str


class _Event(msgspec.Struct):
    e: str = ""


class _StreamControl(msgspec.Struct):
    """Anything on a market socket that is not a stream's message in its usual bytes."""

    stream: str | None = None
    id: int | str | None = None
    code: int | None = None
    msg: str = ""
    error: _Error | None = None
    e: str = ""


class _ApiControl(msgspec.Struct):
    id: int | str | None = None
    status: int = 0
    error: _Error | None = None
    event: _Event | None = None
    subscriptionId: int | None = None


_decode_stream = msgspec.json.Decoder(_StreamControl).decode
_decode_api = msgspec.json.Decoder(_ApiControl).decode


def _rejected(message: bytes, error: Exception) -> ItemRejected:
    start = message[:80].decode("utf-8", "replace")
    return ItemRejected(f"not a message of Binance: {start!r} ({error})", value=start)


_NAMES_KEPT = 4_096


class StreamCodec:
    """Market streams on a ``/stream`` address. The name of a stream is the key of its channel."""

    def __init__(self) -> None:
        self._names: dict[bytes, str] = {}  # by what a message begins with, up to the end of the name

    def subscribe(self, keys: Sequence[str], request_id: int, context: SigningContext) -> list[str]:
        return [_encode({"method": "SUBSCRIBE", "params": list(keys), "id": request_id}).decode()]

    def unsubscribe(self, keys: Sequence[str], request_id: int, context: SigningContext) -> list[str]:
        return [_encode({"method": "UNSUBSCRIBE", "params": list(keys), "id": request_id}).decode()]

    def log_in(self, request_id: int, context: SigningContext) -> str | None:
        return None

    def heartbeat(self, request_id: int) -> str | None:
        return None

    def answer(self, message: bytes) -> str | None:
        return None

    def route(self, message: bytes) -> str | Control:
        """Find the stream's name by its place; only what does not begin as documented is parsed."""
        end = message.find(b'"', _START)
        known = self._names.get(message[:end])
        if known is not None:
            return known
        if message.startswith(_STREAM):
            name = message[_START:end]
            if b"\\" not in name and end > 0:
                try:
                    key = name.decode()
                except UnicodeDecodeError as error:
                    raise _rejected(message, error) from None
                if key == _SHUTDOWN:
                    return Notice(NoticeKind.SHUTDOWN, key)
                if len(self._names) < _NAMES_KEPT:
                    self._names[message[:end]] = key
                return key
        return self._control(message)

    def _control(self, message: bytes) -> str | Control:
        try:
            control = _decode_stream(message)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _rejected(message, error) from None
        if control.stream is not None and control.stream != _SHUTDOWN:
            return control.stream
        if control.stream == _SHUTDOWN or control.e == "serverShutdown":
            return Notice(NoticeKind.SHUTDOWN, "serverShutdown")
        refusal = control.error
        if refusal is None and control.code is not None:
            refusal = _Error(control.code, control.msg)
        text = None if refusal is None else f"{refusal.msg} (code {refusal.code})"
        if isinstance(control.id, int):
            return Ack(control.id, text)
        if text is not None:
            return Notice(NoticeKind.ERROR, text)
        return Notice(NoticeKind.IGNORED, message[:200].decode("utf-8", "replace"))


class ApiCodec:
    """The WebSocket API: user data as a channel, and requests.

    Subscriptions carry ids of letters and digits, requests plain numbers, so that a refusal shows which of the two it
    answers. Each subscription is signed on its own, which every kind of key may do (``session.logon``: Ed25519 only).
    """

    def __init__(self, exchange: str, signer: Signer | None) -> None:
        self._exchange = exchange
        self._signer = signer

    def subscribe(self, keys: Sequence[str], request_id: int, context: SigningContext) -> list[str]:
        """Subscribe to user data.

        Raises:
            CredentialsError: There is no key.
        """
        if self._signer is None:
            raise CredentialsError(f"{self._exchange}: account streams need api_key and api_secret or private_key")
        params = self._signer.sign_message({}, context)
        return [write(f"s{request_id}", "userDataStream.subscribe.signature", params)]

    def unsubscribe(self, keys: Sequence[str], request_id: int, context: SigningContext) -> list[str]:
        """End every user data subscription of the socket; it holds one."""
        return [write(f"s{request_id}", "userDataStream.unsubscribe", {})]

    def log_in(self, request_id: int, context: SigningContext) -> str | None:
        return None

    def heartbeat(self, request_id: int) -> str | None:
        return None

    def answer(self, message: bytes) -> str | None:
        return None

    def route(self, message: bytes) -> str | Control:
        if message.startswith(_SUBSCRIPTION) and b'"eventStreamTerminated"' not in message[:160]:
            return ACCOUNT_KEY
        try:
            control = _decode_api(message)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _rejected(message, error) from None
        if control.event is not None:
            kind = control.event.e
            if kind == "serverShutdown":
                return Notice(NoticeKind.SHUTDOWN, kind)
            if kind == "eventStreamTerminated":
                return Notice(NoticeKind.SUBSCRIPTION_ENDED, kind, ACCOUNT_KEY)
            return ACCOUNT_KEY
        if isinstance(control.id, int):
            return Reply(control.id, message)
        refused = control.error
        if control.id is not None and control.id[:1] == "s" and control.id[1:].isdecimal():
            if refused is None or refused.code == _ALREADY_ACTIVE:
                return Ack(int(control.id[1:]))
            body = ErrorBody(refused.code, refused.msg)
            return Ack(int(control.id[1:]), SPOT.refusal(self._exchange, body, status=control.status, command=False))
        # Not an answer to anything: the key of the session became invalid, or the request could not be read.
        if refused is not None:
            return Notice(NoticeKind.ERROR, f"{refused.msg} (code {refused.code})")
        return Notice(NoticeKind.IGNORED, message[:200].decode("utf-8", "replace"))


def write(request_id: int | str, method: str, params: dict[str, object]) -> str:
    """Write one request of the WebSocket API."""
    return _encode({"id": request_id, "method": method, "params": params}).decode()
