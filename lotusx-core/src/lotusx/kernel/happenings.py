"""What the kernel tells observers: happenings, as they happen, and measurements, about once a second.

Durations are seconds, counts are totals since the connection was opened, ``error`` is the name of a type or empty.
Numbers ``call`` and ``command`` tie the events of one call together; they are unique in one connection.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from lotusx.kernel.codec import ChannelKind
from lotusx.kernel.ports import Amendment, OrderRef
from lotusx.model.orders import Fill, OrderState
from lotusx.model.symbol import Symbol

if TYPE_CHECKING:
    from lotusx.model.requests import OrderRequest
else:  # it is pydantic's, which a connection for public data need not load
    OrderRequest = Any

# ---------------------------------------------------------------------------------------------------------- requests


class CallStarted(msgspec.Struct, frozen=True):
    """Somebody asks the exchange for something: one or several attempts follow. Told in the caller's task.

    Attributes:
        endpoint: Stable name; of a request over a WebSocket its group's and its own, ``api/order.place``.
        verb: The HTTP method; empty for a request over a WebSocket.
        url: Without its query, which may carry what is nobody's business.
    """

    exchange: str
    endpoint: str
    call: int
    verb: str = ""
    url: str = ""


class CallFinished(msgspec.Struct, frozen=True):
    """It has its answer, or has failed for good. Told in the caller's task."""

    exchange: str
    endpoint: str
    call: int
    elapsed_s: float
    error: str = ""


class RequestFinished(msgspec.Struct, frozen=True):
    """One attempt of a REST request ended; ``status`` 0: no reply."""

    exchange: str
    endpoint: str
    status: int
    elapsed_s: float
    attempt: int
    error: str = ""
    call: int = 0


class RetryScheduled(msgspec.Struct, frozen=True):
    """A read will be tried again."""

    exchange: str
    endpoint: str
    attempt: int
    delay_s: float
    reason: str
    call: int = 0


class BudgetWait(msgspec.Struct, frozen=True):
    """A request waits for the exchange's limits."""

    exchange: str
    endpoint: str
    pool: str
    delay_s: float
    call: int = 0


# ----------------------------------------------------------------------------------------------------------- streams


class SessionChanged(msgspec.Struct, frozen=True):
    """A WebSocket session changed its state (connecting, live, lost, closed, noticed)."""

    exchange: str
    group: str
    session: int
    state: str
    reason: str = ""


class StreamChanged(msgspec.Struct, frozen=True):
    """A subscription changed its state (`StreamState`), or a live book did (``synced``, ``stale``).

    Attributes:
        key: The exchange's name of the channel; of a live book ``book:`` and its symbol.
        kind: What it carries (`ChannelKind`); ``live_book`` for a live book.
    """

    exchange: str
    key: str
    state: str
    reason: str = ""
    kind: str = ""


class ItemDropped(msgspec.Struct, frozen=True):
    """A message, or an item of one, could not be understood; it was counted and dropped."""

    exchange: str
    key: str
    reason: str


# ------------------------------------------------------------------------------------ what the public streams bring
# Told only to observers that have an attribute ``hears_streams``, which is true. Nothing of an account is among it.


class FramesReceived(msgspec.Struct, frozen=True):
    """One read of a socket brought messages of one channel: as they came, in their order, before they are decoded.

    Attributes:
        session: Number of the socket, unique within its group and connection.
        key: The exchange's name of the channel.
        received_ns: Our wall time.
    """

    exchange: str
    group: str
    session: int
    key: str
    kind: ChannelKind
    received_ns: int
    messages: Sequence[bytes]


class FrameSent(msgspec.Struct, frozen=True):
    """A socket that carries nothing of an account is sent a message, its log-in aside."""

    exchange: str
    group: str
    session: int
    sent_ns: int
    text: str


class EventsDelivered(msgspec.Struct, frozen=True):
    """What readers of a channel get, however many they are; repetitions from a second socket are left out already.

    What a reader with `Overflow.BLOCK` gets by a subscription of its own is told besides.
    """

    exchange: str
    group: str
    key: str
    kind: ChannelKind
    events: Sequence[Any]


# ------------------------------------------------------------------------------------------------------------ orders


class OrderRefused(msgspec.Struct, frozen=True):
    """A command broke a rule, or a check vetoed it: nothing was sent. ``reason`` is the error's text."""

    exchange: str
    kind: str
    symbol: Symbol | None
    client_order_id: str
    error: str
    reason: str


class OrderSent(msgspec.Struct, frozen=True):
    """A command is about to be sent; told in the caller's task, before the first byte leaves.

    Attributes:
        kind: ``place``, ``amend``, ``cancel`` or ``cancel_all``.
        symbol: ``None`` where all orders of the account are cancelled.
        client_order_id: Identity of the order; for one placed elsewhere without an id, the exchange's; empty where
            all are cancelled.
        asked_ns: Our wall time.
        request: The order where one is placed; where one is amended, what it would be.
        change: The amendment, where one is made.
        names: The ids by which a cancel or an amendment names the order.
        together: How many commands one call sends; each is told by itself.
    """

    exchange: str
    command: int
    kind: str
    symbol: Symbol | None
    client_order_id: str
    asked_ns: int
    request: OrderRequest | None = None
    change: Amendment | None = None
    names: OrderRef | None = None
    together: int = 1


class OrderAnswered(msgspec.Struct, frozen=True):
    """The call that sent a command ended; told in the caller's task. What became of it follows: `OrderOutcome`."""

    exchange: str
    command: int
    elapsed_s: float
    error: str = ""


class OrderOutcome(msgspec.Struct, frozen=True):
    """An order command ended: ``accepted``, ``rejected`` or ``unknown``, which later evidence may still decide.

    Attributes:
        elapsed_s: Since it was made; of one that an earlier process left behind, since that process made it.
        command: As in `OrderSent`; 0: an earlier process has sent it.
        error: What the exchange said no with.
    """

    exchange: str
    client_order_id: str
    outcome: str
    evidence: tuple[str, ...] = ()
    kind: str = ""
    symbol: Symbol | None = None
    elapsed_s: float = 0.0
    command: int = 0
    error: str = ""


class OrderReported(msgspec.Struct, frozen=True):
    """Something about an order is new, from an answer or a stream: each change once, no order ever backwards."""

    exchange: str
    state: OrderState


class FillReported(msgspec.Struct, frozen=True):
    """A fill is known, each once."""

    exchange: str
    fill: Fill


# ------------------------------------------------------------------------------------------------------ measurements


class TrafficMeasured(msgspec.Struct, frozen=True):
    """What went over the WebSockets of one group so far.

    Attributes:
        direction: ``in`` or ``out``.
        channel: A kind of channel (`ChannelKind`), or ``control``: log-ins, subscriptions, requests, heartbeats.
        size: In bytes of text, after decompression.
    """

    exchange: str
    group: str
    direction: str
    channel: str
    messages: int
    size: int


class StreamMeasured(msgspec.Struct, frozen=True):
    """How one stream of a reader is doing. ``received == delivered + conflated + dropped + rejected + waiting``.

    Attributes:
        kind: What it carries (`ChannelKind`); ``live_account``: what a reader of the account gets of all its channels.
        stream: Number of the stream, unique in one connection.
        lag_s: The longest since the last measurement from the exchange's time in an event to its arrival, by the
            exchange's clock as we know it; below 0 where that is off; ``None``: no event that tells its time.
        delivery_s: The longest since then from the arrival of an event to its reader taking it; sampled.
        closed: Whether this is its last measurement.
    """

    exchange: str
    key: str
    kind: str
    stream: int
    state: str
    received: int
    delivered: int
    conflated: int
    dropped: int
    rejected: int
    waiting: int
    lag_s: float | None = None
    delivery_s: float | None = None
    closed: bool = False


class BookMeasured(msgspec.Struct, frozen=True):
    """How a live book is doing. ``age_s``: since its last update; ``None``: there was none, or it is ``closed``."""

    exchange: str
    symbol: Symbol
    synced: bool
    age_s: float | None
    resyncs: int
    snapshot_requests: int
    closed: bool = False


class BudgetMeasured(msgspec.Struct, frozen=True):
    """How full one of the exchange's limits is.

    Attributes:
        scope: Whose limit it is: ``ip`` or that of the facts.
        blocked_s: For how long nothing that draws on it may be sent; 0: it may.
    """

    exchange: str
    pool: str
    scope: str
    window_s: float
    used: int
    limit: int
    blocked_s: float = 0.0


class ClockMeasured(msgspec.Struct, frozen=True):
    """The exchange's time minus our wall time, and the round trip of that reading: it is off by half of it at most."""

    exchange: str
    offset_s: float
    round_trip_s: float


# -------------------------------------------------------------------------------------------------------- ourselves


class ObserverFailed(msgspec.Struct, frozen=True):
    """An observer raised; ``switched_off``: once too often. The others are told."""

    exchange: str
    observer: str
    error: str
    switched_off: bool


Event = (
    CallStarted
    | CallFinished
    | RequestFinished
    | RetryScheduled
    | BudgetWait
    | SessionChanged
    | StreamChanged
    | ItemDropped
    | FramesReceived
    | FrameSent
    | EventsDelivered
    | OrderRefused
    | OrderSent
    | OrderAnswered
    | OrderOutcome
    | OrderReported
    | FillReported
    | TrafficMeasured
    | StreamMeasured
    | BookMeasured
    | BudgetMeasured
    | ClockMeasured
    | ObserverFailed
)
