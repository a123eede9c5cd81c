"""trio under virtual time, with an order of tasks that the seed decides."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable
from math import inf
from typing import Any, TypeVar, cast

import trio
from trio.testing import MockClock

from rig.randomness import split

T = TypeVar("T")
_LONG_S = 999_999_999.0


def _still_clock(scheduler: Any) -> MockClock:
    """Return trio's clock for tests, which stands still but for its jumps, without what it does for one that runs.

    It is asked for the time some hundred thousand times in a run; the same happens, a tenth faster.
    """
    clock: Any = MockClock(autojump_threshold=0)

    def jump() -> None:
        deadline = scheduler.GLOBAL_RUN_CONTEXT.runner.deadlines.next_deadline()
        if clock._virtual_base < deadline < inf:
            clock._virtual_base = deadline

    clock.current_time = lambda: clock._virtual_base
    clock.deadline_to_sleep_time = lambda deadline: 0.0 if deadline <= clock._virtual_base else _LONG_S
    clock._autojump = jump
    return cast("MockClock", clock)


def run(main: Callable[[], Awaitable[T]], seed: int) -> T:
    """Run *main* until it returns; waiting costs no real time, and the same seed schedules the same way.

    trio shuffles tasks that are ready together, to keep programs from relying on an order. It has a switch that makes
    the shuffle depend on nothing but one random source; Hypothesis and pytest-trio set it the same way.
    """
    scheduler: Any = importlib.import_module("trio._core._run")
    before = scheduler._ALLOW_DETERMINISTIC_SCHEDULING, scheduler._r
    scheduler._ALLOW_DETERMINISTIC_SCHEDULING, scheduler._r = True, split(seed, "scheduler")
    try:
        return trio.run(main, clock=_still_clock(scheduler))
    finally:
        scheduler._ALLOW_DETERMINISTIC_SCHEDULING, scheduler._r = before
