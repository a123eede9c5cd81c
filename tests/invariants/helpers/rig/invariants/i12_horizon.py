"""I12: a book knows its horizon."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

import anyio

import lotusx
from lotusx.errors import BeyondHorizon, StaleBook
from lotusx_sim.engine.orders import Side
from rig.another import another
from rig.invariant import Invariant
from rig.randomness import split

if TYPE_CHECKING:
    from rig.world import World

SCENARIO = "a price walks"
DEPTH = 20
"""Levels asked for; the price walks one and a half times as far."""
_STEPS = 6
_SETTLE_S = 2.0
_SYNC_S = 60.0

Pairs = Sequence[tuple[Decimal, Decimal]]


class Horizon(Invariant):
    """Judged on a shallow book in a market that stands still after each step of a price that walks out of it."""

    id = "I12"
    title = "A book knows its horizon."
    bound = "depth beyond the horizon is never reported as liquidity"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._rng = split(world.seed, "horizon")

    async def at_leisure(self) -> None:
        world = self.world
        if world.plan.scenario != SCENARIO:
            return
        symbol = world.exchange.quiet_symbol
        async with (
            another(world, "horizon") as connection,
            connection.market.live_order_book(symbol, depth=DEPTH) as book,
        ):
            side = self._rng.choice((Side.BUY, Side.SELL))
            for step in range(_STEPS):
                if step:
                    self._walk(side)
                with anyio.move_on_after(_SYNC_S):
                    await anyio.sleep(_SETTLE_S)
                    await book.wait_synced()
                self._judge(book)

    def _sides(self) -> tuple[Pairs, Pairs]:
        """Return the venue's own book."""
        exchange = self.world.exchange
        whole = self.world.sim.exchange.books[exchange.venue_symbol(exchange.quiet_symbol)]
        bids, asks = ([(level.price, level.total) for level in half.levels()] for half in (whole.bids, whole.asks))
        return bids, asks

    def _walk(self, side: Side) -> None:
        """Take the best levels of a side away, and put as many behind the last one."""
        world, bids_asks = self.world, self._sides()
        symbol = world.exchange.venue_symbol(world.exchange.quiet_symbol)
        levels = bids_asks[1] if side is Side.BUY else bids_asks[0]
        count = min(DEPTH * 3 // 2 // (_STEPS - 1), len(levels) - 2)
        gap = abs(levels[-1][0] - levels[-2][0])
        for number in range(1, count + 1):
            price = levels[-1][0] + gap * number * (1 if side is Side.BUY else -1)
            other = Side.SELL if side is Side.BUY else Side.BUY
            world.sim.venue.population.quote(symbol, other, price, levels[-1][1], world.sim.now_ns())
        taken = sum((quantity for _, quantity in levels[:count]), Decimal(0))
        world.sim.trade(symbol, side.name.lower(), taken, levels[count - 1][0])

    def _judge(self, book: lotusx.LiveOrderBook) -> None:
        if book.state != "synced":
            self.fail(f"the book is not synced {_SYNC_S:.0f} s after a step: {book.stale_reason}")
            return
        bids, asks = self._sides()
        for side, truth in ((lotusx.Side.BUY, asks), (lotusx.Side.SELL, bids)):
            try:
                self._judge_side(book, side, truth)
            except StaleBook:
                self.fail("a synced book does not answer")

    def _judge_side(self, book: lotusx.LiveOrderBook, side: lotusx.Side, truth: Pairs) -> None:
        """Judge what an order of *side* would take, from the levels of the other side, best first."""
        self.exercised += 1
        buys = side is lotusx.Side.BUY
        shown = [(level.price, level.quantity) for level in (book.asks() if buys else book.bids())]
        horizon = book.ask_horizon if buys else book.bid_horizon
        if horizon is None:
            if shown != list(truth):
                self.fail(f"the whole side is said to be known: {len(shown)} levels, the venue has {len(truth)}")
            return
        within = [pair for pair in truth if (pair[0] <= horizon if buys else pair[0] >= horizon)]
        if shown != within:
            self.fail(f"up to the horizon {horizon} {len(shown)} levels are shown, the venue has {len(within)}")
            return
        worth = sum((price * quantity for price, quantity in shown), Decimal(0))
        quantity = sum((quantity for _, quantity in shown), Decimal(0))
        if book.depth_to(side, worth).quantity != quantity:
            self.fail(f"what is known is worth {worth}, and would not be taken whole")
        for name, ask in (
            ("depth_to", lambda: book.depth_to(side, worth * 2)),
            ("vwap", lambda: book.vwap(side, quantity * 2)),
        ):
            try:
                answer = ask()
            except BeyondHorizon:
                continue
            self.fail(f"{name} answers {answer} from beyond the horizon {horizon}")
