"""What is left of the account's quotas, endpoint by endpoint, as replies tell it.

Quotas differ by account: what a reply states takes the place of what the facts assume of an ordinary one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lotusx_bybit.v5.errors import Quota, quota_of
from lotusx_bybit.v5.facts import IP, QUOTA_S, quota as limit_of

if TYPE_CHECKING:
    from lotusx.plugin import Kernel

_WINDOW_NS = int(QUOTA_S * 1e9)


class Quotas:
    """The quotas of one account. The pool of an endpoint is its path."""

    def __init__(self, kernel: Kernel) -> None:
        self._adopt = kernel.limits
        self._now_ns = kernel.clock.monotonic_ns
        own = [limit for limit in kernel.facts.limits if limit.pool != IP]
        self._limits = {limit.pool: limit.amount for limit in own}
        self._scopes = {limit.pool: limit.scope for limit in own}
        self._told: dict[str, tuple[Quota, int]] = {}

    def __contains__(self, path: str) -> bool:
        return path in self._limits

    def learn(self, path: str, headers: Mapping[str, str]) -> None:
        """Take what the headers of a reply (names in lower case) say of *path*."""
        quota = quota_of(headers)
        if quota is None or not quota.limit:
            return
        if self._limits.get(path) != quota.limit:
            self._limits[path] = quota.limit
            self._adopt((limit_of(path, quota.limit, self._scopes.get(path, "account")),))
        self._told[path] = (quota, self._now_ns())

    def left(self, path: str, otherwise: int) -> int:
        """Return how many requests, or orders, *path* would take at once; *otherwise*: where nothing is known.

        Where nothing is left, as many as it will take when it takes any.
        """
        limit = self._limits.get(path, otherwise)
        told = self._told.get(path)
        if told is None or self._now_ns() - told[1] >= _WINDOW_NS:
            return limit
        return min(told[0].left, limit) or limit
