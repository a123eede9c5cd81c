"""Backpack's WebSocket dialect: streams by name, and no answer to a subscription.

The key of a channel is the name of its stream. A stream that does not exist is silent, or refused in words that do not
name it: only data proves that a subscription lives. Source: the exchange's OpenAPI document (2026-08), "Streams".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from lotusx.errors import CredentialsError, ItemRejected
from lotusx.plugin import Control, Notice, NoticeKind, Signer, SigningContext

PRIVATE = "account."
"""How the names of private streams begin."""

_FIRST = b'{"stream":"'
_START = len(_FIRST)
_LAST = b'},"stream":"'
_END = b'"}'

_encode = msgspec.json.Encoder().encode


class _Error(msgspec.Struct):
    code: int | str | None = None
    message: str = ""


class _Message(msgspec.Struct):
    """Anything that does not begin, or end, as usual."""

    stream: str | None = None
    error: _Error | None = None


_decode = msgspec.json.Decoder(_Message).decode


_OF_NAMES = frozenset({4002, 4006, 4008})
"""Errors that are known: a message that cannot be read, a stream and a depth window that do not exist."""


class BackpackCodec:
    """One group of sockets.

    An error names no stream. On a socket of private streams alone, one that is not known is taken for a refused
    signature, and the socket is replaced: it would be silent for ever, and nobody would know.

    Args:
        signer: For private streams; ``None``: public ones only.
    """

    def __init__(self, signer: Signer | None = None) -> None:
        self._signer = signer

    def subscribe(self, keys: Sequence[str], request_id: int, context: SigningContext) -> list[str]:
        """Subscribe to all of *keys* at once, signed where one of them is private.

        Raises:
            CredentialsError: One is, and there is no key.
        """
        return [self._control("SUBSCRIBE", keys, context)]

    def unsubscribe(self, keys: Sequence[str], request_id: int, context: SigningContext) -> list[str]:
        """End all of *keys*; signed likewise, as other clients do."""
        return [self._control("UNSUBSCRIBE", keys, context)]

    def _control(self, method: str, keys: Sequence[str], context: SigningContext) -> str:
        message: dict[str, Any] = {"method": method, "params": list(keys)}
        if any(key.startswith(PRIVATE) for key in keys):
            if self._signer is None:
                raise CredentialsError("backpack: account streams need api_key and api_secret")
            message = self._signer.sign_message(message, context)
        return _encode(message).decode()

    def log_in(self, request_id: int, context: SigningContext) -> str | None:
        return None

    def heartbeat(self, request_id: int) -> str | None:
        return None

    def answer(self, message: bytes) -> str | None:
        return None

    def route(self, message: bytes) -> str | Control:
        """Find the stream's name by its place, first or last; only what has it in neither is parsed."""
        name = b""
        if message.startswith(_FIRST):
            name = message[_START : message.find(b'"', _START)]
        elif message.endswith(_END):
            at = message.rfind(_LAST)
            name = message[at + len(_LAST) : -len(_END)] if at > 0 else b""
        if name and b"\\" not in name and b'"' not in name:
            try:
                return _key(name.decode())
            except UnicodeDecodeError as error:
                raise _rejected(message, error) from None
        return self._parsed(message)

    def _parsed(self, message: bytes) -> str | Control:
        try:
            content = _decode(message)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise _rejected(message, error) from None
        if content.stream is not None:
            return _key(content.stream)
        if content.error is not None:
            refused = self._signer is not None and content.error.code not in _OF_NAMES
            kind = NoticeKind.LOGIN_REQUIRED if refused else NoticeKind.ERROR
            return Notice(kind, f"{content.error.message} (code {content.error.code})")
        return Notice(NoticeKind.IGNORED, message[:200].decode("utf-8", "replace"))


def _key(stream: str) -> str:
    """Return the channel of a stream: private ones may name a symbol besides, ``account.orderUpdate.SOL_USDC``."""
    return ".".join(stream.split(".", 2)[:2]) if stream.startswith(PRIVATE) else stream


def _rejected(message: bytes, error: Exception) -> ItemRejected:
    start = message[:80].decode("utf-8", "replace")
    return ItemRejected(f"not a message of Backpack: {start!r} ({error})", value=start)
