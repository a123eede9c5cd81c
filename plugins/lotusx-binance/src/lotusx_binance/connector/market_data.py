"""Public data: REST for documents and history, combined streams for events."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from lotusx.model import BestBidOffer, BookUpdate, Instrument, OrderBook, Symbol, Ticker, Trade
from lotusx.plugin import BookRule, Channel, ChannelKind, Cost
from lotusx_binance import conversions as convert, types
from lotusx_binance.pools import WEIGHT
from lotusx_binance.public_data import PublicData, checked_limit
from lotusx_binance.rest import depth_weight

if TYPE_CHECKING:
    from lotusx.plugin import Kernel
    from lotusx_binance.rest import Endpoints

MAX_DEPTH = 5_000

_trade = msgspec.json.Decoder(types.Combined[types.TradeEvent]).decode
_ticker = msgspec.json.Decoder(types.Combined[types.DayTickerEvent]).decode
_book_ticker = msgspec.json.Decoder(types.Combined[types.BookTickerEvent]).decode
_depth = msgspec.json.Decoder(types.Combined[types.Depth]).decode
_depth_update = msgspec.json.Decoder(types.Combined[types.DepthEvent]).decode


class SpotMarketData(PublicData):
    """Public data of Binance spot."""

    CANDLES_EVERY_S = 2.0

    def __init__(self, kernel: Kernel, rest: Endpoints) -> None:
        super().__init__(kernel, rest)
        self._rest = rest

    def _to_instrument(self, document: msgspec.Raw) -> Instrument:
        return convert.to_instrument(document)

    def _to_top(self, message: bytes, symbol: Symbol, depth: int, received_ns: int) -> OrderBook:
        return convert.to_order_book(_depth(message).data, symbol=symbol, limit=depth, received_ns=received_ns)

    async def ticker(self, instrument: Instrument) -> Ticker:
        item = await self._rest.ticker_24hr(instrument.venue_symbol)
        return convert.to_ticker(item, symbol=instrument.symbol, received_ns=self._now_ns())

    async def tickers(self, instruments: Sequence[Instrument] | None) -> Sequence[Ticker]:
        """Up to 100 symbols are asked for by name; more cost as much as all."""
        wanted = None if instruments is None else {item.venue_symbol: item.symbol for item in instruments}
        by_name = wanted is not None and len(wanted) <= 100
        items = await self._rest.tickers_24hr(list(wanted) if wanted is not None and by_name else None)
        return self._tickers(items, wanted, convert.to_ticker)

    async def best_bid_offer(self, instrument: Instrument) -> BestBidOffer:
        item = await self._rest.book_ticker(instrument.venue_symbol)
        return convert.to_best_bid_offer(item, symbol=instrument.symbol, received_ns=self._now_ns())

    async def order_book(self, instrument: Instrument, depth: int) -> OrderBook:
        limit = checked_limit(depth, MAX_DEPTH, "depth")
        book = await self._rest.depth(instrument.venue_symbol, limit)
        return convert.to_order_book(book, symbol=instrument.symbol, limit=limit, received_ns=self._now_ns())

    async def newest_trade_ns(self, instrument: Instrument) -> int | None:
        """Of the aggregated print, whose list weighs 4 where that of prints weighs 25."""
        items = await self._rest.agg_trades(instrument.venue_symbol, limit=1)
        return items[-1].T * convert.MS if items else None

    def trades_channel(self, instrument: Instrument) -> Channel[Trade]:
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[Trade]:
            return (convert.to_trade(_trade(message).data, symbol=symbol, received_ns=received_ns),)

        return self._channel(instrument, "trade", ChannelKind.TRADES, read)

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

    def book_channel(self, instrument: Instrument, depth: int) -> Channel[BookUpdate]:
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[BookUpdate]:
            return (convert.to_book_update(_depth_update(message).data, symbol=symbol, received_ns=received_ns),)

        return self._channel(instrument, "depth@100ms", ChannelKind.BOOK, read)

    def book_rule(self, depth: int) -> BookRule:
        """Update ids without holes, a snapshot on request. Source: web-socket-streams.md, "local order book"."""
        return BookRule.contiguous(costs=(Cost(WEIGHT, depth_weight(depth)),))
