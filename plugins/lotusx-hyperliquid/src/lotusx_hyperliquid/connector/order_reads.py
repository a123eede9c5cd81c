"""Asking about orders and fills of one account."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lotusx.errors import ErrorKind, InvalidArgument, ItemRejected, exchange_error
from lotusx.model import Fill, Instrument, OrderState
from lotusx.plugin import ItemDropped, OrderRef, Page, Span, TradingPort
from lotusx_hyperliquid import order_conversions as convert
from lotusx_hyperliquid.connector.listed import Listed, dex_of_instrument
from lotusx_hyperliquid.connector.paging import next_begin
from lotusx_hyperliquid.conversions import first_ms, last_ms

if TYPE_CHECKING:
    from lotusx.plugin import Kernel
    from lotusx_hyperliquid import account_types as types
    from lotusx_hyperliquid.cloids import Cloids
    from lotusx_hyperliquid.rest import Endpoints
    from lotusx_hyperliquid.triggers import WaitingTriggers

logger = logging.getLogger("lotusx.hyperliquid")

FILLS_PER_PAGE = 2_000


class OrderReads(TradingPort):
    """What can be known without a key."""

    def __init__(
        self, kernel: Kernel, rest: Endpoints, listed: Listed, cloids: Cloids, triggers: WaitingTriggers
    ) -> None:
        self._kernel = kernel
        self._exchange = kernel.facts.name
        self._rest = rest
        self._listed = listed
        self._cloids = cloids
        self._triggers = triggers
        self._now_ns = kernel.clock.now_ns

    async def order(self, ref: OrderRef, instrument: Instrument) -> OrderState:
        """Ask for one order, by our id where there is one: after an amendment it leads to the order that stands there.

        Raises:
            OrderNotFound: Right after sending, and for about a second after a fill, that proves nothing.
        """
        name = order_id(ref) if ref.client_order_id is None else self._cloid(ref)
        answer = await self._rest.order_status(name)
        if answer.order is None:
            text = f"order {ref} is not known"
            raise exchange_error(ErrorKind.ORDER_NOT_FOUND, self._exchange, answer.status, text)
        if answer.order.order.coin != instrument.venue_symbol:
            text = f"order {ref} is one of {answer.order.order.coin}, not of {instrument.symbol}"
            raise exchange_error(ErrorKind.ORDER_NOT_FOUND, self._exchange, "coin", text)
        return convert.to_report(answer.order, symbol=instrument.symbol, ours=self._cloids.ours)

    async def open_orders(self, instrument: Instrument | None) -> Sequence[OrderState]:
        """Return the open orders, of all dexes on which anything trades; each dex is a question of its own.

        Orders of what a fresh list of instruments does not have (outcome markets) are left out, counted and logged; so
        are ``children`` of an order, whose form is not documented.
        """
        dexes = self._listed.dexes if instrument is None else (dex_of_instrument(instrument),)
        items = [item for dex in dexes for item in await self._rest.open_orders(dex)]
        if instrument is not None:
            items = [item for item in items if item.coin == instrument.venue_symbol]
        else:
            await self._kernel.instruments.refresh_if_unlisted({item.coin for item in items})
        orders = []
        for item in items:
            self._triggers.listed(item)
            for child in item.children or ():
                self._drop("frontendOpenOrders", f"a child of the open order {item.oid} was left out: {bytes(child)!r}")
            try:
                symbol = self._kernel.instruments.by_venue_symbol(item.coin).symbol
                orders.append(convert.to_order(item, symbol=symbol, ours=self._cloids.ours))
            except ItemRejected as error:
                self._drop("frontendOpenOrders", f"the open order {item.oid} was left out: {error}")
        return orders

    def _drop(self, key: str, reason: str) -> None:
        logger.warning("%s: %s", self._exchange, reason)
        self._kernel.telemetry.emit(ItemDropped(self._exchange, key, reason))

    async def orders_page(self, instrument: Instrument, span: Span, cursor: str | None, limit: int) -> Page[OrderState]:
        """All that ``historicalOrders`` knows of *instrument*: of the newest 2000 reports of the account, oldest first.

        Each order once, as its last report describes it.
        """
        first, last = first_ms(span), last_ms(span)
        reports = []
        for report in (await self._last_reports()).values():
            order = report.order
            if order.coin != instrument.venue_symbol:
                continue
            if (first is not None and order.timestamp < first) or (last is not None and order.timestamp > last):
                continue
            reports.append(report)
        reports.sort(key=lambda report: (report.order.timestamp, report.order.oid))
        if first is None:
            reports = reports[-limit:]
        return Page(
            [convert.to_report(report, symbol=instrument.symbol, ours=self._cloids.ours) for report in reports], None
        )

    async def _last_reports(self) -> dict[int, types.OrderReport]:
        """Return the last report of each order, of the newest 2000 reports of the account."""
        newest: dict[int, types.OrderReport] = {}
        for report in await self._rest.historical_orders():
            known = newest.get(report.order.oid)
            if known is None or _age(report) > _age(known):
                newest[report.order.oid] = report
        return newest

    # Fills

    async def fills_page(self, instrument: Instrument, span: Span, cursor: str | None, limit: int) -> Page[Fill]:
        """One page of the account's fills, less those of other instruments. Without a start: of the newest 2000."""
        page, following = await self._fills(span, cursor)
        kept = [item for item in page if item.coin == instrument.venue_symbol]
        if first_ms(span) is None:
            kept = kept[-limit:]
        return Page(self._converted(kept), following)

    async def account_fills_page(self, span: Span, cursor: str | None, limit: int) -> Page[Fill]:
        """One page of the account's fills; those of what is not listed any more are left out, counted and logged."""
        page, following = await self._fills(span, cursor)
        await self._kernel.instruments.refresh_if_unlisted({item.coin for item in page})
        return Page(self._converted(page if first_ms(span) is not None else page[-limit:]), following)

    async def _fills(self, span: Span, cursor: str | None) -> tuple[list[types.UserFill], str | None]:
        """Return fills, oldest first, and the millisecond at which the next page starts (its fills repeat).

        Raises:
            MalformedReply: The page is full of one millisecond.
        """
        start, end = first_ms(span), last_ms(span)
        if start is None:
            newest = await self._rest.user_fills()
            return sorted((item for item in newest if end is None or item.time <= end), key=_time), None
        begin = start if cursor is None else int(cursor)
        page = sorted(await self._rest.user_fills_by_time(begin, end), key=_time)
        if len(page) < FILLS_PER_PAGE:
            return page, None
        return page, str(next_begin(page[-1].time, begin, len(page), "fills"))

    def _converted(self, items: Sequence[types.UserFill]) -> list[Fill]:
        received_ns = self._now_ns()
        fills = []
        for item in items:
            try:
                symbol = self._kernel.instruments.by_venue_symbol(item.coin).symbol
                fill = convert.to_fill(item, symbol=symbol, ours=self._cloids.ours, received_ns=received_ns)
            except ItemRejected as error:
                self._drop("userFillsByTime", f"the fill {item.tid} of order {item.oid} was left out: {error}")
            else:
                fills.append(fill)
        return fills

    async def fills_of(self, state: OrderState, instrument: Instrument) -> Sequence[Fill]:
        """All fills of one order, oldest first: those of the account since it was placed, less all others."""
        if state.created_ns is None or state.venue_order_id is None:
            state = await self.order(OrderRef(state.client_order_id, state.venue_order_id), instrument)
        span = Span(start_ns=state.created_ns)
        found: dict[str, Fill] = {}
        cursor: str | None = None
        while True:
            page = await self.fills_page(instrument, span, cursor, FILLS_PER_PAGE)
            found.update((fill.trade_id, fill) for fill in page.items if fill.venue_order_id == state.venue_order_id)
            if page.cursor is None:
                return list(found.values())
            cursor = page.cursor

    def _cloid(self, ref: OrderRef) -> str:
        if ref.client_order_id is None:
            raise InvalidArgument("name the order: client_order_id or venue_order_id")
        return self._cloids.wire(ref.client_order_id)


def order_id(ref: OrderRef) -> int:
    """Return an order id as the number that it is."""
    name = ref.venue_order_id
    if name is None:
        raise InvalidArgument("name the order: client_order_id or venue_order_id")
    if not name.isdecimal():
        raise InvalidArgument(f"venue_order_id is a number at hyperliquid, not {name!r}")
    return int(name)


def _time(item: types.UserFill) -> int:
    return item.time


def _age(report: types.OrderReport) -> tuple[int, bool]:
    return report.statusTimestamp, convert.to_status(report.status).is_terminal
