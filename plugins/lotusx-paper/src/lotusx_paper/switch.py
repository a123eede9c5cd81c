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
        self._scope = anyio.CancelScope()  # of the present wait

    def hold(self, seconds: int, symbol: str | None) -> None:
        """Replace the deadline of *symbol* by *seconds* from now; 0: have none."""
        self._due_ns.pop(symbol, None)
        if seconds:
            self._due_ns[symbol] = self._clock.monotonic_ns() + seconds * 1_000_000_000
        self._scope.cancel()

    async def run(self) -> None:
        """Cancel what is due, until cancelled."""
        while True:
            symbol = min(self._due_ns, key=self._due_ns.__getitem__, default=None)
            due_ns = self._due_ns.get(symbol)
            with anyio.CancelScope() as self._scope:
                if due_ns is None:
                    await anyio.sleep_forever()
                else:  # by the connection's clock: it is not real time where a recording is replayed
                    await self._clock.sleep(max(0, due_ns - self._clock.monotonic_ns()) / 1e9)
            if due_ns is not None and self._due_ns.get(symbol) == due_ns <= self._clock.monotonic_ns():
                del self._due_ns[symbol]
                self._cancel(symbol)
