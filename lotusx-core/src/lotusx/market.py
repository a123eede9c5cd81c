"""Public market data, the same at every exchange."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from typing import TYPE_CHECKING, Any, TypeVar

from lotusx.errors import InvalidArgument
from lotusx.guard import Guard
from lotusx.history import Moment, iterate, to_span
from lotusx.instruments import Instruments
from lotusx.kernel.facts import Capability
from lotusx.model.enums import Interval
from lotusx.model.instruments import Instrument
from lotusx.model.symbol import Symbol
from lotusx.opening import entered
from lotusx.streams import Overflow, Stream

if TYPE_CHECKING:
    from lotusx.book import LiveOrderBook
    from lotusx.kernel.codec import Channel
    from lotusx.kernel.ports import MarketDataPort
    from lotusx.model.market_data import (
        BestBidOffer,
        Candle,
        FundingRate,
        Liquidation,
        MarkPrice,
        OpenInterest,
        OrderBook,
        Ticker,
        Trade,
    )

E = TypeVar("E")
Open = Callable[..., Any]


class MarketData:
    """Awaited reads, iterators over history, and streams. Public: no key is needed."""

    def __init__(
        self, guard: Guard, port: MarketDataPort, instruments: Instruments, open_stream: Open, open_book: Open
    ) -> None:
        self._guard = guard
        self._port = port
        self._instruments = instruments
        self._open_stream = open_stream
        self._open_book = open_book

    async def server_time(self) -> int:
        """Return the exchange's clock, nanoseconds since the epoch."""
        self._guard.offers(Capability.SERVER_TIME)
        return await self._port.server_time_ns()

    async def instruments(self, *, refresh: bool = False) -> Sequence[Instrument]:
        """Return everything the exchange lists, in its order; fetched once unless *refresh*."""
        self._guard.offers(Capability.INSTRUMENTS)
        await (self._instruments.refresh() if refresh else self._instruments.ensure())
        return self._instruments.all()

    async def instrument(self, symbol: Symbol | str) -> Instrument:
        """Return one instrument and its rules.

        Raises:
            UnknownSymbol: It is not listed; near matches are named.
        """
        return await self._instruments.resolve(symbol)

    async def ticker(self, symbol: Symbol | str) -> Ticker:
        """Return rolling 24 h statistics."""
        self._guard.offers(Capability.TICKER)
        return await self._port.ticker(await self._instruments.resolve(symbol))

    async def tickers(self, symbols: Sequence[Symbol | str] | None = None) -> Sequence[Ticker]:
        """Return statistics of *symbols*; ``None``: of all."""
        self._guard.offers(Capability.TICKER)
        await self._instruments.ensure()
        chosen = None if symbols is None else [self._instruments.by_symbol(symbol) for symbol in symbols]
        return await self._port.tickers(chosen)

    async def best_bid_offer(self, symbol: Symbol | str) -> BestBidOffer:
        """Return best bid and best offer."""
        self._guard.offers(Capability.BEST_BID_OFFER)
        return await self._port.best_bid_offer(await self._instruments.resolve(symbol))

    async def order_book(self, symbol: Symbol | str, depth: int = 100) -> OrderBook:
        """Return a snapshot of up to *depth* levels a side, best first."""
        self._guard.offers(Capability.ORDER_BOOK)
        return await self._port.order_book(await self._instruments.resolve(symbol), _count(depth, "depth"))

    async def recent_trades(self, symbol: Symbol | str, limit: int = 500) -> Sequence[Trade]:
        """Return the newest *limit* prints, oldest first."""
        self._guard.offers(Capability.RECENT_TRADES)
        return await self._port.recent_trades(await self._instruments.resolve(symbol), _count(limit, "limit"))

    async def candles(
        self,
        symbol: Symbol | str,
        interval: Interval | str,
        *,
        start: Moment = None,
        end: Moment = None,
        limit: int = 500,
    ) -> Sequence[Candle]:
        """Return one page of candles, oldest first; the newest *limit* where *start* is not given."""
        self._guard.offers(Capability.CANDLES)
        instrument = await self._instruments.resolve(symbol)
        span = to_span(start, end)
        page = await self._port.candles_page(instrument, _interval(interval), span, None, _count(limit, "limit"))
        return page.items

    async def iter_candles(
        self, symbol: Symbol | str, interval: Interval | str, *, start: Moment, end: Moment = None
    ) -> AsyncIterator[Candle]:
        """Yield every candle of [start, end), oldest first, each once, page after page."""
        self._guard.offers(Capability.CANDLES)
        instrument = await self._instruments.resolve(symbol)
        length = _interval(interval)
        span = to_span(start, end)

        async def fetch(cursor: str | None) -> Any:
            return await self._port.candles_page(instrument, length, span, cursor, 1_000)

        async with aclosing(iterate(fetch, lambda item: item.open_ns)) as items:
            async for candle in items:
                yield candle

    async def iter_trades(
        self, symbol: Symbol | str, *, start: Moment = None, end: Moment = None
    ) -> AsyncIterator[Trade]:
        """Yield every public print of [start, end), oldest first, each once, page after page."""
        self._guard.offers(Capability.TRADE_HISTORY)
        instrument = await self._instruments.resolve(symbol)
        span = to_span(start, end)

        async def fetch(cursor: str | None) -> Any:
            return await self._port.trades_page(instrument, span, cursor, 1_000)

        async with aclosing(iterate(fetch, lambda item: item.trade_id)) as items:
            async for trade in items:
                yield trade

    async def mark_price(self, symbol: Symbol | str) -> MarkPrice:
        """Return mark and index price, and the running funding rate where the exchange states it beside them."""
        self._guard.offers(Capability.MARK_PRICE)
        return await self._port.mark_price(await self._instruments.resolve(symbol))

    async def funding_rate(self, symbol: Symbol | str) -> FundingRate:
        """Return the rate of the running interval, and when it will be applied."""
        self._guard.offers(Capability.FUNDING_RATE)
        return await self._port.funding_rate(await self._instruments.resolve(symbol))

    async def iter_funding_rates(
        self, symbol: Symbol | str, *, start: Moment = None, end: Moment = None
    ) -> AsyncIterator[FundingRate]:
        """Yield every rate that was applied in [start, end), oldest first, each once."""
        self._guard.offers(Capability.FUNDING_HISTORY)
        instrument = await self._instruments.resolve(symbol)
        span = to_span(start, end)

        async def fetch(cursor: str | None) -> Any:
            return await self._port.funding_rates_page(instrument, span, cursor, 1_000)

        async with aclosing(iterate(fetch, lambda item: item.funding_ns)) as items:
            async for rate in items:
                yield rate

    async def open_interest(self, symbol: Symbol | str) -> OpenInterest:
        """Return what all open positions of one side add up to."""
        self._guard.offers(Capability.OPEN_INTEREST)
        return await self._port.open_interest(await self._instruments.resolve(symbol))

    def stream_trades(
        self, symbol: Symbol | str, *, buffer: int = 10_000, overflow: Overflow = Overflow.DROP_OLDEST
    ) -> AbstractAsyncContextManager[Stream[Trade]]:
        """Subscribe to public prints: ``async with … as stream: async for trade in stream``."""
        return self._stream(Capability.STREAM_TRADES, symbol, self._port.trades_channel, buffer, overflow)

    def stream_ticker(
        self, symbol: Symbol | str, *, buffer: int = 1_000, overflow: Overflow = Overflow.LATEST
    ) -> AbstractAsyncContextManager[Stream[Ticker]]:
        """Subscribe to rolling 24 h statistics."""
        return self._stream(Capability.STREAM_TICKER, symbol, self._port.ticker_channel, buffer, overflow)

    def stream_best_bid_offer(
        self, symbol: Symbol | str, *, buffer: int = 1_000, overflow: Overflow = Overflow.LATEST
    ) -> AbstractAsyncContextManager[Stream[BestBidOffer]]:
        """Subscribe to best bid and best offer."""
        return self._stream(
            Capability.STREAM_BEST_BID_OFFER, symbol, self._port.best_bid_offer_channel, buffer, overflow
        )

    def stream_candles(
        self,
        symbol: Symbol | str,
        interval: Interval | str,
        *,
        buffer: int = 1_000,
        overflow: Overflow = Overflow.DROP_OLDEST,
    ) -> AbstractAsyncContextManager[Stream[Candle]]:
        """Subscribe to candles; the running bar comes with ``closed=False``."""
        length = _interval(interval)
        return self._stream(
            Capability.STREAM_CANDLES,
            symbol,
            lambda instrument: self._port.candles_channel(instrument, length),
            buffer,
            overflow,
        )

    def stream_mark_price(
        self, symbol: Symbol | str, *, buffer: int = 1_000, overflow: Overflow = Overflow.LATEST
    ) -> AbstractAsyncContextManager[Stream[MarkPrice]]:
        """Subscribe to mark and index price, funding rate and open interest, as far as the exchange streams them."""
        return self._stream(Capability.STREAM_MARK_PRICE, symbol, self._port.mark_price_channel, buffer, overflow)

    def stream_liquidations(
        self, symbol: Symbol | str, *, buffer: int = 1_000, overflow: Overflow = Overflow.DROP_OLDEST
    ) -> AbstractAsyncContextManager[Stream[Liquidation]]:
        """Subscribe to positions that the exchange closes by force; many exchanges tell only some of them."""
        return self._stream(Capability.STREAM_LIQUIDATIONS, symbol, self._port.liquidations_channel, buffer, overflow)

    def stream_order_book(
        self, symbol: Symbol | str, depth: int = 20, *, buffer: int = 1_000, overflow: Overflow = Overflow.LATEST
    ) -> AbstractAsyncContextManager[Stream[OrderBook]]:
        """Subscribe to whole snapshots of the top *depth* levels. For a full, gap-proof book: `live_order_book`."""
        return self._stream(
            Capability.STREAM_ORDER_BOOK,
            symbol,
            lambda instrument: self._port.order_book_channel(instrument, _count(depth, "depth")),
            buffer,
            overflow,
        )

    @entered("async with exchange.market.live_order_book(…) as book: … book.bids(10) …")
    async def live_order_book(self, symbol: Symbol | str, *, depth: int = 1_000) -> AsyncIterator[LiveOrderBook]:
        """Keep a book in step with the exchange; it is synchronised when the block begins.

        Args:
            depth: Levels a side you want to see. It decides how large the snapshots are that the book is built from, or
                which of its streams an exchange is asked for; what lies beyond is unknown until it changes.
        """
        self._guard.offers(Capability.LIVE_ORDER_BOOK)
        instrument = await self._instruments.resolve(symbol)
        async with self._open_book(instrument, _count(depth, "depth")) as book:
            yield book

    @entered("async with exchange.market.stream_…(…) as stream: async for event in stream: …")
    async def _stream(
        self,
        capability: Capability,
        symbol: Symbol | str,
        channel: Callable[[Instrument], Channel[E]],
        buffer: int,
        overflow: Overflow,
    ) -> AsyncIterator[Stream[E]]:
        self._guard.offers(capability)
        instrument = await self._instruments.resolve(symbol)
        policy = _overflow(overflow)
        async with self._open_stream(channel(instrument), buffer=_count(buffer, "buffer"), overflow=policy) as stream:
            yield stream


def _interval(value: Interval | str) -> Interval:
    try:
        return Interval(value)
    except ValueError:
        raise InvalidArgument(f"{value!r} is not an interval; one of: {', '.join(Interval)}") from None


def _overflow(value: Overflow | str) -> Overflow:
    try:
        return Overflow(value)
    except ValueError:
        raise InvalidArgument(f"overflow is one of: {', '.join(Overflow)}; not {value!r}") from None


def _count(value: object, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidArgument(f"{name} must be a whole number above zero, not {value!r}")
    return value
