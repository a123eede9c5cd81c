"""What feeds bring, as events of the model. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec

from lotusx.errors import ItemRejected
from lotusx.model import AccountEvent
from lotusx.plugin import Channel, ChannelKind
from lotusx_gateway.codec import content_of
from lotusx_gateway.messages import arrived, read_account_event
from lotusx_gateway.subjects import ACCOUNT

E = TypeVar("E", bound=msgspec.Struct)
MARKET, PRIVATE = "market", "account"


def reader(kind: type[E]) -> Callable[[bytes, int], Sequence[E]]:
    """Return what reads a message of events of *kind*; they are given the time at which they arrived here."""
    decoder = msgspec.json.Decoder(kind)

    def read(message: bytes, received_ns: int) -> Sequence[E]:
        try:
            found = decoder.decode(content_of(message))
        except msgspec.MsgspecError as error:
            raise ItemRejected(f"not a {kind.__name__}: {error}") from error
        return (msgspec.structs.replace(found, received_ns=received_ns),)

    return read


def public(key: str, kind: ChannelKind, event: type[E]) -> Channel[E]:
    """Return a public channel.

    It names no symbol, so that nobody asks the exchange whether a silent market is a quiet one: the gateway does, for
    all of its consumers, and tells them; what was lost on the way to them shows in the numbers of its feed.
    """
    identity: Callable[[Any], Any] | None = None
    if kind is ChannelKind.TRADES:
        identity = _trade_id
    return Channel(MARKET, key, kind, reader(event), identity=identity)


def _trade_id(trade: Any) -> str:
    return str(trade.trade_id)


def account(name: str) -> Channel[AccountEvent]:
    """Return the channel of the events of an account."""
    return Channel(PRIVATE, f"{ACCOUNT} {name}", ChannelKind.ACCOUNT, _account_events, private=True)


def _account_events(message: bytes, received_ns: int) -> Sequence[AccountEvent]:
    return (arrived(read_account_event(content_of(message)), received_ns),)
