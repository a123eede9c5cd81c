"""Spreads the snapshots of many books, so that all of them going stale at once does not eat the budget."""

from __future__ import annotations

from types import TracebackType

from lotusx.kernel.clock import Clock


class SnapshotPace:
    """A queue for snapshot requests: ``async with pace:`` around each, first come, first served.

    Every request takes a turn, turns are ``1 / per_second`` apart, and turns that nobody used may be taken later, up
    to *burst* at once: a single book never waits.
    """

    __slots__ = ("_clock", "_gap_ns", "_next_ns", "_spare_ns", "waited")

    def __init__(self, clock: Clock, *, per_second: float, burst: int = 5) -> None:
        self._clock = clock
        self._gap_ns = int(1e9 / per_second)
        self._spare_ns = self._gap_ns * max(0, burst - 1)
        self._next_ns = clock.monotonic_ns() - self._spare_ns
        self.waited = 0

    async def __aenter__(self) -> None:
        now = self._clock.monotonic_ns()
        turn = max(self._next_ns, now - self._spare_ns)
        self._next_ns = turn + self._gap_ns
        if turn > now:
            self.waited += 1
            await self._clock.sleep((turn - now) / 1e9)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None
