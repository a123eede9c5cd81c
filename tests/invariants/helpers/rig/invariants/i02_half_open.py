"""I02: a half-open socket after suspend is noticed."""

from __future__ import annotations

from rig.invariant import Invariant
from rig.notes import Sleep

NOTICED_S = 5.0


class HalfOpen(Invariant):
    """Judged over every suspension: each socket that lived before it is lost soon, and replaced once."""

    id = "I02"
    title = "A half-open socket after suspend is noticed."
    bound = "5 s after the process goes on; exactly one reconnect"

    def at_end(self) -> None:
        for sleep in self.world.notes.sleeps:
            self._judge(sleep)

    def _judge(self, sleep: Sleep) -> None:
        sessions = self.world.sessions
        # What a slow loop still had to do is not the heartbeat's; a ping takes its way.
        bound_ns = round((NOTICED_S + 2 * self.world.plan.latency_s) * 1e9)
        for name in sleep.sessions:
            self.exercised += 1
            lost_ns = next((ns for ns, lost in sessions.lost if lost == name and ns >= sleep.resumed_ns), None)
            if lost_ns is None:
                self.fail(f"session {name} has nobody at its other end since the process slept, and is not lost")
                continue
            self.measured.append((lost_ns - sleep.resumed_ns) / 1e9)
            if lost_ns - sleep.resumed_ns > bound_ns:
                self.fail(f"session {name} was noticed to be half-open after {self.measured[-1]:.3f} s")
        # Until the next fault, or after the last one until it was judged: what follows then replaces sockets by plan.
        episodes = self.world.episodes
        starts = [each.start_ns for each in episodes if each.start_ns > sleep.resumed_ns]
        over_ns = starts[0] if starts else episodes[-1].judged_ns
        for group in sorted({group for group, _ in sleep.sessions}):
            owed = sum(name[0] == group for name in sleep.sessions)
            again = sum(
                name[0] == group and state == "live" and ns >= sleep.resumed_ns and ns < (over_ns or ns + 1)
                for ns, name, state in sessions.history
            )
            if again != owed:
                self.fail(f"{owed} sockets of {group} were half-open, and {again} were connected in their place")
