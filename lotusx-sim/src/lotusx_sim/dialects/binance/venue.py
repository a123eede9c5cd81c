"""The life that the venues of all Binance markets lead: keys, connections, background trading, replies of faults."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Generic, Protocol, TypeVar

import msgspec

from lotusx_sim.dialects.background import Background
from lotusx_sim.dialects.binance import naming
from lotusx_sim.dialects.binance.api_peer import scripted_reply
from lotusx_sim.dialects.binance.call import Books
from lotusx_sim.dialects.binance.errors import RateLimited
from lotusx_sim.dialects.binance.rest_surface import JSON, RestSurface
from lotusx_sim.dialects.binance.signing import ApiKey
from lotusx_sim.dialects.binance.state import NS_PER_MS
from lotusx_sim.engine.exchange import Exchange
from lotusx_sim.engine.feed import Population
from lotusx_sim.venue import WsPeer
from lotusx_sim.wire import HttpRequest, HttpResponse

# The key pair that Binance's documentation publishes for its signing examples.
DEFAULT_KEY = ApiKey(
    "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
    "main",
    "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",
)
LIFETIME_NS = 24 * 60 * 60 * 1_000 * NS_PER_MS


class Connected(WsPeer, Protocol):
    """The venue's end of a WebSocket, as the venue itself sees it."""

    opened_ns: int

    def end(self, code: int, reason: str) -> None: ...


class Trading(Books, Protocol):
    """The state behind a venue."""

    exchange: Exchange
    population: Population
    visibility_delay_ns: int


S = TypeVar("S", bound=Trading)
H = TypeVar("H")


class BinanceVenue(Generic[S, H]):
    """What does not depend on the market."""

    pings_clients = True
    compresses = True

    def __init__(self, *, seed: int, keys: Sequence[ApiKey], actions_per_s: int, surface: RestSurface[S]) -> None:
        self._keys = tuple(keys)
        self._background = Background(seed=seed, actions_per_s=actions_per_s)
        self._surface = surface
        self._state: S | None = None
        self._hub: H | None = None
        self._peers: dict[Connected, None] = {}  # oldest first

    # -- for the market's own venue ------------------------------------------------------------------------------

    def advance(self, now_ns: int) -> None:
        raise NotImplementedError

    def flush(self, now_ns: int) -> None:
        raise NotImplementedError

    # -- life ----------------------------------------------------------------------------------------------------

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

    def http(self, request: HttpRequest, *, now_ns: int, client_ip: str) -> HttpResponse:
        self.advance(now_ns)
        response = self._surface.respond(self.state, request, now_ns, client_ip)
        self.flush(now_ns)
        return response

    def catch_up(self, now_ns: int) -> None:
        """Let everything happen that is due."""
        self.advance(now_ns)

    def _turned_away(self, client_ip: str, weight: int, now_ns: int) -> HttpResponse | None:
        """Return the refusal of a WebSocket that costs *weight*, 0: not even a request; None: it may be opened."""
        limits = self.state.limits
        try:
            limits.check_ban(client_ip, now_ns)
            if weight:
                limits.charge(client_ip, weight, now_ns)
        except RateLimited as refused:
            return self._surface.refusal(self.state, refused, now_ns, client_ip)
        return None if limits.connect(client_ip, now_ns) else self.rate_limited("60")

    def forget(self, peer: Connected) -> None:
        self._peers.pop(peer, None)

    def _open_market(self, now_ns: int) -> None:
        self.population.settle_in(now_ns)
        self.flush(now_ns)
        self._background.begin(now_ns)

    def _oldest_ends_ns(self) -> list[int]:
        """Return when the oldest connection reaches its lifetime, if there is one."""
        return [next(iter(self._peers)).opened_ns + LIFETIME_NS] if self._peers else []

    def _end_old_connections(self, now_ns: int) -> None:
        for peer in list(self._peers):
            if now_ns - peer.opened_ns >= LIFETIME_NS:
                self.forget(peer)
                peer.end(1001, "Connection reached its lifetime of 24 hours")

    # -- what tests and faults reach for -------------------------------------------------------------------------

    def name_of(self, request: HttpRequest) -> str:
        return request.path

    def name_of_ws(self, target: str, text: str) -> str:
        return naming.name_of_ws(text)

    def is_request(self, target: str, text: str) -> bool:
        return target.startswith(("/ws-api", "/ws-fapi"))

    def snapshot_symbol(self, request: HttpRequest) -> str | None:
        return naming.snapshot_symbol(request)

    def set_quiet(self, quiet: bool, now_ns: int) -> None:
        self._background.set_quiet(quiet, now_ns)

    def account_of(self, account: str | None) -> str:
        return account if account is not None else self._keys[0].account

    def wallets_of(self, account: str | None) -> tuple[str, ...]:
        return (self.account_of(account),)

    def set_visibility_delay(self, delay_ns: int) -> None:
        self.state.visibility_delay_ns = delay_ns

    def ban(self, until_ns: int) -> None:
        self.state.limits.ban_everyone(until_ns)

    def revoke_key(self, key: str) -> None:
        """Withdraw an API key; sessions that used it end with their next request."""
        self.state.keys.pop(key, None)

    def restrict_key(self, key: str, *, may_trade: bool) -> None:
        self.state.keys[key] = replace(self.state.keys[key], may_trade=may_trade)

    def ws_reply(self, request: str, response: HttpResponse, now_ns: int) -> str:
        return scripted_reply(request, response, now_ns)

    def backend_timeout(self) -> HttpResponse:
        message = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
        body = msgspec.json.encode({"code": -1007, "msg": message})
        return HttpResponse(503, (JSON,), body)

    def rate_limited(self, retry_after: str | None) -> HttpResponse:
        body = msgspec.json.encode({"code": -1003, "msg": "Too many requests; please use the websocket streams."})
        headers: tuple[tuple[str, str], ...] = (JSON,)
        return HttpResponse(429, (*headers, ("retry-after", retry_after)) if retry_after else headers, body)
