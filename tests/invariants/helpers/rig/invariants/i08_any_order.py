"""I08: duplicates and reordering do no harm."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.comparing import unlike_fills, unlike_state
from rig.invariant import Invariant

if TYPE_CHECKING:
    from rig.world import Episode

_FAULTS = ("account messages permuted", "account messages spoilt")


class AnyOrder(Invariant):
    """Judged at rest after the account's messages came repeatedly and in any order: it is as if they had not."""

    id = "I08"
    title = "Duplicates and reordering do no harm."
    bound = "same final state and fill multiset as in order"

    def at_rest(self, episode: Episode) -> None:
        if episode.fault not in _FAULTS:
            return
        world = self.world
        self.exercised += 1
        if world.account.error is not None:
            self.fail(f"{episode.fault} ended the account's stream: {world.account.error}")
        for unlike in (unlike_fills(world), unlike_state(world)):
            if unlike:
                self.fail(f"after {episode.fault}: {unlike}")
