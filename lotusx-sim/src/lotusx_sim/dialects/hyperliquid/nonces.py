"""Which nonces a signer may still use. Source: the venue's page on nonces and API wallets."""

import heapq

from lotusx_sim.dialects.hyperliquid.errors import ActionError

_KEPT = 100
_BEHIND_MS = 2 * 24 * 3_600_000
_AHEAD_MS = 24 * 3_600_000


class Nonces:
    """The hundred highest nonces of one signer."""

    def __init__(self) -> None:
        self._heap: list[int] = []
        self._kept: set[int] = set()

    def use(self, nonce: int, now_ms: int) -> None:
        """Take *nonce* once.

        Raises:
            ActionError: It was used, is below the hundred kept, or is too far from the venue's time.
        """
        if nonce in self._kept:
            raise ActionError(f"Invalid nonce: duplicate nonce {nonce}")
        lowest = now_ms - _BEHIND_MS
        if len(self._heap) == _KEPT:
            lowest = max(lowest, self._heap[0])
        if nonce <= lowest:
            raise ActionError(f"Invalid nonce: nonce too low {nonce} < {lowest}")
        if nonce >= now_ms + _AHEAD_MS:
            raise ActionError(f"Invalid nonce: nonce too high {nonce} > {now_ms + _AHEAD_MS}")
        self._kept.add(nonce)
        heapq.heappush(self._heap, nonce)
        if len(self._heap) > _KEPT:
            self._kept.discard(heapq.heappop(self._heap))
