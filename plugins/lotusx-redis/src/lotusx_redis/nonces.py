"""Nonces of one signing key, unique and increasing over all machines that share it."""

from __future__ import annotations

from lotusx.errors import BudgetsUnreachable
from lotusx.plugin.budgets import NonceAllocator
from lotusx_redis.place import Place, Unreachable


class RedisNonces(NonceAllocator):
    """Asks the server for each, and waits for its answer: a nonce is taken in the moment before signing."""

    __slots__ = ("_key", "_place")

    def __init__(self, place: Place, key: str) -> None:
        super().__init__()
        self._place = place
        self._key = key

    def next(self, now_ms: int) -> int:
        """Return the next nonce.

        Raises:
            BudgetsUnreachable: The server did not say; nothing was sent. A nonce of our own might be another's, too.
        """
        try:
            nonce = self._place.nonce(self._key, max(now_ms, self._last + 1))
        except Unreachable as error:
            raise BudgetsUnreachable(f"no nonce: {error}; nothing was sent") from error
        self._last = max(self._last, nonce)
        return nonce  # what another thread has noted meanwhile is another's
