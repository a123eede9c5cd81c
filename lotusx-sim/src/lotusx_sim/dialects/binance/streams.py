"""Market streams: subscriptions, and when each stream speaks. Source: web-socket-streams.md."""

from typing import Any

import msgspec

from lotusx_sim.dialects.binance import stream_payloads as payloads
from lotusx_sim.dialects.binance.markets import INTERVALS, levels
from lotusx_sim.dialects.binance.state import NS_PER_MS, SpotState
from lotusx_sim.dialects.binance.stream_names import Stream, parse_stream
from lotusx_sim.dialects.binance.stream_peer import StreamPeer
from lotusx_sim.engine.market import Diff, LevelPair, MarketView

FAST_NS = 100 * NS_PER_MS
SLOW_NS = 1_000 * NS_PER_MS


class StreamHub:
    """All stream connections of one venue."""

    def __init__(self, state: SpotState) -> None:
        self._state = state
        self._subscribers: dict[str, dict[StreamPeer, None]] = {}
        self._streams: dict[str, Stream] = {}  # those that somebody reads and that exist
        self._last_best: dict[str, tuple[LevelPair | None, LevelPair | None]] = {}
        self._last_trade: dict[str, int] = {}  # per slow stream: id of the newest trade it has shown
        self._last_bar: dict[str, int] = {}

    def subscribe(self, peer: StreamPeer, name: str) -> None:
        if name not in self._subscribers:
            self._subscribers[name] = {}
            stream = parse_stream(name, self._state)
            if stream is not None:
                self._start(stream)
        self._subscribers[name][peer] = None

    def unsubscribe(self, peer: StreamPeer, name: str) -> None:
        readers = self._subscribers.get(name)
        if readers is None:
            return
        readers.pop(peer, None)
        if not readers:
            del self._subscribers[name]
            self._streams.pop(name, None)

    def _start(self, stream: Stream) -> None:
        # A window nobody read has been collecting since the last reader left.
        if stream.kind == "depth" and not self._is_read(stream.symbol, "depth", fast=stream.is_fast):
            view = self._state.views[stream.symbol]
            (view.fast if stream.is_fast else view.slow).take(view.update_id)
        self._streams[stream.name] = stream
        if stream.kind == "bookTicker":
            view = self._state.views[stream.symbol]
            self._last_best[stream.symbol] = (view.bids.best(), view.asks.best())

    def _is_read(self, symbol: str, kind: str, *, fast: bool) -> bool:
        return any(s.symbol == symbol and s.kind == kind and s.is_fast == fast for s in self._streams.values())

    def reads(self, symbol: str) -> bool:
        """Tell whether any stream of *symbol* has a reader."""
        return any(stream.symbol == symbol for stream in self._streams.values())

    @property
    def has_fast(self) -> bool:
        return any(stream.is_fast for stream in self._streams.values())

    @property
    def has_slow(self) -> bool:
        return any(
            not stream.is_fast and stream.kind not in ("trade", "aggTrade", "bookTicker")
            for stream in self._streams.values()
        )

    # -- what happens at once ------------------------------------------------------------------------------------

    def trades_happened(self, view: MarketView, seen: int, now_ns: int) -> None:
        """Send the trades of *view* after the first *seen* ones, then their aggregates."""
        name = f"{view.symbol.lower()}@trade"
        if name in self._streams:
            for trade in view.trades_after(seen):
                self._emit(name, lambda unit, t=trade: payloads.trade(view.symbol, t, now_ns, unit))
        self.aggregates_happened(view, now_ns)

    def aggregates_happened(self, view: MarketView, now_ns: int) -> None:
        name = f"{view.symbol.lower()}@aggTrade"
        for item in view.take_aggregates():
            if name in self._streams:
                self._emit(name, lambda unit, a=item: payloads.aggregate(view.symbol, a, now_ns, unit))

    def book_changed(self, view: MarketView) -> None:
        name = f"{view.symbol.lower()}@bookTicker"
        if name not in self._streams:
            return
        best = (view.bids.best(), view.asks.best())
        if best != self._last_best.get(view.symbol):
            self._last_best[view.symbol] = best
            self._emit(name, lambda _: payloads.book_ticker(view))

    # -- what happens by the clock -------------------------------------------------------------------------------

    def tick_fast(self, now_ns: int) -> None:
        for view in self._state.views.values():
            if self._is_read(view.symbol, "depth", fast=True):
                self.send_diff(view, view.fast.take(view.update_id), now_ns)
        self._send_partial(now_ns, fast=True)

    def send_diff(self, view: MarketView, diff: Diff | None, now_ns: int, *, fast: bool = True) -> None:
        if diff is None:
            return
        name = f"{view.symbol.lower()}@depth" + ("@100ms" if fast else "")
        self._emit(name, lambda unit: payloads.diff(view.symbol, diff, now_ns, unit))

    def tick_slow(self, now_ns: int) -> None:
        for view in self._state.views.values():
            if self._is_read(view.symbol, "depth", fast=False):
                self.send_diff(view, view.slow.take(view.update_id), now_ns, fast=False)
        self._send_partial(now_ns, fast=False)
        for stream in list(self._streams.values()):
            if stream.kind in ("miniTicker", "ticker"):
                self._send_ticker(stream, now_ns)
            elif stream.kind == "kline":
                self._send_kline(stream, now_ns)
            elif stream.kind == "allMini":
                self._send_all_mini(stream, now_ns)

    def _send_partial(self, now_ns: int, *, fast: bool) -> None:
        del now_ns
        for stream in list(self._streams.values()):
            if stream.kind == "partial" and stream.is_fast == fast:
                view, depth = self._state.views[stream.symbol], int(stream.argument)
                self._emit(
                    stream.name,
                    lambda _, v=view, d=depth: {
                        "lastUpdateId": v.update_id,
                        "bids": levels(v.bids.top(d)),
                        "asks": levels(v.asks.top(d)),
                    },
                )

    def _has_new_trade(self, key: str, view: MarketView) -> bool:
        newest = view.last_trade.id if view.last_trade else -1
        if self._last_trade.get(key) == newest:
            return False
        self._last_trade[key] = newest
        return True

    def _send_ticker(self, stream: Stream, now_ns: int) -> None:
        view = self._state.views[stream.symbol]
        if self._has_new_trade(stream.name, view):
            shape = payloads.ticker if stream.kind == "ticker" else payloads.mini_ticker
            self._emit(stream.name, lambda unit: shape(view, now_ns, unit))

    def _send_all_mini(self, stream: Stream, now_ns: int) -> None:
        changed = [v for v in self._state.views.values() if self._has_new_trade(f"{stream.name}:{v.symbol}", v)]
        if changed:
            self._emit(stream.name, lambda unit: [payloads.mini_ticker(view, now_ns, unit) for view in changed])

    def _send_kline(self, stream: Stream, now_ns: int) -> None:
        view, interval = self._state.views[stream.symbol], INTERVALS[stream.argument]
        now_ms = now_ns // NS_PER_MS
        open_ms = interval.open_of(now_ms)
        shown = self._last_bar.get(stream.name)
        if shown is not None and shown != open_ms:
            closed = view.candles.bars(interval, now_ms=now_ms)
            bar = next((bar for bar in reversed(closed) if bar.open_ms == shown), None)
            if bar is not None:
                done = bar
                self._emit(
                    stream.name,
                    lambda unit: payloads.kline(view.symbol, done, interval, now_ns, unit, is_closed=True),
                )
        rolled = shown != open_ms
        self._last_bar[stream.name] = open_ms
        even_second = stream.argument == "1s" or now_ns // SLOW_NS % 2 == 0
        if rolled or (even_second and self._has_new_trade(stream.name, view)):
            running = view.candles.running(interval, now_ms=now_ms)
            self._emit(
                stream.name,
                lambda unit: payloads.kline(view.symbol, running, interval, now_ns, unit, is_closed=False),
            )

    def _emit(self, name: str, build: Any) -> None:
        readers = self._subscribers.get(name)
        if not readers:
            return
        raw: dict[int, str] = {}
        for peer in list(readers):
            text = raw.get(peer.unit)
            if text is None:
                text = raw[peer.unit] = msgspec.json.encode(build(peer.unit)).decode()
            peer.push(name, text)

    def emit_text(self, name: str, text: str) -> None:
        """Send a ready payload, such as a recorded one."""
        for peer in list(self._subscribers.get(name, ())):
            peer.push(name, text)
