"""What crosses the seams: what the venue is asked and says before any fault, what the client is handed after them."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, cast

from lotusx.kernel.transport import WsConnection, WsHandler, WsTransport
from lotusx_sim.venue import Outbox, Venue, WsPeer
from lotusx_sim.wire import HttpRequest, HttpResponse
from rig.exchange import UnderTest, WireOrder

_SAID_KEPT = 60


class Gate:
    """Faults of the control channel of WebSockets, which the simulator's own faults do not reach.

    Attributes:
        swallow: So many replies will not be delivered; ``double``: so many come twice.
        on_control: Called after every message of a client.
        on_message: Called with the topic of every message of a channel, once it has been sent.
    """

    def __init__(self) -> None:
        self.swallow = 0
        self.double = 0
        self.on_control: Callable[[], None] | None = None
        self.on_message: Callable[[str], None] | None = None

    def open(self) -> None:
        """Let everything pass again."""
        self.swallow = self.double = 0
        self.on_control = self.on_message = None

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


class WatchedVenue:
    """A venue that notes what it is asked and what it says.

    Attributes:
        said: The last messages of the account.
        refused_stamps: When it refused a request for its stamp, in its own time.
        nonces: Of what it was sent, in the order of arrival.
    """

    def __init__(self, exchange: UnderTest, gate: Gate) -> None:
        self.orders: list[WireOrder] = []
        self.said: deque[Said] = deque(maxlen=_SAID_KEPT)
        self.refused_stamps: list[int] = []
        self.nonces: list[int] = []
        self._exchange = exchange
        self._inner = exchange.venue
        self._gate = gate

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def as_venue(self) -> Venue:
        """Return itself, as the simulator takes it."""
        return cast("Venue", self)

    def http(self, request: HttpRequest, *, now_ns: int, client_ip: str) -> HttpResponse:
        self.orders += self._exchange.orders_in(request)
        self.nonces += self._exchange.nonces_in(request.body)
        response = self._inner.http(request, now_ns=now_ns, client_ip=client_ip)
        self._look_for_refusal(response.body.decode("utf-8", "replace"), now_ns)
        return response

    def open_ws(
        self, target: str, headers: tuple[tuple[str, str], ...], *, now_ns: int, client_ip: str, out: Outbox
    ) -> WsPeer | HttpResponse:
        def send(text: str, topic: str) -> None:
            self._exchange.saw_message(text, topic)
            if fnmatchcase(topic, self._exchange.user_topic):
                self.said.append(Said(text, topic, out.send))
            elif not topic:
                self._look_for_refusal(text, now_ns)
            for _ in range(self._gate.times(topic)):
                out.send(text, topic)
            if topic and self._gate.on_message is not None:
                self._gate.on_message(topic)

        watched = replace(out, send=send)
        peer = self._inner.open_ws(target, headers, now_ns=now_ns, client_ip=client_ip, out=watched)
        return peer if isinstance(peer, HttpResponse) else _WatchedPeer(peer, self)

    def _look_for_refusal(self, text: str, now_ns: int) -> None:
        if any(part in text for part in self._exchange.stamp_refused):
            self.refused_stamps.append(now_ns)

    def heard(self, text: str) -> None:
        """Take note of a message of a client."""
        self.orders += self._exchange.orders_in_message(text)
        self.nonces += self._exchange.nonces_in(text.encode())
        if self._gate.on_control is not None:
            self._gate.on_control()


class _WatchedPeer:
    def __init__(self, inner: WsPeer, venue: WatchedVenue) -> None:
        self._inner = inner
        self._venue = venue

    def receive(self, text: str, now_ns: int) -> None:
        self._inner.receive(text, now_ns)
        self._venue.heard(text)

    def pinged(self, now_ns: int) -> None:
        self._inner.pinged(now_ns)

    def closed(self, now_ns: int) -> None:
        self._inner.closed(now_ns)


class WatchedWs:
    """A transport that counts the events it hands over, by channel, and calls *after_turn* once they were taken."""

    def __init__(self, inner: WsTransport, exchange: UnderTest, after_turn: Callable[[], None]) -> None:
        self.events: Counter[str] = Counter()
        self._inner = inner
        self._exchange = exchange
        self._after_turn = after_turn

    async def connect(self, url: str, handler: WsHandler, **settings: Any) -> WsConnection:
        """See `lotusx.kernel.transport.WsTransport`."""
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
