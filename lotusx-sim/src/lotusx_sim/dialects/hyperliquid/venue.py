"""Hyperliquid, simulated: composes state, HTTP, WebSocket and streams, and runs their clocks."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from lotusx_sim.dialects.background import CATCH_UP_NS
from lotusx_sim.dialects.base import DialectVenue, decoded, next_multiple_ns
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
from lotusx_sim.engine.recorded_market import MarketCapture
from lotusx_sim.engine.terms import Fees
from lotusx_sim.venue import Outbox
from lotusx_sim.wire import HttpRequest, HttpResponse

_HOUR_NS = 3_600_000_000_000
_GATEWAY_TIMEOUT = (
    b"<html>\r\n<head><title>504 Gateway Time-out</title></head>\r\n"
    b"<body><center><h1>504 Gateway Time-out</h1></center></body>\r\n</html>\r\n"
)


class Hyperliquid(DialectVenue[VenueState, Hub, Peer]):
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
        capture: A recording of one market, of whatever exchange, to play in it instead of a generated one.
        speed: How much faster than it was recorded.

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
        capture: Path | MarketCapture | None = None,
        speed: float = 1.0,
    ) -> None:
        require_libraries()
        if not accounts:
            raise ValueError("a venue needs an account")
        if network not in (MAINNET, TESTNET):
            raise ValueError(f"network must be {MAINNET} or {TESTNET}, not {network!r}")
        super().__init__(seed=seed, actions_per_s=actions_per_s, capture=capture, speed=speed)
        self._options = Options(
            seed=seed, network=network, accounts=tuple(accounts), balances=balances or {},
            rules=rules or LimitRules(), perp_fees=perp_fees, spot_fees=spot_fees,
            tells_trigger_ids=tells_trigger_ids,
        )  # fmt: skip
        self._pace = pace
        self._next_hour_ns = 0

    # -- for the base --------------------------------------------------------------------------------------------

    def _begin(self, now_ns: int) -> tuple[VenueState, Hub]:
        state = VenueState(self._options, now_ns)
        self._next_hour_ns = next_multiple_ns(now_ns, _HOUR_NS)
        for listing in state.universe.listings:
            if not listing.is_spot:
                state.exchange.perps.set_funding_rate(listing.coin, BASE_FUNDING)
        return state, Hub(state, self._pace)

    def _respond(self, request: HttpRequest, now_ns: int, client_ip: str) -> HttpResponse:
        return http.respond(self.state, request, now_ns, client_ip)

    def _open(self, target: str, out: Outbox, client_ip: str, now_ns: int) -> Peer | HttpResponse:
        if target.partition("?")[0].rstrip("/") != "/ws":
            return HttpResponse(404)
        if not self.state.limits.connect(client_ip, now_ns):
            return self.rate_limited(None)
        return Peer(self.state, self.hub, out, ip=client_ip, opened_ns=now_ns)

    def _reads_private_streams(self, peer: Peer) -> bool:
        return peer.reads_user_streams

    # -- the clock -----------------------------------------------------------------------------------------------

    def _own_dues_ns(self) -> Sequence[int | None]:
        silent = [peer.spoke_ns + SILENCE_NS for peer in self._peers]
        return (self._next_hour_ns, *silent, *(at_ms * NS_PER_MS for _, at_ms in self._scheduled()))

    def _scheduled(self) -> list[tuple[str, int]]:
        members = self.state.registry.members.values()
        return [(member.address, member.cancel_at_ms) for member in members if member.cancel_at_ms is not None]

    def advance(self, now_ns: int) -> None:
        self.hub.skip_to(now_ns - CATCH_UP_NS)
        super().advance(now_ns)

    def _do(self, due_ns: int) -> None:
        self.state.now_ns = due_ns
        self._background.act(self.population, due_ns)
        if self._next_hour_ns <= due_ns:
            self._next_hour_ns += _HOUR_NS
            self._settle_funding(due_ns)
        for address, at_ms in self._scheduled():
            if at_ms * NS_PER_MS <= due_ns:
                ordering.fire_scheduled(self.state, self.state.registry.members[address], due_ns)
        self.flush(due_ns)
        self.hub.tick(due_ns)
        self._end([peer for peer in self._peers if peer.spoke_ns + SILENCE_NS <= due_ns], 1000, "Inactive")

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
        return http.name_of(request.path, decoded(request.body))

    def name_of_ws(self, target: str, text: str) -> str:
        """Return ``/info/…`` or ``/exchange/…`` for a posted request, its method for anything else."""
        del target
        message = decoded(text)
        if not isinstance(message, Mapping) or not isinstance(message.get("method"), str):
            return "?"
        request = message.get("request")
        if message["method"] != "post" or not isinstance(request, Mapping):
            return str(message["method"])
        return http.name_of("/exchange" if request.get("type") == "action" else "/info", request.get("payload"))

    def snapshot_symbol(self, request: HttpRequest) -> str | None:
        body = decoded(request.body) if request.path == "/info" else None
        if not isinstance(body, Mapping) or body.get("type") != "l2Book":
            return None
        return str(body.get("coin"))

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
