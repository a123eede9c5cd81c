"""Nonces and stamps: unique, increasing, and taken at the last moment before signing."""

from __future__ import annotations

import threading

from lotusx.kernel.clock import Clock, ClockOffset
from lotusx.kernel.request import SigningContext


class NonceAllocator:
    """Hands out ``max(now_ms, last + 1)``: unique and increasing, even when the clock stands still or steps back.

    One per signing key; REST and WebSocket share it, and so do the threads of blocking connections.
    """

    __slots__ = ("_last", "_lock")

    def __init__(self, last: int = 0) -> None:
        self._last = last
        self._lock = threading.Lock()

    def next(self, now_ms: int) -> int:
        """Return the next nonce."""
        with self._lock:
            self._last = nonce = max(now_ms, self._last + 1)
        return nonce


class Stamper:
    """Makes signing contexts: the exchange's time and a fresh nonce. Shared by all signers of one key."""

    __slots__ = ("_clock", "_nonces", "_receive_window_ms", "offset")

    def __init__(
        self, clock: Clock, offset: ClockOffset, nonces: NonceAllocator, *, receive_window_ms: int = 5_000
    ) -> None:
        self._clock = clock
        self.offset = offset
        self._nonces = nonces
        self._receive_window_ms = receive_window_ms

    def context(self) -> SigningContext:
        """Return the context for a request that is sent now."""
        now_ms = self.offset.exchange_now_ms(self._clock)
        return SigningContext(now_ms, self._nonces.next(now_ms), self._receive_window_ms)
