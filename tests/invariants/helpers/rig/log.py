"""What happened, in order: the log that must come out the same, byte for byte, from the same seed."""

from __future__ import annotations

from collections.abc import Callable


class EventLog:
    """Lines of virtual time (ns), who, what."""

    def __init__(self, now_ns: Callable[[], int]) -> None:
        self.lines: list[str] = []
        self._now_ns = now_ns

    def write(self, who: str, what: str) -> None:
        """Add a line."""
        self.lines.append(f"{self._now_ns():>15} {who:<9} {what}")

    def text(self) -> str:
        """Return the whole log."""
        return "\n".join((*self.lines, ""))
