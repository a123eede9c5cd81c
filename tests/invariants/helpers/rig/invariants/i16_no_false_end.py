"""I16: no false terminal state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lotusx
from lotusx.errors import OrderNotFound, RefusedBeforeSending
from lotusx.model.account import AccountEvent, OrderEvent
from lotusx.model.orders import OrderState
from rig.invariant import Invariant

if TYPE_CHECKING:
    from rig.trader import Failed
    from rig.world import Episode, World


class NoFalseEnd(Invariant):
    """Judged when an end is told, and at rest by the venue's ledger: what is over here is over there."""

    id = "I16"
    title = "No false terminal state."
    bound = "terminal only with venue evidence or an elapsed proof horizon"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._errors_seen = 0

    def opened(self) -> None:
        self.world.account.watchers.append(self._told)

    def _told(self, event: AccountEvent) -> None:
        if isinstance(event, OrderEvent) and event.state.status.is_terminal:
            self.exercised += 1
            self._judge(event.state, "was told to be")

    def _judge(self, state: OrderState, said: str) -> None:
        if state.venue_order_id in {self.world.exchange.order_id(order) for order in self.world.sim.open_orders()}:
            self.fail(f"{state.client_order_id} {said} {state.status}, and is open at the venue")

    def at_rest(self, episode: Episode) -> None:
        del episode
        trader = self.world.trader
        for intent in trader.intents:
            if intent.handle is not None and intent.handle.status.is_terminal:
                self._judge(intent.handle.state, "is")
        for failed in trader.errors[self._errors_seen :]:
            self._judge_failure(failed)
        self._errors_seen = len(trader.errors)

    def _judge_failure(self, failed: Failed) -> None:
        name, error = failed.intent.client_order_id, failed.error
        if name is None or isinstance(error, lotusx.OrderOutcomeUnknown):
            return
        wire = self.world.exchange.wire_client_id(name)
        if failed.what == "place":
            self.exercised += not isinstance(error, RefusedBeforeSending)
            if wire in self.world.sim.order_ids():
                self.fail(f"{name} was declared not placed ({error}), and the venue has had it")
        elif failed.what == "cancel" and isinstance(error, OrderNotFound):
            self.exercised += 1
            if wire in self.world.sim.open_order_ids():
                self.fail(f"{name} was declared unknown to the venue ({error}), where it is open")
