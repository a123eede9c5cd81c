"""The machine's own clocks."""

from __future__ import annotations

import time

import anyio


class SystemClock:
    """Real time, on whichever event loop is running.

    ``now_ns()``: nanoseconds since the Unix epoch; may step. ``monotonic_ns()``: nanoseconds from an arbitrary start;
    never steps back.
    """

    __slots__ = ()

    now_ns = staticmethod(time.time_ns)
    monotonic_ns = staticmethod(time.monotonic_ns)

    async def sleep(self, seconds: float) -> None:
        """Wait; may be cancelled."""
        await anyio.sleep(seconds)
