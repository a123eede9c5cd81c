"""Where a simulation's time comes from."""

import time
from typing import Protocol

import anyio


class Clock(Protocol):
    def now_ns(self) -> int:
        """Return nanoseconds since the epoch, UTC."""


class WallClock:
    """The machine's time; it never goes backwards within one clock."""

    def __init__(self) -> None:
        self._epoch_ns = time.time_ns() - time.monotonic_ns()

    def now_ns(self) -> int:
        return self._epoch_ns + time.monotonic_ns()


class LoopClock:
    """The event loop's time, which a test may let jump, placed on an epoch of its own.

    It is also a clock for the client: `skewed` makes one that is wrong by a constant.
    """

    def __init__(self, epoch_ns: int = 1_770_000_000_000_000_000) -> None:
        self._epoch_ns = epoch_ns
        self._zero_ns: int | None = None

    def now_ns(self) -> int:
        now_ns = self.monotonic_ns()
        if self._zero_ns is None:
            self._zero_ns = now_ns
        return self._epoch_ns + now_ns - self._zero_ns

    def monotonic_ns(self) -> int:
        return round(anyio.current_time() * 1e9)

    async def sleep(self, seconds: float) -> None:
        await anyio.sleep(seconds)

    def pass_unseen(self, seconds: float) -> None:
        """Let time pass that the loop's clock does not count, as while a machine sleeps."""
        self.now_ns()
        self._epoch_ns += round(seconds * 1e9)

    def skewed(self, seconds: float) -> "SkewedClock":
        """Return this clock, wrong by *seconds*; positive runs ahead."""
        return SkewedClock(self, seconds)


class SkewedClock:
    """A client's clock that is off; ``offset_s`` may be changed while it runs."""

    def __init__(self, clock: LoopClock, offset_s: float) -> None:
        self._clock = clock
        self.offset_s = offset_s

    def now_ns(self) -> int:
        return self._clock.now_ns() + round(self.offset_s * 1e9)

    def monotonic_ns(self) -> int:
        return self._clock.monotonic_ns()

    async def sleep(self, seconds: float) -> None:
        await self._clock.sleep(seconds)


class ManualClock:
    """Time that moves when told."""

    def __init__(self, now_ns: int = 1_770_000_000_000_000_000) -> None:
        self._now_ns = now_ns

    def now_ns(self) -> int:
        return self._now_ns

    def advance(self, seconds: float) -> None:
        self._now_ns += round(seconds * 1e9)
