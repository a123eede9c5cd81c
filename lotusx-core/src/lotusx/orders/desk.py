"""The desk: the one place orders of an account go through. Every command is sent once; doubt is resolved by looking."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from lotusx.errors import InvalidArgument, OrderNotFound, PartialFailure
from lotusx.kernel.orders.ledger import Ledger
from lotusx.kernel.orders.outcome import Command, CommandKind, Phase
from lotusx.kernel.ports import Amendment, OrderRef
from lotusx.model.account import AccountEvent
from lotusx.model.orders import Fill, OrderState, Outcome, Rejected
from lotusx.orders.handle import Order
from lotusx.orders.journal import Intent, Journal
from lotusx.orders.looking import Looker
from lotusx.orders.runner import Job, Listener, Runner, as_refusal
from lotusx.orders.terms import amended_request, asked_for, exists, is_answer_to, names_of, shows
from lotusx.rules import check_order

if TYPE_CHECKING:
    from lotusx.kernel.clock import Clock
    from lotusx.kernel.orders.merge import TrackedOrder
    from lotusx.kernel.ports import TradingPort
    from lotusx.kernel.telemetry import Telemetry
    from lotusx.model.instruments import Instrument
    from lotusx.model.requests import OrderRequest

_Item = TypeVar("_Item")
Check = Callable[["OrderRequest", "Instrument"], None]
READ_GRACE_S = 5.0
"""How long an order that a command did not find may still become visible to reads."""


class OrderDesk:
    """Places, amends and cancels orders of one account.

    Args:
        exchange: Name, for errors and observers.
        port: The exchange.
        ids: Makes client order ids, such as `ClientOrderIds`.
        horizon_s: After this long, an order that cannot be found was never accepted. 0: absence never proves anything.
        resolve_s: How long to look before a command ends unknown; always at least 5 s more than the horizon.
        checks: Called before every order and amendment, after the instrument's rules; one that raises prevents it.
        journal: Remembers intents on disk; memory always does.
        ledger: What this process knows; its bounds are set there.
        batch_limit: Most items of one batch the exchange takes; more are sent in several.
        exchange_ns: Turns our wall time into the exchange's, by which its history is asked for.

    Not for use from several threads. Cancelling a call that is in doubt is safe: the order stays known, is asked for
    at the next recovery of the account stream, and nothing is sent again.
    """

    def __init__(
        self,
        exchange: str,
        port: TradingPort,
        clock: Clock,
        *,
        ids: Callable[[], str],
        horizon_s: float = 0.0,
        resolve_s: float = 20.0,
        checks: Sequence[Check] = (),
        journal: Journal | None = None,
        telemetry: Telemetry | None = None,
        ledger: Ledger | None = None,
        batch_limit: int | None = None,
        exchange_ns: Callable[[int], int] = int,
    ) -> None:
        self.ledger = Ledger() if ledger is None else ledger
        self._port = port
        self._clock = clock
        self._ids = ids
        self._horizon_s = horizon_s
        self._checks = tuple(checks)
        self._batch_limit = batch_limit
        self._run = Runner(exchange, clock, self.ledger, journal, telemetry)
        self._look = Looker(exchange, clock, port, self._run.learn, resolve_s=resolve_s, exchange_ns=exchange_ns)

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Have *listener* told what answers to commands and queries reveal; return what ends that.

        While somebody listens, order handles rely on being told; otherwise they ask.
        """
        self._run.listeners.append(listener)
        return partial(self._run.listeners.remove, listener)

    def apply_state(self, state: OrderState) -> list[AccountEvent]:
        """Merge a report of the account stream; return what is new: each event once, no order ever backwards."""
        return self.ledger.apply_state(state)

    def apply_fill(self, fill: Fill) -> list[AccountEvent]:
        """Count a fill of the account stream; return it if it is new."""
        return self.ledger.apply_fill(fill)

    def identified(self, request: OrderRequest) -> OrderRequest:
        """Return *request* with a client order id, made if absent."""
        return request if request.client_order_id is not None else request.with_id(self._ids())

    def check(self, request: OrderRequest, instrument: Instrument) -> None:
        """Refuse what breaks a rule of the instrument, or what one of the checks vetoes."""
        check_order(request, instrument)
        for check in self._checks:
            check(request, instrument)

    async def place(self, request: OrderRequest, instrument: Instrument) -> Order:
        """Place an order; return its handle once the exchange is known to have it (it may have ended meanwhile).

        Raises:
            RefusedBeforeSending: A rule, a check, or a client order id used before; nothing was sent.
            ExchangeError: The exchange said no, or ``code="lost"``: it was never accepted, as looking has proved.
            OrderOutcomeUnknown: Nothing proves what became of it. Do not send it again.
        """
        request = self.identified(request)
        order, job = await self._placing(request, instrument)
        self._run.raise_unless_accepted(await self._run.run(job, lambda: self._port.place(request, instrument)))
        return self._handle(order, instrument)

    async def place_batch(
        self, requests: Sequence[OrderRequest], instruments: Sequence[Instrument], *, emulate: bool = False
    ) -> list[Outcome]:
        """Place several; return one outcome per input, in input order. Never raises for an item.

        With *emulate* each is sent by itself, one after the other.
        """
        outcomes: dict[int, Outcome] = {}
        opened: list[tuple[int, OrderRequest, Instrument, Job]] = []
        for index, (each, instrument) in enumerate(zip(requests, instruments, strict=True)):
            request = self.identified(each)
            try:
                _, job = await self._placing(request, instrument)
            except Exception as error:
                outcomes[index] = Rejected(str(request.client_order_id), as_refusal(error))
                continue
            if emulate:
                outcomes[index] = await self._run.run(job, partial(self._port.place, request, instrument))
            else:
                opened.append((index, request, instrument, job))
        for part in self._parts(opened):
            call = partial(self._port.place_batch, [item[1] for item in part], [item[2] for item in part])
            ended = await self._run.run_batch([item[3] for item in part], call)
            outcomes.update(zip((item[0] for item in part), ended, strict=True))
        return [outcomes[index] for index in range(len(requests))]

    async def _placing(self, request: OrderRequest, instrument: Instrument) -> tuple[TrackedOrder, Job]:
        """Check and remember an order before it is sent; return it, and the command that places it."""
        name = str(request.client_order_id)
        self.check(request, instrument)
        if self.ledger.used(name):
            raise InvalidArgument(f"client order id {name!r} was used before", rule="client_order_id")
        order = self.ledger.open(asked_for(request))
        intent = Intent(CommandKind.PLACE, name, request.symbol, self._clock.now_ns(), request=request)
        try:
            await self._run.intend(intent)
        except BaseException:
            self.ledger.close(order)
            raise
        command = order.placement = self._command(CommandKind.PLACE, name)
        evident = partial(exists, order)
        names = OrderRef(client_order_id=name)

        async def resolve(cause: BaseException) -> None:
            look = partial(
                self._look.placed, command, order, instrument, cause=cause, is_ours=partial(is_answer_to, request),
            )  # fmt: skip
            await self._look.resolve(command, order, evident, look)

        def finish() -> None:
            if command.phase is Phase.REJECTED:
                self.ledger.close(order)

        learn = partial(self._run.learn, order=order)
        return order, Job(command, intent, names, learn, evident, resolve, lambda: order.state, finish)

    async def cancel(self, ref: OrderRef, instrument: Instrument) -> OrderState:
        """Cancel an order; return what became of it: it may have filled meanwhile, or still be on its way out.

        Raises:
            OrderNotFound: The exchange knows no such order, also not after looking again.
            ExchangeError: It said no, or ``code="lost"``: the order still works. Cancelling again is safe.
            OrderOutcomeUnknown: Nothing proves whether it was cancelled. Cancelling again is safe.
        """
        current, job = await self._cancelling(ref, instrument)
        outcome = await self._run.run(job, lambda: self._port.cancel(current, instrument))
        self._run.raise_unless_accepted(outcome)
        return job.state()

    async def cancel_batch(
        self, refs: Sequence[OrderRef], instruments: Sequence[Instrument], *, emulate: bool = False
    ) -> list[Outcome]:
        """Cancel several; return one outcome per input, in input order. Never raises for an item."""
        outcomes: dict[int, Outcome] = {}
        opened: list[tuple[int, OrderRef, Instrument, Job]] = []
        for index, (ref, instrument) in enumerate(zip(refs, instruments, strict=True)):
            try:
                current, job = await self._cancelling(ref, instrument)
            except Exception as error:
                outcomes[index] = Rejected(str(ref), as_refusal(error))
                continue
            if emulate:
                outcomes[index] = await self._run.run(job, partial(self._port.cancel, current, instrument))
            else:
                opened.append((index, current, instrument, job))
        for part in self._parts(opened):
            call = partial(self._port.cancel_batch, [item[1] for item in part], [item[2] for item in part])
            ended = await self._run.run_batch([item[3] for item in part], call)
            outcomes.update(zip((item[0] for item in part), ended, strict=True))
        return [outcomes[index] for index in range(len(refs))]

    async def cancel_all(self, instrument: Instrument | None) -> Sequence[OrderState]:
        """Cancel every open order of *instrument*, or of the account; return what became of each.

        A transport error leaves it open what was cancelled: calling again is safe.
        """
        states = await self._port.cancel_all(instrument)
        for state in states:
            self._run.learn(state)
        return [self._merged(state) for state in states]

    async def _cancelling(self, ref: OrderRef, instrument: Instrument) -> tuple[OrderRef, Job]:
        """Return the order's names of now, and the command that cancels it."""
        order = self._find(ref, instrument)
        current = ref if order is None else names_of(order)
        intent = Intent(CommandKind.CANCEL, str(ref), instrument.symbol, self._clock.now_ns())
        await self._run.intend(intent)
        command = self._command(CommandKind.CANCEL, str(ref))
        said: OrderState | None = None  # the client id alone does not find an order placed elsewhere

        def learn(answer: OrderState) -> None:
            nonlocal said
            said = answer
            self._run.learn(answer, order)

        def known() -> OrderState | None:
            found = order or self._find(current, instrument)
            return found.state if found is not None else said and self._merged(said)

        def evident() -> str | None:
            found = known()
            return f"the order is {found.status}" if found is not None and found.status.is_terminal else None

        async def resolve(cause: BaseException) -> None:
            if isinstance(cause, OrderNotFound):  # answered: nothing is on its way any more
                command.shorten(READ_GRACE_S)
            look = partial(self._look.cancelled, command, current, instrument, learn=learn, cause=cause)
            await self._look.resolve(command, order, evident, look)

        def state() -> OrderState:
            found = known()
            assert found is not None  # the exchange has described it, or the command would not be accepted
            return found

        return current, Job(command, intent, current, learn, evident, resolve, state, _nothing)

    async def amend(
        self, ref: OrderRef, instrument: Instrument, *, quantity: Decimal | None = None, price: Decimal | None = None
    ) -> Order:
        """Change a working order; return its handle: the order stays the same, its ids may be new.

        Raises:
            RefusedBeforeSending: A rule or a check, or another amendment of it is under way; nothing was sent.
            ExchangeError: The exchange said no, or ``code="lost"``: the order is as it was, or has ended.
            OrderOutcomeUnknown: Nothing proves which terms it has now.
        """
        order, before, change, job = await self._amending(ref, instrument, quantity, price)
        self._run.raise_unless_accepted(await self._run.run(job, lambda: self._port.amend(before, change, instrument)))
        return self._handle(order, instrument)

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
        outcomes: dict[int, Outcome] = {}
        opened: list[tuple[int, OrderState, Amendment, Instrument, Job]] = []
        for index, (ref, (quantity, price), instrument) in enumerate(zip(refs, terms, instruments, strict=True)):
            try:
                _, before, change, job = await self._amending(ref, instrument, quantity, price)
            except Exception as error:
                outcomes[index] = Rejected(str(ref), as_refusal(error))
                continue
            if emulate:
                outcomes[index] = await self._run.run(job, partial(self._port.amend, before, change, instrument))
            else:
                opened.append((index, before, change, instrument, job))
        for part in self._parts(opened):
            call = partial(
                self._port.amend_batch,
                [item[1] for item in part], [item[2] for item in part], [item[3] for item in part],
            )  # fmt: skip
            ended = await self._run.run_batch([item[4] for item in part], call)
            outcomes.update(zip((item[0] for item in part), ended, strict=True))
        return [outcomes[index] for index in range(len(refs))]

    async def _amending(
        self, ref: OrderRef, instrument: Instrument, quantity: Decimal | None, price: Decimal | None
    ) -> tuple[TrackedOrder, OrderState, Amendment, Job]:
        """Check an amendment; return the order, its state before, the change, and the command that makes it."""
        for what, value in (("quantity", quantity), ("price", price)):
            if value is not None and value <= 0:
                raise InvalidArgument(f"{what} must be above zero, not {value}", rule=what)
        order = self._find(ref, instrument)
        if order is None:
            found = await self.query(ref, instrument)
            order = self.ledger.find(found.symbol, found.client_order_id, found.venue_order_id)
            if order is None:
                raise InvalidArgument(f"{ref} ended long ago: it is {found.status}", rule="amendment")
        before = order.state
        change = Amendment(quantity, price, self._ids())
        new_id = str(change.new_client_order_id)
        self.check(amended_request(before, change), instrument)
        if order.amending:
            raise InvalidArgument(f"another amendment of {ref} is under way", rule="amendment")
        name = order.client_order_id or str(ref)
        intent = Intent(CommandKind.AMEND, name, instrument.symbol, self._clock.now_ns(), change=change)
        self.ledger.claim(order)
        self.ledger.alias(order, new_id)
        self.ledger.set_amending(order, True)

        def finish() -> None:
            self._run.tell(self.ledger.set_amending(order, False))

        try:
            await self._run.intend(intent)
        except BaseException:
            finish()
            raise
        command = self._command(CommandKind.AMEND, name)
        evident = partial(shows, order, before, change)
        names = names_of(order)

        async def resolve(cause: BaseException) -> None:
            if isinstance(cause, PartialFailure) and cause.ended is not None:  # both halves are answered
                self._run.learn(cause.ended, order)
                command.reject(cause, self._clock.monotonic_ns())
                return
            look = partial(
                self._look.amended, command, OrderRef(before.client_order_id, before.venue_order_id), order, change,
                instrument, evident=evident, cause=cause,
            )  # fmt: skip
            await self._look.resolve(command, order, evident, look)

        learn = partial(self._run.learn, order=order)
        job = Job(command, intent, names, learn, evident, resolve, lambda: order.state, finish, new_id)
        return order, before, change, job

    async def query(self, ref: OrderRef, instrument: Instrument) -> OrderState:
        """Look an order up at the exchange; return all that is known of it then.

        Raises:
            OrderNotFound: The exchange does not find it here and now.
        """
        order = self._find(ref, instrument)
        asked_ns = self._clock.monotonic_ns()
        try:
            state = await self._port.order(ref if order is None else names_of(order), instrument)
        except OrderNotFound:
            if order is not None and await self.absent(order, instrument, asked_ns):
                self.close_absent(order)
            raise
        self._run.learn(state, order)
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
        return state if found is None else found.state

    def _command(self, kind: CommandKind, subject: str) -> Command:
        return Command(kind, subject, horizon_s=self._horizon_s, now_ns=self._clock.monotonic_ns())

    def _handle(self, order: TrackedOrder, instrument: Instrument) -> Order:
        async def refresh() -> None:
            await self.query(names_of(order), instrument)

        return Order(order, instrument, self._clock, refresh=refresh, followed=lambda: bool(self._run.listeners))

    def _parts(self, items: list[_Item]) -> list[list[_Item]]:
        size = self._batch_limit or max(len(items), 1)
        return [items[start : start + size] for start in range(0, len(items), size)]


def _nothing() -> None:
    return
