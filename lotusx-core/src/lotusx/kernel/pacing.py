"""How often: control messages on a socket, connections from an address, tries after a failure. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from random import Random
from urllib.parse import urlsplit

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


class ConnectBudget(Pace):
    """Half of the new connections an exchange allows one address; shared by all sockets to it."""

    __slots__ = ()

    def __init__(self, connects_per_window: tuple[int, float]) -> None:
        number, seconds = connects_per_window
        super().__init__(number // 2, seconds if number > 1 else seconds * 2)


def connect_budgets(urls: Mapping[str, str], stated: Mapping[str, tuple[int, float]]) -> dict[str, ConnectBudget]:
    """Return the budget of new connections of each group; groups of one host share one, the strictest of theirs.

    Args:
        urls: Group name → WebSocket URL.
        stated: Group name → ``(number, seconds)`` of new connections that the exchange allows.
    """
    hosts = {group: urlsplit(url).hostname for group, url in urls.items()}
    strictest: dict[str | None, tuple[int, float]] = {}
    for group, host in hosts.items():
        strictest[host] = min(
            strictest.get(host, stated[group]), stated[group], key=lambda window: window[0] / window[1]
        )
    budgets = {host: ConnectBudget(window) for host, window in strictest.items()}
    return {group: budgets[host] for group, host in hosts.items()}


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
