"""What is counted against an exchange's limits, and whether a request may go. Pure: time comes in as an argument."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from lotusx.kernel.facts import Limit
from lotusx.kernel.request import Lane
from lotusx.kernel.windows import AlignedWindow, RollingWindow

logger = logging.getLogger("lotusx.budgets")

RESERVE = 0.1
"""Share of every limit that only `Lane.URGENT` may use."""

BUSY = "the ledger that other processes hold"
BUSY_NS = 1_000_000


class Pool:
    """One thing the exchange counts, in one or several windows."""

    __slots__ = ("banned", "blocked_ns", "name", "windows")

    def __init__(self, name: str) -> None:
        self.name = name
        self.windows: list[AlignedWindow | RollingWindow] = []
        self.blocked_ns = 0
        self.banned = False

    def ensure(self, limit: Limit) -> None:
        for window in self.windows:
            if window.limit.window_s == limit.window_s:
                return
        self.windows.append(AlignedWindow(limit) if limit.aligned else RollingWindow(limit))

    def adopt(self, limit: Limit) -> AlignedWindow | RollingWindow:
        """Replace the limit of the window of its length, which keeps its count; return that window."""
        self.ensure(limit)
        window = next(window for window in self.windows if window.limit.window_s == limit.window_s)
        window.limit = limit
        return window

    def block(self, until_ns: int, *, banned: bool) -> None:
        if until_ns > self.blocked_ns:
            self.blocked_ns = until_ns
            self.banned = banned


@dataclass(slots=True, eq=False)
class Ticket:
    """What one request asks of the limits, and its place in the queue."""

    costs: tuple[tuple[Pool, int], ...]
    lane: Lane
    queued: bool = False
    taken_ns: int = 0


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a ticket must wait, and for how long at least. *unreachable*: why the count is not known; empty: it is."""

    wait_ns: int
    pool: str
    banned: bool = False
    unreachable: str = ""


class Asked(Protocol):
    """A question to a `CommonCount`."""

    @property
    def answered(self) -> bool:
        """Whether `hold` says something."""

    @property
    def hold(self) -> Hold | None:
        """As of `Ledger.attempt`."""


class CommonCount(Protocol):
    """Where the count of one ledger stands if it can only be changed by waiting for another machine.

    Changes reach it in the order in which they came here. They may run in another thread, and several times, until one
    of their results was accepted there; the ledger's lock is held meanwhile.
    """

    @property
    def distance_ns(self) -> int | None:
        """What to add to monotonic time to get one that all who share the count agree on; ``None``: not known yet."""

    def tell(self, change: Callable[[], None]) -> None:
        """Have *change* made, soon; nobody waits for it."""

    def begin(self, ticket: Ticket) -> Asked:
        """Have `Ledger.attempt` made for *ticket*, soon."""

    async def ask(self, ticket: Ticket) -> Hold | None:
        """Wait for the answer to `Ledger.attempt`."""


@dataclass(slots=True)
class Ledger:
    """All limits of one host as seen from one address: every connector in the process that talks to it."""

    pools: dict[tuple[str, str], Pool] = field(default_factory=dict)
    gate: Pool = field(default_factory=lambda: Pool(""))
    waiting: list[Ticket] = field(default_factory=list)
    lock: AbstractContextManager[object] = field(default_factory=threading.Lock)  # the blocking façade runs threads
    is_behind: Callable[[], bool] | None = None  # where processes share it: whether the lock could not be had
    common: CommonCount | None = None  # where it stands elsewhere; this is then what was known last
    part: Decimal | None = None  # of each limit, that may be used for now; None: all
    _said: str = ""

    def change(self, change: Callable[[], None], *, here: bool = False) -> None:
        """Make *change*, which counts what has happened, now or, where the count stands elsewhere, soon. Never raises.

        An error of the count would be taken for that of a request which the exchange has answered. *here*: only what is
        known here changes, now.
        """
        try:
            if self.common is not None and not here:
                self.common.tell(change)
            else:
                with self.lock:
                    change()
        except Exception as error:
            if str(error) != self._said:
                logger.warning("what was sent could not be counted: %s", error)
            self._said = str(error)

    def attempt(self, ticket: Ticket, now_ns: int) -> Hold | None:
        """Take what *ticket* asks if nothing forbids it, leaving room for all who were there before."""
        if self.is_behind is not None and self.is_behind():
            return Hold(BUSY_NS, BUSY)
        if self.gate.blocked_ns > now_ns:
            return Hold(self.gate.blocked_ns - now_ns, "", self.gate.banned)
        hold: Hold | None = None
        urgent = ticket.lane is Lane.URGENT
        for pool, amount in ticket.costs:
            wait = pool.blocked_ns - now_ns
            if wait > 0:
                hold = _longer(hold, Hold(wait, pool.name, pool.banned))
            if not pool.windows:
                continue
            ahead = self._ahead(ticket, pool) if self.waiting else 0
            for window in pool.windows:
                whole = window.limit.amount if self.part is None else max(1, int(window.limit.amount * self.part))
                ceiling = whole if urgent else max(int(whole * (1 - RESERVE)), min(amount, whole), 1)
                wait = window.wait_ns(ahead + amount, ceiling, now_ns)
                if wait > 0:
                    hold = _longer(hold, Hold(wait, pool.name))
        if hold is None:
            ticket.taken_ns = now_ns
            for pool, amount in ticket.costs:
                for window in pool.windows:
                    window.add(amount, now_ns)
        return hold

    def _ahead(self, ticket: Ticket, pool: Pool) -> int:
        """Sum what those before *ticket* want of *pool*. The urgent are before all others."""
        total = 0
        passed = False
        for other in self.waiting:
            if other is ticket:
                passed = True
            elif other.lane is Lane.URGENT:
                counts = ticket.lane is Lane.NORMAL or not passed
                total += sum(amount for its, amount in other.costs if its is pool) if counts else 0
            elif ticket.lane is Lane.NORMAL and not passed:
                total += sum(amount for its, amount in other.costs if its is pool)
        return total


def _longer(one: Hold | None, other: Hold) -> Hold:
    return other if one is None or other.wait_ns > one.wait_ns else one
