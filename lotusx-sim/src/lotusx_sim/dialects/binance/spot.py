"""Binance spot, simulated: composes state, REST, streams and WS API, and runs their clocks."""

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from lotusx_sim.dialects.background import CATCH_UP_NS
from lotusx_sim.dialects.base import Flushing
from lotusx_sim.dialects.binance import rest
from lotusx_sim.dialects.binance.limits import LimitRules
from lotusx_sim.dialects.binance.recording import read_capture
from lotusx_sim.dialects.binance.replaying import Replayer
from lotusx_sim.dialects.binance.signing import ApiKey
from lotusx_sim.dialects.binance.state import NS_PER_MS, Options, SpotState
from lotusx_sim.dialects.binance.stream_names import stream_names
from lotusx_sim.dialects.binance.stream_peer import StreamPeer
from lotusx_sim.dialects.binance.streams import FAST_NS, SLOW_NS, StreamHub
from lotusx_sim.dialects.binance.symbols import SYMBOLS, SpotSymbol
from lotusx_sim.dialects.binance.venue import DEFAULT_KEY, BinanceVenue
from lotusx_sim.dialects.binance.ws_api import WsApiPeer
from lotusx_sim.engine.capture import Capture
from lotusx_sim.engine.orders import BalanceEvent, BookEvent, OrderEvent, TradeEvent
from lotusx_sim.engine.terms import Fees
from lotusx_sim.venue import Outbox, WsPeer
from lotusx_sim.wire import HttpResponse

__all__ = ["DEFAULT_BALANCES", "DEFAULT_KEY", "BinanceSpot"]

DEFAULT_BALANCES: Mapping[str, Decimal] = {
    "USDT": Decimal(100_000),
    "BTC": Decimal(10),
    "ETH": Decimal(100),
    "BNB": Decimal(100),
    "SOL": Decimal(1_000),
}
_API_WEIGHT = 2  # of a connection to the WS API


class BinanceSpot(BinanceVenue[SpotState, StreamHub]):
    """One simulated Binance spot exchange.

    Args:
        seed: Decides everything that is not decided by requests.
        keys: API keys and the accounts they belong to.
        balances: What each account starts with, by account; `DEFAULT_BALANCES` for those not named.
        symbols: Names out of the built-in list, or instruments; all built-in ones by default.
        actions_per_s: How busy the background population is; 0 leaves a fixed book.
        capture: A recording to replay instead of a generated market, from the first reader of its streams on.
        speed: How much faster than it was recorded.
    """

    name = "binance"

    def __init__(
        self,
        *,
        seed: int = 1,
        keys: Sequence[ApiKey] = (DEFAULT_KEY,),
        balances: Mapping[str, Mapping[str, Decimal]] | None = None,
        symbols: Iterable[str | SpotSymbol] | None = None,
        rules: LimitRules | None = None,
        fees: Fees | None = None,
        actions_per_s: int = 40,
        capture: Path | Capture | None = None,
        speed: float = 1.0,
    ) -> None:
        super().__init__(seed=seed, keys=keys, actions_per_s=actions_per_s, surface=rest.SURFACE)
        recording = read_capture(capture) if isinstance(capture, Path) else capture
        listed = _chosen(symbols)
        if recording is not None and recording.symbol not in {symbol.symbol for symbol in listed}:
            raise ValueError(f"the capture is of {recording.symbol}, which is not listed")
        self._options = Options(seed=seed, symbols=listed, rules=rules or LimitRules(), capture=recording)
        self._speed = speed
        self._replayer: Replayer | None = None
        self._balances = balances or {}
        self._fees = fees or Fees()
        self._next_fast_ns = 0
        self._next_slow_ns = 0

    # -- life ----------------------------------------------------------------------------------------------------

    def start(self, now_ns: int) -> None:
        if self._state is not None:
            return
        self._state = state = SpotState(self._options, self._keys, now_ns)
        self._hub = StreamHub(state)
        for account in dict.fromkeys(key.account for key in self._keys):
            state.exchange.open_account(account, self._balances.get(account, DEFAULT_BALANCES), fees=self._fees)
        self._next_fast_ns = (now_ns // FAST_NS + 1) * FAST_NS
        self._next_slow_ns = (now_ns // SLOW_NS + 1) * SLOW_NS
        self._open_market(now_ns)

    def _open_market(self, now_ns: int) -> None:
        if self._options.capture is not None:
            self._replayer = Replayer(self._options.capture, self._speed, self.state, self.hub, now_ns)
        super()._open_market(now_ns)

    # -- WebSockets ----------------------------------------------------------------------------------------------

    def open_ws(
        self, target: str, headers: tuple[tuple[str, str], ...], *, now_ns: int, client_ip: str, out: Outbox
    ) -> WsPeer | HttpResponse:
        del headers
        self.advance(now_ns)
        weight = _API_WEIGHT if target.startswith("/ws-api") else 0
        if (refusal := self._turned_away(client_ip, weight, now_ns)) is not None:
            return refusal
        if target.partition("?")[0].rstrip("/") == "/ws-api/v3":
            api = WsApiPeer(self.state, out, target=target, ip=client_ip, opened_ns=now_ns)
            self._peers[api] = None
            return Flushing(self, api)
        wanted = stream_names(target)
        if wanted is None:
            return HttpResponse(404, (("content-type", "text/html"),), b"<html><body>404</body></html>")
        unit = 1_000 if "timeUnit=MICROSECOND" in target or "timeUnit=microsecond" in target else NS_PER_MS
        combined, names = wanted
        peer = StreamPeer(self.hub, out, combined=combined, unit=unit, opened_ns=now_ns)
        peer.subscribe(names)
        self._peers[peer] = None
        self.flush(now_ns)
        return Flushing(self, peer)

    def begin_replay(self, now_ns: int) -> None:
        """Let the recording run once somebody reads it."""
        if self._replayer is not None:
            self._replayer.begin_if_read(now_ns)

    def _api_peers(self) -> list[WsApiPeer]:
        return [peer for peer in self._peers if isinstance(peer, WsApiPeer)]

    # -- the clock -----------------------------------------------------------------------------------------------

    def next_due_ns(self) -> int | None:
        due = [self._background.due_ns] if self._background.due_ns is not None else []
        if self._replayer is not None and (replay_ns := self._replayer.next_due_ns()) is not None:
            due.append(replay_ns)
        if self.hub.has_fast:
            due.append(self._next_fast_ns)
        if self.hub.has_slow:
            due.append(self._next_slow_ns)
        return min(due + self._oldest_ends_ns(), default=None)

    def advance(self, now_ns: int) -> None:
        self._skip_what_nobody_saw(now_ns)
        while (due_ns := self.next_due_ns()) is not None and due_ns <= now_ns:
            self._do(due_ns)

    def _do(self, due_ns: int) -> None:
        if self._replayer is not None and self._replayer.next_due_ns() == due_ns:
            self._replayer.step(due_ns)
            self.flush(due_ns)
        elif self._background.act(self.population, due_ns):
            self.flush(due_ns)
        elif self.hub.has_fast and self._next_fast_ns == due_ns:
            self._next_fast_ns += FAST_NS
            self.hub.tick_fast(due_ns)
        elif self.hub.has_slow and self._next_slow_ns == due_ns:
            self._next_slow_ns += SLOW_NS
            self.hub.tick_slow(due_ns)
        else:
            self._end_old_connections(due_ns)

    def _skip_what_nobody_saw(self, now_ns: int) -> None:
        """Clocks nobody reads just move on."""
        self._background.skip(now_ns)
        if not self.hub.has_fast or now_ns - self._next_fast_ns > CATCH_UP_NS:
            self._next_fast_ns = max(self._next_fast_ns, (now_ns // FAST_NS) * FAST_NS + FAST_NS)
        if not self.hub.has_slow or now_ns - self._next_slow_ns > CATCH_UP_NS:
            self._next_slow_ns = max(self._next_slow_ns, (now_ns // SLOW_NS) * SLOW_NS + SLOW_NS)

    def flush(self, now_ns: int) -> None:
        self.begin_replay(now_ns)
        events = self.exchange.take_events()
        if not events:
            return
        recorded = self.state.recorded
        seen = {
            event.symbol: self.state.views[event.symbol].trades_seen
            for event in events
            if isinstance(event, TradeEvent) and event.symbol != recorded
        }
        self.state.publish(events)
        for event in events:
            if isinstance(event, (OrderEvent, BalanceEvent)):
                for peer in self._api_peers():
                    peer.private_event(event)
        for symbol, before in seen.items():
            self.hub.trades_happened(self.state.views[symbol], before, now_ns)
        changed = (event.symbol for event in events if isinstance(event, BookEvent) and event.symbol != recorded)
        for symbol in dict.fromkeys(changed):
            self.hub.book_changed(self.state.views[symbol])

    # -- what tests and faults reach for -------------------------------------------------------------------------

    def expire_user_streams(self, now_ns: int) -> None:
        for peer in self._api_peers():
            peer.expire_subscriptions(now_ns)

    def announce_shutdown(self, now_ns: int) -> None:
        for peer in list(self._peers):
            if isinstance(peer, (StreamPeer, WsApiPeer)):
                peer.announce_shutdown(now_ns)

    def depth_topic(self, symbol: str) -> str:
        return f"{symbol.lower()}@depth*"

    def cross(self, symbol: str, text: str) -> str:
        message: dict[str, Any] = msgspec.json.decode(text)
        data = message.get("data", message)
        best = self.state.views[symbol].asks.best()
        if best is not None:
            level = [f"{best[0] + self.state.symbols[symbol].tick:.8f}", f"{best[1]:.8f}"]
            data.setdefault("b" if "b" in data else "bids", []).insert(0, level)
        return msgspec.json.encode(message).decode()


def _chosen(symbols: Iterable[str | SpotSymbol] | None) -> tuple[SpotSymbol, ...]:
    if symbols is None:
        return SYMBOLS
    known = {symbol.symbol: symbol for symbol in SYMBOLS}
    chosen = []
    for symbol in symbols:
        if isinstance(symbol, SpotSymbol):
            chosen.append(symbol)
        elif symbol in known:
            chosen.append(known[symbol])
        else:
            raise ValueError(f"no built-in instrument {symbol!r}; there are {', '.join(known)}")
    return tuple(chosen)
