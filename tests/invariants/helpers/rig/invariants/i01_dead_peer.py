"""I01: a dead peer is noticed."""

from __future__ import annotations

from rig.faults import DETECTION_S
from rig.invariant import Invariant


class DeadPeer(Invariant):
    """Judged over black holes: no FIN, no RST, no data, writes still go out."""

    id = "I01"
    title = "A dead peer is noticed."
    bound = "15 s to the loss of the session; from then on the book is stale"

    def at_end(self) -> None:
        # What was on its way when the hole opened still arrives, and is life.
        bound_ns = round((DETECTION_S + self.world.plan.latency_s) * 1e9)
        for begun_ns, sessions in self.world.holes:
            for name in sessions:
                self.exercised += 1
                lost_ns = next((ns for ns, lost in self.world.sessions.lost if lost == name and ns >= begun_ns), None)
                if lost_ns is None:
                    self.fail(f"session {name} was in the black hole of {begun_ns / 1e9:.3f} s and is not lost")
                    continue
                self.measured.append((lost_ns - begun_ns) / 1e9)
                if lost_ns - begun_ns > bound_ns:
                    self.fail(f"session {name} was noticed to be dead after {(lost_ns - begun_ns) / 1e9:.3f} s")
        for at_ns, answered in self.world.dark_reads:
            begun_ns = max(ns for ns, _ in self.world.holes if ns <= at_ns)
            if answered and at_ns - begun_ns > bound_ns:
                self.fail(f"the book answered {(at_ns - begun_ns) / 1e9:.3f} s into a black hole")
