"""Public data by REST; the streams are in `market_streams`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec

from lotusx.errors import ErrorKind, InvalidArgument, exchange_error
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
from lotusx_backpack import conversions as convert, types
from lotusx_backpack.connector.listed import Listed, require_perpetual
from lotusx_backpack.connector.market_streams import MarketStreams
from lotusx_backpack.connector.paging import first, last, newest_in
from lotusx_backpack.markets import funding_interval_s, to_instrument
from lotusx_backpack.rest import MAX_RATES, MAX_ROWS
from lotusx_backpack.times import S, moment_ns, utc_ns

if TYPE_CHECKING:
    from lotusx.plugin import Kernel
    from lotusx_backpack.rest import Endpoints

LONGEST_MONTH_S = 31 * 86_400

_day_ticker = msgspec.json.Decoder(types.DayTicker).decode


class _OfSymbol(Protocol):
    @property
    def symbol(self) -> str: ...


R = TypeVar("R", bound=_OfSymbol)


class BackpackMarketData(MarketStreams):
    """Public data of spot and perpetuals."""

    def __init__(self, kernel: Kernel, rest: Endpoints, listed: Listed) -> None:
        self._kernel = kernel
        self._rest = rest
        self._listed = listed
        self._now_ns = kernel.clock.now_ns

    async def server_time_ns(self) -> int:
        return await self._rest.time_ns()

    async def instruments(self) -> Sequence[Instrument]:
        """Every spot market and perpetual; one that cannot be understood is counted, reported and left out."""
        return self._listed.kept("markets", await self._rest.markets(), to_instrument)

    # Prices of the moment

    async def ticker(self, instrument: Instrument) -> Ticker:
        """Where nothing was traded in 24 h, the exchange states nothing, and nor does the ticker."""
        item = await self._rest.ticker(instrument.venue_symbol)
        received_ns = self._now_ns()
        if item is None:
            return Ticker(symbol=instrument.symbol, last_price=None, received_ns=received_ns)
        return convert.to_ticker(item, symbol=instrument.symbol, received_ns=received_ns)

    async def tickers(self, instruments: Sequence[Instrument] | None) -> Sequence[Ticker]:
        """One request, however many instruments; what was not traded in 24 h may be left out."""
        chosen = self._kernel.instruments.all() if instruments is None else instruments
        wanted = {item.venue_symbol: item.symbol for item in chosen}
        documents = await self._rest.tickers()
        received_ns = self._now_ns()
        items = self._listed.kept("tickers", documents, _day_ticker)
        return self._listed.kept(
            "tickers",
            (item for item in items if item.symbol in wanted),
            lambda item: convert.to_ticker(item, symbol=wanted[item.symbol], received_ns=received_ns),
        )

    async def mark_price(self, instrument: Instrument) -> MarkPrice:
        item = await self._mark(instrument, "a mark price")
        return convert.to_mark_price(item, symbol=instrument.symbol, received_ns=self._now_ns())

    async def funding_rate(self, instrument: Instrument) -> FundingRate:
        """The rate of the running interval, whose length is the market's own."""
        item = await self._mark(instrument, "funding")
        return convert.to_running_rate(item, symbol=instrument.symbol, interval_s=funding_interval_s(instrument))

    async def _mark(self, instrument: Instrument, what: str) -> types.MarkPrice:
        require_perpetual(instrument, what)
        return self._only(await self._rest.mark_prices(instrument.venue_symbol), instrument)

    def _only(self, items: Sequence[R], instrument: Instrument) -> R:
        for item in items:
            if item.symbol == instrument.venue_symbol:
                return item
        text = f"the exchange states nothing of {instrument.venue_symbol}"
        raise exchange_error(ErrorKind.INVALID_SYMBOL, self._kernel.facts.name, "absent", text)

    async def funding_rates_page(
        self, instrument: Instrument, span: Span, cursor: str | None, limit: int
    ) -> Page[FundingRate]:
        """All rates of *span* in one page: they can only be asked for from the newest backwards, 10000 at a time.

        Their interval is not stated: it was 8 h once, and is 1 h now.
        """
        require_perpetual(instrument, "funding")
        name = instrument.venue_symbol

        async def ask(wanted: int, offset: int) -> Sequence[types.FundingSample]:
            return await self._rest.funding_rates(name, wanted, offset)

        def time_of(row: types.FundingSample) -> int:
            return moment_ns(row.intervalEndTimestamp, field="intervalEndTimestamp")

        now_ns = self._kernel.exchange_ns()  # before it is asked: a rate may be listed while its interval runs
        # One more than asked for: the newest may be the interval that still runs.
        rows = await newest_in(span, ask, time_of=time_of, key_of=time_of, limit=limit + 1, most=MAX_RATES)
        rates = convert.to_funding_rates(rows, symbol=instrument.symbol, interval_s=None, now_ns=now_ns)
        return Page(rates if span.start_ns is not None else rates[-limit:], None)

    async def open_interest(self, instrument: Instrument) -> OpenInterest:
        require_perpetual(instrument, "open interest")
        item = self._only(await self._rest.open_interest(instrument.venue_symbol), instrument)
        return convert.to_open_interest(item, symbol=instrument.symbol, received_ns=self._now_ns())

    # Books, trades, candles

    async def best_bid_offer(self, instrument: Instrument) -> BestBidOffer:
        depth = await self._rest.depth(instrument.venue_symbol, convert.BOOK_DEPTHS[0])
        return convert.top_of(depth, symbol=instrument.symbol, received_ns=self._now_ns())

    async def order_book(self, instrument: Instrument, depth: int) -> OrderBook:
        asked = convert.book_depth(depth)
        book = await self._rest.depth(instrument.venue_symbol, asked)
        return convert.to_order_book(
            book, symbol=instrument.symbol, wanted=depth, asked=asked, received_ns=self._now_ns()
        )

    async def recent_trades(self, instrument: Instrument, limit: int) -> Sequence[Trade]:
        if not 1 <= limit <= MAX_ROWS:
            text = f"backpack: limit must be 1 to {MAX_ROWS}, not {limit}"
            raise InvalidArgument(text, rule="limit", nearest=(MAX_ROWS,))
        items = await self._rest.trades(instrument.venue_symbol, limit)
        return convert.to_trades(items, symbol=instrument.symbol, received_ns=self._now_ns())[-limit:]

    async def candles_page(
        self, instrument: Instrument, interval: Interval, span: Span, cursor: str | None, limit: int
    ) -> Page[Candle]:
        """One page of ``klines``; the cursor is the second from which it is asked for.

        Intervals without trades have no candle. How many rows one answer may have is not documented: a page asks for
        1000 intervals at most, and goes on after the last row that came.
        """
        fixed_ms = interval.fixed_ms
        length = LONGEST_MONTH_S if fixed_ms is None else fixed_ms // 1_000
        limit = min(limit, MAX_ROWS)
        received_ns, now_ns = self._now_ns(), self._kernel.exchange_ns()
        final = last(span, S)
        end = now_ns // S if final is None else final
        start = first(span, S) if cursor is None else int(cursor)
        begin = max(end - limit * length, 0) if start is None else start
        until = end if start is None else min(end, begin + limit * length - 1)
        rows = await self._rest.klines(instrument.venue_symbol, convert.interval_text(interval), begin, until)
        by_start = {utc_ns(row.start, field="start") // S: row for row in rows}
        kept = [by_start[at] for at in sorted(by_start) if begin <= at <= until]
        following: str | None = None
        if start is not None and until < end:
            reached = utc_ns(kept[-1].end, field="end") // S if kept else until + 1
            following = str(max(reached, begin + 1))
        candles = (
            convert.to_candle(row, symbol=instrument.symbol, interval=interval, now_ns=now_ns, received_ns=received_ns)
            for row in kept
        )
        found = [candle for candle in candles if candle is not None]
        return Page(found if start is not None else found[-limit:], following)
