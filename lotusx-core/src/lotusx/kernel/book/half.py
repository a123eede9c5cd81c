"""One side of a ladder: an ordered list of keys, and the exchange's text behind each.

Keys ascend towards the best price on both sides (asks are negated), so the best is the last. A deleted level keeps its
key, with ``None`` behind it, until the key surfaces or the list is swept: prices flicker, and putting a level back then
costs no search.
"""

from __future__ import annotations

from bisect import insort
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Generic, Protocol, TypeVar

from lotusx.errors import ItemRejected
from lotusx.kernel.book.lane import fits_float

Pair = tuple[str, str]
"""Price text and quantity text, as the exchange wrote them."""

K = TypeVar("K", float, Decimal)

_INFINITY = float("inf")
_SMALLEST = 1e-290  # below, floats lose digits
_LARGEST = 9e15  # whole numbers are exact as floats up to 2**53
_ZEROS = frozenset(("0", "0.")) | {"0." + "0" * n for n in range(1, 19)}
_SPARE = 64  # keys a half may hold in vain, on top of as many as it needs


class Unordered(Exception):
    """A price has more digits than a float can order."""


class AnyHalf(Protocol):
    """What a ladder needs of a side, whatever orders it. ``apply`` is False: it takes a half of `Half` to do this."""

    def apply(self, pairs: Sequence[Pair]) -> bool: ...
    def set_floor(self, price: str | None) -> None: ...
    def best(self) -> Pair | None: ...
    def top(self, count: int | None) -> Iterable[Pair]: ...
    def trim(self, count: int) -> None: ...
    def count(self) -> int: ...


COMPILED: Callable[..., AnyHalf] | None = None
"""A half whose keys are floats, in C: `_levels.c`. ``None``: there was no compiler, and `FloatHalf` does the work."""
with suppress(ImportError):
    from lotusx.kernel.book import _levels

    COMPILED = _levels.Levels


class Half(Generic[K]):
    """What both lanes share. ``floor``: changes deeper than this key are not kept."""

    __slots__ = ("_ceiling", "_floor", "_keys", "_levels", "_sweep_at")

    def __init__(self, floor: K, ceiling: K) -> None:
        self._keys: list[K] = []
        self._levels: dict[K, Pair | None] = {}
        self._floor: K = floor
        self._ceiling: K = ceiling
        self._sweep_at = _SPARE

    def best(self) -> Pair | None:
        """Return the best level; ``None``: there is none."""
        keys = self._keys
        while keys:
            pair = self._levels[keys[-1]]
            if pair is not None:
                return pair
            del self._levels[keys.pop()]
        return None

    def top(self, count: int | None) -> Iterator[Pair]:
        """Yield the *count* best levels, best first; ``None``: all."""
        left = len(self._keys) if count is None else count
        for key in reversed(self._keys):
            if left <= 0:
                return
            pair = self._levels[key]
            if pair is not None:
                left -= 1
                yield pair

    def trim(self, count: int) -> None:
        """Forget all but the *count* best levels."""
        if len(self._keys) > count:
            self._sweep()
            spare = max(0, len(self._keys) - count)
            for key in self._keys[:spare]:
                del self._levels[key]
            del self._keys[:spare]

    def count(self) -> int:
        """Return how many levels there are. Looks at all of them."""
        return len(self._levels) - list(self._levels.values()).count(None)

    def _sweep(self) -> None:
        self._levels = {key: pair for key, pair in self._levels.items() if pair is not None}
        self._keys = [key for key in self._keys if key in self._levels]
        self._sweep_at = 2 * len(self._keys) + _SPARE


class FloatHalf(Half[float]):
    """A side ordered by float."""

    __slots__ = ("_sign",)

    def __init__(self, *, descending: bool) -> None:
        self._sign = 1.0 if descending else -1.0
        low, high = (_SMALLEST, _LARGEST) if descending else (-_LARGEST, -_SMALLEST)
        super().__init__(low, high)

    def set_floor(self, price: str | None) -> None:
        """Keep nothing deeper than *price*; ``None``: keep everything."""
        self._sweep()  # what was deleted already would be put back without a look at the floor
        deepest = _SMALLEST if self._sign > 0 else _LARGEST
        self._floor = self._sign * (deepest if price is None else float(price))

    def apply(self, pairs: Sequence[Pair]) -> bool:
        """Set absolute quantities; zero deletes. True.

        Raises:
            ItemRejected, ValueError: Not a price or quantity; levels before it are applied.
            Unordered: A price needs the other lane; levels before it are applied.
        """
        keys, levels, sign = self._keys, self._levels, self._sign
        floor, ceiling = self._floor, self._ceiling
        for pair in pairs:
            price, quantity = pair
            if len(price) > 16 and not fits_float(price):
                raise Unordered(price)
            key = sign * float(price)
            size = float(quantity)
            if 0.0 < size < _INFINITY:
                if key not in levels:
                    if not floor <= key <= ceiling:
                        self._check_price(key, price)
                        continue
                    insort(keys, key)
                levels[key] = pair
            elif size == 0.0:
                if quantity not in _ZEROS and Decimal(quantity):
                    raise ItemRejected(f"quantity is out of range: {quantity!r}", field="quantity", value=quantity)
                if key in levels:
                    levels[key] = None
                elif not floor <= key <= ceiling:
                    self._check_price(key, price)
            else:
                raise ItemRejected(f"quantity is not positive: {quantity!r}", field="quantity", value=quantity)
        if len(keys) > self._sweep_at:
            self._sweep()
        return True

    def _check_price(self, key: float, text: str) -> None:
        """Return where the price is merely deeper than the floor."""
        value = key * self._sign
        if _SMALLEST <= value <= _LARGEST:
            return
        price = Decimal(text)
        if price.is_finite() and price > 0:
            raise Unordered(text)
        raise ItemRejected(f"price is not positive: {text!r}", field="price", value=text)


class DecimalHalf(Half[Decimal]):
    """A side ordered by exact value."""

    __slots__ = ("_descending",)

    def __init__(self, *, descending: bool) -> None:
        self._descending = descending
        bounds = (Decimal(0), Decimal("Infinity"))
        super().__init__(*(bounds if descending else (-bounds[1], bounds[0])))

    def set_floor(self, price: str | None) -> None:
        """Keep nothing deeper than *price*; ``None``: keep everything."""
        self._sweep()
        deepest = Decimal(0) if self._descending else Decimal("Infinity")
        self._floor = self._key(deepest if price is None else Decimal(price))

    def apply(self, pairs: Sequence[Pair]) -> bool:
        """Set absolute quantities; zero deletes. True.

        Raises:
            ItemRejected, ValueError, ArithmeticError: Not a price or quantity; levels before it are applied.
        """
        for pair in pairs:
            price_text, quantity_text = pair
            price, quantity = Decimal(price_text), Decimal(quantity_text)
            if not (price.is_finite() and price > 0):
                raise ItemRejected(f"price is not positive: {price_text!r}", field="price", value=price_text)
            if not quantity.is_finite() or quantity < 0:
                raise ItemRejected(
                    f"quantity is not positive: {quantity_text!r}", field="quantity", value=quantity_text
                )
            key = self._key(price)
            if key not in self._levels:
                if not quantity or key < self._floor:
                    continue
                insort(self._keys, key)
            self._levels[key] = pair if quantity else None
        if len(self._keys) > self._sweep_at:
            self._sweep()
        return True

    def _key(self, price: Decimal) -> Decimal:
        return price if self._descending else price.copy_negate()  # a unary minus would round
