"""Spreads the snapshots of many books, so that all of them going stale at once does not eat the budget."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from types import TracebackType

from lotusx.kernel.clock import Clock
from lotusx.kernel.facts import Limit
from lotusx.kernel.request import Cost

SHARE = 0.5
"""Of each limit that snapshots may use; the rest is for orders and questions."""


def seconds_each(costs: Iterable[Cost], limits: Sequence[Limit]) -> float | None:
    """Return how far apart requests of *costs* must be to use no more than `SHARE` of *limits*.

    ``None``: they cost nothing that is limited.
    """
    apart = [
        cost.amount * limit.window_s / (limit.amount * SHARE)
        for cost in costs
        for limit in limits
        if limit.pool == cost.pool
    ]
    return max(apart, default=None)


class SnapshotPace:
    """What books share: one queue of turns, first come, first served. Each book has its `turns`.

    A turn lasts as long as its book says. Time that nobody used may be used later, by up to *burst* turns at once: a
    single book never waits.
    """

    __slots__ = ("_burst", "_clock", "_next_ns", "waited")

    def __init__(self, clock: Clock, *, burst: int = 5) -> None:
        self._clock = clock
        self._burst = burst
        self._next_ns: int | None = None
        self.waited = 0

    def turns(self, each_s: float) -> Turns:
        """Return what to enter around each request of a book whose turns last *each_s*."""
        return Turns(self, int(each_s * 1e9))

    async def wait(self, gap_ns: int) -> None:
        """Wait for the next turn, and take *gap_ns*."""
        now_ns = self._clock.monotonic_ns()
        spare_ns = now_ns - gap_ns * max(0, self._burst - 1)
        turn_ns = spare_ns if self._next_ns is None else max(self._next_ns, spare_ns)
        self._next_ns = turn_ns + gap_ns
        if turn_ns > now_ns:
            self.waited += 1
            await self._clock.sleep((turn_ns - now_ns) / 1e9)


class Turns:
    """The turns of one book: ``async with turns:`` around every request."""

    __slots__ = ("_gap_ns", "_pace")

    def __init__(self, pace: SnapshotPace, gap_ns: int) -> None:
        self._pace = pace
        self._gap_ns = gap_ns

    async def __aenter__(self) -> None:
        await self._pace.wait(self._gap_ns)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        return None
