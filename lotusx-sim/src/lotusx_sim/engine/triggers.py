"""Conditional orders that wait for a last, mark or index price: stops, take-profits, trailing stops."""

from collections.abc import Callable
from decimal import Decimal

from lotusx_sim.engine.orders import NewOrder, Order, PriceSource, Side

_BPS = Decimal(10_000)


def would_trigger_now(new: NewOrder | Order, last: Decimal) -> bool:
    """Tell whether *new* would trigger at once at the *last* price, which venues refuse."""
    if new.trigger_price is None:
        return False
    return _reached(new, new.trigger_price, last)


def _fires_above(order: NewOrder | Order) -> bool:
    """A stop to buy and a take-profit to sell wait for the price to rise."""
    return (order.side is Side.BUY) == order.kind.is_stop


def _reached(order: NewOrder | Order, trigger: Decimal, last: Decimal) -> bool:
    return last >= trigger if _fires_above(order) else last <= trigger


class TriggerBook:
    """The waiting conditional orders of one market."""

    def __init__(self) -> None:
        self._waiting: dict[int, Order] = {}

    def add(self, order: Order, last: Decimal | None, now_ns: int) -> None:
        self._waiting[order.id] = order
        if order.trails and order.trigger_price is None:
            order.trailing_ns = now_ns
            order.extreme = last

    def remove(self, order: Order) -> None:
        self._waiting.pop(order.id, None)

    def take_triggered(self, price_of: Callable[[PriceSource], Decimal | None], now_ns: int) -> list[Order]:
        """Remove and return the orders that the present prices trigger, oldest first."""
        prices = {source: price_of(source) for source in PriceSource}
        triggered = [order for order in self._waiting.values() if _triggers(order, prices[order.trigger_by], now_ns)]
        for order in triggered:
            del self._waiting[order.id]
        return triggered

    def __len__(self) -> int:
        return len(self._waiting)


def _triggers(order: Order, last: Decimal | None, now_ns: int) -> bool:
    if last is None:
        return False
    if not order.trails:
        return order.trigger_price is not None and _reached(order, order.trigger_price, last)
    if order.trailing_ns is None:
        if order.trigger_price is not None and _activates(order, order.trigger_price, last):
            order.trailing_ns, order.extreme = now_ns, last
        return False
    return _trails(order, last)


def _activates(order: Order, activation: Decimal, last: Decimal) -> bool:
    """With both a stop price and a trailing delta, the stop price starts the trailing.

    Source: Binance spot, faqs/trailing-stop-faq: the price is first followed once stopPrice was reached.
    """
    return _reached(order, activation, last)


def _trails(order: Order, last: Decimal) -> bool:
    # Stops follow the favourable extreme and fire on the way back. Take-profits do the same once armed.
    if order.extreme is None:
        order.extreme = last
        return False
    if order.side is Side.SELL:
        order.extreme = max(order.extreme, last)
        return last <= order.extreme - _distance(order, order.extreme)
    order.extreme = min(order.extreme, last)
    return last >= order.extreme + _distance(order, order.extreme)


def _distance(order: Order, extreme: Decimal) -> Decimal:
    if order.trailing_distance is not None:
        return order.trailing_distance
    return extreme * Decimal(order.trailing_bps or 0) / _BPS
