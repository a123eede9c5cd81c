"""What an address on the internet and a user may ask. Source: Bybit V5, rate limit rules; defaults of a new account."""

from collections import deque
from dataclasses import dataclass

from lotusx_sim.dialects.bybit.errors import FORBIDDEN_TEXT, HttpRefusal

_SECOND_NS = 1_000_000_000
_FIVE_SECONDS_NS = 5 * _SECOND_NS
_FIVE_MINUTES_NS = 300 * _SECOND_NS
_BAN_NS = 600 * _SECOND_NS


@dataclass(frozen=True, slots=True)
class LimitRules:
    """The venue's numbers; a test may lower them."""

    requests_per_five_seconds: int = 600
    connects_per_five_minutes: int = 500
    trade_messages_per_second: int = 3_000
    spot_orders_per_second: int = 20
    derivative_orders_per_second: int = 10
    spot_topics_per_request: int = 10
    topic_characters: int = 21_000
    open_orders: int = 500
    conditional_orders: int = 10
    spot_conditional_orders: int = 30
    batch_spot: int = 10
    batch_derivatives: int = 20
    cancel_all: int = 500


class Window:
    """What was used within the last while."""

    def __init__(self, length_ns: int) -> None:
        self._length_ns = length_ns
        self._uses: deque[int] = deque()

    def used(self, now_ns: int) -> int:
        while self._uses and self._uses[0] <= now_ns - self._length_ns:
            self._uses.popleft()
        return len(self._uses)

    def add(self, now_ns: int) -> None:
        self._uses.append(now_ns)

    def free_ns(self) -> int:
        """Return when the oldest use is forgotten."""
        return self._uses[0] + self._length_ns


@dataclass(frozen=True, slots=True)
class Quota:
    """How one user stands with one endpoint after a request."""

    limit: int
    left: int
    reset_ms: int
    is_over: bool = False

    def headers(self) -> dict[str, str]:
        return {
            "X-Bapi-Limit": str(self.limit),
            "X-Bapi-Limit-Status": str(self.left),
            "X-Bapi-Limit-Reset-Timestamp": str(self.reset_ms),
        }


class Limits:
    def __init__(self, rules: LimitRules) -> None:
        self.rules = rules
        self._requests: dict[str, Window] = {}
        self._connects: dict[str, Window] = {}
        self._messages: dict[str, Window] = {}
        self._banned: dict[str, int] = {}
        self._all_banned_until_ns = 0
        self._users: dict[tuple[str, str], Window] = {}

    # -- by address ----------------------------------------------------------------------------------------------

    def ban_everyone(self, until_ns: int) -> None:
        self._all_banned_until_ns = until_ns

    def count_request(self, ip: str, now_ns: int) -> None:
        """Count an HTTP request.

        Raises:
            HttpRefusal: One too many: the address is refused for ten minutes.
        """
        window = self._requests.setdefault(ip, Window(_FIVE_SECONDS_NS))
        banned_until = max(self._all_banned_until_ns, self._banned.get(ip, 0))
        if now_ns >= banned_until and window.used(now_ns) >= self.rules.requests_per_five_seconds:
            banned_until = self._banned[ip] = now_ns + _BAN_NS
        if now_ns < banned_until:
            raise HttpRefusal(403, FORBIDDEN_TEXT)
        window.add(now_ns)

    def may_connect(self, ip: str, now_ns: int) -> bool:
        """Count a WebSocket; False: it is one too many."""
        window = self._connects.setdefault(ip, Window(_FIVE_MINUTES_NS))
        banned = now_ns < max(self._all_banned_until_ns, self._banned.get(ip, 0))
        if banned or window.used(now_ns) >= self.rules.connects_per_five_minutes:
            return False
        window.add(now_ns)
        return True

    def says_too_much(self, ip: str, now_ns: int) -> bool:
        """Count a message of order entry; True: it is one too many."""
        window = self._messages.setdefault(ip, Window(_SECOND_NS))
        window.add(now_ns)
        return window.used(now_ns) > self.rules.trade_messages_per_second

    # -- by user -------------------------------------------------------------------------------------------------

    def spend(self, account: str, bucket: str, limit: int, now_ns: int) -> Quota:
        """Count a request, or one order of a batch, of a user; what is over the limit is not counted."""
        window = self._users.setdefault((account, bucket), Window(_SECOND_NS))
        used = window.used(now_ns)
        if used >= limit:
            return Quota(limit, 0, -(-window.free_ns() // 1_000_000), is_over=True)
        window.add(now_ns)
        return Quota(limit, limit - used - 1, now_ns // 1_000_000)
