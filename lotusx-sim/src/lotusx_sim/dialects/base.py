"""What the venues of most exchanges have in common: one state, one hub of streams, connections, one clock."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import msgspec

from lotusx_sim.dialects.background import Background
from lotusx_sim.dialects.market_capture import read_market
from lotusx_sim.engine.exchange import Exchange
from lotusx_sim.engine.feed import Population
from lotusx_sim.engine.recorded_market import MarketCapture, RecordedMarket
from lotusx_sim.venue import Outbox, WsPeer
from lotusx_sim.wire import HttpRequest, HttpResponse


class Bans(Protocol):
    """The limits of a venue, as far as every venue has them."""

    def ban_everyone(self, until_ns: int) -> None: ...


class State(Protocol):
    """The exchange behind every surface of a venue."""

    exchange: Exchange
    population: Population
    now_ns: int  # of what is being done
    visibility_delay_ns: int

    @property
    def limits(self) -> Bans: ...


class Hub(Protocol):
    """What feeds the streams."""

    def next_due_ns(self) -> int | None: ...


class Peer(WsPeer, Protocol):
    """The venue's end of a WebSocket, as the venue itself sees it."""

    def end(self, code: int, reason: str) -> None: ...

    def drop(self) -> None: ...


S = TypeVar("S", bound=State)
H = TypeVar("H", bound=Hub)
P = TypeVar("P", bound=Peer)
W = TypeVar("W", bound=WsPeer)
W_contra = TypeVar("W_contra", bound=WsPeer, contravariant=True)


class DialectVenue(Generic[S, H, P]):
    """A venue but for its own: what the methods without a body here must say.

    Args:
        seed: Decides when somebody in the background trades.
        actions_per_s: How often, on average; 0 leaves a fixed book.
        capture: A recording to play in the market that it is of, from the first message of a WebSocket client on.
        speed: How much faster than it was recorded.

    Raises:
        ValueError: *capture* cannot be played.
    """

    def __init__(
        self, *, seed: int, actions_per_s: int, capture: Path | MarketCapture | None = None, speed: float = 1.0
    ) -> None:
        recording = read_market(capture) if isinstance(capture, Path) else capture
        recorded = None if recording is None else RecordedMarket(recording, speed)
        self._background = Background(seed=seed, actions_per_s=actions_per_s, recorded=recorded)
        self._state: S | None = None
        self._hub: H | None = None
        self._peers: dict[P, None] = {}  # oldest first

    # -- for the exchange's own venue ----------------------------------------------------------------------------

    def _begin(self, now_ns: int) -> tuple[S, H]:
        """Return what the venue starts with."""
        raise NotImplementedError

    def _respond(self, request: HttpRequest, now_ns: int, client_ip: str) -> HttpResponse:
        raise NotImplementedError

    def _open(self, target: str, out: Outbox, client_ip: str, now_ns: int) -> P | HttpResponse:
        """Return what speaks on a new WebSocket, or the refusal of its handshake."""
        raise NotImplementedError

    def _own_dues_ns(self) -> Sequence[int | None]:
        """Return when something is due next by the venue's own clocks."""
        raise NotImplementedError

    def _do(self, due_ns: int) -> None:
        """Let everything happen that is due at *due_ns*, by whichever clock."""
        raise NotImplementedError

    def _reads_private_streams(self, peer: P) -> bool:
        raise NotImplementedError

    def flush(self, now_ns: int) -> None:
        raise NotImplementedError

    def account_of(self, account: str | None) -> str:
        raise NotImplementedError

    # -- life ----------------------------------------------------------------------------------------------------

    def start(self, now_ns: int) -> None:
        if self._state is not None:
            return
        self._state, self._hub = self._begin(now_ns)
        self._background.settle_in(self.population, self.exchange, now_ns)
        self.flush(now_ns)
        self._background.begin(now_ns)

    @property
    def state(self) -> S:
        if self._state is None:
            raise RuntimeError("the venue has not been started")
        return self._state

    @property
    def hub(self) -> H:
        assert self._hub is not None
        return self._hub

    @property
    def exchange(self) -> Exchange:
        return self.state.exchange

    @property
    def population(self) -> Population:
        return self.state.population

    # -- bytes in, bytes out -------------------------------------------------------------------------------------

    def http(self, request: HttpRequest, *, now_ns: int, client_ip: str) -> HttpResponse:
        self.catch_up(now_ns)
        response = self._respond(request, now_ns, client_ip)
        self.flush(now_ns)
        return response

    def open_ws(
        self, target: str, headers: tuple[tuple[str, str], ...], *, now_ns: int, client_ip: str, out: Outbox
    ) -> WsPeer | HttpResponse:
        del headers
        self.advance(now_ns)
        peer = self._open(target, out, client_ip, now_ns)
        if isinstance(peer, HttpResponse):
            return peer
        self._peers[peer] = None
        return Flushing(self, peer, self.heard)

    def forget(self, peer: P) -> None:
        self._peers.pop(peer, None)

    def _end(self, peers: Iterable[P], code: int, reason: str) -> None:
        for peer in list(peers):
            self.forget(peer)
            peer.end(code, reason)

    # -- the clock -----------------------------------------------------------------------------------------------

    def next_due_ns(self) -> int | None:
        due = (self._background.due_ns, self.hub.next_due_ns(), *self._own_dues_ns())
        return min((ns for ns in due if ns is not None), default=None)

    def advance(self, now_ns: int) -> None:
        self._background.skip(now_ns)
        while (due_ns := self.next_due_ns()) is not None and due_ns <= now_ns:
            self._do(due_ns)

    def heard(self, now_ns: int) -> None:
        """Somebody has said something on a WebSocket."""
        if self._background.recorded is not None:
            self._background.recorded.begin(now_ns)

    def catch_up(self, now_ns: int) -> None:
        """Let everything happen that is due, then let it be *now_ns*."""
        self.advance(now_ns)
        self.state.now_ns = now_ns

    # -- what tests and faults reach for -------------------------------------------------------------------------

    def name_of(self, request: HttpRequest) -> str:
        return request.path

    def is_request(self, target: str, text: str) -> bool:
        del target, text
        return True

    def set_quiet(self, quiet: bool, now_ns: int) -> None:
        self._background.set_quiet(quiet, now_ns)

    def wallets_of(self, account: str | None) -> tuple[str, ...]:
        return (self.account_of(account),)

    def set_visibility_delay(self, delay_ns: int) -> None:
        self.state.visibility_delay_ns = delay_ns

    def ban(self, until_ns: int) -> None:
        self.state.limits.ban_everyone(until_ns)

    def expire_user_streams(self, now_ns: int) -> None:
        """Cut sockets that read private streams: at these venues, nothing lapses while its socket lives."""
        del now_ns
        for peer in [peer for peer in self._peers if self._reads_private_streams(peer)]:
            self.forget(peer)
            peer.drop()

    def announce_shutdown(self, now_ns: int) -> None:
        """Say goodbye to all connections: a close frame is all the warning there is."""
        del now_ns
        self._end(self._peers, 1001, "")


class Receiving(Protocol[W_contra]):
    """A venue, as those who bring it messages see it."""

    def catch_up(self, now_ns: int) -> None: ...

    def flush(self, now_ns: int) -> None: ...

    def forget(self, peer: W_contra) -> None: ...


class Flushing(Generic[W]):
    """Passes messages on to a peer, and lets the venue send out what they caused before the next is read."""

    def __init__(self, venue: Receiving[W], peer: W, heard: Callable[[int], None] | None = None) -> None:
        self._venue = venue
        self._peer = peer
        self._heard = heard

    def receive(self, text: str, now_ns: int) -> None:
        self._venue.catch_up(now_ns)
        self._peer.receive(text, now_ns)
        self._venue.flush(now_ns)
        if self._heard is not None:
            self._heard(now_ns)

    def pinged(self, now_ns: int) -> None:
        self._peer.pinged(now_ns)

    def closed(self, now_ns: int) -> None:
        self._peer.closed(now_ns)
        self._venue.forget(self._peer)


def next_multiple_ns(now_ns: int, every_ns: int) -> int:
    """Return the first moment after *now_ns* at which something happens that happens every *every_ns*."""
    return (now_ns // every_ns + 1) * every_ns


def decoded(text: bytes | str) -> Any:
    """Return the JSON that a client sent, for its name; None: it is none."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def query_of(request: HttpRequest) -> Mapping[str, str]:
    """Return the parameters of a query that has no need of escapes."""
    return dict(part.partition("=")[::2] for part in request.query.split("&"))
