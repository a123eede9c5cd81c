"""Asking about orders and fills of one account."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lotusx.errors import ErrorKind, InvalidArgument, OrderNotFound, exchange_error
from lotusx.model import Fill, Instrument, OrderState, Symbol
from lotusx.plugin import OrderRef, Page, Span, TradingPort
from lotusx_backpack import account_types as types, order_conversions as convert
from lotusx_backpack.connector.paging import first, inside, last, newest_in
from lotusx_backpack.order_conversions import TRIGGERED
from lotusx_backpack.rest import MAX_ROWS
from lotusx_backpack.times import MS, S, moment_ns, whole

if TYPE_CHECKING:
    from lotusx.plugin import Kernel
    from lotusx_backpack.client_ids import ClientIds
    from lotusx_backpack.connector.listed import Listed
    from lotusx_backpack.rest import Endpoints
    from lotusx_backpack.triggers import Triggers

SEARCHED_NS = 600 * S
"""How far back, at least, an ended order is looked for by its client order id: longer than any order is in doubt."""


class OrderReads(TradingPort):
    """What is open comes from the engine, what has ended from a history that lags behind it."""

    def __init__(self, kernel: Kernel, rest: Endpoints, listed: Listed, ids: ClientIds, triggers: Triggers) -> None:
        self._kernel = kernel
        self._exchange = kernel.facts.name
        self._rest = rest
        self._listed = listed
        self._ids = ids
        self._triggers = triggers

    async def order(self, ref: OrderRef, instrument: Instrument) -> OrderState:
        """Ask for one order: among the open ones, and then in the history. Of one that triggered, what it is now.

        The history knows no client order ids: one that is known by nothing else is looked for among the newest 1000 of
        its symbol, or all of the last ten minutes if those are more.

        Raises:
            OrderNotFound: Right after an order has ended that proves nothing: the history lags behind the engine.
        """
        if ref.venue_order_id is not None:
            found, as_of_ns = await self._with_id(ref.venue_order_id, instrument)
        elif ref.client_order_id is not None:
            found, as_of_ns = await self._with_number(self._ids.of(ref.client_order_id), instrument)
        else:
            raise InvalidArgument("name the order: client_order_id or venue_order_id")
        name = None
        if found is not None and found.status == TRIGGERED and found.relatedOrderId not in (None, "", found.id):
            name = self._state(found, instrument.symbol).client_order_id
            found, as_of_ns = await self._with_id(str(found.relatedOrderId), instrument)
        if found is None:
            text = f"order {ref} is neither open nor in the history of {instrument.symbol}"
            raise exchange_error(ErrorKind.ORDER_NOT_FOUND, self._exchange, "absent", text)
        state = self._state(found, instrument.symbol, as_of_ns)
        return state if name is None else replace(state, client_order_id=state.client_order_id or name, created_ns=None)

    async def _with_id(self, order_id: str, instrument: Instrument) -> tuple[types.Order | None, int | None]:
        """Return an order, open or not, and from when on the report certainly is."""
        asked = {"symbol": instrument.venue_symbol, "orderId": order_id}
        as_of_ns = self._kernel.exchange_ns()
        try:
            return await self._rest.order(asked), as_of_ns
        except OrderNotFound:
            rows = await self._rest.order_history(asked)
            return next((row for row in rows if row.id == order_id), None), None

    async def _with_number(self, number: int, instrument: Instrument) -> tuple[types.Order | None, int | None]:
        as_of_ns = self._kernel.exchange_ns()
        try:
            return await self._rest.order({"symbol": instrument.venue_symbol, "clientId": number}), as_of_ns
        except OrderNotFound:
            return await self._ended_with(number, instrument), None

    async def _ended_with(self, number: int, instrument: Instrument) -> types.Order | None:
        oldest_ns = self._kernel.exchange_ns() - SEARCHED_NS
        offset = 0
        while True:
            rows = await self._history(instrument, MAX_ROWS, offset)
            named = [row for row in rows if row.clientId not in (None, "")]
            mine = [row for row in named if whole(str(row.clientId), field="clientId") == number]
            if mine:  # what triggered may be there twice: as it waited, and as it went on
                return next((row for row in mine if row.status != TRIGGERED), mine[0])
            if len(rows) < MAX_ROWS or _created_ns(rows[-1]) < oldest_ns:
                return None
            offset += MAX_ROWS

    def _state(self, item: types.Order, symbol: Symbol, as_of_ns: int | None = None) -> OrderState:
        """Convert a report, and know it again if it is of an order that was triggered."""
        return self._known_again(convert.to_order(item, symbol=symbol, ours=self._ids.ours, as_of_ns=as_of_ns), item)

    def _known_again(self, state: OrderState, item: types.Order | None) -> OrderState:
        return self._triggers.known_again(state, None if item is None else item.relatedOrderId)[0]

    async def _of_account(
        self, key: str, items: Sequence[types.Order], as_of_ns: int | None, *, cancelled: bool = False
    ) -> list[OrderState]:
        def to(item: types.Order, symbol: Symbol) -> OrderState:
            return self._state(item, symbol, as_of_ns)

        return await self._listed.of_account(key, items, to, cancelled=cancelled)

    async def open_orders(self, instrument: Instrument | None) -> Sequence[OrderState]:
        """Return the open orders, conditional ones among them.

        Orders of what a fresh list of instruments does not have are left out, counted and logged.
        """
        as_of_ns = self._kernel.exchange_ns()
        items = await self._rest.open_orders(None if instrument is None else instrument.venue_symbol)
        return await self._of_account("orders", items, as_of_ns)

    # History

    async def _history(self, instrument: Instrument, limit: int, offset: int) -> Sequence[types.Order]:
        asked = {"symbol": instrument.venue_symbol, "limit": limit, "offset": offset or None, "sortDirection": "Desc"}
        return await self._rest.order_history(asked)

    async def orders_page(self, instrument: Instrument, span: Span, cursor: str | None, limit: int) -> Page[OrderState]:
        """All orders of *span*, open ones too, in one page.

        They can only be asked for from the newest backwards, 1000 at a time. The history lags behind the engine: what
        is open is told as that says, unless the history has seen its end.
        """
        as_of_ns = self._kernel.exchange_ns()
        # Open ones first: one that ends meanwhile is seen twice, and not never.
        still_open = [
            row for row in await self._rest.open_orders(instrument.venue_symbol) if inside(_created_ns(row), span)
        ]

        async def ask(wanted: int, offset: int) -> Sequence[types.Order]:
            return await self._history(instrument, wanted, offset)

        rows = await newest_in(span, ask, time_of=_created_ns, key_of=lambda row: row.id, limit=limit, most=MAX_ROWS)
        created = {row.id: _created_ns(row) for row in (*rows, *still_open)}
        states = {row.id: self._state(row, instrument.symbol) for row in rows}
        for row in still_open:
            if row.id not in states or not states[row.id].status.is_terminal:
                states[row.id] = self._state(row, instrument.symbol, as_of_ns)
        ordered = [states[order_id] for order_id in sorted(states, key=lambda order_id: created[order_id])]
        return Page(ordered if span.start_ns is not None else ordered[-limit:], None)

    async def fills_page(self, instrument: Instrument, span: Span, cursor: str | None, limit: int) -> Page[Fill]:
        """One page of the fills of a symbol; the cursor is how many came before it, and up to which millisecond."""
        rows, following = await self._fill_rows({"symbol": instrument.venue_symbol}, span, cursor, limit)
        return Page([self._fill(row, instrument.symbol) for row in rows], following)

    async def account_fills_page(self, span: Span, cursor: str | None, limit: int) -> Page[Fill]:
        """One page of the fills of all symbols; those of what is not listed are left out, counted and logged."""
        rows, following = await self._fill_rows({}, span, cursor, limit)
        return Page(await self._listed.of_account("history/fills", rows, self._fill), following)

    async def _fill_rows(
        self, params: dict[str, Any], span: Span, cursor: str | None, limit: int
    ) -> tuple[list[types.Fill], str | None]:
        limit = min(limit, MAX_ROWS)
        start, end = first(span, MS), last(span, MS)
        if start is None:
            rows = await self._rest.fill_history({**params, "to": end, "limit": limit, "sortDirection": "Desc"})
            return self._inside(list(reversed(rows)), span), None
        offset, _, until = (cursor or f"0:{'' if end is None else end}").partition(":")
        asked = {**params, "from": start, "to": int(until) if until else None, "limit": limit}
        rows = await self._rest.fill_history({**asked, "offset": int(offset) or None, "sortDirection": "Asc"})
        following = f"{int(offset) + len(rows)}:{until}" if len(rows) == limit else None
        return self._inside(rows, span), following

    def _inside(self, rows: Sequence[types.Fill], span: Span) -> list[types.Fill]:
        """Leave out what is not of *span*: whether both bounds are inclusive is not documented."""
        return [row for row in rows if inside(moment_ns(row.timestamp, field="timestamp"), span)]

    def _fill(self, row: types.Fill, symbol: Symbol) -> Fill:
        received_ns = self._kernel.clock.now_ns()
        return convert.to_fill(row, symbol=symbol, ours=self._ids.ours, received_ns=received_ns)

    async def fills_of(self, state: OrderState, instrument: Instrument) -> Sequence[Fill]:
        """All fills of one order, oldest first."""
        order_id = state.venue_order_id
        if order_id is None:
            order_id = (await self.order(OrderRef(state.client_order_id), instrument)).venue_order_id
        asked = {"symbol": instrument.venue_symbol, "orderId": order_id}
        found: list[types.Fill] = []
        cursor: str | None = None
        while True:
            rows, cursor = await self._fill_rows(asked, Span(start_ns=0), cursor, MAX_ROWS)
            found += rows
            if cursor is None:
                return [self._fill(row, instrument.symbol) for row in found]


def _created_ns(row: types.Order) -> int:
    return moment_ns(row.createdAt, field="createdAt")
