"""Knows an order again that goes on under another id once it has been triggered."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace

from lotusx.model import OrderState, OrderStatus
from lotusx_backpack.order_conversions import to_waited

CAPACITY = 10_000
"""Waiting orders that are remembered, the oldest forgotten first."""


class Triggers:
    """What waits for a trigger, and what it becomes.

    A triggered order has a new id, and names the one that it had (other clients' recordings; whether it does so on
    every path, and keeps its client order id, is not documented). The take-profit of an order names that order too:
    only one that was seen waiting, on the same side of the same market, is taken for what it was before.
    """

    __slots__ = ("_waiting",)

    def __init__(self) -> None:
        self._waiting: OrderedDict[str, OrderState] = OrderedDict()

    def known_again(self, state: OrderState, related_id: str | None) -> list[OrderState]:
        """Return a report as one of the order that it is about; and the end of the order that it was, if it was one."""
        own_id = state.venue_order_id
        if own_id is None:
            return [state]
        if state.status is OrderStatus.PENDING:
            self._waiting[own_id] = state
            if len(self._waiting) > CAPACITY:
                self._waiting.popitem(last=False)
            return [state]
        before = self._waiting.get(related_id or "")
        if before is None or related_id == own_id or (before.symbol, before.side) != (state.symbol, state.side):
            return [state]
        name = state.client_order_id or before.client_order_id
        fills = tuple(replace(fill, client_order_id=fill.client_order_id or name) for fill in state.fills)
        # Created when that was: of its own times only those of changes are told, by which it is the newer of the two.
        now = replace(state, client_order_id=name, created_ns=None, fills=fills)
        return [now, to_waited(replace(before, updated_ns=max(before.updated_ns, state.updated_ns)), own_id)]
