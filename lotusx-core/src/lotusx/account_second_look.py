"""The second look after a recovery: exchanges answer reads late, and the first may have come too early."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import anyio

from lotusx.orders.looking import READ_GRACE_S

if TYPE_CHECKING:
    from lotusx.kernel.clock import Clock

logger = logging.getLogger("lotusx.orders")
_NS = 1_000_000_000


class SecondLook:
    """Asks once more, some seconds after the last recovery, for what was missed since the first loss before it.

    An order that was filled while its channel was down may still be listed as open when the recovery asks, and its
    fill be in no list yet. Nothing would ever tell of it.

    Args:
        look: Asks for what was missed since a time (our wall time, ns), and tells it.
    """

    def __init__(self, clock: Clock, look: Callable[[int], Awaitable[object]]) -> None:
        self._clock = clock
        self._look = look
        self._since_ns: int | None = None
        self._due_ns = 0  # monotonic
        self._bell = anyio.Event()
        self._looking: anyio.CancelScope | None = None

    def after(self, lost_ns: int) -> None:
        """A recovery of what was missed since *lost_ns* has ended."""
        self._since_ns = lost_ns if self._since_ns is None else min(lost_ns, self._since_ns)
        self._due_ns = self._clock.monotonic_ns() + int(READ_GRACE_S * _NS)
        self._bell.set()

    def stop(self) -> None:
        """Nobody listens."""
        self._since_ns = None
        if self._looking is not None:
            self._looking.cancel()

    async def run(self) -> None:
        """Look, until cancelled."""
        while True:
            await self._bell.wait()
            self._bell = anyio.Event()
            while (left_ns := self._due_ns - self._clock.monotonic_ns()) > 0:
                await self._clock.sleep(left_ns / _NS)
            since_ns, self._since_ns = self._since_ns, None
            if since_ns is None:
                continue
            with anyio.CancelScope() as self._looking:
                try:
                    await self._look(since_ns)
                except Exception as error:  # also a plugin's defect: it must not end the connection
                    logger.warning("what an account has missed could not be asked for a second time: %r", error)
            self._looking = None
