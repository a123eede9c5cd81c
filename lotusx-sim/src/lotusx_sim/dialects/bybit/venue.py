"""Bybit, simulated: composes state, HTTP, WebSockets and streams, and runs their clocks."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from random import Random
from typing import Any

import msgspec

from lotusx_sim.dialects.binance.signing import ApiKey
from lotusx_sim.dialects.bybit import rest
from lotusx_sim.dialects.bybit.doors import open_peer
from lotusx_sim.dialects.bybit.limits import LimitRules
from lotusx_sim.dialects.bybit.listings import LISTINGS, Listing
from lotusx_sim.dialects.bybit.numbers import scaled
from lotusx_sim.dialects.bybit.private_ws import PrivatePeer
from lotusx_sim.dialects.bybit.signing import DEFAULT_KEY
from lotusx_sim.dialects.bybit.state import (
    DEMO,
    LIVE,
    NS_PER_MS,
    PERP_FEES,
    SPOT_FEES,
    TESTNET,
    Options,
    VenueState,
)
from lotusx_sim.dialects.bybit.streams import Hub
from lotusx_sim.dialects.bybit.telling import sample, tell
from lotusx_sim.dialects.bybit.trade_ws import TradePeer, scripted_reply
from lotusx_sim.dialects.bybit.ws import Peer
from lotusx_sim.engine.exchange import Exchange
from lotusx_sim.engine.feed import Population
from lotusx_sim.engine.terms import Fees
from lotusx_sim.venue import Outbox, WsPeer
from lotusx_sim.wire import HttpRequest, HttpResponse

_CATCH_UP_NS = 60_000_000_000
_SAMPLE_NS = 300_000_000_000  # of the open interest
_DEFAULT_GAP_NS = 100_000_000


class Bybit:
    """One simulated Bybit: spot, linear and inverse on one unified account.

    Its engine calls a market by category and symbol, such as ``spot:BTCUSDT`` and ``linear:BTCUSDT``.

    Args:
        seed: Decides everything that is not decided by requests.
        keys: Who may ask what; the account of the first one is what the ledger shows by default.
        balances: What each account starts with, by account and coin; `DEFAULT_BALANCES` for those not named.
        environment: ``live``, ``testnet`` or ``demo``. Demo has no order entry by WebSocket, no public streams, no
            fee rates, and batches of linear orders only, but hands out paper money.
        rules: The venue's limits.
        listings: What it lists.
        matching_delay_ms: How long after its acknowledgement a command is carried out. 0: at once, and what the
            engine refuses is told in the answer; above, it comes on the private streams.
        actions_per_s: How busy the background population is; 0 leaves a fixed book.
        pace: What the cadences of streams are multiplied by: 0.1 is ten times as fast as the venue.
        echoes_category: Whether private messages name a categorised topic as it was asked for (``order.linear``)
            or by its first part (``order``); which one the venue does is not known.

    Raises:
        ValueError: No key, or an unknown environment.
    """

    name = "bybit"
    pings_clients = False
    compresses = False

    def __init__(
        self,
        *,
        seed: int = 1,
        keys: Sequence[ApiKey] = (DEFAULT_KEY,),
        balances: Mapping[str, Mapping[str, Decimal]] | None = None,
        environment: str = LIVE,
        rules: LimitRules | None = None,
        listings: Sequence[Listing] = LISTINGS,
        spot_fees: Fees = SPOT_FEES,
        perp_fees: Fees = PERP_FEES,
        matching_delay_ms: int = 0,
        actions_per_s: int = 40,
        pace: float = 1.0,
        echoes_category: bool = False,
    ) -> None:
        if not keys:
            raise ValueError("a venue needs an API key")
        if environment not in (LIVE, TESTNET, DEMO):
            raise ValueError(f"environment must be {LIVE}, {TESTNET} or {DEMO}, not {environment!r}")
        self._options = Options(
            seed=seed, environment=environment, keys=tuple(keys), balances=balances or {},
            rules=rules or LimitRules(), spot_fees=spot_fees, perp_fees=perp_fees,
            matching_delay_ns=matching_delay_ms * NS_PER_MS, listings=tuple(listings),
        )  # fmt: skip
        self._pace = pace
        self._echoes_category = echoes_category
        self._state: VenueState | None = None
        self._hub: Hub | None = None
        self._rng = Random(f"feed clock:{seed}")
        self._gap_ns = 1_000_000_000 // actions_per_s if actions_per_s else 0
        self._next_act_ns: int | None = None
        self._next_sample_ns = 0
        self._peers: dict[Peer, None] = {}

    # -- life ----------------------------------------------------------------------------------------------------

    def start(self, now_ns: int) -> None:
        if self._state is not None:
            return
        self._state = state = VenueState(self._options, now_ns)
        self._hub = Hub(state, self._pace)
        self._next_sample_ns = (now_ns // _SAMPLE_NS + 1) * _SAMPLE_NS
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
        response = rest.respond(self.state, request, now_ns, client_ip)
        self.flush(now_ns)
        return response

    def open_ws(
        self, target: str, headers: tuple[tuple[str, str], ...], *, now_ns: int, client_ip: str, out: Outbox
    ) -> WsPeer | HttpResponse:
        del headers
        self.advance(now_ns)
        peer = open_peer(
            self.state, self.hub, target, out, ip=client_ip, now_ns=now_ns, echoes_category=self._echoes_category
        )
        if isinstance(peer, HttpResponse):
            return peer
        self._peers[peer] = None
        return _Flushing(self, peer)

    def forget(self, peer: Peer) -> None:
        self._peers.pop(peer, None)

    # -- the clock -----------------------------------------------------------------------------------------------

    def next_due_ns(self) -> int | None:
        due = [self._next_sample_ns]
        if self._next_act_ns is not None:
            due.append(self._next_act_ns)
        if self.state.commands:
            due.append(self.state.commands[0][0])
        if (tick_ns := self.hub.next_due_ns()) is not None:
            due.append(tick_ns)
        due += [peer.heard_ns + peer.idle_ns for peer in self._peers if peer.idle_ns]
        return min(due)

    def advance(self, now_ns: int) -> None:
        if self._next_act_ns is not None and now_ns - self._next_act_ns > _CATCH_UP_NS:
            self._next_act_ns = now_ns - _CATCH_UP_NS
        while (due_ns := self.next_due_ns()) is not None and due_ns <= now_ns:
            self._do(due_ns)

    def _do(self, due_ns: int) -> None:
        state = self.state
        state.now_ns = due_ns
        while state.commands and state.commands[0][0] <= due_ns:
            state.commands.popleft()[1](due_ns)
        if self._next_act_ns is not None and self._next_act_ns <= due_ns:
            self.population.act(due_ns)
            self._next_act_ns = due_ns + self._rng.randint(1, 2 * self._gap_ns)
        if self._next_sample_ns <= due_ns:
            sample(state, self._next_sample_ns)
            self._next_sample_ns += _SAMPLE_NS
        self.flush(due_ns)
        self.hub.tick(due_ns)
        for peer in [p for p in self._peers if p.idle_ns and p.heard_ns + p.idle_ns <= due_ns]:
            self.forget(peer)
            peer.end(1000, "")

    def flush(self, now_ns: int) -> None:
        self.state.now_ns = now_ns
        tell(self.state, self.hub, self._peers, now_ns)

    # -- what tests and faults reach for -------------------------------------------------------------------------

    def reject_after_ack(self, reason: str = "EC_Others", *, times: int = 1) -> None:
        """Acknowledge the next new orders, then reject them on the private stream for *reason*."""
        self.state.rejections.extend([reason] * times)

    def restart_books(self, symbol: str, now_ns: int) -> None:
        """Send every reader of a book of *symbol* (the engine's name) a snapshot under number 1."""
        self.state.now_ns = now_ns
        self.hub.restart_books(self.state.directory.by_name[symbol], now_ns)

    def name_of(self, request: HttpRequest) -> str:
        return request.path

    def name_of_ws(self, target: str, text: str) -> str:
        """Return a message's ``op``, such as ``order.create`` or ``subscribe``."""
        del target
        message = _decoded(text)
        return str(message.get("op", "?")) if isinstance(message, Mapping) else "?"

    def is_request(self, target: str, text: str) -> bool:
        del target, text
        return True

    def snapshot_symbol(self, request: HttpRequest) -> str | None:
        if request.path != "/v5/market/orderbook":
            return None
        asked = dict(part.partition("=")[::2] for part in request.query.split("&"))
        return f"{asked.get('category')}:{asked.get('symbol')}"

    def set_quiet(self, quiet: bool, now_ns: int) -> None:
        self._next_act_ns = None if quiet else now_ns + (self._gap_ns or _DEFAULT_GAP_NS)
        self._gap_ns = self._gap_ns or _DEFAULT_GAP_NS

    def account_of(self, account: str | None) -> str:
        if account is None:
            return self._options.keys[0].account
        if account not in self.state.users:
            raise KeyError(account)
        return account

    def wallets_of(self, account: str | None) -> tuple[str, ...]:
        return (self.account_of(account),)

    def set_visibility_delay(self, delay_ns: int) -> None:
        self.state.visibility_delay_ns = delay_ns

    def ban(self, until_ns: int) -> None:
        self.state.limits.ban_everyone(until_ns)

    def expire_user_streams(self, now_ns: int) -> None:
        """Cut private sockets: nothing lapses here, authentication lasts as long as its socket."""
        del now_ns
        for peer in [peer for peer in self._peers if isinstance(peer, PrivatePeer)]:
            self.forget(peer)
            peer.drop()

    def announce_shutdown(self, now_ns: int) -> None:
        """Refuse new orders by WebSocket with 10019, and say goodbye to all other sockets: they are not warned."""
        del now_ns
        for peer in list(self._peers):
            if isinstance(peer, TradePeer):
                peer.is_restarting = True
            else:
                self.forget(peer)
                peer.end(1001, "")

    def depth_topic(self, symbol: str) -> str:
        category, _, name = symbol.partition(":")
        return f"{category}:orderbook.*.{name}"

    def cross(self, symbol: str, text: str) -> str:
        message: dict[str, Any] = msgspec.json.decode(text)
        listing = self.state.directory.by_name[symbol]
        best = self.exchange.books[symbol].best_ask()
        if best is not None:
            message["data"]["b"].insert(
                0, [scaled(best + listing.tick, listing.tick), scaled(listing.step, listing.step)]
            )
        return msgspec.json.encode(message).decode()

    def ws_reply(self, request: str, response: HttpResponse, now_ns: int) -> str:
        del now_ns
        return scripted_reply(request, response)

    def backend_timeout(self) -> HttpResponse:
        return rest.envelope(self.state.now_ns, {}, code=10000, message="Server Timeout")

    def rate_limited(self, retry_after: str | None) -> HttpResponse:
        """Return what the venue says under load; it names no time, unless a test wants one."""
        extra = () if retry_after is None else (("retry-after", retry_after),)
        text = b'{"retCode":429,"retMsg":"System level frequency protection","result":{},"retExtInfo":{},"time":0}'
        return HttpResponse(429, (rest.JSON, *extra), text)


class _Flushing:
    """Sends out what a client's message has caused once it is dealt with."""

    def __init__(self, venue: Bybit, peer: Peer) -> None:
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
