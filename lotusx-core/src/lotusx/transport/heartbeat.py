"""Noticing that nobody is at the other end of a socket."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import anyio
from anyio.abc import TaskGroup

from lotusx.errors import ConnectionFailed
from lotusx.kernel.clock import Clock
from lotusx.kernel.pacing import NS
from lotusx.kernel.transport import WsConnection

PING_AFTER_NS = 5 * NS
"""Silence on the socket after which we ask whether anybody is there. Any byte is life."""
DEAD_AFTER_NS = int(14.5 * NS)
"""Silence after which nobody is: within 15 s of the last byte, the lateness of timers included."""
SUSPENDED_NS = 5 * NS
"""A sleep that took this much longer than asked: the process was suspended, or something blocked the loop."""
_TICK_S = 1.0
_DRAIN_S = 0.5
_ANSWER_S = 3.0


class Heartbeat:
    """Watches one socket. Pings only a silent one."""

    def __init__(
        self,
        name: str,
        connection: WsConnection,
        clock: Clock,
        ping: Callable[[], Coroutine[Any, Any, None]],
        tasks: TaskGroup,
    ) -> None:
        self._name = name
        self._connection = connection
        self._clock = clock
        self._ping = ping
        self._tasks = tasks
        self._since_ns = clock.monotonic_ns()
        self.reading = True

    def resumed(self) -> None:
        """The socket is read again: silence counts from now."""
        self.reading = True
        self._since_ns = self._clock.monotonic_ns()

    async def run(self) -> None:
        """Watch until the socket is dead.

        Raises:
            ConnectionFailed: It is.
        """
        pinged_for = -1
        while True:
            now_ns, wall_ns = self._clock.monotonic_ns(), self._clock.now_ns()
            last = max(self._connection.last_received_ns, self._since_ns)
            if not self.reading:
                last = now_ns
            elif now_ns - last >= DEAD_AFTER_NS:
                raise ConnectionFailed(
                    f"{self._name}: nothing came for {DEAD_AFTER_NS / NS:g} s, not even an answer to a ping"
                )
            elif now_ns - last >= PING_AFTER_NS and pinged_for != last:
                pinged_for = last
                self._tasks.start_soon(self._ping)
            until = DEAD_AFTER_NS if pinged_for == last else PING_AFTER_NS
            nap_s = min(_TICK_S, (last + until - now_ns) / NS)
            await self._clock.sleep(nap_s)
            slept = max(self._clock.monotonic_ns() - now_ns, self._clock.now_ns() - wall_ns)
            if slept - int(nap_s * NS) > SUSPENDED_NS and self.reading:
                await self._after_suspension()

    async def _after_suspension(self) -> None:
        """Ask for a sign of life once what had piled up meanwhile has been read: the peer may be long gone."""
        await self._clock.sleep(_DRAIN_S)
        asked_ns = self._connection.last_received_ns
        self._tasks.start_soon(self._ping)
        with anyio.move_on_after(_ANSWER_S):
            while self._connection.last_received_ns == asked_ns:
                await self._clock.sleep(0.1)
            self._since_ns = self._clock.monotonic_ns()
            return
        raise ConnectionFailed(f"{self._name}: no sign of life after the process was suspended")
