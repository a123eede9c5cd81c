"""Candles and 24 hour statistics, kept from trades; the time before the first trade is drawn from a seed."""

from calendar import timegm
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from random import Random

from lotusx_sim.engine.orders import ZERO, Side

SECOND_MS = 1_000
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
WEEK_MS = 7 * DAY_MS
_FIRST_MONDAY_MS = 4 * DAY_MS  # 1970-01-05
_KEPT_SECONDS = 7_200


@dataclass(slots=True)
class Candle:
    """One bar; without trades all four prices are the close before it and the trade ids are -1."""

    open_ms: int
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal = ZERO
    quote_volume: Decimal = ZERO
    trades: int = 0
    taker_buy_volume: Decimal = ZERO
    taker_buy_quote: Decimal = ZERO
    first_id: int = -1
    last_id: int = -1

    def add(self, price: Decimal, quantity: Decimal, taker_side: Side, trade_id: int) -> None:
        if not self.trades:
            self.open = self.high = self.low = price
            self.first_id = trade_id
        self.high = max(self.high, price)
        self.low = min(self.low, price)
        self.close = price
        self.volume += quantity
        self.quote_volume += price * quantity
        self.trades += 1
        self.last_id = trade_id
        if taker_side is Side.BUY:
            self.taker_buy_volume += quantity
            self.taker_buy_quote += price * quantity

    def absorb(self, later: "Candle") -> None:
        """Extend this bar by a *later* one."""
        if not later.trades:
            return
        if not self.trades:
            self.open, self.high, self.low, self.first_id = later.open, later.high, later.low, later.first_id
        self.high = max(self.high, later.high)
        self.low = min(self.low, later.low)
        self.close = later.close
        self.volume += later.volume
        self.quote_volume += later.quote_volume
        self.trades += later.trades
        self.last_id = later.last_id
        self.taker_buy_volume += later.taker_buy_volume
        self.taker_buy_quote += later.taker_buy_quote


@dataclass(frozen=True, slots=True)
class Interval:
    """A bar length. Months are calendar months, so their length is 0 here."""

    name: str
    length_ms: int

    def open_of(self, at_ms: int) -> int:
        """Return the opening time of the bar that contains *at_ms* (epoch ms, UTC)."""
        if not self.length_ms:
            at = datetime.fromtimestamp(at_ms // 1000, UTC)
            return timegm((at.year, at.month, 1, 0, 0, 0)) * 1000
        phase = _FIRST_MONDAY_MS if self.length_ms == WEEK_MS else 0
        return (at_ms - phase) // self.length_ms * self.length_ms + phase

    def next_open(self, open_ms: int) -> int:
        if self.length_ms:
            return open_ms + self.length_ms
        return self.open_of(open_ms + 32 * DAY_MS)


class _Bars:
    """Consecutive bars of one fixed length, without holes."""

    def __init__(self, length_ms: int, keep: int | None) -> None:
        self.length_ms = length_ms
        self.items: list[Candle] = []
        self._keep = keep

    def at(self, at_ms: int, last: Decimal) -> Candle:
        """Return the bar of *at_ms*, after filling the time since the newest bar with empty ones."""
        open_ms = at_ms // self.length_ms * self.length_ms
        if not self.items:
            self.items.append(Candle(open_ms, last, last, last, last))
        if self._keep is not None and open_ms - self.items[-1].open_ms > self._keep * self.length_ms:
            close = self.items[-1].close
            self.items = [Candle(open_ms - self.length_ms, close, close, close, close)]
        while self.items[-1].open_ms < open_ms:
            newest = self.items[-1]
            close = newest.close
            self.items.append(Candle(newest.open_ms + self.length_ms, close, close, close, close))
        if self._keep is not None and len(self.items) > 2 * self._keep:
            del self.items[: -self._keep]
        return self.items[max(0, (open_ms - self.items[0].open_ms) // self.length_ms)]


@dataclass(frozen=True, slots=True)
class Stats:
    """The rolling 24 hours; quantities in base units."""

    open_ms: int
    close_ms: int
    candle: Candle
    previous_close: Decimal


class CandleStore:
    """Bars of one market, from a drawn past into the live present."""

    def __init__(self, *, start_ms: int, price: Decimal, tick: Decimal, step: Decimal, past: "Past") -> None:
        self._start_ms = start_ms
        self._price = price
        self._tick = tick
        self._step = step
        self._past: Past | None = past
        self._minutes = _Bars(MINUTE_MS, None)
        self._seconds = _Bars(SECOND_MS, _KEPT_SECONDS)
        self._closed: tuple[int, Candle] | None = None  # sum of the closed minutes of the last day, by newest minute

    def add(self, price: Decimal, quantity: Decimal, taker_side: Side, trade_id: int, at_ms: int) -> None:
        if not self._minutes.items:
            self._minutes.at(self._start_ms, self._price)
        for bars in (self._minutes, self._seconds):
            bars.at(at_ms, price).add(price, quantity, taker_side, trade_id)

    def bars(self, interval: Interval, *, now_ms: int) -> list[Candle]:
        """Return every known bar of *interval* up to the running one, oldest first."""
        self._prepare(now_ms)
        source = self._seconds if interval.length_ms == SECOND_MS else self._minutes
        if interval.length_ms == source.length_ms:
            return source.items
        grouped: list[Candle] = []
        until = 0
        for bar in source.items:
            if bar.open_ms >= until:
                open_ms = interval.open_of(bar.open_ms)
                until = interval.next_open(open_ms)
                grouped.append(replace(bar, open_ms=open_ms))
            else:
                grouped[-1].absorb(bar)
        return grouped

    def running(self, interval: Interval, *, now_ms: int) -> Candle:
        """Return the bar of *interval* that contains *now_ms*."""
        self._prepare(now_ms)
        source = self._seconds if interval.length_ms == SECOND_MS else self._minutes
        open_ms = interval.open_of(now_ms)
        index = max(0, (open_ms - source.items[0].open_ms) // source.length_ms)
        total = replace(source.items[index], open_ms=open_ms)
        for bar in source.items[index + 1 :]:
            total.absorb(bar)
        return total

    def stats(self, *, now_ms: int) -> Stats:
        """Sum the last 24 hours, in whole minutes."""
        self._prepare(now_ms)
        minutes = self._minutes.items
        newest = minutes[-1]
        day = minutes[-1440:-1]
        if self._closed is None or self._closed[0] != newest.open_ms:
            total = replace(day[0]) if day else replace(newest)
            for bar in day[1:]:
                total.absorb(bar)
            self._closed = (newest.open_ms, total)
        total = replace(self._closed[1])
        if day:
            total.absorb(newest)
        before = minutes[-1441].close if len(minutes) > 1440 else total.open
        return Stats(now_ms - DAY_MS, now_ms, total, before)

    def _prepare(self, now_ms: int) -> None:
        """Draw the past on first sight, and fill the time up to now."""
        if not self._minutes.items:
            self._minutes.at(self._start_ms, self._price)
        if self._past is not None:
            past, self._past = self._past, None
            self._minutes.items[:0] = past.draw(self._start_ms, self._price, self._tick, self._step)
        self._minutes.at(now_ms, self._price)
        self._seconds.at(now_ms, self._minutes.items[-1].close)


@dataclass(frozen=True, slots=True)
class Past:
    """Draws the minutes before a market's first trade, once and the same for the same seed."""

    seed: str
    minutes: int
    first_trade_id: int  # of the live market; the past uses the ids before it

    def draw(self, start_ms: int, price: Decimal, tick: Decimal, step: Decimal) -> list[Candle]:
        """Return the bars before *start_ms*, oldest first; the newest closes at *price*."""
        draw = Random(self.seed).random
        swing = max(2, int(price / tick) // 4_000)
        close = int(price / tick)
        trade_id = self.first_trade_id - 1
        open_ms = start_ms // MINUTE_MS * MINUTE_MS
        bars: list[Candle] = []
        for _ in range(self.minutes):
            open_ms -= MINUTE_MS
            open_ = max(2 * swing, close - swing + int(draw() * (2 * swing + 1)))
            high = max(open_, close) + int(draw() * swing)
            low = min(open_, close) - int(draw() * swing)
            trades = 4 + int(draw() * 37)
            volume = step * (100 + int(draw() * 99_900))
            quote = volume * tick * ((open_ + close) // 2)
            bars.append(
                Candle(
                    open_ms, open_ * tick, high * tick, low * tick, close * tick, volume, quote, trades,
                    volume // (2 * step) * step, quote / 2, trade_id - trades + 1, trade_id,
                )
            )  # fmt: skip
            trade_id -= trades
            close = open_
        bars.reverse()
        return bars
