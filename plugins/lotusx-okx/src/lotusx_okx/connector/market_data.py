"""Public data by REST; the streams are in `market_streams`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from lotusx.errors import InvalidArgument
from lotusx.model import (
    BestBidOffer,
    Candle,
    FundingRate,
    Instrument,
    Interval,
    MarkPrice,
    OpenInterest,
    OrderBook,
    Ticker,
    Trade,
)
from lotusx.plugin import Page, Span
from lotusx_okx import conversions as convert, types
from lotusx_okx.connector.listed import Listed, require_swap
from lotusx_okx.connector.market_streams import MarketStreams
from lotusx_okx.connector.paging import newest_in
from lotusx_okx.facts import DEEPEST
from lotusx_okx.markets import SPOT, SWAP, to_instrument
from lotusx_okx.numbers import MS, ms_of, ns_of

if TYPE_CHECKING:
    from lotusx.plugin import Kernel
    from lotusx_okx.rest import Endpoints

MAX_TRADES, MAX_CANDLES, MAX_RATES = 500, 300, 400
RECENT = 1_400
"""Candles that ``market/candles`` has for sure: it has the newest 1440."""
LONGEST_MONTH_MS = 31 * 86_400_000
CLOCKS_APART_MS = 3_600_000
"""How wrong our clock, which nobody may have measured, may be without a candle being missed."""

_ticker = msgspec.json.Decoder(types.Ticker).decode


class OkxMarketData(MarketStreams):
    """Public data of spot and linear swaps."""

    def __init__(self, kernel: Kernel, rest: Endpoints, listed: Listed) -> None:
        self._kernel = kernel
        self._rest = rest
        self._listed = listed
        self._now_ns = kernel.clock.now_ns

    async def server_time_ns(self) -> int:
        return ns_of((await self._rest.time()).ts, "ts")

    async def instruments(self) -> Sequence[Instrument]:
        """Spot markets and swaps; one that cannot be understood is counted, reported and left out."""
        found: list[Instrument] = []
        for inst_type in (SPOT, SWAP):
            found += self._listed.kept("instruments", await self._rest.instruments(inst_type), to_instrument)
        return found

    # Prices of the moment

    async def ticker(self, instrument: Instrument) -> Ticker:
        self._listed.type_of(instrument)
        item = await self._rest.ticker(instrument.venue_symbol)
        return convert.to_ticker(item, instrument=instrument, received_ns=self._now_ns())

    async def tickers(self, instruments: Sequence[Instrument] | None) -> Sequence[Ticker]:
        """One request for spot, one for swaps, however many instruments."""
        chosen = self._kernel.instruments.all() if instruments is None else instruments
        wanted = {item.venue_symbol: item for item in chosen}
        if instruments is None:
            types_wanted = [SPOT, SWAP]
        else:
            types_wanted = sorted({self._listed.type_of(item) for item in instruments})
        found: list[Ticker] = []
        for inst_type in types_wanted:
            documents = await self._rest.tickers(inst_type)
            one = partial(self._ticker_of, wanted, self._now_ns())
            items = self._listed.kept("tickers", documents, _ticker)
            found += self._listed.kept("tickers", (item for item in items if item.instId in wanted), one)
        return found

    def _ticker_of(self, wanted: Mapping[str, Instrument], received_ns: int, item: types.Ticker) -> Ticker:
        return convert.to_ticker(item, instrument=wanted[item.instId], received_ns=received_ns)

    async def mark_price(self, instrument: Instrument) -> MarkPrice:
        """Two requests: the exchange states the index by itself."""
        require_swap(instrument, "a mark price")
        item = await self._rest.mark_price(instrument.venue_symbol)
        index = await self._rest.index_ticker(f"{instrument.base}-{instrument.quote}")
        return convert.to_mark_price(item, symbol=instrument.symbol, received_ns=self._now_ns(), index=index)

    async def funding_rate(self, instrument: Instrument) -> FundingRate:
        require_swap(instrument, "funding")
        return convert.to_funding_rate(await self._rest.funding_rate(instrument.venue_symbol), symbol=instrument.symbol)

    async def funding_rates_page(
        self, instrument: Instrument, span: Span, cursor: str | None, limit: int
    ) -> Page[FundingRate]:
        """All rates of *span* in one page: they can only be read backwards, 400 at a time. Intervals are not stated."""
        require_swap(instrument, "funding")

        async def ask(after: str | None, count: int) -> Sequence[types.PastFunding]:
            before = after if after is not None else None if span.end_ns is None else str(-(-span.end_ns // MS))
            return await self._rest.funding_rates(
                instrument.venue_symbol, count, None if before is None else int(before)
            )

        rows = await newest_in(
            span,
            ask,
            time_of=lambda row: ns_of(row.fundingTime, "fundingTime"),
            name_of=lambda row: row.fundingTime,
            limit=limit,
            most=MAX_RATES,
        )
        return Page([convert.to_past_funding(row, symbol=instrument.symbol) for row in rows], None)

    async def open_interest(self, instrument: Instrument) -> OpenInterest:
        require_swap(instrument, "open interest")
        item = await self._rest.open_interest(instrument.venue_symbol)
        return convert.to_open_interest(item, symbol=instrument.symbol, received_ns=self._now_ns())

    # Books, trades, candles

    async def best_bid_offer(self, instrument: Instrument) -> BestBidOffer:
        size = self._size(instrument)
        book = await self._rest.book(instrument.venue_symbol, 1)
        return convert.to_best_bid_offer(book, symbol=instrument.symbol, size=size, received_ns=self._now_ns())

    async def order_book(self, instrument: Instrument, depth: int) -> OrderBook:
        size = self._size(instrument)
        if depth > DEEPEST:
            text = f"okx shows at most {DEEPEST} levels a side, not {depth}"
            raise InvalidArgument(text, rule="depth", nearest=(DEEPEST,))
        book = await self._rest.book(instrument.venue_symbol, depth)
        return convert.to_order_book(book, symbol=instrument.symbol, size=size, received_ns=self._now_ns(), asked=depth)

    async def recent_trades(self, instrument: Instrument, limit: int) -> Sequence[Trade]:
        size = self._size(instrument)
        if not 1 <= limit <= MAX_TRADES:
            text = f"okx: limit must be 1 to {MAX_TRADES}, not {limit}"
            raise InvalidArgument(text, rule="limit", nearest=(MAX_TRADES,))
        rows = await self._rest.trades(instrument.venue_symbol, limit)
        received_ns = self._now_ns()
        return [
            convert.to_trade(row, symbol=instrument.symbol, size=size, received_ns=received_ns)
            for row in reversed(rows)
        ]

    async def candles_page(
        self, instrument: Instrument, interval: Interval, span: Span, cursor: str | None, limit: int
    ) -> Page[Candle]:
        """One page; the cursor is the millisecond from which the next one is asked for.

        Pages are cut by time, 300 intervals each: the exchange lists candles backwards, also where nothing was traded.
        A stretch with more of them than are asked for would lose its oldest.
        """
        self._listed.type_of(instrument)
        bar = convert.bar_text(interval)
        length = interval.fixed_ms or LONGEST_MONTH_MS
        count = min(limit, MAX_CANDLES)
        now_ms = self._kernel.exchange_ns() // MS
        end = None if span.end_ns is None else -(-span.end_ns // MS)  # exclusive
        start = None if span.start_ns is None else -(-span.start_ns // MS)
        begin = start if cursor is None else int(cursor)
        until = end
        if begin is not None:
            until = convert.bars_end_ms(begin, count, interval)
            until = until if end is None else min(end, until)
        oldest = (now_ms if until is None else until) - count * length if begin is None else begin
        past = interval is Interval.S1 or oldest < now_ms - RECENT * length
        after = None if until is None or until > now_ms + CLOCKS_APART_MS else until
        rows = await self._rest.candles(instrument.venue_symbol, bar, count, after, past=past)
        received_ns = self._now_ns()
        kept = [
            row
            for row in reversed(rows)
            if (begin is None or ms_of(row.ts, "ts") >= begin) and (until is None or ms_of(row.ts, "ts") < until)
        ]
        candles = [
            convert.to_candle(row, instrument=instrument, interval=interval, received_ns=received_ns) for row in kept
        ]
        following = None
        if begin is not None and until is not None and (end is None or until < end):
            reached = convert.next_open_ms(ms_of(kept[-1].ts, "ts"), interval) if kept else begin
            full = reached >= until  # our clock may be late
            following = str(until) if full or until <= now_ms else None
        return Page(candles, following)
