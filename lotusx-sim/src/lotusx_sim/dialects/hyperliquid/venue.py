"""Hyperliquid, simulated: composes state, HTTP, WebSocket and streams, and runs their clocks."""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

import msgspec

from lotusx_sim.dialects.hyperliquid import http, ordering
from lotusx_sim.dialects.hyperliquid.accounts import DEFAULT_ACCOUNT, Account, Wallets
from lotusx_sim.dialects.hyperliquid.brackets import react
from lotusx_sim.dialects.hyperliquid.limits import LimitRules
from lotusx_sim.dialects.hyperliquid.market_info import BASE_FUNDING, funding_row
from lotusx_sim.dialects.hyperliquid.numbers import shown
from lotusx_sim.dialects.hyperliquid.signing import MAINNET, TESTNET, require_libraries
from lotusx_sim.dialects.hyperliquid.state import NS_PER_MS, PERP_FEES, SPOT_FEES, Options, Print, VenueState
from lotusx_sim.dialects.hyperliquid.streams import Hub
from lotusx_sim.dialects.hyperliquid.user_events import sort_out
from lotusx_sim.dialects.hyperliquid.ws import SILENCE_NS, Peer, scripted_reply
from lotusx_sim.engine.events import Event
from lotusx_sim.engine.exchange import Exchange
from lotusx_sim.engine.feed import Population
from lotusx_sim.engine.terms import Fees
from lotusx_sim.venue import Outbox, WsPeer
from lotusx_sim.wire import HttpRequest, HttpResponse

_CATCH_UP_NS = 60_000_000_000
_HOUR_NS = 3_600_000_000_000
_DEFAULT_GAP_NS = 100_000_000
_GATEWAY_TIMEOUT = (
    b"<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n"
    b"<body><center><h1>504 Gateway Time-out</h1></center></body>\r\n</html>\r\n"
)


class Hyperliquid:
    """One simulated Hyperliquid: perpetuals, one builder dex, spot.

    Args:
        seed: Decides everything that is not decided by requests.
        accounts: Who may trade; the first one is what the ledger shows by default.
        balances: What each account starts with: by account name or address, then by wallet (``perp``, ``spot``, or
            the name of a builder dex), then by token; `DEFAULT_BALANCES` for those not named.
        network: ``mainnet`` or ``testnet``: which of the two signatures must be made for. ccxt and LotusX sign for
            mainnet unless told otherwise, the official SDK for testnet whenever the address is not the real one.
        rules: The venue's limits.
        actions_per_s: How busy the background population is; 0 leaves a fixed book.
        tells_trigger_ids: Whether the answer to a trigger order names its oid. Sources differ: by one it is the bare
            text ``waitingForTrigger``, by another ``resting``; children of a bracket are never named.
        pace: What the cadences of streams are multiplied by: 0.1 is ten times as fast as the venue.

    Raises:
        MissingLibrary: The extra ``lotusx-sim[hyperliquid]`` is not installed.
        ValueError: No account, or an unknown network.
    """

    name = "hyperliquid"
    pings_clients = False
    compresses = False

    def __init__(
        self,
        *,
        seed: int = 1,
        accounts: Sequence[Account] = (DEFAULT_ACCOUNT,),
        balances: Mapping[str, Wallets] | None = None,
        network: str = MAINNET,
        rules: LimitRules | None = None,
        perp_fees: Fees = PERP_FEES,
        spot_fees: Fees = SPOT_FEES,
        actions_per_s: int = 40,
        tells_trigger_ids: bool = False,
        pace: float = 1.0,
    ) -> None:
        require_libraries()
        if not accounts:
            raise ValueError("a venue needs an account")
        if network not in (MAINNET, TESTNET):
            raise ValueError(f"network must be {MAINNET} or {TESTNET}, not {network!r}")
        self._options = Options(
            seed=seed, network=network, accounts=tuple(accounts), balances=balances or {},
            rules=rules or LimitRules(), perp_fees=perp_fees, spot_fees=spot_fees,
            tells_trigger_ids=tells_trigger_ids,
        )  # fmt: skip
        self._pace = pace
        self._state: VenueState | None = None
        self._hub: Hub | None = None
        self._rng = Random(f"feed clock:{seed}")
        self._gap_ns = 1_000_000_000 // actions_per_s if actions_per_s else 0
        self._next_act_ns: int | None = None
        self._next_hour_ns = 0
        self._peers: dict[Peer, None] = {}

    # -- life ----------------------------------------------------------------------------------------------------

    def start(self, now_ns: int) -> None:
        if self._state is not None:
            return
        self._state = state = VenueState(self._options, now_ns)
        self._hub = Hub(state, self._pace)
        self._next_hour_ns = (now_ns // _HOUR_NS + 1) * _HOUR_NS
        for listing in state.universe.listings:
            if not listing.is_spot:
                state.exchange.perps.set_funding_rate(listing.coin, BASE_FUNDING)
        state.population.settle_in(now_ns)
        self.flush(now_ns)
        if self._gap_ns:
            self._next_act_ns = now_ns + self._gap_ns

    @property
    def state(self) -> VenueState:
        if self._state is None:
            raise RuntimeError("the venue has not been started")
        return self._state

    @property
    def hub(self) -> Hub:
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
        self.advance(now_ns)
        self.state.now_ns = now_ns
        response = http.respond(self.state, request, now_ns, client_ip)
        self.flush(now_ns)
        return response

    def open_ws(
        self, target: str, headers: tuple[tuple[str, str], ...], *, now_ns: int, client_ip: str, out: Outbox
    ) -> WsPeer | HttpResponse:
        del headers
        self.advance(now_ns)
        if target.partition("?")[0].rstrip("/") != "/ws":
            return HttpResponse(404)
        if not self.state.limits.connect(client_ip, now_ns):
            return self.rate_limited(None)
        peer = Peer(self.state, self.hub, out, ip=client_ip, opened_ns=now_ns)
        self._peers[peer] = None
        return _Flushing(self, peer)

    def forget(self, peer: Peer) -> None:
        self._peers.pop(peer, None)

    # -- the clock -----------------------------------------------------------------------------------------------

    def next_due_ns(self) -> int | None:
        due = [self._next_hour_ns]
        if self._next_act_ns is not None:
            due.append(self._next_act_ns)
        if (tick_ns := self.hub.next_due_ns()) is not None:
            due.append(tick_ns)
        due += [peer.spoke_ns + SILENCE_NS for peer in self._peers]
        due += [at_ms * NS_PER_MS for _, at_ms in self._scheduled()]
        return min(due)

    def _scheduled(self) -> list[tuple[str, int]]:
        members = self.state.registry.members.values()
        return [(member.address, member.cancel_at_ms) for member in members if member.cancel_at_ms is not None]

    def advance(self, now_ns: int) -> None:
        if self._next_act_ns is not None and now_ns - self._next_act_ns > _CATCH_UP_NS:
            self._next_act_ns = now_ns - _CATCH_UP_NS
        self.hub.skip_to(now_ns - _CATCH_UP_NS)
        while (due_ns := self.next_due_ns()) is not None and due_ns <= now_ns:
            self._do(due_ns)

    def _do(self, due_ns: int) -> None:
        self.state.now_ns = due_ns
        if self._next_act_ns is not None and self._next_act_ns <= due_ns:
            self.population.act(due_ns)
            self._next_act_ns = due_ns + self._rng.randint(1, 2 * self._gap_ns)
        if self._next_hour_ns <= due_ns:
            self._next_hour_ns += _HOUR_NS
            self._settle_funding(due_ns)
        for address, at_ms in self._scheduled():
            if at_ms * NS_PER_MS <= due_ns:
                ordering.fire_scheduled(self.state, self.state.registry.members[address], due_ns)
        self.flush(due_ns)
        self.hub.tick(due_ns)
        for peer in [peer for peer in self._peers if peer.spoke_ns + SILENCE_NS <= due_ns]:
            self.forget(peer)
            peer.end(1000, "Inactive")

    def _settle_funding(self, now_ns: int) -> None:
        perps = self.exchange.perps
        for listing in self.state.universe.listings:
            if listing.is_spot or not listing.is_open:
                continue
            perps.settle_funding(listing.coin, now_ns)
            row = funding_row(listing.coin, perps.funding_rate(listing.coin), now_ns // NS_PER_MS)
            self.state.funding_history.setdefault(listing.coin, []).append(row)

    def flush(self, now_ns: int) -> None:
        self.state.now_ns = now_ns
        state, seen = self.state, list[Event]()
        prints: list[Print] = []
        while events := state.exchange.take_events():
            prints += state.publish(events)
            seen += events
            react(state, events)
        rejected, state.news = state.news, []
        if seen or rejected:
            self.hub.happened(seen, prints, sort_out(seen, rejected), now_ns)
        rows, state.ledger_news = state.ledger_news, []
        for user, row in rows:
            self.hub.ledger_grew(user, row)

    # -- what tests and faults reach for -------------------------------------------------------------------------

    def name_of(self, request: HttpRequest) -> str:
        return http.name_of(request.path, _decoded(request.body))

    def name_of_ws(self, target: str, text: str) -> str:
        """Return ``/info/…`` or ``/exchange/…`` for a posted request, its method for anything else."""
        del target
        message = _decoded(text)
        if not isinstance(message, Mapping) or not isinstance(message.get("method"), str):
            return "?"
        request = message.get("request")
        if message["method"] != "post" or not isinstance(request, Mapping):
            return str(message["method"])
        return http.name_of("/exchange" if request.get("type") == "action" else "/info", request.get("payload"))

    def is_request(self, target: str, text: str) -> bool:
        del target, text
        return True

    def snapshot_symbol(self, request: HttpRequest) -> str | None:
        body = _decoded(request.body) if request.path == "/info" else None
        if not isinstance(body, Mapping) or body.get("type") != "l2Book":
            return None
        return str(body.get("coin"))

    def set_quiet(self, quiet: bool, now_ns: int) -> None:
        self._next_act_ns = None if quiet else now_ns + (self._gap_ns or _DEFAULT_GAP_NS)
        self._gap_ns = self._gap_ns or _DEFAULT_GAP_NS

    def account_of(self, account: str | None) -> str:
        """Return the engine account of a name or address; ``main/spot`` and ``main/xyz`` are wallets of ``main``."""
        owner, _, wallet = (account or self._options.accounts[0].address).partition("/")
        member = self.state.registry.find(owner)
        if member is None:
            raise KeyError(owner)
        return self.state.wallet(member.address, wallet)

    def wallets_of(self, account: str | None) -> tuple[str, ...]:
        wallet = self.account_of(account)
        return (wallet,) if "/" in (account or "") else self.state.wallets(wallet)

    def set_visibility_delay(self, delay_ns: int) -> None:
        self.state.visibility_delay_ns = delay_ns

    def ban(self, until_ns: int) -> None:
        self.state.limits.ban_everyone(until_ns)

    def expire_user_streams(self, now_ns: int) -> None:
        """Cut connections that read a user's streams: nothing lapses here, a private stream ends with its socket."""
        del now_ns
        for peer in [peer for peer in self._peers if peer.reads_user_streams]:
            self.forget(peer)
            peer.drop()

    def announce_shutdown(self, now_ns: int) -> None:
        """Say goodbye to all connections: this venue does not warn."""
        del now_ns
        for peer in list(self._peers):
            self.forget(peer)
            peer.end(1001, "")

    def depth_topic(self, symbol: str) -> str:
        return f"l2Book:{symbol}*"

    def cross(self, symbol: str, text: str) -> str:
        message: dict[str, Any] = msgspec.json.decode(text)
        bids, asks = message["data"]["levels"]
        listing = self.state.universe.by_coin[symbol]
        best = self.exchange.books[symbol].best_ask()
        if best is not None:
            bids.insert(0, {"px": shown(best + listing.tick), "sz": shown(listing.step), "n": 1})
            message["data"]["levels"] = [bids, asks]
        return msgspec.json.encode(message).decode()

    def ws_reply(self, request: str, response: HttpResponse, now_ns: int) -> str:
        del now_ns
        return scripted_reply(request, response)

    def backend_timeout(self) -> HttpResponse:
        return HttpResponse(504, (("content-type", "text/html"),), _GATEWAY_TIMEOUT)

    def rate_limited(self, retry_after: str | None) -> HttpResponse:
        """Return what the venue says; it names no time, unless a test wants one."""
        extra = () if retry_after is None else (("retry-after", retry_after),)
        return HttpResponse(429, (("content-type", "application/json"), *extra), b"null")


class _Flushing:
    """Sends out what a client's message has caused once it is dealt with."""

    def __init__(self, venue: Hyperliquid, peer: Peer) -> None:
        self._venue = venue
        self._peer = peer

    def receive(self, text: str, now_ns: int) -> None:
        self._venue.advance(now_ns)
        self._venue.state.now_ns = now_ns
        self._peer.receive(text, now_ns)
        self._venue.flush(now_ns)

    def pinged(self, now_ns: int) -> None:
        self._peer.pinged(now_ns)

    def closed(self, now_ns: int) -> None:
        self._peer.closed(now_ns)
        self._venue.forget(self._peer)


def _decoded(text: bytes | str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
