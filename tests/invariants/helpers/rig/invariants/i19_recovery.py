"""I19: missed private events are recovered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.comparing import unlike_state
from rig.invariant import Invariant

if TYPE_CHECKING:
    from rig.world import Episode


class Recovery(Invariant):
    """Judged at every rest after which the account's channel had been lost: told so, and the state is the venue's."""

    id = "I19"
    title = "Missed private events are recovered."
    bound = "state equal within 10 s of the first connection the network lets through; Recovered emitted"

    def at_rest(self, episode: Episode) -> None:
        world = self.world
        if world.account.error is not None:
            self.fail(f"after {episode.fault!r} the account stream has ended: {world.account.error}")
            return
        losses = world.losses(episode)
        if losses:
            self.exercised += 1
        if world.is_recovery_owed(episode):
            self.fail(f"the account's channel was lost {len(losses)} times in {episode.fault!r}; no Recovered after")
        unlike = unlike_state(world)
        if unlike:
            late_s = (episode.judged_ns - episode.back_ns) / 1e9
            self.fail(f"{late_s:.1f} s after the connection was back from {episode.fault!r}: {unlike}")
