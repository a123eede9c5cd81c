"""Runs a connection for a long time, under virtual time or through sockets, weighs it, and judges what came of it."""

from __future__ import annotations

import gc
import json
import signal
import subprocess
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any, cast

import anyio
import httpx

import lotusx
from lotusx_sim import LoopClock, Simulator
from lotusx_sim.shells import memory
from lotusx_sim.shells.sockets import serve
from rig import scheduling
from rig.lab import EXCHANGES
from rig.randomness import split
from rig.soaking import User, trouble
from rig.weighing import Samples, resident_kib, weight

_MINUTE_S = 60.0
_SETTLE_S = 45.0
_FINISHED = 200
"""Ended orders that are remembered, instead of 10 000."""
_REMEMBERED = 30_000
"""Ids that are remembered, instead of 100 000: those of a day, because exchanges replay what is long past."""
_MEMORIES = ("Cloids", "ClientIds")
"""Of plugins whose exchange has a form of its own for client order ids."""

Owed = tuple[int, Decimal]
"""How many fills there were, and their quantities added up."""


def tell(**what: object) -> None:
    """Print one line."""
    print(json.dumps(what, default=str), flush=True)


def verdict(user: User, samples: Samples, owed: Owed, **more: object) -> int:
    """Print what came of it; return 1 if that is not as it should be."""
    tally = user.tally
    problems = [*user.unsound(), *samples.problems()]
    if (tally.fills, tally.traded) != owed:
        problems.append(f"{tally.fills} fills of {tally.traded} were told, {owed[0]} of {owed[1]} happened")
    tell(
        problems=problems, weights=samples.weights, objects=samples.objects, grown=samples.grown(),
        events=dict(tally.events), orders=tally.orders, fills=tally.fills, recoveries=tally.recoveries,
        errors=dict(tally.errors), counters=user.counters(), resyncs=user.book.resyncs, **more,
    )  # fmt: skip
    return 1 if problems else 0


def connect(name: str, base_url: str, seed: int, **transports: Any) -> lotusx.Exchange:
    """Return a connection to the simulated exchange at *base_url*."""
    return lotusx.connect(
        name,
        environment="simulator",
        base_url=base_url,
        credentials=EXCHANGES[name](seed, actions_per_s=0).credentials,
        random=split(seed, "connection"),
        **transports,
    )


def soon_full(connection: lotusx.Exchange) -> None:
    """Let what is remembered of the past have its full size within the warm-up, not after days.

    It is filled twice: a table that forgets its oldest entry for each new one grows once more after it is full.
    """
    desk = cast("Any", connection)._start.__self__.desk
    ledger = desk.ledger
    ledger._keep_finished, ledger._seen._bound = _FINISHED, _REMEMBERED
    for number in range(2 * _REMEMBERED):
        ledger._seen.add((lotusx.Symbol("NONE", "NONE"), f"no fill {number}", lotusx.Side.BUY))
    for ids in [cast("Any", each) for each in gc.get_objects() if type(each).__name__ in _MEMORIES]:
        remember = ids.wire if hasattr(ids, "wire") else ids.new
        for number in range(2 * ids._capacity):
            remember(f"no-order-with-an-id-of-{number:06}")


async def _a_minute(strike: Callable[[], Awaitable[object]]) -> None:
    begun = anyio.current_time()
    await strike()
    await anyio.sleep(max(_MINUTE_S - (anyio.current_time() - begun), 1.0))


# --------------------------------------------------------------------------------------------------- virtual time


def virtual(name: str, hours: float, seed: int) -> int:
    """Run one exchange under virtual time; return 1 if it is not sound."""
    return scheduling.run(lambda: _virtual(name, hours, seed), seed)


async def _virtual(name: str, hours: float, seed: int) -> int:
    exchange = EXCHANGES[name](seed, actions_per_s=1)
    sim, clock, rng = Simulator(exchange.venue), LoopClock(), split(seed, "soak")
    samples, found = Samples(), [1]

    async def during(user: User) -> None:
        for minute in range(1, round(hours * 60) + 1):
            await _a_minute(lambda: trouble(sim, exchange, rng))
            if not minute % 60:
                samples.take(weight([connection])[0])
                tell(exchange=name, hour=minute // 60, **samples.newest(), kib=resident_kib(), cpu_s=_cpu_s())
        user.paused = True
        sim.quiet(True)
        await anyio.sleep(_SETTLE_S)
        fills = sim.fills()
        owed = len(fills), sum((fill.quantity for fill in fills), Decimal(0))
        found[:] = [verdict(user, samples, owed, exchange=name, hours=hours)]

    async with memory.connect(sim, clock=clock, latency_s=0.005) as server:
        connection = connect(name, server.base_url, seed, http=server.http, ws=server.ws, clock=clock)
        async with connection:
            soon_full(connection)
            await User(exchange, connection, rng, pause_s=10.0).run(during)
    return found[0]


def _cpu_s() -> int:
    return round(time.process_time())


# -------------------------------------------------------------------------------------------------------- sockets


def real(name: str, minutes: float, seed: int, command: list[str]) -> int:
    """Run one exchange, hosted by *command*, through sockets in real time; return 1 if it is not sound."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as venue:
        try:
            return anyio.run(_real, name, minutes, seed, venue)
        finally:
            venue.terminate()


async def _real(name: str, minutes: float, seed: int, venue: subprocess.Popen[str]) -> int:
    assert venue.stdout is not None
    base_url = json.loads(venue.stdout.readline())["base_url"]
    samples, found = Samples(), [1]

    async def during(user: User) -> None:
        begun = time.monotonic()
        for minute in range(1, round(minutes) + 1):
            await anyio.sleep(max(0.0, minute * _MINUTE_S - (time.monotonic() - begun)))
            samples.take(resident_kib())
            tell(exchange=name, minute=minute, **samples.newest(), events=dict(user.tally.events), cpu_s=_cpu_s())
        user.paused = True
        venue.send_signal(signal.SIGUSR1)
        await anyio.sleep(_SETTLE_S)
        async with httpx.AsyncClient() as asking:
            fills = (await asking.get(f"{base_url}/__sim__/ledger")).json()["fills"]
        owed = len(fills), sum((Decimal(fill["quantity"]) for fill in fills), Decimal(0))
        found[:] = [verdict(user, samples, owed, exchange=name, minutes=minutes)]

    exchange = EXCHANGES[name](seed, actions_per_s=0)
    async with connect(name, base_url, seed) as connection:
        soon_full(connection)
        await User(exchange, connection, split(seed, "soak"), pause_s=0.1).run(during)
    return found[0]


async def host(name: str, rate: int, seed: int) -> None:
    """Serve the exchange with a trouble a minute. SIGUSR1 ends the troubles and stills the market, SIGTERM all."""
    exchange = EXCHANGES[name](seed, actions_per_s=rate)
    sim, rng = Simulator(exchange.venue), split(seed, "troubles")
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGUSR1) as signals:
        async with serve(sim) as server, anyio.create_task_group() as tasks:
            tell(base_url=server.base_url)
            troubles = anyio.CancelScope()

            async def strike() -> None:
                with troubles:
                    while True:
                        await _a_minute(lambda: trouble(sim, exchange, rng))

            tasks.start_soon(strike)
            async for number in signals:
                troubles.cancel()
                if number == signal.SIGTERM:
                    return
                sim.black_hole(False)
                sim.refuse_connections(False)
                sim.heal()
                sim.quiet(True)
