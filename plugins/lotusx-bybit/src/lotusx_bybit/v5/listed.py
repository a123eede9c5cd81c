"""What is listed at Bybit, by category: instruments, and the settle assets that lists of an account are asked by."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, TypeVar

import msgspec

from lotusx.errors import ItemRejected, NotSupported
from lotusx.model import Instrument, InstrumentKind, Symbol
from lotusx.plugin import ItemDropped
from lotusx_bybit.v5.category import Category

if TYPE_CHECKING:
    from lotusx.plugin import Kernel

T = TypeVar("T")
E = TypeVar("E")

logger = logging.getLogger("lotusx.bybit")


class Listed:
    """The instruments of one connection, and what it does with items that it does not know."""

    def __init__(self, kernel: Kernel, categories: Sequence[Category]) -> None:
        self.categories = tuple(categories)
        self._kernel = kernel
        self._exchange = kernel.facts.name

    def category(self, instrument: Instrument) -> Category:
        """Return the category that serves *instrument*.

        Raises:
            NotSupported: It is of a kind that is listed and not traded here.
        """
        for category in self.categories:
            if category.kind is instrument.kind:
                return category
        raise NotSupported(self._exchange, f"instruments of the kind {instrument.kind}, such as {instrument.symbol}")

    def symbol_of(self, category: Category, venue_symbol: str) -> Symbol:
        """Return our name. Raises `ItemRejected` where it is not listed."""
        return self._kernel.instruments.by_venue_symbol(venue_symbol).symbol

    def step_of(self, category: Category, venue_symbol: str) -> Decimal | None:
        """Return the smallest step of quantity. Raises `ItemRejected` where it is not listed."""
        return self._kernel.instruments.by_venue_symbol(venue_symbol).step_size

    def settles(self, category: Category) -> list[str | None]:
        """Return what lists of an account are to be asked by, one after the other; ``None``: nothing.

        Linear lists must name a settle asset. Source: bybit-exchange/docs, v5/order/open-order and v5/position.
        """
        if category is not Category.LINEAR:
            return [None]
        instruments = self._kernel.instruments.all()
        return list(dict.fromkeys(item.settle for item in instruments if item.kind is InstrumentKind.LINEAR))

    async def refresh_for(self, venue_symbols: Iterable[str]) -> None:
        """Fetch the instruments again if one of *venue_symbols* is not listed."""
        await self._kernel.instruments.refresh_if_unlisted(set(venue_symbols))

    def kept(self, items: Iterable[T], to: Callable[[T], E], key: str) -> list[E]:
        """Convert what can be understood; count and say which was not."""
        kept = []
        for item in items:
            try:
                kept.append(to(item))
            except (ItemRejected, msgspec.DecodeError) as error:
                logger.warning("%s: an item of %s was left out: %s", self._exchange, key, error)
                self._kernel.telemetry.emit(ItemDropped(self._exchange, key, str(error)))
        return kept
