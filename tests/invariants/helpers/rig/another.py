"""A second connection of the same user to the same venue, for what would disturb the one under test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import lotusx
from lotusx.kernel.transport import HttpTransport
from rig.randomness import split

if TYPE_CHECKING:
    from lotusx.kernel.budget import BudgetRegistry
    from rig.world import World


def prepared(
    world: World,
    purpose: str,
    *,
    http: HttpTransport | None = None,
    budgets: BudgetRegistry | None = None,
    plugins: Sequence[object] = (),
    options: Mapping[str, Any] | None = None,
) -> lotusx.Exchange:
    """Return a connection that has not been opened; broken as the one under test is. *purpose* splits the seed."""
    broken, ws = world.broken, world.server.ws
    connection = lotusx.connect(
        world.exchange.name,
        environment="simulator",
        base_url=world.server.base_url,
        credentials=world.exchange.credentials,
        http=http or world.server.http,
        ws=broken.ws(ws) if broken and broken.ws else ws,
        clock=world.clock,
        random=split(world.seed, f"another for {purpose}"),
        budgets=budgets,
        plugins=plugins,
        options=options,
    )
    if broken is not None:
        broken.tamper(connection)
    return connection


@asynccontextmanager
async def another(world: World, purpose: str, **parts: Any) -> AsyncIterator[lotusx.Exchange]:
    """Open a connection; arguments as of `prepared`."""
    connection = prepared(world, purpose, **parts)
    async with connection:
        if world.broken is not None and world.broken.opened is not None:
            world.broken.opened(connection)
        yield connection
