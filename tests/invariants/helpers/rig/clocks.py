"""The clock of the user's machine: it may be wrong, be set, and run a little fast or slow."""

from __future__ import annotations

from lotusx_sim import LoopClock


class UserClock:
    """The simulation's time as a machine with a cheap quartz and a careless administrator has it.

    Attributes:
        steps_s: By how much the wall clock was set, each time.
    """

    def __init__(self, clock: LoopClock, offset_s: float) -> None:
        self.steps_s: list[float] = []
        self._clock = clock
        self._offset_ns = round(offset_s * 1e9)
        self._rate_ppm = 0
        self._turned_ns = 0  # when the rate was changed: on the true clock
        self._gained_ns = 0  # by then

    def now_ns(self) -> int:
        """Return what the wall clock shows, in nanoseconds since the epoch."""
        return self._clock.now_ns() + self._offset_ns + self._ahead_ns()

    def monotonic_ns(self) -> int:
        """Return nanoseconds since some moment: never set, but as fast or slow as the quartz."""
        return self._clock.monotonic_ns() + self._ahead_ns()

    async def sleep(self, seconds: float) -> None:
        """Wait, as long as this clock says."""
        await self._clock.sleep(seconds / (1 + self._rate_ppm / 1e6))

    def step(self, seconds: float) -> None:
        """Set the wall clock."""
        self.steps_s.append(seconds)
        self._offset_ns += round(seconds * 1e9)

    def sleep_through(self, seconds: float) -> None:
        """Let the machine sleep: time goes on everywhere, and the monotonic clock does not count it."""
        self.steps_s.append(seconds)
        self._clock.pass_unseen(seconds)

    def drift(self, ppm: int) -> None:
        """Run fast by so many millionths from now on."""
        self._gained_ns = self._ahead_ns()
        self._turned_ns = self._clock.monotonic_ns()
        self._rate_ppm = ppm

    def _ahead_ns(self) -> int:
        if not self._rate_ppm:
            return self._gained_ns
        return self._gained_ns + (self._clock.monotonic_ns() - self._turned_ns) * self._rate_ppm // 1_000_000
