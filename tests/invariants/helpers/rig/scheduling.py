"""trio under virtual time, with an order of tasks that the seed decides."""

from __future__ import annotations

import importlib
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import trio
from trio.testing import MockClock

from rig.randomness import split

T = TypeVar("T")


def run(main: Callable[[], Awaitable[T]], seed: int) -> T:
    """Run *main* until it returns; waiting costs no real time, and the same seed schedules the same way.

    trio shuffles tasks that are ready together, to keep programs from relying on an order. It has a switch that makes
    the shuffle depend on nothing but one random source; Hypothesis and pytest-trio set it the same way.
    """
    scheduler: Any = importlib.import_module("trio._core._run")
    before = scheduler._ALLOW_DETERMINISTIC_SCHEDULING, scheduler._r
    scheduler._ALLOW_DETERMINISTIC_SCHEDULING, scheduler._r = True, split(seed, "scheduler")
    try:
        return trio.run(main, clock=MockClock(autojump_threshold=0))
    finally:
        scheduler._ALLOW_DETERMINISTIC_SCHEDULING, scheduler._r = before
