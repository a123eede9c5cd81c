"""Binance USDⓈ-M futures, simulated: composes state, REST, streams, user data and WS API, and runs their clocks."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from lotusx_sim.dialects.base import Flushing
from lotusx_sim.dialects.binance.limits import LimitRules
from lotusx_sim.dialects.binance.signing import ApiKey
from lotusx_sim.dialects.binance.state import NS_PER_MS
from lotusx_sim.dialects.binance.stream_names import stream_names
from lotusx_sim.dialects.binance.stream_peer import StreamPeer
from lotusx_sim.dialects.binance.venue import DEFAULT_KEY, BinanceVenue, Connected
from lotusx_sim.dialects.binance_perp import rest, ws_api
from lotusx_sim.dialects.binance_perp.contracts import UmSymbol, fixed
from lotusx_sim.dialects.binance_perp.private_stream import PrivatePeer, wanted_keys
from lotusx_sim.dialects.binance_perp.state import KEPT_FUNDINGS, UM_RULES, Funding, Options, PerpState, chosen
from lotusx_sim.dialects.binance_perp.stream_names import MARKET, PUBLIC
from lotusx_sim.dialects.binance_perp.streams import Gate, PerpHub
from lotusx_sim.dialects.binance_perp.user_events import UserEvents
from lotusx_sim.engine.events import FundingEvent, LiquidationEvent
from lotusx_sim.engine.orders import BookEvent, TradeEvent
from lotusx_sim.engine.terms import Fees
from lotusx_sim.venue import Outbox, WsPeer
from lotusx_sim.wire import HttpResponse

DEFAULT_BALANCES: Mapping[str, Decimal] = {"USDT": Decimal(100_000), "USDC": Decimal(100_000)}
UM_FEES = Fees(Decimal("0.0002"), Decimal("0.0004"))
_PRIVATE = "private"
_MESSAGES_PER_SECOND = 10


class BinancePerp(BinanceVenue[PerpState, PerpHub]):
    """One simulated exchange for USDⓈ-M futures.

    Args:
        seed: Decides everything that is not decided by requests.
        keys: API keys and the accounts they belong to.
        balances: What each account starts with, by account; `DEFAULT_BALANCES` for those not named.
        symbols: Names out of the built-in list, or contracts; all built-in ones by default.
        actions_per_s: How busy the background population is; 0 leaves a fixed book.
        late_trigger: Tell that a conditional order triggered after the first events of the order it became.
        own_child_ids: Give that order a client id of the venue's own. Which is so is not documented.
    """

    name = "binance-perp"

    def __init__(
        self,
        *,
        seed: int = 1,
        keys: Sequence[ApiKey] = (DEFAULT_KEY,),
        balances: Mapping[str, Mapping[str, Decimal]] | None = None,
        symbols: Iterable[str | UmSymbol] | None = None,
        rules: LimitRules = UM_RULES,
        fees: Fees = UM_FEES,
        actions_per_s: int = 40,
        late_trigger: bool = False,
        own_child_ids: bool = False,
    ) -> None:
        super().__init__(seed=seed, keys=keys, actions_per_s=actions_per_s, surface=rest.SURFACE)
        self._options = Options(seed=seed, symbols=chosen(symbols), rules=rules, own_child_ids=own_child_ids)
        self._balances = balances or {}
        self._fees = fees
        self._late_trigger = late_trigger
        self._events: UserEvents | None = None
        self._settled_ns: dict[str, int] = {}  # per perpetual: when it settles next

    # -- life ----------------------------------------------------------------------------------------------------

    def start(self, now_ns: int) -> None:
        if self._state is not None:
            return
        self._state = state = PerpState(self._options, self._keys, now_ns)
        self._hub = PerpHub(state, now_ns)
        self._events = UserEvents(state, late_trigger=self._late_trigger)
        for account in dict.fromkeys(key.account for key in self._keys):
            state.exchange.open_account(account, self._balances.get(account, DEFAULT_BALANCES), fees=self._fees)
            self._events.opened(account)
        for symbol in state.symbols.values():
            if symbol.is_perpetual:
                self._settled_ns[symbol.symbol] = state.next_funding_ns(symbol, now_ns)
        self._open_market(now_ns)

    # -- WebSockets ----------------------------------------------------------------------------------------------

    def open_ws(
        self, target: str, headers: tuple[tuple[str, str], ...], *, now_ns: int, client_ip: str, out: Outbox
    ) -> WsPeer | HttpResponse:
        del headers
        self.advance(now_ns)
        path, _, query = target.partition("?")
        weight = ws_api.HANDSHAKE_WEIGHT if path == ws_api.PATH else 0
        if (refusal := self._turned_away(client_ip, weight, now_ns)) is not None:
            return refusal
        peer = self._peer(path, query, client_ip, now_ns, out)
        if peer is None:
            return HttpResponse(404, (("content-type", "text/html"),), b"<html><body>404</body></html>")
        self._peers[peer] = None
        return Flushing(self, peer)

    def _peer(self, path: str, query: str, ip: str, now_ns: int, out: Outbox) -> Connected | None:
        """Return what speaks at *path*; one without a routed prefix has what is public, and is silent of the rest."""
        if path.rstrip("/") == ws_api.PATH:
            return ws_api.PerpApiPeer(
                self.state, ws_api.METHODS, out, target=f"{path}?{query}", ip=ip, opened_ns=now_ns
            )
        first, _, rest_of_path = path.removeprefix("/").partition("/")
        if first == _PRIVATE:
            tail = f"/{rest_of_path}"
            keys, only = wanted_keys(tail, query)
            combined = tail.startswith("/stream")
            return PrivatePeer(self.state, out, keys, combined=combined, only=only, opened_ns=now_ns)
        routed = first in (PUBLIC, MARKET)
        wanted = stream_names(f"/{rest_of_path}?{query}" if routed else f"{path}?{query}")
        if wanted is None:
            return None
        combined, names = wanted
        gate = Gate(self.hub, first if routed else PUBLIC)
        peer = StreamPeer(gate, out, combined=combined, opened_ns=now_ns, messages_per_second=_MESSAGES_PER_SECOND)
        peer.subscribe(names)
        return peer

    # -- the clock -----------------------------------------------------------------------------------------------

    def next_due_ns(self) -> int | None:
        state = self.state
        due = [*self._settled_ns.values(), *state.countdowns.values(), *state.good_till.values()]
        due += [lease.expires_ns for lease in state.listen_keys.values()]
        due += self._oldest_ends_ns()
        if self._background.due_ns is not None:
            due.append(self._background.due_ns)
        if (tick_ns := self.hub.next_due_ns()) is not None:
            due.append(tick_ns)
        return min(due, default=None)

    def advance(self, now_ns: int) -> None:
        self._background.skip(now_ns)
        while (due_ns := self.next_due_ns()) is not None and due_ns <= now_ns:
            self._do(due_ns)
        self.hub.now_ns = now_ns

    def _do(self, due_ns: int) -> None:
        self.hub.now_ns = due_ns
        if self._background.act(self.population, due_ns):
            self.flush(due_ns)
        self._end_orders(due_ns)
        for name, settles_ns in self._settled_ns.items():
            if settles_ns <= due_ns:
                self._settle(name, settles_ns)
        for lease in [lease for lease in self.state.listen_keys.values() if lease.expires_ns <= due_ns]:
            self._expire(lease.key, due_ns)
        self.hub.tick(due_ns)
        self._end_old_connections(due_ns)

    def _end_orders(self, now_ns: int) -> None:
        """End what was good until now, and what nobody renewed the countdown of."""
        state = self.state
        for order_id in [number for number, ends_ns in state.good_till.items() if ends_ns <= now_ns]:
            del state.good_till[order_id]
            order = state.exchange.orders[order_id]
            if order.is_open:
                state.exchange.expire(order, now_ns, "GOOD_TILL_DATE")
        for account, symbol in [key for key, ends_ns in state.countdowns.items() if ends_ns <= now_ns]:
            del state.countdowns[(account, symbol)]
            for order in state.exchange.open_orders(account, symbol):
                if state.is_order(order) and order.is_open:
                    state.exchange.cancel(order, now_ns)
        self.flush(now_ns)

    def _settle(self, name: str, now_ns: int) -> None:
        """Settle funding where it is due."""
        state = self.state
        symbol = state.symbols[name]
        self._settled_ns[name] = state.next_funding_ns(symbol, now_ns)
        if not symbol.is_trading:
            return
        self._note_funding(name, now_ns)
        state.exchange.perps.settle_funding(name, now_ns)
        self.flush(now_ns)

    def _note_funding(self, name: str, now_ns: int) -> None:
        """Enter a settlement into the history, once."""
        past, now_ms = self.state.fundings[name], now_ns // NS_PER_MS
        if past and past[-1].ms == now_ms:
            return
        rate = self.state.exchange.perps.funding_rate(name)
        past.append(Funding(rate, self.state.mark(self.state.symbols[name]), now_ms))
        del past[:-KEPT_FUNDINGS]

    def _expire(self, key: str, now_ns: int) -> None:
        del self.state.listen_keys[key]
        for peer in self._private():
            peer.key_expired(key, now_ns)

    def _private(self) -> list[PrivatePeer]:
        return [peer for peer in self._peers if isinstance(peer, PrivatePeer)]

    def flush(self, now_ns: int) -> None:
        state, hub = self.state, self.hub
        hub.now_ns = now_ns
        events = state.exchange.take_events()
        seen: dict[str, int] = {}
        books: dict[str, None] = {}
        for event in events:
            if isinstance(event, TradeEvent):
                seen.setdefault(event.symbol, state.views[event.symbol].trades_seen)
            state.publish([event])
            if isinstance(event, BookEvent):
                hub.level_changed(event)
                books[event.symbol] = None
            elif isinstance(event, FundingEvent):
                self._note_funding(event.symbol, event.ns)
        assert self._events is not None
        news = state.news + self._events.of(events, now_ns)
        state.news = []
        peers = self._private()
        for account, content in news:
            for peer in peers:
                peer.tell(account, content, now_ns)
        for name, before in seen.items():
            hub.traded(state.symbols[name], before, now_ns)
        for name in books:
            hub.book_changed(state.symbols[name], now_ns)
        hub.liquidated([event for event in events if isinstance(event, LiquidationEvent)], now_ns)

    # -- what tests and faults reach for -------------------------------------------------------------------------

    def expire_user_streams(self, now_ns: int) -> None:
        """End every listen key: their sockets say so, and stay open and silent."""
        for key in list(self.state.listen_keys):
            self._expire(key, now_ns)

    def announce_shutdown(self, now_ns: int) -> None:
        """Say goodbye to everybody: this market has no notice of it."""
        del now_ns
        for peer in list(self._peers):
            self.forget(peer)
            peer.end(1001, "")

    def depth_topic(self, symbol: str) -> str:
        return f"{symbol.lower()}@depth*"

    def cross(self, symbol: str, text: str) -> str:
        message: dict[str, Any] = msgspec.json.decode(text)
        terms = self.state.symbols[symbol]
        best = self.state.views[symbol].asks.best()
        if best is not None:
            level = [fixed(best[0] + terms.tick, terms.tick), fixed(best[1], terms.step)]
            message.get("data", message)["b"].insert(0, level)
        return msgspec.json.encode(message).decode()
