"""The words of subscriptions: what is wanted, how far it is on one socket, what follows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from lotusx.errors import LotusXError
from lotusx.kernel.codec import ChannelKind
from lotusx.kernel.pacing import NS

PATIENCE_LIMIT_NS = 60 * NS
"""How far the deadline of a market that was found quiet is stretched."""

DEADLINES_S: Mapping[ChannelKind, float | None] = {
    ChannelKind.BOOK: 5.0,
    ChannelKind.TICKER: 10.0,
    ChannelKind.BEST_BID_OFFER: 10.0,
    ChannelKind.MARK_PRICE: 10.0,
    ChannelKind.TRADES: 60.0,
    ChannelKind.CANDLES: 60.0,
    ChannelKind.OTHER: 60.0,
    ChannelKind.LIQUIDATIONS: None,
    ChannelKind.ACCOUNT: None,
}


def deadline_ns(kind: ChannelKind, cadence_s: float | None) -> int | None:
    """Return how long a channel may be silent; ``None``: for ever."""
    bound = DEADLINES_S[kind]
    if bound is None:
        return None
    return int(max(bound, 3 * (cadence_s or 0.0)) * NS)


class Phase(StrEnum):
    """How far one subscription is on one socket."""

    WANTED = "wanted"
    SENT = "sent"
    ACKED = "acked"
    LIVE = "live"


class Op(StrEnum):
    """What a control message does."""

    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"


def _nobody(message: bytes, received_ns: int) -> None:
    """Take a message of a subscription that nobody listens to."""


@dataclass(slots=True, eq=False)
class Member:
    """One subscription on one socket.

    Attributes:
        sink: Takes its messages.
        heard_ns: Monotonic time of the last message; written by whoever reads the socket.
        since_ns: When silence began to count without one: asked for, accepted, or found quiet.
        live: Whether anything came since it was asked for or became silent.
        watched: Whether the next message is news to whoever watches for silence.
        asked: Whether it was ever asked for on its socket: then it may be subscribed there, answered or not.
        begins: As of its `Channel`.
        lot: Members of one lot share a control message; a refusal splits it.
    """

    ident: str
    key: str
    deadline_ns: int | None
    sink: Callable[[bytes, int], None] = _nobody
    heard_ns: int = 0
    live: bool = False
    watched: bool = True
    asked: bool = False
    phase: Phase = Phase.WANTED
    lot: int = 0
    since_ns: int = 0
    probed: bool = False
    kind: ChannelKind = ChannelKind.OTHER
    begins: bytes = b""
    tries: int = 0
    not_before_ns: int = 0
    patience: int = 1

    def patience_ns(self) -> int:
        """How long it may be silent now: longer for a market that was found quiet."""
        bound = self.deadline_ns or 0
        return min(bound * self.patience, max(bound, PATIENCE_LIMIT_NS))


@dataclass(frozen=True, slots=True)
class Wanted:
    """One member of the desired set. ``alone``: it gets a socket of its own. ``begins``: as of its `Channel`."""

    ident: str
    key: str
    kind: ChannelKind
    cadence_s: float | None = None
    alone: bool = False
    begins: bytes = b""


@dataclass(frozen=True, slots=True)
class Send:
    """A control message to be sent now."""

    op: Op
    keys: tuple[str, ...]
    request_id: int


@dataclass(frozen=True, slots=True)
class Acked:
    """The exchange accepted it."""

    member: Member


@dataclass(frozen=True, slots=True)
class Refused:
    """The exchange refuses it; it is no longer desired. ``reason``: its own words, or the error they stand for."""

    ident: str
    reason: str | LotusXError


@dataclass(frozen=True, slots=True)
class Probe:
    """Somebody should find out whether the market is quiet or the subscription dead."""

    member: Member


@dataclass(frozen=True, slots=True)
class Silent:
    """The deadline has passed and nothing says that the market is quiet; it is being subscribed again."""

    member: Member


Change = Acked | Refused | Probe | Silent
