"""I15: at most one venue order per intent."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rig.invariant import Invariant

if TYPE_CHECKING:
    from rig.world import Episode


class OneOrder(Invariant):
    """Judged by the venue's ledger and the wire: no client order id twice, no more orders than were meant."""

    id = "I15"
    title = "At most one venue order per intent."
    bound = "0 duplicates"

    def at_rest(self, episode: Episode) -> None:
        world = self.world
        self.exercised = world.sessions.doubts
        # Where an amendment keeps the id, the order it replaced has it too, and is closed.
        names = Counter(world.sim.open_order_ids() if world.exchange.amend_keeps_id else world.sim.order_ids())
        twice = [name for name, count in names.items() if count > 1]
        if twice:
            self.fail(f"after {episode.fault!r} the venue has {len(twice)} orders twice, such as {twice[0]}")
        asked = Counter(order.client_order_id for order in world.venue.orders) - world.venue.fruitless
        meant = len(world.trader.intents) + world.trader.amendments  # some exchanges amend by placing anew
        again = [name for name, count in asked.items() if count > 1]
        if again:
            self.fail(f"after {episode.fault!r} {len(again)} orders have reached the venue twice, such as {again[0]}")
        if len(asked) > meant:
            self.fail(f"after {episode.fault!r} {len(asked)} orders have reached the venue, {meant} were meant")
