"""Which orders wait for their trigger: the stream of orders calls them open, like those that rest in the book."""

from __future__ import annotations

from lotusx_hyperliquid import account_types as types

CAPACITY = 10_000
"""Orders that are remembered: twice as many as an account may have open."""


class WaitingTriggers:
    """Remembers trigger orders by cloid as they are placed, and by order id as lists show them."""

    __slots__ = ("_capacity", "_names")

    def __init__(self, capacity: int = CAPACITY) -> None:
        self._capacity = capacity
        self._names: dict[str, None] = {}

    def placed(self, cloid: str) -> None:
        """An order that has a trigger is about to be placed."""
        self._remember(cloid)

    def listed(self, order: types.OrderCore) -> None:
        """A list, which tells it, shows *order*."""
        if order.isTrigger:
            self._remember(str(order.oid))
        else:
            self._forget(order)

    def told(self, report: types.OrderReport) -> bool:
        """Whether the *order* that the stream tells of waits for its trigger."""
        order = report.order
        if report.status != "open":
            self._forget(order)
            return False
        return str(order.oid) in self._names or order.cloid in self._names

    def _remember(self, name: str) -> None:
        self._names.pop(name, None)
        self._names[name] = None
        if len(self._names) > self._capacity:
            del self._names[next(iter(self._names))]

    def _forget(self, order: types.OrderCore) -> None:
        self._names.pop(str(order.oid), None)
        if order.cloid:
            self._names.pop(order.cloid, None)
