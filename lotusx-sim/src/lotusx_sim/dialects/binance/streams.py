"""Market streams: subscriptions, control messages, and when each stream speaks. Source: web-socket-streams.md."""

from typing import Any

import msgspec

from lotusx_sim.dialects.binance import stream_payloads as payloads
from lotusx_sim.dialects.binance.markets import INTERVALS, levels
from lotusx_sim.dialects.binance.state import NS_PER_MS, SpotState
from lotusx_sim.dialects.binance.stream_names import Stream, parse_stream
from lotusx_sim.engine.market import Diff, LevelPair, MarketView
from lotusx_sim.venue import Outbox

FAST_NS = 100 * NS_PER_MS
SLOW_NS = 1_000 * NS_PER_MS
MAX_STREAMS = 1024
_MESSAGES_PER_SECOND = 5


class StreamHub:
    """All stream connections of one venue."""

    def __init__(self, state: SpotState) -> None:
        self._state = state
        self._subscribers: dict[str, dict[StreamPeer, None]] = {}
        self._streams: dict[str, Stream] = {}  # those that somebody reads and that exist
        self._last_best: dict[str, tuple[LevelPair | None, LevelPair | None]] = {}
        self._last_trade: dict[str, int] = {}  # per slow stream: id of the newest trade it has shown
        self._last_bar: dict[str, int] = {}

    def subscribe(self, peer: "StreamPeer", name: str) -> None:
        if name not in self._subscribers:
            self._subscribers[name] = {}
            stream = parse_stream(name, self._state)
            if stream is not None:
                self._start(stream)
        self._subscribers[name][peer] = None

    def unsubscribe(self, peer: "StreamPeer", name: str) -> None:
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


class StreamPeer:
    """One connection to ``/ws`` or ``/stream``."""

    def __init__(self, hub: StreamHub, out: Outbox, *, combined: bool, unit: int, opened_ns: int) -> None:
        self.unit = unit
        self.opened_ns = opened_ns
        self._hub = hub
        self._out = out
        self._combined = combined
        self._names: dict[str, None] = {}
        self._second = -1
        self._messages = 0

    def subscribe(self, names: list[str]) -> None:
        for name in names:
            self._names[name] = None
            self._hub.subscribe(self, name)

    def push(self, name: str, text: str) -> None:
        self._out.send(f'{{"stream":"{name}","data":{text}}}' if self._combined else text, name)

    def announce_shutdown(self, now_ns: int) -> None:
        self.push("!serverShutdown", f'{{"e":"serverShutdown","E":{now_ns // self.unit}}}')

    def receive(self, text: str, now_ns: int) -> None:
        if self._is_too_fast(now_ns):
            return
        try:
            message = msgspec.json.decode(text)
        except msgspec.DecodeError as error:
            self._refuse(3, f"Invalid JSON: {error}", None)
            return
        if not isinstance(message, dict):
            self._refuse(2, "Invalid request: request must be an object", None)
            return
        self._obey(message)

    def pinged(self, now_ns: int) -> None:
        self._is_too_fast(now_ns)

    def closed(self, now_ns: int) -> None:
        del now_ns
        for name in self._names:
            self._hub.unsubscribe(self, name)
        self._names.clear()

    def end(self, code: int, reason: str) -> None:
        self._out.close(code, reason)

    def _is_too_fast(self, now_ns: int) -> bool:
        second = now_ns // SLOW_NS
        if second != self._second:
            self._second, self._messages = second, 0
        self._messages += 1
        if self._messages > _MESSAGES_PER_SECOND:
            self._out.close(1008, "Too many requests")
            return True
        return False

    def _obey(self, message: dict[str, Any]) -> None:
        method, params, request_id = message.get("method"), message.get("params"), message.get("id")
        if request_id is not None and not isinstance(request_id, (int, str)):
            self._refuse(2, "Invalid request: request ID must be an unsigned integer", None)
        elif method in ("SUBSCRIBE", "UNSUBSCRIBE"):
            if not isinstance(params, list) or not all(isinstance(name, str) for name in params):
                self._refuse(2, "Invalid request: params must be an array of strings", request_id)
            else:
                self._change(method, params, request_id)
        elif method == "LIST_SUBSCRIPTIONS":
            self._reply(list(self._names), request_id)
        elif method in ("SET_PROPERTY", "GET_PROPERTY"):
            self._property(method, params, request_id)
        else:
            self._refuse(2, f"Invalid request: unknown variant `{method}`", request_id)

    def _change(self, method: str, names: list[str], request_id: Any) -> None:
        if method == "UNSUBSCRIBE":
            for name in names:
                self._names.pop(name, None)
                self._hub.unsubscribe(self, name)
        elif len(self._names.keys() | dict.fromkeys(names).keys()) > MAX_STREAMS:
            self._refuse(2, f"Invalid request: too many streams, at most {MAX_STREAMS}", request_id)
            return
        else:
            self.subscribe(names)
        self._reply(None, request_id)

    def _property(self, method: str, params: Any, request_id: Any) -> None:
        if not isinstance(params, list) or not params or params[0] != "combined":
            self._refuse(0, "Unknown property", request_id)
        elif method == "GET_PROPERTY":
            self._reply(self._combined, request_id)
        elif len(params) != 2 or not isinstance(params[1], bool):
            self._refuse(1, "Invalid value type: expected Boolean", request_id)
        else:
            self._combined = params[1]
            self._reply(None, request_id)

    def _reply(self, result: Any, request_id: Any) -> None:
        self._out.send(msgspec.json.encode({"result": result, "id": request_id}).decode(), "")

    def _refuse(self, code: int, message: str, request_id: Any) -> None:
        content: dict[str, Any] = {"code": code, "msg": message}
        if request_id is not None:
            content["id"] = request_id
        self._out.send(msgspec.json.encode({"error": content}).decode(), "")
