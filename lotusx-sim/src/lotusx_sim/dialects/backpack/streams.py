"""Public streams: who reads which, and when each speaks. Source: OpenAPI document (2026-08), recordings."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Protocol

import msgspec

from lotusx_sim.dialects.backpack.listings import Listing
from lotusx_sim.dialects.backpack.market import INTERVALS, day_of
from lotusx_sim.dialects.backpack.state import Print, VenueState
from lotusx_sim.dialects.backpack.text import NS_PER_MS, NS_PER_US, iso, padded, plain
from lotusx_sim.dialects.backpack.topics import (
    BOOK_TICKER,
    DEPTH,
    INTEREST,
    KLINE,
    LIQUIDATION,
    MARK,
    TICKER,
    TRADE,
    Topic,
)
from lotusx_sim.engine.candles import Candle
from lotusx_sim.engine.events import Event, LiquidationEvent
from lotusx_sim.engine.orders import BookEvent, Side

_REPEATS_MS = {TICKER: 1_000, MARK: 1_000, INTEREST: 60_000}
_KLINE_MS = 1_000
Levels = dict[tuple[Side, Decimal], Decimal]


class Reader(Protocol):
    """A connection, as the hub sees it."""

    def push(self, name: str, text: str) -> None: ...


class Hub:
    """All public streams of one venue.

    Args:
        pace: What the venue's cadences are multiplied by.
    """

    def __init__(self, state: VenueState, pace: float) -> None:
        self._state = state
        self._pace = pace
        self._readers: dict[Topic, dict[Reader, None]] = {}
        self._due_ns: dict[Topic, int] = {}
        self._sent_ns: dict[Topic, int] = {}
        self._tops: dict[str, list[Any]] = {}  # best prices as last told, by symbol
        self._bars: dict[Topic, int] = {}  # opening time of the bar last told of
        self._pending: dict[Topic, tuple[int, Levels]] = {}  # of windowed depth: first update and levels

    # -- readers -------------------------------------------------------------------------------------------------

    def subscribe(self, reader: Reader, topic: Topic, now_ns: int) -> None:
        """Add a reader. It is told nothing of how things stand: data begins when there is some."""
        self._readers.setdefault(topic, {})[reader] = None
        if topic.kind in _REPEATS_MS:
            self._due_ns.setdefault(topic, now_ns + self._ns(_REPEATS_MS[topic.kind]))
        elif topic.kind == BOOK_TICKER and topic.listing is not None:
            self._tops.setdefault(topic.listing.symbol, self._top(topic.listing))

    def unsubscribe(self, reader: Reader, topic: Topic) -> None:
        readers = self._readers.get(topic, {})
        readers.pop(reader, None)
        if not readers:
            self._readers.pop(topic, None)
            for known in (self._due_ns, self._sent_ns, self._bars, self._pending):
                known.pop(topic, None)

    # -- what happens --------------------------------------------------------------------------------------------

    def happened(self, events: Iterable[Event], prints: list[Print], now_ns: int) -> None:
        """Number the books' changes and tell what one command has caused."""
        changed: dict[str, Levels] = {}
        for event in events:
            if isinstance(event, BookEvent):
                changed.setdefault(event.symbol, {})[(event.side, event.price)] = event.quantity
            elif isinstance(event, LiquidationEvent):
                self._liquidation(event, now_ns)
        for symbol in changed:
            self._state.update_id[symbol] += 1
            self._state.changed_ns[symbol] = now_ns
        for topic in list(self._readers):
            if topic.listing is None:
                continue
            levels = changed.get(topic.listing.symbol)
            if topic.kind == DEPTH and levels:
                self._depth(topic, levels, now_ns)
            elif topic.kind == TRADE:
                for item in prints:
                    if item.listing is topic.listing:
                        self._emit(topic, _trade(item, now_ns), now_ns)
            elif topic.kind == KLINE and any(item.listing is topic.listing for item in prints):
                due_ns = max(now_ns, self._sent_ns.get(topic, 0) + self._ns(_KLINE_MS))
                self._due_ns[topic] = min(due_ns, self._due_ns.get(topic, due_ns))
        for symbol in changed:
            self._best(symbol, now_ns)

    def _best(self, symbol: str, now_ns: int) -> None:
        topic = next(
            (t for t in self._readers if t.kind == BOOK_TICKER and t.listing and t.listing.symbol == symbol), None
        )
        if topic is None or topic.listing is None:
            self._tops.pop(symbol, None)
            return
        top = self._top(topic.listing)
        if self._tops.get(symbol) != top:
            self._tops[symbol] = top
            self._emit(topic, self._book_ticker(topic.listing, top, now_ns), now_ns)

    def _top(self, listing: Listing) -> list[Any]:
        best = [self._state.levels(listing, side, 1) for side in (Side.BUY, Side.SELL)]
        return [side[0] if side else (None, None) for side in best]

    # -- the clock -----------------------------------------------------------------------------------------------

    def next_due_ns(self) -> int | None:
        return min(self._due_ns.values(), default=None)

    def tick(self, now_ns: int) -> None:
        """Send what is due."""
        for topic in [topic for topic, due_ns in self._due_ns.items() if due_ns <= now_ns]:
            del self._due_ns[topic]
            listing = topic.listing
            assert listing is not None
            if topic.kind == KLINE:
                self._kline(topic, listing, now_ns)
            elif topic.kind == DEPTH:
                first, levels = self._pending.pop(topic)
                self._emit(topic, self._depth_data(listing, first, levels, now_ns), now_ns)
            else:
                self._due_ns[topic] = now_ns + self._ns(_REPEATS_MS[topic.kind])
                self._emit(topic, self._repeated(topic.kind, listing, now_ns), now_ns)

    def _ns(self, period_ms: int) -> int:
        return max(1, int(period_ms * self._pace * NS_PER_MS))

    def _emit(self, topic: Topic, data: dict[str, Any], now_ns: int) -> None:
        self._sent_ns[topic] = now_ns
        text = frame(topic.name, data)
        for reader in list(self._readers[topic]):
            reader.push(topic.name, text)

    # -- messages ------------------------------------------------------------------------------------------------

    def _depth(self, topic: Topic, levels: Levels, now_ns: int) -> None:
        assert topic.listing is not None
        number = self._state.update_id[topic.listing.symbol]
        if not topic.window_ms:
            self._emit(topic, self._depth_data(topic.listing, number, levels, now_ns), now_ns)
            return
        first, known = self._pending.get(topic, (number, {}))
        self._pending[topic] = (first, known | levels)
        self._due_ns.setdefault(topic, now_ns + self._ns(topic.window_ms))

    def _depth_data(self, listing: Listing, first: int, levels: Levels, now_ns: int) -> dict[str, Any]:
        sides = {
            name: [
                [padded(price, listing.tick), padded(size, listing.step)]
                for (side, price), size in levels.items()
                if side is wanted
            ]
            for name, wanted in (("b", Side.BUY), ("a", Side.SELL))
        }
        return {
            "e": "depth", "E": now_ns // NS_PER_US, "T": self._state.changed_ns[listing.symbol] // NS_PER_US,
            "s": listing.symbol, "U": first, "u": self._state.update_id[listing.symbol], **sides,
        }  # fmt: skip

    def _book_ticker(self, listing: Listing, top: list[Any], now_ns: int) -> dict[str, Any]:
        (bid, bid_size), (ask, ask_size) = top
        return {
            "e": "bookTicker", "E": now_ns // NS_PER_US, "T": self._state.changed_ns[listing.symbol] // NS_PER_US,
            "s": listing.symbol,
            "b": None if bid is None else padded(bid, listing.tick),
            "B": None if bid is None else padded(bid_size, listing.step),
            "a": None if ask is None else padded(ask, listing.tick),
            "A": None if ask is None else padded(ask_size, listing.step),
            "u": self._state.update_id[listing.symbol],
        }  # fmt: skip

    def _repeated(self, kind: str, listing: Listing, now_ns: int) -> dict[str, Any]:
        state, common = self._state, {"e": kind, "E": now_ns // NS_PER_US, "s": listing.symbol}
        if kind == INTEREST:
            return common | {"o": plain(state.exchange.perps.open_interest(listing.symbol))}
        if kind == MARK:
            rate = state.exchange.perps.funding_rate(listing.symbol)
            return common | {
                "T": now_ns // NS_PER_US, "p": plain(state.mark(listing)), "i": plain(state.index(listing)),
                "f": plain(rate), "n": state.next_funding_ms(),
            }  # fmt: skip
        bar = day_of(state, listing)
        return common | {
            "o": plain(bar.open), "c": plain(bar.close), "h": plain(bar.high), "l": plain(bar.low),
            "v": plain(bar.volume), "V": plain(bar.quote_volume), "n": bar.trades,
        }  # fmt: skip

    def _kline(self, topic: Topic, listing: Listing, now_ns: int) -> None:
        """Tell of the running bar, and of the one before it if that has closed; bars without trades are not told."""
        store, interval = self._state.candles[listing.symbol], INTERVALS[topic.interval]
        bar = store.running(interval, now_ms=now_ns // NS_PER_MS)
        told = self._bars.get(topic)
        if told is not None and told != bar.open_ms:
            bars = store.bars(interval, now_ms=now_ns // NS_PER_MS)
            closed = next((old for old in reversed(bars) if old.open_ms == told), None)
            if closed is not None:
                self._emit(topic, self._kline_data(topic, listing, closed, now_ns, closed=True), now_ns)
            del self._bars[topic]
        if not bar.trades:
            return
        self._bars[topic] = bar.open_ms
        self._emit(topic, self._kline_data(topic, listing, bar, now_ns, closed=False), now_ns)
        self._due_ns[topic] = interval.next_open(bar.open_ms) * NS_PER_MS

    def _kline_data(self, topic: Topic, listing: Listing, bar: Candle, now_ns: int, *, closed: bool) -> dict[str, Any]:
        until_ms = INTERVALS[topic.interval].next_open(bar.open_ms)
        return {
            "e": "kline", "E": now_ns // NS_PER_US, "s": listing.symbol,
            "t": iso(bar.open_ms * NS_PER_MS), "T": iso(until_ms * NS_PER_MS),
            "o": padded(bar.open, listing.tick), "h": padded(bar.high, listing.tick),
            "l": padded(bar.low, listing.tick), "c": padded(bar.close, listing.tick),
            "v": padded(bar.volume, listing.step), "n": bar.trades, "X": closed,
        }  # fmt: skip

    def _liquidation(self, event: LiquidationEvent, now_ns: int) -> None:
        """Tell of a liquidation; the side is that of the order that closed the position."""
        for topic in list(self._readers):
            if topic.kind == LIQUIDATION and (topic.listing is None or topic.listing.symbol == event.symbol):
                data = {
                    "e": "liquidation", "E": now_ns // NS_PER_US, "T": event.ns // NS_PER_US, "s": event.symbol,
                    "S": "Ask" if event.quantity > 0 else "Bid", "p": plain(event.price),
                    "q": plain(abs(event.quantity)),
                }  # fmt: skip
                self._emit(topic, data, now_ns)


def _trade(item: Print, now_ns: int) -> dict[str, Any]:
    listing = item.listing
    return {
        "e": "trade", "E": now_ns // NS_PER_US, "T": item.ns // NS_PER_US, "s": listing.symbol,
        "p": padded(item.price, listing.tick), "q": padded(item.quantity, listing.step),
        "b": item.buyer_id, "a": item.seller_id, "t": item.id, "m": item.taker_side is Side.SELL,
    }  # fmt: skip


def frame(stream: str, data: dict[str, Any]) -> str:
    """Write a message as streams do."""
    return msgspec.json.encode({"data": data, "stream": stream}).decode()
