"""Public data that only linear and inverse instruments have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from lotusx.model import FundingRate, Instrument, Liquidation, MarkPrice, OpenInterest
from lotusx.plugin import Channel, ChannelKind, Page, Span
from lotusx_bybit.v5 import (
    MergedTicker,
    V5MarketData,
    conversions as convert,
    first_ms,
    last_ms,
    tickers,
    types,
)

if TYPE_CHECKING:
    from lotusx.plugin import Kernel
    from lotusx_bybit.v5 import Listed
    from lotusx_bybit_perp.native import BybitPerpNative

MS = convert.MS
RATES_PER_PAGE = 200
PIECE_MS = RATES_PER_PAGE * 8 * 3_600_000
"""How much of funding history is read at a time: one page where funding comes every 8 hours."""

_ticker = msgspec.json.Decoder(types.ContractTicker).decode
_liquidations = msgspec.json.Decoder(types.Push[list[types.LiquidationEvent] | types.LiquidationEvent]).decode


class PerpMarketData(V5MarketData):
    """Public data of linear and inverse instruments."""

    def __init__(self, kernel: Kernel, rest: BybitPerpNative, listed: Listed) -> None:
        super().__init__(kernel, rest, listed)
        self._perps = rest

    async def _whole_ticker(self, instrument: Instrument) -> tuple[types.ContractTicker, int]:
        """Return what Bybit states of an instrument now, and when (ms)."""
        item, time = await self._one_ticker(instrument)
        return _ticker(item), self._kernel.exchange_ns() // MS if time is None else time

    async def mark_price(self, instrument: Instrument) -> MarkPrice:
        item, time = await self._whole_ticker(instrument)
        return tickers.to_mark_price(item, symbol=instrument.symbol, exchange_ms=time, received_ns=self._now_ns())

    async def funding_rate(self, instrument: Instrument) -> FundingRate:
        item, _ = await self._whole_ticker(instrument)
        return tickers.to_funding_rate(item, symbol=instrument.symbol)

    async def open_interest(self, instrument: Instrument) -> OpenInterest:
        item, time = await self._whole_ticker(instrument)
        return tickers.to_open_interest(
            item,
            symbol=instrument.symbol,
            category=self._listed.category(instrument),
            exchange_ms=time,
            received_ns=self._now_ns(),
        )

    async def funding_rates_page(
        self, instrument: Instrument, span: Span, cursor: str | None, limit: int
    ) -> Page[FundingRate]:
        """One piece of the rates that were applied; the cursor is the millisecond at which the next piece starts."""
        now = self._kernel.exchange_ns() // MS
        start, end = (first_ms(span) if cursor is None else int(cursor)), last_ms(span)
        last = now if end is None else end
        if start is None:
            rows = await self._rates(instrument, None, last, min(limit, RATES_PER_PAGE))
            return Page(convert.to_funding_rates(rows, symbol=instrument.symbol), None)
        upto = min(start + PIECE_MS - 1, last)
        rows = await self._rates(instrument, start, upto, RATES_PER_PAGE)
        page = rows
        while len(page) == RATES_PER_PAGE:  # older ones of this piece may be missing
            oldest = min(convert.ms_of(row.fundingRateTimestamp, "fundingRateTimestamp") for row in page)
            if oldest <= start:
                break
            page = await self._rates(instrument, start, oldest - 1, RATES_PER_PAGE)
            rows = rows + page
        rates = convert.to_funding_rates(rows, symbol=instrument.symbol)
        return Page(rates, str(upto + 1) if upto < last else None)

    async def _rates(
        self, instrument: Instrument, start: int | None, end: int, limit: int
    ) -> list[types.FundingRecord]:
        category = self._listed.category(instrument)
        return await self._perps.funding_history(
            category, instrument.venue_symbol, start_ms=start, end_ms=end, limit=limit
        )

    def mark_price_channel(self, instrument: Instrument) -> Channel[MarkPrice]:
        """The mark price in the messages of the ticker, put together from what changes."""
        symbol, merged = instrument.symbol, MergedTicker()

        def read(message: bytes, received_ns: int) -> Sequence[MarkPrice]:
            state = merged(message)
            return (tickers.to_mark_price(state.data, symbol=symbol, exchange_ms=state.ts, received_ns=received_ns),)

        made = self._channel(instrument, "tickers", ChannelKind.MARK_PRICE, read, view="mark", lost=merged.forget)
        return replace(made, another=lambda: self.mark_price_channel(instrument))

    def liquidations_channel(self, instrument: Instrument) -> Channel[Liquidation]:
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[Liquidation]:
            data = _liquidations(message).data
            items = data if isinstance(data, list) else [data]
            return [convert.to_liquidation(item, symbol=symbol, received_ns=received_ns) for item in items]

        return self._channel(instrument, "allLiquidation", ChannelKind.LIQUIDATIONS, read)
