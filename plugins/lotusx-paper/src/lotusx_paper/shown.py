"""What an exchange's book has to give, less what own orders took of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from lotusx.model import Level
from lotusx_sim.engine.orders import ZERO, Side


@dataclass(slots=True)
class _Touched:
    shown: Decimal
    left: Decimal


class Shown:
    """The levels of one market that own orders have taken from.

    The exchange goes on showing what was taken here, for there it never was. It stays taken until the level is gone
    from the exchange's book; what is added to the level meanwhile is there to take, what is taken away is not.
    """

    def __init__(self) -> None:
        self._touched: dict[Side, dict[Decimal, _Touched]] = {Side.BUY: {}, Side.SELL: {}}

    def has_touched(self, side: Side) -> bool:
        """Tell whether own orders have taken from a level of *side* that was there when `left` was asked last."""
        return bool(self._touched[side])

    def left(self, side: Side, levels: Sequence[Level]) -> list[tuple[Decimal, Decimal]]:
        """Return price and quantity of what is left of *levels*: all that the exchange shows of *side*, best first."""
        touched = self._touched[side]
        if not touched:
            return [(level.price, level.quantity) for level in levels]
        now = {level.price: level.quantity for level in levels}
        for price in [price for price in touched if price not in now]:
            del touched[price]
        for price, level in touched.items():
            quantity = now[price]
            level.left = min(level.left, quantity) if quantity <= level.shown else level.left + quantity - level.shown
            level.shown = quantity
            now[price] = level.left
        return [(price, quantity) for price, quantity in now.items() if quantity > ZERO]

    def take(self, side: Side, price: Decimal, quantity: Decimal, shown: Decimal) -> None:
        """Take *quantity* of what `left` said is there; *shown* is that."""
        level = self._touched[side].setdefault(price, _Touched(shown, shown))
        level.left -= quantity
