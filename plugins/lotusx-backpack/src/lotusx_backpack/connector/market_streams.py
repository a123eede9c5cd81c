"""Public streams: what is subscribed to, and what its messages mean. All are named ``<stream>.<market>``."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import TypeVar

import msgspec

from lotusx.model import (
    BestBidOffer,
    BookUpdate,
    Candle,
    Instrument,
    Interval,
    Liquidation,
    MarkPrice,
    Ticker,
    Trade,
)
from lotusx.plugin import BookRule, Channel, ChannelKind, MarketDataPort
from lotusx_backpack import conversions as convert, types
from lotusx_backpack.connector.listed import require_perpetual

E = TypeVar("E")

EVERY_S = 1.0
"""How often tickers and mark prices are sent, changed or not."""

_trade = msgspec.json.Decoder(types.Frame[types.TradeEvent]).decode
_ticker = msgspec.json.Decoder(types.Frame[types.TickerEvent]).decode
_best = msgspec.json.Decoder(types.Frame[types.BookTickerEvent]).decode
_depth = msgspec.json.Decoder(types.Frame[types.DepthEvent]).decode
_bar = msgspec.json.Decoder(types.Frame[types.KlineEvent]).decode
_mark = msgspec.json.Decoder(types.Frame[types.MarkPriceEvent]).decode
_liquidation = msgspec.json.Decoder(types.Frame[types.LiquidationEvent]).decode


class MarketStreams(MarketDataPort):
    """Channels of what is listed. A market that is closed is silent: that is not an error here."""

    def trades_channel(self, instrument: Instrument) -> Channel[Trade]:
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[Trade]:
            return (convert.to_trade(_trade(message).data, symbol=symbol, received_ns=received_ns),)

        return _channel(instrument, "trade", ChannelKind.TRADES, read, identity=lambda trade: trade.trade_id)

    def ticker_channel(self, instrument: Instrument) -> Channel[Ticker]:
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[Ticker]:
            return (convert.to_ticker_event(_ticker(message).data, symbol=symbol, received_ns=received_ns),)

        return _channel(instrument, "ticker", ChannelKind.TICKER, read, cadence_s=EVERY_S)

    def best_bid_offer_channel(self, instrument: Instrument) -> Channel[BestBidOffer]:
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[BestBidOffer]:
            return (convert.to_best_bid_offer(_best(message).data, symbol=symbol, received_ns=received_ns),)

        return _channel(instrument, "bookTicker", ChannelKind.BEST_BID_OFFER, read, identity=lambda best: best.sequence)

    def candles_channel(self, instrument: Instrument, interval: Interval) -> Channel[Candle]:
        """Candles as they are traded, and once when they are complete: a market without trades is silent."""
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[Candle]:
            bar = convert.to_candle_event(_bar(message).data, symbol=symbol, interval=interval, received_ns=received_ns)
            return () if bar is None else (bar,)

        return _channel(instrument, f"kline.{convert.interval_text(interval)}", ChannelKind.CANDLES, read)

    def mark_price_channel(self, instrument: Instrument) -> Channel[MarkPrice]:
        require_perpetual(instrument, "a mark price")
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[MarkPrice]:
            return (convert.to_mark_price_event(_mark(message).data, symbol=symbol, received_ns=received_ns),)

        return _channel(instrument, "markPrice", ChannelKind.MARK_PRICE, read, cadence_s=EVERY_S)

    def liquidations_channel(self, instrument: Instrument) -> Channel[Liquidation]:
        """Liquidations of one market, under the name that a third party found in 2026-09.

        The documents of 2026-08 name one stream for all markets, ``liquidation``.
        """
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[Liquidation]:
            return (convert.to_liquidation(_liquidation(message).data, symbol=symbol, received_ns=received_ns),)

        return _channel(instrument, "liquidation", ChannelKind.LIQUIDATIONS, read)

    def book_channel(self, instrument: Instrument, depth: int) -> Channel[BookUpdate]:
        """Every change of the whole book, however deep."""
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[BookUpdate]:
            return (convert.to_book_update(_depth(message).data, symbol=symbol, received_ns=received_ns),)

        return _channel(instrument, "depth", ChannelKind.BOOK, read)

    def book_rule(self, depth: int) -> BookRule:
        """Numbers without holes, a snapshot on request, which may be ahead of the stream."""
        return BookRule.contiguous()


def _channel(
    instrument: Instrument,
    stream: str,
    kind: ChannelKind,
    read: Callable[[bytes, int], Sequence[E]],
    *,
    cadence_s: float | None = None,
    identity: Callable[[E], Hashable | None] | None = None,
) -> Channel[E]:
    key = f"{stream}.{instrument.venue_symbol}"
    return Channel("market", key, kind, read, symbol=instrument.symbol, cadence_s=cadence_s, identity=identity)
