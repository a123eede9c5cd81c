"""Public channels: what is subscribed to, and what its messages mean. All are named ``<channel>:<instId>``."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from decimal import Decimal
from typing import TypeVar

import msgspec

from lotusx.errors import InvalidArgument
from lotusx.model import (
    BestBidOffer,
    BookUpdate,
    Candle,
    Instrument,
    Interval,
    MarkPrice,
    OrderBook,
    Ticker,
    Trade,
)
from lotusx.plugin import BookRule, Channel, ChannelKind, MarketDataPort
from lotusx_okx import conversions as convert, types
from lotusx_okx.connector.listed import Listed, require_swap
from lotusx_okx.environments import BUSINESS, PUBLIC
from lotusx_okx.facts import DEEPEST

E = TypeVar("E")

TOP = 5
"""Levels a side of the channel of whole books."""
REPEATED_S = 60.0
"""After about so long without a change a book is sent again, or an update without levels."""
MARKED_S = 10.0
"""How often a mark price is sent that does not change."""

_trades = msgspec.json.Decoder(types.Push[types.Trade]).decode
_tickers = msgspec.json.Decoder(types.Push[types.Ticker]).decode
_books = msgspec.json.Decoder(types.Push[types.Book]).decode
_candles = msgspec.json.Decoder(types.Push[types.CandleRow]).decode
_marks = msgspec.json.Decoder(types.Push[types.MarkPrice]).decode


class MarketStreams(MarketDataPort):
    """Channels of spot and linear swaps."""

    _listed: Listed

    def trades_channel(self, instrument: Instrument) -> Channel[Trade]:
        """Every print by itself: ``trades`` would put those of one order and price together."""
        symbol, size = instrument.symbol, self._size(instrument)

        def read(message: bytes, received_ns: int) -> Sequence[Trade]:
            return [
                convert.to_trade(item, symbol=symbol, size=size, received_ns=received_ns)
                for item in _trades(message).data
            ]

        return _channel(
            instrument, "trades-all", ChannelKind.TRADES, read, group=BUSINESS, identity=lambda trade: trade.trade_id
        )

    def ticker_channel(self, instrument: Instrument) -> Channel[Ticker]:
        self._listed.type_of(instrument)

        def read(message: bytes, received_ns: int) -> Sequence[Ticker]:
            return [
                convert.to_ticker(item, instrument=instrument, received_ns=received_ns)
                for item in _tickers(message).data
            ]

        return _channel(instrument, "tickers", ChannelKind.TICKER, read)

    def best_bid_offer_channel(self, instrument: Instrument) -> Channel[BestBidOffer]:
        symbol, size = instrument.symbol, self._size(instrument)

        def read(message: bytes, received_ns: int) -> Sequence[BestBidOffer]:
            return [
                convert.to_best_bid_offer(book, symbol=symbol, size=size, received_ns=received_ns)
                for book in _books(message).data
            ]

        return _channel(
            instrument,
            "bbo-tbt",
            ChannelKind.BEST_BID_OFFER,
            read,
            cadence_s=REPEATED_S,
            identity=lambda best: best.sequence,
        )

    def order_book_channel(self, instrument: Instrument, depth: int) -> Channel[OrderBook]:
        symbol, size = instrument.symbol, self._size(instrument)
        if depth > TOP:
            text = f"okx streams whole books of at most {TOP} levels a side, not {depth}; live_order_book has more"
            raise InvalidArgument(text, rule="depth", nearest=(TOP,))

        def read(message: bytes, received_ns: int) -> Sequence[OrderBook]:
            found = [
                convert.to_order_book(book, symbol=symbol, size=size, received_ns=received_ns)
                for book in _books(message).data
            ]
            return [msgspec.structs.replace(book, bids=book.bids[:depth], asks=book.asks[:depth]) for book in found]

        return _channel(
            instrument, "books5", ChannelKind.BOOK, read, cadence_s=REPEATED_S, identity=lambda book: book.sequence
        )

    def candles_channel(self, instrument: Instrument, interval: Interval) -> Channel[Candle]:
        self._listed.type_of(instrument)

        def read(message: bytes, received_ns: int) -> Sequence[Candle]:
            return [
                convert.to_candle(row, instrument=instrument, interval=interval, received_ns=received_ns)
                for row in _candles(message).data
            ]

        return _channel(instrument, f"candle{convert.bar_text(interval)}", ChannelKind.CANDLES, read, group=BUSINESS)

    def mark_price_channel(self, instrument: Instrument) -> Channel[MarkPrice]:
        require_swap(instrument, "a mark price")
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[MarkPrice]:
            return [
                convert.to_mark_price(item, symbol=symbol, received_ns=received_ns) for item in _marks(message).data
            ]

        return _channel(instrument, "mark-price", ChannelKind.MARK_PRICE, read, cadence_s=MARKED_S)

    def book_channel(self, instrument: Instrument, depth: int) -> Channel[BookUpdate]:
        symbol, size = instrument.symbol, self._size(instrument)

        def read(message: bytes, received_ns: int) -> Sequence[BookUpdate]:
            return (convert.to_book_update(_books(message), symbol=symbol, size=size, received_ns=received_ns),)

        return _channel(instrument, "books", ChannelKind.BOOK, read, cadence_s=REPEATED_S)

    def book_rule(self, depth: int) -> BookRule:
        """A snapshot from the stream, then updates that name the one before; the numbers may be reset.

        There are 400 levels a side, whatever *depth* is.
        """
        return BookRule.chained(window=DEEPEST)

    def _size(self, instrument: Instrument) -> Decimal:
        self._listed.type_of(instrument)
        return convert.size_of(instrument)


def _channel(
    instrument: Instrument,
    channel: str,
    kind: ChannelKind,
    read: Callable[[bytes, int], Sequence[E]],
    *,
    group: str = PUBLIC,
    cadence_s: float | None = None,
    identity: Callable[[E], Hashable | None] | None = None,
) -> Channel[E]:
    key = f"{channel}:{instrument.venue_symbol}"
    begins = f'{{"arg":{{"channel":"{channel}","instId":"{instrument.venue_symbol}"' if key.isascii() else ""
    return Channel(
        group, key, kind, read, symbol=instrument.symbol, cadence_s=cadence_s, identity=identity, begins=begins.encode()
    )
