"""What goes wrong with orders and what is told of them, beyond a spoilt reply."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import anyio

from rig.faults import Fault

if TYPE_CHECKING:
    from rig.world import World

NO_NETWORK_S = 600.0


async def no_network(world: World, rng: Random) -> None:
    """Let commands hang without an answer; then there is no network at all, names included, for ten minutes."""
    exchange, sim = world.exchange, world.sim
    for pattern in (*exchange.place, *exchange.cancel, *exchange.amend):
        for lose in (sim.lose_reply_to, sim.lose_request):
            lose(*pattern, times=rng.randint(1, 2), how="hang")
    await anyio.sleep(1.0 + rng.random() * 4)
    sim.refuse_connections()
    sim.cut_connections("rst")
    world.trader.paused = True
    sim.quiet(True)
    await anyio.sleep(NO_NETWORK_S)
    sim.refuse_connections(False)
    sim.quiet(False)


async def reads_fail_while_in_doubt(world: World, rng: Random) -> None:
    """Lose requests and replies of commands while nothing can be read for longer than a command looks; sockets live."""
    exchange, sim = world.exchange, world.sim
    for pattern in (*exchange.place, *exchange.cancel):
        sim.lose_request(*pattern, times=rng.randint(1, 2), how="reset")
        sim.lose_reply_to(*pattern, times=rng.randint(1, 2), how="reset")
    for pattern in exchange.reads:
        sim.refuse(*pattern, 503)
    await anyio.sleep(40.0 + rng.random() * 30)


async def old_news(world: World, rng: Random) -> None:
    """Say some of the last messages about orders again, long after they were true."""
    for _ in range(rng.randint(3, 8)):
        await anyio.sleep(rng.random() * 3)
        said = [each for each in world.venue.said if world.exchange.is_order_news(each.text)]
        if said:
            rng.choice(said).again()


async def orders_hidden(world: World, rng: Random) -> None:
    """Cut replies to new orders, show those orders to reads seconds later only, and tell of them even later."""
    world.sim.delay_visibility(3.0)
    world.sim.delay_stream(world.exchange.user_topic, 4.0)
    for _ in range(rng.randint(3, 8)):
        for pattern in world.exchange.place:
            world.sim.lose_reply_to(*pattern, how="cut")
        await anyio.sleep(rng.random() * 4)


FAULTS = {
    "orders hidden": Fault(orders_hidden, 1),
    "no network": Fault(no_network, 1),
    "reads fail while in doubt": Fault(reads_fail_while_in_doubt, 1, hits_reads=True),
    "old news": Fault(old_news),
}
