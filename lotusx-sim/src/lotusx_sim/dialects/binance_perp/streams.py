"""Market streams: who reads what by which path, and when each stream speaks.

The venue batches aggregate trades for 100 ms; here they come as they happen.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from lotusx_sim.dialects.binance.state import NS_PER_MS
from lotusx_sim.dialects.binance.stream_peer import StreamPeer
from lotusx_sim.dialects.binance_perp import stream_payloads as payloads
from lotusx_sim.dialects.binance_perp.contracts import UmSymbol
from lotusx_sim.dialects.binance_perp.markets import UM_INTERVALS, best_of
from lotusx_sim.dialects.binance_perp.state import PerpState, wire_id
from lotusx_sim.dialects.binance_perp.stream_names import Stream, parse_stream
from lotusx_sim.engine.events import LiquidationEvent
from lotusx_sim.engine.market import Diff, DiffWindow
from lotusx_sim.engine.orders import BookEvent

_CATCH_UP_NS = 60_000 * NS_PER_MS


class Gate:
    """One path to the streams: what it does not serve is acknowledged, and never comes."""

    def __init__(self, hub: "PerpHub", path: str) -> None:
        self._hub = hub
        self._path = path

    def subscribe(self, peer: StreamPeer, name: str) -> None:
        stream = parse_stream(name, self._hub.state)
        if stream is not None and stream.path in ("", self._path):
            self._hub.add(peer, stream)

    def unsubscribe(self, peer: StreamPeer, name: str) -> None:
        self._hub.remove(peer, name)


class PerpHub:
    """All stream connections of one venue."""

    def __init__(self, state: PerpState, now_ns: int) -> None:
        self.state = state
        self.now_ns = now_ns  # the venue keeps it up to date
        self._readers: dict[str, dict[StreamPeer, None]] = {}
        self._streams: dict[str, Stream] = {}
        self._due_ns: dict[str, int] = {}
        self._windows: dict[str, DiffWindow] = {}
        self._previous: dict[str, int] = {}  # of each depth stream: the last id it has told
        self._best: dict[str, Any] = {}
        self._shown: dict[str, Any] = {}  # of each other stream: what it is not to repeat

    def add(self, peer: StreamPeer, stream: Stream) -> None:
        if stream.name not in self._streams:
            self._start(stream)
        self._readers.setdefault(stream.name, {})[peer] = None

    def remove(self, peer: StreamPeer, name: str) -> None:
        readers = self._readers.get(name, {})
        readers.pop(peer, None)
        if not readers and name in self._streams:
            for known in (self._readers, self._streams, self._due_ns, self._windows, self._previous, self._shown):
                known.pop(name, None)

    def _start(self, stream: Stream) -> None:
        self._streams[stream.name] = stream
        if stream.period_ns:
            self._due_ns[stream.name] = (self.now_ns // stream.period_ns + 1) * stream.period_ns
        if stream.kind == "depth":
            self._windows[stream.name] = DiffWindow()
            self._previous[stream.name] = wire_id(self.state.views[stream.symbol].update_id)
        elif stream.kind == "bookTicker" and stream.symbol:
            self._best[stream.symbol] = best_of(self.state.views[stream.symbol])

    # -- what happens at once ------------------------------------------------------------------------------------

    def level_changed(self, event: BookEvent) -> None:
        """Collect a change for the depth streams of its market; call it after the view has it."""
        update_id = self.state.views[event.symbol].update_id
        for name, window in self._windows.items():
            if self._streams[name].symbol == event.symbol:
                window.add(event.side, event.price, event.quantity, update_id)

    def book_changed(self, symbol: UmSymbol, now_ns: int) -> None:
        name = f"{symbol.symbol.lower()}@bookTicker"
        view = self.state.views[symbol.symbol]
        best = best_of(view)
        if name in self._streams and best != self._best.get(symbol.symbol):
            self._best[symbol.symbol] = best
            self._emit(name, payloads.book_ticker(symbol, view, now_ns))

    def traded(self, symbol: UmSymbol, seen: int, now_ns: int) -> None:
        """Send the trades after the first *seen* ones, and what they add up to."""
        view, lower = self.state.views[symbol.symbol], symbol.symbol.lower()
        if f"{lower}@trade" in self._streams:
            for trade in view.trades_after(seen):
                self._emit(f"{lower}@trade", payloads.trade(symbol, trade, now_ns))
        for item in view.take_aggregates():
            self._emit(f"{lower}@aggTrade", payloads.aggregate(symbol, item, now_ns))

    def liquidated(self, events: Sequence[LiquidationEvent], now_ns: int) -> None:
        """Tell of the largest liquidation of each market."""
        largest: dict[str, LiquidationEvent] = {}
        for event in events:
            known = largest.get(event.symbol)
            if known is None or event.value > known.value:
                largest[event.symbol] = event
        for name, event in largest.items():
            symbol = self.state.symbols[name]
            content = payloads.force_order(symbol, event, now_ns)
            self._emit(f"{name.lower()}@forceOrder", content)
            self._emit("!forceOrder@arr", content)

    # -- what happens by the clock -------------------------------------------------------------------------------

    def next_due_ns(self) -> int | None:
        return min(self._due_ns.values(), default=None)

    def tick(self, now_ns: int) -> None:
        """Let every stream speak whose time has come."""
        for name, due_ns in list(self._due_ns.items()):
            if due_ns > now_ns:
                continue
            stream = self._streams[name]
            behind = now_ns - due_ns > _CATCH_UP_NS
            self._due_ns[name] = ((now_ns if behind else due_ns) // stream.period_ns + 1) * stream.period_ns
            _SPEAK[stream.kind](self, stream, due_ns)

    def _send_depth(self, stream: Stream, now_ns: int) -> None:
        view, name = self.state.views[stream.symbol], stream.name
        diff = self._windows[name].take(view.update_id)
        if diff is not None:
            symbol = self.state.symbols[stream.symbol]
            self._emit(name, payloads.depth(symbol, diff, self._previous[name], now_ns))
            self._previous[name] = wire_id(diff.last_id)

    def _send_partial(self, stream: Stream, now_ns: int) -> None:
        view, depth = self.state.views[stream.symbol], int(stream.argument)
        previous = self._shown.get(stream.name, wire_id(view.update_id))
        top = Diff(view.update_id, view.update_id, tuple(view.bids.top(depth)), tuple(view.asks.top(depth)))
        self._emit(stream.name, payloads.depth(self.state.symbols[stream.symbol], top, previous, now_ns))
        self._shown[stream.name] = wire_id(view.update_id)

    def _has_new_trade(self, key: str, symbol: str) -> bool:
        last = self.state.views[symbol].last_trade
        newest = last.id if last is not None else -1
        is_new = self._shown.get(key) != newest
        self._shown[key] = newest
        return is_new

    def _send_ticker(self, stream: Stream, now_ns: int) -> None:
        if self._has_new_trade(stream.name, stream.symbol):
            shape = payloads.ticker if stream.kind == "ticker" else payloads.mini_ticker
            self._emit(stream.name, shape(self.state.symbols[stream.symbol], self.state.views[stream.symbol], now_ns))

    def _send_all_tickers(self, stream: Stream, now_ns: int) -> None:
        shape = payloads.ticker if stream.kind == "allTicker" else payloads.mini_ticker
        rows = [
            shape(symbol, self.state.views[name], now_ns)
            for name, symbol in self.state.symbols.items()
            if symbol.is_trading and self._has_new_trade(f"{stream.name}:{name}", name)
        ]
        if rows:
            self._emit(stream.name, [*rows, rows[0] | payloads.COIN_M])

    def _send_all_books(self, stream: Stream, now_ns: int) -> None:
        for name, symbol in self.state.symbols.items():
            if symbol.is_trading:
                self._emit(stream.name, payloads.book_ticker(symbol, self.state.views[name], now_ns))

    def _send_mark(self, stream: Stream, now_ns: int) -> None:
        self._emit(stream.name, payloads.mark_price(self.state.symbols[stream.symbol], self.state, now_ns))

    def _send_all_marks(self, stream: Stream, now_ns: int) -> None:
        rows = [payloads.mark_price(s, self.state, now_ns) for s in self.state.symbols.values() if s.is_trading]
        self._emit(stream.name, [*rows, rows[0] | {"s": payloads.COIN_M["s"], "st": 2}])

    def _send_kline(self, stream: Stream, now_ns: int) -> None:
        """Send the running bar when it changed, after the one that closed."""
        view, interval = self.state.views[stream.symbol], UM_INTERVALS[stream.argument]
        symbol, by_pair = self.state.symbols[stream.symbol], stream.kind == "continuous"
        now_ms = now_ns // NS_PER_MS
        running = view.candles.running(interval, now_ms=now_ms)
        shown = self._shown.get(stream.name)
        now = (running.open_ms, running.trades, running.last_id)
        if now == shown:
            return
        self._shown[stream.name] = now
        if shown is not None and shown[0] != running.open_ms:
            bars = view.candles.bars(interval, now_ms=now_ms)
            for bar in (each for each in bars[-3:] if each.open_ms == shown[0]):
                content = payloads.kline(symbol, bar, interval, now_ns, is_closed=True, by_pair=by_pair)
                self._emit(stream.name, content)
        self._emit(stream.name, payloads.kline(symbol, running, interval, now_ns, is_closed=False, by_pair=by_pair))

    def _emit(self, name: str, content: Any) -> None:
        readers = self._readers.get(name)
        if readers:
            text = msgspec.json.encode(content).decode()
            for peer in list(readers):
                peer.push(name, text)


_SPEAK: dict[str, Callable[[PerpHub, Stream, int], None]] = {
    "depth": PerpHub._send_depth,
    "partial": PerpHub._send_partial,
    "ticker": PerpHub._send_ticker,
    "miniTicker": PerpHub._send_ticker,
    "allTicker": PerpHub._send_all_tickers,
    "allMini": PerpHub._send_all_tickers,
    "bookTicker": PerpHub._send_all_books,
    "markPrice": PerpHub._send_mark,
    "allMark": PerpHub._send_all_marks,
    "kline": PerpHub._send_kline,
    "continuous": PerpHub._send_kline,
}
