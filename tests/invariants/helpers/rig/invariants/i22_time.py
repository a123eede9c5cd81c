"""I22: time is handled."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import TYPE_CHECKING

import anyio

from lotusx.errors import LotusXError
from lotusx.kernel.budget import BudgetRegistry
from rig.another import another
from rig.invariant import Invariant
from rig.requests import WatchedHttp

if TYPE_CHECKING:
    from rig.world import World

QUEUE_S = 7.0
"""Longer than any receive window of ours."""
_MINUTE_S = 60.0
_FIRST = 1
"""The clock was never right: the first stamp of all may be refused before the exchange's time is known."""


class TimeHandled(Invariant):
    """Judged at the end by what the venue refused for its stamp, and at leisure by an order that waited in a queue."""

    id = "I22"
    title = "Time is handled."
    bound = "at most 1 timestamp rejection per step of the clock; nonces unique and increasing"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._waited = 0

    async def at_leisure(self) -> None:
        """Place an order that must wait for the limits, while the wall clock is set: it is stamped when it leaves."""
        world = self.world
        await self._until_there_is_room()
        registry = BudgetRegistry()
        http = WatchedHttp(world.server.http, world.now_ns)
        async with another(world, "time", budgets=registry, http=http) as connection:
            await connection.market.instrument(world.exchange.symbol)
            refused = len(world.venue.refused_stamps)
            budget = world.wiring(connection).budget
            budget.block(None, world.clock.monotonic_ns() + round(QUEUE_S * 1e9))
            world.clock.step(-30.0)
            begun = world.seconds()
            intent = world.trader.intend()
            instrument = await connection.market.instrument(world.exchange.symbol)
            request = world.trader.resting(instrument, intent)
            intent.symbol = request.symbol
            try:
                order = await connection.trading.place(request)
            except LotusXError as error:
                self.fail(f"an order that waited {QUEUE_S:.0f} s for the limits: {error}")
                return
            intent.outcome = "accepted"
            if world.seconds() - begun < QUEUE_S:
                self.fail(f"an order that had to wait {QUEUE_S:.0f} s left after {world.seconds() - begun:.1f} s")
            self.exercised += 1
            self._waited = len(world.venue.refused_stamps) - refused
            try:
                await connection.trading.cancel(
                    request.symbol, client_order_id=order.client_order_id, venue_order_id=order.venue_order_id
                )
            except LotusXError as error:
                self.fail(f"the order that had waited could not be cancelled: {error}")
            await anyio.sleep(1.0)

    async def _until_there_is_room(self) -> None:
        """Wait while a limit is half used: another process that counts alone would be refused, as limits are meant."""
        budget = self.world.wiring().budget
        for _ in range(round(_MINUTE_S)):
            levels = budget.levels(self.world.clock.monotonic_ns())
            if not any(2 * used > limit for _, _, window_s, used, limit, _ in levels if window_s <= _MINUTE_S):
                return
            await anyio.sleep(1.0)

    def _was_asleep(self, arrived_ns: int) -> bool:
        """Whether what arrived then had left before the process slept: its stamp grew old on the way."""
        way_ns = self.world.plan.latency_s * 1e9
        return any(0 <= arrived_ns - sleep.resumed_ns < way_ns for sleep in self.world.notes.sleeps)

    def at_end(self) -> None:
        world = self.world
        refused, steps = sum(not self._was_asleep(ns) for ns in world.venue.refused_stamps), len(world.clock.steps_s)
        self.exercised += steps
        if refused > steps + _FIRST:
            self.fail(f"{refused} requests were refused for their stamp; the clock was set {steps} times")
        again = [nonce for nonce, count in Counter(world.venue.nonces).items() if count > 1]
        if again:
            self.fail(f"{len(again)} nonces were used twice, such as {again[0]}")
        left = [nonce for sent in world.http.sent for nonce in world.exchange.nonces_in(sent.request.body)]
        if any(one >= other for one, other in pairwise(left)):
            self.fail("nonces do not increase")
