"""I03: an acknowledged subscription delivers or is declared silent."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from rig.faults import RECOVERY_S
from rig.faults_of_sockets import ACCOUNT_S, account_silenced
from rig.invariant import Invariant
from rig.randomness import split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rig.notes import Muteness, Muting

_LATE_S = 0.3
_KEEPS_BACK = ("black hole", "short hole", "suspended")
"""Faults in which a socket that lives may bring nothing."""


class SilentOrAlive(Invariant):
    """Judged over mutings: exactly the muted channels are declared silent, in time. And over stillness: none is."""

    id = "I03"
    title = "An acknowledged subscription delivers or is declared silent."
    bound = (
        "book 5 s, ticker 10 s, trades 60 s (or three times the cadence stated), account 10 s after an order; "
        "no false alarm in a quiet market"
    )

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
        alarms = [
            key for ns, key, state in world.sessions.changes
            if state == "silent" and ns > begun_ns and not self._could_not_ask(ns)
        ]  # fmt: skip
        if alarms:
            self.fail(f"{alarms[0]} was declared silent ({len(alarms)} alarms) in a market that stands still")
        await self._mute_the_account()

    def _could_not_ask(self, ns: int) -> bool:
        """Whether the exchange's limits kept anybody from asking whether the market is quiet: then nobody knows."""
        return any(begun_ns <= ns <= ended_ns for begun_ns, ended_ns in self.world.sessions.holds)

    async def _mute_the_account(self) -> None:
        world = self.world
        told = len(world.account.recovered)
        await account_silenced(world, split(world.seed, "a muted account"))
        with anyio.move_on_after(RECOVERY_S):
            while len(world.account.recovered) == told:  # noqa: ASYNC110 - what is watched has no event to wait for
                await anyio.sleep(0.25)

    def at_end(self) -> None:
        for muting in self.world.notes.mutings:
            self._judge(muting)
        private = self.world.exchange.private_keys
        alarms = [(ns, key) for ns, key, state in self.world.sessions.changes if state == "silent" and key in private]
        for muteness in self.world.notes.mutenesses:
            self._judge_account(muteness, [ns for ns, _ in alarms])
        for ns, key in alarms:
            if not self._may_be_silent(ns):
                self.fail(f"{key} was declared silent at {ns / 1e9:.3f} s although nothing was kept from it")

    def _judge_account(self, muteness: Muteness, alarms: Sequence[int]) -> None:
        """Judge whether it was noticed, and what had been missed was told after it."""
        world = self.world
        self.exercised += 1
        noticed_ns = next((ns for ns in alarms if muteness.begun_ns <= ns <= muteness.ended_ns), None)
        if noticed_ns is None:
            since_s = (muteness.ended_ns - muteness.accepted_ns) / 1e9
            self.fail(f"the account said nothing for {since_s:.1f} s after an accepted order, unnoticed")
            return
        took_s = (noticed_ns - muteness.accepted_ns) / 1e9
        self.measured.append(took_s - ACCOUNT_S)
        if took_s > ACCOUNT_S + 2 * world.plan.latency_s + _LATE_S:
            self.fail(f"the account was declared silent after {took_s:.3f} s; {ACCOUNT_S:g} s are its deadline")
        if not any(ns > noticed_ns for ns, _ in world.account.recovered):
            self.fail("the account was declared silent, and nothing that it missed was recovered")

    def _may_be_silent(self, ns: int) -> bool:
        """Whether the network or the venue kept something from the account's channels, or the process stood still."""
        world = self.world
        if any(each.begun_ns <= ns <= each.ended_ns for each in world.notes.mutenesses):
            return True
        episodes = [each for each in world.episodes if each.start_ns <= ns <= (each.judged_ns or ns)]
        return any(each.fault in _KEEPS_BACK for each in episodes)

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
