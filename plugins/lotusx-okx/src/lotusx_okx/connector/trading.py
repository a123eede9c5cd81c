"""Orders of one account, on spot and linear swaps. What is asked about them is in `order_reads`.

What OKX answers to a command acknowledges it: reports tell what became of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from lotusx.errors import InvalidArgument, LotusXError, MalformedReply, NotSupported, OrderNotFound
from lotusx.model import Instrument, OrderState, OrderStatus, QuantityUnit
from lotusx.plugin import Acknowledged, Amendment, OrderRef, raise_failed
from lotusx.rules import in_instrument_unit
from lotusx_okx import account_types as types, order_conversions as convert, order_requests as write
from lotusx_okx.answers import answers_of, names_another
from lotusx_okx.connector.order_reads import OrderReads
from lotusx_okx.errors import another, item_error
from lotusx_okx.facts import BATCH

if TYPE_CHECKING:
    from lotusx.model import OrderRequest  # imports pydantic: not needed before an order is written
    from lotusx.plugin import Kernel
    from lotusx_okx.client_ids import ClientIds
    from lotusx_okx.connector.listed import Listed
    from lotusx_okx.connector.setup import AccountSetup
    from lotusx_okx.rest import Endpoints, Params

PLACE, AMEND, CANCEL = (f"/api/v5/trade/{name}-orders" for name in ("batch", "amend-batch", "cancel-batch"))
SHORTEST_S, LONGEST_S = 10, 120
LOOKED_UP = 60
"""Orders that are asked for after they were canceled together: what the limit of that endpoint admits at once."""


class OkxTrading(OrderReads):
    """Orders by REST."""

    def __init__(self, kernel: Kernel, rest: Endpoints, listed: Listed, ids: ClientIds, setup: AccountSetup) -> None:
        super().__init__(kernel, rest, listed, ids)
        self._setup = setup

    async def ready(self) -> None:
        """Open the connection that the first order will use, and learn how the account is set up."""
        await self._setup.before_order()

    # Commands

    async def place(self, request: OrderRequest, instrument: Instrument) -> OrderState:
        """Send one order; the state is pending: OKX has taken it, and may still cancel it at once."""
        self._listed.type_of(instrument)
        body = write.order_body(request, instrument, await self._setup.before_order(), self._ids)
        done = self._taken(await self._rest.place_order(body), body)
        return self._acknowledged(request, instrument, done)

    def _acknowledged(self, request: OrderRequest, instrument: Instrument, done: types.Done) -> OrderState:
        unit = request.quantity_unit
        base = None if unit is QuantityUnit.QUOTE else in_instrument_unit(request.quantity, unit, instrument)
        return convert.to_acknowledged(request, done, instrument=instrument, base_quantity=base)

    async def amend(self, order: OrderState, change: Amendment, instrument: Instrument) -> OrderState:
        """Ask for new terms; the order keeps its ids, and stays as it is if they are refused later."""
        self._listed.type_of(instrument)
        ref = OrderRef(order.client_order_id, order.venue_order_id)
        body = write.amend_body(ref, change, instrument, self._ids)
        done = self._taken(await self._rest.amend_order(body), body)
        return convert.to_amended(order, done)

    async def cancel(self, ref: OrderRef, instrument: Instrument) -> Acknowledged:
        """Ask for an order's end, which reports tell."""
        self._listed.type_of(instrument)
        body = write.order_name(ref, instrument, self._ids)
        self._taken(await self._rest.cancel_order(body), body)
        return Acknowledged(ref)

    def _taken(self, done: types.Done, body: Params) -> types.Done:
        """Return *done*, which says that the order of *body* was taken.

        Raises:
            MalformedReply: It names another order: what became of this one is open.
        """
        if names_another(done, body):
            raise another(self._exchange, done)
        error = item_error(self._exchange, done)
        if error is not None:
            raise error
        return done

    # Batches

    async def place_batch(
        self, requests: Sequence[OrderRequest], instruments: Sequence[Instrument]
    ) -> Sequence[OrderState | Exception]:
        setup = await self._setup.before_order()
        pairs = list(zip(requests, instruments, strict=True))

        def body(index: int) -> Params:
            request, instrument = pairs[index]
            self._listed.type_of(instrument)
            return write.order_body(request, instrument, setup, self._ids)

        answers = await self._batch(PLACE, len(pairs), body)
        return [
            answer if isinstance(answer, Exception) else self._acknowledged(request, instrument, answer)
            for (request, instrument), answer in zip(pairs, answers, strict=True)
        ]

    async def amend_batch(
        self, orders: Sequence[OrderState], changes: Sequence[Amendment], instruments: Sequence[Instrument]
    ) -> Sequence[OrderState | Exception]:
        def body(index: int) -> Params:
            order = orders[index]
            self._listed.type_of(instruments[index])
            ref = OrderRef(order.client_order_id, order.venue_order_id)
            return write.amend_body(ref, changes[index], instruments[index], self._ids)

        answers = await self._batch(AMEND, len(orders), body)
        return [
            answer if isinstance(answer, Exception) else convert.to_amended(order, answer)
            for order, answer in zip(orders, answers, strict=True)
        ]

    async def cancel_batch(
        self, refs: Sequence[OrderRef], instruments: Sequence[Instrument]
    ) -> Sequence[Acknowledged | Exception]:
        def body(index: int) -> Params:
            self._listed.type_of(instruments[index])
            return write.order_name(refs[index], instruments[index], self._ids)

        answers = await self._batch(CANCEL, len(refs), body)
        return [
            answer if isinstance(answer, Exception) else Acknowledged(ref)
            for ref, answer in zip(refs, answers, strict=True)
        ]

    async def _batch(self, path: str, count: int, body: Callable[[int], Params]) -> list[types.Done | Exception]:
        """Send what *body* writes, 20 at a time, one alone by itself; what cannot be written is refused by itself.

        A request that fails is the answer for each of its orders.
        """
        answers: dict[int, types.Done | Exception] = {}
        bodies: list[tuple[int, Params]] = []
        for index in range(count):
            try:
                bodies.append((index, body(index)))
            except LotusXError as error:
                answers[index] = error
        for start in range(0, len(bodies), BATCH):
            part = bodies[start : start + BATCH]
            answers.update(zip((index for index, _ in part), await self._send(path, part), strict=True))
        return [answers[index] for index in range(count)]

    async def _send(self, path: str, part: Sequence[tuple[int, Params]]) -> Sequence[types.Done | Exception]:
        bodies = [body for _, body in part]
        try:
            rows = await self._rest.batch(path, bodies)
        except LotusXError as error:
            return [error] * len(part)
        if len(rows) != len(part):
            text = f"{self._exchange}: {len(rows)} answers to {len(part)} orders"
            return [MalformedReply(text)] * len(part)
        return [self._answer(row) for row in answers_of(bodies, rows)]

    def _answer(self, row: types.Done | None) -> types.Done | Exception:
        if row is None:
            return MalformedReply(f"{self._exchange}: no answer of a batch is this order's alone")
        return item_error(self._exchange, row) or row

    # Canceling all

    async def cancel_all(self, instrument: Instrument | None) -> Sequence[OrderState]:
        """List what is open and cancel that; then ask for each, for 60 of them at most.

        One that was not asked for, or could not be, is ``UNKNOWN``: its cancel was taken, or it had ended before.

        Raises:
            PartialFailure: Some orders could not be cancelled.
        """
        orders = list(await self.open_orders(instrument))
        if not orders:
            return []
        instruments = [self._kernel.instruments.by_symbol(order.symbol) for order in orders]
        refs = [OrderRef(None, order.venue_order_id) for order in orders]
        answers = await self.cancel_batch(refs, instruments)
        failed: dict[str, Exception] = {}
        done: list[str] = []
        for order, answer in zip(orders, answers, strict=True):
            name = f"{order.symbol} {order.venue_order_id}"
            if isinstance(answer, Exception) and not isinstance(answer, OrderNotFound):
                failed[name] = answer
            else:
                done.append(name)
        raise_failed(self._exchange, failed, done)
        ended: list[OrderState] = []
        for order, ref, listed in zip(orders, refs, instruments, strict=True):
            state = replace(order, status=OrderStatus.UNKNOWN, raw_status="")
            if len(ended) < LOOKED_UP:
                with suppress(LotusXError):  # it says nothing against the cancel
                    state = await self.order(ref, listed)
            ended.append(state)
        return ended

    async def cancel_all_after(self, seconds: int, instrument: Instrument | None) -> None:
        """Set the deadline of the whole account.

        Raises:
            NotSupported: It is to be of one instrument.
            InvalidArgument: It is none that the exchange takes.
        """
        if instrument is not None:
            raise NotSupported(self._exchange, "cancel_all_after of one symbol", "cancel_all_after of the account")
        if seconds and not SHORTEST_S <= seconds <= LONGEST_S:
            text = f"okx takes 0, or {SHORTEST_S} to {LONGEST_S} seconds, not {seconds}"
            raise InvalidArgument(text, rule="seconds", nearest=(SHORTEST_S, LONGEST_S))
        await self._rest.cancel_all_after(seconds)
