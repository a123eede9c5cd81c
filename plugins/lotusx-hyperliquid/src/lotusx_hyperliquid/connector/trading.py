"""Orders of one account, on perpetuals and spot."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from functools import partial, reduce
from typing import TYPE_CHECKING, Protocol, TypeVar

from lotusx.errors import (
    ConnectionFailed,
    ErrorKind,
    InvalidArgument,
    ItemRejected,
    LotusXError,
    MalformedReply,
    NotSupported,
    OrderNotFound,
    PartialFailure,
    TransportError,
    exchange_error,
)
from lotusx.model import (
    Instrument,
    OrderState,
    OrderStatus,
    OrderType,
    Side,
    TimeInForce,
    added,
    subtracted,
)
from lotusx.plugin import Acknowledged, Amendment, Lane, OrderRef
from lotusx_hyperliquid import actions, order_conversions as convert
from lotusx_hyperliquid.connector.listed import Listed
from lotusx_hyperliquid.connector.order_reads import OrderReads, order_id
from lotusx_hyperliquid.conversions import MS
from lotusx_hyperliquid.errors import is_unfilled_ioc, item_error
from lotusx_hyperliquid.numbers import wire
from lotusx_hyperliquid.order_requests import order_item, place_action

if TYPE_CHECKING:
    from lotusx.errors import ExchangeError
    from lotusx.model import Fill, OrderRequest  # imports pydantic: not needed before an order is written
    from lotusx.plugin import Kernel
    from lotusx_hyperliquid import account_types as types
    from lotusx_hyperliquid.cloids import Cloids
    from lotusx_hyperliquid.rest import Action, Endpoints
    from lotusx_hyperliquid.triggers import WaitingTriggers
    from lotusx_hyperliquid.types import Book

T = TypeVar("T")

logger = logging.getLogger("lotusx.hyperliquid")

FILLS_PER_PAGE = 2_000
LEAST_CANCEL_DELAY_S = 6
"""The exchange wants 5 s when it reads the request, and some of them pass on the way."""
READS_LAG_S = 4.0
"""How long an amendment waits for reads that may not show yet what there is: 1.1 s were recorded (testnet, 2026-09)."""
_ASK_EVERY_S = 0.5
READS_AT_MOST = 10
"""Orders that `cancel_all` asks for one by one: together they weigh as much as one list of orders."""
_SUCCESS = "success"


class OrderEntry(Protocol):
    """Where actions on orders go: REST or a WebSocket."""

    async def act(self, action: Action, *, items: int = 1, lane: Lane = Lane.NORMAL) -> types.ActionReply: ...
    async def ready(self) -> None: ...


class HyperliquidTrading(OrderReads):
    """Orders, by REST except where the option ``order_entry`` says otherwise."""

    def __init__(
        self,
        kernel: Kernel,
        rest: Endpoints,
        entry: OrderEntry,
        listed: Listed,
        cloids: Cloids,
        triggers: WaitingTriggers,
    ) -> None:
        super().__init__(kernel, rest, listed, cloids, triggers)
        self._entry = entry

    async def ready(self) -> None:
        """Open the connection that the first order will use."""
        await self._entry.ready()

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
                statuses = await self._statuses(self._entry, action, len(items))
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

    def _placed(self, request: OrderRequest, status: str | types.ItemStatus) -> OrderState | Exception:
        order = convert.asked_for(request)
        if isinstance(status, str) or status.error is None:
            return self._answered(status, order)
        if is_unfilled_ioc(status.error) and order.time_in_force is TimeInForce.IOC:
            return convert.to_unfilled(order, status.error)
        return item_error(self._exchange, status.error)

    def _answered(self, status: str | types.ItemStatus, order: OrderState) -> OrderState | Exception:
        try:
            return convert.to_answer(status, order)
        except ItemRejected as error:
            return MalformedReply(f"{self._exchange}: {error}")

    async def _before(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask for what a command needs; if that fails, say that nothing was sent."""
        try:
            return await ask()
        except TransportError as error:
            text = f"{self._exchange}: nothing was sent, for what it depends on could not be read first: {error}"
            raise ConnectionFailed(text, sent=False) from error

    async def _statuses(
        self, entry: OrderEntry, action: Action, items: int, *, lane: Lane = Lane.NORMAL
    ) -> Sequence[str | types.ItemStatus]:
        """Send *action*; return what became of each of its items, in their order.

        The first checks are made of the whole batch, and may be answered once for all.

        Raises:
            MalformedReply: The answers do not match the items: what became of them is open.
        """
        reply = await entry.act(action, items=items, lane=lane)
        statuses = [] if reply.response.data is None else reply.response.data.statuses
        if len(statuses) == items:
            return statuses
        if len(statuses) == 1 and not isinstance(statuses[0], str) and statuses[0].error is not None:
            return statuses * items
        raise MalformedReply(f"{self._exchange}: {len(statuses)} answers to {items} items of {reply.response.type}")

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

    # Amending

    async def amend(self, order: OrderState, change: Amendment, instrument: Instrument) -> OrderState:
        """Have a new order take the place of a resting one: another order id, the same client order id.

        One that was placed without a client order id gets one, by which it is found if the answer is lost.

        ``a`` (place the new one whatever became of the old one) is never set: an order that has filled meanwhile would
        be bought twice. Without it the exchange takes only orders that rest, and in silence makes post-only what was
        good till canceled: so it is sent as post-only, and the state returned says so. ``change.quantity`` is the whole
        order's; the new one gets what of it is not filled, for which the order is read first: what fills between that
        and the amendment comes on top.

        Raises:
            InvalidArgument: After a wait of some seconds the exchange does not show it yet, or does not list the fills
                of what it has executed: nothing was sent.
            NotSupported: Not a resting limit order.
            OrderNotFound: It has ended.
            PartialFailure: It has ended, and the new one was refused.
        """
        (answer,) = await self.amend_batch([order], [change], [instrument])
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def amend_batch(
        self, orders: Sequence[OrderState], changes: Sequence[Amendment], instruments: Sequence[Instrument]
    ) -> Sequence[OrderState | Exception]:
        """Amend several in one action. One that cannot be amended is refused by itself."""
        wanted: dict[int, tuple[OrderState, OrderState]] = {}
        items: list[actions.ModifyItem] = []
        answers: dict[int, OrderState | Exception] = {}
        patient_ns = self._kernel.clock.monotonic_ns() + int(READS_LAG_S * 1e9)
        for index, (order, change, instrument) in enumerate(zip(orders, changes, instruments, strict=True)):
            try:
                standing, new = await self._amended(order, change, instrument, patient_ns)
                items.append(self._modification(standing, new, instrument))
                wanted[index] = standing, new
            except LotusXError as error:
                answers[index] = error
        if items:
            try:
                statuses = await self._statuses(self._entry, actions.ModifyOrders(items), len(items))
            except LotusXError as error:
                answers.update(dict.fromkeys(wanted, error))  # the others were never sent
            else:
                for (index, (standing, new)), status in zip(wanted.items(), statuses, strict=True):
                    if isinstance(status, str) or status.error is None:
                        answers[index] = self._answered(status, new)
                    else:
                        refusal = item_error(self._exchange, status.error)
                        answers[index] = await self._refused(refusal, standing, instruments[index])
        return [answers[index] for index in range(len(orders))]

    async def _refused(self, error: ExchangeError, standing: OrderState, instrument: Instrument) -> ExchangeError:
        """Return *error*, or where the order has ended what says so: the new one may have been refused after that.

        Whether a refused modification leaves the old order alone is not documented: it is asked for by its own id, for
        our id may lead to the new one.
        """
        if isinstance(error, OrderNotFound):  # the core looks
            return error
        try:
            left = await self.order(OrderRef(venue_order_id=standing.venue_order_id), instrument)
        except LotusXError:
            return error
        if not left.status.is_terminal:
            return error
        text = f"the order has ended ({left.status}), and the new one was refused: {error.text}"
        failure = PartialFailure(self._exchange, error.code, text, details=error.details)
        failure.ended = left
        failure.__cause__ = error
        return failure

    async def _amended(
        self, order: OrderState, change: Amendment, instrument: Instrument, patient_ns: int
    ) -> tuple[OrderState, OrderState]:
        """Return *order* as it stands, and what it is to become. Until *patient_ns* reads are given time to show it.

        Raises:
            InvalidArgument: It has executed more than its fills add up to so far. Nothing else tells the core of that:
                the next amendment would ask for it once more.
        """
        if order.type is not OrderType.UNKNOWN and order.price is not None:  # not seen on the stream only
            self._require_amendable(order)
        while True:
            standing = await self._standing(order, instrument, patient_ns)
            self._require_amendable(standing)
            assert standing.quantity is not None
            # Those that stood in its place before it are part of the order, and have executed the difference.
            earlier = max(subtracted(order.quantity or standing.quantity, standing.quantity), Decimal(0))
            filled = order.filled
            unseen: Sequence[Fill] = ()
            if added(earlier, standing.filled) <= filled:
                break
            # The new order's answer cannot tell what the old one has executed.
            unseen = await self._before(partial(self.fills_of, standing, instrument))
            listed = reduce(added, (fill.quantity for fill in unseen), Decimal(0))
            if listed >= standing.filled:
                filled = added(earlier, listed)
                break
            if not await self._wait(patient_ns):
                raise InvalidArgument(
                    f"nothing was sent: {standing.filled} of the order is filled, and the exchange lists the fills of"
                    f" {listed} so far: amend it again in a moment, or cancel, then place",
                    rule="amendment",
                )
        total = added(earlier, standing.quantity) if change.quantity is None else change.quantity
        rest = subtracted(total, filled)
        if rest <= 0:
            raise InvalidArgument(
                f"{filled} of the order is filled already: quantity must be above that, not {total}", rule="quantity"
            )
        new = replace(
            standing,
            venue_order_id=None,
            # Without an id nothing would find the new order when the answer is lost.
            client_order_id=order.client_order_id or change.new_client_order_id,
            price=standing.price if change.price is None else change.price,
            quantity=rest,
            filled=Decimal(0),
            filled_quote=None,
            average_price=None,
            post_only=True,
            created_ns=None,
            updated_ns=0,
            reason="",
            fills=tuple(unseen),
        )
        return standing, new

    async def _shown(self, ref: OrderRef, instrument: Instrument, patient_ns: int) -> OrderState:
        while True:
            try:
                return await self._before(partial(self.order, ref, instrument))
            except OrderNotFound as error:
                if not await self._wait(patient_ns):
                    text = f"nothing was sent: the exchange does not show {ref} ({error.text})"
                    raise InvalidArgument(
                        f"{text}: ask for the order, and amend it once it is found", rule="amendment"
                    ) from error

    async def _wait(self, patient_ns: int) -> bool:
        """Give reads time to show what there is; ``False``: they have had it."""
        clock = self._kernel.clock
        if clock.monotonic_ns() >= patient_ns:
            return False
        await clock.sleep(_ASK_EVERY_S)
        return True

    def _require_amendable(self, order: OrderState) -> None:
        if order.type is not OrderType.LIMIT or order.time_in_force not in (None, TimeInForce.GTC):
            said = " ".join(part for part in (order.raw_type or order.type, order.raw_time_in_force) if part)
            raise NotSupported(self._exchange, f"amending this order ({said})", "cancel, then place")
        if order.quantity is None:
            raise NotSupported(self._exchange, "amending an order that follows a position", "cancel, then place")

    async def _standing(self, order: OrderState, instrument: Instrument, patient_ns: int) -> OrderState:
        """Read the very order that is to be replaced: it may have filled, or ended, without our knowing.

        Raises:
            OrderNotFound: It has ended.
            InvalidArgument: Another order has taken its place, which is not known here; or it was not found until
                *patient_ns*, as one that was placed a moment ago.
        """
        name = OrderRef(order.client_order_id)
        ref = name if order.venue_order_id is None else OrderRef(venue_order_id=order.venue_order_id)
        standing = await self._shown(ref, instrument, patient_ns)
        if not standing.status.is_terminal:
            return standing
        if order.client_order_id is not None and ref is not name:
            newest = await self._before(lambda: self.order(name, instrument))
            if newest.venue_order_id != standing.venue_order_id and not newest.status.is_terminal:
                raise InvalidArgument(
                    f"{newest.venue_order_id} stands in place of {ref} by now: ask for the order, then amend it",
                    rule="amendment",
                )
        text = f"nothing was sent: {ref} has ended ({standing.status}), with {standing.filled} filled"
        raise exchange_error(ErrorKind.ORDER_NOT_FOUND, self._exchange, standing.raw_status, text)

    def _modification(self, old: OrderState, new: OrderState, instrument: Instrument) -> actions.ModifyItem:
        if new.price is None or new.quantity is None:
            raise NotSupported(self._exchange, "amending an order without a price", "cancel, then place")
        cloid = None if new.client_order_id is None else self._cloids.wire(new.client_order_id)
        tif = actions.LimitType("Alo")  # what the exchange would make of it in silence
        item = actions.OrderItem(
            a=self._listed.asset(instrument),
            b=new.side is Side.BUY,
            p=wire(new.price, name="price"),
            s=wire(new.quantity, name="quantity"),
            r=new.reduce_only,
            t=actions.OrderType(limit=tif),
            c=cloid,
        )
        ref = OrderRef(old.client_order_id, old.venue_order_id)
        return actions.ModifyItem(self._name(ref), item)

    def _name(self, ref: OrderRef) -> int | str:
        """Name exactly one order: by its number where that is known."""
        return self._cloid(ref) if ref.venue_order_id is None else order_id(ref)
