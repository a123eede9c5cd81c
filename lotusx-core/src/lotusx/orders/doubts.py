"""Commands in doubt, and orders not yet described: looked into until there is proof. Nothing is ever sent again."""

from __future__ import annotations

import logging
from collections import OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import anyio

if TYPE_CHECKING:
    from lotusx.kernel.clock import Clock
    from lotusx.orders.runner import Job

logger = logging.getLogger("lotusx.orders")

MAX_DOUBTS = 10_000
"""Commands that are looked into; beyond it the oldest are left to the recovery of the account stream."""
PAUSE_S = 5.0
"""Before each time that a command is looked into, which is done as patiently as for a caller who waits."""
NO_HORIZON_S = 600.0
"""Without a horizon absence proves nothing: nobody looks for longer than this."""
_AT_ONCE = 8


@dataclass(slots=True)
class _Doubt:
    job: Job
    cause: BaseException
    ended: bool  # whether observers and journal know how


class Doubts:
    """Goes on looking where a command was given up, or its caller left, until it is decided.

    Args:
        conclude: Tells observers and journal how a command has ended after all.
    """

    def __init__(self, clock: Clock, conclude: Callable[[Job], Awaitable[None]]) -> None:
        self._clock = clock
        self._conclude = conclude
        self._open: OrderedDict[int, _Doubt] = OrderedDict()
        self._new: deque[_Doubt] = deque()
        self._filled = anyio.Event()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, job: Job, cause: BaseException, *, concluded: bool) -> None:
        """Look into *job* until it is decided and described; *cause* is what put it in doubt.

        *concluded*: observers and journal know how it has ended, if it has.
        """
        doubt = self._open[id(job)] = _Doubt(job, cause, concluded and job.command.decided)
        self._new.append(doubt)
        if len(self._open) > MAX_DOUBTS:
            _, oldest = self._open.popitem(last=False)
            logger.warning("%s: more than %d commands are in doubt", oldest.job.command.subject, MAX_DOUBTS)
            oldest.job.command.give_up(self._clock.monotonic_ns())
            oldest.job.finish()
        self._filled.set()

    async def run(self) -> None:
        """Look, until cancelled."""
        limiter = anyio.CapacityLimiter(_AT_ONCE)
        async with anyio.create_task_group() as group:
            while True:
                while self._new:
                    group.start_soon(self._follow, self._new.popleft(), limiter)
                self._filled = anyio.Event()
                await self._filled.wait()

    async def _follow(self, doubt: _Doubt, limiter: anyio.CapacityLimiter) -> None:
        while self._open.get(id(doubt.job)) is doubt:
            await self._clock.sleep(PAUSE_S)
            await self._look(doubt, limiter)

    async def _look(self, doubt: _Doubt, limiter: anyio.CapacityLimiter) -> None:
        job, command = doubt.job, doubt.job.command
        async with limiter:
            if not command.decided:
                await job.resolve(doubt.cause)
                job.finish()
            accepted = command.decided and command.error is None
            described = not accepted or job.describe is None or await job.describe()
        now_ns = self._clock.monotonic_ns()
        if command.decided and not doubt.ended:  # here, or by a query or a recovery that has asked meanwhile
            doubt.ended = True
            await self._conclude(job)
        if command.decided and described:
            self._open.pop(id(job), None)
        elif (command.decided or command.proof_ns is None) and now_ns - command.sent_ns > NO_HORIZON_S * 1e9:
            self._open.pop(id(job), None)
            command.note("nobody looks any more", now_ns)
