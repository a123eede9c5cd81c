"""What the core's sockets say and hear: requests for our transport, and feeds. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from lotusx.errors import ItemRejected
from lotusx.plugin import Ack, Control, Notice, NoticeKind, SigningContext
from lotusx_gateway.failures import Failure, to_error

_OURS = b"\x00"
_BREAK = b"\n"


class Wish(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the core wants of a socket."""

    id: int
    add: list[str] = []
    drop: list[str] = []


class _Said(msgspec.Struct, frozen=True, omit_defaults=True):
    id: int = 0
    failure: Failure | None = None
    ended: str = ""
    reason: str = ""


def accepted(request_id: int, failure: Failure | None = None) -> bytes:
    """Answer a wish."""
    return _OURS + msgspec.json.encode(_Said(request_id, failure))


def ended(key: str, reason: str) -> bytes:
    """Say that something of *key* was missed, or that the exchange does not serve it now."""
    return _OURS + msgspec.json.encode(_Said(ended=key, reason=reason))


def event(key: str, content: bytes) -> bytes:
    """Hand over what *key* brought."""
    return key.encode() + _BREAK + content


def content_of(message: bytes) -> bytes:
    """Return what `event` was given."""
    return message[message.index(_BREAK) + 1 :]


class GatewayCodec:
    """The core's ``WsCodec``."""

    def subscribe(self, keys: Sequence[str], request_id: int, context: SigningContext) -> list[str]:
        """Ask for *keys*."""
        return [msgspec.json.encode(Wish(request_id, add=list(keys))).decode()]

    def unsubscribe(self, keys: Sequence[str], request_id: int, context: SigningContext) -> list[str]:
        """End *keys*."""
        return [msgspec.json.encode(Wish(request_id, drop=list(keys))).decode()]

    def log_in(self, request_id: int, context: SigningContext) -> None:
        """The broker has let us in already."""

    def heartbeat(self, request_id: int) -> None:
        """The broker is pinged instead."""

    def answer(self, message: bytes) -> Any:
        """Nothing is answered."""

    def route(self, message: bytes) -> str | Control:
        """Say whose *message* is."""
        if not message.startswith(_OURS):
            key, found, _ = message.partition(_BREAK)
            if not found:
                raise ItemRejected(f"not a message of a feed: {message[:80]!r}")
            return key.decode()
        said = msgspec.json.decode(message[1:], type=_Said)
        if said.ended:
            return Notice(NoticeKind.SUBSCRIPTION_ENDED, said.reason, said.ended)
        return Ack(said.id, None if said.failure is None else to_error(said.failure))
