"""Public channels: who reads what, and when something is due. Source: OKX API v5 (2026-06), WS channels."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Protocol

import msgspec

from lotusx_sim.dialects.okx import public
from lotusx_sim.dialects.okx.listings import Listing
from lotusx_sim.dialects.okx.state import Print, VenueState
from lotusx_sim.dialects.okx.text import NS_PER_MS
from lotusx_sim.engine.events import Event
from lotusx_sim.engine.orders import ZERO, BookEvent, Side, TradeEvent

BOOKS, TOP, FIVE, TRADES, TICKERS, MARK = "books", "bbo-tbt", "books5", "trades-all", "tickers", "mark-price"
AGGREGATED = "trades"
_DEPTHS = {BOOKS: 400, TOP: 1, FIVE: 5}
_PERIOD_MS = {BOOKS: 100, TOP: 10, FIVE: 100, TICKERS: 100, MARK: 200}
_CANDLE_MS = 1_000
_REPEAT_MS = {BOOKS: 60_000, TOP: 60_000, FIVE: 60_000, MARK: 10_000}
_FIRST = 100_000
Levels = list[tuple[Decimal, Decimal]]


@dataclass(frozen=True, slots=True)
class Topic:
    channel: str
    listing: Listing

    @property
    def name(self) -> str:
        """Return what faults call it."""
        return f"{self.channel}:{self.listing.name}"

    @property
    def arg(self) -> dict[str, str]:
        return {"channel": self.channel, "instId": self.listing.name}


class Reader(Protocol):
    """A socket."""

    def push(self, name: str, text: str) -> None: ...


class Numbered:
    """One instrument's numbers: they rise with every change of its book, and have holes."""

    def __init__(self) -> None:
        self.seq = _FIRST
        self.sent = _FIRST  # under which the readers of ``books`` know it
        self.bids: Levels = []
        self.asks: Levels = []


class Hub:
    """All readers of public channels."""

    def __init__(self, state: VenueState, pace: float) -> None:
        self._state = state
        self._pace = pace
        self._readers: dict[Topic, dict[Reader, None]] = {}
        self._due_ns: dict[Topic, int] = {}
        self._sent_ns: dict[Topic, int] = {}
        self._bars: dict[Topic, int] = {}
        self._marks: dict[Topic, str] = {}
        self._numbers = {listing.name: Numbered() for listing in state.listings}

    def topic_of(self, group: str, channel: str, inst_id: str) -> Topic | None:
        """Return what an argument names on sockets of *group*; None: nothing."""
        listing = self._state.by_name.get(inst_id)
        bar = channel.removeprefix("candle") if channel.startswith("candle") else ""
        business = channel == TRADES or bar in public.BARS
        known = business or channel in (*_DEPTHS, TICKERS, AGGREGATED) or (channel == MARK)
        if listing is None or not known or (group == "business") is not business:
            return None
        return None if channel == MARK and listing.is_spot else Topic(channel, listing)

    # -- readers -------------------------------------------------------------------------------------------------

    def subscribe(self, reader: Reader, topic: Topic, now_ns: int) -> None:
        """Add a reader and tell it how things stand."""
        first = topic not in self._readers
        self._readers.setdefault(topic, {})[reader] = None
        number = self._numbers[topic.listing.name]
        if topic.channel == BOOKS:
            if first:
                self._look(topic, number)
                number.sent = number.seq
            row = self._book_row(topic, number.bids, number.asks) | {"checksum": 0, "prevSeqId": -1}
            reader.push(topic.name, _text(topic, [row | {"seqId": number.sent}], action="snapshot"))
        elif topic.channel in _DEPTHS:
            reader.push(topic.name, self._whole(topic))
        elif topic.channel == TICKERS:
            reader.push(topic.name, _text(topic, [public.ticker_row(self._state, topic.listing)]))
        elif topic.channel == MARK:
            row = public.mark_row(self._state, topic.listing)
            self._marks[topic] = row["markPx"]
            reader.push(topic.name, _text(topic, [row]))
        elif topic.channel.startswith("candle"):
            self._candle(topic, {reader: None}, now_ns)
        if first and topic.channel in _REPEAT_MS:
            self._due_ns[topic] = now_ns + self._ns(_REPEAT_MS[topic.channel])

    def unsubscribe(self, reader: Reader, topic: Topic) -> None:
        readers = self._readers.get(topic, {})
        readers.pop(reader, None)
        if not readers:
            self._readers.pop(topic, None)
            for known in (self._due_ns, self._sent_ns, self._bars, self._marks):
                known.pop(topic, None)

    def book(self, listing: Listing, depth: int) -> dict[str, Any]:
        """Return the book as REST shows it, under the number that the channels give it."""
        return public.book_row(self._state, listing, depth) | {"seqId": self._numbers[listing.name].seq}

    # -- what happens --------------------------------------------------------------------------------------------

    def happened(self, events: Iterable[Event], prints: list[Print], now_ns: int) -> None:
        """Take note of everything one command has caused."""
        touched = {event.symbol for event in events if isinstance(event, BookEvent)}
        traded = {event.symbol for event in events if isinstance(event, TradeEvent)}
        for name in touched | traded:
            self._numbers[name].seq += 3
        for topic in list(self._readers):
            name = topic.listing.name
            if topic.channel in _DEPTHS and name in touched:
                self._expect(topic, _PERIOD_MS[topic.channel], now_ns)
            elif topic.channel == TICKERS and name in touched | traded:
                self._expect(topic, _PERIOD_MS[TICKERS], now_ns)
            elif topic.channel in (TRADES, AGGREGATED) and name in traded:
                for item in prints:
                    if item.listing.name == name:
                        self._trade(topic, item, now_ns)
            elif topic.channel.startswith("candle") and name in traded:
                self._expect(topic, _CANDLE_MS, now_ns)
            elif topic.channel == MARK and public.mark_row(self._state, topic.listing)["markPx"] != self._marks[topic]:
                self._expect(topic, _PERIOD_MS[MARK], now_ns)
        self.tick(now_ns)

    def restart_numbers(self, listing: Listing) -> None:
        """Begin to count anew, as after maintenance: the next update says so."""
        self._numbers[listing.name].seq = 1

    def _expect(self, topic: Topic, period_ms: int, now_ns: int) -> None:
        due_ns = max(now_ns, self._sent_ns.get(topic, 0) + self._ns(period_ms))
        self._due_ns[topic] = min(due_ns, self._due_ns.get(topic, due_ns))

    def next_due_ns(self) -> int | None:
        return min(self._due_ns.values(), default=None)

    def tick(self, now_ns: int) -> None:
        """Send what is due."""
        for topic in [topic for topic, due_ns in self._due_ns.items() if due_ns <= now_ns]:
            del self._due_ns[topic]
            self._tell(topic, now_ns)

    def _tell(self, topic: Topic, now_ns: int) -> None:
        readers = self._readers[topic]
        if topic.channel == BOOKS:
            self._emit(topic, readers, self._update(topic), now_ns)
        elif topic.channel in _DEPTHS:
            self._emit(topic, readers, self._whole(topic), now_ns)
        elif topic.channel == TICKERS:
            self._emit(topic, readers, _text(topic, [public.ticker_row(self._state, topic.listing)]), now_ns)
        elif topic.channel == MARK:
            row = public.mark_row(self._state, topic.listing)
            self._marks[topic] = row["markPx"]
            self._emit(topic, readers, _text(topic, [row]), now_ns)
        else:
            self._candle(topic, readers, now_ns)
        if topic.channel in _REPEAT_MS:
            self._due_ns[topic] = now_ns + self._ns(_REPEAT_MS[topic.channel])

    # -- messages ------------------------------------------------------------------------------------------------

    def _ns(self, period_ms: int) -> int:
        return max(1, int(period_ms * self._pace * NS_PER_MS))

    def _emit(self, topic: Topic, readers: dict[Reader, None], text: str, now_ns: int) -> None:
        self._sent_ns[topic] = now_ns
        for reader in list(readers):
            reader.push(topic.name, text)

    def _look(self, topic: Topic, number: Numbered) -> tuple[Levels, Levels]:
        """Take over how the book stands now; return what changed."""
        depth = _DEPTHS[BOOKS]
        bids = self._state.levels(topic.listing, Side.BUY, depth)
        asks = self._state.levels(topic.listing, Side.SELL, depth)
        changed = _difference(number.bids, bids), _difference(number.asks, asks)
        number.bids, number.asks = bids, asks
        return changed

    def _update(self, topic: Topic) -> str:
        number = self._numbers[topic.listing.name]
        bids, asks = self._look(topic, number)
        previous, number.sent = number.sent, number.seq
        row = self._book_row(topic, sorted(bids, reverse=True), sorted(asks))
        row |= {"checksum": 0, "prevSeqId": previous, "seqId": number.sent}
        return _text(topic, [row], action="update")

    def _book_row(self, topic: Topic, bids: Levels, asks: Levels) -> dict[str, Any]:
        listing = topic.listing
        return {
            "asks": public.level_rows(listing, asks),
            "bids": public.level_rows(listing, bids),
            "ts": str(self._state.now_ms),
        }

    def _whole(self, topic: Topic) -> str:
        row = self.book(topic.listing, _DEPTHS[topic.channel])
        return _text(topic, [row if topic.channel == TOP else row | {"instId": topic.listing.name}])

    def _trade(self, topic: Topic, item: Print, now_ns: int) -> None:
        row: dict[str, Any] = dict(public.trade_row(item))
        if topic.channel == AGGREGATED:
            row |= {"count": "1", "seqId": self._numbers[topic.listing.name].seq}
        self._emit(topic, self._readers[topic], _text(topic, [row]), now_ns)

    def _candle(self, topic: Topic, readers: dict[Reader, None], now_ns: int) -> None:
        store = self._state.candles[topic.listing.name]
        interval, now_ms = public.BARS[topic.channel.removeprefix("candle")], now_ns // NS_PER_MS
        bar = store.running(interval, now_ms=now_ms)
        before = self._bars.get(topic, bar.open_ms)
        if before != bar.open_ms:
            bars = store.bars(interval, now_ms=now_ms)
            closed = next((old for old in reversed(bars) if old.open_ms == before), None)
            if closed is not None:
                row = public.candle_row(topic.listing, closed, complete=True)
                self._emit(topic, readers, _text(topic, [row]), now_ns)
        self._bars[topic] = bar.open_ms
        self._emit(topic, readers, _text(topic, [public.candle_row(topic.listing, bar, complete=False)]), now_ns)
        close_ns = interval.next_open(bar.open_ms) * NS_PER_MS
        self._due_ns[topic] = min(close_ns, self._due_ns.get(topic, close_ns))


def _difference(old: Levels, new: Levels) -> Levels:
    before, after = dict(old), dict(new)
    changed = [(price, size) for price, size in new if before.get(price) != size]
    return changed + [(price, ZERO) for price in before if price not in after]


def _text(topic: Topic, rows: list[Any], *, action: str = "") -> str:
    head: dict[str, Any] = {"arg": topic.arg}
    if action:
        head["action"] = action
    return msgspec.json.encode(head | {"data": rows}).decode()
