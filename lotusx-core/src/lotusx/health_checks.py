"""How one connection is checked. Nothing is changed at the exchange."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lotusx.errors import LotusXError, NotSupported
from lotusx.health import Check, Health
from lotusx.kernel.flow import StreamState

if TYPE_CHECKING:
    from lotusx.account import Account
    from lotusx.guard import Guard
    from lotusx.kernel.clock import Clock
    from lotusx.market import MarketData
    from lotusx.model.account import Permissions

FAR_MS, TOO_FAR_MS = 1_000, 60_000
"""Our clock is worth a look from the first on; from the second on something else is wrong."""
FULL = 0.9
"""Part of a limit that is worth a look."""
_NAMED = 20
_DOWN = (StreamState.SILENT, StreamState.LOST, StreamState.CLOSED)

Level = tuple[str, str, float, int, int, float]
"""Pool, scope, window in seconds, used, limit, and seconds for which it is blocked."""
Seen = tuple[Health, str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Inside:
    """What a connection knows of itself.

    Attributes:
        clock_offset: Measures; returns the exchange's time minus ours, and the round trip, in milliseconds.
        streams: State of each subscription by its name.
        levels: How full each limit is.
    """

    clock_offset: Callable[[], Awaitable[tuple[int, int]]]
    streams: Callable[[], Mapping[str, StreamState]]
    levels: Callable[[], Sequence[Level]]


class HealthChecks:
    """The checks of one connection."""

    def __init__(self, guard: Guard, clock: Clock, inside: Inside, market: MarketData, account: Account) -> None:
        self._guard = guard
        self._clock = clock
        self._inside = inside
        self._market = market
        self._account = account
        self._permissions: Permissions | None = None

    async def run(self) -> tuple[Check, ...]:
        """Run them all, each by itself: one that fails does not raise."""
        checks = [await self._timed("connectivity", self._connectivity)]
        asking = {"clock": self._clock_check, "credentials": self._credentials, "permissions": self._permitted}
        for name, check in asking.items():
            if checks[0].result is Health.OK:
                checks.append(await self._timed(name, check))
            else:
                checks.append(Check(name, Health.NOT_CHECKED, "the exchange cannot be reached"))
        checks.append(await self._timed("streams", self._streams))
        checks.append(await self._timed("budgets", self._budgets))
        return tuple(checks)

    async def _timed(self, name: str, check: Callable[[], Awaitable[Seen]]) -> Check:
        begun = self._clock.monotonic_ns()
        try:
            result, detail, data = await check()
        except LotusXError as error:
            result, detail, data = Health.FAILED, str(error), {"error": type(error).__name__}
        return Check(name, result, detail, (self._clock.monotonic_ns() - begun) / 1e9, data)

    async def _connectivity(self) -> Seen:
        await self._market.server_time()
        return Health.OK, "the exchange answers", {}

    async def _clock_check(self) -> Seen:
        offset_ms, round_trip_ms = await self._inside.clock_offset()
        far = abs(offset_ms)
        result = Health.FAILED if far > TOO_FAR_MS else Health.DEGRADED if far > FAR_MS else Health.OK
        detail = f"the exchange is {offset_ms:+d} ms from our clock (± {round_trip_ms // 2} ms)"
        return result, detail, {"offset_ms": offset_ms, "round_trip_ms": round_trip_ms}

    async def _credentials(self) -> Seen:
        if self._guard.on_paper:
            return Health.NOT_CHECKED, "orders are matched in this process; no key is used", {"key": False}
        if not self._guard.may_read:
            return Health.NOT_CHECKED, "no credentials were given; public data only", {"key": False}
        said = "the key is accepted" if self._guard.has_key else "the account can be read; there is no key"
        try:
            self._permissions = await self._account.permissions()
        except NotSupported:
            await self._account.balances()
        return Health.OK, said, {"key": self._guard.has_key}

    async def _permitted(self) -> Seen:
        found = self._permissions
        if found is None:
            return Health.NOT_CHECKED, "nobody says what the key may do", {}
        words = {"read": found.read, "trade": found.trade, "withdraw": found.withdraw}
        data = {**words, "ip_restricted": found.ip_restricted, "read_only": self._guard.read_only}
        may = ", ".join(word for word, allowed in words.items() if allowed) or "do nothing"
        if found.withdraw:
            return Health.DEGRADED, f"the key may {may}; a program that trades need not withdraw", data
        if found.trade is False and not self._guard.read_only:
            return Health.DEGRADED, f"the key may {may}, and the connection is not read_only", data
        return Health.OK, f"the key may {may}", data

    async def _streams(self) -> Seen:
        states = self._inside.streams()
        counts: dict[str, int] = {}
        for state in states.values():
            counts[state.value] = counts.get(state.value, 0) + 1
        down = [name for name, state in states.items() if state in _DOWN]
        data = {"states": counts, "down": down[:_NAMED]}
        if not states:
            return Health.NOT_CHECKED, "no stream is open", data
        if down:
            return Health.DEGRADED, f"{len(down)} of {len(states)} streams are down: {', '.join(down[:3])}", data
        return Health.OK, f"{len(states)} streams are up", data

    async def _budgets(self) -> Seen:
        levels = self._inside.levels()
        names = ("pool", "scope", "window_s", "used", "limit", "blocked_s")
        data = {"limits": [dict(zip(names, level, strict=True)) for level in levels]}
        if not levels:
            return Health.NOT_CHECKED, "no limit is known", data
        blocked = [level for level in levels if level[5] > 0]
        if blocked:
            longest = max(level[5] for level in blocked)
            return Health.DEGRADED, f"{blocked[0][0]} is blocked for {longest:.1f} s", data
        pool, _, window_s, used, limit, _ = max(levels, key=lambda level: level[3] / level[4])
        detail = f"the fullest limit is {pool}: {used} of {limit} in {window_s:g} s"
        return Health.DEGRADED if used >= FULL * limit else Health.OK, detail, data
