"""Where a simulation's time comes from."""

import time
from typing import Protocol


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
    """The event loop's time, which a test may let jump, placed on an epoch of its own."""

    def __init__(self, epoch_ns: int = 1_770_000_000_000_000_000) -> None:
        self._epoch_ns = epoch_ns
        self._zero_s: float | None = None

    def now_ns(self) -> int:
        import anyio

        now_s = anyio.current_time()
        if self._zero_s is None:
            self._zero_s = now_s
        return self._epoch_ns + round((now_s - self._zero_s) * 1e9)


class ManualClock:
    """Time that moves when told."""

    def __init__(self, now_ns: int = 1_770_000_000_000_000_000) -> None:
        self._now_ns = now_ns

    def now_ns(self) -> int:
        return self._now_ns

    def advance(self, seconds: float) -> None:
        self._now_ns += round(seconds * 1e9)
