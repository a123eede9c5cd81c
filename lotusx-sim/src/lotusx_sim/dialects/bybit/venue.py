"""Bybit, simulated: composes state, HTTP, WebSockets and streams, and runs their clocks."""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from lotusx_sim.dialects.base import DialectVenue, decoded, next_multiple_ns, query_of
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
from lotusx_sim.engine.recorded_market import MarketCapture
from lotusx_sim.engine.terms import Fees
from lotusx_sim.venue import Outbox
from lotusx_sim.wire import HttpRequest, HttpResponse

_SAMPLE_NS = 300_000_000_000  # of the open interest


class Bybit(DialectVenue[VenueState, Hub, Peer]):
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
        capture: A recording of one market, of whatever exchange, to play in it instead of a generated one.
        speed: How much faster than it was recorded.
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
        capture: Path | MarketCapture | None = None,
        speed: float = 1.0,
        echoes_category: bool = False,
    ) -> None:
        if not keys:
            raise ValueError("a venue needs an API key")
        if environment not in (LIVE, TESTNET, DEMO):
            raise ValueError(f"environment must be {LIVE}, {TESTNET} or {DEMO}, not {environment!r}")
        super().__init__(seed=seed, actions_per_s=actions_per_s, capture=capture, speed=speed)
        self._options = Options(
            seed=seed, environment=environment, keys=tuple(keys), balances=balances or {},
            rules=rules or LimitRules(), spot_fees=spot_fees, perp_fees=perp_fees,
            matching_delay_ns=matching_delay_ms * NS_PER_MS, listings=tuple(listings),
        )  # fmt: skip
        self._pace = pace
        self._echoes_category = echoes_category
        self._next_sample_ns = 0

    # -- for the base --------------------------------------------------------------------------------------------

    def _begin(self, now_ns: int) -> tuple[VenueState, Hub]:
        state = VenueState(self._options, now_ns)
        self._next_sample_ns = next_multiple_ns(now_ns, _SAMPLE_NS)
        return state, Hub(state, self._pace)

    def _respond(self, request: HttpRequest, now_ns: int, client_ip: str) -> HttpResponse:
        return rest.respond(self.state, request, now_ns, client_ip)

    def _open(self, target: str, out: Outbox, client_ip: str, now_ns: int) -> Peer | HttpResponse:
        echoes = self._echoes_category
        return open_peer(self.state, self.hub, target, out, ip=client_ip, now_ns=now_ns, echoes_category=echoes)

    def _reads_private_streams(self, peer: Peer) -> bool:
        return isinstance(peer, PrivatePeer)

    # -- the clock -----------------------------------------------------------------------------------------------

    def _own_dues_ns(self) -> Sequence[int | None]:
        idle = [peer.heard_ns + peer.idle_ns for peer in self._peers if peer.idle_ns]
        return (self._next_sample_ns, self.state.commands.next_due_ns(), *idle)

    def _do(self, due_ns: int) -> None:
        state = self.state
        state.now_ns = due_ns
        state.commands.carry_out(due_ns)
        self._background.act(self.population, due_ns)
        if self._next_sample_ns <= due_ns:
            sample(state, self._next_sample_ns)
            self._next_sample_ns += _SAMPLE_NS
        self.flush(due_ns)
        self.hub.tick(due_ns)
        self._end([p for p in self._peers if p.idle_ns and p.heard_ns + p.idle_ns <= due_ns], 1000, "")

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

    def name_of_ws(self, target: str, text: str) -> str:
        """Return a message's ``op``, such as ``order.create`` or ``subscribe``."""
        del target
        message = decoded(text)
        return str(message.get("op", "?")) if isinstance(message, Mapping) else "?"

    def snapshot_symbol(self, request: HttpRequest) -> str | None:
        if request.path != "/v5/market/orderbook":
            return None
        asked = query_of(request)
        return f"{asked.get('category')}:{asked.get('symbol')}"

    def account_of(self, account: str | None) -> str:
        if account is None:
            return self._options.keys[0].account
        if account not in self.state.users:
            raise KeyError(account)
        return account

    def announce_shutdown(self, now_ns: int) -> None:
        """Refuse new orders by WebSocket with 10019, and say goodbye to all other sockets: they are not warned."""
        del now_ns
        for peer in self._peers:
            if isinstance(peer, TradePeer):
                peer.is_restarting = True
        self._end([peer for peer in self._peers if not isinstance(peer, TradePeer)], 1001, "")

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
