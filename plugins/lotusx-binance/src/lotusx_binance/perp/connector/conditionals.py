"""Conditional orders: since 2025-12-09 a service of their own, with ids, an open list and cancels of its own.

One that triggers becomes an order, which is from then on what is looked up and cancelled; both carry our id.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from lotusx.errors import BadRequest, ExchangeError, InvalidArgument, InvalidOrder, OrderNotFound
from lotusx.model import Instrument, OrderState, OrderStatus
from lotusx.plugin import Acknowledged, OrderRef
from lotusx_binance.account_orders import check_name, of
from lotusx_binance.conversions import MS
from lotusx_binance.perp import account_types as types, order_conversions as convert, order_requests as write

if TYPE_CHECKING:
    from lotusx.model import OrderRequest  # imports pydantic: not needed before an order is written
    from lotusx_binance.perp.rest import Endpoints

_CANCELED = "CANCELED"


class ConditionalEntry(Protocol):
    """Where their commands go: REST or the WebSocket API."""

    async def new_algo_order(self, params: Mapping[str, Any]) -> types.AlgoOrder: ...
    async def cancel_algo_order(self, params: Mapping[str, Any]) -> types.AlgoCanceled: ...
    async def cancel_order(self, params: Mapping[str, Any]) -> types.Order: ...


def name(ref: OrderRef) -> dict[str, str | int]:
    """Name a conditional order: by its number where that is known."""
    number = write.algo_id(ref.venue_order_id)
    if number is not None:
        return {"algoId": number}
    if ref.client_order_id is not None:
        return {"clientAlgoId": ref.client_order_id}
    raise InvalidArgument("name the order: client_order_id or venue_order_id")


class Conditionals:
    """Conditional orders of one account."""

    def __init__(self, rest: Endpoints, entry: ConditionalEntry, exchange_ns: Callable[[], int]) -> None:
        self._rest = rest
        self._exchange_ns = exchange_ns
        self._entry = entry

    async def place(self, request: OrderRequest, instrument: Instrument) -> OrderState:
        """Send one. Its margin is checked when it triggers, not now."""
        params = write.algo_params(request, instrument.venue_symbol, now_ns=self._exchange_ns())
        reply = await self._entry.new_algo_order(params)
        return of(OrderRef(request.client_order_id), convert.to_conditional(reply, symbol=instrument.symbol))

    async def order(self, ref: OrderRef, instrument: Instrument) -> OrderState:
        """Return it as it waits, or the order that it became."""
        item = await self._rest.algo_order(name(ref))
        waiting = convert.to_conditional(item, symbol=instrument.symbol)
        if not item.actualOrderId:
            return waiting
        try:
            child = await self._rest.order({"symbol": instrument.venue_symbol, "orderId": int(item.actualOrderId)})
        except OrderNotFound:
            if item.algoStatus != convert.FINISHED:
                return waiting  # triggered, and not to be seen yet
            is_unfilled = await self.is_unfilled(
                instrument, int(item.actualOrderId), item.createTime * MS, item.updateTime * MS
            )
            return convert.to_lost(item, symbol=instrument.symbol, is_unfilled=is_unfilled)
        return convert.to_triggered(convert.to_order(child, symbol=instrument.symbol), waiting)

    async def is_unfilled(self, instrument: Instrument, order_id: int, earliest_ns: int, latest_ns: int) -> bool:
        """Say whether an order that is not found, placed between two moments, is proved to have ended without a fill.

        That it is not found proves nothing by itself: the exchange answers reads late.
        """
        if not convert.may_be_forgotten(earliest_ns, latest_ns, self._exchange_ns()):
            return False
        return not await self._rest.user_trades({"symbol": instrument.venue_symbol, "orderId": order_id, "limit": 1})

    async def cancel(self, ref: OrderRef, instrument: Instrument) -> OrderState | Acknowledged:
        """Cancel it as it waits, or the order that it became.

        Raises:
            MalformedReply: The reply names another order: what became of the one that was meant is open.
        """
        try:
            reply = await self._entry.cancel_algo_order(name(ref))
        except (OrderNotFound, InvalidOrder, BadRequest) as error:
            return await self._cancel_triggered(ref, instrument, error)
        check_name(ref, OrderRef(reply.clientAlgoId, f"{write.ALGO}{reply.algoId}"))
        return Acknowledged(ref, OrderStatus.CANCELED, _CANCELED)

    async def _cancel_triggered(self, ref: OrderRef, instrument: Instrument, refused: ExchangeError) -> OrderState:
        """Cancel the order that it became meanwhile; if there is none, the refusal stands."""
        item = await self._rest.algo_order(name(ref))
        if not item.actualOrderId:
            raise refused
        params = {"symbol": instrument.venue_symbol, "orderId": int(item.actualOrderId)}
        child = convert.to_order(await self._entry.cancel_order(params), symbol=instrument.symbol)
        of(OrderRef(None, item.actualOrderId), child)
        return convert.to_triggered(child, convert.to_conditional(item, symbol=instrument.symbol))
