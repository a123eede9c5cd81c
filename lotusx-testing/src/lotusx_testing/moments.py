"""A moment for signers: time from a fake clock, and nonces that count."""

from __future__ import annotations

from dataclasses import dataclass, field

from lotusx.kernel.request import SigningContext
from lotusx_testing.fakes import FakeClock


@dataclass
class FakeMoments:
    """Gives a signer its context: the clock's time, and the next nonce.

    Attributes:
        nonce: The last one given.
    """

    clock: FakeClock = field(default_factory=FakeClock)
    nonce: int = 0
    receive_window_ms: int = 5_000

    def next(self) -> SigningContext:
        """Return the context of the next request; no nonce comes twice."""
        self.nonce += 1
        return SigningContext(self.clock.now_ns() // 1_000_000, self.nonce, self.receive_window_ms)
