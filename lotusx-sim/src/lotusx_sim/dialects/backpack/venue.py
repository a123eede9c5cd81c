"""Backpack, simulated: composes state, HTTP and streams, and runs their clocks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from lotusx_sim.dialects.backpack import rest
from lotusx_sim.dialects.backpack.errors import JSON, VenueError, too_many
from lotusx_sim.dialects.backpack.limits import LimitRules
from lotusx_sim.dialects.backpack.listings import BY_SYMBOL, FUNDING_MS
from lotusx_sim.dialects.backpack.private_news import news_of
from lotusx_sim.dialects.backpack.recording import record, settle_funding
from lotusx_sim.dialects.backpack.signing import DEFAULT_KEY, Key, require_libraries
from lotusx_sim.dialects.backpack.state import PERP_FEES, SPOT_FEES, Options, VenueState
from lotusx_sim.dialects.backpack.streams import Hub
from lotusx_sim.dialects.backpack.text import NS_PER_MS, padded
from lotusx_sim.dialects.backpack.ws import Peer
from lotusx_sim.dialects.base import DialectVenue, decoded, next_multiple_ns, query_of
from lotusx_sim.engine.events import Event
from lotusx_sim.engine.terms import Fees
from lotusx_sim.venue import Outbox
from lotusx_sim.wire import HttpRequest, HttpResponse

_FUNDING_NS = FUNDING_MS * NS_PER_MS


class Backpack(DialectVenue[VenueState, Hub, Peer]):
    """One simulated Backpack: spot and perpetuals on one cross-margined account.

    Args:
        seed: Decides everything that is not decided by requests.
        keys: Who may ask what; the account of the first one is what the ledger shows by default.
        balances: What each account starts with, by account and asset; `DEFAULT_BALANCES` for those not named.
        lent: What each account has lent besides, likewise; nothing for those not named.
        rules: The venue's limits.
        cancel_delay_ms: How long after its answer a cancel is carried out. 0: at once, and the answer has the order;
            above, it is 202 without one.
        history_lag_ms: How far the histories lag behind.
        new_id_when_triggered: Whether a triggered order goes on under a new id, which other clients' samples show.
        client_id_when_triggered: Whether it keeps its client id then, which is not documented.
        post_only_expires: Whether a post-only order that would take is answered as one that has expired, with 200 and
            without a reason, rather than refused: other clients know both.
        actions_per_s: How busy the background population is; 0 leaves a fixed book.
        pace: What the cadences of streams are multiplied by: 0.1 is ten times as fast as the venue.

    Raises:
        ValueError: No key.
        MissingLibrary: The ``keys`` extra is not installed.
    """

    name = "backpack"
    pings_clients = True
    compresses = True

    def __init__(
        self,
        *,
        seed: int = 1,
        keys: Sequence[Key] = (DEFAULT_KEY,),
        balances: Mapping[str, Mapping[str, Decimal]] | None = None,
        lent: Mapping[str, Mapping[str, Decimal]] | None = None,
        rules: LimitRules | None = None,
        spot_fees: Fees = SPOT_FEES,
        perp_fees: Fees = PERP_FEES,
        cancel_delay_ms: int = 0,
        history_lag_ms: int = 0,
        new_id_when_triggered: bool = True,
        client_id_when_triggered: bool = True,
        post_only_expires: bool = False,
        actions_per_s: int = 40,
        pace: float = 1.0,
    ) -> None:
        if not keys:
            raise ValueError("a venue needs an API key")
        require_libraries()
        super().__init__(seed=seed, actions_per_s=actions_per_s)
        self._options = Options(
            seed=seed, keys=tuple(keys), balances=balances or {}, lent=lent or {}, rules=rules or LimitRules(),
            spot_fees=spot_fees, perp_fees=perp_fees, cancel_delay_ns=cancel_delay_ms * NS_PER_MS,
            history_lag_ns=history_lag_ms * NS_PER_MS, new_id_when_triggered=new_id_when_triggered,
            client_id_when_triggered=client_id_when_triggered, post_only_expires=post_only_expires,
        )  # fmt: skip
        self._pace = pace
        self._next_funding_ns = 0

    # -- for the base --------------------------------------------------------------------------------------------

    def _begin(self, now_ns: int) -> tuple[VenueState, Hub]:
        state = VenueState(self._options, now_ns)
        self._next_funding_ns = next_multiple_ns(now_ns, _FUNDING_NS)
        return state, Hub(state, self._pace)

    def _respond(self, request: HttpRequest, now_ns: int, client_ip: str) -> HttpResponse:
        return rest.respond(self.state, request, now_ns, client_ip)

    def _open(self, target: str, out: Outbox, client_ip: str, now_ns: int) -> Peer | HttpResponse:
        del client_ip, now_ns
        if target.partition("?")[0] not in ("", "/"):
            return HttpResponse(404)
        return Peer(self.state, self.hub, out)

    def _reads_private_streams(self, peer: Peer) -> bool:
        return peer.is_private  # how long a signed subscription lives is not documented

    # -- the clock -----------------------------------------------------------------------------------------------

    def _own_dues_ns(self) -> Sequence[int | None]:
        return (self._next_funding_ns, self.state.commands.next_due_ns())

    def _do(self, due_ns: int) -> None:
        state = self.state
        state.now_ns = due_ns
        state.commands.carry_out(due_ns)
        self._background.act(self.population, due_ns)
        if self._next_funding_ns <= due_ns:
            settle_funding(state, self._next_funding_ns)
            self._next_funding_ns += _FUNDING_NS
        self.flush(due_ns)

    def flush(self, now_ns: int) -> None:
        """Hand on what the engine did: to the record, to the public streams, to those it concerns."""
        state = self.state
        state.now_ns = now_ns
        while events := state.exchange.take_events():
            prints = record(state, events)
            self.hub.happened(events, prints, now_ns)
            self._tell(events, now_ns)
        self.hub.tick(now_ns)

    def _tell(self, events: list[Event], now_ns: int) -> None:
        news = [item for event in events for item in news_of(self.state, event, now_ns)]
        for peer in list(self._peers):
            if peer.is_private:
                for item in news:
                    peer.tell(item)

    # -- what tests and faults reach for -------------------------------------------------------------------------

    def name_of_ws(self, target: str, text: str) -> str:
        """Return a message's method in lower case, such as ``subscribe``."""
        del target
        message = decoded(text)
        return str(message.get("method", "?")).lower() if isinstance(message, dict) else "?"

    def snapshot_symbol(self, request: HttpRequest) -> str | None:
        if request.path != "/api/v1/depth":
            return None
        return query_of(request).get("symbol")

    def account_of(self, account: str | None) -> str:
        if account is None:
            return self._options.keys[0].account
        if account not in self.state.users:
            raise KeyError(account)
        return account

    def depth_topic(self, symbol: str) -> str:
        return f"depth*.{symbol}"

    def cross(self, symbol: str, text: str) -> str:
        message: dict[str, Any] = msgspec.json.decode(text)
        listing = BY_SYMBOL[symbol]
        best = self.exchange.books[symbol].best_ask()
        if best is not None:
            message["data"]["b"].append([padded(best + listing.tick, listing.tick), padded(listing.step, listing.step)])
        return msgspec.json.encode(message).decode()

    def ws_reply(self, request: str, response: HttpResponse, now_ns: int) -> str:
        """Return a scripted answer; the venue itself answers nothing but errors."""
        del request, now_ns
        error = {"code": response.status, "message": response.body.decode("utf-8", "replace")}
        return msgspec.json.encode({"id": None, "error": error}).decode()

    def backend_timeout(self) -> HttpResponse:
        return VenueError("TIMEOUT", "Request timed out", 504).response()

    def rate_limited(self, retry_after: str | None) -> HttpResponse:
        """Return the venue's refusal; it names no time, unless a test wants one."""
        extra = () if retry_after is None else (("retry-after", retry_after),)
        refusal = too_many().response()
        return HttpResponse(refusal.status, (JSON, *extra), refusal.body)
