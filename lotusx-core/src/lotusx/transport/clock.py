"""The machine's own clocks."""

from __future__ import annotations

import time

import anyio


class SystemClock:
    """Real time, on whichever event loop is running."""

    __slots__ = ()

    def now_ns(self) -> int:
        """Nanoseconds since the Unix epoch; may step."""
        return time.time_ns()

    def monotonic_ns(self) -> int:
        """Nanoseconds from an arbitrary start; never steps back."""
        return time.monotonic_ns()

    async def sleep(self, seconds: float) -> None:
        """Wait; may be cancelled."""
        await anyio.sleep(seconds)
