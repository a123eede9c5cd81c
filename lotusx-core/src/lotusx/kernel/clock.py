"""Time as an argument, and the distance between our clock and the exchange's."""

from __future__ import annotations

from typing import Protocol


class Clock(Protocol):
    """Where time comes from. Under simulation it is virtual."""

    def now_ns(self) -> int:
        """Nanoseconds since the Unix epoch; may step."""

    def monotonic_ns(self) -> int:
        """Nanoseconds from an arbitrary start; never steps back."""

    async def sleep(self, seconds: float) -> None:
        """Wait; may be cancelled."""
