"""Public streams: what is subscribed to, and what its messages mean."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

import msgspec

from lotusx.errors import InvalidArgument
from lotusx.model import (
    BestBidOffer,
    BookUpdate,
    Candle,
    Instrument,
    InstrumentStatus,
    Interval,
    MarkPrice,
    OrderBook,
    Ticker,
    Trade,
)
from lotusx.plugin import BookRule, Channel, ChannelKind, MarketDataPort
from lotusx_hyperliquid import conversions as convert, types
from lotusx_hyperliquid.connector.listed import require_perpetual
from lotusx_hyperliquid.conversions import BOOK_LEVELS, FAST_LEVELS

E = TypeVar("E")

TRADES_REMEMBERED = 10_000
"""Prints remembered per stream, to leave out the last 20 s that every new subscription repeats."""

# How often streams speak, recorded in 2026-09; the documents still print half a second for books.
BOOK_EVERY_S, FAST_BOOK_EVERY_S, CONTEXT_EVERY_S = 5.4, 0.54, 1.0

_BEFORE_COIN = {"trades": "[{", "l2Book": "{", "bbo": "{"}
"""How the data of a stream begin whose messages name the coin first."""

_book = msgspec.json.Decoder(types.Frame[types.Book]).decode
_best = msgspec.json.Decoder(types.Frame[types.BestPrices]).decode
_trades = msgspec.json.Decoder(types.Frame[list[types.PublicTrade]]).decode
_bar = msgspec.json.Decoder(types.Frame[types.Bar]).decode
_context = msgspec.json.Decoder(types.Frame[types.CoinCtx]).decode


class MarketStreams(MarketDataPort):
    """Channels of what is listed and trades."""

    def trades_channel(self, instrument: Instrument) -> Channel[Trade]:
        """Prints, each once: a new subscription begins with those of the last 20 s."""
        symbol = instrument.symbol
        known: set[tuple[int, str]] = set()
        order: deque[tuple[int, str]] = deque()

        def read(message: bytes, received_ns: int) -> Sequence[Trade]:
            return convert.to_trades(_trades(message).data, symbol=symbol, received_ns=received_ns)

        def fresh(trades: Sequence[Trade]) -> Sequence[Trade]:
            new = []
            for trade in trades:
                key = (trade.exchange_ns, trade.trade_id)
                if key not in known:
                    known.add(key)
                    order.append(key)
                    new.append(trade)
            while len(order) > TRADES_REMEMBERED:
                known.discard(order.popleft())
            return new

        return self._channel(
            instrument,
            "trades",
            ChannelKind.TRADES,
            read,
            identity=lambda trade: (trade.exchange_ns, trade.trade_id),
            fresh=fresh,
        )

    def ticker_channel(self, instrument: Instrument) -> Channel[Ticker]:
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[Ticker]:
            return (convert.to_ticker(_context(message).data.ctx, symbol=symbol, received_ns=received_ns),)

        return self._channel(instrument, "activeAssetCtx", ChannelKind.TICKER, read, cadence_s=CONTEXT_EVERY_S)

    def mark_price_channel(self, instrument: Instrument) -> Channel[MarkPrice]:
        require_perpetual(instrument, "a mark price")
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[MarkPrice]:
            return (convert.to_mark_price(_context(message).data.ctx, symbol=symbol, received_ns=received_ns),)

        return self._channel(
            instrument, "activeAssetCtx", ChannelKind.MARK_PRICE, read, cadence_s=CONTEXT_EVERY_S, view="mark"
        )

    def best_bid_offer_channel(self, instrument: Instrument) -> Channel[BestBidOffer]:
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[BestBidOffer]:
            return (convert.to_best_bid_offer(_best(message).data, symbol=symbol, received_ns=received_ns),)

        return self._channel(instrument, "bbo", ChannelKind.BEST_BID_OFFER, read)

    def candles_channel(self, instrument: Instrument, interval: Interval) -> Channel[Candle]:
        """Candles as they change. The wire does not say that one is closed: it is told so when the next comes."""
        symbol = instrument.symbol
        word = convert.interval_text(interval)
        running: types.Bar | None = None

        def forget() -> None:  # its last prints may have been missed: it must not be told as closed
            nonlocal running
            running = None

        def read(message: bytes, received_ns: int) -> Sequence[Candle]:
            nonlocal running
            bar, before = _bar(message).data, running
            if before is not None and bar.t < before.t:
                return ()  # older than what has been told
            running = bar
            bars = [(bar, False)]
            if before is not None and before.t < bar.t:
                bars.insert(0, (before, True))
            return [
                convert.to_candle(each, symbol=symbol, interval=interval, closed=closed, received_ns=received_ns)
                for each, closed in bars
            ]

        made = self._channel(instrument, "candle", ChannelKind.CANDLES, read, suffix=f" {word}", lost=forget)
        return replace(made, another=lambda: self.candles_channel(instrument, interval))

    def order_book_channel(self, instrument: Instrument, depth: int) -> Channel[OrderBook]:
        """Whole snapshots: 5 levels about every half second, or 20 about every 5 s.

        Raises:
            InvalidArgument: Another depth.
        """
        if depth not in (FAST_LEVELS, BOOK_LEVELS):
            raise InvalidArgument(
                f"hyperliquid streams books of 5 or 20 levels, not {depth}",
                rule="depth",
                nearest=(FAST_LEVELS, BOOK_LEVELS),
            )
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[OrderBook]:
            book = _book(message).data
            return (convert.to_order_book(book, symbol=symbol, depth=depth, window=depth, received_ns=received_ns),)

        return self._book_channel(instrument, depth, read)

    def book_channel(self, instrument: Instrument, depth: int) -> Channel[BookUpdate]:
        """Up to 5 levels: the fast stream; more: the one of 20, which is ten times slower."""
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[BookUpdate]:
            return (convert.to_book_update(_book(message).data, symbol=symbol, received_ns=received_ns),)

        return self._book_channel(instrument, depth, read, view="updates")

    def book_rule(self, depth: int) -> BookRule:
        """Each message is the whole book, of 5 or 20 levels; there is no number but its time."""
        return BookRule.full_snapshots(window=FAST_LEVELS if depth <= FAST_LEVELS else BOOK_LEVELS)

    def _book_channel(
        self, instrument: Instrument, depth: int, read: Callable[[bytes, int], Sequence[E]], *, view: str = ""
    ) -> Channel[E]:
        # Messages do not tell the two variants apart, so each has a socket of its own.
        fast = depth <= FAST_LEVELS
        channel = self._channel(
            instrument,
            "l2Book",
            ChannelKind.BOOK,
            read,
            group="fast" if fast else "market",
            cadence_s=FAST_BOOK_EVERY_S if fast else BOOK_EVERY_S,
            view=view,
        )
        return replace(channel, whole=True)

    @staticmethod
    def _channel(
        instrument: Instrument,
        kind_of_stream: str,
        kind: ChannelKind,
        read: Callable[[bytes, int], Sequence[E]],
        *,
        group: str = "market",
        suffix: str = "",
        cadence_s: float | None = None,
        identity: Callable[[E], tuple[int, str]] | None = None,
        view: str = "",
        lost: Callable[[], None] | None = None,
        fresh: Callable[[Sequence[E]], Sequence[E]] | None = None,
    ) -> Channel[E]:
        """Write a channel; only of what trades: an unknown name would close the socket and end all its streams."""
        if instrument.status is InstrumentStatus.CLOSED:
            raise InvalidArgument(f"{instrument.symbol} is delisted: there is nothing to stream", rule="status")
        coin, opening = instrument.venue_symbol, _BEFORE_COIN.get(kind_of_stream)
        begins = f'{{"channel":"{kind_of_stream}","data":{opening}"coin":"{coin}"' if opening else ""
        return Channel(
            group,
            f"{kind_of_stream} {coin}{suffix}",
            kind,
            read,
            symbol=instrument.symbol,
            cadence_s=cadence_s,
            identity=identity,
            view=view,
            lost=lost,
            fresh=fresh,
            begins=begins.encode(),
        )
