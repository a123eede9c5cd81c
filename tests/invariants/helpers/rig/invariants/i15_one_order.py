"""I15: at most one venue order per intent."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rig.invariant import Invariant

if TYPE_CHECKING:
    from rig.world import Episode


class OneOrder(Invariant):
    """Judged by the venue's ledger: no client order id twice, no more orders than were meant."""

    id = "I15"
    title = "At most one venue order per intent."
    bound = "0 duplicates"

    def at_rest(self, episode: Episode) -> None:
        world = self.world
        self.exercised = world.sessions.doubts
        names = Counter(world.sim.order_ids())
        twice = [name for name, count in names.items() if count > 1]
        if twice:
            self.fail(f"after {episode.fault!r} the venue has {len(twice)} orders twice, such as {twice[0]}")
        meant = len(world.trader.intents) + world.trader.amendments
        if sum(names.values()) > meant:
            self.fail(f"after {episode.fault!r} the venue has {sum(names.values())} orders, {meant} were meant")
