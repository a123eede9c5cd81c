"""Public streams: who reads which, and when each speaks. Source: Bybit V5, websocket/public."""

from collections.abc import Iterable
from typing import Any, Protocol

import msgspec

from lotusx_sim.dialects.bybit.books import DEPTHS_MS, BookStream
from lotusx_sim.dialects.bybit.history import INTERVALS, ohlc, volumes
from lotusx_sim.dialects.bybit.listings import Listing
from lotusx_sim.dialects.bybit.market import level_rows, ticker
from lotusx_sim.dialects.bybit.numbers import scaled
from lotusx_sim.dialects.bybit.state import NS_PER_MS, Print, VenueState
from lotusx_sim.dialects.bybit.topics import BOOK, KLINE, LIQUIDATIONS, TICKER, TRADES, Topic
from lotusx_sim.dialects.bybit.tracked import SIDE_NAMES
from lotusx_sim.engine.candles import Candle
from lotusx_sim.engine.events import Event, LiquidationEvent
from lotusx_sim.engine.orders import BookEvent, TradeEvent

_REPEAT_MS = 3_000
_TICKER_MS = {True: 50, False: 100}  # by whether it is spot
_KLINE_MS = 1_000
_TRADES_A_MESSAGE = 1_024
_SPOT_TICKER = ("symbol", "lastPrice", "highPrice24h", "lowPrice24h", "prevPrice24h", "volume24h", "turnover24h",
                "price24hPcnt", "usdIndexPrice")  # fmt: skip


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
        self._tickers: dict[Topic, dict[str, str]] = {}  # as last told
        self._bars: dict[Topic, int] = {}  # opening time of the bar last told of

    # -- readers -------------------------------------------------------------------------------------------------

    def subscribe(self, reader: Reader, topic: Topic, now_ns: int) -> None:
        """Add a reader and tell it how things stand, as far as the stream has told others."""
        is_first = topic not in self._readers
        self._readers.setdefault(topic, {})[reader] = None
        if topic.kind == BOOK:
            book = self._book(topic)
            if is_first:
                book.has_readers = True
                book.advance()
            reader.push(topic.name, self._snapshot(topic, book, now_ns))
            if is_first and topic.depth == 1:
                self._due_ns[topic] = now_ns + self._ns(_REPEAT_MS)
        elif topic.kind == TICKER:
            if is_first:
                self._tickers[topic] = self._ticker(topic)
            reader.push(topic.name, self._ticker_text(topic, "snapshot", self._tickers[topic], now_ns))
        elif topic.kind == KLINE:
            bar = self._running(topic, now_ns)
            self._bars.setdefault(topic, bar.open_ms)
            reader.push(topic.name, self._kline_text(topic, bar, now_ns, confirm=False))
            self._await_close(topic, bar)

    def unsubscribe(self, reader: Reader, topic: Topic) -> None:
        readers = self._readers.get(topic, {})
        readers.pop(reader, None)
        if not readers:
            self._readers.pop(topic, None)
            for known in (self._due_ns, self._sent_ns, self._tickers, self._bars):
                known.pop(topic, None)
            if topic.kind == BOOK:
                self._book(topic).has_readers = False

    # -- what happens --------------------------------------------------------------------------------------------

    def happened(self, events: Iterable[Event], prints: list[Print], now_ns: int) -> None:
        """Take note of everything one command has caused; what is due goes out at once."""
        if not self._readers:
            return
        touched = {e.symbol for e in events if isinstance(e, (BookEvent, TradeEvent))}
        traded = {item.listing.name for item in prints}
        for topic in list(self._readers):
            name = topic.listing.name
            if topic.kind == BOOK and name in touched:
                self._expect(topic, DEPTHS_MS[topic.depth], now_ns)
            elif topic.kind == TICKER and (name in traded or (name in touched and not topic.listing.is_spot)):
                self._expect(topic, _TICKER_MS[topic.listing.is_spot], now_ns)
            elif topic.kind == KLINE and name in traded:
                self._expect(topic, _KLINE_MS, now_ns)
            elif topic.kind == TRADES and name in traded:
                self._trades(topic, [item for item in prints if item.listing.name == name], now_ns)
            elif topic.kind == LIQUIDATIONS:
                self._liquidations(topic, events, now_ns)
        self.tick(now_ns)

    def prices_moved(self, listing: Listing, now_ns: int) -> None:
        """Take note of a mark price, index or funding rate that changed."""
        for topic in self._readers:
            if topic.kind == TICKER and topic.listing is listing:
                self._expect(topic, _TICKER_MS[listing.is_spot], now_ns)

    def _expect(self, topic: Topic, period_ms: int, now_ns: int) -> None:
        due_ns = max(now_ns, self._sent_ns.get(topic, 0) + self._ns(period_ms))
        self._due_ns[topic] = min(due_ns, self._due_ns.get(topic, due_ns))

    def restart_books(self, listing: Listing, now_ns: int) -> None:
        """Send all readers of a book a new snapshot under number 1, as after a restart of the venue's service."""
        for topic, readers in list(self._readers.items()):
            if topic.kind == BOOK and topic.listing is listing:
                book = self._book(topic)
                book.restart()
                self._emit(topic, readers, self._snapshot(topic, book, now_ns), now_ns)

    # -- the clock -----------------------------------------------------------------------------------------------

    def next_due_ns(self) -> int | None:
        return min(self._due_ns.values(), default=None)

    def tick(self, now_ns: int) -> None:
        """Send what is due."""
        for topic in [topic for topic, due_ns in self._due_ns.items() if due_ns <= now_ns]:
            del self._due_ns[topic]
            self._tell(topic, now_ns)

    def _tell(self, topic: Topic, now_ns: int) -> None:
        readers = self._readers[topic]
        if topic.kind == BOOK:
            book = self._book(topic)
            delta = book.advance()
            if topic.depth == 1:
                self._emit(topic, readers, self._snapshot(topic, book, now_ns), now_ns)
                self._due_ns[topic] = now_ns + self._ns(_REPEAT_MS)
            elif delta is not None:
                text = self._book_text(topic, "delta", delta.bids, delta.asks, book.number, now_ns)
                self._emit(topic, readers, text, now_ns)
        elif topic.kind == TICKER:
            old, new = self._tickers[topic], self._ticker(topic)
            self._tickers[topic] = new
            changed = {key: value for key, value in new.items() if old.get(key) != value}
            if topic.listing.is_spot:
                self._emit(topic, readers, self._ticker_text(topic, "snapshot", new, now_ns), now_ns)
            elif changed:
                changed = {"symbol": topic.listing.symbol} | changed
                self._emit(topic, readers, self._ticker_text(topic, "delta", changed, now_ns), now_ns)
        elif topic.kind == KLINE:
            self._tell_bar(topic, readers, now_ns)

    def _tell_bar(self, topic: Topic, readers: dict[Reader, None], now_ns: int) -> None:
        bar = self._running(topic, now_ns)
        if self._bars[topic] != bar.open_ms:
            bars = self._state.candles[topic.listing.name].bars(INTERVALS[topic.interval], now_ms=now_ns // NS_PER_MS)
            closed = next((old for old in reversed(bars) if old.open_ms == self._bars[topic]), None)
            if closed is not None:
                self._emit(topic, readers, self._kline_text(topic, closed, now_ns, confirm=True), now_ns)
            self._bars[topic] = bar.open_ms
        self._emit(topic, readers, self._kline_text(topic, bar, now_ns, confirm=False), now_ns)
        self._await_close(topic, bar)

    def _await_close(self, topic: Topic, bar: Candle) -> None:
        close_ns = INTERVALS[topic.interval].next_open(bar.open_ms) * NS_PER_MS
        self._due_ns[topic] = min(close_ns, self._due_ns.get(topic, close_ns))

    # -- messages ------------------------------------------------------------------------------------------------

    def _ns(self, period_ms: int) -> int:
        return max(1, int(period_ms * self._pace * NS_PER_MS))

    def _book(self, topic: Topic) -> BookStream:
        return self._state.book(topic.listing, topic.depth)

    def _emit(self, topic: Topic, readers: dict[Reader, None], text: str, now_ns: int) -> None:
        self._sent_ns[topic] = now_ns
        for reader in list(readers):
            reader.push(topic.name, text)

    def _snapshot(self, topic: Topic, book: BookStream, now_ns: int) -> str:
        return self._book_text(topic, "snapshot", book.bids, book.asks, book.number, now_ns)

    def _book_text(self, topic: Topic, kind: str, bids: Any, asks: Any, number: int, now_ns: int) -> str:
        listing = topic.listing
        data = {
            "s": listing.symbol,
            "b": level_rows(listing, bids),
            "a": level_rows(listing, asks),
            "u": number,
            "seq": self._state.seq[listing.name],
        }
        cts = self._state.changed_ms[listing.name]
        return _text({"topic": topic.text, "type": kind, "ts": now_ns // NS_PER_MS, "data": data, "cts": cts})

    def _ticker(self, topic: Topic) -> dict[str, str]:
        row = ticker(self._state, topic.listing, self._state.now_ms)
        if topic.listing.is_spot:
            return {name: row[name] for name in _SPOT_TICKER}
        prints = self._state.prints[topic.listing.name]
        return row | {"tickDirection": prints[-1].tick if prints else "ZeroPlusTick"}

    def _ticker_text(self, topic: Topic, kind: str, row: dict[str, str], now_ns: int) -> str:
        sequence = self._state.seq[topic.listing.name]
        return _text({"topic": topic.text, "type": kind, "data": row, "cs": sequence, "ts": now_ns // NS_PER_MS})

    def _trades(self, topic: Topic, prints: list[Print], now_ns: int) -> None:
        for start in range(0, len(prints), _TRADES_A_MESSAGE):
            rows = [_trade(item) for item in prints[start : start + _TRADES_A_MESSAGE]]
            text = _text({"topic": topic.text, "type": "snapshot", "ts": now_ns // NS_PER_MS, "data": rows})
            self._emit(topic, self._readers[topic], text, now_ns)

    def _running(self, topic: Topic, now_ns: int) -> Candle:
        store = self._state.candles[topic.listing.name]
        return store.running(INTERVALS[topic.interval], now_ms=now_ns // NS_PER_MS)

    def _kline_text(self, topic: Topic, bar: Candle, now_ns: int, *, confirm: bool) -> str:
        listing, interval = topic.listing, INTERVALS[topic.interval]
        open_, high, low, close = ohlc(listing, bar)
        volume, turnover = volumes(listing, bar)
        now_ms = now_ns // NS_PER_MS
        row = {
            "start": bar.open_ms, "end": interval.next_open(bar.open_ms) - 1, "interval": topic.interval,
            "open": open_, "close": close, "high": high, "low": low, "volume": volume, "turnover": turnover,
            "confirm": confirm, "timestamp": now_ms,
        }  # fmt: skip
        return _text({"topic": topic.text, "data": [row], "ts": now_ms, "type": "snapshot"})

    def _liquidations(self, topic: Topic, events: Iterable[Event], now_ns: int) -> None:
        """Tell who was liquidated: the side is the position's."""
        listing = topic.listing
        rows = [
            {
                "T": event.ns // NS_PER_MS,
                "s": listing.symbol,
                "S": "Buy" if event.quantity > 0 else "Sell",
                "v": scaled(abs(event.quantity), listing.step),
                "p": scaled(event.price, listing.tick),
            }
            for event in events
            if isinstance(event, LiquidationEvent) and event.symbol == listing.name
        ]
        if rows:
            text = _text({"topic": topic.text, "type": "snapshot", "ts": now_ns // NS_PER_MS, "data": rows})
            self._emit(topic, self._readers[topic], text, now_ns)


def _trade(item: Print) -> dict[str, Any]:
    row: dict[str, Any] = {
        "i": item.id,
        "T": item.ns // NS_PER_MS,
        "p": scaled(item.price, item.listing.tick),
        "v": scaled(item.quantity, item.listing.step),
        "S": SIDE_NAMES[item.taker_side],
        "s": item.listing.symbol,
        "BT": False,
        "RPI": False,
        "seq": item.seq,
    }
    return row if item.listing.is_spot else row | {"L": item.tick}


def _text(content: Any) -> str:
    return msgspec.json.encode(content).decode()
