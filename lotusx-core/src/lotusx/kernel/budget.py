"""The exchange's limits: weights in windows, counted here and corrected by what the exchange counts itself.

The arithmetic (`lotusx.kernel.counts`) is pure; `Budget.acquire` is the thin part that waits.
Limits belong to an address or an account, not to a connector: connectors that got their `Budget` from one
`BudgetRegistry` share them; so do processes whose registry is a `lotusx.shared_budgets.SharedBudgets`, and machines
whose count stands elsewhere (`CommonCount`).
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from urllib.parse import urlsplit

from lotusx.errors import Banned, BudgetsUnreachable, InvalidArgument, RateLimited
from lotusx.kernel.clock import Clock
from lotusx.kernel.counts import BUSY, Asked, Hold, Ledger, Pool, Ticket
from lotusx.kernel.dialect import Usage
from lotusx.kernel.facts import Limit
from lotusx.kernel.nonce import NonceAllocator
from lotusx.kernel.request import Cost, Lane
from lotusx.kernel.windows import AlignedWindow, RollingWindow

MAX_WAITING = 10_000
"""Requests that may wait for one exchange's limits at a time; more are refused at once."""

_S = 1_000_000_000
_CONNECTS = "connections"
_LEAST_WAIT_NS = 1_000_000
_GRANT_LASTS_NS = _S
_LOOK_AGAIN_NS = 2_000_000


class BudgetRegistry:
    """Hands out what connections of a process must share: limits, and the nonces of a key. Passed as an argument."""

    def __init__(self) -> None:
        self._ledgers: dict[str, Ledger] = {}
        self._nonces: dict[tuple[str, str], NonceAllocator] = {}
        self._lock = threading.Lock()  # two threads that ask at once must get the same

    def nonces(self, exchange: str, scope: str) -> NonceAllocator:
        """Return the allocator of one signing key; *scope* names it and must not be a secret."""
        with self._lock:
            allocator = self._nonces.get((exchange, scope))
            if allocator is None:
                allocator = self._nonces[exchange, scope] = self._make_nonces(exchange, scope)
        return allocator

    def budget(self, exchange: str, host: str, limits: Sequence[Limit], *, account: str = "") -> Budget:
        """Return the budget of one connector.

        *host* is what per-address limits are counted for, such as the host name of an API; exchanges that are reached
        at the same one share them. *account* says whose per-account limits; it must not be a secret, nor need it mean
        anything.
        """
        return Budget(exchange, limits, account=account, ledger=self._ledger(host))

    def connects(self, url: str, allowed: tuple[int, float]) -> ConnectBudget:
        """Return the budget of new connections to the host of *url*, the same for all that connect there.

        *allowed* is the ``(number, seconds)`` that the exchange states; of two for one length the lower one holds.
        """
        return ConnectBudget(allowed, self._ledger(f"connections to {urlsplit(url).hostname}"))

    async def ready(self) -> None:
        """Wait until limits can be counted.

        Raises:
            BudgetsUnreachable: They cannot, now; the text says why.
        """

    def close(self) -> None:
        """Let go of what it has opened. Called by whoever made this object."""

    def _ledger(self, name: str) -> Ledger:
        with self._lock:
            ledger = self._ledgers.get(name)
            if ledger is None:
                ledger = self._ledgers[name] = self._make_ledger(name)
        return ledger

    def _make_ledger(self, host: str) -> Ledger:
        return Ledger()

    def _make_nonces(self, exchange: str, scope: str) -> NonceAllocator:
        return NonceAllocator()


class Budget:
    """One connector's view of the exchange's limits."""

    __slots__ = ("_account", "_distance_ns", "_exchange", "_ledger", "_pools")

    def __init__(
        self, exchange: str, limits: Sequence[Limit] = (), *, account: str = "", ledger: Ledger | None = None
    ) -> None:
        self._exchange = exchange
        self._account = account
        self._ledger = ledger if ledger is not None else Ledger()
        self._pools: dict[str, list[Pool]] = {}  # by name: one for each scope that limits it
        self._distance_ns: int | None = None
        with self._ledger.lock:
            for limit in limits:
                self._pool(limit).ensure(limit)

    def _pool(self, limit: Limit) -> Pool:
        key = (limit.pool, "" if limit.scope == "ip" else f"{limit.scope}:{self._account}")
        pool = self._ledger.pools.setdefault(key, Pool(limit.pool))
        named = self._pools.setdefault(limit.pool, [])
        if pool not in named:
            named.append(pool)
        return pool

    def adopt(self, limits: Iterable[Limit], now_ns: int) -> None:
        """Follow the *limits* that the exchange states: they replace those of the same pool, scope and length.

        What was counted stays; lengths that were unknown are counted from now on; one below 1 is passed over.
        """
        stated = tuple(limits)

        def change() -> None:
            for limit in stated:
                if limit.amount < 1:
                    continue
                window = self._pool(limit).adopt(limit)
                if self._distance_ns is not None and isinstance(window, AlignedWindow):
                    window.align(self._distance_ns, now_ns)

        self._ledger.change(change, here=True)

    def lower(self, limit: Limit) -> None:
        """Count *limit*, unless one of its pool, scope and length that is as low is counted already."""
        with self._ledger.lock:
            pool = self._pool(limit)
            pool.ensure(limit)
            for window in pool.windows:
                if window.limit.window_s == limit.window_s and window.limit.amount > limit.amount:
                    window.limit = limit

    def _named(self, name: str) -> list[Pool]:
        pools = self._pools.get(name)
        if pools is None:  # a cost without a stated limit: can be blocked, is not counted
            key = (name, f"account:{self._account}")
            pools = self._pools[name] = [self._ledger.pools.setdefault(key, Pool(name))]
        return pools

    def _windows(self, name: str) -> list[AlignedWindow | RollingWindow]:
        return [window for pool in self._named(name) for window in pool.windows]

    def align(self, distance_ns: int, now_ns: int) -> None:
        """Say how far the exchange's clock is ahead of the monotonic one (`ClockOffset.distance_ns`)."""
        self._distance_ns = distance_ns

        def change() -> None:
            for name in self._pools:
                for window in self._windows(name):
                    if isinstance(window, AlignedWindow):
                        window.align(distance_ns, now_ns)

        self._ledger.change(change)

    def used(self, pool: str, window_s: float, now_ns: int) -> int:
        """Return what counts against one limit now; 0 where there is no such limit."""
        with self._ledger.lock:
            return max((w.used(now_ns) for w in self._windows(pool) if w.limit.window_s == window_s), default=0)

    def levels(self, now_ns: int) -> list[tuple[str, str, float, int, int, float]]:
        """Return pool, scope, window in seconds, used, limit and seconds blocked of each limit."""
        found = []
        with self._ledger.lock:
            for pools in self._pools.values():
                for pool in pools:
                    blocked_s = max(self._ledger.gate.blocked_ns - now_ns, pool.blocked_ns - now_ns, 0) / _S
                    for window in pool.windows:
                        limit, used = window.limit, window.used(now_ns)
                        found.append((pool.name, limit.scope, limit.window_s, used, limit.amount, blocked_s))
        return found

    def ticket(self, costs: Iterable[Cost], lane: Lane = Lane.NORMAL) -> Ticket:
        """Prepare to ask for *costs*.

        Raises:
            InvalidArgument: One of them is more than the whole limit; it would wait for ever.
        """
        wanted: list[tuple[Pool, int]] = []
        for cost in costs:
            for pool in self._named(cost.pool):
                for window in pool.windows:
                    if cost.amount > window.limit.amount:
                        raise InvalidArgument(
                            f"{self._exchange}: the request costs {cost.amount} of {cost.pool}, whose limit is "
                            f"{window.limit.amount} in {window.limit.window_s:g} s",
                            rule=cost.pool,
                        )
                wanted.append((pool, cost.amount))
        return Ticket(tuple(wanted), lane)

    def attempt(self, ticket: Ticket, now_ns: int) -> Hold | None:
        """Take what *ticket* asks (``None``), or say what it waits for."""
        with self._ledger.lock:
            return self._ledger.attempt(ticket, now_ns)

    def enqueue(self, ticket: Ticket) -> bool:
        """Give *ticket* a place in the queue; False: the queue is full."""
        with self._ledger.lock:
            if len(self._ledger.waiting) >= MAX_WAITING:
                return False
            self._ledger.waiting.append(ticket)
            ticket.queued = True
            return True

    def leave(self, ticket: Ticket) -> None:
        """Give up the place in the queue."""
        with self._ledger.lock:
            self._ledger.waiting.remove(ticket)
            ticket.queued = False

    def refund(self, ticket: Ticket, now_ns: int, pools: Iterable[str] | None = None) -> None:
        """Give back what *ticket* took, or only its part of *pools*: some exchanges do not charge what succeeds."""
        wanted, taken_ns = None if pools is None else set(pools), ticket.taken_ns

        def change() -> None:
            for pool, amount in ticket.costs:
                if wanted is None or pool.name in wanted:
                    for window in pool.windows:
                        window.give_back(amount, taken_ns, now_ns)

        self._ledger.change(change)

    def answered(self, ticket: Ticket, now_ns: int, *, free: Collection[str] = ()) -> None:
        """Count what *ticket* took as if taken now; give back its part of the *free* pools.

        The exchange counts a request when it comes, which is later than it was granted: a connection may have been
        opened before. No later than it answers, that is certain.
        """
        taken_ns, ticket.taken_ns = ticket.taken_ns, now_ns

        def change() -> None:
            for pool, amount in ticket.costs:
                for window in pool.windows:
                    if pool.name in free:
                        window.give_back(amount, taken_ns, now_ns)
                    else:
                        window.renew(amount, taken_ns, now_ns)

        self._ledger.change(change)

    def charge(self, costs: Iterable[Cost], now_ns: int) -> None:
        """Count what the exchange has charged already, such as a surcharge by the size of a reply. Never waits."""
        charged = tuple(costs)

        def change() -> None:
            for cost in charged:
                for window in self._windows(cost.pool):
                    window.add(cost.amount, now_ns)

        self._ledger.change(change)

    def observe(self, usage: Iterable[Usage], *, sent_ns: int, now_ns: int) -> None:
        """Adopt the exchange's own counts where they are higher, told by the reply to a request sent at *sent_ns*."""
        told = tuple(usage)

        def change() -> None:
            for item in told:
                for pool in self._named(item.pool):
                    for window in pool.windows:
                        if window.limit.window_s == item.window_s:
                            window.correct(item.used, sent_ns, now_ns)

        self._ledger.change(change)

    def block(self, pool: str | None, until_ns: int, *, banned: bool = False) -> None:
        """Let nothing pass that draws on *pool* before *until_ns* (monotonic); ``None``: nothing at all.

        Whoever shares the pool, or the address, is held as well. A block is never shortened.
        """

        def change() -> None:
            for blocked in [self._ledger.gate] if pool is None else self._named(pool):
                blocked.block(until_ns, banned=banned)

        self._ledger.change(change)

    def quiet_ns(self, costs: Iterable[Cost], now_ns: int, *, longest_s: float = 60.0) -> int:
        """Return how long to be silent after "too many requests" that came without a time.

        Until the windows concerned have passed, those longer than *longest_s* left out; a second if none is known.
        """
        ends: list[int] = []

        def look() -> None:
            for cost in costs:
                windows = [window for window in self._windows(cost.pool) if window.limit.window_s <= longest_s]
                ends.extend(window.ends_in_ns(now_ns) for window in windows)

        self._ledger.change(look, here=True)
        return max(ends, default=_S)

    async def acquire(
        self,
        ticket: Ticket,
        clock: Clock,
        *,
        deadline_ns: int,
        on_wait: Callable[[Hold], None] | None = None,
    ) -> None:
        """Wait until *ticket* is granted: first come, first served, the urgent before all others.

        A wait that would outlast *deadline_ns* (monotonic) is not begun. *on_wait* is called before each wait.

        Raises:
            RateLimited: The limits do not allow it before the deadline; nothing was sent; ``after_s`` says when.
            Banned: Likewise, and the exchange has shut this address out.
            BudgetsUnreachable: The count that machines share could not be reached before the deadline.
        """
        now_ns, common = clock.monotonic_ns(), self._ledger.common
        if self._distance_ns is None:
            agreed_ns = None if common is None else common.distance_ns
            self.align(clock.now_ns() - now_ns if agreed_ns is None else agreed_ns, now_ns)
        hold = self.attempt(ticket, now_ns) if common is None else await common.ask(ticket)
        if hold is None:
            return
        if not self.enqueue(ticket):
            raise RateLimited(self._exchange, "local", f"{MAX_WAITING} requests wait already; nothing was sent")
        try:
            while hold is not None:
                if now_ns + hold.wait_ns > deadline_ns:
                    raise self._refusal(hold)
                if on_wait is not None:
                    on_wait(hold)
                await clock.sleep(max(hold.wait_ns, _LEAST_WAIT_NS) / _S)
                now_ns = clock.monotonic_ns()
                hold = self.attempt(ticket, now_ns) if common is None else await common.ask(ticket)
        finally:
            self.leave(ticket)

    def _refusal(self, hold: Hold) -> RateLimited | Banned | BudgetsUnreachable:
        after_s = hold.wait_ns / _S
        if hold.unreachable:
            return BudgetsUnreachable(f"{self._exchange}: {hold.unreachable}; nothing was sent")
        if hold.banned:
            text = f"this address is shut out for {after_s:.1f} s more; nothing was sent"
            return Banned(self._exchange, "local", text, after_s=after_s)
        what = f"{hold.pool} is used up" if hold.pool else "all traffic is held"
        if hold.pool == BUSY:
            what = "another process holds the ledger of limits; try again"
        return RateLimited(
            self._exchange, "local", f"{what} for {after_s:.1f} s more; nothing was sent", after_s=after_s
        )


class ConnectBudget:
    """Half of the new connections an exchange allows one address; shared by all sockets to it."""

    __slots__ = ("_asked", "_budget", "_common")

    def __init__(self, allowed: tuple[int, float], ledger: Ledger | None = None) -> None:
        self._common = None if ledger is None else ledger.common
        self._asked: tuple[Ticket, Asked] | None = None
        number, window_s = allowed
        half = Limit(_CONNECTS, max(1, number // 2), window_s if number > 1 else window_s * 2, aligned=False)
        self._budget = Budget("", ledger=ledger)
        self._budget.lower(half)

    def take(self, now_ns: int) -> int:
        """Count one and return 0, or return how long to wait before asking again."""
        ticket = self._budget.ticket((Cost(_CONNECTS, 1),), Lane.URGENT)
        if self._common is None:
            hold = self._budget.attempt(ticket, now_ns)
            return 0 if hold is None else hold.wait_ns
        if self._asked is None:
            self._asked = ticket, self._common.begin(ticket)
            return _LOOK_AGAIN_NS
        ticket, asked = self._asked
        if not asked.answered:
            return _LOOK_AGAIN_NS
        self._asked = None
        if asked.hold is not None:
            return asked.hold.wait_ns
        return 0 if now_ns - ticket.taken_ns < _GRANT_LASTS_NS else _LOOK_AGAIN_NS  # whoever asked did not come back
