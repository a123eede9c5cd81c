"""Commands in doubt, and orders not yet described: looked into until there is proof. Nothing is ever sent again."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from lotusx.kernel.clock import Clock
    from lotusx.orders.runner import Job

logger = logging.getLogger("lotusx.orders")

MAX_DOUBTS = 10_000
"""Commands that are looked into; beyond it the oldest are left to the recovery of the account stream."""
PAUSE_S = 5.0
"""Between two rounds; a round looks as patiently as a caller who waits does."""
NO_HORIZON_S = 600.0
"""Without a horizon absence proves nothing: nobody looks for longer than this."""
_AT_ONCE = 8


class Doubts:
    """Goes on looking where a command was given up, or its caller left, until it is decided.

    Args:
        conclude: Tells observers and journal how a command has ended after all.
    """

    def __init__(self, clock: Clock, conclude: Callable[[Job], Awaitable[None]]) -> None:
        self._clock = clock
        self._conclude = conclude
        self._open: OrderedDict[int, tuple[Job, BaseException]] = OrderedDict()
        self._filled = anyio.Event()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, job: Job, cause: BaseException) -> None:
        """Look into *job* until it is decided and described; *cause* is what put it in doubt."""
        self._open[id(job)] = (job, cause)
        if len(self._open) > MAX_DOUBTS:
            _, (oldest, _) = self._open.popitem(last=False)
            logger.warning("%s: more than %d commands are in doubt", oldest.command.subject, MAX_DOUBTS)
        self._filled.set()

    async def run(self) -> None:
        """Look, until cancelled."""
        while True:
            while not self._open:
                self._filled = anyio.Event()
                await self._filled.wait()
            await self._clock.sleep(PAUSE_S)
            limiter = anyio.CapacityLimiter(_AT_ONCE)
            async with anyio.create_task_group() as group:
                for job, cause in list(self._open.values()):
                    group.start_soon(self._look, job, cause, limiter)

    async def _look(self, job: Job, cause: BaseException, limiter: anyio.CapacityLimiter) -> None:
        command = job.command
        undecided = not command.decided
        async with limiter:
            if undecided:
                await job.resolve(cause)
            accepted = command.decided and command.error is None
            described = not accepted or job.describe is None or await job.describe()
        now_ns = self._clock.monotonic_ns()
        if command.decided and undecided:
            await self._conclude(job)
        if command.decided and described:
            self._open.pop(id(job), None)
        elif (command.decided or command.proof_ns is None) and now_ns - command.sent_ns > NO_HORIZON_S * 1e9:
            self._open.pop(id(job), None)
            command.note("nobody looks any more", now_ns)
