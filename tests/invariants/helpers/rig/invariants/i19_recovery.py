"""I19: missed private events are recovered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rig.all_faults import FAULTS
from rig.comparing import unlike_state
from rig.faults import RECOVERY_S
from rig.invariant import Invariant

if TYPE_CHECKING:
    from rig.world import Episode

_DOZE_NS = 500_000_000
"""How long the account's reader may doze before it takes an event."""


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
            self._judge_time(episode, losses)
        unlike = unlike_state(world)
        if unlike:
            late_s = (episode.judged_ns - episode.back_ns) / 1e9
            self.fail(f"{late_s:.1f} s after the connection was back from {episode.fault!r}: {unlike}")

    def _judge_time(self, episode: Episode, losses: list[int]) -> None:
        """Judge how long it took from the last channel's being subscribed again to `Recovered`."""
        world = self.world
        told_ns = next((ns for ns, _ in world.account.recovered if ns >= losses[-1]), None)
        if told_ns is None:
            self.fail(f"the account's channel was lost {len(losses)} times in {episode.fault!r}; no Recovered after")
            return
        told_ns = max(world.account.busy_since_ns(told_ns), losses[-1])
        private = world.exchange.private_keys
        back_ns = max(
            (ns for ns, key, state in world.sessions.changes if key in private and state == "acknowledged"), default=0
        )
        if FAULTS[episode.fault].hits_reads:
            back_ns = max(back_ns, episode.healed_ns)
        due_ns = world.due_ns(episode, back_ns)
        if episode.patience_s == RECOVERY_S:
            self.measured.append(max((told_ns - due_ns) / 1e9 + RECOVERY_S, 0.0))
        if told_ns > due_ns + _DOZE_NS:
            took_s = (told_ns - back_ns) / 1e9
            self.fail(f"Recovered came {took_s:.1f} s after the channel was back from {episode.fault!r}")
