"""Weights and order counts in fixed windows, as the venue counts them. Source: rest-api.md, limits."""

from dataclasses import dataclass, field
from typing import Any

from lotusx_sim.dialects.binance.errors import RateLimited

SECOND_NS = 1_000_000_000
_BAN_AFTER = 20  # requests sent while already over the limit
_BAN_S = 120


@dataclass(frozen=True, slots=True)
class LimitRules:
    """The numbers ``exchangeInfo.rateLimits`` states."""

    weight_per_minute: int = 6_000
    raw_per_five_minutes: int | None = 300_000
    orders_per_ten_seconds: int = 100
    orders_per_minute: int | None = None
    orders_per_day: int | None = 200_000
    connections_per_five_minutes: int = 300

    def document(self) -> list[dict[str, Any]]:
        raw = self.raw_per_five_minutes
        return [
            _limit("REQUEST_WEIGHT", "MINUTE", 1, self.weight_per_minute),
            *(_limit("ORDERS", window.interval, window.number, window.limit) for window in self.order_windows()),
            *([] if raw is None else [_limit("RAW_REQUESTS", "MINUTE", 5, raw)]),
        ]

    def order_windows(self) -> list["OrderWindow"]:
        """Return the windows in which the orders of an account are counted, the shortest first."""
        windows = [OrderWindow("SECOND", 10, 10, self.orders_per_ten_seconds)]
        if self.orders_per_minute is not None:
            windows.append(OrderWindow("MINUTE", 1, 60, self.orders_per_minute))
        if self.orders_per_day is not None:
            windows.append(OrderWindow("DAY", 1, 86_400, self.orders_per_day))
        return windows


@dataclass(frozen=True, slots=True)
class OrderWindow:
    interval: str
    number: int
    length_s: int
    limit: int

    @property
    def name(self) -> str:
        """Return its name in headers, such as ``10s``."""
        return f"{self.number}{self.interval[0].lower()}"


def _limit(kind: str, interval: str, number: int, limit: int) -> dict[str, Any]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}


class Window:
    """A counter that starts again at every multiple of its length."""

    def __init__(self, length_s: int) -> None:
        self._length_ns = length_s * SECOND_NS
        self._index = -1
        self._used = 0

    def used(self, now_ns: int) -> int:
        self._roll(now_ns)
        return self._used

    def add(self, amount: int, now_ns: int) -> int:
        self._roll(now_ns)
        self._used = max(0, self._used + amount)
        return self._used

    def end_ns(self, now_ns: int) -> int:
        return (now_ns // self._length_ns + 1) * self._length_ns

    def _roll(self, now_ns: int) -> None:
        index = now_ns // self._length_ns
        if index != self._index:
            self._index, self._used = index, 0


@dataclass(slots=True)
class _Address:
    weight: Window = field(default_factory=lambda: Window(60))
    raw: Window = field(default_factory=lambda: Window(300))
    connections: Window = field(default_factory=lambda: Window(300))
    banned_until_ns: int = 0
    offences: int = 0


class Limits:
    """All counters of one venue."""

    def __init__(self, rules: LimitRules) -> None:
        self.rules = rules
        self._addresses: dict[str, _Address] = {}
        self._accounts: dict[str, list[tuple[OrderWindow, Window]]] = {}
        self._everyone_banned_until_ns = 0

    def charge(self, ip: str, weight: int, now_ns: int) -> None:
        """Count one request.

        Raises:
            RateLimited: Over the limit (429), or banned for going on regardless (418).
        """
        address = self._address(ip)
        self.check_ban(ip, now_ns)
        raw = address.raw.add(1, now_ns)
        used = address.weight.add(weight, now_ns)
        raw_limit = self.rules.raw_per_five_minutes
        if used <= self.rules.weight_per_minute and (raw_limit is None or raw <= raw_limit):
            address.offences = 0
            return
        address.offences += 1
        if address.offences > _BAN_AFTER:
            self.ban(ip, now_ns + _BAN_S * SECOND_NS)
            self.check_ban(ip, now_ns)
        window = address.weight if used > self.rules.weight_per_minute else address.raw
        end_ns = window.end_ns(now_ns)
        raise RateLimited(
            -1003,
            f"Too much request weight used; current limit is {self.rules.weight_per_minute} request weight per 1"
            " MINUTE. Please use WebSocket Streams for live updates to avoid polling the API.",
            status=429,
            retry_after_s=_seconds_until(end_ns, now_ns),
            retry_at_ms=end_ns // 1_000_000,
        )

    def check_ban(self, ip: str, now_ns: int) -> None:
        until_ns = max(self._address(ip).banned_until_ns, self._everyone_banned_until_ns)
        if now_ns < until_ns:
            raise RateLimited(
                -1003,
                f"Way too much request weight used; IP banned until {until_ns // 1_000_000}."
                " Please use WebSocket Streams for live updates to avoid bans.",
                status=418,
                retry_after_s=_seconds_until(until_ns, now_ns),
                retry_at_ms=until_ns // 1_000_000,
            )

    def ban(self, ip: str, until_ns: int) -> None:
        address = self._address(ip)
        address.banned_until_ns = until_ns
        address.offences = 0

    def ban_everyone(self, until_ns: int) -> None:
        self._everyone_banned_until_ns = until_ns

    def refund(self, ip: str, weight: int, now_ns: int) -> None:
        """Give back what a successful order call was charged (free since 2026-04-02)."""
        self._address(ip).weight.add(-weight, now_ns)

    def used_weight(self, ip: str, now_ns: int) -> int:
        return self._address(ip).weight.used(now_ns)

    def connect(self, ip: str, now_ns: int) -> bool:
        """Count a WebSocket handshake; False when there were too many."""
        return self._address(ip).connections.add(1, now_ns) <= self.rules.connections_per_five_minutes

    def count_order(self, account: str, now_ns: int, *, at_once: int = 1) -> None:
        """Count one unfilled order, or *at_once* in a batch, which counts as one in all windows but the shortest.

        Raises:
            RateLimited: -1015, with HTTP 429.
        """
        orders = self._orders(account)
        for rule, window in orders:
            if window.used(now_ns) >= rule.limit:
                end_ns = window.end_ns(now_ns)
                raise RateLimited(
                    -1015,
                    f"Too many new orders; current limit is {rule.limit} orders per {rule.number} {rule.interval}.",
                    status=429,
                    retry_after_s=_seconds_until(end_ns, now_ns),
                    retry_at_ms=end_ns // 1_000_000,
                )
        for number, (_, window) in enumerate(orders):
            window.add(at_once if number == 0 else 1, now_ns)

    def order_filled(self, account: str, now_ns: int) -> None:
        """Take one unfilled order off the count."""
        for _, window in self._orders(account):
            window.add(-1, now_ns)

    def order_counts(self, account: str, now_ns: int) -> dict[str, int]:
        """Return what is counted by the windows' names, such as ``10s``."""
        return {rule.name: window.used(now_ns) for rule, window in self._orders(account)}

    def _address(self, ip: str) -> _Address:
        return self._addresses.setdefault(ip, _Address())

    def _orders(self, account: str) -> list[tuple[OrderWindow, Window]]:
        if account not in self._accounts:
            self._accounts[account] = [(rule, Window(rule.length_s)) for rule in self.rules.order_windows()]
        return self._accounts[account]


def _seconds_until(end_ns: int, now_ns: int) -> int:
    return max(1, -(-(end_ns - now_ns) // SECOND_NS))
