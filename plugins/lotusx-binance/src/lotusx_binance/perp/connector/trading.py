"""Orders of one account: limit and market orders here, conditional ones by `Conditionals`, behind the same calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import msgspec

from lotusx.errors import ExchangeError, InvalidArgument, LotusXError, MalformedReply, NotSupported, OrderNotFound
from lotusx.model import Fill, Instrument, OrderState, OrderStatus
from lotusx.plugin import Acknowledged, Amendment, OrderRef, Page, Span, cancel_each
from lotusx_binance.account_orders import AccountOrders, is_same, named, of
from lotusx_binance.perp import account_types as types, order_conversions as convert, order_requests as write
from lotusx_binance.perp.connector.conditionals import ConditionalEntry, Conditionals
from lotusx_binance.perp.errors import FOK_NOT_FILLABLE, PERP
from lotusx_binance.perp.facts import MAX_CANCELS
from lotusx_binance.perp.windows import next_start, window
from lotusx_binance.public_data import MAX_PAGE, last_ms

if TYPE_CHECKING:
    from lotusx.model import OrderRequest  # imports pydantic: not needed before an order is written
    from lotusx.plugin import Kernel
    from lotusx_binance.perp.rest import Endpoints

Answer = OrderState | Exception
W = TypeVar("W")

_item = msgspec.json.Decoder(types.BatchItem).decode
_order = msgspec.json.Decoder(types.Order).decode


class OrderEntry(ConditionalEntry, Protocol):
    """Where commands go: REST or the WebSocket API."""

    async def new_order(self, params: Mapping[str, Any]) -> types.Order: ...
    async def modify_order(self, params: Mapping[str, Any]) -> types.Order: ...
    async def ready(self) -> None: ...


class PerpTrading(AccountOrders):
    """Orders, by REST except where the option ``order_entry`` says otherwise; batches go by REST."""

    def __init__(self, kernel: Kernel, rest: Endpoints, entry: OrderEntry) -> None:
        super().__init__(kernel)
        self._exchange = kernel.facts.name
        self._rest = rest
        self._entry = entry
        self._conditionals = Conditionals(rest, entry, kernel.exchange_ns)

    async def ready(self) -> None:
        """Open the connection that the first order will use."""
        await self._entry.ready()

    # Placing

    async def place(self, request: OrderRequest, instrument: Instrument) -> OrderState:
        """Send one order. The reply states no average price: the account's events and `fills_of` do.

        A fill-or-kill order that could not be filled is no error: it has expired.
        """
        if request.type.is_conditional:
            return await self._conditionals.place(request, instrument)
        params = self._written(request, instrument)
        try:
            reply = await self._entry.new_order(params)
        except ExchangeError as error:
            return _told(_unfilled(request, error))
        return of(OrderRef(request.client_order_id), convert.to_order(reply, symbol=instrument.symbol))

    async def test(self, request: OrderRequest, instrument: Instrument) -> None:
        if request.type.is_conditional:
            raise NotSupported(self._exchange, f"testing a {request.type} order", "a limit order, or the demo")
        await self._rest.test_order(self._written(request, instrument))

    def _written(self, request: OrderRequest, instrument: Instrument) -> dict[str, str | int]:
        return write.order_params(request, instrument.venue_symbol, now_ns=self._kernel.exchange_ns())

    async def place_batch(
        self, requests: Sequence[OrderRequest], instruments: Sequence[Instrument]
    ) -> Sequence[Answer]:
        """Send limit and market orders together, then conditional ones one by one.

        An order that cannot be written is refused by itself.
        """
        answers: dict[int, Answer] = {}
        written: dict[int, dict[str, str | int]] = {}
        for index, (request, instrument) in enumerate(zip(requests, instruments, strict=True)):
            try:
                if not request.type.is_conditional:
                    written[index] = self._written(request, instrument)
            except LotusXError as error:
                answers[index] = error

        def told(index: int, error: ExchangeError) -> Answer:
            return _unfilled(requests[index], error)

        refs = [OrderRef(request.client_order_id) for request in requests]
        await self._together(self._rest.new_orders, written, refs, instruments, answers, told)
        for index, (request, instrument) in enumerate(zip(requests, instruments, strict=True)):
            if index not in answers:
                try:
                    answers[index] = await self._conditionals.place(request, instrument)
                except LotusXError as error:
                    answers[index] = error
        return [answers[index] for index in range(len(requests))]

    async def _together(
        self,
        send: Callable[[list[W]], Awaitable[Sequence[msgspec.Raw]]],
        written: Mapping[int, W],
        refs: Sequence[OrderRef],
        instruments: Sequence[Instrument],
        answers: dict[int, Any],
        told: Callable[[int, ExchangeError], Answer] = lambda index, error: error,
    ) -> None:
        """Send what is *written* in one request, and put each answer where it belongs.

        Where the request fails as a whole, what stood in it shares the failure; everything else has its own answer.
        """
        if not written:
            return
        try:
            items = await send(list(written.values()))
            if len(items) != len(written):
                raise MalformedReply(f"{self._exchange}: {len(items)} answers to a batch of {len(written)}")
        except LotusXError as error:
            answers.update(dict.fromkeys(written, error))
            return
        for index, item in zip(written, _assigned(items, [refs[index] for index in written]), strict=True):
            if item is None:
                text = f"{self._exchange}: the answers of a batch are not in its order, and none names {refs[index]}"
                answers[index] = MalformedReply(text)
                continue
            answer = self._answer(item, instruments[index])
            answers[index] = told(index, answer) if isinstance(answer, ExchangeError) else answer

    def _answer(self, item: msgspec.Raw, instrument: Instrument) -> Answer:
        """Read one answer of a batch; one that cannot be read leaves its order in doubt."""
        try:
            refused = _item(item).refusal
            if refused is not None:
                return PERP.refusal(self._exchange, refused, status=200, command=True)
            return convert.to_order(_order(item), symbol=instrument.symbol)
        except (msgspec.DecodeError, LotusXError) as error:
            body = bytes(item)[:2000].decode("utf-8", "replace")
            return MalformedReply(f"{self._exchange}: an answer of a batch cannot be read ({error})", body=body)

    # Cancelling

    async def cancel(self, ref: OrderRef, instrument: Instrument) -> OrderState | Acknowledged:
        """Cancel one order of either service; one that is known by our id alone is looked for in both."""
        if write.algo_id(ref.venue_order_id) is not None:
            return await self._conditionals.cancel(ref, instrument)
        try:
            reply = await self._entry.cancel_order({"symbol": instrument.venue_symbol, **named(ref)})
        except OrderNotFound:
            if ref.venue_order_id is not None:
                raise
            return await self._conditionals.cancel(ref, instrument)
        return of(ref, convert.to_order(reply, symbol=instrument.symbol))

    async def cancel_batch(
        self, refs: Sequence[OrderRef], instruments: Sequence[Instrument]
    ) -> Sequence[OrderState | Acknowledged | Exception]:
        """Cancel several: together those of one symbol whose order id is known, and those known by our id alone.

        Conditional orders are cancelled one by one, as are those that are not found among the others.
        """
        groups: dict[tuple[str, str], list[int]] = {}
        for index, (ref, instrument) in enumerate(zip(refs, instruments, strict=True)):
            if write.algo_id(ref.venue_order_id) is None:
                key = "origClientOrderIdList" if ref.venue_order_id is None else "orderIdList"
                groups.setdefault((instrument.venue_symbol, key), []).append(index)
        answers: dict[int, Answer | Acknowledged] = {}
        for (venue_symbol, key), indexes in groups.items():
            for start in range(0, len(indexes), MAX_CANCELS):
                part = indexes[start : start + MAX_CANCELS]
                names = {index: next(iter(named(refs[index]).values())) for index in part}

                async def send(
                    values: list[Any], venue_symbol: str = venue_symbol, key: str = key
                ) -> Sequence[msgspec.Raw]:
                    return await self._rest.cancel_orders(venue_symbol, {key: values})

                await self._together(send, names, refs, instruments, answers)
        for index, (ref, instrument) in enumerate(zip(refs, instruments, strict=True)):
            is_unknown = isinstance(answers.get(index), OrderNotFound) and ref.venue_order_id is None
            if index not in answers or is_unknown:
                try:
                    answers[index] = await self._conditionals.cancel(ref, instrument)
                except LotusXError as error:
                    answers[index] = error
        return [answers[index] for index in range(len(refs))]

    async def cancel_all(self, instrument: Instrument | None) -> Sequence[OrderState]:
        """Cancel every open order of a symbol, of both services; without one, of each symbol that has any.

        Neither answer says what was cancelled: each order that was open is asked for afterwards, and is ``UNKNOWN``
        where that fails. Of all symbols, an order of one that is not listed is cancelled too; it is left out of what is
        returned, counted and logged.

        Raises:
            PartialFailure: The orders of some symbols, or of one of the services, could not be cancelled.
        """
        venue_symbol = None if instrument is None else instrument.venue_symbol
        orders, waiting = await self._rest.open_orders(venue_symbol), await self._rest.open_algo_orders(venue_symbol)
        steps: dict[str, Callable[[], Awaitable[None]]] = {}
        names = sorted({order.symbol for order in orders} | {order.symbol for order in waiting})
        for name in [venue_symbol] if venue_symbol else names:
            steps[name] = partial(self._rest.cancel_open_orders, name)
            steps[f"{name} (conditional)"] = partial(self._rest.cancel_open_algo_orders, name)
        await cancel_each(self._exchange, steps)
        before = await self._of_account(orders, convert.to_order, "openOrders", cancelled=True)
        before += await self._of_account(waiting, convert.to_conditional, "openAlgoOrders", cancelled=True)
        return [await self._ended(order) for order in before]

    async def _ended(self, order: OrderState) -> OrderState:
        """Return what became of an order that was cancelled, or had ended before; ``UNKNOWN`` where that is not known.

        Nothing is raised: the orders are cancelled whatever a read says.
        """
        with suppress(LotusXError):
            place = self._kernel.instruments.by_symbol(order.symbol)
            try:
                return await self.order(OrderRef(order.client_order_id, order.venue_order_id), place)
            except OrderNotFound:
                if await self._is_unfilled(order, place):
                    return replace(order, status=OrderStatus.CANCELED, raw_status="CANCELED")
        return replace(order, status=OrderStatus.UNKNOWN, raw_status="")

    async def _is_unfilled(self, order: OrderState, instrument: Instrument) -> bool:
        """Say whether an order that is not found any more is proved to have ended without a fill."""
        placed_ns, name = order.created_ns, order.venue_order_id
        if order.filled or placed_ns is None or name is None:
            return False
        if write.algo_id(name) is not None:  # what executes is an order of its own, and is found as that
            return convert.may_be_forgotten(placed_ns, placed_ns, self._kernel.exchange_ns())
        return await self._conditionals.is_unfilled(instrument, int(name), placed_ns, placed_ns)

    async def cancel_all_after(self, seconds: int, instrument: Instrument | None) -> None:
        """Have the exchange cancel the orders of one symbol in *seconds*; 0: no more.

        That this includes conditional orders is not documented.

        Raises:
            InvalidArgument: Of all symbols.
        """
        if instrument is None:
            raise InvalidArgument(f"{self._exchange} counts down for one symbol at a time: name it", rule="symbol")
        await self._rest.countdown_cancel_all(instrument.venue_symbol, seconds * 1_000)

    # Amending

    async def amend(self, order: OrderState, change: Amendment, instrument: Instrument) -> OrderState:
        """Change a limit order in one step; it keeps its ids, and goes to the end of the queue.

        Raises:
            NotSupported: A conditional order, or one without a price.
        """
        params = write.modify_params(order, change, instrument.venue_symbol)
        amended = convert.to_order(await self._entry.modify_order(params), symbol=instrument.symbol)
        return of(OrderRef(order.client_order_id, order.venue_order_id), amended)

    async def amend_batch(
        self, orders: Sequence[OrderState], changes: Sequence[Amendment], instruments: Sequence[Instrument]
    ) -> Sequence[Answer]:
        """Change several; one that cannot be amended is refused by itself."""
        answers: dict[int, Answer] = {}
        written: dict[int, dict[str, str | int]] = {}
        for index, (order, change, instrument) in enumerate(zip(orders, changes, instruments, strict=True)):
            try:
                written[index] = write.modify_params(order, change, instrument.venue_symbol)
            except LotusXError as error:
                answers[index] = error
        refs = [OrderRef(order.client_order_id, order.venue_order_id) for order in orders]
        await self._together(self._rest.modify_orders, written, refs, instruments, answers)
        return [answers[index] for index in range(len(orders))]

    # Looking

    async def order(self, ref: OrderRef, instrument: Instrument) -> OrderState:
        """Look one order up, in both services where only our id is known."""
        if write.algo_id(ref.venue_order_id) is not None:
            return await self._conditionals.order(ref, instrument)
        try:
            item = await self._rest.order({"symbol": instrument.venue_symbol, **named(ref)})
        except OrderNotFound:
            if ref.venue_order_id is not None:
                raise
            return await self._conditionals.order(ref, instrument)
        return convert.to_order(item, symbol=instrument.symbol)

    async def open_orders(self, instrument: Instrument | None) -> Sequence[OrderState]:
        """Return the open orders of both services; asking for all symbols costs 80 instead of 2.

        Of all symbols, orders of one that a fresh list of instruments does not have are left out, counted and logged.
        """
        venue_symbol = None if instrument is None else instrument.venue_symbol
        orders = await self._of_account(await self._rest.open_orders(venue_symbol), convert.to_order, "openOrders")
        waiting = await self._rest.open_algo_orders(venue_symbol)
        return orders + await self._of_account(waiting, convert.to_conditional, "openAlgoOrders")

    async def orders_page(self, instrument: Instrument, span: Span, cursor: str | None, limit: int) -> Page[OrderState]:
        """One page of ``allOrders``: a window of less than 7 days; the cursor is where it starts, in ms."""
        limit = min(limit, MAX_PAGE)
        start, end = self._bounds(span)
        params: dict[str, Any] = {"symbol": instrument.venue_symbol, "limit": limit}
        if start is None:
            items = await self._rest.all_orders({**params, "endTime": last_ms(span)})
            return Page([convert.to_order(item, symbol=instrument.symbol) for item in items], None)
        opens, closes = window(cursor, start, end)
        items = await self._rest.all_orders({**params, "startTime": opens, "endTime": closes})
        times = [item.time or item.updateTime for item in items]
        following = next_start(times, opens, closes, end, limit, "orders")
        return Page([convert.to_order(item, symbol=instrument.symbol) for item in items], following)

    async def fills_page(self, instrument: Instrument, span: Span, cursor: str | None, limit: int) -> Page[Fill]:
        """One page of ``userTrades``: a window of less than 7 days; the cursor is where it starts, in ms."""
        limit = min(limit, MAX_PAGE)
        start, end = self._bounds(span)
        params: dict[str, Any] = {"symbol": instrument.venue_symbol, "limit": limit}
        if start is None:
            return Page(
                self._fills(await self._rest.user_trades({**params, "endTime": last_ms(span)}), instrument), None
            )
        opens, closes = window(cursor, start, end)
        items = await self._rest.user_trades({**params, "startTime": opens, "endTime": closes})
        following = next_start([item.time for item in items], opens, closes, end, limit, "fills")
        return Page(self._fills(items, instrument), following)

    async def fills_of(self, state: OrderState, instrument: Instrument) -> Sequence[Fill]:
        """All fills of one order, oldest first; a conditional order has those of the order that it became."""
        venue_order_id = state.venue_order_id
        if venue_order_id is None or write.algo_id(venue_order_id) is not None:
            found = await self.order(OrderRef(state.client_order_id, venue_order_id), instrument)
            venue_order_id = found.venue_order_id
        if venue_order_id is None or write.algo_id(venue_order_id) is not None:
            return []  # it has not triggered
        params = {"symbol": instrument.venue_symbol, "orderId": venue_order_id, "limit": MAX_PAGE}
        items = page = await self._rest.user_trades(params)
        while len(page) == MAX_PAGE:
            page = await self._rest.user_trades({**params, "fromId": page[-1].id + 1})
            items = items + page
        return self._fills(items, instrument)

    def _fills(self, items: Sequence[types.AccountTrade], instrument: Instrument) -> list[Fill]:
        received_ns = self._now_ns()
        return [convert.to_fill(item, symbol=instrument.symbol, received_ns=received_ns) for item in items]


def _assigned(items: Sequence[msgspec.Raw], refs: Sequence[OrderRef]) -> Sequence[msgspec.Raw | None]:
    """Return the answer to each of *refs*; ``None``: it cannot be told which that is.

    They are documented to stand in the order of what was asked. Where one names another order than that of its place
    they do not, and only those count that name theirs: a refusal names none.
    """
    names = [_name(item) for item in items]
    if all(is_same(name, ref) is not False for name, ref in zip(names, refs, strict=True)):
        return items
    return [next((item for item, name in zip(items, names, strict=True) if is_same(name, ref)), None) for ref in refs]


def _name(item: msgspec.Raw) -> OrderRef:
    try:
        found = _item(item)
    except msgspec.DecodeError:
        return OrderRef()
    return OrderRef(found.clientOrderId, None if found.orderId is None else str(found.orderId))


def _unfilled(request: OrderRequest, error: ExchangeError) -> Answer:
    """Tell a fill-or-kill order that could not be filled from one that was refused."""
    return convert.to_unfilled(request, error.text) if error.code == str(FOK_NOT_FILLABLE) else error


def _told(answer: Answer) -> OrderState:
    if isinstance(answer, Exception):
        raise answer
    return answer
