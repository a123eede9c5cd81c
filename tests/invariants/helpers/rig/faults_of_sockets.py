"""What can go wrong with sockets besides being cut: a process that stood still, channels that bring nothing."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import TYPE_CHECKING, Any, cast

import anyio
import trio

from lotusx.kernel.codec import ChannelKind
from lotusx_sim.engine.orders import Side
from rig.faults import Fault
from rig.notes import Muteness, Muting, Sleep

if TYPE_CHECKING:
    from rig.world import World

SUSPENDED_S = 600.0
BOOK_S, TICKER_S, TRADES_S = 5.0, 10.0, 60.0
"""Bounds of I03: how long a channel of each class may be silent, unless three times its cadence is longer."""
ACCOUNT_S = 10.0
"""Another: how long nothing may come about an order after the exchange has accepted a command."""
_BOUNDS_S: Mapping[ChannelKind, float] = {
    ChannelKind.BOOK: BOOK_S,
    ChannelKind.TICKER: TICKER_S,
    ChannelKind.BEST_BID_OFFER: TICKER_S,
    ChannelKind.TRADES: TRADES_S,
}
_CADENCES = 3


async def suspended(world: World, rng: Random) -> None:
    """Stop the process for ten minutes: its timers stand still too, and nobody is at the other end afterwards.

    Either the monotonic clock counts on (SIGSTOP) or only the wall clock shows it (a machine that slept).
    """
    world.wake_blocking_readers(True)
    await anyio.sleep(1.0)
    sessions = tuple(world.sessions.live())
    world.sim.forget_connections()
    if rng.random() < 0.5:
        clock: Any = trio.lowlevel.current_clock()
        clock.jump(SUSPENDED_S)
    else:
        world.clock.sleep_through(SUSPENDED_S)
        world.sim.changed()
    world.notes.sleeps.append(Sleep(world.now_ns(), sessions))
    world.log.write("fault", f"the process goes on after {SUSPENDED_S:g} s; {len(sessions)} sockets are half-open")
    await anyio.sleep(rng.uniform(6.0, 12.0))


async def silenced(world: World, rng: Random) -> None:
    """Serve some channels no longer, though they are acknowledged, while the market is busy."""
    kinds = {
        subscription.channel.key: (subscription.channel.kind, subscription.channel.cadence_s or 0.0)
        for group in world.wiring().groups.values()
        for subscription in cast("Any", group)._subs.values()
        if subscription.channel.symbol is not None and str(subscription.channel.symbol) == world.exchange.symbol
    }
    keys = sorted(kinds)
    chosen = rng.sample(keys, rng.randint(1, len(keys) - 1))
    lasting = [key for key in chosen if kinds[key][0] is ChannelKind.TRADES]
    for key in lasting[: None if rng.random() < 0.7 else 0]:  # a minute of virtual time is not cheap
        chosen.remove(key)
    chosen = chosen or [rng.choice([key for key in keys if kinds[key][0] is not ChannelKind.TRADES])]
    deadlines_s = {key: max(_BOUNDS_S[kinds[key][0]], _CADENCES * kinds[key][1]) for key in chosen}
    await _busy(world, rng, 3.0)
    muting = Muting(world.now_ns(), deadlines_s)
    world.notes.mutings.append(muting)
    world.gate.muted = frozenset(chosen)
    world.log.write("fault", f"muted: {chosen}")
    await _busy(world, rng, max(deadlines_s.values()) + 3.0)
    muting.ended_ns = world.now_ns()
    world.gate.muted = frozenset()


async def _busy(world: World, rng: Random, seconds: float) -> None:
    """Have somebody trade all the while."""
    symbol = world.exchange.venue_symbol(world.exchange.symbol)
    step = world.step_of(symbol)
    until = anyio.current_time() + seconds
    while anyio.current_time() < until:
        world.sim.trade(symbol, rng.choice((Side.BUY, Side.SELL)).value, step * rng.randint(1, 20))
        await anyio.sleep(0.4)


async def account_silenced(world: World, rng: Random) -> None:
    """Serve the account no longer on the sockets that live, though all is acknowledged, while its owner trades."""
    muteness = Muteness(world.now_ns())
    world.notes.mutenesses.append(muteness)
    world.gate.mute_until = world.gate.sockets
    world.log.write("fault", "muted: the account")
    trader = world.trader
    while not muteness.accepted_ns:
        await anyio.sleep(rng.random())
        intent = trader.intend()
        instrument = await world.connection.market.instrument(world.exchange.symbol)
        await trader.place(intent, trader.resting(instrument, intent))
        if intent.outcome == "accepted":
            muteness.accepted_ns = world.now_ns()
    await anyio.sleep(ACCOUNT_S + 1.0)
    muteness.ended_ns = world.now_ns()
    world.gate.mute_until = 0


FAULTS: dict[str, Fault] = {
    "suspended": Fault(suspended, 2),
    "silenced": Fault(silenced, 2),
    "account silenced": Fault(account_silenced, 0),
}
