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
    raw_per_five_minutes: int = 300_000
    orders_per_ten_seconds: int = 100
    orders_per_day: int = 200_000
    connections_per_five_minutes: int = 300

    def document(self) -> list[dict[str, Any]]:
        return [
            _limit("REQUEST_WEIGHT", "MINUTE", 1, self.weight_per_minute),
            _limit("ORDERS", "SECOND", 10, self.orders_per_ten_seconds),
            _limit("ORDERS", "DAY", 1, self.orders_per_day),
            _limit("RAW_REQUESTS", "MINUTE", 5, self.raw_per_five_minutes),
        ]


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


@dataclass(slots=True)
class _Orders:
    ten_seconds: Window = field(default_factory=lambda: Window(10))
    day: Window = field(default_factory=lambda: Window(86_400))


class Limits:
    """All counters of one venue."""

    def __init__(self, rules: LimitRules) -> None:
        self.rules = rules
        self._addresses: dict[str, _Address] = {}
        self._accounts: dict[str, _Orders] = {}
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
        if used <= self.rules.weight_per_minute and raw <= self.rules.raw_per_five_minutes:
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

    def count_order(self, account: str, now_ns: int) -> None:
        """Count one unfilled order.

        Raises:
            RateLimited: -1015, with HTTP 429.
        """
        orders = self._orders(account)
        for window, limit, name in (
            (orders.ten_seconds, self.rules.orders_per_ten_seconds, "10 SECOND"),
            (orders.day, self.rules.orders_per_day, "1 DAY"),
        ):
            if window.used(now_ns) >= limit:
                end_ns = window.end_ns(now_ns)
                raise RateLimited(
                    -1015,
                    f"Too many new orders; current limit is {limit} orders per {name}.",
                    status=429,
                    retry_after_s=_seconds_until(end_ns, now_ns),
                    retry_at_ms=end_ns // 1_000_000,
                )
        orders.ten_seconds.add(1, now_ns)
        orders.day.add(1, now_ns)

    def order_filled(self, account: str, now_ns: int) -> None:
        """Take one unfilled order off the count."""
        orders = self._orders(account)
        orders.ten_seconds.add(-1, now_ns)
        orders.day.add(-1, now_ns)

    def order_counts(self, account: str, now_ns: int) -> tuple[int, int]:
        orders = self._orders(account)
        return orders.ten_seconds.used(now_ns), orders.day.used(now_ns)

    def _address(self, ip: str) -> _Address:
        return self._addresses.setdefault(ip, _Address())

    def _orders(self, account: str) -> _Orders:
        return self._accounts.setdefault(account, _Orders())


def _seconds_until(end_ns: int, now_ns: int) -> int:
    return max(1, -(-(end_ns - now_ns) // SECOND_NS))
