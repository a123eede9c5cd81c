"""OKX, simulated: composes state, HTTP, WebSockets and streams, and runs their clocks."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from lotusx_sim.dialects.base import DialectVenue, decoded, query_of
from lotusx_sim.dialects.okx import rest, trading
from lotusx_sim.dialects.okx.listings import LISTINGS, Listing
from lotusx_sim.dialects.okx.signing import DEFAULT_KEY, OkxKey
from lotusx_sim.dialects.okx.state import VenueState
from lotusx_sim.dialects.okx.streams import BOOKS, Hub
from lotusx_sim.dialects.okx.telling import settle, tell
from lotusx_sim.dialects.okx.text import plain
from lotusx_sim.dialects.okx.ws import GROUPS, IDLE_CODE, IDLE_NS, IDLE_TEXT, Peer
from lotusx_sim.venue import Outbox
from lotusx_sim.wire import HttpRequest, HttpResponse

_PATHS = {f"/ws/v5/{group}": group for group in GROUPS}
_FUNDING_NS = 3_600_000_000_000


class Okx(DialectVenue[VenueState, Hub, Peer]):
    """One simulated OKX: spot and linear swaps on one trading account. Its engine calls a market by its ``instId``.

    Not simulated: isolated margin, algo orders, order entry by WebSocket, regular pushes of the private channels.

    Args:
        seed: Decides everything that is not decided by requests.
        keys: Who may ask what; the account of the first one is what the ledger shows by default.
        balances: What each account starts with, by account and currency; `DEFAULT_BALANCES` for those not named.
        listings: What it lists.
        level: The account mode: 1 spot, 2 futures, 3 multi-currency margin, 4 portfolio margin.
        actions_per_s: How busy the background population is; 0 leaves a fixed book.
        pace: What the cadences of channels are multiplied by: 0.1 is ten times as fast as the venue.
        deadline_pace: What the deadlines of cancel-all-after are multiplied by.

    Raises:
        ValueError: No key, or an unknown level.
    """

    name = "okx"
    pings_clients = False
    compresses = False

    def __init__(
        self,
        *,
        seed: int = 1,
        keys: Sequence[OkxKey] = (DEFAULT_KEY,),
        balances: Mapping[str, Mapping[str, Decimal]] | None = None,
        listings: Sequence[Listing] = LISTINGS,
        level: str = "2",
        actions_per_s: int = 40,
        pace: float = 1.0,
        deadline_pace: float = 1.0,
    ) -> None:
        if not keys:
            raise ValueError("a venue needs an API key")
        if level not in ("1", "2", "3", "4"):
            raise ValueError(f"level must be 1, 2, 3 or 4, not {level!r}")
        super().__init__(seed=seed, actions_per_s=actions_per_s)
        self._seed, self._keys, self._listings, self._level = seed, tuple(keys), tuple(listings), level
        self._balances = balances or {}
        self._pace, self._deadline_pace = pace, deadline_pace
        self._sockets = 0
        self._next_hour_ns = 0

    # -- for the base --------------------------------------------------------------------------------------------

    def _begin(self, now_ns: int) -> tuple[VenueState, Hub]:
        state = VenueState(
            seed=self._seed, keys=self._keys, balances=self._balances, listings=self._listings, level=self._level,
            deadline_pace=self._deadline_pace, now_ns=now_ns,
        )  # fmt: skip
        self._next_hour_ns = (now_ns // _FUNDING_NS + 1) * _FUNDING_NS
        return state, Hub(state, self._pace)

    def _respond(self, request: HttpRequest, now_ns: int, client_ip: str) -> HttpResponse:
        return rest.respond(self.state, self.hub, request, now_ns, client_ip)

    def _open(self, target: str, out: Outbox, client_ip: str, now_ns: int) -> Peer | HttpResponse:
        group = _PATHS.get(target.partition("?")[0].rstrip("/"))
        if group is None:
            return HttpResponse(404)
        if not self.state.limits.may_connect(client_ip, now_ns):
            return HttpResponse(429)
        self._sockets += 1
        return Peer(self.state, self.hub, group, out, number=self._sockets, opened_ns=now_ns)

    def _reads_private_streams(self, peer: Peer) -> bool:
        return peer.group == "private"

    # -- the clock -----------------------------------------------------------------------------------------------

    def _own_dues_ns(self) -> Sequence[int | None]:
        deadlines = [user.cancel_all_ns for user in self.state.users.values()]
        return (self._next_hour_ns, *deadlines, *(peer.heard_ns + IDLE_NS for peer in self._peers))

    def _do(self, due_ns: int) -> None:
        state = self.state
        state.now_ns = due_ns
        for user in state.users.values():
            if user.cancel_all_ns is not None and user.cancel_all_ns <= due_ns:
                user.cancel_all_ns = None
                trading.cancel_everything(state, user.account, due_ns)
        self._background.act(self.population, due_ns)
        if self._next_hour_ns <= due_ns:
            settle(state, self._next_hour_ns)
            self._next_hour_ns += _FUNDING_NS
        self.flush(due_ns)
        self.hub.tick(due_ns)
        self._end([peer for peer in self._peers if peer.heard_ns + IDLE_NS <= due_ns], IDLE_CODE, IDLE_TEXT)

    def flush(self, now_ns: int) -> None:
        self.state.now_ns = now_ns
        tell(self.state, self.hub, self._peers, now_ns)

    # -- what tests and faults reach for -------------------------------------------------------------------------

    def restart_numbers(self, symbol: str) -> None:
        """Begin to count the changes of a book anew, as after maintenance."""
        self.hub.restart_numbers(self.state.by_name[symbol])

    def name_of_ws(self, target: str, text: str) -> str:
        """Return a message's ``op``, such as ``subscribe``; ``ping`` for a ping."""
        del target
        message = decoded(text)
        return str(message.get("op", "?")) if isinstance(message, Mapping) else text

    def snapshot_symbol(self, request: HttpRequest) -> str | None:
        return query_of(request).get("instId") if request.path == "/api/v5/market/books" else None

    def account_of(self, account: str | None) -> str:
        if account is None:
            return self._keys[0].account
        if account not in self.state.users:
            raise KeyError(account)
        return account

    def announce_shutdown(self, now_ns: int) -> None:
        """Warn all connections of the service upgrade that will close them."""
        del now_ns
        for peer in self._peers:
            peer.warn()

    def depth_topic(self, symbol: str) -> str:
        return f"{BOOKS}:{symbol}"

    def cross(self, symbol: str, text: str) -> str:
        message: dict[str, Any] = msgspec.json.decode(text)
        listing = self.state.by_name[symbol]
        best = self.exchange.books[symbol].best_ask()
        if best is not None:
            price = plain(best + listing.tick)
            message["data"][0]["bids"].insert(0, [price, listing.wire(listing.step), "0", "1"])
        return msgspec.json.encode(message).decode()

    def ws_reply(self, request: str, response: HttpResponse, now_ns: int) -> str:
        """Return the error that a message is answered with: there is no order entry by WebSocket."""
        del request, now_ns
        said = decoded(response.body)
        text = str(said.get("msg", "")) if isinstance(said, Mapping) else ""
        return msgspec.json.encode({"event": "error", "code": "64007", "msg": text, "connId": "0"}).decode()

    def backend_timeout(self) -> HttpResponse:
        text = "API endpoint request timeout. (does not mean that the request was successful or failed)"
        return rest.envelope([], code="50004", message=text, status=400)

    def rate_limited(self, retry_after: str | None) -> HttpResponse:
        """Return what the venue says to who asks too much; it names no time, unless a test wants one."""
        response = rest.envelope([], code="50011", message="Too Many Requests", status=429)
        return response if retry_after is None else response.with_headers((("retry-after", retry_after),))
