"""I03: an acknowledged subscription delivers or is declared silent."""

from __future__ import annotations

import anyio

from rig.invariant import Invariant
from rig.notes import Muting

_LATE_S = 0.3


class SilentOrAlive(Invariant):
    """Judged over mutings: exactly the muted channels are declared silent, in time. And over stillness: none is."""

    id = "I03"
    title = "An acknowledged subscription delivers or is declared silent."
    bound = "book 5 s, ticker 10 s, trades 60 s (or three times the cadence stated); no false alarm in a quiet market"

    async def at_leisure(self) -> None:
        world = self.world
        if world.plan.scenario != "a quiet market":
            return
        symbol = world.exchange.venue_symbol(world.exchange.symbol)
        for side in ("buy", "sell"):  # so that every channel has told the last there was to tell
            world.sim.trade(symbol, side, world.step_of(symbol) * 10)
        begun_ns = world.now_ns()
        await anyio.sleep(world.scale.quiet_s)
        self.exercised += 1
        alarms = [key for ns, key, state in world.sessions.changes if state == "silent" and ns > begun_ns]
        if alarms:
            self.fail(f"{alarms[0]} was declared silent ({len(alarms)} alarms) in a market that stands still")

    def at_end(self) -> None:
        for muting in self.world.notes.mutings:
            self._judge(muting)

    def _judge(self, muting: Muting) -> None:
        world = self.world
        silent: dict[str, int] = {}
        for ns, key, state in world.sessions.changes:
            if state == "silent" and muting.begun_ns <= ns <= muting.ended_ns:
                silent.setdefault(key, ns)
        for key, deadline_s in muting.deadlines_s.items():
            self.exercised += 1
            if key not in silent:
                self.fail(f"{key} brought nothing for {(muting.ended_ns - muting.begun_ns) / 1e9:.1f} s, unnoticed")
                continue
            took_s = (silent[key] - muting.begun_ns) / 1e9
            self.measured.append(took_s - deadline_s)
            if took_s > deadline_s + 2 * world.plan.latency_s + _LATE_S:
                self.fail(f"{key} was declared silent after {took_s:.3f} s; {deadline_s:g} s are its deadline")
        others = sorted(silent.keys() - muting.deadlines_s.keys())
        if others:
            self.fail(f"{others[0]} was declared silent although it was served, while others were not")
