"""Orders of one account, the same at every exchange."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from decimal import Decimal
from importlib import import_module
from typing import TYPE_CHECKING, Any

from lotusx.errors import InvalidArgument, NotSupported
from lotusx.guard import Guard
from lotusx.history import Moment, iterate, to_span
from lotusx.instruments import Instruments
from lotusx.kernel.facts import Capability
from lotusx.kernel.orders.merge import fill_key
from lotusx.kernel.origin import made_as
from lotusx.kernel.ports import OrderRef
from lotusx.kernel.request import Origin
from lotusx.model.enums import OrderType, QuantityUnit, TimeInForce
from lotusx.model.numbers import decimal_from_user
from lotusx.model.symbol import Symbol

if TYPE_CHECKING:
    from lotusx.kernel.ports import TradingPort
    from lotusx.model.orders import Fill, OrderState, Outcome
    from lotusx.model.requests import AmendRequest, OrderRequest
    from lotusx.orders import Order, OrderDesk, Recovered


class Trading:
    """Place, change, cancel and look up orders. Every command ends accepted, rejected with proof, or unknown."""

    def __init__(self, guard: Guard, port: TradingPort, instruments: Instruments, desk: OrderDesk) -> None:
        self._guard = guard
        self._port = port
        self._instruments = instruments
        self._desk = desk

    async def ready(self) -> None:
        """Open, log in and import whatever the first order would otherwise wait for."""
        self._guard.command(Capability.PLACE_ORDER)
        import_module("lotusx.model.requests")  # pydantic: some 75 ms that an order would stop the event loop for
        await self._instruments.ensure()
        await self._port.ready()

    async def place(self, request: OrderRequest) -> Order:
        """Place an order; return its handle once the exchange has it.

        Raises:
            InvalidArgument: It breaks a rule of the instrument; nothing was sent.
            ExchangeError: The exchange said no, with its code; it does not have the order.
            OrderOutcomeUnknown: It was sent, and nothing proves what became of it. Do not send it again.
        """
        self._may_place(request)
        instrument = await self._instruments.resolve(request.symbol)
        return await self._desk.place(request, instrument)

    async def test(self, request: OrderRequest) -> None:
        """Have the exchange check an order without placing it."""
        self._may_place(request)
        self._guard.command(Capability.TEST_ORDER)
        instrument = await self._instruments.resolve(request.symbol)
        named = self._desk.identified(request)
        await self._desk.check(named, instrument)
        await self._port.test(named, instrument)

    async def place_batch_orders(self, requests: Sequence[OrderRequest], *, emulate: bool = False) -> Sequence[Outcome]:
        """Place several; one outcome per input, in input order; never raises for an item.

        Args:
            emulate: Where the exchange has no batch, place one after the other.
        """
        for request in requests:
            self._may_place(request)
        native = self._native(Capability.BATCH_ORDERS, emulate)
        instruments = [await self._instruments.resolve(request.symbol) for request in requests]
        return await self._desk.place_batch(requests, instruments, emulate=not native)

    async def cancel(
        self, symbol: Symbol | str, *, client_order_id: str | None = None, venue_order_id: str | None = None
    ) -> OrderState:
        """Cancel one order; return it as it is known then: it may have filled meanwhile, or still be on its way out.

        Some exchanges only acknowledge that they took a cancel. The state is then the newest that is known before it,
        which may still be open: the account stream, `settled` of the order or `order` tells how it ended.
        """
        self._guard.command(Capability.CANCEL_ORDER)
        ref = _ref(client_order_id, venue_order_id)
        return await self._desk.cancel(ref, await self._instruments.resolve(symbol))

    async def cancel_batch_orders(
        self, symbol: Symbol | str, client_order_ids: Sequence[str], *, emulate: bool = False
    ) -> Sequence[Outcome]:
        """Cancel several; one outcome per input, in input order; never raises for an item."""
        self._guard.command(Capability.CANCEL_ORDER)
        native = self._native(Capability.BATCH_CANCEL, emulate)
        instrument = await self._instruments.resolve(symbol)
        refs = [_ref(name, None) for name in client_order_ids]
        return await self._desk.cancel_batch(refs, [instrument] * len(refs), emulate=not native)

    async def cancel_all(self, symbol: Symbol | str | None = None) -> Sequence[OrderState]:
        """Cancel every open order of *symbol*, or of the account; return what became of each. Calling it again is safe.

        Raises:
            PartialFailure: Some were cancelled; ``details`` says which could not be, and why.
        """
        support = self._guard.command(Capability.CANCEL_ALL)
        if symbol is None and "symbols" in support.limits:
            raise InvalidArgument(f"{self._guard.exchange} cancels all orders of one symbol at a time: name it")
        instrument = None if symbol is None else await self._instruments.resolve(symbol)
        return await self._desk.cancel_all(instrument)

    async def cancel_all_after(self, seconds: int, symbol: Symbol | str | None = None) -> None:
        """Have the exchange cancel everything unless this is called again within *seconds* (0: switch it off)."""
        self._guard.command(Capability.CANCEL_ALL_AFTER)
        instrument = None if symbol is None else await self._instruments.resolve(symbol)
        with made_as(Origin.ACCOUNT):
            await self._port.cancel_all_after(seconds, instrument)

    async def amend(
        self,
        symbol: Symbol | str,
        *,
        client_order_id: str | None = None,
        venue_order_id: str | None = None,
        quantity: Decimal | int | str | None = None,
        price: Decimal | int | str | None = None,
    ) -> Order:
        """Change quantity or price of a working order; its handle stays, its ids may be new."""
        self._guard.command(Capability.AMEND_ORDER)
        if quantity is None and price is None:
            raise InvalidArgument("an amendment needs a new quantity or a new price")
        return await self._desk.amend(
            _ref(client_order_id, venue_order_id),
            await self._instruments.resolve(symbol),
            quantity=None if quantity is None else decimal_from_user(quantity, name="quantity"),
            price=None if price is None else decimal_from_user(price, name="price"),
        )

    async def amend_batch_orders(
        self, amendments: Sequence[AmendRequest], *, emulate: bool = False
    ) -> Sequence[Outcome]:
        """Change several; one outcome per input, in input order; never raises for an item.

        Args:
            emulate: Where the exchange has no batch, change one after the other.
        """
        self._guard.command(Capability.AMEND_ORDER)
        native = self._native(Capability.BATCH_AMEND, emulate)
        instruments = [await self._instruments.resolve(each.symbol) for each in amendments]
        refs = [OrderRef(each.client_order_id, each.venue_order_id) for each in amendments]
        return await self._desk.amend_batch(refs, [each.terms for each in amendments], instruments, emulate=not native)

    async def order(
        self, symbol: Symbol | str, *, client_order_id: str | None = None, venue_order_id: str | None = None
    ) -> OrderState:
        """Look one order up at the exchange.

        Raises:
            OrderNotFound: It does not find it. Right after placing, that proves nothing.
        """
        self._guard.private(Capability.QUERY_ORDER)
        ref = _ref(client_order_id, venue_order_id)
        return await self._desk.query(ref, await self._instruments.resolve(symbol))

    async def open_orders(self, symbol: Symbol | str | None = None) -> Sequence[OrderState]:
        """Return working orders of *symbol*, or of the account."""
        self._guard.private(Capability.OPEN_ORDERS)
        await self._instruments.ensure()
        instrument = None if symbol is None else await self._instruments.resolve(symbol)
        return await self._port.open_orders(instrument)

    async def iter_orders(
        self, symbol: Symbol | str, *, start: Moment = None, end: Moment = None
    ) -> AsyncIterator[OrderState]:
        """Yield every order of [start, end), oldest first, each once."""
        self._guard.private(Capability.ORDER_HISTORY)
        instrument = await self._instruments.resolve(symbol)
        span = to_span(start, end)

        async def fetch(cursor: str | None) -> Any:
            return await self._port.orders_page(instrument, span, cursor, 1_000)

        async with aclosing(iterate(fetch, lambda item: item.venue_order_id)) as items:
            async for state in items:
                yield state

    async def iter_fills(
        self, symbol: Symbol | str | None = None, *, start: Moment = None, end: Moment = None
    ) -> AsyncIterator[Fill]:
        """Yield every fill of [start, end), oldest first, each once; of *symbol*, or of all instruments.

        Raises:
            NotSupported: No symbol is named, and the exchange lists fills of one at a time.
        """
        self._guard.private(Capability.FILLS)
        await self._instruments.ensure()
        instrument = None if symbol is None else await self._instruments.resolve(symbol)
        span = to_span(start, end)

        async def fetch(cursor: str | None) -> Any:
            if instrument is None:
                return await self._port.account_fills_page(span, cursor, 1_000)
            return await self._port.fills_page(instrument, span, cursor, 1_000)

        async with aclosing(iterate(fetch, fill_key)) as items:
            async for fill in items:
                yield fill

    async def recovered(self) -> Sequence[Recovered]:
        """Wait until it is known what became of the commands an earlier process left open; return them, oldest first.

        Needs a journal; without one there are none. Nothing of them is sent again: what the exchange never got is told
        as rejected, and it is the caller's to ask for it anew. While the exchange cannot be reached, this waits.
        """
        return await self._desk.recovered()

    def _may_place(self, request: OrderRequest) -> None:
        self._guard.command(Capability.PLACE_ORDER)
        if request.type is OrderType.TRAILING_STOP or request.trailing_fraction is not None:
            self._guard.offers(Capability.TRAILING_ORDERS)
        elif request.type.is_conditional:
            self._guard.offers(Capability.CONDITIONAL_ORDERS)
        if request.quantity_unit is QuantityUnit.QUOTE:
            self._guard.offers(Capability.QUOTE_QUANTITY)
        if request.max_slippage is not None:
            self._guard.offers(Capability.MAX_SLIPPAGE)
        if request.post_only:
            self._guard.offers(Capability.POST_ONLY)
        if request.position_side is not None:
            self._guard.offers(Capability.HEDGE_MODE)
        if request.reduce_only:
            self._guard.offers(Capability.REDUCE_ONLY)
        if request.time_in_force is TimeInForce.GTD:
            self._guard.offers(Capability.GTD)

    def _native(self, capability: Capability, emulate: bool) -> bool:
        try:
            self._guard.offers(capability)
        except NotSupported as error:
            if emulate:
                return False
            raise NotSupported(
                self._guard.exchange, capability.value, error.instead or "emulate=True (one after the other)"
            ) from error
        return True


def _ref(client_order_id: str | None, venue_order_id: str | None) -> OrderRef:
    if client_order_id is None and venue_order_id is None:
        raise InvalidArgument("name the order: client_order_id=… or venue_order_id=…")
    return OrderRef(client_order_id, venue_order_id)
