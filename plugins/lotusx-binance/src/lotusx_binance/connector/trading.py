"""Orders of one spot account."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Protocol

import msgspec

from lotusx.errors import (
    ConnectionFailed,
    ErrorKind,
    ExchangeError,
    InvalidArgument,
    ItemRejected,
    LotusXError,
    NotSupported,
    OrderNotFound,
    PartialFailure,
    TransportError,
)
from lotusx.model import (
    Fill,
    Instrument,
    OrderState,
    Symbol,
    added,
    plain,
    subtracted,
)
from lotusx.plugin import Amendment, OrderRef, Page, Span, cancel_each
from lotusx_binance import account_types as types, order_conversions as convert, order_requests as write
from lotusx_binance.account_orders import AccountOrders, named, of
from lotusx_binance.errors import SPOT
from lotusx_binance.public_data import MAX_PAGE, last_ms
from lotusx_binance.replies import ErrorBody

if TYPE_CHECKING:
    from lotusx.model import OrderRequest  # imports pydantic: not needed before an order is written
    from lotusx.plugin import Kernel
    from lotusx_binance.rest import Endpoints

WINDOW_MS = 86_400_000
"""The longest window of ``allOrders`` and ``myTrades``."""

_canceled = msgspec.json.Decoder(types.CanceledOrder).decode
_canceled_list = msgspec.json.Decoder(types.CanceledList).decode


class _ListMark(msgspec.Struct):
    contingencyType: str | None = None


_list_mark = msgspec.json.Decoder(_ListMark).decode


class _Halves(msgspec.Struct):
    """What a half-done cancelReplace says: the old order is canceled, the new one was refused."""

    cancelResult: Literal["SUCCESS"]
    newOrderResult: Literal["FAILURE"]
    cancelResponse: types.CanceledOrder
    newOrderResponse: ErrorBody


def _half(error: LotusXError) -> PartialFailure:
    """Say that the old order was canceled and the new one was not placed, as *error* proves."""
    if isinstance(error, ExchangeError):
        text = f"canceled, and the new order was refused: {error.text}"
        return PartialFailure("binance", error.code, text, http_status=error.http_status, details=error.details)
    return PartialFailure("binance", "not-sent", f"canceled, and the new order could not be sent: {error}")


def _ended(details: Any, symbol: Symbol) -> OrderState | None:
    """Return the order that a half-done cancelReplace canceled; ``None``: the new one may stand, or it is unclear."""
    try:
        halves = msgspec.convert(details, _Halves)
        refused = halves.newOrderResponse
        if SPOT.kind_of(refused.code, refused.msg) is ErrorKind.UNKNOWN_EXECUTION:
            return None
        return convert.to_canceled(halves.cancelResponse, symbol=symbol)
    except (msgspec.ValidationError, ItemRejected):
        return None


class OrderEntry(Protocol):
    """Where new orders and cancels go: REST or the WebSocket API."""

    async def new_order(self, params: Mapping[str, Any]) -> types.NewOrder: ...
    async def cancel_order(self, params: Mapping[str, Any]) -> types.CanceledOrder: ...
    async def ready(self) -> None: ...


class SpotTrading(AccountOrders):
    """Orders, by REST except where the option ``order_entry`` says otherwise."""

    def __init__(self, kernel: Kernel, rest: Endpoints, entry: OrderEntry) -> None:
        super().__init__(kernel)
        self._rest = rest
        self._entry = entry

    async def ready(self) -> None:
        """Open the connection that the first order will use."""
        await self._entry.ready()

    async def place(self, request: OrderRequest, instrument: Instrument) -> OrderState:
        reply = await self._entry.new_order(write.order_params(request, instrument.venue_symbol))
        state = convert.to_placed(reply, symbol=instrument.symbol, received_ns=self._now_ns())
        return of(OrderRef(request.client_order_id), state)

    async def test(self, request: OrderRequest, instrument: Instrument) -> None:
        await self._rest.test_order(write.order_params(request, instrument.venue_symbol))

    async def cancel(self, ref: OrderRef, instrument: Instrument) -> OrderState:
        reply = await self._entry.cancel_order({"symbol": instrument.venue_symbol, **named(ref)})
        return of(ref, convert.to_canceled(reply, symbol=instrument.symbol))

    async def cancel_all(self, instrument: Instrument | None) -> Sequence[OrderState]:
        """Cancel every open order of a symbol; without one, of each symbol that has any.

        Binance answers "Unknown order sent." where nothing is open; here that is an empty list. Of all symbols, an
        order of one that is not listed is cancelled too; it is left out of what is returned, counted and logged.

        Raises:
            PartialFailure: The orders of some symbols could not be cancelled.
        """
        if instrument is not None:
            reports = await self._cancel_symbol(instrument.venue_symbol)
            return [convert.to_canceled(report, symbol=instrument.symbol) for report in reports]
        found: list[types.CanceledOrder] = []

        async def cancel(venue_symbol: str) -> None:
            found.extend(await self._cancel_symbol(venue_symbol))

        names = sorted({order.symbol for order in await self._rest.open_orders()})
        await cancel_each(self._kernel.facts.name, {name: partial(cancel, name) for name in names})
        return await self._of_account(found, convert.to_canceled, "openOrders", cancelled=True)

    async def _cancel_symbol(self, venue_symbol: str) -> list[types.CanceledOrder]:
        try:
            documents = await self._rest.cancel_open_orders(venue_symbol)
        except OrderNotFound:
            return []
        reports: list[types.CanceledOrder] = []
        for document in documents:
            if _list_mark(document).contingencyType is None:
                reports.append(_canceled(document))
            else:
                reports += _canceled_list(document).orderReports
        return reports

    async def amend(self, order: OrderState, change: Amendment, instrument: Instrument) -> OrderState:
        """Shrink the order where it stands, or cancel it and place another.

        Only a smaller quantity at the same price keeps ids and queue place. ``change.quantity`` is the whole order's;
        the replacement gets what of it is not filled. An order without fills is only canceled while it has none
        (``cancelRestrictions=ONLY_NEW``): a match on the way would otherwise be bought twice. How much one that is
        partly filled has executed only its cancel tells, so the new order is placed in a request of its own.
        What the model does not have (an iceberg's visible part, self-trade prevention, a strategy) is read first and
        kept.

        Raises:
            InvalidArgument: A new order could not keep something of the old one, which is named.
            PartialFailure: Canceled, and the new order was refused; ``details`` holds both answers.
        """
        if order.quantity is None:
            raise NotSupported("binance", "amending an order that states a quote amount", "cancel, then place")
        symbol = {"symbol": instrument.venue_symbol}
        ref = OrderRef(order.client_order_id, order.venue_order_id)
        quantity = order.quantity if change.quantity is None else change.quantity
        price = order.price if change.price is None else change.price
        if price == order.price and quantity < order.quantity:
            earlier = Decimal(0)
            if order.filled and order.filled_quote is None:
                # Binance always states the amount; without it this is several orders told as one, after a replacement.
                # What the earlier ones filled is no part of the order that stands there now.
                standing = (await self.order(ref, instrument)).quantity
                earlier = subtracted(order.quantity, order.quantity if standing is None else standing)
            smaller = {
                "newQty": subtracted(quantity, earlier),
                "newClientOrderId": order.client_order_id or change.new_client_order_id,
            }
            amended = await self._rest.amend_keep_priority({**symbol, **named(ref), **smaller})
            return of(ref, convert.to_amended(amended, symbol=instrument.symbol))
        rest = subtracted(quantity, order.filled)
        if rest <= 0:
            raise InvalidArgument(
                f"{order.filled} of the order is filled already: quantity must be above that, not {quantity}",
                rule="quantity",
            )
        new = {
            **write.replacement_params(order, quantity=rest, price=price),
            "newClientOrderId": change.new_client_order_id,
            **await self._carried(symbol | named(ref), rest),
        }
        if order.filled:
            canceled = await self.cancel(ref, instrument)
            earlier = subtracted(order.quantity, order.quantity if canceled.quantity is None else canceled.quantity)
            left = subtracted(quantity, added(earlier, canceled.filled))
            return await self._place_rest({**symbol, **new}, left, canceled, instrument)
        params = {
            **symbol,
            "cancelReplaceMode": "STOP_ON_FAILURE",
            **named(ref, order_id="cancelOrderId", client="cancelOrigClientOrderId"),
            "cancelRestrictions": "ONLY_NEW",
            **new,
        }
        try:
            replaced = await self._rest.cancel_replace(params)
        except PartialFailure as error:
            error.ended = _ended(error.details, instrument.symbol)
            raise
        of(ref, convert.to_canceled(replaced.cancelResponse, symbol=instrument.symbol))
        state = convert.to_placed(replaced.newOrderResponse, symbol=instrument.symbol, received_ns=self._now_ns())
        return of(OrderRef(change.new_client_order_id), state)

    async def _carried(self, name: Mapping[str, str | int], quantity: Decimal) -> dict[str, str | int]:
        """Read what the order that stands there carries beside what the model tells; nothing has been changed yet."""
        try:
            standing = await self._rest.order(name)
        except TransportError as error:
            text = f"binance: nothing was changed, for the order could not be read first: {error}"
            raise ConnectionFailed(text, sent=False) from error
        return write.carried_params(standing, quantity=quantity)

    async def _place_rest(
        self, params: dict[str, Any], rest: Decimal, canceled: OrderState, instrument: Instrument
    ) -> OrderState:
        """Place what is left of an order that has just been canceled."""
        if rest <= 0:
            text = "canceled, and nothing was left to place: the rest had filled"
            failure = PartialFailure("binance", "filled", text)
            failure.ended = canceled
            raise failure
        try:
            reply = await self._entry.new_order({**params, "quantity": plain(rest)})
        except LotusXError as error:  # also one of ours, that nothing was sent: of the new order alone
            if error.may_have_executed:
                raise
            failure = _half(error)
            failure.ended = canceled
            raise failure from error
        state = convert.to_placed(reply, symbol=instrument.symbol, received_ns=self._now_ns())
        return of(OrderRef(params["newClientOrderId"]), state)

    async def order(self, ref: OrderRef, instrument: Instrument) -> OrderState:
        item = await self._rest.order({"symbol": instrument.venue_symbol, **named(ref)})
        return convert.to_order(item, symbol=instrument.symbol)

    async def open_orders(self, instrument: Instrument | None) -> Sequence[OrderState]:
        """Return the open orders; asking for all symbols costs 80 instead of 6.

        Of all symbols, orders of one that a fresh list of instruments does not have are left out, counted and logged.
        """
        if instrument is not None:
            items = await self._rest.open_orders(instrument.venue_symbol)
            return [convert.to_order(item, symbol=instrument.symbol) for item in items]
        items = await self._rest.open_orders()
        return await self._of_account(items, convert.to_order, "openOrders")

    async def orders_page(self, instrument: Instrument, span: Span, cursor: str | None, limit: int) -> Page[OrderState]:
        """One page of ``allOrders``. With a start: windows of 24 h, and by order id inside a full one.

        The cursor is ``<start of the window>`` or ``<start of the window>:<first order id>``, times in ms.
        """
        limit = min(limit, MAX_PAGE)
        params: dict[str, Any] = {"symbol": instrument.venue_symbol}
        start, end = self._bounds(span)
        if start is None:
            items = await self._rest.all_orders({**params, "endTime": last_ms(span), "limit": limit})
            return Page([convert.to_order(item, symbol=instrument.symbol) for item in items], None)
        window, _, order_id = (cursor or str(start)).partition(":")
        opens = int(window)
        closes = min(opens + WINDOW_MS - 1, end)
        if order_id:
            items = await self._rest.all_orders({**params, "orderId": int(order_id), "limit": limit})
        else:
            items = await self._rest.all_orders({**params, "startTime": opens, "endTime": closes, "limit": limit})
        inside = [item for item in items if not order_id or item.time <= closes]
        if len(items) == limit and len(inside) == len(items):
            following: str | None = f"{opens}:{items[-1].orderId + 1}"
        else:
            following = None if closes >= end else str(closes + 1)
        return Page([convert.to_order(item, symbol=instrument.symbol) for item in inside], following)

    async def fills_page(self, instrument: Instrument, span: Span, cursor: str | None, limit: int) -> Page[Fill]:
        """One page of ``myTrades``. With a start: windows of 24 h up to the first fill, from there on by trade id.

        The cursor is ``<start of the window, ms>``, or ``:<first trade id>``.
        """
        limit = min(limit, MAX_PAGE)
        params: dict[str, Any] = {"symbol": instrument.venue_symbol}
        start, end = self._bounds(span)
        closes, following = end, None
        if start is None:
            items = await self._rest.my_trades({**params, "endTime": last_ms(span), "limit": limit})
        else:
            window, _, trade_id = (cursor or str(start)).partition(":")
            if trade_id:
                items = await self._rest.my_trades({**params, "fromId": int(trade_id), "limit": limit})
                more = len(items) == limit and items[-1].time <= end
            else:
                closes = min(int(window) + WINDOW_MS - 1, end)
                items = await self._rest.my_trades(
                    {**params, "startTime": int(window), "endTime": closes, "limit": limit}
                )
                more = bool(items) and (closes < end or len(items) == limit)
                following = None if closes >= end else str(closes + 1)
            if more:
                following = f":{items[-1].id + 1}"
        received_ns = self._now_ns()
        inside = [item for item in items if start is None or item.time <= end]
        return Page(
            [convert.to_fill(item, symbol=instrument.symbol, received_ns=received_ns) for item in inside], following
        )

    async def fills_of(self, state: OrderState, instrument: Instrument) -> Sequence[Fill]:
        """All fills of one order, oldest first."""
        order_id = state.venue_order_id
        if order_id is None:
            order_id = (await self.order(OrderRef(state.client_order_id), instrument)).venue_order_id
        params = {"symbol": instrument.venue_symbol, "orderId": order_id, "limit": MAX_PAGE}
        items = page = await self._rest.my_trades(params)
        while len(page) == MAX_PAGE:
            page = await self._rest.my_trades({**params, "fromId": page[-1].id + 1})
            items = items + page
        received_ns = self._now_ns()
        return [convert.to_fill(item, symbol=instrument.symbol, received_ns=received_ns) for item in items]
