"""What the account's channels owe: news of every order about which the exchange has said yes to a command."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from lotusx.kernel.clock import Moment
from lotusx.kernel.orders.outcome import CommandKind
from lotusx.model.account import AccountEvent, FillEvent, OrderEvent
from lotusx.model.enums import OrderStatus

if TYPE_CHECKING:
    from lotusx.kernel.clock import Clock
    from lotusx.model.symbol import Symbol
    from lotusx.orders.runner import Job

OWED_S = 10.0
"""So long after the exchange has accepted a command, something about the order must have come."""
_NS = 1_000_000_000
_OVERSLEPT_NS = _NS
"""Woken so much too late, the process stood still or something held the loop: what came meanwhile waits to be read."""
_READ_NS = 2 * _NS
"""Time for that."""
MAX_OWED = 10_000
"""Commands that are watched; beyond it the oldest are not judged."""
MAX_NAMES = 100_000
"""Names under which orders were told of meanwhile; beyond it nothing that is owed by then is judged."""


@dataclass(slots=True, eq=False)
class _Debt:
    job: Job
    since: int  # how many events had come when it was sent: replies may be slower than the stream
    due_ns: int | None = None  # monotonic; None: not accepted yet


class Owed:
    """Notices that nothing comes about orders although something must. Judges only between `start` and `stop`.

    What can be absent for another reason is not owed: news of conditional orders, which some exchanges tell elsewhere,
    or not before they trigger; of an order that had ended; of an amendment that changes nothing.

    Attributes:
        events: How many events have come. ``paid``: how many commands news was found of, each when it was judged.
    """

    def __init__(self, clock: Clock) -> None:
        self.events = self.paid = 0
        self._clock = clock
        self._following = False
        self._heard_ns = (0, 0)  # on both clocks
        self._debts: dict[int, _Debt] = {}
        self._names: dict[tuple[Symbol, str], int] = {}  # when an order was last spoken of, while anything is owed
        self._bell = anyio.Event()

    def __len__(self) -> int:
        return len(self._debts)

    def start(self) -> None:
        """The account is followed from now on."""
        self._following = True
        self._note()

    def stop(self) -> None:
        """The account is followed no longer: nothing is owed."""
        self._following = False
        self.forgive()

    def forgive(self) -> None:
        """Owe nothing: what was to come is being asked for, or has been."""
        self._debts.clear()
        self._names.clear()

    def heard(self, event: AccountEvent) -> None:
        """Take note of what a channel brought, before anything else is done with it."""
        self.events += 1
        self._note()
        if not self._debts:
            return
        if isinstance(event, OrderEvent):
            self._speaks_of(event.state.symbol, event.state.client_order_id, event.state.venue_order_id)
        elif isinstance(event, FillEvent):
            self._speaks_of(event.fill.symbol, event.fill.client_order_id, event.fill.venue_order_id)

    @property
    def heard_at(self) -> Moment:
        """The last sign of life of the channels."""
        return Moment(*self._heard_ns)

    def sent(self, job: Job) -> None:
        """*job* is about to be sent; whatever comes about its order from now on counts."""
        if not self._following or not _is_news(job):
            return
        self._debts[id(job)] = _Debt(job, self.events)
        if len(self._debts) > MAX_OWED:
            del self._debts[next(iter(self._debts))]

    def accepted(self, job: Job) -> None:
        """The exchange has said yes."""
        debt = self._debts.get(id(job))
        if debt is None:
            return
        state = job.state()
        if state.type.is_conditional or state.trigger_price is not None or state.status is OrderStatus.REJECTED:
            del self._debts[id(job)]
            return
        debt.due_ns = self._clock.monotonic_ns() + int(OWED_S * _NS)
        self._bell.set()

    def dropped(self, job: Job) -> None:
        """It has not said so."""
        self._debts.pop(id(job), None)

    async def overdue(self) -> str:
        """Wait until something is overdue; return what, in words. Everything is forgiven then."""
        while True:
            due_ns = self._next_due_ns()
            if due_ns is None:
                self._bell = anyio.Event()
                await self._bell.wait()
                continue
            while (now_ns := await self._awake_at(due_ns)) - due_ns > _OVERSLEPT_NS:
                due_ns = now_ns + _READ_NS
            late = self._late(now_ns)
            if late is not None:
                self.forgive()
                job = late.job
                return f"{job.intent.kind} of {job.command.subject} was accepted, and no news of it in {OWED_S:g} s"

    def _note(self) -> None:
        self._heard_ns = (self._clock.now_ns(), self._clock.monotonic_ns())

    def _speaks_of(self, symbol: Symbol, *names: str | None) -> None:
        self._names.update(((symbol, name), self.events) for name in names if name)
        if len(self._names) > MAX_NAMES:
            self.forgive()

    def _next_due_ns(self) -> int | None:
        return min((debt.due_ns for debt in self._debts.values() if debt.due_ns is not None), default=None)

    async def _awake_at(self, due_ns: int) -> int:
        await self._clock.sleep(max(0, due_ns - self._clock.monotonic_ns()) / _NS)
        return self._clock.monotonic_ns()

    def _late(self, now_ns: int) -> _Debt | None:
        """Cross off what has been paid, also what is not due yet; return the oldest debt that is overdue."""
        late = None
        for debt in list(self._debts.values()):
            if debt.due_ns is None:
                continue
            if self._is_paid(debt):
                del self._debts[id(debt.job)]
                self.paid += 1
            elif debt.due_ns <= now_ns and late is None:
                late = debt
        oldest = next((debt.since for debt in self._debts.values()), self.events)  # they are in the order of sending
        self._names = {name: at for name, at in self._names.items() if at > oldest}
        return late

    def _is_paid(self, debt: _Debt) -> bool:
        job = debt.job
        state, symbol = job.state(), job.intent.symbol
        names = (
            job.names.client_order_id, job.names.venue_order_id, job.new_id, state.client_order_id,
            state.venue_order_id,
        )  # fmt: skip
        return any(self._names.get((symbol, name), 0) > debt.since for name in names if name)


def _is_news(job: Job) -> bool:
    """Whether carrying *job* out changes anything that would be told."""
    if job.intent.kind is CommandKind.CANCEL:
        return job.evident() is None
    change = job.intent.change
    if change is None:
        return True
    before = job.state()
    return change.price not in (None, before.price) or change.quantity not in (None, before.quantity)
