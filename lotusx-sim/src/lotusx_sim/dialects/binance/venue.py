"""The life that the venues of all Binance markets lead: keys, connections, background trading, replies of faults."""

from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Protocol

import msgspec

from lotusx_sim.dialects.binance import naming
from lotusx_sim.dialects.binance.api_peer import scripted_reply
from lotusx_sim.dialects.binance.call import Books
from lotusx_sim.dialects.binance.rest_surface import JSON
from lotusx_sim.dialects.binance.signing import ApiKey
from lotusx_sim.dialects.binance.state import NS_PER_MS
from lotusx_sim.engine.exchange import Exchange
from lotusx_sim.engine.feed import Population
from lotusx_sim.wire import HttpRequest, HttpResponse

# The key pair that Binance's documentation publishes for its signing examples.
DEFAULT_KEY = ApiKey(
    "vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A",
    "main",
    "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j",
)
LIFETIME_NS = 24 * 60 * 60 * 1_000 * NS_PER_MS
CATCH_UP_NS = 60 * 1_000 * NS_PER_MS
_DEFAULT_GAP_NS = 100 * NS_PER_MS


class Connected(Protocol):
    """The venue's end of a WebSocket, as the venue itself sees it."""

    opened_ns: int

    def receive(self, text: str, now_ns: int) -> None: ...

    def pinged(self, now_ns: int) -> None: ...

    def closed(self, now_ns: int) -> None: ...

    def end(self, code: int, reason: str) -> None: ...


class Trading(Books, Protocol):
    """The state behind a venue."""

    exchange: Exchange
    population: Population
    visibility_delay_ns: int


class BinanceVenue:
    """What does not depend on the market."""

    pings_clients = True
    compresses = True

    def __init__(self, *, seed: int, keys: Sequence[ApiKey], actions_per_s: int) -> None:
        self._keys = tuple(keys)
        self._rng = Random(f"feed clock:{seed}")
        self._gap_ns = 1_000_000_000 // actions_per_s if actions_per_s else 0
        self._next_act_ns: int | None = None
        self._peers: dict[Connected, None] = {}  # oldest first

    # -- for the market's own venue ------------------------------------------------------------------------------

    def _trading(self) -> Trading:
        raise NotImplementedError

    def advance(self, now_ns: int) -> None:
        raise NotImplementedError

    def flush(self, now_ns: int) -> None:
        raise NotImplementedError

    @property
    def exchange(self) -> Exchange:
        return self._trading().exchange

    @property
    def population(self) -> Population:
        return self._trading().population

    def forget(self, peer: Connected) -> None:
        self._peers.pop(peer, None)

    def _open_market(self, now_ns: int) -> None:
        self.population.settle_in(now_ns)
        self.flush(now_ns)
        if self._gap_ns:
            self._next_act_ns = now_ns + self._gap_ns

    def _act(self, due_ns: int) -> None:
        """Let somebody in the background do something."""
        self.population.act(due_ns)
        self._next_act_ns = due_ns + self._rng.randint(1, 2 * self._gap_ns)
        self.flush(due_ns)

    def _skip_trading(self, now_ns: int) -> None:
        """After a long sleep, live through the last minute only."""
        if self._next_act_ns is not None and now_ns - self._next_act_ns > CATCH_UP_NS:
            self._next_act_ns = now_ns - CATCH_UP_NS

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
        self._next_act_ns = None if quiet else now_ns + (self._gap_ns or _DEFAULT_GAP_NS)
        self._gap_ns = self._gap_ns or _DEFAULT_GAP_NS

    def account_of(self, account: str | None) -> str:
        return account if account is not None else self._keys[0].account

    def wallets_of(self, account: str | None) -> tuple[str, ...]:
        return (self.account_of(account),)

    def set_visibility_delay(self, delay_ns: int) -> None:
        self._trading().visibility_delay_ns = delay_ns

    def ban(self, until_ns: int) -> None:
        self._trading().limits.ban_everyone(until_ns)

    def revoke_key(self, key: str) -> None:
        """Withdraw an API key; sessions that used it end with their next request."""
        self._trading().keys.pop(key, None)

    def restrict_key(self, key: str, *, may_trade: bool) -> None:
        self._trading().keys[key] = replace(self._trading().keys[key], may_trade=may_trade)

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


class Flushing:
    """Passes messages on to a peer, and lets the venue send out what they caused before the reply is read."""

    def __init__(self, venue: BinanceVenue, peer: Connected) -> None:
        self._venue = venue
        self._peer = peer

    def receive(self, text: str, now_ns: int) -> None:
        self._venue.advance(now_ns)
        self._peer.receive(text, now_ns)
        self._venue.flush(now_ns)

    def pinged(self, now_ns: int) -> None:
        self._peer.pinged(now_ns)

    def closed(self, now_ns: int) -> None:
        self._peer.closed(now_ns)
        self._venue.forget(self._peer)
