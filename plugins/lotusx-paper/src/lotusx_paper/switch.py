"""The dead man's switch of a paper account."""

from __future__ import annotations

from collections.abc import Callable

import anyio

from lotusx.plugin import Clock


class Switch:
    """Deadlines after which everything is cancelled: one for each symbol, and one for all (``None``)."""

    def __init__(self, clock: Clock, cancel: Callable[[str | None], object]) -> None:
        self._clock = clock
        self._cancel = cancel
        self._due_ns: dict[str | None, int] = {}
        self._changed = anyio.Event()

    def hold(self, seconds: int, symbol: str | None) -> None:
        """Replace the deadline of *symbol* by *seconds* from now; 0: have none."""
        self._due_ns.pop(symbol, None)
        if seconds:
            self._due_ns[symbol] = self._clock.monotonic_ns() + seconds * 1_000_000_000
        self._changed.set()

    async def run(self) -> None:
        """Cancel what is due, until cancelled."""
        while True:
            self._changed = anyio.Event()
            symbol = min(self._due_ns, key=self._due_ns.__getitem__, default=None)
            due_ns = self._due_ns.get(symbol)
            wait_s = None if due_ns is None else max(0.0, (due_ns - self._clock.monotonic_ns()) / 1e9)
            with anyio.move_on_after(wait_s):
                await self._changed.wait()
                continue
            del self._due_ns[symbol]
            self._cancel(symbol)
