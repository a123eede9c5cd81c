"""Public data: questions for documents and history, streams for events."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lotusx.errors import ErrorKind, ItemRejected, MalformedReply, exchange_error
from lotusx.model import (
    BestBidOffer,
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
from lotusx.plugin import ItemDropped, Page, Span
from lotusx_hyperliquid import conversions as convert, types
from lotusx_hyperliquid.connector.listed import Listed, dex_of_instrument, require_perpetual
from lotusx_hyperliquid.connector.market_streams import MarketStreams
from lotusx_hyperliquid.conversions import MS, first_ms, last_ms

if TYPE_CHECKING:
    from lotusx.plugin import Kernel
    from lotusx_hyperliquid.rest import Endpoints

logger = logging.getLogger("lotusx.hyperliquid")

MAX_CANDLES = 5_000
"""Candles that exist, of each interval."""
FUNDINGS_PER_PAGE = 500
LONGEST_MONTH_MS = 31 * 86_400_000


class HyperliquidMarketData(MarketStreams):
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
            universe = answer.meta.universe
            if len(universe) != len(answer.contexts):  # they go together by their places alone
                raise MalformedReply(
                    f"hyperliquid: {len(answer.contexts)} contexts of the {len(universe)} markets of the dex {dex!r}"
                )
            found.update(zip((item.name for item in universe), answer.contexts, strict=True))
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
        now = self._kernel.exchange_ns() // MS
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
            # Whether the bar in whose middle the span begins is listed too is not documented.
            rows = [row for row in rows if row.t >= start][:limit]
            if rows and end > rows[-1].T:
                following = rows[-1].T + 1
        candles = [
            convert.to_candle(
                row, symbol=instrument.symbol, interval=interval, closed=now > row.T, received_ns=received_ns
            )
            for row in rows
        ]
        return Page(candles, None if following is None else str(following))
