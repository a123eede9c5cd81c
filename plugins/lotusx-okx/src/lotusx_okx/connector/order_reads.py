"""Asking about orders and fills of one account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lotusx.model import Fill, Instrument, OrderState
from lotusx.plugin import OrderRef, Page, Span, TradingPort
from lotusx_okx import account_types as types, order_conversions as convert
from lotusx_okx.connector.paging import inside, newest_in, older_than
from lotusx_okx.markets import SPOT, SWAP
from lotusx_okx.numbers import MS, ns_of
from lotusx_okx.order_requests import order_name

if TYPE_CHECKING:
    from lotusx.plugin import Kernel
    from lotusx_okx.client_ids import ClientIds
    from lotusx_okx.connector.listed import Listed
    from lotusx_okx.rest import Endpoints

MAX_ROWS = 100
HISTORY_DAYS, FILLS_DAYS = 7, 3
"""How far back the lists that are not archives reach."""
LISTED_LATE_NS = 3_600_000_000_000
"""Fills are listed by their bill, which is made after the match; how much later is not documented."""


class OrderReads(TradingPort):
    """What is open, what has ended, what was executed."""

    def __init__(self, kernel: Kernel, rest: Endpoints, listed: Listed, ids: ClientIds) -> None:
        self._kernel = kernel
        self._exchange = kernel.facts.name
        self._rest = rest
        self._listed = listed
        self._ids = ids

    async def order(self, ref: OrderRef, instrument: Instrument) -> OrderState:
        """Ask for one order, open or not.

        Raises:
            OrderNotFound: One that was canceled without a fill is forgotten after two hours.
        """
        self._listed.type_of(instrument)
        item = await self._rest.order(order_name(ref, instrument, self._ids))
        return self._state(item, instrument)

    def _state(self, item: types.Order, instrument: Instrument) -> OrderState:
        return convert.to_order(item, instrument=instrument, ids=self._ids)

    async def open_orders(self, instrument: Instrument | None) -> Sequence[OrderState]:
        """Return the open orders of an instrument, or of spot and swaps together, oldest first."""
        if instrument is not None:
            params = {"instType": self._listed.type_of(instrument), "instId": instrument.venue_symbol}
            return await self._of_account("orders-pending", await self._pending(params))
        found: list[OrderState] = []
        for inst_type in (SPOT, SWAP):
            found += await self._of_account("orders-pending", await self._pending({"instType": inst_type}))
        return found

    async def _pending(self, params: dict[str, Any]) -> list[types.Order]:
        async def ask(after: str | None, count: int) -> Sequence[types.Order]:
            return await self._rest.open_orders({**params, "after": after, "limit": count})

        return await newest_in(
            Span(start_ns=0), ask, time_of=_created_ns, name_of=lambda row: row.ordId, limit=MAX_ROWS, most=MAX_ROWS
        )

    async def _of_account(self, key: str, rows: Sequence[types.Order]) -> list[OrderState]:
        return await self._listed.of_account(key, rows, self._state)

    # History

    async def orders_page(self, instrument: Instrument, span: Span, cursor: str | None, limit: int) -> Page[OrderState]:
        """All orders of *span*, open ones too, in one page: they can only be read backwards, 100 at a time."""
        params = {"instType": self._listed.type_of(instrument), "instId": instrument.venue_symbol}
        archive = older_than(span, HISTORY_DAYS, self._kernel.exchange_ns() // MS)
        times = _times(span)

        async def ask(after: str | None, count: int) -> Sequence[types.Order]:
            return await self._rest.past_orders({**params, **times, "after": after, "limit": count}, archive=archive)

        # Open ones first: one that ends meanwhile is seen twice, and not never.
        rows = {row.ordId: row for row in await self._pending(dict(params)) if inside(_created_ns(row), span)}
        ended = await newest_in(
            span, ask, time_of=_created_ns, name_of=lambda row: row.ordId, limit=limit, most=MAX_ROWS
        )
        rows.update((row.ordId, row) for row in ended)
        ordered = sorted(rows.values(), key=lambda row: (_created_ns(row), len(row.ordId), row.ordId))
        states = await self._of_account("orders-history", ordered)
        return Page(states if span.start_ns is not None else states[-limit:], None)

    async def fills_page(self, instrument: Instrument, span: Span, cursor: str | None, limit: int) -> Page[Fill]:
        """All fills of *span* in one page: they can only be read backwards, 100 at a time."""
        params = {"instType": self._listed.type_of(instrument), "instId": instrument.venue_symbol}
        return Page(await self._fills(params, span, limit), None)

    async def account_fills_page(self, span: Span, cursor: str | None, limit: int) -> Page[Fill]:
        """All fills of *span* on spot and swaps; those of what is not listed are left out, counted and logged."""
        found: list[Fill] = []
        for inst_type in (SPOT, SWAP):
            found += await self._fills({"instType": inst_type}, span, limit)
        found.sort(key=lambda fill: fill.exchange_ns)
        return Page(found if span.start_ns is not None else found[-limit:], None)

    async def fills_of(self, state: OrderState, instrument: Instrument) -> Sequence[Fill]:
        """All fills of one order, oldest first."""
        inst_type = self._listed.type_of(instrument)
        if state.created_ns is None or state.venue_order_id is None:
            state = await self.order(OrderRef(state.client_order_id, state.venue_order_id), instrument)
        params = {"instType": inst_type, "instId": instrument.venue_symbol, "ordId": state.venue_order_id}
        return await self._fills(params, Span(start_ns=state.created_ns), MAX_ROWS)

    async def _fills(self, params: dict[str, Any], span: Span, limit: int) -> list[Fill]:
        archive = older_than(span, FILLS_DAYS, self._kernel.exchange_ns() // MS)
        # The filter is about when the row was made, which is at or after the match: only its start may be used.
        begin = _times(Span(start_ns=span.start_ns))

        async def ask(after: str | None, count: int) -> Sequence[types.Fill]:
            return await self._rest.fills({**params, **begin, "after": after, "limit": count}, archive=archive)

        rows = await newest_in(
            span,
            ask,
            time_of=lambda row: ns_of(row.fillTime, "fillTime"),
            name_of=lambda row: row.billId,
            limit=limit,
            most=MAX_ROWS,
            lag_ns=LISTED_LATE_NS,
        )
        received_ns = self._kernel.clock.now_ns()

        def one(row: types.Fill, instrument: Instrument) -> Fill:
            return convert.to_fill(row, instrument=instrument, ids=self._ids, received_ns=received_ns)

        return await self._listed.of_account("fills", rows, one)


def _created_ns(row: types.Order) -> int:
    return ns_of(row.cTime, "cTime")


def _times(span: Span) -> dict[str, int | None]:
    """Return the filter by time. Whether its bounds are inclusive is not documented: one millisecond more each way."""
    return {
        "begin": None if span.start_ns is None else max(span.start_ns // MS - 1, 0),
        "end": None if span.end_ns is None else -(-span.end_ns // MS) + 1,
    }
