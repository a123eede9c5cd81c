"""Public data: questions for documents and history, streams for events."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import msgspec

from lotusx.errors import ErrorKind, InvalidArgument, ItemRejected, NotSupported, exchange_error
from lotusx.model import (
    BestBidOffer,
    BookUpdate,
    Candle,
    FundingRate,
    Instrument,
    InstrumentKind,
    InstrumentStatus,
    Interval,
    MarkPrice,
    OpenInterest,
    OrderBook,
    Ticker,
    Trade,
)
from lotusx.plugin import BookRule, Channel, ChannelKind, ItemDropped, MarketDataPort, Page, Span
from lotusx_hyperliquid import conversions as convert, types
from lotusx_hyperliquid.connector.listed import Listed, dex_of_instrument
from lotusx_hyperliquid.conversions import BOOK_LEVELS, FAST_LEVELS, MS

if TYPE_CHECKING:
    from lotusx.plugin import Kernel
    from lotusx_hyperliquid.rest import Endpoints

E = TypeVar("E")

logger = logging.getLogger("lotusx.hyperliquid")

MAX_CANDLES = 5_000
"""Candles that exist, of each interval."""
FUNDINGS_PER_PAGE = 500
TRADES_REMEMBERED = 10_000
"""Prints remembered per stream, to leave out the last 20 s that every new subscription repeats."""
LONGEST_MONTH_MS = 31 * 86_400_000

# How often streams speak, recorded in 2026-09; the documents still print half a second for books.
BOOK_EVERY_S, FAST_BOOK_EVERY_S, CONTEXT_EVERY_S = 5.4, 0.54, 1.0

_book = msgspec.json.Decoder(types.Frame[types.Book]).decode
_best = msgspec.json.Decoder(types.Frame[types.BestPrices]).decode
_trades = msgspec.json.Decoder(types.Frame[list[types.PublicTrade]]).decode
_bar = msgspec.json.Decoder(types.Frame[types.Bar]).decode
_context = msgspec.json.Decoder(types.Frame[types.CoinCtx]).decode


def first_ms(span: Span) -> int | None:
    """Return the first whole millisecond of *span*."""
    return None if span.start_ns is None else -(-span.start_ns // MS)


def last_ms(span: Span) -> int | None:
    """Return the last whole millisecond of *span*, whose end is exclusive."""
    return None if span.end_ns is None else (span.end_ns - 1) // MS


def require_perpetual(instrument: Instrument, what: str) -> None:
    """Refuse what spot does not have."""
    if instrument.kind is not InstrumentKind.LINEAR:
        raise NotSupported("hyperliquid", f"{what} of {instrument.symbol}", f"a perpetual, {instrument.base}/USDC:USDC")


class HyperliquidMarketData(MarketDataPort):
    """Public data of perpetuals, builder-deployed perpetuals and spot."""

    def __init__(self, kernel: Kernel, rest: Endpoints, listed: Listed) -> None:
        self._kernel = kernel
        self._rest = rest
        self._listed = listed
        self._now_ns = kernel.clock.now_ns

    async def server_time_ns(self) -> int:
        return (await self._rest.exchange_status()).time * MS

    async def instruments(self) -> Sequence[Instrument]:
        """Everything that is listed; delisted perpetuals are closed, for fills of them exist."""
        return await self._listed.refresh()

    # Contexts: ticker, mark price, funding, open interest

    async def _contexts(self, instruments: Sequence[Instrument]) -> Mapping[str, types.AssetCtx]:
        """Ask for the contexts of all that is listed where *instruments* are, by name."""
        found: dict[str, types.AssetCtx] = {}
        for dex in dict.fromkeys(dex_of_instrument(item) for item in instruments if item.kind is InstrumentKind.LINEAR):
            answer = await self._rest.contexts(dex)
            names = (item.name for item in answer.meta.universe)
            found.update(zip(names, answer.contexts, strict=True))
        if any(item.kind is InstrumentKind.SPOT for item in instruments):
            found.update((ctx.coin, ctx) for ctx in (await self._rest.spot_contexts()).contexts)
        return found

    async def _context(self, instrument: Instrument) -> types.AssetCtx:
        contexts = await self._contexts([instrument])
        try:
            return contexts[instrument.venue_symbol]
        except KeyError:
            text = f"there is no market {instrument.venue_symbol}"
            raise exchange_error(ErrorKind.INVALID_SYMBOL, "hyperliquid", "absent", text) from None

    async def ticker(self, instrument: Instrument) -> Ticker:
        ctx = await self._context(instrument)
        return convert.to_ticker(ctx, symbol=instrument.symbol, received_ns=self._now_ns())

    async def tickers(self, instruments: Sequence[Instrument] | None) -> Sequence[Ticker]:
        """One question per dex, and one for spot, however many instruments."""
        chosen = self._kernel.instruments.all() if instruments is None else instruments
        if instruments is None:
            chosen = [item for item in chosen if item.status is not InstrumentStatus.CLOSED]
        contexts = await self._contexts(chosen)
        received_ns = self._now_ns()
        found = []
        for item in chosen:
            ctx = contexts.get(item.venue_symbol)
            if ctx is not None:
                try:
                    found.append(convert.to_ticker(ctx, symbol=item.symbol, received_ns=received_ns))
                except ItemRejected as error:
                    self._drop("metaAndAssetCtxs", str(error))
        return found

    def _drop(self, key: str, reason: str) -> None:
        exchange = self._kernel.facts.name
        logger.warning("%s: an item of %s was left out: %s", exchange, key, reason)
        self._kernel.telemetry.emit(ItemDropped(exchange, key, reason))

    async def mark_price(self, instrument: Instrument) -> MarkPrice:
        require_perpetual(instrument, "a mark price")
        ctx = await self._context(instrument)
        return convert.to_mark_price(ctx, symbol=instrument.symbol, received_ns=self._now_ns())

    async def funding_rate(self, instrument: Instrument) -> FundingRate:
        """The rate of the running hour, paid at the next whole one."""
        require_perpetual(instrument, "funding")
        ctx = await self._context(instrument)
        return convert.to_running_rate(ctx, symbol=instrument.symbol, now_ns=self._kernel.exchange_ns())

    async def funding_rates_page(
        self, instrument: Instrument, span: Span, cursor: str | None, limit: int
    ) -> Page[FundingRate]:
        """One page of ``fundingHistory``: the cursor is its first millisecond. Without a start: the newest *limit*."""
        require_perpetual(instrument, "funding")
        end = last_ms(span)
        start = first_ms(span) if cursor is None else int(cursor)
        if start is None:
            newest = self._now_ns() // MS if end is None else end
            begin = newest - min(limit, FUNDINGS_PER_PAGE) * convert.FUNDING_S * 1_000
            rows = await self._rest.funding_history(instrument.venue_symbol, max(begin, 0), end)
        else:
            rows = await self._rest.funding_history(instrument.venue_symbol, start, end)
        items = [convert.to_funding_rate(row, symbol=instrument.symbol) for row in rows]
        more = start is not None and len(rows) >= FUNDINGS_PER_PAGE
        return Page(items, str(rows[-1].time + 1) if more else None)

    async def open_interest(self, instrument: Instrument) -> OpenInterest:
        require_perpetual(instrument, "open interest")
        ctx = await self._context(instrument)
        return convert.to_open_interest(ctx, symbol=instrument.symbol, received_ns=self._now_ns())

    # Books, trades, candles

    async def best_bid_offer(self, instrument: Instrument) -> BestBidOffer:
        book = await self._rest.l2_book(instrument.venue_symbol)
        return convert.top_of(book, symbol=instrument.symbol, received_ns=self._now_ns())

    async def order_book(self, instrument: Instrument, depth: int) -> OrderBook:
        """Return at most 20 levels a side: there are no more to be had."""
        book = await self._rest.l2_book(instrument.venue_symbol)
        return convert.to_order_book(book, symbol=instrument.symbol, depth=depth, received_ns=self._now_ns())

    async def recent_trades(self, instrument: Instrument, limit: int) -> Sequence[Trade]:
        items = await self._rest.recent_trades(instrument.venue_symbol)
        trades = convert.to_trades(items, symbol=instrument.symbol, received_ns=self._now_ns())
        return trades[-limit:]

    async def candles_page(
        self, instrument: Instrument, interval: Interval, span: Span, cursor: str | None, limit: int
    ) -> Page[Candle]:
        """One page of ``candleSnapshot``; the cursor is the first millisecond that it is asked for.

        Only the newest 5000 candles of each interval exist: a start before them begins at the oldest.
        """
        word = convert.interval_text(interval)
        length = interval.fixed_ms or LONGEST_MONTH_MS
        coin, limit = instrument.venue_symbol, min(limit, MAX_CANDLES)
        received_ns = self._now_ns()
        now = received_ns // MS
        last = last_ms(span)
        end = now if last is None else last
        start = first_ms(span) if cursor is None else int(cursor)
        following = None
        if start is None:
            rows = (await self._rest.candles(coin, word, end - limit * length, end))[-limit:]
        else:
            until = min(end, start + limit * length - 1)
            rows = await self._rest.candles(coin, word, start, until)
            if not rows and until < end:  # nothing so far back: find where it begins
                rows = await self._rest.candles(coin, word, until + 1, end)
            rows = rows[:limit]
            if rows and end > rows[-1].T:
                following = rows[-1].T + 1
        candles = [
            convert.to_candle(
                row, symbol=instrument.symbol, interval=interval, closed=now > row.T, received_ns=received_ns
            )
            for row in rows
        ]
        return Page(candles, None if following is None else str(following))

    # Streams

    def trades_channel(self, instrument: Instrument) -> Channel[Trade]:
        """Prints, each once: a new subscription begins with those of the last 20 s."""
        symbol = instrument.symbol
        known: set[tuple[int, str]] = set()
        order: deque[tuple[int, str]] = deque()

        def read(message: bytes, received_ns: int) -> Sequence[Trade]:
            trades = convert.to_trades(_trades(message).data, symbol=symbol, received_ns=received_ns)
            fresh = []
            for trade in trades:
                key = (trade.exchange_ns, trade.trade_id)
                if key not in known:
                    known.add(key)
                    order.append(key)
                    fresh.append(trade)
            while len(order) > TRADES_REMEMBERED:
                known.discard(order.popleft())
            return fresh

        return self._channel(
            instrument,
            "trades",
            ChannelKind.TRADES,
            read,
            identity=lambda trade: (trade.exchange_ns, trade.trade_id),
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

        return self._channel(instrument, "candle", ChannelKind.CANDLES, read, suffix=f" {word}", lost=forget)

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
        return self._channel(
            instrument,
            "l2Book",
            ChannelKind.BOOK,
            read,
            group="fast" if fast else "market",
            cadence_s=FAST_BOOK_EVERY_S if fast else BOOK_EVERY_S,
            view=view,
        )

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
    ) -> Channel[E]:
        """Write a channel; only of what trades: an unknown name would close the socket and end all its streams."""
        if instrument.status is InstrumentStatus.CLOSED:
            raise InvalidArgument(f"{instrument.symbol} is delisted: there is nothing to stream", rule="status")
        return Channel(
            group,
            f"{kind_of_stream} {instrument.venue_symbol}{suffix}",
            kind,
            read,
            symbol=instrument.symbol,
            cadence_s=cadence_s,
            identity=identity,
            view=view,
            lost=lost,
        )
