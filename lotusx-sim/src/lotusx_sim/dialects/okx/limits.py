"""Limits: so many requests of an endpoint in two seconds, by address or by account."""

from collections import deque

from lotusx_sim.dialects.okx.errors import VenueError

_WINDOW_NS = 2_000_000_000
_SECOND_NS = 1_000_000_000
CONNECTS_PER_S = 3
DEFAULT = 20
PER_WINDOW = {
    "GET /api/v5/public/time": 10,
    "GET /api/v5/market/books": 40,
    "GET /api/v5/market/trades": 100,
    "GET /api/v5/market/candles": 40,
    "GET /api/v5/public/funding-rate": 10,
    "GET /api/v5/public/funding-rate-history": 10,
    "GET /api/v5/public/mark-price": 10,
    "POST /api/v5/trade/order": 60,
    "POST /api/v5/trade/cancel-order": 60,
    "POST /api/v5/trade/amend-order": 60,
    "POST /api/v5/trade/batch-orders": 300,
    "POST /api/v5/trade/cancel-batch-orders": 300,
    "POST /api/v5/trade/amend-batch-orders": 300,
    "GET /api/v5/trade/order": 60,
    "GET /api/v5/trade/orders-pending": 60,
    "GET /api/v5/trade/orders-history": 40,
    "GET /api/v5/trade/fills": 60,
    "GET /api/v5/trade/fills-history": 10,
    "GET /api/v5/account/balance": 10,
    "GET /api/v5/account/positions": 10,
    "GET /api/v5/account/config": 5,
    "GET /api/v5/account/trade-fee": 5,
    "GET /api/v5/account/bills": 10,
    "GET /api/v5/account/bills-archive": 5,
    "POST /api/v5/trade/cancel-all-after": 2,
    "GET /api/v5/asset/balances": 12,
    "GET /api/v5/asset/deposit-history": 12,
    "GET /api/v5/asset/withdrawal-history": 12,
    "POST /api/v5/asset/withdrawal": 12,
    "POST /api/v5/asset/transfer": 4,
}
"""Requests in two seconds (orders, of batches)."""


class Limits:
    def __init__(self) -> None:
        self._used: dict[tuple[str, str], deque[int]] = {}
        self._banned_until_ns = 0

    def ban_everyone(self, until_ns: int) -> None:
        self._banned_until_ns = until_ns

    def is_banned(self, now_ns: int) -> bool:
        return now_ns < self._banned_until_ns

    def _spend(self, who: str, what: str, amount: int, most: int, window_ns: int, now_ns: int) -> bool:
        used = self._used.setdefault((who, what), deque())
        while used and used[0] <= now_ns - window_ns:
            used.popleft()
        if len(used) + amount > most:
            return False
        used.extend([now_ns] * amount)
        return True

    def may_connect(self, ip: str, now_ns: int) -> bool:
        """Count a WebSocket; False: it is one too many."""
        return not self.is_banned(now_ns) and self._spend(ip, "connect", 1, CONNECTS_PER_S, _SECOND_NS, now_ns)

    def count(self, who: str, endpoint: str, amount: int, now_ns: int) -> None:
        """Count a request, or the orders of one.

        Raises:
            VenueError: One too many.
        """
        if not self._spend(who, endpoint, amount, PER_WINDOW.get(endpoint, DEFAULT), _WINDOW_NS, now_ns):
            raise VenueError("50011", "Too Many Requests", status=429)
