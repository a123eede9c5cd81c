"""What one account or address may ask. Source: the exchange's support site, "API" (2026).

Where unsigned requests count is not documented: here they count for their address.
"""

from collections import deque
from dataclasses import dataclass

from lotusx_sim.dialects.backpack.errors import too_many

_MINUTE_NS = 60_000_000_000
_HISTORICAL = frozenset({"/api/v1/klines", "/api/v1/trades/history"})


@dataclass(frozen=True, slots=True)
class LimitRules:
    """The venue's numbers; a test may lower them."""

    requests_per_minute: int = 2_000
    historical_per_minute: int = 30
    batch: int = 20  # the exchange states none; others assume this


class Limits:
    def __init__(self, rules: LimitRules) -> None:
        self.rules = rules
        self._uses: dict[tuple[str, bool], deque[int]] = {}
        self._banned_until_ns = 0

    def ban_everyone(self, until_ns: int) -> None:
        """Refuse every request with 429: no rules of bans are published."""
        self._banned_until_ns = until_ns

    def count(self, who: str, path: str, now_ns: int) -> None:
        """Count a request of an account or address.

        Raises:
            VenueError: One too many within a minute; it is not counted.
        """
        if now_ns < self._banned_until_ns:
            raise too_many()
        self._spend((who, False), self.rules.requests_per_minute, now_ns)
        if path in _HISTORICAL:
            self._spend((who, True), self.rules.historical_per_minute, now_ns)

    def _spend(self, bucket: tuple[str, bool], limit: int, now_ns: int) -> None:
        uses = self._uses.setdefault(bucket, deque())
        while uses and uses[0] <= now_ns - _MINUTE_NS:
            uses.popleft()
        if len(uses) >= limit:
            raise too_many()
        uses.append(now_ns)
