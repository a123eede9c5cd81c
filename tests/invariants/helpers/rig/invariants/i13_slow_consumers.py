"""I13: a slow consumer hurts only itself."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING, Any, cast

import anyio
import trio
from trio.testing import MockClock

import lotusx
from lotusx.errors import SlowConsumer
from lotusx.kernel.telemetry import Event, StreamChanged
from lotusx.plugin import hookimpl
from lotusx.streams import Overflow
from rig.another import another
from rig.invariant import Invariant
from rig.randomness import split

if TYPE_CHECKING:
    from rig.world import World

SCENARIO = "slow consumers"
SLEEP_S = 60.0
BLOCK_S = 2.0
EXTRA_S = 0.1
BUFFER = 5
_PRINTS_EVERY_S = 0.5


class _Reports:
    """What telemetry says of handlers that held the loop."""

    def __init__(self) -> None:
        self.blocked: list[str] = []

    @hookimpl
    def lotusx_observer(self, exchange: str) -> Callable[[Event], None]:
        """Observe."""
        del exchange
        return self._take

    def _take(self, event: Event) -> None:
        if isinstance(event, StreamChanged) and "blocked the loop" in event.reason:
            self.blocked.append(event.reason)


class _Break(Exception):
    """What a careless handler raises."""


class OnlyItself(Invariant):
    """Judged with siblings on one channel: two that keep up, one for each policy that sleeps, two bad callbacks."""

    id = "I13"
    title = "A slow consumer hurts only itself."
    bound = "sibling lag < 100 ms extra (block + 100 ms where a handler blocks); policy obeyed; blocking is reported"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._rng: random.Random = split(world.seed, "slow consumers")
        self._blocked_until_ns = 0

    async def at_leisure(self) -> None:
        if self.world.plan.scenario != SCENARIO:
            return
        reports = _Reports()
        async with another(self.world, "slow consumers", plugins=[reports]) as connection, self._prints():
            await self._sleepers(connection)
            await self._raising(connection)
            await self._blocking(connection, reports)

    @asynccontextmanager
    async def _prints(self) -> AsyncIterator[None]:
        """Let somebody trade all the time."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._print)
            yield
            tasks.cancel_scope.cancel()

    async def _print(self) -> None:
        exchange, sim = self.world.exchange, self.world.sim
        symbol = exchange.venue_symbol(exchange.symbol)
        step = self.world.step_of(symbol)
        while True:
            for _ in range(self._rng.randint(1, 4)):
                side = self._rng.choice(("buy", "sell"))
                book = sim.exchange.books[symbol]
                best = (book.asks if side == "buy" else book.bids).best()
                if best is not None and best.total >= step:
                    sim.trade(symbol, side, step, best.price)
            await anyio.sleep(self._rng.random() * 2 * _PRINTS_EVERY_S)

    def _sibling(self, seen: list[str]) -> Callable[[lotusx.Trade], None]:
        def take(trade: lotusx.Trade) -> None:
            self._lag(trade, "callback")
            seen.append(trade.trade_id)

        return take

    async def _read(self, stream: lotusx.Stream[lotusx.Trade]) -> None:
        async for trade in stream:
            self._lag(trade, "iterator")

    def _lag(self, trade: lotusx.Trade, who: str) -> None:
        lag_s = (self.world.server.clock.now_ns() - trade.received_ns) / 1e9
        extra_s = lag_s - (BLOCK_S if self.world.now_ns() < self._blocked_until_ns else 0.0)
        self.exercised += 1
        self.measured.append(max(extra_s, 0.0))
        if extra_s > EXTRA_S:
            self.fail(f"a sibling ({who}) was given a trade {lag_s:.3f} s after it had come")

    async def _sleepers(self, connection: lotusx.Exchange) -> None:
        symbol, seen = self.world.exchange.symbol, list[str]()
        streams: dict[Overflow, lotusx.Stream[lotusx.Trade]] = {}
        async with AsyncExitStack() as stack:
            for policy in Overflow:
                opening = connection.market.stream_trades(symbol, buffer=BUFFER, overflow=policy)
                streams[policy] = await stack.enter_async_context(opening)
            sibling = await stack.enter_async_context(connection.market.stream_trades(symbol))
            reader = await stack.enter_async_context(connection.market.stream_trades(symbol))
            sibling.handle(self._sibling(seen))
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._read, reader)
                await anyio.sleep(SLEEP_S)
                for policy, stream in streams.items():
                    await self._judge_policy(policy, stream, seen)
                tasks.cancel_scope.cancel()

    async def _judge_policy(self, policy: Overflow, stream: lotusx.Stream[lotusx.Trade], seen: list[str]) -> None:
        self.exercised += 1
        before = stream.counters
        got, error = await self._drain(stream, policy)
        counters = stream.counters
        total = counters.delivered + counters.conflated + counters.dropped + counters.rejected + counters.waiting
        if counters.received != total:
            self.fail(f"{policy} does not add up: {counters}")
        if policy is Overflow.FAIL:
            if not isinstance(error, SlowConsumer):
                self.fail(f"{policy}: {len(got)} events and {error!r} instead of SlowConsumer, {counters}")
            elif seen and got != seen[: len(got)] and len(got) > BUFFER:
                self.fail(f"{policy}: the events before the failure are not the first ones")
        elif policy is Overflow.DROP_OLDEST:
            if got != seen[-BUFFER:] or before.dropped != before.received - BUFFER:
                self.fail(f"{policy}: {len(got)} events, not the newest {BUFFER}; {before}")
        elif policy is Overflow.LATEST:
            if got != seen[-1:] or before.conflated != before.received - 1:
                self.fail(f"{policy}: {len(got)} events, not the newest alone; {before}")
        elif not _is_run(got, seen) or len(got) <= BUFFER:
            self.fail(f"{policy}: of {len(seen)} events {len(got)} came, not the first ones in their order")

    async def _drain(
        self, stream: lotusx.Stream[lotusx.Trade], policy: Overflow
    ) -> tuple[list[str], BaseException | None]:
        """Read what is there; with `Overflow.BLOCK` what the network held comes too."""
        got: list[str] = []
        patience_s = 1.0 if policy is Overflow.BLOCK else 0.0
        try:
            while True:
                with anyio.move_on_after(patience_s) as scope:
                    if not patience_s and not stream.counters.waiting and stream.error is None:
                        return got, None
                    got.append((await anext(stream)).trade_id)
                if scope.cancelled_caught:
                    return got, None
                if policy is Overflow.BLOCK and len(got) > BUFFER * 4:
                    return got, None
        except (SlowConsumer, StopAsyncIteration) as error:
            return got, error

    async def _raising(self, connection: lotusx.Exchange) -> None:
        """A callback raises: its own stream ends with that, the sibling goes on."""
        symbol, seen = self.world.exchange.symbol, list[str]()

        def careless(_: lotusx.Trade) -> None:
            raise _Break("careless")

        async with connection.market.stream_trades(symbol) as sibling:
            sibling.handle(self._sibling(seen))
            try:
                async with connection.market.stream_trades(symbol) as broken:
                    broken.handle(careless)
                    await anyio.sleep(10 * _PRINTS_EVERY_S)
                self.fail("a callback raised, and nobody was told")
            except _Break:
                self.exercised += 1
            known = len(seen)
            await anyio.sleep(10 * _PRINTS_EVERY_S)
            if len(seen) == known:
                self.fail("a callback raised, and its sibling gets nothing any more")

    async def _blocking(self, connection: lotusx.Exchange, reports: _Reports) -> None:
        """A callback blocks the loop: the others are late by that, miss nothing, and it is named."""
        symbol = self.world.exchange.symbol
        first, last = list[str](), list[str]()
        blocks = [1]

        def block(_: lotusx.Trade) -> None:
            if blocks:
                blocks.clear()
                cast("MockClock", cast("Any", trio.lowlevel.current_clock())).jump(BLOCK_S)
                self._blocked_until_ns = self.world.now_ns() + round(EXTRA_S * 1e9)

        async with (
            connection.market.stream_trades(symbol) as before,
            connection.market.stream_trades(symbol) as blocking,
            connection.market.stream_trades(symbol) as after,
        ):
            before.handle(self._sibling(first))
            blocking.handle(block)
            after.handle(self._sibling(last))
            await anyio.sleep(20 * _PRINTS_EVERY_S)
            if blocks:
                return  # nobody traded
            self.exercised += 1
            if first != last:
                self.fail(f"around a handler that blocked, one sibling got {len(first)} events, another {len(last)}")
            if not reports.blocked:
                self.fail(f"a handler blocked the loop for {BLOCK_S} s, and nobody says so")


def _is_run(got: list[str], seen: list[str]) -> bool:
    """Say whether *got* and *seen* are the same without a gap, from near the start of both.

    A stream that blocks has a socket of its own, and begins when that is open: where an exchange lets few sockets be
    opened a second, that is a moment after the others, or before them.
    """
    before = next((index for index, item in enumerate(got) if item in seen), len(got))
    after = seen.index(got[before]) if before < len(got) else 0
    return max(before, after) <= BUFFER and not (before and after) and got[before:] == seen[after:][: len(got) - before]
