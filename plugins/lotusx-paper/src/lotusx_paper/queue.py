"""Where own orders stand among those that an exchange shows at their price. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from lotusx_sim.engine.book import crosses
from lotusx_sim.engine.orders import ZERO, Order, Side

UNKNOWN = Decimal("Infinity")
"""What stands at a price beyond what is known of a book: only what goes through it can fill an order there."""


class Queue:
    """What stands before each resting order at its own price, in the order's unit.

    All that the exchange showed at the price when the order came, less what has been printed there since. That others
    before it cancel does not help: nobody can see which ones did.
    """

    def __init__(self) -> None:
        self._ahead: dict[int, Decimal] = {}

    def join(self, order: Order, shown: Decimal) -> None:
        """Put *order* behind *shown*."""
        self._ahead[order.id] = shown

    def ahead(self, order: Order) -> Decimal:
        """Return what stands before *order*."""
        return self._ahead.get(order.id, ZERO)

    def leave(self, order: Order) -> None:
        """Forget an order that does not rest any more."""
        self._ahead.pop(order.id, None)

    def printed(
        self, resting: Sequence[Order], price: Decimal, quantity: Decimal, taker_side: Side
    ) -> list[tuple[Order, Decimal]]:
        """Count a print; return which of *resting* (of one side, as they are matched) it fills, and how much of each.

        One that was traded through is filled, whatever stood before it; at its price, what is left behind the queue
        fills it, if the taker was of the other side. Together they get no more than was printed.
        """
        given, filled = ZERO, []
        for order in resting:
            assert order.price is not None
            if order.price != price and crosses(order.side, order.price, price):
                self._ahead[order.id] = ZERO
                reach = quantity
            elif order.price == price and taker_side is not order.side:
                ahead = self.ahead(order)
                self._ahead[order.id] = max(ZERO, ahead - quantity)
                reach = max(ZERO, quantity - ahead)
            else:
                continue
            part = min(order.remaining, max(ZERO, reach - given))
            if part:
                given += part
                filled.append((order, part))
        return filled
