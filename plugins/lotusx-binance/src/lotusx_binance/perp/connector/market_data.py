"""Public data of USDⓈ-M futures: REST for documents and history, streams of two addresses for events.

Books and best prices are served by ``/public``, everything else by ``/market``. The wrong one accepts a subscription,
and never serves it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from lotusx.errors import InvalidArgument, NotSupported
from lotusx.model import (
    BestBidOffer,
    BookUpdate,
    Candle,
    FundingRate,
    Instrument,
    Interval,
    Liquidation,
    MarkPrice,
    OpenInterest,
    OrderBook,
    Symbol,
    Ticker,
    Trade,
)
from lotusx.plugin import BookRule, Channel, ChannelKind, Cost, Page, Span
from lotusx_binance import conversions as shared, types as shared_types
from lotusx_binance.perp import conversions as convert, types
from lotusx_binance.perp.rest import depth_weight
from lotusx_binance.pools import WEIGHT
from lotusx_binance.public_data import MAX_PAGE, PublicData, checked_limit, first_ms, last_ms

if TYPE_CHECKING:
    from lotusx.plugin import Kernel
    from lotusx_binance.perp.rest import Endpoints

DEPTHS = (5, 10, 20, 50, 100, 500, 1_000)
"""What REST answers; anything else is refused with -4021."""
_SHORTEST_INTERVAL_MS = 3_600_000

_ticker = msgspec.json.Decoder(shared_types.Combined[shared_types.DayStatisticsEvent]).decode
_book_ticker = msgspec.json.Decoder(shared_types.Combined[types.BookTickerEvent]).decode
_depth_update = msgspec.json.Decoder(shared_types.Combined[types.DepthEvent]).decode
_mark_price = msgspec.json.Decoder(shared_types.Combined[types.MarkPriceEvent]).decode
_liquidation = msgspec.json.Decoder(shared_types.Combined[types.ForceOrderEvent]).decode


class PerpMarketData(PublicData):
    """Public data of perpetuals and dated contracts."""

    MAX_CANDLES = 1_500
    CANDLES_EVERY_S = 0.25
    BOOKS = "public"

    def __init__(self, kernel: Kernel, rest: Endpoints) -> None:
        super().__init__(kernel, rest)
        self._rest = rest

    def _to_instrument(self, document: msgspec.Raw) -> Instrument:
        return convert.to_instrument(document)

    def _to_top(self, message: bytes, symbol: Symbol, depth: int, received_ns: int) -> OrderBook:
        return convert.to_top(_depth_update(message).data, symbol=symbol, limit=depth, received_ns=received_ns)

    def _listed(self, documents: Sequence[msgspec.Raw]) -> Sequence[msgspec.Raw]:
        return [document for document in documents if not convert.is_coin_margined(document)]

    async def ticker(self, instrument: Instrument) -> Ticker:
        item = await self._rest.ticker_24hr(instrument.venue_symbol)
        return shared.to_day(item, symbol=instrument.symbol, received_ns=self._now_ns())

    async def tickers(self, instruments: Sequence[Instrument] | None) -> Sequence[Ticker]:
        """Several cost as much as all: there is no question by names."""
        wanted = None if instruments is None else {item.venue_symbol: item.symbol for item in instruments}
        return self._tickers(await self._rest.tickers_24hr(), wanted, shared.to_day)

    async def best_bid_offer(self, instrument: Instrument) -> BestBidOffer:
        item = await self._rest.book_ticker(instrument.venue_symbol)
        return convert.to_best_bid_offer(item, symbol=instrument.symbol, received_ns=self._now_ns())

    async def order_book(self, instrument: Instrument, depth: int) -> OrderBook:
        asked = checked_limit(depth, DEPTHS[-1], "depth")
        limit = next(each for each in DEPTHS if each >= asked)
        book = await self._rest.depth(instrument.venue_symbol, limit)
        received_ns = self._now_ns()
        return convert.to_order_book(book, symbol=instrument.symbol, asked=asked, limit=limit, received_ns=received_ns)

    async def candles_page(
        self, instrument: Instrument, interval: Interval, span: Span, cursor: str | None, limit: int
    ) -> Page[Candle]:
        _require_minutes(interval)
        return await super().candles_page(instrument, interval, span, cursor, limit)

    # Mark price, funding, open interest

    async def mark_price(self, instrument: Instrument) -> MarkPrice:
        item = await self._rest.premium_index(instrument.venue_symbol)
        return convert.to_mark_price(item, symbol=instrument.symbol, received_ns=self._now_ns())

    async def funding_rate(self, instrument: Instrument) -> FundingRate:
        """The rate of the running interval, whose length `native.funding_info` tells where it is not the usual one."""
        mark = await self.mark_price(_perpetual(instrument))
        if mark.funding_rate is None or mark.next_funding_ns is None:
            raise NotSupported(self._kernel.facts.name, f"funding of {instrument.symbol}, which states none now")
        return FundingRate(instrument.symbol, mark.funding_rate, mark.next_funding_ns)

    async def funding_rates_page(
        self, instrument: Instrument, span: Span, cursor: str | None, limit: int
    ) -> Page[FundingRate]:
        """One page of ``fundingRate``; the cursor is its first millisecond. Without a start: the newest, *limit* hours
        back at most where there is an end.
        """
        venue_symbol, limit = _perpetual(instrument).venue_symbol, min(limit, MAX_PAGE)
        start, end = first_ms(span) if cursor is None else int(cursor), last_ms(span)
        begin = start
        if start is None and end is not None:  # what an end alone finds is not documented
            begin = max(end - limit * _SHORTEST_INTERVAL_MS + 1, 0)
        rows = await self._rest.funding_rates(venue_symbol, start_ms=begin, end_ms=end, limit=limit)
        items = [convert.to_funding_rate(row, symbol=instrument.symbol) for row in rows]
        more = start is not None and len(rows) >= limit
        return Page(items, str(rows[-1].fundingTime + 1) if more else None)

    async def open_interest(self, instrument: Instrument) -> OpenInterest:
        item = await self._rest.open_interest(instrument.venue_symbol)
        return convert.to_open_interest(item, symbol=instrument.symbol, received_ns=self._now_ns())

    # Streams

    def trades_channel(self, instrument: Instrument) -> Channel[Trade]:
        """Aggregated prints: the feed of single ones is not documented."""
        return self.aggregate_trades_channel(instrument)

    def candles_channel(self, instrument: Instrument, interval: Interval) -> Channel[Candle]:
        _require_minutes(interval)
        return super().candles_channel(instrument, interval)

    def ticker_channel(self, instrument: Instrument) -> Channel[Ticker]:
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[Ticker]:
            return (shared.to_day_event(_ticker(message).data, symbol=symbol, received_ns=received_ns),)

        return self._channel(instrument, "ticker", ChannelKind.TICKER, read, cadence_s=2.0)

    def mark_price_channel(self, instrument: Instrument) -> Channel[MarkPrice]:
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[MarkPrice]:
            return (convert.to_mark_price_event(_mark_price(message).data, symbol=symbol, received_ns=received_ns),)

        return self._channel(instrument, "markPrice@1s", ChannelKind.MARK_PRICE, read, cadence_s=1.0)

    def liquidations_channel(self, instrument: Instrument) -> Channel[Liquidation]:
        """The largest liquidation of each second, of those that there are."""
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[Liquidation]:
            return (convert.to_liquidation(_liquidation(message).data, symbol=symbol, received_ns=received_ns),)

        return self._channel(instrument, "forceOrder", ChannelKind.LIQUIDATIONS, read)

    def best_bid_offer_channel(self, instrument: Instrument) -> Channel[BestBidOffer]:
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[BestBidOffer]:
            item = _book_ticker(message).data
            return (convert.to_best_bid_offer_event(item, symbol=symbol, received_ns=received_ns),)

        return self._channel(instrument, "bookTicker", ChannelKind.BEST_BID_OFFER, read, group=self.BOOKS)

    def book_channel(self, instrument: Instrument, depth: int) -> Channel[BookUpdate]:
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[BookUpdate]:
            return (convert.to_book_update(_depth_update(message).data, symbol=symbol, received_ns=received_ns),)

        return self._channel(instrument, "depth@100ms", ChannelKind.BOOK, read, group=self.BOOKS)

    def book_rule(self, depth: int) -> BookRule:
        """Each update names the one before; ids of a symbol have holes. Source: "How to manage a local order book"."""
        return BookRule.previous_number(costs=(Cost(WEIGHT, depth_weight(depth)),))


def _require_minutes(interval: Interval) -> None:
    if interval is Interval.S1:
        raise InvalidArgument(
            "binance-perp has candles from one minute up, not of 1s", rule="interval", nearest=(Interval.M1,)
        )


def _perpetual(instrument: Instrument) -> Instrument:
    """Refuse a dated contract: it has no funding."""
    if instrument.symbol.expiry is not None:
        symbol = instrument.symbol
        instead = f"a perpetual, {symbol.base}/{symbol.quote}:{symbol.settle}"
        raise NotSupported("binance-perp", f"funding of {symbol}, which is delivered", instead)
    return instrument
