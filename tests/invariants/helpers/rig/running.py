"""Runs a world under the scheduler and the clock of its seed, and sums up what came of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import anyio

from lotusx.plugin import registry
from rig import scheduling
from rig.plan import Plan
from rig.scale import SMALL, Scale
from rig.world import World

if TYPE_CHECKING:
    from rig.exchange import UnderTest
    from rig.tamper import Broken


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one run. ``failures``, ``exercised`` and ``measured`` (seconds) are by invariant."""

    exchange: str
    seed: int
    plan: Plan
    log: str
    failures: dict[str, list[str]]
    exercised: dict[str, int]
    measured: dict[str, list[float]]
    virtual_s: float
    cpu_s: float
    orders: int
    fills: int


@contextmanager
def _all_logs(handler: logging.Handler) -> Iterator[None]:
    """Send every record of every level to *handler*, and only there, without the place in the code: it costs."""
    root, module = logging.getLogger(), cast("Any", logging)
    level, handlers, source = root.level, root.handlers, module._srcfile
    root.handlers, previous = [handler], handlers
    root.setLevel(logging.DEBUG)
    module._srcfile = None
    try:
        yield
    finally:
        root.setLevel(level)
        root.handlers = previous
        module._srcfile = source


_claims = cache(registry._claims)


@contextmanager
def _plugins_looked_for_once() -> Iterator[None]:
    """Keep what is installed: nothing is installed meanwhile, and reading all metadata for each connection costs."""
    before = registry._claims
    registry._claims = _claims
    try:
        yield
    finally:
        registry._claims = before


def run(exchange: UnderTest, seed: int, plan: Plan, broken: Broken | None = None, scale: Scale = SMALL) -> Result:
    """Run *plan* with *seed*; return what came of it."""
    world = World(exchange, seed, plan, broken, scale)
    orders = fills = 0
    virtual_s = 0.0

    async def main() -> None:
        nonlocal virtual_s, orders, fills
        await world.live()
        virtual_s, orders, fills = anyio.current_time(), len(world.sim.orders()), len(world.sim.fills())

    started = time.process_time()
    with _all_logs(world.haystack), _plugins_looked_for_once():
        scheduling.run(main, seed)
    return Result(
        exchange=exchange.name,
        seed=seed,
        plan=plan,
        log=world.log.text(),
        failures={each.id: each.failures for each in world.invariants},
        exercised={each.id: each.exercised for each in world.invariants},
        measured={each.id: each.measured for each in world.invariants},
        virtual_s=virtual_s,
        cpu_s=time.process_time() - started,
        orders=orders,
        fills=fills,
    )
