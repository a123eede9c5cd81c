"""How often: control messages on a socket, tries after a failure. Pure."""

from __future__ import annotations

from collections import deque
from random import Random

NS = 1_000_000_000


class Pace:
    """At most *amount* in any *window_s* seconds."""

    __slots__ = ("_amount", "_times", "_window_ns")

    def __init__(self, amount: int, window_s: float) -> None:
        self._amount = max(1, amount)
        self._window_ns = int(window_s * NS)
        self._times: deque[int] = deque(maxlen=self._amount)

    @classmethod
    def per_second(cls, rate: float) -> Pace:
        """At most *rate* a second; below one a second: one each 1 / *rate* seconds."""
        return cls(int(rate), 1.0) if rate >= 1 else cls(1, 1 / rate)

    def delay_ns(self, now_ns: int) -> int:
        """Return how long to wait before the next one."""
        if len(self._times) < self._amount:
            return 0
        return max(0, self._times[0] + self._window_ns - now_ns)

    def spend(self, now_ns: int) -> None:
        """Count one."""
        self._times.append(now_ns)


class Backoff:
    """Endless full jitter: each wait is anything up to a bound that doubles from 0.25 to 30 seconds."""

    __slots__ = ("_bound_s", "_rng")
    FIRST_S = 0.25
    LAST_S = 30.0

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._bound_s = self.FIRST_S

    def next_s(self, at_least_s: float = 0.0) -> float:
        """Return how long to wait now; *at_least_s* is what the exchange asked for, to which jitter is added."""
        wait = self._rng.uniform(0.0, self._bound_s)
        self._bound_s = min(self.LAST_S, self._bound_s * 2)
        return at_least_s + wait

    def reset(self) -> None:
        """Start over: the last connection held."""
        self._bound_s = self.FIRST_S
