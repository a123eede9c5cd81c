"""The server's clock, by which all who share a count agree. Pure."""

from __future__ import annotations

_US = 1_000
_SET_NS = 1_000_000_000


class ServerTime:
    """Estimates how far the server's clock is ahead of the monotonic one, and keeps to it while what is heard allows.

    So what was counted does not move with every answer that took longer.
    """

    def __init__(self) -> None:
        self.by_ns: int | None = None
        """What to add to monotonic time to get the server's; ``None``: it was never heard."""

    def hear(self, before_ns: int, after_ns: int, server_us: int) -> bool:
        """Take the time of an answer; return whether the server's clock was set meanwhile, by more than a second.

        Args:
            before_ns, after_ns: Monotonic, before the question was sent and after the answer.
            server_us: Microseconds since the epoch, cut off.
        """
        least, most = server_us * _US - after_ns, (server_us + 1) * _US - before_ns
        known = self.by_ns
        self.by_ns = (least + most) // 2 if known is None else min(max(known, least), most)
        return known is not None and abs(self.by_ns - known) > _SET_NS
