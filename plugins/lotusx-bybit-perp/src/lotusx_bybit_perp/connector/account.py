"""Positions, leverage and funding of one account, on linear and inverse instruments."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from lotusx.errors import ItemRejected, NoChange, NotSupported
from lotusx.model import FundingPayment, Instrument, Leverage, MarginMode, Position
from lotusx.plugin import Page, Span
from lotusx_bybit.v5 import (
    Category,
    V5Account,
    account_conversions as convert,
    account_types as types,
    conversions,
    everything,
    executions_of,
    order_conversions,
    piece,
)
from lotusx_bybit_perp.native import POSITIONS_PER_PAGE

if TYPE_CHECKING:
    from lotusx.plugin import Kernel
    from lotusx_bybit.v5 import Executed, Listed, Params, Rows
    from lotusx_bybit_perp.native import BybitPerpNative

MS = conversions.MS


class PerpAccount(V5Account):
    """One unified account, as far as linear and inverse instruments are concerned."""

    def __init__(self, kernel: Kernel, rest: BybitPerpNative, listed: Listed) -> None:
        super().__init__(kernel, rest, listed)
        self._perps = rest

    async def prepare(self) -> None:
        """Learn the margin mode, which the messages of the stream do not state."""
        await self.margin_mode()

    async def positions(self) -> Sequence[Position]:
        """Return the positions that are open, in hedge mode up to two of an instrument."""
        mode = await self.margin_mode()
        found: list[Position] = []
        for category in self._listed.categories:
            for settle in self._listed.settles(category):
                params: Params = {"category": category.value, "settleCoin": settle, "limit": POSITIONS_PER_PAGE}
                rows = [row for row in await everything(self._perps.positions, params) if convert.signed_size(row)]
                await self._listed.refresh_for(row.symbol for row in rows)

                def one(row: types.Position, category: Category = category) -> Position:
                    symbol = self._listed.symbol_of(category, row.symbol)
                    return convert.to_position(row, symbol=symbol, category=category, margin_mode=mode)

                found += self._listed.kept(rows, one, "position/list")
        return found

    async def leverage(self, instrument: Instrument) -> Leverage:
        """Return the leverage of an instrument; the margin mode is the account's.

        Raises:
            NotSupported: The two positions of hedge mode differ in it.
        """
        category = self._listed.category(instrument)
        params = {"category": category.value, "symbol": instrument.venue_symbol}
        rows = (await self._perps.positions(params)).items
        if not rows:
            raise ItemRejected(f"no leverage of {instrument.symbol} is stated", field="list")
        if len({row.leverage for row in rows}) > 1:
            raise NotSupported(
                self._kernel.facts.name, "one leverage of two positions that differ in it", "native.positions"
            )
        stated: Any = instrument.raw.get("leverageFilter", {}).get("maxLeverage")
        return convert.to_leverage(
            rows[0],
            symbol=instrument.symbol,
            margin_mode=await self.margin_mode(),
            maximum=Decimal(stated) if isinstance(stated, str) else None,
        )

    async def set_leverage(self, instrument: Instrument, leverage: Decimal) -> None:
        with suppress(NoChange):
            await self._perps.set_leverage(self._listed.category(instrument), instrument.venue_symbol, leverage)

    async def set_margin_mode(self, instrument: Instrument, mode: MarginMode) -> None:
        """Set the mode of the whole account, whatever *instrument*; the stream states it from now on."""
        with suppress(NoChange):
            await self._perps.set_margin_mode(convert.MARGIN_WORDS[mode])
        self._margin_mode = mode

    async def change_margin(self, instrument: Instrument, amount: Decimal) -> None:
        await self._perps.add_margin(self._listed.category(instrument), instrument.venue_symbol, amount)

    async def funding_payments_page(
        self, instrument: Instrument | None, span: Span, cursor: str | None, limit: int
    ) -> Page[FundingPayment]:
        """One piece of what was paid and received: executions of the type ``Funding``, as the stream has them."""
        categories = self._listed.categories if instrument is None else (self._listed.category(instrument),)
        symbol = None if instrument is None else instrument.venue_symbol

        async def ask(times: dict[str, Any], most: int | None) -> Rows[Executed]:
            return await executions_of(
                self._perps, categories, order_conversions.FUNDING, {"symbol": symbol}, times, most
            )

        now_ms = self._kernel.exchange_ns() // MS
        page = await piece(ask, span, cursor, limit, now_ms=now_ms, time_of=_time)
        await self._listed.refresh_for(row.symbol for _, row in page.items)
        received_ns = self._kernel.clock.now_ns()

        def one(item: Executed) -> FundingPayment:
            category, row = item
            return order_conversions.to_funding_payment(
                row,
                symbol=self._listed.symbol_of(category, row.symbol),
                category=category,
                received_ns=received_ns,
            )

        return Page(self._listed.kept(page.items, one, "execution/list"), page.cursor)


def _time(item: Executed) -> int:
    return conversions.ms_of(item[1].execTime, "execTime")
