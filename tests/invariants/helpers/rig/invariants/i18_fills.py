"""I18: fills are exactly once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.comparing import unlike_fills
from rig.invariant import Invariant

if TYPE_CHECKING:
    from rig.world import Episode


class FillsOnce(Invariant):
    """Judged at every rest: the fills told on the account stream against the venue's ledger, as multisets."""

    id = "I18"
    title = "Fills are exactly once."
    bound = "multiset equality with the venue's ledger"

    def at_rest(self, episode: Episode) -> None:
        world = self.world
        self.exercised = len(world.account.fills)
        twice = [name for name, count in world.account.fills.items() if count > 1]
        if twice:
            self.fail(f"after {episode.fault!r} {len(twice)} fills were told more than once, such as {twice[0]}")
        unlike = unlike_fills(world)
        if unlike:
            self.fail(f"after {episode.fault!r}: {unlike}")
