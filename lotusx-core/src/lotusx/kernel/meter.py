"""What a request owes the exchange's limits, on REST and on WebSocket: wait, pay, take back, fall silent when told."""

from __future__ import annotations

from collections.abc import Sequence

from lotusx.errors import Banned, LotusXError, RateLimited
from lotusx.kernel.budget import Budget
from lotusx.kernel.clock import Clock
from lotusx.kernel.counts import Hold, Ticket
from lotusx.kernel.request import Cost, Lane
from lotusx.kernel.telemetry import BudgetWait, Telemetry

DEFAULT_BAN_S = 120.0
"""How long to be silent after a ban whose end nobody told; the shortest that exchanges speak of."""

_S = 1_000_000_000


class Meter:
    """Accompanies each attempt of a request: `take` before it is sent, then `succeeded` or `failed`.

    Windows that look back count what was taken from its answer on, no later than which the exchange has counted it.
    """

    __slots__ = ("_budget", "_clock", "_exchange", "_telemetry")

    def __init__(self, exchange: str, budget: Budget, clock: Clock, telemetry: Telemetry) -> None:
        self._exchange = exchange
        self._budget = budget
        self._clock = clock
        self._telemetry = telemetry

    async def take(self, name: str, costs: Sequence[Cost], lane: Lane, deadline_ns: int, call: int = 0) -> Ticket:
        """Wait until the limits allow *costs*. Errors as in `Budget.acquire`."""
        on_wait = (lambda hold: self._tell(name, hold, call)) if self._telemetry else None
        ticket = self._budget.ticket(costs, lane)
        await self._budget.acquire(ticket, self._clock, deadline_ns=deadline_ns, on_wait=on_wait)
        return ticket

    def succeeded(self, ticket: Ticket, costs: Sequence[Cost]) -> None:
        """Take back what the exchange does not charge for a success."""
        free = [cost.pool for cost in costs if cost.free_on_success]
        self._budget.answered(ticket, self._clock.monotonic_ns(), free=free)

    def failed(self, ticket: Ticket, costs: Sequence[Cost], error: LotusXError) -> None:
        """Take back what was never sent; hold what the exchange wants held, and complete ``error.after_s``."""
        now_ns = self._clock.monotonic_ns()
        if getattr(error, "sent", True) is not False:
            self._budget.answered(ticket, now_ns)
        if isinstance(error, Banned):
            if error.after_s is None:
                error.after_s = DEFAULT_BAN_S
            self._budget.block(None, now_ns + int(error.after_s * _S), banned=True)
        elif isinstance(error, RateLimited):
            if error.after_s is None:
                used_up = [cost for cost in costs if error.pool in (None, cost.pool)]
                error.after_s = self._budget.quiet_ns(used_up, now_ns) / _S
            until_ns = now_ns + int(error.after_s * _S)
            if error.pool is not None:
                self._budget.block(error.pool, until_ns)
                return
            if not costs:
                self._budget.block(None, until_ns)
            for cost in costs:
                self._budget.block(cost.pool, until_ns)
        elif getattr(error, "sent", True) is False:
            self._budget.refund(ticket, now_ns)

    def _tell(self, name: str, hold: Hold, call: int) -> None:
        self._telemetry.emit(BudgetWait(self._exchange, name, hold.pool, hold.wait_ns / _S, call))
