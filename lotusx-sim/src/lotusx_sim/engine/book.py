"""One market's resting orders in price-time priority."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice

from lotusx_sim.engine.orders import ZERO, Order, Side


class Level:
    """All orders at one price, oldest first."""

    __slots__ = ("orders", "price", "total")

    def __init__(self, price: Decimal) -> None:
        self.price = price
        self.total = ZERO
        self.orders: dict[int, Order] = {}  # insertion order is time priority

    def first(self) -> Order:
        return next(iter(self.orders.values()))


class HalfBook:
    """One side of a book; prices are kept sorted, the best is at one end."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self._prices: list[Decimal] = []  # ascending
        self._levels: dict[Decimal, Level] = {}

    def add(self, order: Order) -> Level:
        price = _price(order)
        level = self._levels.get(price)
        if level is None:
            level = self._levels[price] = Level(price)
            insort(self._prices, price)
        level.orders[order.id] = order
        level.total += order.remaining
        return level

    def remove(self, order: Order) -> Level:
        """Take *order* out; the level goes with its last order and then has total 0."""
        level = self._levels[_price(order)]
        del level.orders[order.id]
        level.total -= order.remaining
        self._drop_if_empty(level)
        return level

    def reduce(self, order: Order, quantity: Decimal, *, gone: bool) -> Level:
        """Shrink what *order* shows by *quantity*; *gone* when nothing of it is left."""
        level = self._levels[_price(order)]
        level.total -= quantity
        if gone:
            del level.orders[order.id]
            self._drop_if_empty(level)
        return level

    def best(self) -> Level | None:
        if not self._prices:
            return None
        return self._levels[self._prices[-1 if self.side is Side.BUY else 0]]

    def levels(self) -> Iterator[Level]:
        """Iterate levels, best first."""
        prices = reversed(self._prices) if self.side is Side.BUY else iter(self._prices)
        return (self._levels[price] for price in prices)

    def top(self, depth: int) -> list[tuple[Decimal, Decimal]]:
        """Return price and quantity of the best *depth* levels, best first."""
        return [(level.price, level.total) for level in islice(self.levels(), depth)]

    def level(self, price: Decimal) -> Level | None:
        return self._levels.get(price)

    def __len__(self) -> int:
        return len(self._prices)

    def _drop_if_empty(self, level: Level) -> None:
        if not level.orders:
            level.total = ZERO
            del self._levels[level.price]
            del self._prices[bisect_left(self._prices, level.price)]


class Book:
    """Both sides of one market."""

    def __init__(self) -> None:
        self.bids = HalfBook(Side.BUY)
        self.asks = HalfBook(Side.SELL)

    def half(self, side: Side) -> HalfBook:
        return self.bids if side is Side.BUY else self.asks

    def best_bid(self) -> Decimal | None:
        level = self.bids.best()
        return level.price if level else None

    def best_ask(self) -> Decimal | None:
        level = self.asks.best()
        return level.price if level else None


def crosses(taker_side: Side, limit: Decimal | None, maker_price: Decimal) -> bool:
    """Tell whether a taker with price *limit* (None: any price) may trade at *maker_price*."""
    if limit is None:
        return True
    return maker_price <= limit if taker_side is Side.BUY else maker_price >= limit


def next_price(half: HalfBook, *, level_is_emptied: bool) -> Decimal | None:
    """Return the price the next match would have, None when nothing would be left."""
    levels = half.levels()
    if level_is_emptied:
        next(levels, None)
    level = next(levels, None)
    return level.price if level is not None else None


def _price(order: Order) -> Decimal:
    assert order.price is not None, "only priced orders rest"
    return order.price
