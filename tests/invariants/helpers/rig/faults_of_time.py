"""What goes wrong with the clock of the user's machine."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import anyio

from rig.faults import Fault

if TYPE_CHECKING:
    from rig.world import World

STEPS_S = (-30.0, 30.0, -3_600.0, 3_600.0, -1.0, 1.0)
"""A careless administrator, daylight saving written into the clock, a leap second."""


async def clock_steps(world: World, rng: Random) -> None:
    """Set the wall clock a few times while orders are placed."""
    for _ in range(rng.randint(1, 3)):
        world.clock.step(rng.choice(STEPS_S))
        await anyio.sleep(2.0 + rng.random() * 8)


async def clock_drifts(world: World, rng: Random) -> None:
    """Run 200 ppm fast or slow, and set the wall clock as well."""
    world.clock.drift(rng.choice((-200, 200)))
    await clock_steps(world, rng)
    world.clock.drift(0)


FAULTS = {"clock steps": Fault(clock_steps), "clock drifts": Fault(clock_drifts, 1)}
