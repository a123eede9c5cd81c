"""Windows of time in which an exchange counts. Pure: monotonic time comes in as an argument."""

from __future__ import annotations

from collections import deque

from lotusx.kernel.facts import Limit

_S = 1_000_000_000
_GRAINS = 64
_NEVER = -(2**63)


class AlignedWindow:
    """Starts anew at whole multiples of its length on the exchange's clock.

    The clock only says when the running window ends; counting down to that is done in monotonic time.
    """

    __slots__ = ("_ends_ns", "_length_ns", "_started_ns", "_told", "_used", "distance_ns", "limit")

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self.distance_ns = 0
        """What to add to monotonic time to get the exchange's."""
        self._length_ns = int(limit.window_s * _S)
        self._used = 0
        self._told = 0  # by the exchange, of the running window: what is given back is never part of it
        self._started_ns = self._ends_ns = _NEVER

    def _roll(self, now_ns: int) -> None:
        if now_ns >= self._ends_ns:
            self._used = self._told = 0
            phase = (now_ns + self.distance_ns) % self._length_ns
            self._started_ns = now_ns - phase
            self._ends_ns = self._started_ns + self._length_ns

    def align(self, distance_ns: int, now_ns: int) -> None:
        """Adopt a better estimate of the exchange's clock; a window in use may end later for it, not earlier."""
        self._roll(now_ns)
        self.distance_ns = distance_ns
        ends = now_ns - (now_ns + distance_ns) % self._length_ns + self._length_ns
        self._ends_ns = max(self._ends_ns, ends) if self._used else ends

    def state(self) -> list[int]:
        """Return what has been counted, for `restore`; empty: nothing."""
        return [self._used, self._told, self._started_ns, self._ends_ns] if self._used else []

    def restore(self, state: list[int]) -> None:
        """Go on from what `state` has returned, here or in another process."""
        self._used, self._told, self._started_ns, self._ends_ns = state or (0, 0, _NEVER, _NEVER)

    @staticmethod
    def moved(state: list[int], by_ns: int) -> list[int]:
        """Return *state* by a clock that is *by_ns* ahead."""
        return [*state[:2], *(at_ns + by_ns for at_ns in state[2:])]

    def used(self, now_ns: int) -> int:
        """Return what counts against the limit now."""
        self._roll(now_ns)
        return self._used

    def add(self, amount: int, now_ns: int) -> None:
        """Count *amount*."""
        self._roll(now_ns)
        self._used += amount

    def give_back(self, amount: int, taken_ns: int, now_ns: int) -> None:
        """Undo `add`, as far as it still counts."""
        self._roll(now_ns)
        if taken_ns >= self._started_ns:
            self._used = max(self._used - amount, self._told)

    def renew(self, amount: int, taken_ns: int, now_ns: int) -> None:
        """Pass over that something taken counts from now on: it counts until the window ends, either way."""

    def correct(self, used: int, sent_ns: int, now_ns: int) -> None:
        """Adopt the exchange's own count if it is higher; one that may speak of an earlier window is passed over."""
        self._roll(now_ns)
        if sent_ns >= self._started_ns:
            self._told = max(self._told, used)
            self._used = max(self._used, used)

    def wait_ns(self, need: int, ceiling: int, now_ns: int) -> int:
        """Return how long until *need* fits under *ceiling*, at the earliest; 0: now."""
        self._roll(now_ns)
        if self._used + need <= ceiling:
            return 0
        later = need - max(ceiling - self._used, 0)  # what is before may still use up the running window
        more = max(-(-later // ceiling) - 1, 0)
        return self._ends_ns - now_ns + more * self._length_ns

    def ends_in_ns(self, now_ns: int) -> int:
        """Return how long until what counts now has ceased to."""
        self._roll(now_ns)
        return self._ends_ns - now_ns


class RollingWindow:
    """Looks back over its length at any moment. Kept in at most a few dozen grains, each as old as its newest part."""

    __slots__ = ("_grain_ns", "_grains", "_length_ns", "_used", "limit")

    def __init__(self, limit: Limit) -> None:
        self.limit = limit
        self._length_ns = int(limit.window_s * _S)
        self._grain_ns = self._length_ns // _GRAINS
        self._grains: deque[list[int]] = deque()  # [first ns, last ns, amount]
        self._used = 0

    def state(self) -> list[int]:
        """Return what has been counted, for `restore`; empty: nothing."""
        return [number for grain in self._grains for number in grain]

    def restore(self, state: list[int]) -> None:
        """Go on from what `state` has returned, here or in another process."""
        self._grains = deque(state[start : start + 3] for start in range(0, len(state), 3))
        self._used = sum(state[2::3])

    @staticmethod
    def moved(state: list[int], by_ns: int) -> list[int]:
        """Return *state* by a clock that is *by_ns* ahead."""
        return [number if place % 3 == 2 else number + by_ns for place, number in enumerate(state)]

    def _roll(self, now_ns: int) -> None:
        grains = self._grains
        while grains and grains[0][1] + self._length_ns <= now_ns:
            self._used -= grains.popleft()[2]

    def used(self, now_ns: int) -> int:
        """Return what counts against the limit now."""
        self._roll(now_ns)
        return self._used

    def add(self, amount: int, now_ns: int) -> None:
        """Count *amount*."""
        self._roll(now_ns)
        self._used += amount
        if self._grains and now_ns - self._grains[-1][0] < self._grain_ns:
            newest = self._grains[-1]
            newest[1] = max(newest[1], now_ns)  # others may have counted meanwhile
            newest[2] += amount
        else:
            self._grains.append([now_ns, now_ns, amount])

    def give_back(self, amount: int, taken_ns: int, now_ns: int) -> None:
        """Undo `add`, as far as it still counts."""
        self._roll(now_ns)
        for grain in self._grains:
            if grain[0] <= taken_ns <= grain[1]:
                amount = min(amount, grain[2])
                grain[2] -= amount
                self._used -= amount
                return

    def renew(self, amount: int, taken_ns: int, now_ns: int) -> None:
        """Count from now on what was taken at *taken_ns*."""
        self.give_back(amount, taken_ns, now_ns)
        self.add(amount, now_ns)

    def correct(self, used: int, sent_ns: int, now_ns: int) -> None:
        """Adopt the exchange's own count if it is higher. It was told to a request sent at *sent_ns*."""
        missing = used - self.used(now_ns)
        if missing > 0 and sent_ns + self._length_ns > now_ns:
            self.add(missing, now_ns)

    def wait_ns(self, need: int, ceiling: int, now_ns: int) -> int:
        """Return how long until *need* fits under *ceiling*, at the earliest; 0: now."""
        self._roll(now_ns)
        used = self._used
        if used + need <= ceiling:
            return 0
        wait = 0
        for _, last, amount in self._grains:
            wait = last + self._length_ns - now_ns
            used -= amount
            if used + need <= ceiling:
                return wait
        return wait + max(-(-need // ceiling) - 1, 0) * self._length_ns

    def ends_in_ns(self, now_ns: int) -> int:
        """Return how long until what counts now has ceased to."""
        self._roll(now_ns)
        return self._grains[-1][1] + self._length_ns - now_ns if self._grains else self._length_ns
