"""Sending one command: once, with what it meant to do remembered first, and its outcome decided afterwards."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

from lotusx.errors import InvalidArgument, LotusXError, OrderOutcomeUnknown
from lotusx.kernel.orders.outcome import Command, Phase, is_proof
from lotusx.kernel.origin import made_as
from lotusx.kernel.request import Origin
from lotusx.model.account import AccountEvent
from lotusx.model.frozen import quick
from lotusx.model.orders import Accepted, Fill, OrderState, Outcome, Rejected, Unknown
from lotusx.orders.batch import align
from lotusx.orders.doubts import Doubts
from lotusx.orders.journal import Intent, Journal
from lotusx.orders.owed import Owed
from lotusx.orders.telling import Teller

if TYPE_CHECKING:
    from lotusx.kernel.clock import Clock
    from lotusx.kernel.orders.ledger import Ledger
    from lotusx.kernel.orders.merge import TrackedOrder
    from lotusx.kernel.ports import OrderRef
    from lotusx.kernel.telemetry import Telemetry

logger = logging.getLogger("lotusx.orders")

Listener = Callable[[Sequence[AccountEvent]], None]


@quick
@dataclass(frozen=True, slots=True)
class Job:
    """One command, and how to find out about it.

    Attributes:
        names: The ids by which a batch reply may speak of it; ``new_id``: the client id an amendment asks for.
        learn: Takes what the exchange answers.
        evident: What is already known to prove that it was carried out; ``None``: nothing.
        resolve: Looks until the command is decided or given up; takes what put it in doubt.
        state: The order's state afterwards.
        describe: Asks for the order where only its fills have shown it; says whether it is described.
        finish: Called when its caller has left, and when the command has ended or was looked into for as long as for a
            caller who waits.
    """

    command: Command
    intent: Intent
    names: OrderRef
    learn: Callable[[OrderState], None]
    evident: Callable[[], str | None]
    resolve: Callable[[BaseException], Awaitable[None]]
    state: Callable[[], OrderState]
    finish: Callable[[], None]
    new_id: str | None = None
    describe: Callable[[], Awaitable[bool]] | None = None


class Runner:
    """What every command of one account shares: ledger, journal, observers, and who follows the account."""

    def __init__(
        self, exchange: str, clock: Clock, ledger: Ledger, journal: Journal | None, telemetry: Telemetry | None
    ) -> None:
        self.exchange = exchange
        self.clock = clock
        self.ledger = ledger
        self.listeners: list[Listener] = []
        self.doubts = Doubts(clock, self._conclude)
        self.owed = Owed(clock)
        self._journal = journal
        self.teller = Teller(exchange, clock, telemetry)

    def learn(self, report: OrderState | Fill, order: TrackedOrder | None = None) -> None:
        """Merge an answer of the exchange, and tell whoever follows the account what is new in it."""
        ledger = self.ledger
        self.tell(ledger.apply_fill(report) if isinstance(report, Fill) else ledger.apply_state(report, order))

    def found(self, state: OrderState, order: TrackedOrder | None) -> bool:
        """Merge what the exchange has under the names of *order*; say whether it is no other order's."""
        own = order is None or not order.excludes(state)
        self.learn(state, order if own else None)
        return own

    def tell(self, events: Sequence[AccountEvent]) -> None:
        """Hand *events* to whoever follows the account. A follower that breaks must not change how a command ends."""
        if events:
            self.teller.news(events)
            for listener in tuple(self.listeners):
                try:
                    listener(events)
                except Exception:
                    logger.exception("a follower of the account raised")

    @property
    def has_journal(self) -> bool:
        """Whether anything is remembered outside this process."""
        return self._journal is not None

    async def intend(self, intent: Intent) -> None:
        """Have the journal remember *intent*. Its failure is the caller's: nothing has been sent."""
        if self._journal is not None:
            await self._journal.intend(intent)

    async def run(self, job: Job, call: Callable[[], Awaitable[OrderState]]) -> Outcome:
        """Send once, and return how it ended.

        A caller that is cancelled leaves the command in doubt; the order stays known, and nothing is sent again.
        """
        answer: OrderState | BaseException
        self.teller.sending([(job.command, job.intent)])
        self.owed.sent(job)
        try:
            with made_as(Origin.ORDER):
                answer = await call()
        except Exception as error:
            answer = error
        except BaseException as error:  # also a group of cancellations, as trio's nurseries raise them
            self.teller.answered(job.command, error)
            self._abandon(job, error)
            raise
        self.teller.answered(job.command, answer)
        return await self.settle(job, answer)

    async def run_batch(
        self, jobs: Sequence[Job], call: Callable[[], Awaitable[Sequence[OrderState | Exception]]]
    ) -> list[Outcome]:
        """Send *jobs* in one call, and return how each ended, in their order. Doubts are resolved side by side."""
        answers: Sequence[OrderState | BaseException]
        self.teller.sending([(job.command, job.intent) for job in jobs])
        for job in jobs:
            self.owed.sent(job)
        try:
            with made_as(Origin.ORDER):
                told = await call()
            answers = align([job.names for job in jobs], told, [job.new_id for job in jobs])
        except Exception as error:
            answers = [error] * len(jobs)
        except BaseException as error:
            for job in jobs:
                self.teller.answered(job.command, error)
                self._abandon(job, error)
            raise
        for job, answer in zip(jobs, answers, strict=True):
            self.teller.answered(job.command, answer)
        outcomes: dict[int, Outcome] = {}

        async def settle(index: int) -> None:
            outcomes[index] = await self.settle(jobs[index], answers[index])

        async with anyio.create_task_group() as group:
            for index in range(len(jobs)):
                group.start_soon(settle, index)
        return [outcomes[index] for index in range(len(jobs))]

    async def settle(self, job: Job, answer: OrderState | BaseException) -> Outcome:
        """Decide by the exchange's answer, by its proof, or by looking; then tell observers and journal."""
        command = job.command
        described = True
        try:
            if isinstance(answer, BaseException):
                self.owed.dropped(job)
                await self._judge(job, answer)
                described = command.phase is not Phase.ACCEPTED or job.describe is None or await job.describe()
            else:
                job.learn(answer)
                command.accept("acknowledged by the exchange", self.clock.monotonic_ns())
                self.owed.accepted(job)
        except BaseException as error:
            self._abandon(job, error)
            raise
        await self._conclude(job)
        if isinstance(answer, BaseException) and not (command.decided and described):
            self.doubts.add(job, answer, concluded=True)
        if command.phase is Phase.ACCEPTED:
            return Accepted(command.subject, job.state())
        if command.error is not None:
            return Rejected(command.subject, command.error)
        return Unknown(command.subject, command.evidence)

    def _abandon(self, job: Job, error: BaseException) -> None:
        """Whoever waited for a command has left; what became of it is found out in the background."""
        self.owed.dropped(job)
        if not job.command.decided:
            job.command.doubt("the caller stopped waiting", self.clock.monotonic_ns())
        self.doubts.add(job, error, concluded=False)
        job.finish()

    async def _conclude(self, job: Job) -> None:
        """Let a command end as it stands, and tell observers and journal."""
        command = job.command
        job.finish()
        self.teller.ended(command, job.intent.symbol)
        if self._journal is not None:
            try:
                await self._journal.conclude(job.intent, command.phase.value, command.evidence)
            except Exception:
                logger.exception("the journal could not note the outcome of %s", command.subject)

    async def _judge(self, job: Job, error: BaseException) -> None:
        command, now = job.command, self.clock.monotonic_ns()
        why = job.evident()
        if why is not None:
            command.note(f"{type(error).__name__}: {error}", now)
            command.accept(why, now)
        elif isinstance(error, LotusXError) and is_proof(command.kind, error):
            command.reject(error, now)
        else:
            command.doubt(f"{type(error).__name__}: {error}", now)
            await job.resolve(error)

    def raise_unless_accepted(self, outcome: Outcome) -> None:
        """Raise what *outcome* says, unless the exchange has carried the command out."""
        if isinstance(outcome, Rejected):
            raise outcome.error
        if isinstance(outcome, Unknown):
            raise OrderOutcomeUnknown(self.exchange, outcome.client_order_id, outcome.evidence)


def as_refusal(error: Exception) -> LotusXError:
    """Return what stopped an item before it was sent, as a typed error."""
    if isinstance(error, LotusXError):
        return error
    refusal = InvalidArgument(f"refused before sending by {type(error).__name__}: {error}", rule="check")
    refusal.__cause__ = error
    return refusal
