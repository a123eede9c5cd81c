"""Public market data without ``await``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from lotusx.history import Moment
from lotusx.kernel.flow import Overflow
from lotusx.model.enums import Interval
from lotusx.model.symbol import Symbol
from lotusx.sync.book import LiveOrderBook
from lotusx.sync.runner import Runner
from lotusx.sync.streams import Stream

if TYPE_CHECKING:
    from lotusx import market
    from lotusx.model.instruments import Instrument
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


class MarketData:
    """Twin of `lotusx.market.MarketData`: the same calls, which wait."""

    def __init__(self, twin: market.MarketData, runner: Runner) -> None:
        self._twin = twin
        self._runner = runner

    def server_time(self) -> int:
        """Return the exchange's clock, nanoseconds since the epoch."""
        return self._runner.call(self._twin.server_time)

    def instruments(self, *, refresh: bool = False) -> Sequence[Instrument]:
        """Return everything the exchange lists, in its order; fetched once unless *refresh*."""
        return self._runner.call(self._twin.instruments, refresh=refresh)

    def instrument(self, symbol: Symbol | str) -> Instrument:
        """Return one instrument and its rules.

        Raises:
            UnknownSymbol: It is not listed; near matches are named.
        """
        return self._runner.call(self._twin.instrument, symbol)

    def ticker(self, symbol: Symbol | str) -> Ticker:
        """Return rolling 24 h statistics."""
        return self._runner.call(self._twin.ticker, symbol)

    def tickers(self, symbols: Sequence[Symbol | str] | None = None) -> Sequence[Ticker]:
        """Return statistics of *symbols*; ``None``: of all."""
        return self._runner.call(self._twin.tickers, symbols)

    def best_bid_offer(self, symbol: Symbol | str) -> BestBidOffer:
        """Return best bid and best offer."""
        return self._runner.call(self._twin.best_bid_offer, symbol)

    def order_book(self, symbol: Symbol | str, depth: int = 100) -> OrderBook:
        """Return a snapshot of up to *depth* levels a side, best first."""
        return self._runner.call(self._twin.order_book, symbol, depth)

    def recent_trades(self, symbol: Symbol | str, limit: int = 500) -> Sequence[Trade]:
        """Return the newest *limit* prints, oldest first."""
        return self._runner.call(self._twin.recent_trades, symbol, limit)

    def candles(
        self,
        symbol: Symbol | str,
        interval: Interval | str,
        *,
        start: Moment = None,
        end: Moment = None,
        limit: int = 500,
    ) -> Sequence[Candle]:
        """Return one page of candles, oldest first; the newest *limit* where *start* is not given."""
        return self._runner.call(self._twin.candles, symbol, interval, start=start, end=end, limit=limit)

    def iter_candles(
        self, symbol: Symbol | str, interval: Interval | str, *, start: Moment, end: Moment = None
    ) -> Iterator[Candle]:
        """Yield every candle of [start, end), oldest first, each once, page after page."""
        return self._runner.iterate(self._twin.iter_candles(symbol, interval, start=start, end=end))

    def iter_trades(self, symbol: Symbol | str, *, start: Moment = None, end: Moment = None) -> Iterator[Trade]:
        """Yield every public print of [start, end), oldest first, each once, page after page."""
        return self._runner.iterate(self._twin.iter_trades(symbol, start=start, end=end))

    def mark_price(self, symbol: Symbol | str) -> MarkPrice:
        """Return mark and index price, and the running funding rate where the exchange states it beside them."""
        return self._runner.call(self._twin.mark_price, symbol)

    def funding_rate(self, symbol: Symbol | str) -> FundingRate:
        """Return the rate of the running interval, and when it will be applied."""
        return self._runner.call(self._twin.funding_rate, symbol)

    def iter_funding_rates(
        self, symbol: Symbol | str, *, start: Moment = None, end: Moment = None
    ) -> Iterator[FundingRate]:
        """Yield every rate that was applied in [start, end), oldest first, each once."""
        return self._runner.iterate(self._twin.iter_funding_rates(symbol, start=start, end=end))

    def open_interest(self, symbol: Symbol | str) -> OpenInterest:
        """Return what all open positions of one side add up to."""
        return self._runner.call(self._twin.open_interest, symbol)

    def stream_trades(
        self, symbol: Symbol | str, *, buffer: int = 10000, overflow: Overflow = Overflow.DROP_OLDEST
    ) -> AbstractContextManager[Stream[Trade]]:
        """Subscribe to public prints: ``with … as stream: for trade in stream``."""
        return self._runner.entered(self._twin.stream_trades(symbol, buffer=buffer, overflow=overflow), Stream)

    def stream_ticker(
        self, symbol: Symbol | str, *, buffer: int = 1000, overflow: Overflow = Overflow.LATEST
    ) -> AbstractContextManager[Stream[Ticker]]:
        """Subscribe to rolling 24 h statistics."""
        return self._runner.entered(self._twin.stream_ticker(symbol, buffer=buffer, overflow=overflow), Stream)

    def stream_best_bid_offer(
        self, symbol: Symbol | str, *, buffer: int = 1000, overflow: Overflow = Overflow.LATEST
    ) -> AbstractContextManager[Stream[BestBidOffer]]:
        """Subscribe to best bid and best offer."""
        return self._runner.entered(self._twin.stream_best_bid_offer(symbol, buffer=buffer, overflow=overflow), Stream)

    def stream_candles(
        self,
        symbol: Symbol | str,
        interval: Interval | str,
        *,
        buffer: int = 1000,
        overflow: Overflow = Overflow.DROP_OLDEST,
    ) -> AbstractContextManager[Stream[Candle]]:
        """Subscribe to candles; the running bar comes with ``closed=False``."""
        return self._runner.entered(
            self._twin.stream_candles(symbol, interval, buffer=buffer, overflow=overflow), Stream
        )

    def stream_mark_price(
        self, symbol: Symbol | str, *, buffer: int = 1000, overflow: Overflow = Overflow.LATEST
    ) -> AbstractContextManager[Stream[MarkPrice]]:
        """Subscribe to mark and index price, funding rate and open interest, as far as the exchange streams them."""
        return self._runner.entered(self._twin.stream_mark_price(symbol, buffer=buffer, overflow=overflow), Stream)

    def stream_liquidations(
        self, symbol: Symbol | str, *, buffer: int = 1000, overflow: Overflow = Overflow.DROP_OLDEST
    ) -> AbstractContextManager[Stream[Liquidation]]:
        """Subscribe to positions that the exchange closes by force; many exchanges tell only some of them."""
        return self._runner.entered(self._twin.stream_liquidations(symbol, buffer=buffer, overflow=overflow), Stream)

    def stream_order_book(
        self, symbol: Symbol | str, depth: int = 20, *, buffer: int = 1000, overflow: Overflow = Overflow.LATEST
    ) -> AbstractContextManager[Stream[OrderBook]]:
        """Subscribe to whole snapshots of the top *depth* levels. For a full, gap-proof book: `live_order_book`."""
        return self._runner.entered(
            self._twin.stream_order_book(symbol, depth, buffer=buffer, overflow=overflow), Stream
        )

    def live_order_book(self, symbol: Symbol | str, *, depth: int = 1000) -> AbstractContextManager[LiveOrderBook]:
        """Keep a book in step with the exchange; it is synchronised when the block begins.

        Args:
            depth: Levels a side you want to see. It decides how large the snapshots are that the book is built from, or
                which of its streams an exchange is asked for; what lies beyond is unknown until it changes.
        """
        return self._runner.entered(self._twin.live_order_book(symbol, depth=depth), LiveOrderBook)
