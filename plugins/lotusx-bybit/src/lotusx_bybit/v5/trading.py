"""Orders of one account. What Bybit answers to a command acknowledges it: reports tell what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from lotusx.errors import ErrorKind, LotusXError, MalformedReply, NotSupported, OrderNotFound
from lotusx.model import Instrument, OrderState, OrderStatus
from lotusx.plugin import Acknowledged, Amendment, Capability, Lane, OrderRef, cancel_each, raise_failed
from lotusx_bybit.v5 import account_types as types, order_conversions as convert, order_requests as write
from lotusx_bybit.v5.batches import MAX_ORDERS, chunks, names_another, outcomes
from lotusx_bybit.v5.category import Category
from lotusx_bybit.v5.order_reads import ELSEWHERE, V5OrderReads, places_of
from lotusx_bybit.v5.ws_orders import WsOrders

if TYPE_CHECKING:
    from lotusx.model import OrderRequest  # imports pydantic: not needed before an order is written
    from lotusx.plugin import Kernel
    from lotusx_bybit.v5.envelope import BatchReply, Params
    from lotusx_bybit.v5.listed import Listed
    from lotusx_bybit.v5.quotas import Quotas
    from lotusx_bybit.v5.rest import Endpoints

CREATE, AMEND, CANCEL = "/v5/order/create", "/v5/order/amend", "/v5/order/cancel"
MOST_AT_ONCE = 500
"""Orders that one cancel-all of linear or inverse instruments takes, picked at random."""
MOST_ROUNDS = 20

_ids = msgspec.json.Decoder(types.OrderIds).decode


class OrderEntry(Protocol):
    """Where commands go: REST or the trade socket."""

    KINDS: Mapping[int, ErrorKind]
    quotas: Quotas

    async def order_command(
        self, path: str, params: Params, *, orders: int = 1, lane: Lane = Lane.NORMAL
    ) -> BatchReply[msgspec.Raw]: ...
    async def ready(self) -> None: ...


class V5Trading(V5OrderReads):
    """Orders of every product, by REST except where the option ``order_entry`` says otherwise.

    The option ``trigger_by`` says which price triggers conditional orders of linear and inverse instruments:
    ``LastPrice`` (if left out), ``MarkPrice`` or ``IndexPrice``.
    """

    def __init__(self, kernel: Kernel, rest: Endpoints, listed: Listed) -> None:
        super().__init__(kernel, rest, listed)
        over_ws = kernel.options.get("order_entry") == "ws"
        self._entry: OrderEntry = WsOrders(kernel, rest.quotas) if over_ws else rest
        self._trigger_by = str(kernel.options.get("trigger_by", "LastPrice"))

    async def ready(self) -> None:
        """Open the connection that the first order will use."""
        await self._entry.ready()

    # Commands

    async def place(self, request: OrderRequest, instrument: Instrument) -> OrderState:
        """Send one order; the state is pending: Bybit has received it, and may still refuse it."""
        ids = await self._command(CREATE, self._order(request, instrument))
        return convert.to_acknowledged(request, ids, symbol=instrument.symbol)

    async def amend(self, order: OrderState, change: Amendment, instrument: Instrument) -> OrderState:
        """Ask for new terms; the order keeps its ids. Which terms it has then is told by reports."""
        return convert.to_amended(order, await self._command(AMEND, self._amendment(order, change, instrument)))

    async def cancel(self, ref: OrderRef, instrument: Instrument) -> Acknowledged:
        """Ask for an order's end. On spot, an order that waits for its trigger is looked for where those are kept."""
        try:
            await self._command(CANCEL, self._cancellation(ref, instrument), lane=Lane.URGENT)
        except OrderNotFound as error:
            await self._cancel_elsewhere(ref, instrument, error)
        return Acknowledged(ref)

    async def _cancel_elsewhere(self, ref: OrderRef, instrument: Instrument, error: OrderNotFound) -> None:
        """Look in the other places of spot, and for one that has triggered under another id."""
        category, params = self._listed.category(instrument), self._cancellation(ref, instrument)
        tries: list[Params] = []
        if category is Category.SPOT:
            tries = [{**params, "orderFilter": place} for place in ELSEWHERE]
        if (other := write.other_name(ref, category)) is not None:
            tries.append({"category": category.value, "symbol": instrument.venue_symbol, **other})
        for attempt in tries:
            try:
                await self._command(CANCEL, attempt, lane=Lane.URGENT)
            except OrderNotFound:
                continue
            return
        raise error

    async def _command(self, path: str, params: Params, *, lane: Lane = Lane.NORMAL) -> types.OrderIds:
        reply = await self._entry.order_command(path, params, lane=lane)
        try:
            ids = _ids(reply.result)
        except msgspec.DecodeError as error:
            raise MalformedReply(f"{self._exchange}: an acknowledgement without ids ({error})") from None
        if names_another(ids, params):
            raise MalformedReply(f"{self._exchange}: the reply names another order ({ids.orderId}, {ids.orderLinkId})")
        return ids

    def _order(self, request: OrderRequest, instrument: Instrument) -> write.Params:
        return write.order_params(
            request,
            instrument.venue_symbol,
            exchange=self._exchange,
            category=self._listed.category(instrument),
            trigger_by=self._trigger_by,
        )

    def _amendment(self, order: OrderState, change: Amendment, instrument: Instrument) -> write.Params:
        ref = OrderRef(order.client_order_id, order.venue_order_id)
        return write.amend_params(ref, change, instrument.venue_symbol, category=self._listed.category(instrument))

    # Batches

    async def place_batch(
        self, requests: Sequence[OrderRequest], instruments: Sequence[Instrument]
    ) -> Sequence[OrderState | Exception]:
        pairs = list(zip(requests, instruments, strict=True))
        answers = await self._batch(
            f"{CREATE}-batch",
            Capability.BATCH_ORDERS,
            instruments,
            [partial(self._order, *pair) for pair in pairs],
        )
        return [
            convert.to_acknowledged(request, answer, symbol=instrument.symbol)
            if isinstance(answer, types.OrderIds)
            else answer
            for (request, instrument), answer in zip(pairs, answers, strict=True)
        ]

    async def amend_batch(
        self, orders: Sequence[OrderState], changes: Sequence[Amendment], instruments: Sequence[Instrument]
    ) -> Sequence[OrderState | Exception]:
        """Amend several. Bybit takes no conditional orders in such a batch, and refuses each by itself."""
        rows = zip(orders, changes, instruments, strict=True)
        answers = await self._batch(
            f"{AMEND}-batch",
            Capability.BATCH_AMEND,
            instruments,
            [partial(self._amendment, *row) for row in rows],
        )
        return [
            convert.to_amended(order, answer) if isinstance(answer, types.OrderIds) else answer
            for order, answer in zip(orders, answers, strict=True)
        ]

    async def cancel_batch(
        self, refs: Sequence[OrderRef], instruments: Sequence[Instrument]
    ) -> Sequence[Acknowledged | Exception]:
        """Cancel several; those that spot does not find among ordinary orders are canceled one by one."""
        pairs = list(zip(refs, instruments, strict=True))
        answers = await self._batch(
            f"{CANCEL}-batch",
            Capability.BATCH_CANCEL,
            instruments,
            [partial(self._cancellation, *pair) for pair in pairs],
            lane=Lane.URGENT,
        )
        found: list[Acknowledged | Exception] = []
        for (ref, instrument), answer in zip(pairs, answers, strict=True):
            outcome: Acknowledged | Exception = answer if isinstance(answer, Exception) else Acknowledged(ref)
            if isinstance(answer, OrderNotFound):
                try:
                    await self._cancel_elsewhere(ref, instrument, answer)
                    outcome = Acknowledged(ref)
                except LotusXError as error:
                    outcome = error
            found.append(outcome)
        return found

    def _cancellation(self, ref: OrderRef, instrument: Instrument) -> dict[str, Any]:
        return dict(write.cancel_params(ref, instrument.venue_symbol, category=self._listed.category(instrument)))

    async def _batch(
        self,
        path: str,
        capability: Capability,
        instruments: Sequence[Instrument],
        makers: Sequence[Callable[[], Params]],
        *,
        lane: Lane = Lane.NORMAL,
    ) -> list[types.OrderIds | Exception]:
        """Send what *makers* write, a category at a time and no more at once than the quota holds.

        What cannot be written is refused by itself. A request that fails is the answer for each of its orders.
        """
        answers: dict[int, types.OrderIds | Exception] = {}
        ready: list[tuple[Category, int, Params]] = []
        for index, (make, instrument) in enumerate(zip(makers, instruments, strict=True)):
            try:
                category = self._listed.category(instrument)
                self._may_batch(capability, category)
                ready.append((category, index, make()))
            except LotusXError as error:
                answers[index] = error
        ready.sort(key=lambda row: row[0])
        for category, rows in groupby(ready, key=lambda row: row[0]):
            rest = list(rows)
            while rest:
                part = chunks(rest, size=MAX_ORDERS[category], left=self._entry.quotas.left(path, len(rest)))[0]
                rest = rest[len(part) :]
                answers.update(await self._send(path, category, part, lane))
        return [answers[index] for index in range(len(makers))]

    async def _send(
        self, path: str, category: Category, part: Sequence[tuple[Category, int, Params]], lane: Lane
    ) -> dict[int, types.OrderIds | Exception]:
        indexes = [index for _, index, _ in part]
        body = write.batch_params(category, [dict(params) for _, _, params in part])
        try:
            reply = await self._entry.order_command(path, body, orders=len(part), lane=lane)
        except LotusXError as error:
            return dict.fromkeys(indexes, error)
        asked = [params for _, _, params in part]
        found = outcomes(self._exchange, reply.result, reply.retExtInfo, asked, table=self._entry.KINDS)
        return dict(zip(indexes, found, strict=True))

    def _may_batch(self, capability: Capability, category: Category) -> None:
        lack = self._kernel.environment.lacks.get(capability)
        if lack is not None and lack.limits.get(category.value) == 0:
            what = f"{capability.value} of {category} instruments in its environment {self._kernel.environment.name!r}"
            raise NotSupported(self._exchange, what, "emulate=True (one after the other)")

    # Canceling all

    async def cancel_all(self, instrument: Instrument | None) -> Sequence[OrderState]:
        """Ask for the end of every open order; then ask how each ended.

        One that is still on its way out, or could not be asked for, is ``UNKNOWN``: its cancel was taken, or it had
        ended before.

        Raises:
            PartialFailure: The orders of some categories, or some of more than 500, could not be cancelled.
        """
        listed = {str(order.venue_order_id): order for order in await self.open_orders(instrument)}
        places = self._all_of(instrument, list(listed.values()))
        steps = {" ".join(map(str, params.values())): partial(self._cancel_place, params) for params in places}
        await cancel_each(self._exchange, steps)
        if not listed:
            return []
        ended = {name: replace(order, status=OrderStatus.UNKNOWN, raw_status="") for name, order in listed.items()}
        with suppress(LotusXError):  # it says nothing against the cancel
            states = await self._list(instrument, {"openOnly": 1}, most=MOST_AT_ONCE)
            ended.update((str(order.venue_order_id), order) for order in states if order.venue_order_id in listed)
        return list(ended.values())

    async def _cancel_place(self, params: write.Params) -> None:
        done: list[str] = []
        for number in range(1, MOST_ROUNDS + 1):
            try:
                taken = await self._rest.cancel_all(params)
            except LotusXError as error:
                raise_failed(self._exchange, {f"round {number}": error}, done)
            else:
                done.append(f"round {number}")
                if len(taken) < MOST_AT_ONCE:
                    return

    def _all_of(self, instrument: Instrument | None, orders: Sequence[OrderState]) -> list[write.Params]:
        """Return the requests that cancel *orders*, and what else is open in the same places."""
        if instrument is not None:
            places: list[tuple[Category, str | None, str | None]]
            places = [(self._listed.category(instrument), instrument.venue_symbol, None)]
        elif self._listed.categories == (Category.SPOT,):
            places = [(Category.SPOT, None, None)]
        else:
            found = {(self._category_of(order), order.symbol.settle) for order in orders}
            places = [(category, None, settle) for category, settle in sorted(found, key=str)]
        return [
            write.cancel_all_params(category, venue_symbol=venue_symbol, settle=settle, order_filter=place)
            for category, venue_symbol, settle in places
            for place in places_of(category)
        ]

    def _category_of(self, order: OrderState) -> Category:
        return self._listed.category(self._kernel.instruments.by_symbol(order.symbol))
