"""I05: reconnection is polite and endless."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio

import lotusx
from lotusx.kernel.codec import WsFacts
from rig.invariant import Invariant
from rig.randomness import split
from rig.second import Second, second

SOCKETS = 12
"""At most; fewer where the exchange allows fewer new ones a minute: more than it takes at once."""
OUTAGES_S = (60.0, 90.0, 300.0, 1_800.0)
CAP_S = 30.0
_HANDSHAKE_S = 10.0
_SLACK = 1.2
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
        rng = split(self.world.seed, "many sockets")
        stated = self.world.wiring().parts.facts.ws
        number, window_s = _strictest(list(stated.values()))
        room = self.world.exchange.max_sockets - len(self.world.sim.ws_connections)
        count = min(SOCKETS, number // 2 + 5, room)
        before = list(self.world.sim.ws_connections)
        async with (
            second(self.world, "many sockets", facts=lambda each: replace(each, max_channels=1)) as crowd,
            AsyncExitStack() as streams,
        ):
            await self._subscribe(crowd, streams, count)
            if not await _until(lambda: crowd.observer.live() >= count, window_s * 2 + CAP_S):
                self.fail(f"{crowd.observer.live()} of {count} sockets live after {window_s * 2 + CAP_S:g} s")
                return
            begun = len(crowd.transport.attempts)
            way, outage_s = rng.choice(_WAYS), rng.choice(OUTAGES_S)
            self.world.log.write("scenario", f"{count} sockets cut for {outage_s:g} s, then: {way}")
            async with self._outage(way):
                for connection in [each for each in self.world.sim.ws_connections if each not in before]:
                    connection.drop("rst")
                    self.exercised += 1
                await anyio.sleep(outage_s)
            back_s = anyio.current_time()
            self._judge_jitter(crowd.transport.attempts, begun, number // 2, window_s)
            self._judge_outage(crowd.transport.attempts[begun:], back_s, way, number // 2, window_s)
            due_s = CAP_S + _HANDSHAKE_S + _SLACK * window_s * -(-count // (number // 2))
            if way == "429 after":
                due_s += _RETRY_AFTER_S
            if not await _until(lambda: crowd.observer.live() >= count, due_s):
                live = crowd.observer.live()
                self.fail(f"{live} of {count} sockets live {due_s:.0f} s after {outage_s:g} s of {way!r}")
            self.measured.append(anyio.current_time() - back_s)
            self._judge_budget(crowd.transport.attempts, list(stated.values()))

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
            if number < half or at_s - attempts[number - half] > window_s * 1.01
        ]  # fmt: skip
        if len(set(free)) < 0.5 * len(free):
            self.fail(f"{len(free)} attempts were made at {len(set(free))} moments: no jitter")

    def _judge_outage(self, attempts: Sequence[float], back_s: float, way: str, half: int, window_s: float) -> None:
        if not attempts:
            self.fail(f"nobody tried to connect during {way!r}")
            return
        held_s = CAP_S + _HANDSHAKE_S + (_RETRY_AFTER_S if way == "429 after" else 0.0)
        last_s = attempts[-1]
        exhausted = len([each for each in attempts if each > last_s - window_s]) >= half
        if back_s - last_s > (window_s if exhausted else held_s):
            self.fail(f"the last attempt was {back_s - last_s:.1f} s before the end of {way!r}: it has given up")


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
