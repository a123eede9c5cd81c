"""Public data that every market of Binance serves in the same way: listings, trades, candles, channels."""

from __future__ import annotations

import logging
from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, TypeVar

import msgspec

from lotusx.errors import InvalidArgument, ItemRejected
from lotusx.model import Candle, Instrument, Interval, OrderBook, Symbol, Ticker, Trade
from lotusx.plugin import Channel, ChannelKind, ItemDropped, MarketDataPort, Page, Span
from lotusx_binance import conversions as convert, types
from lotusx_binance.conversions import MS
from lotusx_binance.replies import to_limit

if TYPE_CHECKING:
    from lotusx.plugin import Kernel
    from lotusx_binance.public_calls import PublicCalls

E = TypeVar("E")
M = TypeVar("M")
D = TypeVar("D", bound=types.DayStatistics)

logger = logging.getLogger("lotusx.binance")

MAX_PAGE = 1_000
STREAM_DEPTHS = (5, 10, 20)

_aggregate = msgspec.json.Decoder(types.Combined[types.AggregateTradeEvent]).decode
_kline = msgspec.json.Decoder(types.Combined[types.KlineEvent]).decode


def first_ms(span: Span) -> int | None:
    """Return the first whole millisecond of *span*."""
    return None if span.start_ns is None else -(-span.start_ns // MS)


def last_ms(span: Span) -> int | None:
    """Return the last whole millisecond of *span*, whose end is exclusive."""
    return None if span.end_ns is None else (span.end_ns - 1) // MS


def checked_limit(limit: int, highest: int, what: str) -> int:
    """Return *limit*, or refuse it: a silently shorter answer would look complete."""
    if 1 <= limit <= highest:
        return limit
    raise InvalidArgument(f"binance: {what} must be 1 to {highest}, not {limit}", rule="limit", nearest=(highest,))


class PublicData(MarketDataPort):
    """What is the same on every market.

    Attributes:
        MAX_CANDLES: Most candles of one answer.
        CANDLES_EVERY_S: How often a running candle is sent.
        MARKET: Group of addresses that serves trades, candles and tickers.
        BOOKS: The one that serves books.
    """

    MAX_CANDLES: ClassVar[int] = 1_000
    CANDLES_EVERY_S: ClassVar[float]
    MARKET: ClassVar[str] = "market"
    BOOKS: ClassVar[str] = "market"

    def __init__(self, kernel: Kernel, endpoints: PublicCalls) -> None:
        self._kernel = kernel
        self._public = endpoints
        self._now_ns = kernel.clock.now_ns

    @abstractmethod
    def _to_instrument(self, document: msgspec.Raw) -> Instrument:
        """Convert one of ``exchangeInfo.symbols``."""

    @abstractmethod
    def _to_top(self, message: bytes, symbol: Symbol, depth: int, received_ns: int) -> OrderBook:
        """Convert a message of ``depth<levels>``."""

    def _listed(self, documents: Sequence[msgspec.Raw]) -> Sequence[msgspec.Raw]:
        """Leave out what is another market's."""
        return documents

    async def server_time_ns(self) -> int:
        return (await self._public.time()).serverTime * MS

    async def instruments(self) -> Sequence[Instrument]:
        """Every listed symbol; one that cannot be understood is counted, reported and left out. Adopts the limits."""
        info = await self._public.exchange_info()
        self._kernel.limits(self._kept(info.rateLimits, to_limit, "exchangeInfo.rateLimits"))
        return self._kept(self._listed(info.symbols), self._to_instrument, "exchangeInfo")

    def _kept(self, items: Sequence[M], to: Callable[[M], E], key: str) -> list[E]:
        """Convert what can be understood; count and say which was not."""
        exchange = self._kernel.facts.name
        kept = []
        for item in items:
            try:
                kept.append(to(item))
            except (ItemRejected, msgspec.DecodeError) as error:
                logger.warning("%s: an item of %s was left out: %s", exchange, key, error)
                self._kernel.telemetry.emit(ItemDropped(exchange, key, str(error)))
        return kept

    def _tickers(
        self, items: Sequence[D], wanted: Mapping[str, Symbol] | None, to: Callable[..., Ticker]
    ) -> Sequence[Ticker]:
        """Convert those of *wanted* (venue symbol → symbol), or of all that is listed."""
        received_ns = self._now_ns()
        chosen = items if wanted is None else [item for item in items if item.symbol in wanted]

        def one(item: D) -> Ticker:
            if wanted is not None:
                symbol = wanted[item.symbol]
            else:
                symbol = self._kernel.instruments.by_venue_symbol(item.symbol).symbol
            return to(item, symbol=symbol, received_ns=received_ns)

        return self._kept(chosen, one, "ticker/24hr")

    async def recent_trades(self, instrument: Instrument, limit: int) -> Sequence[Trade]:
        items = await self._public.trades(instrument.venue_symbol, checked_limit(limit, MAX_PAGE, "limit"))
        received_ns = self._now_ns()
        return [convert.to_recent_trade(item, symbol=instrument.symbol, received_ns=received_ns) for item in items]

    async def candles_page(
        self, instrument: Instrument, interval: Interval, span: Span, cursor: str | None, limit: int
    ) -> Page[Candle]:
        """One page of ``klines``; the cursor is the opening time (ms) from which the next one starts."""
        limit = min(limit, self.MAX_CANDLES)
        start = first_ms(span) if cursor is None else int(cursor)
        end = last_ms(span)
        asked_ms = self._kernel.exchange_ns() // MS  # a bar that ends while the answer is on its way may not be whole
        rows = await self._public.klines(
            instrument.venue_symbol, interval.value, start_ms=start, end_ms=end, limit=limit
        )
        received_ns = self._now_ns()
        candles = [
            convert.to_candle(
                row,
                symbol=instrument.symbol,
                interval=interval,
                now_ms=asked_ms,
                received_ns=received_ns,
            )
            for row in rows
        ]
        if start is None or len(rows) < limit:
            return Page(candles, None)
        following = rows[-1].close_time + 1
        return Page(candles, None if end is not None and following > end else str(following))

    async def trades_page(self, instrument: Instrument, span: Span, cursor: str | None, limit: int) -> Page[Trade]:
        """One page of ``aggTrades``: by time to find the first, then by aggregate id, which leaves no gap."""
        limit = min(limit, MAX_PAGE)
        start, end = first_ms(span), last_ms(span)
        if cursor is not None:
            items = await self._public.agg_trades(instrument.venue_symbol, from_id=int(cursor), limit=limit)
        elif start is not None:
            items = await self._public.agg_trades(instrument.venue_symbol, start_ms=start, limit=limit)
        else:
            items = await self._public.agg_trades(instrument.venue_symbol, end_ms=end, limit=limit)
        received_ns = self._now_ns()
        inside = items if end is None else [item for item in items if end >= item.T]
        trades = [
            convert.to_aggregate_trade(item, symbol=instrument.symbol, received_ns=received_ns) for item in inside
        ]
        more = start is not None and len(items) == limit and len(inside) == len(items)
        return Page(trades, str(items[-1].a + 1) if more else None)

    def aggregate_trades_channel(self, instrument: Instrument) -> Channel[Trade]:
        """Aggregated prints, one per taker order and price, as in `trades_page`: history and stream share their ids."""
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[Trade]:
            return (convert.to_aggregate_trade(_aggregate(message).data, symbol=symbol, received_ns=received_ns),)

        return self._channel(instrument, "aggTrade", ChannelKind.TRADES, read)

    def candles_channel(self, instrument: Instrument, interval: Interval) -> Channel[Candle]:
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[Candle]:
            bar = _kline(message).data.k
            return (convert.to_candle_event(bar, symbol=symbol, interval=interval, received_ns=received_ns),)

        cadence_s = 1.0 if interval is Interval.S1 else self.CANDLES_EVERY_S
        return self._channel(instrument, f"kline_{interval.value}", ChannelKind.CANDLES, read, cadence_s=cadence_s)

    def order_book_channel(self, instrument: Instrument, depth: int) -> Channel[OrderBook]:
        """Whole top-of-book snapshots, every 100 ms.

        Raises:
            InvalidArgument: Binance streams 5, 10 or 20 levels.
        """
        if depth not in STREAM_DEPTHS:
            raise InvalidArgument(
                f"binance streams books of 5, 10 or 20 levels, not {depth}", rule="depth", nearest=STREAM_DEPTHS
            )
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[OrderBook]:
            return (self._to_top(message, symbol, depth, received_ns),)

        return self._channel(instrument, f"depth{depth}@100ms", ChannelKind.BOOK, read, group=self.BOOKS)

    def _channel(
        self,
        instrument: Instrument,
        stream: str,
        kind: ChannelKind,
        read: Callable[[bytes, int], Sequence[E]],
        *,
        cadence_s: float | None = None,
        group: str | None = None,
    ) -> Channel[E]:
        # Stream names are lower case; percent-encoding is for URLs, and these names travel in JSON.
        key = f"{instrument.venue_symbol.lower()}@{stream}"
        begins = f'{{"stream":"{key}"'.encode()
        return Channel(
            group or self.MARKET, key, kind, read, symbol=instrument.symbol, cadence_s=cadence_s, begins=begins
        )
