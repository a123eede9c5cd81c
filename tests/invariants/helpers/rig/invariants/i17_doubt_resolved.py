"""I17: doubt is resolved, with proof."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

from rig.faults import RECOVERY_S
from rig.invariant import Invariant

if TYPE_CHECKING:
    from lotusx.kernel.orders.ledger import Ledger
    from lotusx.kernel.orders.outcome import Command
    from rig.world import Episode, World

BOUND_S = 20.0
_LOOK_S = 10.0
"""After the horizon: until the next look is due, and how long it may take, repetitions included."""


class DoubtResolved(Invariant):
    """Judged at rest: every placement that was ever in doubt has been decided, and its evidence says by what."""

    id = "I17"
    title = "Unknown is resolved, with proof."
    bound = "20 s after connectivity returns, or the proof horizon if longer; the evidence explains why"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._counted: set[str] = set()

    def waits(self, episode: Episode) -> bool:
        now_ns = self.world.now_ns()
        open_ = [command for _, command in self._undecided()]
        return any(now_ns < self._due_ns(episode, command) for command in open_)

    def at_rest(self, episode: Episode) -> None:
        for outcome in self.world.sessions.outcomes:
            if not outcome.evidence:
                self.fail(f"{outcome.client_order_id} ended {outcome.outcome} without a word of evidence")
        for intent in self.world.trader.intents:
            if intent.outcome == "unknown" and intent.client_order_id not in self._counted:
                self.exercised += 1
                self._counted.add(intent.client_order_id or "")
        self.exercised += sum(len(outcome.evidence) > 1 for outcome in self.world.sessions.outcomes) > self.exercised
        for name, command in self._undecided():
            took_s = (self.world.now_ns() - episode.back_ns) / 1e9
            self.fail(
                f"{name} is still {command.phase} {took_s:.1f} s after the connection was back from "
                f"{episode.fault!r}: {'; '.join(command.evidence[-3:])}"
            )

    def _undecided(self) -> Iterator[tuple[str, Command]]:
        """Yield the placements of which neither the exchange's word nor proof of their absence is known."""
        ledger = self._ledger()
        for intent in self.world.trader.intents:
            if intent.outcome not in ("unknown", "pending") or intent.client_order_id is None or intent.symbol is None:
                continue
            order = ledger.find(intent.symbol, intent.client_order_id)
            if order is None or order.known_to_exchange or order.placement is None or order.placement.decided:
                continue
            yield intent.client_order_id, order.placement

    def _due_ns(self, episode: Episode, command: Command) -> int:
        world = self.world
        back_ns = max(episode.back_ns, episode.healed_ns)
        due_ns = world.due_ns(episode, back_ns) + round((BOUND_S - RECOVERY_S) * 1e9)
        ahead_ns = world.clock.monotonic_ns() - world.now_ns()
        proof_ns = 0 if command.proof_ns is None else command.proof_ns - ahead_ns + round(_LOOK_S * 1e9)
        return max(due_ns, proof_ns)

    def _ledger(self) -> Ledger:
        wiring: Any = cast("Any", self.world.connection)._start.__self__
        return cast("Ledger", wiring.desk.ledger)
