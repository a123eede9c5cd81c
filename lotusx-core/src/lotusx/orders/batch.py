"""Whose is each item of a batch reply. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from lotusx.kernel.ports import OrderRef
from lotusx.model.orders import OrderState


class Unmatched(Exception):
    """The reply holds nothing that can be shown to answer this input."""


def align(
    names: Sequence[OrderRef],
    results: Sequence[OrderState | BaseException],
    new_ids: Sequence[str | None] = (),
) -> list[OrderState | BaseException]:
    """Return one entry per input: its state, its error, or `Unmatched` where that cannot be told.

    A state is matched by its ids. What has none (an error, a bare acknowledgement) is matched by its place, and only
    where that can be trusted: the reply has one item per input and no matched item is out of place. If only one
    input and one item are left, they belong together. *new_ids* are client ids that amendments asked for.
    """
    found: dict[int, OrderState | BaseException] = {}
    clients = {ref.client_order_id: index for index, ref in enumerate(names) if ref.client_order_id}
    clients.update((name, index) for index, name in enumerate(new_ids) if name)
    venues = {ref.venue_order_id: index for index, ref in enumerate(names) if ref.venue_order_id}
    anonymous: list[int] = []
    in_place = len(results) == len(names)
    for position, item in enumerate(results):
        if not isinstance(item, OrderState):
            anonymous.append(position)
            continue
        index = clients.get(item.client_order_id or "")
        if index is None:
            index = venues.get(item.venue_order_id or "")
        if index is not None:
            found.setdefault(index, item)
            in_place = in_place and index == position
        elif item.client_order_id is None:
            anonymous.append(position)
        else:
            in_place = False  # somebody else's order
    missing = [index for index in range(len(names)) if index not in found]
    if in_place:
        found.update({position: results[position] for position in anonymous})
    elif len(results) == len(names) and len(missing) == len(anonymous) == 1:
        found[missing[0]] = results[anonymous[0]]
    return [found.get(index, Unmatched("the batch reply has no item for it")) for index in range(len(names))]
