"""Take-profit and stop-loss orders that wait for their parent, and cancel each other."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from lotusx_sim.dialects.hyperliquid.deed import Deed
from lotusx_sim.dialects.hyperliquid.placing import place
from lotusx_sim.dialects.hyperliquid.state import VenueState, Waiting
from lotusx_sim.engine.events import Event
from lotusx_sim.engine.orders import OrderEvent, Status

Items = Sequence[Mapping[str, Any]]


def place_bracket(deed: Deed, items: Items) -> list[Any]:
    """Place a parent; its children are placed once it is filled, and are never heard of if it is not."""
    parent, entry = place(deed, items[0], "normalTpsl")
    if parent is None or not (parent.is_open or parent.executed):
        return [entry] * len(items)
    if parent.is_open:
        deed.state.waiting[parent.id] = Waiting(items[1:], deed.member, deed.owner)
        return [entry, *["waitingForFill"] * (len(items) - 1)]
    return [entry, *_place_children(deed, items[1:])]


def react(state: VenueState, events: Iterable[Event]) -> None:
    """Place what waited for a fill and cancel siblings; a parent that ends unfilled takes its children along."""
    for event in events:
        if not isinstance(event, OrderEvent) or event.order.is_open:
            continue
        is_filled = event.order.status is Status.FILLED
        waiting = state.waiting.pop(event.order.id, None)
        if waiting is not None and is_filled:
            deed = Deed(state, {}, waiting.member, waiting.owner, event.ns)
            _place_children(deed, waiting.items)
        for oid in state.siblings.pop(event.order.id, ()):
            sibling = state.exchange.orders[oid]
            if is_filled and sibling.is_open:
                state.exchange.expire(sibling, event.ns, "siblingFilledCanceled")


def _place_children(deed: Deed, items: Items) -> list[Any]:
    placed = [place(deed, item, "normalTpsl") for item in items]
    group = tuple(order.id for order, _ in placed if order is not None)
    deed.state.siblings.update(dict.fromkeys(group, group))
    return [entry for _, entry in placed]
