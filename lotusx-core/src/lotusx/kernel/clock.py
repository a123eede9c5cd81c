"""Time as an argument, and the distance between our clock and the exchange's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

_MS = 1_000_000
_DIVERGED_NS = 1_000 * _MS


class Clock(Protocol):
    """Where time comes from. Under simulation it is virtual."""

    def now_ns(self) -> int:
        """Nanoseconds since the Unix epoch; may step."""

    def monotonic_ns(self) -> int:
        """Nanoseconds from an arbitrary start; never steps back."""

    async def sleep(self, seconds: float) -> None:
        """Wait; may be cancelled."""


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment on both of our clocks: the wall clock may be set after it, the other does not count sleep."""

    wall_ns: int
    monotonic_ns: int

    @classmethod
    def of(cls, wall_ns: int, clock: Clock) -> Moment:
        """Return the moment at which our wall clock, as it is set now, showed *wall_ns*."""
        return cls(wall_ns, clock.monotonic_ns() - (clock.now_ns() - wall_ns))

    def by_now_ns(self, clock: Clock) -> int:
        """Return it by our wall clock as it is set now. Where the two clocks disagree: the earlier, to miss nothing."""
        return min(self.wall_ns, clock.now_ns() - (clock.monotonic_ns() - self.monotonic_ns))


class ClockOffset:
    """Estimates the exchange's clock, and carries it on monotonic time so that steps of the wall clock do not matter.

    Before the first sync the wall clock, as it was when first asked, stands in for the exchange's.

    Args:
        margin_ms: How far a stamp stays behind the estimate: exchanges refuse stamps from their future sooner than
            late ones.
        max_age_s: After this long without a sync the estimate is stale; two quartz clocks may drift 200 ppm apart.
    """

    __slots__ = ("_distance_ns", "_margin_ns", "_max_age_ns", "_synced_ns", "_wall_ns", "round_trip_ns")

    def __init__(self, *, margin_ms: int = 0, max_age_s: float = 900.0) -> None:
        self._margin_ns = margin_ms * _MS
        self._max_age_ns = int(max_age_s * 1e9)
        self._distance_ns: int | None = None
        self._wall_ns = 0
        self._synced_ns: int | None = None
        self.round_trip_ns: int | None = None
        """Round trip of the sample in use: the estimate is off by half of it at most. ``None``: never synced."""

    @property
    def synced(self) -> bool:
        """Whether the exchange was ever asked."""
        return self._synced_ns is not None

    def sync(self, samples: list[tuple[int, int, int]], clock: Clock) -> None:
        """Adopt the best of *samples*, the one with the smallest round trip.

        Args:
            samples: At least one of (monotonic ns before asking, monotonic ns after the answer, exchange time in ns).
                The answer is taken to have been written half way.
            clock: The one the monotonic times are from.
        """
        before, after, exchange_ns = min(samples, key=lambda sample: sample[1] - sample[0])
        self.round_trip_ns = after - before
        self._distance_ns = exchange_ns - (before + after) // 2
        self._synced_ns = clock.monotonic_ns()
        self._wall_ns = clock.now_ns() - self._synced_ns

    def distance_ns(self, clock: Clock) -> int:
        """Return what to add to monotonic time to get the exchange's."""
        if self._distance_ns is None:
            self._wall_ns = self._distance_ns = clock.now_ns() - clock.monotonic_ns()
        return self._distance_ns

    def exchange_now_ns(self, clock: Clock) -> int:
        """Return the exchange's time, in nanoseconds since the epoch, margin not taken off."""
        return clock.monotonic_ns() + self.distance_ns(clock)

    def at_wall_ns(self, wall_ns: int, clock: Clock) -> int:
        """Return the exchange's time when our wall clock showed *wall_ns*; as it is while nothing was measured."""
        return wall_ns + self.exchange_now_ns(clock) - clock.now_ns() if self.synced else wall_ns

    def exchange_now_ms(self, clock: Clock) -> int:
        """Return the stamp for a request sent now: the exchange's time less the margin."""
        return (clock.monotonic_ns() + self.distance_ns(clock) - self._margin_ns) // _MS

    def wall_offset_ms(self, clock: Clock) -> float:
        """Return exchange time minus local wall time."""
        return (self.exchange_now_ns(clock) - clock.now_ns()) / _MS

    def stale(self, clock: Clock) -> bool:
        """Whether the exchange should be asked again.

        So it is before the first sync, after ``max_age_s``, and when wall and monotonic time have parted by more than a
        second: the wall clock was stepped, or the machine slept, and only the exchange can say which.
        """
        if self._synced_ns is None:
            return True
        return clock.monotonic_ns() - self._synced_ns > self._max_age_ns or self.parted(clock)

    def parted(self, clock: Clock) -> bool:
        """Whether wall and monotonic time have parted by more than a second since the last sync."""
        return self.synced and abs(clock.now_ns() - clock.monotonic_ns() - self._wall_ns) > _DIVERGED_NS
