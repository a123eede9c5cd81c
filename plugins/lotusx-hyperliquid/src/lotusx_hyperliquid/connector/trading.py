"""Orders of one account, on perpetuals and spot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from lotusx.errors import (
    InvalidArgument,
    ItemRejected,
    LotusXError,
    MalformedReply,
    NotSupported,
    OrderNotFound,
)
from lotusx.model import (
    Instrument,
    OrderState,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
)
from lotusx.plugin import Acknowledged, Lane, OrderRef
from lotusx_hyperliquid import actions, order_conversions as convert
from lotusx_hyperliquid.connector.amendments import Amendments
from lotusx_hyperliquid.connector.order_reads import order_id
from lotusx_hyperliquid.conversions import MS
from lotusx_hyperliquid.errors import is_unfilled_ioc, item_error
from lotusx_hyperliquid.order_requests import order_item, place_action

if TYPE_CHECKING:
    from lotusx.model import OrderRequest  # imports pydantic: not needed before an order is written
    from lotusx_hyperliquid import account_types as types
    from lotusx_hyperliquid.rest import Action
    from lotusx_hyperliquid.types import Book

LEAST_CANCEL_DELAY_S = 6
"""The exchange wants 5 s when it reads the request, and some of them pass on the way."""
READS_AT_MOST = 10
"""Orders that `cancel_all` asks for one by one: together they weigh as much as one list of orders."""
_SUCCESS = "success"


class HyperliquidTrading(Amendments):
    """Places, amends and cancels orders of perpetuals and spot."""

    # Placing

    async def place(self, request: OrderRequest, instrument: Instrument) -> OrderState:
        """Send one order. A market order asks for the book first, and is bounded by its best price.

        An order that takes at once and finds nothing is no error: it has expired, with nothing filled.
        """
        (answer,) = await self.place_batch([request], [instrument])
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def place_batch(
        self, requests: Sequence[OrderRequest], instruments: Sequence[Instrument]
    ) -> Sequence[OrderState | Exception]:
        """Send several in one action; ``native={"grouping": "normalTpsl"}`` of all makes the first their parent.

        One that cannot be written stops all of a group, and else only itself: nothing of it is sent.
        """
        items: list[actions.OrderItem] = []
        books: dict[str, Book] = {}
        written: list[int] = []
        answers: dict[int, OrderState | Exception] = {}
        grouped = any(request.native.get("grouping", "na") != "na" for request in requests)
        for index, (request, instrument) in enumerate(zip(requests, instruments, strict=True)):
            try:
                items.append(await self._item(request, instrument, books))
                written.append(index)
            except LotusXError as error:
                if grouped or len(requests) == 1:
                    raise
                answers[index] = error
        if items:
            action = place_action([requests[index] for index in written], items)
            try:
                statuses = await self._answers(action, items)
            except LotusXError as error:
                answers.update(dict.fromkeys(written, error))  # the others were never sent
            else:
                for index, status in zip(written, statuses, strict=True):
                    answers[index] = self._placed(requests[index], status)
        return [answers[index] for index in range(len(requests))]

    async def _item(self, request: OrderRequest, instrument: Instrument, books: dict[str, Book]) -> actions.OrderItem:
        best = None
        if request.type is OrderType.MARKET and request.max_slippage is not None:
            coin = instrument.venue_symbol
            if coin not in books:
                books[coin] = await self._before(lambda: self._rest.l2_book(coin))
            bids, asks = books[coin].levels
            levels = asks if request.side is Side.BUY else bids
            best = Decimal(levels[0].px) if levels else None
        cloid = None if request.client_order_id is None else self._cloids.wire(request.client_order_id)
        asset = self._listed.asset(instrument)
        item = order_item(request, instrument, asset, cloid=cloid, best_opposite=best)
        if cloid is not None and request.type.is_conditional:
            self._triggers.placed(cloid)
        return item

    def _placed(self, request: OrderRequest, status: str | types.ItemStatus | MalformedReply) -> OrderState | Exception:
        if isinstance(status, MalformedReply):
            return status
        order = convert.asked_for(request)
        if isinstance(status, str) or status.error is None:
            return self._answered(status, order)
        if is_unfilled_ioc(status.error) and order.time_in_force is TimeInForce.IOC:
            return convert.to_unfilled(order, status.error)
        return item_error(self._exchange, status.error)

    # Cancelling

    async def cancel(self, ref: OrderRef, instrument: Instrument) -> Acknowledged:
        (answer,) = await self.cancel_batch([ref], [instrument])
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def cancel_batch(
        self, refs: Sequence[OrderRef], instruments: Sequence[Instrument]
    ) -> Sequence[Acknowledged | Exception]:
        """Cancel several: in one action those whose order id is known, in another those known by our id alone."""
        by_id = [index for index, ref in enumerate(refs) if ref.venue_order_id is not None]
        by_cloid = [index for index, ref in enumerate(refs) if ref.venue_order_id is None]
        assets = [self._listed.asset(instrument) for instrument in instruments]
        found: dict[int, Acknowledged | Exception] = {}
        if by_id:
            ids = [actions.CancelItem(assets[index], order_id(refs[index])) for index in by_id]
            await self._cancel_some(actions.CancelOrders(ids), by_id, refs, found)
        if by_cloid:
            names = [actions.CloidItem(assets[index], self._cloid(refs[index])) for index in by_cloid]
            await self._cancel_some(actions.CancelByCloid(names), by_cloid, refs, found)
        return [found[index] for index in range(len(refs))]

    async def _cancel_some(
        self,
        action: Action,
        indexes: Sequence[int],
        refs: Sequence[OrderRef],
        found: dict[int, Acknowledged | Exception],
    ) -> None:
        try:
            statuses = await self._statuses(self._entry, action, len(indexes), lane=Lane.URGENT)
        except LotusXError as error:
            if len(indexes) == len(refs):
                raise
            found.update(dict.fromkeys(indexes, error))  # the other action has answers of its own
            return
        for index, status in zip(indexes, statuses, strict=True):
            found[index] = self._canceled(status, refs[index])

    def _canceled(self, status: str | types.ItemStatus, ref: OrderRef) -> Acknowledged | Exception:
        if status == _SUCCESS:
            return Acknowledged(ref)  # not as canceled: an end is final, and what it has executed is not said
        if isinstance(status, str) or status.error is None:
            return MalformedReply(f"{self._exchange}: unknown answer {status!r} to a cancel")
        return item_error(self._exchange, status.error)

    async def cancel_all(self, instrument: Instrument | None) -> Sequence[OrderState]:
        """List the open orders, and cancel those in one action; then ask how each ended, and what it executed.

        One of which that cannot be learnt, or is not shown yet, is ``UNKNOWN``: it is canceled, or had ended before.
        """
        orders = await self.open_orders(instrument)
        if not orders:
            return []
        known = {order.symbol: self._kernel.instruments.by_symbol(order.symbol) for order in orders}
        items = [
            actions.CancelItem(self._listed.asset(known[order.symbol]), int(order.venue_order_id or 0))
            for order in orders
        ]
        action = actions.CancelOrders(items)
        statuses = await self._statuses(self._entry, action, len(items), lane=Lane.URGENT)
        listed = await self._last_reports_if_many(len(orders))
        left = READS_AT_MOST
        ended: list[OrderState] = []
        for order, status in zip(orders, statuses, strict=True):
            ref = OrderRef(venue_order_id=order.venue_order_id)
            is_over = isinstance(self._canceled(status, ref), Acknowledged | OrderNotFound)
            state = self._reported(listed.get(order_id(ref)), order)
            if left and (state is None or (is_over and not state.status.is_terminal)):
                left -= 1
                with suppress(LotusXError):  # they were canceled all the same
                    state = await self.order(ref, known[order.symbol])
            if state is None or (is_over and not state.status.is_terminal):  # reads lag
                state = replace(state or order, status=OrderStatus.UNKNOWN)
            ended.append(state)
        return ended

    async def _last_reports_if_many(self, orders: int) -> Mapping[int, types.OrderReport]:
        """Return what one list says of the newest orders, where asking for each of so many would weigh more."""
        if orders > READS_AT_MOST:
            with suppress(LotusXError):
                return await self._last_reports()
        return {}

    def _reported(self, report: types.OrderReport | None, order: OrderState) -> OrderState | None:
        if report is not None:
            with suppress(ItemRejected):
                return convert.to_report(report, symbol=order.symbol, ours=self._cloids.ours)
        return None

    async def cancel_all_after(self, seconds: int, instrument: Instrument | None) -> None:
        """Have the exchange cancel all orders of the account in *seconds*, 6 at least; 0: no more.

        Raises:
            InvalidArgument: Too soon.
            NotSupported: For one instrument only.
            PermissionDenied: The account has not traded enough, in the exchange's own words.
        """
        if instrument is not None:
            raise NotSupported(self._exchange, "cancel_all_after of one symbol", "cancel_all_after without a symbol")
        if seconds == 0:
            await self._rest.act(actions.ScheduleCancel(), lane=Lane.URGENT)
            return
        if seconds < LEAST_CANCEL_DELAY_S:
            raise InvalidArgument(
                f"cancel_all_after takes 0, or {LEAST_CANCEL_DELAY_S} s and more, not {seconds}",
                rule="seconds",
                nearest=(0, LEAST_CANCEL_DELAY_S),
            )
        at_ms = self._kernel.exchange_ns() // MS + seconds * 1_000
        await self._rest.act(actions.ScheduleCancel(at_ms), lane=Lane.URGENT)
