"""Orders of one account, on spot and perpetuals. What is asked about them is in `order_reads`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import msgspec

from lotusx.errors import (
    ConnectionFailed,
    InvalidArgument,
    ItemRejected,
    LotusXError,
    MalformedReply,
    OrderNotFound,
    TransportError,
)
from lotusx.model import Instrument, OrderState, decimal_from_wire
from lotusx.plugin import Acknowledged, OrderRef, cancel_each
from lotusx_backpack import account_types as types, order_conversions as convert
from lotusx_backpack.connector.order_reads import OrderReads
from lotusx_backpack.order_requests import DEFAULT_TRIGGER, Value, cancel_body, check_trigger, order_body

if TYPE_CHECKING:
    from lotusx.model import OrderRequest  # imports pydantic: not needed before an order is written

T = TypeVar("T")
References = dict[tuple[str, str], Decimal]
"""What triggers compare with, by market and by the exchange's word for the price."""


class BackpackTrading(OrderReads):
    """Orders by REST: there is no other way."""

    async def ready(self) -> None:
        """Open the connection that the first order will use."""
        await self._rest.time_ns()

    # Placing

    async def place(self, request: OrderRequest, instrument: Instrument) -> OrderState:
        """Send one order; a conditional one asks first where the market is, see `check_trigger`."""
        body = await self._body(request, instrument, {})
        item = self._of(body, await self._rest.place_order(body))
        answer = convert.to_answer(
            item, request, exchange=self._exchange, symbol=instrument.symbol, ours=self._ids.ours
        )
        if not isinstance(answer, OrderState):
            raise answer
        return self._known_again(answer, item)

    def _of(self, body: dict[str, Value], item: types.Order) -> types.Order:
        """Return *item*, which the command *body* was answered with; its number may be text, or left out.

        Raises:
            MalformedReply: It is another order's: what became of the one that was meant is open.
        """
        number = body.get("clientId")
        is_other = number is not None and item.clientId not in (None, "", number, str(number))
        if is_other or body.get("orderId", item.id) != item.id:
            text = f"{self._exchange}: the answer names another order (id {item.id}, clientId {item.clientId})"
            raise MalformedReply(text)
        return item

    async def place_batch(
        self, requests: Sequence[OrderRequest], instruments: Sequence[Instrument]
    ) -> Sequence[OrderState | Exception]:
        """Send several in one request. One that cannot be written stops only itself: nothing of it is sent.

        A request that fails is the answer for each order that was in it.
        """
        bodies: list[dict[str, Value]] = []
        written: list[int] = []
        answers: dict[int, OrderState | Exception] = {}
        references: References = {}
        for index, (request, instrument) in enumerate(zip(requests, instruments, strict=True)):
            try:
                bodies.append(await self._body(request, instrument, references))
                written.append(index)
            except LotusXError as error:
                answers[index] = error
        if bodies:
            try:
                documents = await self._rest.place_orders(bodies)
                if len(documents) != len(bodies):
                    raise MalformedReply(f"{self._exchange}: {len(documents)} answers to {len(bodies)} orders")
            except LotusXError as error:  # of what was sent only
                answers.update(dict.fromkeys(written, error))
            else:
                for index, document in zip(written, documents, strict=True):
                    answers[index] = self._answer(document, requests[index], instruments[index])
                if any(_is_of_another(answers[index], requests[index]) for index in written):
                    # A refusal names no order: it may be anyone's then.
                    text = f"{self._exchange}: the answers of a batch are not in its order"
                    answers.update(dict.fromkeys(written, MalformedReply(text)))
        return [answers[index] for index in range(len(requests))]

    def _answer(self, document: msgspec.Raw, request: OrderRequest, instrument: Instrument) -> OrderState | Exception:
        try:
            answer = convert.to_batch_answer(
                document, request, exchange=self._exchange, symbol=instrument.symbol, ours=self._ids.ours
            )
            return self._known_again(answer, None) if isinstance(answer, OrderState) else answer
        except ItemRejected as error:
            return MalformedReply(f"{self._exchange}: {error}", body=bytes(document)[:2000].decode("utf-8", "replace"))

    async def _body(self, request: OrderRequest, instrument: Instrument, references: References) -> dict[str, Value]:
        body = order_body(request, instrument)
        if request.trigger_price is not None:
            word = str(body.get("triggerBy", DEFAULT_TRIGGER))
            key = (instrument.venue_symbol, word)
            if key not in references:
                references[key] = await self._before(lambda: self._reference(instrument, word))
            check_trigger(request, references[key])
        if request.client_order_id is not None:
            body["clientId"] = self._ids.new(request.client_order_id)
        return body

    async def _reference(self, instrument: Instrument, word: str) -> Decimal:
        """Return the price that triggers compare with, now.

        Raises:
            InvalidArgument: There is none of that name.
        """
        name = instrument.venue_symbol
        if word == "LastPrice":
            for trade in await self._rest.trades(name, 1):
                return decimal_from_wire(trade.price, field="price")
        elif word in ("MarkPrice", "IndexPrice"):
            for item in await self._rest.mark_prices(name):
                text = item.markPrice if word == "MarkPrice" else item.indexPrice
                if item.symbol == name and text is not None:
                    return decimal_from_wire(text, field=word)
        raise InvalidArgument(
            f"{instrument.symbol} has no {word} that a trigger could be compared with", rule="trigger_price"
        )

    async def _before(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask for what a command needs; if that fails, say that nothing was sent."""
        try:
            return await ask()
        except (TransportError, ItemRejected) as error:
            text = f"{self._exchange}: nothing was sent, for what it depends on could not be read first: {error}"
            raise ConnectionFailed(text, sent=False) from error

    # Cancelling

    async def cancel(self, ref: OrderRef, instrument: Instrument) -> OrderState | Acknowledged:
        """Cancel one order; an answer without the order (202) says only that it was taken."""
        as_of_ns = self._kernel.exchange_ns()
        body = self._named(ref, instrument)
        item = await self._rest.cancel_order(body)
        if item is None:
            return Acknowledged(ref, raw_status="202")
        return self._state(self._of(body, item), instrument.symbol, as_of_ns)

    def _named(self, ref: OrderRef, instrument: Instrument) -> dict[str, Value]:
        if ref.venue_order_id is not None or ref.client_order_id is None:
            return cancel_body(instrument.venue_symbol, order_id=ref.venue_order_id)
        return cancel_body(instrument.venue_symbol, client_id=self._ids.of(ref.client_order_id))

    async def cancel_all(self, instrument: Instrument | None) -> Sequence[OrderState]:
        """Cancel every open order of a symbol, conditional ones too; without one, of each symbol that has any.

        Where the exchange only says that it took the command (202), what is open still is returned as it stands.

        Raises:
            PartialFailure: The orders of some symbols could not be cancelled.
        """
        if instrument is not None:
            return await self._cancel_symbol(instrument.venue_symbol)
        ended: list[OrderState] = []

        async def cancel(venue_symbol: str) -> None:
            ended.extend(await self._cancel_symbol(venue_symbol))

        names = sorted({order.symbol for order in await self._rest.open_orders()})
        await cancel_each(self._exchange, {name: partial(cancel, name) for name in names})
        return ended

    async def _cancel_symbol(self, venue_symbol: str) -> list[OrderState]:
        as_of_ns = self._kernel.exchange_ns()
        try:
            items = await self._rest.cancel_orders(venue_symbol)
        except OrderNotFound:
            return []  # nothing was left to cancel: whether that is said so is not documented
        if items is None:
            as_of_ns = self._kernel.exchange_ns()
            try:
                items = await self._rest.open_orders(venue_symbol)
            except LotusXError as error:  # says nothing against the cancel
                text = f"{self._exchange}: the cancel of {venue_symbol} was taken, and what is open not told: {error}"
                raise ConnectionFailed(text, sent=True) from error
        return await self._of_account("orders", items, as_of_ns, cancelled=True)


def _is_of_another(answer: OrderState | Exception, request: OrderRequest) -> bool:
    """Say whether *answer* names another order than *request*; it may name none."""
    return isinstance(answer, OrderState) and answer.client_order_id not in (None, request.client_order_id)
