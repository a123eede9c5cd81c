"""What an address on the internet and an address on the chain may ask. Source: the venue's rate limit page, 2026."""

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal

from lotusx_sim.dialects.hyperliquid.errors import ActionError, RateLimited

_MINUTE_NS = 60_000_000_000
_PAUSE_NS = 10_000_000_000  # between the actions of an address that has used up its budget


@dataclass(frozen=True, slots=True)
class LimitRules:
    """The venue's numbers; a test may lower them."""

    weight_per_minute: int = 1_200
    connections: int = 10
    new_connections_per_minute: int = 30
    subscriptions: int = 1_000
    users: int = 10
    messages_per_minute: int = 2_000
    address_requests: int = 10_000
    open_orders: int = 1_000


class Sliding:
    """What was used within the last minute."""

    def __init__(self) -> None:
        self._uses: deque[tuple[int, int]] = deque()
        self._used = 0

    def used(self, now_ns: int) -> int:
        while self._uses and self._uses[0][0] <= now_ns - _MINUTE_NS:
            self._used -= self._uses.popleft()[1]
        return self._used

    def add(self, amount: int, now_ns: int) -> None:
        self._uses.append((now_ns, amount))
        self._used += amount


@dataclass(slots=True)
class Host:
    """One internet address."""

    weight: Sliding = field(default_factory=Sliding)
    handshakes: Sliding = field(default_factory=Sliding)
    messages: Sliding = field(default_factory=Sliding)
    connections: int = 0
    subscriptions: int = 0
    users: dict[str, int] = field(default_factory=dict)  # how many subscriptions name each


class HostLimits:
    """The limits that count by internet address."""

    def __init__(self, rules: LimitRules) -> None:
        self.rules = rules
        self._hosts: dict[str, Host] = {}
        self._banned_until_ns = 0

    def host(self, ip: str) -> Host:
        return self._hosts.setdefault(ip, Host())

    def ban_everyone(self, until_ns: int) -> None:
        """Refuse everybody for a while; nothing is known that makes the venue do so."""
        self._banned_until_ns = until_ns

    def charge(self, ip: str, weight: int, now_ns: int) -> None:
        """Count a request.

        Raises:
            RateLimited: The minute's weight is used up.
        """
        window = self.host(ip).weight
        if now_ns < self._banned_until_ns or window.used(now_ns) + weight > self.rules.weight_per_minute:
            raise RateLimited
        window.add(weight, now_ns)

    def surcharge(self, ip: str, weight: int, now_ns: int) -> None:
        """Count what an answer has turned out to cost beyond its base weight."""
        if weight:
            self.host(ip).weight.add(weight, now_ns)

    def connect(self, ip: str, now_ns: int) -> bool:
        """Count a WebSocket; False: it is one too many."""
        host = self.host(ip)
        if now_ns < self._banned_until_ns or host.connections >= self.rules.connections:
            return False
        if host.handshakes.used(now_ns) >= self.rules.new_connections_per_minute:
            return False
        host.handshakes.add(1, now_ns)
        host.connections += 1
        return True

    def says_too_much(self, ip: str, now_ns: int) -> bool:
        """Count a message a client has sent; True: it is one too many."""
        window = self.host(ip).messages
        window.add(1, now_ns)
        return window.used(now_ns) > self.rules.messages_per_minute


@dataclass(slots=True)
class AddressBudget:
    """What one address on the chain may ask: it grows with what the address trades."""

    base: int
    used: int = 0
    bought: int = 0
    last_ns: int | None = None

    def cap(self, volume: Decimal) -> int:
        return self.base + self.bought + int(volume)

    def spend(self, amount: int, volume: Decimal, now_ns: int, *, is_cancel: bool) -> None:
        """Count an action of *amount* orders or cancels.

        Raises:
            ActionError: The budget is used up, and the last action is less than ten seconds ago.
        """
        cap = self.cap(volume)
        ceiling = min(cap + 100_000, 2 * cap) if is_cancel else cap
        if self.used + amount > ceiling:
            if self.last_ns is not None and now_ns - self.last_ns < _PAUSE_NS:
                raise ActionError(
                    f"Too many cumulative requests sent ({self.used} > {cap}) "
                    f"for cumulative volume traded ${volume:.2f}. "
                    "Place taker orders to free up 1 request per USDC traded."
                )
            self.last_ns = now_ns
        self.used += amount
