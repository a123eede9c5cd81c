"""What crosses the seams: what the venue is asked and says before any fault, what the client is handed after them."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import partial
from typing import Any, cast

import anyio

from lotusx.kernel.transport import WsConnection, WsHandler, WsTransport
from lotusx_sim.venue import Outbox, Venue, WsPeer
from lotusx_sim.wire import HttpRequest, HttpResponse
from rig.exchange import UnderTest, WireOrder

_SAID_KEPT = 60


class Gate:
    """Faults of the control channel of WebSockets, which the simulator's own faults do not reach.

    Attributes:
        swallow: So many replies will not be delivered; ``double``: so many come twice.
        goodbye: Code with which a new connection is closed as soon as it is open.
        muted: Keys of channels that are served no longer, though they were acknowledged.
        sockets: How many have been opened. ``mute_until``: those up to this number bring nothing of the account.
        scatter: Returns, by topic, how late each copy of a message comes; ``None``: it goes out as it is.
        spoil: Returns what goes out in place of a message with a topic.
        whose: Returns the key of the channel that a message belongs to, as the client reads it.
        on_control: Called after every message of a client.
        on_message: Called with the topic of every message of a channel, once it has been sent.
    """

    def __init__(self) -> None:
        self.swallow = 0
        self.double = 0
        self.goodbye: int | None = None
        self.muted: frozenset[str] = frozenset()
        self.sockets = self.mute_until = 0
        self.scatter: Callable[[str], Sequence[float] | None] | None = None
        self.spoil: Callable[[str, str], str] | None = None
        self.whose: Callable[[bytes], str | None] = lambda message: None
        self.on_control: Callable[[], None] | None = None
        self.on_message: Callable[[str], None] | None = None

    def open(self) -> None:
        """Let everything pass again."""
        self.swallow = self.double = 0
        self.goodbye = None
        self.muted = frozenset()
        self.mute_until = 0
        self.scatter = self.spoil = None
        self.on_control = self.on_message = None

    def is_muted(self, text: str) -> bool:
        """Whether a message is of a channel that is served no longer."""
        return bool(self.muted) and self.whose(text.encode()) in self.muted

    def times(self, topic: str) -> int:
        """Return how often a message of *topic* goes out."""
        if topic:
            return 1
        if self.swallow:
            self.swallow -= 1
            return 0
        if self.double:
            self.double -= 1
            return 2
        return 1


@dataclass(frozen=True, slots=True)
class Said:
    """A message of the account, as it went out on one connection."""

    text: str
    topic: str
    send: Callable[[str, str], None]

    def again(self) -> None:
        """Send it once more, where that connection still is."""
        self.send(self.text, self.topic)


def _not_yet(delay_s: float, action: Callable[[], None]) -> None:
    raise RuntimeError("the simulator of this venue is not made yet")


class WatchedVenue:
    """A venue that notes what it is asked and what it says.

    Attributes:
        said: The last messages of the account.
        fruitless: Client order ids of requests that made no order, where there was none before: they may come again.
        refused_stamps: When it refused a request for its stamp, in virtual time.
        nonces: Of what it was sent, in the order of arrival.
    """

    def __init__(self, exchange: UnderTest, gate: Gate) -> None:
        self.orders: list[WireOrder] = []
        self.later: Callable[[float, Callable[[], None]], None] = _not_yet
        self.said: deque[Said] = deque(maxlen=_SAID_KEPT)
        self.fruitless: Counter[str] = Counter()
        self.refused_stamps: list[int] = []
        self.nonces: list[int] = []
        self._exchange = exchange
        self._inner = exchange.venue
        self._gate = gate
        self.start, self.advance = self._inner.start, self._inner.advance  # a hundred thousand calls in a run
        self.next_due_ns, self.flush = self._inner.next_due_ns, self._inner.flush

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def as_venue(self) -> Venue:
        """Return itself, as the simulator takes it."""
        return cast("Venue", self)

    def http(self, request: HttpRequest, *, now_ns: int, client_ip: str) -> HttpResponse:
        self.nonces += self._exchange.nonces_in(request.body)
        with self._orders_arrive(self._exchange.orders_in(request)):
            response = self._inner.http(request, now_ns=now_ns, client_ip=client_ip)
        self._look_for_refusal(response.body.decode("utf-8", "replace"))
        return response

    def open_ws(
        self, target: str, headers: tuple[tuple[str, str], ...], *, now_ns: int, client_ip: str, out: Outbox
    ) -> WsPeer | HttpResponse:
        gate = self._gate
        gate.sockets = number = gate.sockets + 1

        def send(text: str, topic: str) -> None:
            self._exchange.saw_message(text, topic)
            if topic and gate.is_muted(text):
                return
            if number <= gate.mute_until and fnmatchcase(topic, self._exchange.user_topic):
                return
            if topic and self._gate.spoil is not None:
                text = self._gate.spoil(text, topic)
            copies = self._gate.scatter(topic) if topic and self._gate.scatter is not None else None
            if copies is not None:
                for late_s in copies:
                    self.later(late_s, partial(out.send, text, topic))
                return
            if fnmatchcase(topic, self._exchange.user_topic):
                self.said.append(Said(text, topic, out.send))
            elif not topic:
                self._look_for_refusal(text)
            for _ in range(self._gate.times(topic)):
                out.send(text, topic)
            if topic and self._gate.on_message is not None:
                self._gate.on_message(topic)

        watched = replace(out, send=send)
        peer = self._inner.open_ws(target, headers, now_ns=now_ns, client_ip=client_ip, out=watched)
        if isinstance(peer, HttpResponse):
            return peer
        if self._gate.goodbye is not None:
            self.later(0.0, partial(out.close, self._gate.goodbye, "too many requests"))
        return _WatchedPeer(peer, self)

    @contextmanager
    def _orders_arrive(self, orders: list[WireOrder]) -> Iterator[None]:
        self.orders += orders
        before = len(self._inner.exchange.orders) if orders else 0
        yield
        if orders and len(self._inner.exchange.orders) == before:
            known = {order.client_id for order in self._inner.exchange.orders.values()}
            self.fruitless.update(order.client_order_id for order in orders if order.client_order_id not in known)

    @contextmanager
    def hears(self, text: str) -> Iterator[None]:
        """Take note of a message of a client, around what the venue does about it."""
        self.nonces += self._exchange.nonces_in(text.encode())
        with self._orders_arrive(self._exchange.orders_in_message(text)):
            yield
        if self._gate.on_control is not None:
            self._gate.on_control()

    def _look_for_refusal(self, text: str) -> None:
        if any(part in text for part in self._exchange.stamp_refused):
            self.refused_stamps.append(round(anyio.current_time() * 1e9))


class _WatchedPeer:
    def __init__(self, inner: WsPeer, venue: WatchedVenue) -> None:
        self._inner = inner
        self._venue = venue

    def receive(self, text: str, now_ns: int) -> None:
        with self._venue.hears(text):
            self._inner.receive(text, now_ns)

    def pinged(self, now_ns: int) -> None:
        self._inner.pinged(now_ns)

    def closed(self, now_ns: int) -> None:
        self._inner.closed(now_ns)


class WatchedWs:
    """A transport that counts the events it hands over, by channel, and calls *after_turn* once they were taken.

    Attributes:
        attempts: When it was asked to connect, in virtual seconds.
    """

    def __init__(self, inner: WsTransport, exchange: UnderTest, after_turn: Callable[[], None]) -> None:
        self.events: Counter[str] = Counter()
        self.attempts: list[float] = []
        self._inner = inner
        self._exchange = exchange
        self._after_turn = after_turn

    async def connect(self, url: str, handler: WsHandler, **settings: Any) -> WsConnection:
        """See `lotusx.kernel.transport.WsTransport`."""
        self.attempts.append(anyio.current_time())
        return await self._inner.connect(url, _Counting(handler, self), **settings)

    async def aclose(self) -> None:
        """Nothing is held."""

    def count(self, messages: list[bytes]) -> None:
        for message in messages:
            found = self._exchange.events_in(message)
            if found is not None:
                self.events[found[0]] += found[1]

    def taken(self) -> None:
        self._after_turn()


class _Counting:
    def __init__(self, inner: WsHandler, transport: WatchedWs) -> None:
        self._inner = inner
        self._transport = transport

    def on_messages(self, messages: list[bytes], received_ns: int) -> None:
        self._transport.count(messages)
        self._inner.on_messages(messages, received_ns)
        self._transport.taken()
