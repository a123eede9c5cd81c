"""I20: replay never moves state backwards."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from lotusx.model.account import AccountEvent, OrderEvent
from lotusx.model.orders import OrderState
from rig.invariant import Invariant

if TYPE_CHECKING:
    from rig.world import Episode, World


class NeverBack(Invariant):
    """Judged by every state told on the account stream, and at rest by the handles: ends stay, amounts never fall."""

    id = "I20"
    title = "Replay never moves state backwards."
    bound = "monotone in (venue time, version); terminal states absorbing, fills still accepted"

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._told: dict[str, OrderState] = {}  # by the venue's id
        self._handles: dict[int, tuple[bool, Decimal]] = {}  # by number of the intent

    def opened(self) -> None:
        self.world.account.watchers.append(self._take)

    def _take(self, event: AccountEvent) -> None:
        if not isinstance(event, OrderEvent):
            return
        state = event.state
        before = self._told.get(state.venue_order_id or "")
        self._told[state.venue_order_id or ""] = state
        if before is None:
            return
        self.exercised += 1
        name = state.client_order_id or state.venue_order_id
        if before.status.is_terminal and not state.status.is_terminal:
            self.fail(f"{name} was told to be {before.status}, and then {state.status}")
        if state.filled < before.filled:
            self.fail(f"{name} was told to have filled {before.filled}, and then {state.filled}")
        if before.updated_ns and state.updated_ns and state.updated_ns < before.updated_ns:
            self.fail(f"{name} was told as of {before.updated_ns}, then as of {state.updated_ns}")

    def at_rest(self, episode: Episode) -> None:
        for intent in self.world.trader.intents:
            if intent.handle is None:
                continue
            state = intent.handle.state
            ended, filled = self._handles.get(intent.number, (False, Decimal(0)))
            if ended and not state.status.is_terminal:
                self.fail(f"{intent.client_order_id} had ended and is {state.status} after {episode.fault!r}")
            if state.filled < filled:
                self.fail(
                    f"{intent.client_order_id} had filled {filled} and has {state.filled} after {episode.fault!r}"
                )
            self._handles[intent.number] = (state.status.is_terminal, state.filled)
