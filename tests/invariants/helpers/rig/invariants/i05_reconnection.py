"""I05: reconnection is polite and endless."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio

import lotusx
from lotusx.kernel.budget import BudgetRegistry
from lotusx.kernel.codec import WsFacts
from rig.invariant import Invariant
from rig.randomness import split
from rig.second import Second, second

SOCKETS = 12
"""At most; fewer where the exchange allows fewer new ones a minute: more than it takes at once."""
CAP_S = 30.0
_HANDSHAKE_S = 10.0
_SLACK = 1.2
_GRAINED = 1.02
"""What was counted is given back in grains, of which a window has 64."""
_WAYS = ("refused", "429", "429 after", "403", "1008", "nobody")
_RETRY_AFTER_S = 20
_INTERVALS = ("1m", "5m", "15m", "30m", "1h", "4h", "1d", "1w")


class Polite(Invariant):
    """Judged by every attempt to connect: those of the run, and those of many sockets cut together for a while."""

    id = "I05"
    title = "Reconnection is polite and endless."
    bound = "never above half of the connect budget; full jitter, cap 30 s; resumes without restart"

    async def at_leisure(self) -> None:
        if self.world.plan.scenario == "many sockets":
            await self._many_sockets()

    def at_end(self) -> None:
        stated = [group.facts for group in self.world.wiring().groups.values()]
        self._judge_budget(self.world.transport.attempts, stated)

    def _judge_budget(self, attempts: Sequence[float], stated: Sequence[WsFacts]) -> None:
        """The simulated exchange is one host: the strictest of its groups holds for all of them together."""
        number, window_s = _strictest(stated)
        for first, later in zip(attempts, attempts[number // 2 :], strict=False):
            if later - first < window_s * 0.999:
                took_s = later - first
                self.fail(f"{number // 2 + 1} attempts within {took_s:.3f} s; {number} in {window_s:g} s are allowed")
                return

    async def _many_sockets(self) -> None:
        world = self.world
        rng = split(world.seed, "many sockets")
        stated = world.wiring().parts.facts.ws
        number, window_s = _strictest(list(stated.values()))
        half = number // 2
        room = world.exchange.max_sockets - len(world.sim.ws_connections)
        count = min(world.scale.sockets, room) if world.scale.connections > 1 else min(SOCKETS, half + 5, room)
        full_s = _SLACK * window_s * -(-count // half) + CAP_S
        before = set(world.sim.ws_connections)
        async with AsyncExitStack() as stack:
            crowds = await self._crowds(stack, count)
            if not await _until(lambda: _live(crowds) >= count, full_s):
                self.fail(f"{_live(crowds)} of {count} sockets live after {full_s:.0f} s")
                return
            begun = len(_attempts(crowds))
            way, outage_s = rng.choice(_WAYS), rng.choice(world.scale.outages_s)
            world.log.write("scenario", f"{count} sockets cut for {outage_s:g} s, then: {way}")
            async with self._outage(way):
                for connection in [each for each in world.sim.ws_connections if each not in before]:
                    connection.drop("rst")
                    self.exercised += 1
                await anyio.sleep(outage_s)
            back_s = anyio.current_time()
            attempts = _attempts(crowds)
            self._judge_jitter(attempts, begun, half, window_s)
            self._judge_outage(attempts, begun, back_s, way, half, window_s)
            due_s = full_s + _HANDSHAKE_S
            if way == "429 after":
                due_s += _RETRY_AFTER_S
            if not await _until(lambda: _live(crowds) >= count, due_s):
                self.fail(f"{_live(crowds)} of {count} sockets live {due_s:.0f} s after {outage_s:g} s of {way!r}")
            self.measured.append(anyio.current_time() - back_s)
            self._judge_budget(_attempts(crowds), list(stated.values()))

    async def _crowds(self, stack: AsyncExitStack, count: int) -> list[Second]:
        """Open connections with a socket a channel, *count* sockets in all; they share their limits."""
        crowds: list[Second] = []
        shared = BudgetRegistry()
        connections = min(self.world.scale.connections, count)
        for number in range(connections):
            crowd = await stack.enter_async_context(
                second(self.world, f"many sockets {number}", facts=_a_socket_a_channel, budgets=shared)
            )
            crowds.append(crowd)
            await self._subscribe(crowd, stack, count // connections + (number < count % connections))
        return crowds

    async def _subscribe(self, crowd: Second, streams: AsyncExitStack, count: int) -> None:
        opened = 0
        symbols = [str(each.symbol) for each in await crowd.connection.market.instruments()]
        for opening in _openings(crowd.connection, symbols):
            if opened == count:
                break
            try:
                await streams.enter_async_context(opening)
            except lotusx.LotusXError:
                continue
            opened += 1
        assert opened == count, f"{self.world.exchange.name} has only {opened} streams"

    @asynccontextmanager
    async def _outage(self, way: str) -> AsyncIterator[None]:
        """Let nobody in as long as the block lasts."""
        sim, gate = self.world.sim, self.world.gate
        if way == "refused":
            sim.refuse_connections()
        elif way == "nobody":
            sim.lose_request("CONNECT", "*", times=None, how="hang")
        elif way == "1008":
            gate.goodbye = 1008
        elif way == "429 after":
            sim.answer(429, "CONNECT", "*", retry_after=_RETRY_AFTER_S, times=None)
        else:
            sim.refuse("CONNECT", "*", int(way), "go away")
        yield
        sim.heal()
        gate.open()

    def _judge_jitter(self, attempts: Sequence[float], begun: int, half: int, window_s: float) -> None:
        """Where the budget left a choice: what waits for the budget goes at the moment at which there is some again."""
        free = [
            at_s for number, at_s in enumerate(attempts[begun:], begun)
            if number < half or at_s - attempts[number - half] > window_s * _GRAINED
        ]  # fmt: skip
        if len(set(free)) < 0.5 * len(free):
            self.fail(f"{len(free)} attempts were made at {len(set(free))} moments: no jitter")

    def _judge_outage(
        self, attempts: Sequence[float], begun: int, back_s: float, way: str, half: int, window_s: float
    ) -> None:
        """Those before the outage have used up a part of the budget, too."""
        if len(attempts) == begun:
            self.fail(f"nobody tried to connect during {way!r}")
            return
        held_s = CAP_S + _HANDSHAKE_S + (_RETRY_AFTER_S if way == "429 after" else 0.0)
        last_s = attempts[-1]
        full_s = window_s * _GRAINED
        exhausted = len([each for each in attempts if each > last_s - full_s]) >= half
        if back_s - last_s > (max(full_s, held_s) if exhausted else held_s):
            self.fail(f"the last attempt was {back_s - last_s:.1f} s before the end of {way!r}: it has given up")


def _a_socket_a_channel(facts: WsFacts) -> WsFacts:
    return replace(facts, max_channels=1)


def _live(crowds: Sequence[Second]) -> int:
    return sum(crowd.observer.live() for crowd in crowds)


def _attempts(crowds: Sequence[Second]) -> list[float]:
    """Return when any of them tried to connect, in order."""
    return sorted(at_s for crowd in crowds for at_s in crowd.transport.attempts)


def _strictest(stated: Sequence[WsFacts]) -> tuple[int, float]:
    return min((facts.connects_per_window for facts in stated), key=lambda each: each[0] / each[1])


async def _until(condition: Any, seconds: float) -> bool:
    with anyio.move_on_after(seconds):
        while not condition():  # noqa: ASYNC110 - what is watched has no event to wait for
            await anyio.sleep(0.5)
    return bool(condition())


def _openings(connection: lotusx.Exchange, symbols: Sequence[str]) -> Iterator[AbstractAsyncContextManager[Any]]:
    """Yield streams, each of another channel."""
    market = connection.market
    for symbol in symbols:
        yield market.stream_trades(symbol)
        yield market.stream_best_bid_offer(symbol)
    for interval in _INTERVALS:
        for symbol in symbols:
            yield market.stream_candles(symbol, interval)
