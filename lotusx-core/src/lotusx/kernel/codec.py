"""A WebSocket dialect, pure: which words subscribe, and whose a message is."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

from lotusx.errors import LotusXError
from lotusx.kernel.request import SigningContext
from lotusx.model.symbol import Symbol

E = TypeVar("E")


class ChannelKind(StrEnum):
    """What a channel carries; decides how long it may be silent before somebody asks why."""

    TRADES = "trades"
    TICKER = "ticker"
    BEST_BID_OFFER = "best_bid_offer"
    BOOK = "book"
    CANDLES = "candles"
    MARK_PRICE = "mark_price"
    LIQUIDATIONS = "liquidations"
    ACCOUNT = "account"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Channel(Generic[E]):
    """Something to subscribe to.

    Attributes:
        group: Which of the environment's WebSocket addresses serves it.
        key: The exchange's name of it, as it appears in its messages; unique within the group.
        view: Tells channels apart that read the same messages as different events. Each view of a key is subscribed by
            itself, on a socket of its own.
        convert: Pure: one whole message of this channel and its receive time (ns) → its events, in order.
            Raises `ItemRejected` or a decode error when the message cannot be understood, `BeginningMissing` when the
            exchange must begin anew for the next one to be.
        cadence_s: The longest usual silence the exchange states for it; ``None``: it speaks only on change.
        identity: Tells one event of this channel from another, the same on every socket: a trade id, an update id. Used
            to leave out repetitions while a socket is replaced; ``None``: whole messages are compared.
        lost: Called when messages may have been missed: a *convert* that remembers earlier messages must forget them.
        another: Makes the same channel with a *convert* that remembers nothing yet, for a second socket side by side:
            what two sockets bring at different times must not go through one memory. ``None``: it has no memory.
        fresh: Leaves out what was delivered before, of events about to be delivered. For channels whose every new
            subscription begins with what is known; a *convert* that did it could not serve two sockets side by side.
        begins: What its messages begin with and no other message of its sockets does, such as
            ``b'{"stream":"btcusdt@trade"'``: one after the other they are recognised by it, without being routed.
            Messages that begin otherwise may still be its own. Empty: nothing is known.
        whole: Each message is one event and replaces all before it: of several that came at once, a reader that keeps
            only the newest state is given the newest alone.
    """

    group: str
    key: str
    kind: ChannelKind
    convert: Callable[[bytes, int], Sequence[E]] = field(compare=False, repr=False)
    symbol: Symbol | None = None
    private: bool = False
    cadence_s: float | None = None
    identity: Callable[[E], Hashable | None] | None = field(default=None, compare=False, repr=False)
    view: str = ""
    lost: Callable[[], None] | None = field(default=None, compare=False, repr=False)
    fresh: Callable[[Sequence[E]], Sequence[E]] | None = field(default=None, compare=False, repr=False)
    another: Callable[[], Channel[E]] | None = field(default=None, compare=False, repr=False)
    whole: bool = field(default=False, compare=False)
    begins: bytes = field(default=b"", compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Ack:
    """The exchange answered a subscribe, unsubscribe or log-in.

    Attributes:
        request_id: Of the message it answers; ``None``: the exchange names the subscription instead, in ``key``, or
            answers the log-in, of which there is one.
        error: Its refusal: the error that its code stands for, which the readers get as it is, or just its words.
    """

    request_id: int | None
    error: str | LotusXError | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a request sent over the socket; the asker decodes ``message`` itself.

    ``retires``: it says that this socket takes no more requests; it is replaced.
    """

    request_id: int
    message: bytes
    retires: bool = False


class NoticeKind(StrEnum):
    """What an exchange announces outside of any channel."""

    SHUTDOWN = "shutdown"  # this socket will be closed: replace it now
    PONG = "pong"
    SUBSCRIPTION_ENDED = "subscription_ended"  # ``key`` is no longer served: subscribe again
    LOGIN_REQUIRED = "login_required"
    ERROR = "error"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True)
class Notice:
    """An announcement; ``text`` is the exchange's own."""

    kind: NoticeKind
    text: str = ""
    key: str | None = None


Control = Ack | Reply | Notice


class WsCodec(Protocol):
    """One exchange's WebSocket dialect on one group of addresses. Pure; one object may serve many sockets."""

    def subscribe(self, keys: Sequence[str], request_id: int, context: SigningContext) -> list[str]:
        """Return the messages that subscribe to *keys*; the answer carries *request_id*."""

    def unsubscribe(self, keys: Sequence[str], request_id: int, context: SigningContext) -> list[str]:
        """Return the messages that end *keys*."""

    def log_in(self, request_id: int, context: SigningContext) -> str | None:
        """Return the message that logs the socket in; ``None``: this dialect has none."""

    def heartbeat(self, request_id: int) -> str | None:
        """Return the dialect's own ping; ``None``: a WebSocket ping is used."""

    def answer(self, message: bytes) -> str | None:
        """Return what must be said back to *message* (a server's own ping); ``None`` almost always."""

    def route(self, message: bytes) -> str | Control:
        """Say whose *message* is: the key of a channel, or a control message.

        Raises:
            ItemRejected: It cannot be understood.
        """


@dataclass(frozen=True, slots=True)
class WsFacts:
    """What an exchange promises and demands of one group of WebSocket addresses, with its documentation as source.

    Attributes:
        max_channels: Subscriptions per socket.
        max_keys_per_message: Subscriptions per control message.
        control_per_s: Messages a client may send per second.
        connects_per_window: ``(number, seconds)`` of new connections per address of ours.
        lifetime_s: Age at which the exchange closes a socket; ``None``: not stated.
        compression: Whether the exchange offers permessage-deflate.
        acknowledges: Whether a subscribe is answered at all.
        duplicates_allowed: Whether subscribing twice on two sockets is harmless (needed for rotation).
    """

    max_channels: int = 200
    max_keys_per_message: int = 100
    control_per_s: float = 5.0
    connects_per_window: tuple[int, float] = (300, 300.0)
    lifetime_s: float | None = 86_400.0
    compression: bool = False
    acknowledges: bool = True
    duplicates_allowed: bool = True
    max_message_bytes: int = 16 * 1024 * 1024
