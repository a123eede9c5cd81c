"""Looking up orders and fills: what is open, what has just ended, and the history."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from lotusx.errors import ErrorKind, OrderNotFound, exchange_error
from lotusx.model import Fill, Instrument, OrderState
from lotusx.plugin import OrderRef, Page, Span, TradingPort
from lotusx_bybit.v5 import account_types as types, order_conversions as convert
from lotusx_bybit.v5.category import Category
from lotusx_bybit.v5.conversions import MS, ms_of
from lotusx_bybit.v5.order_conversions import USER_TRADE
from lotusx_bybit.v5.order_requests import order_name, other_name
from lotusx_bybit.v5.pieces import Rows, at_most, everything, piece
from lotusx_bybit.v5.rest import EXECUTIONS_PER_PAGE, ORDERS_PER_PAGE

if TYPE_CHECKING:
    from lotusx.plugin import Kernel
    from lotusx_bybit.v5.envelope import Params
    from lotusx_bybit.v5.listed import Listed
    from lotusx_bybit.v5.rest import Endpoints

ELSEWHERE = ("StopOrder", "tpslOrder")
"""Where spot keeps what waits for its trigger; only ordinary orders are meant unless one of these is named."""
_MARGIN_MS = 60_000


def places_of(category: Category) -> tuple[str | None, ...]:
    """Return the values of ``orderFilter`` that together mean all open orders of *category*."""
    return (None, *ELSEWHERE) if category is Category.SPOT else (None,)


def past_places_of(category: Category) -> tuple[str | None, ...]:
    """The same of the history. Other clients name conditional orders of linear and inverse instruments there, too."""
    return (None, *ELSEWHERE) if category is Category.SPOT else (None, ELSEWHERE[0])


Executed = tuple[Category, types.Execution]


async def executions_of(
    rest: Endpoints, categories: Sequence[Category], kind: str, named: Params, times: Params, most: int | None
) -> Rows[Executed]:
    """Return the executions of one *kind*; with *most*, of each category the newest so many are enough."""
    rows: list[Executed] = []
    complete = True
    for category in categories:
        asked = {"category": category.value, **named, "execType": kind, **times, "limit": EXECUTIONS_PER_PAGE}
        found, is_all = await at_most(rest.executions, asked, most)
        rows += [(category, row) for row in found if row.execType == kind]
        complete = complete and is_all
    return rows, complete


class V5OrderReads(TradingPort):
    """What is asked about orders, always by REST."""

    def __init__(self, kernel: Kernel, rest: Endpoints, listed: Listed) -> None:
        self._kernel = kernel
        self._exchange = kernel.facts.name
        self._rest = rest
        self._listed = listed

    async def order(self, ref: OrderRef, instrument: Instrument) -> OrderState:
        """Look among the orders that are open or have just ended, then in the history.

        Raises:
            OrderNotFound: In none of them. Right after placing, that proves nothing.
        """
        category, name = self._listed.category(instrument), order_name(ref)
        realtime, history = self._rest.orders, self._rest.past_orders
        asked = [(realtime, name, place) for place in places_of(category)]
        asked += [(history, name, place) for place in past_places_of(category)]
        if (other := other_name(ref, category)) is not None:
            asked += [(realtime, other, None), (history, other, None)]
        for ask, named, place in asked:
            params = {"category": category.value, "symbol": instrument.venue_symbol, **named, "orderFilter": place}
            try:
                rows = (await ask(params)).items
            except OrderNotFound:
                continue
            if rows:
                return convert.to_order(rows[0], symbol=instrument.symbol, category=category, step=instrument.step_size)
        raise exchange_error(ErrorKind.ORDER_NOT_FOUND, self._exchange, "absent", f"order {ref} is not known")

    async def open_orders(self, instrument: Instrument | None) -> Sequence[OrderState]:
        """Return the open orders, also those that wait for their trigger. What is not listed is left out, counted."""
        return await self._list(instrument, {"openOnly": 0})

    async def _list(
        self, instrument: Instrument | None, params: Params, *, most: int | None = None
    ) -> list[OrderState]:
        found: dict[str, OrderState] = {}
        for category, place in self._places(instrument):
            ask: Params = {"category": category.value, **place, **params, "limit": ORDERS_PER_PAGE}
            rows = await everything(self._rest.orders, ask, most)
            found.update((str(state.venue_order_id), state) for state in await self._states(rows, category))
        return list(found.values())

    def _places(self, instrument: Instrument | None) -> list[tuple[Category, Params]]:
        """Return what has to be asked for to hear of all orders of *instrument*, or of the account."""
        if instrument is not None:
            asked: list[tuple[Category, Params]] = [
                (self._listed.category(instrument), {"symbol": instrument.venue_symbol})
            ]
        else:
            asked = [
                (category, {"settleCoin": settle})
                for category in self._listed.categories
                for settle in self._listed.settles(category)
            ]
        return [
            (category, {**params, "orderFilter": place}) for category, params in asked for place in places_of(category)
        ]

    async def _states(self, rows: Sequence[types.Order], category: Category) -> list[OrderState]:
        await self._listed.refresh_for(row.symbol for row in rows)

        def one(row: types.Order) -> OrderState:
            symbol, step = self._listed.symbol_of(category, row.symbol), self._listed.step_of(category, row.symbol)
            return convert.to_order(row, symbol=symbol, category=category, step=step)

        return self._listed.kept(rows, one, "orders")

    # History

    async def orders_page(self, instrument: Instrument, span: Span, cursor: str | None, limit: int) -> Page[OrderState]:
        """One piece of the history, with the orders created in it that are open, for which each piece asks again.

        Those are asked for before the history: what ends in between is in both, and taken as it ended. They are not
        left to the last piece: what is open while its own piece is read may have ended by then.
        """
        category = self._listed.category(instrument)
        now_ms = self._kernel.exchange_ns() // MS
        still_open = await self.open_orders(instrument)

        async def ask(times: dict[str, Any], most: int | None) -> Rows[types.Order]:
            rows: dict[str, types.Order] = {}
            complete = True
            for place in past_places_of(category):
                params = {
                    "category": category.value,
                    "symbol": instrument.venue_symbol,
                    "orderFilter": place,
                    **times,
                    "limit": ORDERS_PER_PAGE,
                }
                found, is_all = await at_most(self._rest.past_orders, params, most)
                rows.update((row.orderId, row) for row in found)
                complete = complete and is_all
            return list(rows.values()), complete

        page = await piece(
            ask, span, cursor, limit, now_ms=now_ms, time_of=lambda row: ms_of(row.createdTime, "createdTime")
        )
        states = await self._states(page.items, category)
        known = {state.venue_order_id for state in states}
        begins, ends = (None if moment is None else int(moment) * MS for moment in (cursor, page.cursor))
        states += [
            state
            for state in still_open
            if state.venue_order_id not in known
            and _inside(state.created_ns or 0, span)
            and _inside(state.created_ns or 0, Span(begins, ends))
        ]
        states.sort(key=lambda state: state.created_ns or 0)
        return Page(states if span.start_ns is not None else states[-limit:], page.cursor)

    async def fills_page(self, instrument: Instrument, span: Span, cursor: str | None, limit: int) -> Page[Fill]:
        return await self._fills(
            [self._listed.category(instrument)], {"symbol": instrument.venue_symbol}, span, cursor, limit
        )

    async def account_fills_page(self, span: Span, cursor: str | None, limit: int) -> Page[Fill]:
        """One piece of the account's fills; those of what is not listed any more are left out, counted and logged."""
        return await self._fills(self._listed.categories, {}, span, cursor, limit)

    async def fills_of(self, state: OrderState, instrument: Instrument) -> Sequence[Fill]:
        """All fills of one order, oldest first."""
        if state.created_ns is None or state.venue_order_id is None:
            state = await self.order(OrderRef(state.client_order_id, state.venue_order_id), instrument)
        span = Span(start_ns=max((state.created_ns or 0) - _MARGIN_MS * MS, 0))
        named = {"symbol": instrument.venue_symbol, "orderId": state.venue_order_id}
        fills: list[Fill] = []
        cursor: str | None = None
        while True:
            page = await self._fills([self._listed.category(instrument)], named, span, cursor, EXECUTIONS_PER_PAGE)
            fills += page.items
            if page.cursor is None:
                return fills
            cursor = page.cursor

    async def _fills(
        self, categories: Sequence[Category], named: Params, span: Span, cursor: str | None, limit: int
    ) -> Page[Fill]:
        async def ask(times: dict[str, Any], most: int | None) -> Rows[Executed]:
            return await executions_of(self._rest, categories, USER_TRADE, named, times, most)

        now_ms = self._kernel.exchange_ns() // MS
        page = await piece(
            ask, span, cursor, limit, now_ms=now_ms, time_of=lambda row: ms_of(row[1].execTime, "execTime")
        )
        await self._listed.refresh_for(row.symbol for _, row in page.items)
        received_ns = self._kernel.clock.now_ns()

        def one(item: Executed) -> Fill:
            category, row = item
            symbol = self._listed.symbol_of(category, row.symbol)
            return convert.to_fill(row, symbol=symbol, category=category, received_ns=received_ns)

        return Page(self._listed.kept(page.items, one, "execution/list"), page.cursor)


def _inside(moment_ns: int, span: Span) -> bool:
    return (span.start_ns is None or moment_ns >= span.start_ns) and (span.end_ns is None or moment_ns < span.end_ns)
