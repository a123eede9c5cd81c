"""I11: resync is local and cheap."""

from __future__ import annotations

import itertools
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import anyio

from lotusx.errors import LotusXError
from lotusx.model import InstrumentStatus
from rig.invariant import Invariant
from rig.randomness import split
from rig.second import Second, second

if TYPE_CHECKING:
    from lotusx import LiveOrderBook

ALL_S = 60.0
_SHARE = 0.5
_NOTICED_S = 4.0
_OPENED_S = 61.0
_TRADED_EVERY_S = 2.0


class LocalResync(Invariant):
    """Judged by as many books as the simulated venue has markets: a gap in one, then in all."""

    id = "I11"
    title = "Resync is local and cheap."
    bound = "one gap: one snapshot, and no other book is touched; all: half of the budget at most, synced within 60 s"

    async def at_leisure(self) -> None:
        world = self.world
        if world.plan.scenario != "many books":
            return
        async with second(world, "many books") as crowd, AsyncExitStack() as stack:
            instruments = await crowd.connection.market.instruments()
            every = [str(each.symbol) for each in instruments if each.status is InstrumentStatus.TRADING]
            listed = [symbol for symbol in every if self._is_traded(symbol)][: world.scale.books]
            depth = world.scale.book_depth or world.exchange.book_depth
            books = {
                symbol: await stack.enter_async_context(crowd.connection.market.live_order_book(symbol, depth=depth))
                for symbol in listed
            }
            rng = split(world.seed, "many books")
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._trade, [world.exchange.venue_symbol(symbol) for symbol in listed])
                await anyio.sleep(_OPENED_S)  # what it took to open them counts no longer
                await self._gap(crowd, books, [rng.choice(listed)])
                await self._gap(crowd, books, listed)
                tasks.cancel_scope.cancel()

    async def _trade(self, names: list[str]) -> None:
        """Let every market go on: that a still one is looked at has its price, which is not that of a resync."""
        world = self.world
        for side in itertools.cycle(("buy", "sell")):
            for name in names:
                world.sim.trade(name, side, world.step_of(name))
            await anyio.sleep(_TRADED_EVERY_S)

    def _is_traded(self, symbol: str) -> bool:
        """Whether the rig can move that market: some names stand for another one at the venue."""
        world = self.world
        try:
            return world.our_symbol(world.exchange.venue_symbol(symbol)) == symbol
        except LotusXError:
            return False

    async def _gap(self, crowd: Second, books: dict[str, LiveOrderBook], hit: list[str]) -> None:
        """Lose a change of the books in *hit*, and look what that costs."""
        world = self.world
        before = {symbol: (book.snapshot_requests, book.resyncs) for symbol, book in books.items()}
        names = [world.exchange.venue_symbol(symbol) for symbol in hit]
        for name in names:
            world.sim.gap(name)
        for _ in range(2):
            for name in names:
                world.sim.trade(name, "buy", world.step_of(name) * 7)
            await anyio.sleep(0.3)
        begun = anyio.current_time()
        await anyio.sleep(_NOTICED_S)
        with anyio.move_on_after(ALL_S):
            while any(book.state != "synced" for book in books.values()):
                self._judge_budget(crowd)
                await anyio.sleep(0.1)
        self._judge_budget(crowd)
        world.sim.heal()
        self.exercised += len(hit)
        self.measured.append(anyio.current_time() - begun)
        for symbol, book in books.items():
            asked, again = book.snapshot_requests - before[symbol][0], book.resyncs - before[symbol][1]
            if book.state != "synced":
                self.fail(f"{symbol} is {book.state} {ALL_S:g} s after gaps in {len(hit)} books: {book.stale_reason}")
            if symbol in hit and asked > 1:
                self.fail(f"{symbol} asked for {asked} snapshots after one gap")
            if symbol not in hit and (asked or again):
                self.fail(f"{symbol} asked for {asked} snapshots, {again} resyncs, after a gap in {hit[0]}")

    def _judge_budget(self, crowd: Second) -> None:
        wiring = self.world.wiring(crowd.connection)
        for limit in wiring.parts.facts.limits:
            used = wiring.budget.used(limit.pool, limit.window_s, wiring.clock.monotonic_ns())
            if limit.scope == "ip" and used > _SHARE * limit.amount:
                self.fail(f"{used} of {limit.amount} in {limit.window_s:g} s are used up of {limit.pool}")
