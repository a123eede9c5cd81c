"""Public data: REST for documents and history, combined streams for events."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import msgspec

from lotusx.errors import InvalidArgument, ItemRejected
from lotusx.model import BestBidOffer, BookUpdate, Candle, Instrument, Interval, OrderBook, Ticker, Trade
from lotusx.plugin import BookRule, Channel, ChannelKind, ItemDropped, MarketDataPort, Page, Span
from lotusx_binance import conversions as convert, types
from lotusx_binance.conversions import MS
from lotusx_binance.errors import to_limit

if TYPE_CHECKING:
    from lotusx.plugin import Kernel
    from lotusx_binance.rest import Endpoints

E = TypeVar("E")
M = TypeVar("M")

logger = logging.getLogger("lotusx.binance")

MAX_DEPTH = 5_000
MAX_PAGE = 1_000
STREAM_DEPTHS = (5, 10, 20)

_trade = msgspec.json.Decoder(types.Combined[types.TradeEvent]).decode
_aggregate = msgspec.json.Decoder(types.Combined[types.AggregateTradeEvent]).decode
_ticker = msgspec.json.Decoder(types.Combined[types.DayTickerEvent]).decode
_book_ticker = msgspec.json.Decoder(types.Combined[types.BookTickerEvent]).decode
_kline = msgspec.json.Decoder(types.Combined[types.KlineEvent]).decode
_depth = msgspec.json.Decoder(types.Combined[types.Depth]).decode
_depth_update = msgspec.json.Decoder(types.Combined[types.DepthEvent]).decode


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


class SpotMarketData(MarketDataPort):
    """Public data of Binance spot."""

    def __init__(self, kernel: Kernel, rest: Endpoints) -> None:
        self._rest = rest
        self._now_ns = kernel.clock.now_ns
        self._kernel = kernel

    async def server_time_ns(self) -> int:
        return (await self._rest.time()).serverTime * MS

    async def instruments(self) -> Sequence[Instrument]:
        """Every listed symbol; one that cannot be understood is counted, reported and left out. Adopts the limits."""
        info = await self._rest.exchange_info()
        self._kernel.limits(self._kept(info.rateLimits, to_limit, "exchangeInfo.rateLimits"))
        return self._kept(info.symbols, convert.to_instrument, "exchangeInfo")

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

    async def ticker(self, instrument: Instrument) -> Ticker:
        item = await self._rest.ticker_24hr(instrument.venue_symbol)
        return convert.to_ticker(item, symbol=instrument.symbol, received_ns=self._now_ns())

    async def tickers(self, instruments: Sequence[Instrument] | None) -> Sequence[Ticker]:
        """Up to 100 symbols are asked for by name; more cost as much as all."""
        wanted = None if instruments is None else {item.venue_symbol: item.symbol for item in instruments}
        by_name = wanted is not None and len(wanted) <= 100
        items = await self._rest.tickers_24hr(list(wanted) if wanted is not None and by_name else None)
        received_ns = self._now_ns()
        if wanted is not None:
            items = [item for item in items if item.symbol in wanted]

        def to(item: types.DayTicker) -> Ticker:
            if wanted is not None:
                symbol = wanted[item.symbol]
            else:
                symbol = self._kernel.instruments.by_venue_symbol(item.symbol).symbol
            return convert.to_ticker(item, symbol=symbol, received_ns=received_ns)

        return self._kept(items, to, "ticker/24hr")

    async def best_bid_offer(self, instrument: Instrument) -> BestBidOffer:
        item = await self._rest.book_ticker(instrument.venue_symbol)
        return convert.to_best_bid_offer(item, symbol=instrument.symbol, received_ns=self._now_ns())

    async def order_book(self, instrument: Instrument, depth: int) -> OrderBook:
        limit = checked_limit(depth, MAX_DEPTH, "depth")
        book = await self._rest.depth(instrument.venue_symbol, limit)
        return convert.to_order_book(book, symbol=instrument.symbol, limit=limit, received_ns=self._now_ns())

    async def recent_trades(self, instrument: Instrument, limit: int) -> Sequence[Trade]:
        items = await self._rest.trades(instrument.venue_symbol, checked_limit(limit, MAX_PAGE, "limit"))
        received_ns = self._now_ns()
        return [convert.to_recent_trade(item, symbol=instrument.symbol, received_ns=received_ns) for item in items]

    async def candles_page(
        self, instrument: Instrument, interval: Interval, span: Span, cursor: str | None, limit: int
    ) -> Page[Candle]:
        """One page of ``klines``; the cursor is the opening time (ms) from which the next one starts."""
        limit = min(limit, MAX_PAGE)
        start = first_ms(span) if cursor is None else int(cursor)
        end = last_ms(span)
        rows = await self._rest.klines(instrument.venue_symbol, interval.value, start_ms=start, end_ms=end, limit=limit)
        received_ns = self._now_ns()
        candles = [
            convert.to_candle(
                row,
                symbol=instrument.symbol,
                interval=interval,
                now_ms=received_ns // MS,
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
            items = await self._rest.agg_trades(instrument.venue_symbol, from_id=int(cursor), limit=limit)
        elif start is not None:
            items = await self._rest.agg_trades(instrument.venue_symbol, start_ms=start, limit=limit)
        else:
            items = await self._rest.agg_trades(instrument.venue_symbol, end_ms=end, limit=limit)
        received_ns = self._now_ns()
        inside = items if end is None else [item for item in items if end >= item.T]
        trades = [
            convert.to_aggregate_trade(item, symbol=instrument.symbol, received_ns=received_ns) for item in inside
        ]
        more = start is not None and len(items) == limit and len(inside) == len(items)
        return Page(trades, str(items[-1].a + 1) if more else None)

    def trades_channel(self, instrument: Instrument) -> Channel[Trade]:
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[Trade]:
            return (convert.to_trade(_trade(message).data, symbol=symbol, received_ns=received_ns),)

        return self._channel(instrument, "trade", ChannelKind.TRADES, read)

    def aggregate_trades_channel(self, instrument: Instrument) -> Channel[Trade]:
        """Aggregated prints, one per taker order and price, as in `trades_page`: history and stream share their ids."""
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[Trade]:
            return (convert.to_aggregate_trade(_aggregate(message).data, symbol=symbol, received_ns=received_ns),)

        return self._channel(instrument, "aggTrade", ChannelKind.TRADES, read)

    def ticker_channel(self, instrument: Instrument) -> Channel[Ticker]:
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[Ticker]:
            return (convert.to_ticker_event(_ticker(message).data, symbol=symbol, received_ns=received_ns),)

        return self._channel(instrument, "ticker", ChannelKind.TICKER, read, cadence_s=1.0)

    def best_bid_offer_channel(self, instrument: Instrument) -> Channel[BestBidOffer]:
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[BestBidOffer]:
            item = _book_ticker(message).data
            return (convert.to_best_bid_offer_event(item, symbol=symbol, received_ns=received_ns),)

        return self._channel(instrument, "bookTicker", ChannelKind.BEST_BID_OFFER, read)

    def candles_channel(self, instrument: Instrument, interval: Interval) -> Channel[Candle]:
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[Candle]:
            bar = _kline(message).data.k
            return (convert.to_candle_event(bar, symbol=symbol, interval=interval, received_ns=received_ns),)

        cadence_s = 1.0 if interval is Interval.S1 else 2.0
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
            book = _depth(message).data
            return (convert.to_order_book(book, symbol=symbol, limit=depth, received_ns=received_ns),)

        return self._channel(instrument, f"depth{depth}@100ms", ChannelKind.BOOK, read)

    def book_channel(self, instrument: Instrument, depth: int) -> Channel[BookUpdate]:
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[BookUpdate]:
            return (convert.to_book_update(_depth_update(message).data, symbol=symbol, received_ns=received_ns),)

        return self._channel(instrument, "depth@100ms", ChannelKind.BOOK, read)

    def book_rule(self, depth: int) -> BookRule:
        """Update ids without holes, a snapshot on request. Source: web-socket-streams.md, "local order book"."""
        return BookRule.contiguous()

    @staticmethod
    def _channel(
        instrument: Instrument,
        stream: str,
        kind: ChannelKind,
        read: Callable[[bytes, int], Sequence[E]],
        *,
        cadence_s: float | None = None,
    ) -> Channel[E]:
        # Stream names are lower case; percent-encoding is for URLs, and these names travel in JSON.
        key = f"{instrument.venue_symbol.lower()}@{stream}"
        return Channel("market", key, kind, read, symbol=instrument.symbol, cadence_s=cadence_s)
