"""What a shell, the fault plan and the tests see of any simulated venue. All of it is pure: time comes in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from lotusx_sim.engine.exchange import Exchange
from lotusx_sim.engine.feed import Population
from lotusx_sim.wire import HttpRequest, HttpResponse


@dataclass(frozen=True, slots=True)
class Outbox:
    """How a venue speaks on one WebSocket.

    ``send(text, topic)``: *topic* names the stream a message belongs to, such as ``btcusdt@trade``; ``user`` for
    private events, "" for replies. ``close(code, reason)`` says goodbye, ``drop("fin")`` ends the socket without.
    """

    send: Callable[[str, str], None]
    close: Callable[[int, str], None]
    drop: Callable[[str], None]


class WsPeer(Protocol):
    """The venue's end of one WebSocket."""

    def receive(self, text: str, now_ns: int) -> None:
        """Take one text message."""

    def pinged(self, now_ns: int) -> None:
        """Take note of a ping or pong frame; some venues count them."""

    def closed(self, now_ns: int) -> None:
        """Forget the connection."""


class Venue(Protocol):
    """One simulated venue, between bytes and engine."""

    name: str
    pings_clients: bool  # whether the venue's servers send ping frames, every 20 seconds
    compresses: bool  # whether they take permessage-deflate

    def start(self, now_ns: int) -> None:
        """Open for business; the first call counts."""

    def http(self, request: HttpRequest, *, now_ns: int, client_ip: str) -> HttpResponse:
        """Answer one HTTP request."""

    def open_ws(
        self, target: str, headers: tuple[tuple[str, str], ...], *, now_ns: int, client_ip: str, out: Outbox
    ) -> WsPeer | HttpResponse:
        """Accept a WebSocket, or answer its handshake with an HTTP response."""

    def next_due_ns(self) -> int | None:
        """Return when something happens next by itself; None: nothing will."""

    def advance(self, now_ns: int) -> None:
        """Let everything happen that is due."""

    def flush(self, now_ns: int) -> None:
        """Send out what engine commands from outside have caused."""

    # what tests and faults reach for

    @property
    def exchange(self) -> Exchange: ...

    @property
    def population(self) -> Population: ...

    def name_of(self, request: HttpRequest) -> str:
        """Return what faults and counters call a request: its path, where that tells requests apart."""

    def name_of_ws(self, target: str, text: str) -> str:
        """Return what faults and counters call a message from a client."""

    def is_request(self, target: str, text: str) -> bool:
        """Tell whether a message from a client is a request that faults of requests may hit."""

    def snapshot_symbol(self, request: HttpRequest) -> str | None:
        """Return the market whose book a request asks for; None: it asks for something else."""

    def set_quiet(self, quiet: bool, now_ns: int) -> None:
        """Stop or start the background trading."""

    def account_of(self, account: str | None) -> str:
        """Return the engine's name of *account*, of the first configured one by default.

        Raises:
            KeyError: There is no such account.
        """

    def wallets_of(self, account: str | None) -> tuple[str, ...]:
        """Return all engine accounts that belong to *account*; one, unless the venue keeps money apart."""

    def set_visibility_delay(self, delay_ns: int) -> None:
        """Hide new orders from queries for a while."""

    def ban(self, until_ns: int) -> None:
        """Ban every client address."""

    def expire_user_streams(self, now_ns: int) -> None:
        """End every private subscription, as the venue does when a key or token lapses."""

    def announce_shutdown(self, now_ns: int) -> None:
        """Tell all connections that the server is about to go away."""

    def depth_topic(self, symbol: str) -> str:
        """Return the glob of the topics that carry book changes of *symbol*."""

    def cross(self, symbol: str, text: str) -> str:
        """Return a book message with a level that crosses the other side."""

    def ws_reply(self, request: str, response: HttpResponse, now_ns: int) -> str:
        """Return *response* in the form in which the venue answers *request* over a WebSocket."""

    def backend_timeout(self) -> HttpResponse:
        """Return the reply that leaves open whether a command was executed."""

    def rate_limited(self, retry_after: str | None) -> HttpResponse:
        """Return the reply to a client that asked too much."""
