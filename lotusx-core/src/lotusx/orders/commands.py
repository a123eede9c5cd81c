"""Making a command: what must hold before it is sent, what is remembered of it, and how to find out about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import anyio

from lotusx.errors import ExchangeError, InvalidArgument, OrderNotFound, PartialFailure
from lotusx.kernel.orders.outcome import Command, CommandKind, Phase
from lotusx.kernel.ports import Amendment, OrderRef
from lotusx.model.frozen import quick
from lotusx.model.orders import OrderState
from lotusx.orders.journal import Intent
from lotusx.orders.looking import READ_GRACE_S
from lotusx.orders.runner import Job, Runner
from lotusx.orders.terms import amended_request, asked_for, exists, is_answer_to, names_of, shows
from lotusx.rules import check_order

if TYPE_CHECKING:
    from lotusx.kernel.clock import Clock
    from lotusx.kernel.orders.merge import TrackedOrder
    from lotusx.model.instruments import Instrument
    from lotusx.model.requests import OrderRequest
    from lotusx.orders.looking import Looker

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Occasion:
    """Why an order is looked at.

    Attributes:
        before: Where one is amended, as it is now; ``None``: a new one is placed.
        change: The amendment.
        dry_run: Whether the exchange is only asked to test it.
    """

    before: OrderState | None = None
    change: Amendment | None = None
    dry_run: bool = False


Check = Callable[["OrderRequest", "Instrument", Occasion], Awaitable[None] | None]


@quick
@dataclass(frozen=True, slots=True)
class Prepared:
    """A command that may be sent: its job, what the port is called with, and what to do if it is not sent."""

    job: Job
    arguments: tuple[Any, ...]
    order: TrackedOrder | None
    undo: Callable[[], None]


class EndToldOnly(Exception):
    """The exchange said that a cancel has ended an order, and cannot be asked which order that was."""


class Commands:
    """Makes the commands of one account. Nothing is sent here; each ends by its job."""

    def __init__(
        self,
        run: Runner,
        look: Looker,
        *,
        ids: Callable[[], str],
        horizon_s: float,
        hidden_by: Mapping[str, Collection[str]],
        checks: Sequence[Check],
        query: Callable[[OrderRef, Instrument], Awaitable[OrderState]],
        prepare: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        self._run = run
        self._look = look
        self._ledger = run.ledger
        self._clock: Clock = run.clock
        self._ids = ids
        self._horizon_s = horizon_s
        self._hidden_by = hidden_by
        self._checks = tuple(checks)
        self._query = query
        self._prepare = prepare
        self._checking = anyio.Lock()

    async def test(self, request: OrderRequest, instrument: Instrument) -> None:
        """Refuse what breaks a rule of the instrument, or what one of the checks vetoes; remember nothing."""
        check_order(request, instrument)
        await self._checked(request, instrument, Occasion(dry_run=True), lambda: None)

    async def place(self, request: OrderRequest, instrument: Instrument) -> Prepared:
        """Check and remember a new order."""
        check_order(request, instrument)
        await self._prepared()
        self._refuse_used(request)
        return await self._checked(request, instrument, Occasion(), partial(self._placed, request, instrument))

    async def _checked(
        self, request: OrderRequest, instrument: Instrument, occasion: Occasion, remember: Callable[[], T]
    ) -> T:
        """Let the checks look, one order after the other: each sees in the ledger what has passed before it."""
        if not self._checks:
            return remember()
        async with self._checking:
            for check in self._checks:
                pending = check(request, instrument, occasion)
                if pending is not None:
                    await pending
            return remember()

    def _refuse_used(self, request: OrderRequest) -> None:
        name = str(request.client_order_id)
        if self._ledger.used(name):
            raise InvalidArgument(f"client order id {name!r} was used before", rule="client_order_id")

    def _placed(self, request: OrderRequest, instrument: Instrument) -> Prepared:
        self._refuse_used(request)
        name = str(request.client_order_id)
        order = self._ledger.open(asked_for(request))
        hidden = self._hides(request)
        intent = Intent(CommandKind.PLACE, name, request.symbol, self._clock.now_ns(), request=request, hidden=hidden)
        command = self._command(CommandKind.PLACE, name, hidden)
        self._asked(order, command, request, hidden)
        return self._placing(intent, request, order, command, instrument)

    def _asked(self, order: TrackedOrder, command: Command, request: OrderRequest, hidden: bool) -> None:
        """Note what *order* was asked to be, and by which *command*."""
        order.placement = command
        order.hidden = hidden
        order.is_another = partial(self._look.is_another, command, request.side)

    def _placing(
        self, intent: Intent, request: OrderRequest, order: TrackedOrder, command: Command, instrument: Instrument
    ) -> Prepared:
        evident = partial(exists, order)
        names = OrderRef(client_order_id=intent.client_order_id)

        async def resolve(cause: BaseException) -> None:
            look = partial(
                self._look.placed, command, order, instrument, cause=cause, is_ours=partial(is_answer_to, request),
            )  # fmt: skip
            await self._look.resolve(command, order, evident, look)

        def finish() -> None:
            if command.phase is Phase.REJECTED:
                self._ledger.close(order)

        learn = partial(self._run.learn, order=order)
        describe = partial(self._look.describe, command, order, instrument)
        job = Job(command, intent, names, learn, evident, resolve, lambda: order.state, finish, describe=describe)
        return Prepared(job, (request, instrument), order, partial(self._ledger.close, order))

    async def cancel(self, ref: OrderRef, instrument: Instrument) -> Prepared:
        """Cancel an order by the names it has now."""
        check_names(ref)
        order = self._find(ref, instrument)
        current = ref if order is None or not order.known_to_exchange else names_of(order)
        hidden = order is not None and order.hidden
        intent = Intent(
            CommandKind.CANCEL, str(ref), instrument.symbol, self._clock.now_ns(), names=current, hidden=hidden
        )  # fmt: skip
        command = self._command(CommandKind.CANCEL, str(ref), hidden)
        return self._cancelling(intent, order, current, command, instrument)

    def _cancelling(
        self, intent: Intent, order: TrackedOrder | None, current: OrderRef, command: Command, instrument: Instrument
    ) -> Prepared:
        said: OrderState | None = None  # of an order placed elsewhere, which the client id alone does not find

        def learn(answer: OrderState) -> None:
            nonlocal said
            if not self._run.found(answer, order) or order is None:
                said = answer

        def known() -> OrderState | None:
            if said is not None:
                return self._merged(said)
            found = order or self._find(current, instrument)
            return None if found is None else found.state

        def evident() -> str | None:
            found = known()
            return f"the order is {found.status}" if found is not None and found.status.is_terminal else None

        async def resolve(cause: BaseException) -> None:
            if isinstance(cause, EndToldOnly):
                command.shorten(0)  # that reads do not show the order, or show it working, proves nothing
            elif isinstance(cause, OrderNotFound):  # answered: nothing is on its way any more
                command.shorten(READ_GRACE_S)
            look = partial(self._look.cancelled, command, current, order, instrument, learn=learn, cause=cause)
            await self._look.resolve(command, order, evident, look)

        def state() -> OrderState:
            found = known()
            assert found is not None  # the exchange has described it, or the command would not be accepted
            return found

        job = Job(command, intent, current, learn, evident, resolve, state, _nothing)
        return Prepared(job, (current, instrument), order, _nothing)

    async def amend(
        self, ref: OrderRef, instrument: Instrument, quantity: Decimal | None, price: Decimal | None
    ) -> Prepared:
        """Check an amendment, and give the order the client id it will have."""
        check_names(ref)
        for what, value in (("quantity", quantity), ("price", price)):
            if value is not None and value <= 0:
                raise InvalidArgument(f"{what} must be above zero, not {value}", rule=what)
        await self._prepared()
        order = self._find(ref, instrument)
        if order is None:
            found = await self._query(ref, instrument)
            order = self._ledger.find(found.symbol, found.client_order_id, found.venue_order_id)
            if order is None:
                raise InvalidArgument(f"{ref} ended long ago: it is {found.status}", rule="amendment")
        elif not order.known_to_exchange:
            found = await self._query(ref, instrument)
            if not order.known_to_exchange:
                text = f"{order.client_order_id} is in doubt, and {found.venue_order_id}, which has its id, is another"
                raise InvalidArgument(text, rule="amendment")
        before = order.state
        change = Amendment(quantity, price, self._ids())
        wanted = amended_request(before, change, instrument)
        check_order(wanted, instrument)
        remember = partial(self._amended, ref, order, before, change, wanted, instrument)
        return await self._checked(wanted, instrument, Occasion(before, change), remember)

    def _amended(
        self,
        ref: OrderRef,
        order: TrackedOrder,
        before: OrderState,
        change: Amendment,
        wanted: OrderRequest,
        instrument: Instrument,
    ) -> Prepared:
        if order.amending:
            raise InvalidArgument(f"another amendment of {ref} is under way", rule="amendment")
        was, now = ((each.venue_order_id, each.quantity, each.price) for each in (before, order.state))
        if any(old not in (None, new) for old, new in zip(was, now, strict=True)):  # checked for what it was
            raise InvalidArgument(f"{ref} was amended meanwhile: look at it, and amend it again", rule="amendment")
        name = order.client_order_id or str(ref)
        old = order.part(before.venue_order_id)  # of the order as a whole other parts may have executed more
        intent = Intent(
            CommandKind.AMEND, name, instrument.symbol, self._clock.now_ns(), wanted, change, names_of(order),
            (old.quantity, old.price), order.hidden,
        )  # fmt: skip
        self._ledger.claim(order)
        command = self._command(CommandKind.AMEND, name, order.hidden)
        return self._amending(intent, order, before, change, command, instrument)

    def _amending(
        self,
        intent: Intent,
        order: TrackedOrder,
        before: OrderState,
        change: Amendment,
        command: Command,
        instrument: Instrument,
    ) -> Prepared:
        new_id = change.new_client_order_id
        if new_id is not None:
            self._ledger.alias(order, new_id)
        under_way = order.amending = True
        self._ledger.set_amendment(order, new_id, possible=True)

        def leave() -> None:
            nonlocal under_way
            if under_way:  # another amendment may be by the time the outcome of this one is known
                under_way = order.amending = False

        def end() -> None:
            leave()
            self._run.tell(self._ledger.set_amendment(order, new_id, possible=False))

        def finish() -> None:
            if command.decided or command.phase is Phase.UNKNOWN:
                end()
            else:
                leave()

        evident = partial(shows, order, before, change)
        names = OrderRef(before.client_order_id, before.venue_order_id)

        async def resolve(cause: BaseException) -> None:
            if isinstance(cause, PartialFailure) and cause.ended is not None:  # both halves are answered
                self._run.learn(cause.ended, order)
                command.reject(cause, self._clock.monotonic_ns())
                return
            if isinstance(cause, ExchangeError) and not cause.may_have_executed:  # answered: nothing is on its way
                command.shorten(READ_GRACE_S)
            look = partial(
                self._look.amended, command, names, order, intent.before or (None, None), change, instrument,
                evident=evident, cause=cause,
            )  # fmt: skip
            await self._look.resolve(command, order, evident, look)

        learn = partial(self._run.learn, order=order)
        job = Job(command, intent, names, learn, evident, resolve, lambda: order.state, finish, new_id)
        return Prepared(job, (before, change, instrument), order, end)

    def adopt(self, intent: Intent) -> TrackedOrder | None:
        """Know the order of an *intent* that an earlier process left undecided, before anything is asked about it."""
        name, names = intent.client_order_id, intent.names or OrderRef(intent.client_order_id)
        order = self._ledger.find(intent.symbol, names.client_order_id, names.venue_order_id)
        if intent.request is None:
            return order
        if order is None:
            base = asked_for(intent.request)
            if intent.kind is CommandKind.AMEND:  # what it asks for is not what the order is known to be
                base = replace(base, client_order_id=names.client_order_id, quantity=None, price=None)
            order = self._ledger.open(base)
        new_id = None if intent.change is None else intent.change.new_client_order_id
        if new_id is not None and new_id not in order.client_ids:
            self._ledger.alias(order, new_id)
            order.amending = True
            self._ledger.set_amendment(order, new_id, possible=True)
        if intent.kind is CommandKind.PLACE and order.placement is None:
            self._asked(order, self._left(intent, name), intent.request, self._was_hidden(intent))
        return order

    def drop(self, intent: Intent) -> None:
        """Expect nothing more of an adopted *intent*: it cannot be asked about."""
        order = self.adopt(intent)
        if order is not None and intent.change is not None:
            order.amending = False
            self._run.tell(self._ledger.set_amendment(order, intent.change.new_client_order_id, possible=False))

    def again(self, intent: Intent, instrument: Instrument) -> Job:
        """Return the job that finds out about an adopted *intent*. It is never sent again."""
        order = self.adopt(intent)
        names = intent.names or OrderRef(intent.client_order_id)
        if intent.kind is CommandKind.CANCEL:
            command = self._left(intent, str(names))
            return self._cancelling(intent, order, names, command, instrument).job
        assert order is not None
        assert intent.request is not None
        if intent.kind is CommandKind.PLACE:
            assert order.placement is not None
            return self._placing(intent, intent.request, order, order.placement, instrument).job
        assert intent.change is not None
        before = replace(
            asked_for(intent.request), client_order_id=names.client_order_id, venue_order_id=names.venue_order_id,
            quantity=None, price=None,
        )  # fmt: skip
        command = self._left(intent, intent.client_order_id)
        return self._amending(intent, order, before, intent.change, command, instrument).job

    def _left(self, intent: Intent, subject: str) -> Command:
        """Make the command of an earlier process, as old as it is: what it may have led to is asked for since then."""
        age_ns = max(self._clock.now_ns() - intent.asked_ns, 0)
        horizon_s = 0.0 if self._was_hidden(intent) else self._horizon_s
        made_ns = self._clock.monotonic_ns() - age_ns
        return Command(intent.kind, subject, horizon_s=horizon_s, now_ns=made_ns, wall_ns=intent.asked_ns)

    def _was_hidden(self, intent: Intent) -> bool:
        return intent.hidden or (intent.request is not None and self._hides(intent.request))

    async def _prepared(self) -> None:
        if self._prepare is not None:
            await self._prepare()

    def _find(self, ref: OrderRef, instrument: Instrument) -> TrackedOrder | None:
        return self._ledger.find(instrument.symbol, ref.client_order_id, ref.venue_order_id)

    def _merged(self, state: OrderState) -> OrderState:
        found = self._ledger.find(state.symbol, state.client_order_id, state.venue_order_id)
        return state if found is None or found.excludes(state) else found.state

    def _command(self, kind: CommandKind, subject: str, hidden: bool) -> Command:
        clock, horizon_s = self._clock, 0.0 if hidden else self._horizon_s
        return Command(kind, subject, horizon_s=horizon_s, now_ns=clock.monotonic_ns(), wall_ns=clock.now_ns())

    def _hides(self, request: OrderRequest) -> bool:
        if not self._hidden_by or not (request.type.is_conditional or request.reduce_only):
            return False
        return any(request.native.get(name) in values for name, values in self._hidden_by.items())


def check_names(ref: OrderRef) -> None:
    """Refuse ids that neither a request nor the journal can carry, such as what was decoded by ``surrogateescape``."""
    for name in (ref.client_order_id, ref.venue_order_id):
        try:
            (name or "").encode()
        except UnicodeEncodeError as error:
            raise InvalidArgument(f"the order id {name!r} cannot be written as UTF-8", rule="order_id") from error


def _nothing() -> None:
    return
