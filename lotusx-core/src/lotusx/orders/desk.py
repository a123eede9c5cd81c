"""The desk: the one place orders of an account go through. Every command is sent once; doubt is resolved by looking."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING

import anyio

from lotusx.errors import ConnectionFailed, LotusXError, OrderNotFound
from lotusx.kernel.orders.ledger import Ledger
from lotusx.kernel.orders.outcome import CommandKind
from lotusx.kernel.origin import made_as
from lotusx.kernel.ports import Acknowledged, OrderRef
from lotusx.kernel.request import Origin
from lotusx.model.account import AccountEvent
from lotusx.model.enums import OrderStatus
from lotusx.model.orders import Fill, OrderState, Outcome, Rejected
from lotusx.orders.commands import Check, Commands, EndToldOnly, Prepared, check_names
from lotusx.orders.handle import Order
from lotusx.orders.journal import Intent, Journal
from lotusx.orders.leftovers import Leftovers, Recovered
from lotusx.orders.looking import Looker
from lotusx.orders.owed import Owed
from lotusx.orders.runner import Listener, Runner, as_refusal
from lotusx.orders.terms import names_of

if TYPE_CHECKING:
    from lotusx.kernel.clock import Clock
    from lotusx.kernel.orders.merge import TrackedOrder
    from lotusx.kernel.ports import TradingPort
    from lotusx.kernel.telemetry import Telemetry
    from lotusx.model.instruments import Instrument
    from lotusx.model.requests import OrderRequest


class OrderDesk:
    """Places, amends and cancels orders of one account.

    Args:
        exchange: Name, for errors and observers.
        port: The exchange.
        ids: Makes client order ids, such as `ClientOrderIds`.
        horizon_s: After this long, an order that cannot be found was never accepted. 0: absence never proves anything.
        hidden_by: As in `ExchangeFacts`: of what these options hide, absence never proves anything either.
        resolve_s: How long to look before a command ends unknown; always at least 5 s more than the horizon.
        checks: Called before every order and amendment, after the instrument's rules, one order after the other, and
            awaited where they return something to await; one that raises prevents it.
        journal: Remembers intents on disk; memory always does.
        ledger: What this process knows; its bounds are set there.
        batch_limits: Most items of one batch of each kind that the exchange takes; more are sent in several.
        prepare: Awaited before an order is placed or amended; one that raises prevents it.
        exchange_ns: Turns our wall time into the exchange's, by which its history is asked for.

    Not for use from several threads. Cancelling a call that is in doubt is safe: the order stays known, `run` finds out
    what became of it, as does the next recovery of the account stream, and nothing is sent again.
    """

    def __init__(
        self,
        exchange: str,
        port: TradingPort,
        clock: Clock,
        *,
        ids: Callable[[], str],
        horizon_s: float = 0.0,
        hidden_by: Mapping[str, Collection[str]] | None = None,
        resolve_s: float = 20.0,
        checks: Sequence[Check] = (),
        journal: Journal | None = None,
        telemetry: Telemetry | None = None,
        ledger: Ledger | None = None,
        batch_limits: Mapping[CommandKind, int] | None = None,
        exchange_ns: Callable[[int], int] = int,
        prepare: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self.ledger = Ledger() if ledger is None else ledger
        self._port = port
        self._clock = clock
        self._ids = ids
        self._batch_limits = batch_limits or {}
        self._leftovers: Leftovers | None = None
        self._run = Runner(exchange, clock, self.ledger, journal, telemetry)
        self._look = Looker(exchange, clock, port, self._run.learn, resolve_s=resolve_s, exchange_ns=exchange_ns)
        self._make = Commands(
            self._run, self._look, ids=ids, horizon_s=horizon_s, hidden_by=hidden_by or {}, checks=checks,
            query=self.query, prepare=prepare,
        )  # fmt: skip

    @property
    def owed(self) -> Owed:
        """What the account's channels owe: told by whoever reads them what they bring."""
        return self._run.owed

    async def run(self) -> None:
        """Look, until cancelled, into every command that was given up or left in doubt, until it is decided."""
        await self._run.doubts.run()

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Have *listener* told what answers to commands and queries reveal; return what ends that.

        While somebody listens, order handles rely on being told; otherwise they ask.
        """
        self._run.listeners.append(listener)
        return partial(self._run.listeners.remove, listener)

    def apply_state(self, state: OrderState) -> list[AccountEvent]:
        """Merge a report of the account stream; return what is new: each event once, no order ever backwards."""
        events = self.ledger.apply_state(state)
        self._run.teller.news(events)
        return events

    def apply_fill(self, fill: Fill) -> list[AccountEvent]:
        """Count a fill of the account stream; return it if it is new."""
        events = self.ledger.apply_fill(fill)
        self._run.teller.news(events)
        return events

    def identified(self, request: OrderRequest) -> OrderRequest:
        """Return *request* with a client order id, made if absent."""
        return request if request.client_order_id is not None else request.with_id(self._ids())

    async def check(self, request: OrderRequest, instrument: Instrument) -> None:
        """Refuse what breaks a rule of the instrument, or what one of the checks vetoes."""
        await self._make.test(request, instrument)

    async def place(self, request: OrderRequest, instrument: Instrument) -> Order:
        """Place an order; return its handle once the exchange is known to have it (it may have ended meanwhile).

        Raises:
            RefusedBeforeSending: A rule, a check, or a client order id used before; nothing was sent.
            ExchangeError: The exchange said no, or ``code="lost"``: it was never accepted, as looking has proved.
            OrderOutcomeUnknown: Nothing proves what became of it. Do not send it again.
        """
        named = self.identified(request)
        return await self._one(await self._placement(named, instrument), self._port.place)

    async def place_batch(
        self, requests: Sequence[OrderRequest], instruments: Sequence[Instrument], *, emulate: bool = False
    ) -> list[Outcome]:
        """Place several; return one outcome per input, in input order. Never raises for an item.

        With *emulate* each is sent by itself, one after the other.
        """
        named = [self.identified(request) for request in requests]
        return await self._batch(
            CommandKind.PLACE,
            [str(request.client_order_id) for request in named],
            [partial(self._placement, *pair) for pair in zip(named, instruments, strict=True)],
            self._port.place if emulate else None,
            self._port.place_batch,
        )

    async def cancel(self, ref: OrderRef, instrument: Instrument) -> OrderState:
        """Cancel an order; return what became of it: it may have filled meanwhile, or still be on its way out.

        Raises:
            OrderNotFound: The exchange knows no such order, also not after looking again.
            ExchangeError: It said no, or ``code="lost"``: the order still works. Cancelling again is safe.
            OrderOutcomeUnknown: Nothing proves whether it was cancelled. Cancelling again is safe.
        """
        made = await self._cancellation(ref, instrument)
        await self._intend(made)
        self._run.raise_unless_accepted(await self._run.run(made.job, partial(self._cancel, *made.arguments)))
        return made.job.state()

    async def cancel_batch(
        self, refs: Sequence[OrderRef], instruments: Sequence[Instrument], *, emulate: bool = False
    ) -> list[Outcome]:
        """Cancel several; return one outcome per input, in input order. Never raises for an item."""
        return await self._batch(
            CommandKind.CANCEL,
            [str(ref) for ref in refs],
            [partial(self._cancellation, *pair) for pair in zip(refs, instruments, strict=True)],
            self._cancel if emulate else None,
            self._cancel_batch,
        )

    async def cancel_all(self, instrument: Instrument | None) -> Sequence[OrderState]:
        """Cancel every open order of *instrument*, or of the account; return what became of each.

        A transport error leaves it open what was cancelled: calling again is safe.
        """
        symbol = None if instrument is None else instrument.symbol
        with made_as(Origin.ORDER):
            states = await self._run.teller.around_cancel_all(symbol, partial(self._port.cancel_all, instrument))
        for state in states:
            self._run.learn(state)
        merged = [(state, self._merged(state)) for state in states]
        return [
            replace(known, status=OrderStatus.UNKNOWN)  # told before it was canceled: what became of it is not known
            if state.status is OrderStatus.UNKNOWN and not known.status.is_terminal
            else known
            for state, known in merged
        ]

    async def _cancel(self, ref: OrderRef, instrument: Instrument) -> OrderState:
        return await self._described(await self._port.cancel(ref, instrument), {ref: instrument})

    async def _cancel_batch(
        self, refs: Sequence[OrderRef], instruments: Sequence[Instrument]
    ) -> Sequence[OrderState | Exception]:
        places = dict(zip(refs, instruments, strict=True))
        answers: list[OrderState | Exception] = []
        for answer in await self._port.cancel_batch(refs, instruments):
            try:
                answers.append(answer if isinstance(answer, Exception) else await self._described(answer, places))
            except (LotusXError, EndToldOnly) as error:
                answers.append(error)
        return answers

    async def _described(self, answer: OrderState | Acknowledged, places: Mapping[OrderRef, Instrument]) -> OrderState:
        """Complete an acknowledgement from what is known of the order; one placed elsewhere is asked for."""
        if isinstance(answer, OrderState):
            return answer
        instrument = places[answer.ref]
        order = self._find(answer.ref, instrument)
        state = await self._asked(answer, instrument) if order is None else order.part(answer.ref.venue_order_id)
        if answer.status is None or state.status.is_terminal:
            return state
        return replace(state, status=answer.status, raw_status=answer.raw_status or state.raw_status)

    async def _asked(self, answer: Acknowledged, instrument: Instrument) -> OrderState:
        """Ask for an order whose cancel was taken; that the question fails says nothing against the cancel."""
        ended = answer.status is not None and answer.status.is_terminal
        try:
            return await self._port.order(answer.ref, instrument)
        except LotusXError as error:
            if isinstance(error, OrderNotFound) and not ended:
                raise
            text = f"and the order could not be asked for ({type(error).__name__}: {error})"
            if ended:
                raise EndToldOnly(f"{answer.ref}: the exchange said the order is {answer.status}, {text}") from error
            raise ConnectionFailed(f"{answer.ref}: the cancel was taken, {text}", sent=True) from error

    async def amend(
        self, ref: OrderRef, instrument: Instrument, *, quantity: Decimal | None = None, price: Decimal | None = None
    ) -> Order:
        """Change a working order; return its handle: the order stays the same, its ids may be new.

        Raises:
            RefusedBeforeSending: A rule or a check, or another amendment of it is under way; nothing was sent.
            ExchangeError: The exchange said no, or ``code="lost"``: the order is as it was, or has ended.
            OrderOutcomeUnknown: Nothing proves which terms it has now.
        """
        return await self._one(await self._amendment(ref, instrument, quantity, price), self._port.amend)

    async def amend_batch(
        self,
        refs: Sequence[OrderRef],
        terms: Sequence[tuple[Decimal | None, Decimal | None]],
        instruments: Sequence[Instrument],
        *,
        emulate: bool = False,
    ) -> list[Outcome]:
        """Change several, each to its (quantity, price); return one outcome per input, in input order.

        Never raises for an item.
        """
        return await self._batch(
            CommandKind.AMEND,
            [str(ref) for ref in refs],
            [
                partial(self._amendment, ref, instrument, *new)
                for ref, instrument, new in zip(refs, instruments, terms, strict=True)
            ],
            self._port.amend if emulate else None,
            self._port.amend_batch,
        )

    async def _placement(self, request: OrderRequest, instrument: Instrument) -> Prepared:
        try:
            return await self._make.place(request, instrument)
        except Exception as error:
            self._refused(CommandKind.PLACE, str(request.client_order_id), instrument, error)
            raise

    async def _cancellation(self, ref: OrderRef, instrument: Instrument) -> Prepared:
        try:
            return await self._make.cancel(ref, instrument)
        except Exception as error:
            self._refused(CommandKind.CANCEL, str(ref), instrument, error)
            raise

    async def _amendment(
        self, ref: OrderRef, instrument: Instrument, quantity: Decimal | None, price: Decimal | None
    ) -> Prepared:
        try:
            return await self._make.amend(ref, instrument, quantity, price)
        except Exception as error:
            self._refused(CommandKind.AMEND, str(ref), instrument, error)
            raise

    def _refused(self, kind: CommandKind, name: str, instrument: Instrument, error: Exception) -> None:
        """Tell observers of an error, which says that nothing was sent."""
        self._run.teller.refused(kind.value, instrument.symbol, name, error)

    async def _one(self, made: Prepared, send: Callable[..., Awaitable[OrderState]]) -> Order:
        assert made.order is not None
        await self._intend(made)
        self._run.raise_unless_accepted(await self._run.run(made.job, partial(send, *made.arguments)))
        return self._handle(made.order, made.arguments[-1])

    async def _batch(
        self,
        kind: CommandKind,
        names: Sequence[str],
        makers: Sequence[Callable[[], Awaitable[Prepared]]],
        send_one: Callable[..., Awaitable[OrderState]] | None,
        send_many: Callable[..., Awaitable[Sequence[OrderState | Exception]]],
    ) -> list[Outcome]:
        """Make each command and send them: one by one with *send_one*, else as many at a time as a batch holds."""
        outcomes: dict[int, Outcome] = {}
        ready: list[tuple[int, Prepared]] = []
        try:
            for index, make in enumerate(makers):
                try:
                    made = await make()
                    if send_one is not None:
                        await self._intend(made)
                except Exception as error:
                    outcomes[index] = Rejected(names[index], as_refusal(error))
                    continue
                if send_one is not None:
                    outcomes[index] = await self._run.run(made.job, partial(send_one, *made.arguments))
                else:
                    ready.append((index, made))
        except BaseException:  # nothing of these has been sent
            for _, made in ready:
                made.undo()
            raise
        failed = await self._intend_all([made for _, made in ready])
        outcomes.update({index: Rejected(names[index], failed[id(m)]) for index, m in ready if id(m) in failed})
        ready = [(index, made) for index, made in ready if id(made) not in failed]
        size = self._batch_limits.get(kind) or max(len(ready), 1)
        for start in range(0, len(ready), size):
            part = ready[start : start + size]
            columns = [list(column) for column in zip(*(made.arguments for _, made in part), strict=True)]
            try:
                ended = await self._run.run_batch([made.job for _, made in part], partial(send_many, *columns))
            except BaseException:  # nothing of what comes after these has been sent
                for _, made in ready[start + size :]:
                    made.undo()
                raise
            outcomes.update(zip((index for index, _ in part), ended, strict=True))
        return [outcomes[index] for index in range(len(makers))]

    async def _intend(self, made: Prepared) -> None:
        """Have the journal keep what is about to be sent; if it cannot, nothing is."""
        intent = made.job.intent
        try:
            await self._run.intend(intent)
        except BaseException as error:
            made.undo()
            if isinstance(error, Exception):
                self._run.teller.refused(intent.kind.value, intent.symbol, intent.client_order_id, error)
            raise

    async def _intend_all(self, made: Sequence[Prepared]) -> dict[int, LotusXError]:
        """Do that for several side by side, so that the journal may write them at once; return what failed, by id."""
        failed: dict[int, LotusXError] = {}
        if not self._run.has_journal:
            return failed

        async def intend(one: Prepared) -> None:
            try:
                await self._intend(one)
            except Exception as error:
                failed[id(one)] = as_refusal(error)

        try:
            async with anyio.create_task_group() as group:
                for one in made:
                    group.start_soon(intend, one)
        except BaseException:  # nothing of these has been sent
            for one in made:
                if id(one) not in failed:
                    one.undo()
            raise
        return failed

    def adopt(self, intents: Sequence[Intent]) -> Leftovers:
        """Know of the orders that an earlier process left undecided; return what finds out about them."""
        for intent in intents:
            self._make.adopt(intent)
        self._leftovers = Leftovers(self._run, self._make, intents, self._handle)
        return self._leftovers

    async def recovered(self) -> Sequence[Recovered]:
        """Wait until all that was adopted is resolved; return what became of it, oldest first."""
        return () if self._leftovers is None else await self._leftovers.all()

    async def query(self, ref: OrderRef, instrument: Instrument) -> OrderState:
        """Look an order up at the exchange; return all that is known of it then.

        Raises:
            OrderNotFound: The exchange does not find it here and now.
        """
        check_names(ref)
        order = self._find(ref, instrument)
        names = ref if order is None or not order.known_to_exchange else names_of(order)
        asked_ns = self._clock.monotonic_ns()
        try:
            state = await self._port.order(names, instrument)
        except OrderNotFound:
            if order is not None and await self.absent(order, instrument, asked_ns):
                self.close_absent(order)
            raise
        if not self._run.found(state, order):  # another one, under the id of a placement in doubt
            return state
        return self._merged(state) if order is None else order.state

    def order(self, ref: OrderRef, instrument: Instrument) -> Order | None:
        """Return the handle of an order this process knows."""
        found = self._find(ref, instrument)
        return None if found is None else self._handle(found, instrument)

    async def absent(self, order: TrackedOrder, instrument: Instrument, asked_ns: int) -> bool:
        """Say whether it is proved that *order*, not found by a query at *asked_ns* (monotonic), never came to be.

        Only a placement still in doubt can be, once its horizon has passed and neither the open orders nor the fills
        show it; these are asked here. It proves nothing of any other order.
        """
        command = order.placement
        if command is None or order.known_to_exchange or command.decided:
            return False
        return await self._look.absent(command, order, instrument, asked_ns)

    def close_absent(self, order: TrackedOrder) -> None:
        """End a placement that `absent` has proved never came to be, unless something shows the contrary by now."""
        command = order.placement
        if command is None or order.known_to_exchange or command.decided:
            return
        command.reject(self._look.lost(command, "the order was never accepted"), self._clock.monotonic_ns())
        self.ledger.close(order)

    def _find(self, ref: OrderRef, instrument: Instrument) -> TrackedOrder | None:
        return self.ledger.find(instrument.symbol, ref.client_order_id, ref.venue_order_id)

    def _merged(self, state: OrderState) -> OrderState:
        found = self.ledger.find(state.symbol, state.client_order_id, state.venue_order_id)
        return state if found is None or found.excludes(state) else found.state

    def _handle(self, order: TrackedOrder, instrument: Instrument) -> Order:
        async def refresh() -> None:
            await self.query(names_of(order), instrument)

        async def fetch() -> None:
            for leg in tuple(order.legs):
                part = replace(order.state, venue_order_id=leg.venue_order_id)
                with suppress(OrderNotFound):  # some ask for the order first, and it is shown late as well
                    for fill in await self._port.fills_of(part, instrument):
                        self._run.learn(fill)

        return Order(
            order, instrument, self._clock, refresh=refresh, fetch=fetch, followed=lambda: bool(self._run.listeners)
        )
