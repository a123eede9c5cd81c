"""Documents that speak of many symbols: what is not listed or not understood is left out, never unseen."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec

from lotusx.errors import ItemRejected, LotusXError, NotSupported
from lotusx.model import Instrument, InstrumentKind, Symbol
from lotusx.plugin import ItemDropped

if TYPE_CHECKING:
    from lotusx.plugin import Kernel

logger = logging.getLogger("lotusx.backpack")


class OfSymbol(Protocol):
    """A row that names its market."""

    @property
    def symbol(self) -> str: ...


R = TypeVar("R")
S = TypeVar("S", bound=OfSymbol)
M = TypeVar("M")


class Listed:
    """Looks markets up and converts lists."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._exchange = kernel.facts.name

    def symbol_of(self, venue_symbol: str) -> Symbol:
        """Raises `ItemRejected` for what is not listed."""
        return self._kernel.instruments.by_venue_symbol(venue_symbol).symbol

    def kept(self, key: str, items: Iterable[R], to: Callable[[R], M]) -> list[M]:
        """Convert what can be understood; count and say which was not. *key*: whose items they are."""
        found = []
        for item in items:
            try:
                found.append(to(item))
            except (ItemRejected, msgspec.DecodeError) as error:
                logger.warning("%s: an item of %s was left out: %s", self._exchange, key, error)
                self._kernel.telemetry.emit(ItemDropped(self._exchange, key, str(error)))
        return found

    async def of_account(
        self, key: str, items: Sequence[S], to: Callable[[S, Symbol], M], *, cancelled: bool = False
    ) -> list[M]:
        """Convert rows of any symbol; one that is not listed is looked for in a fresh list first.

        Orders that are *cancelled* are told though a fresh list cannot be had: nothing takes that back.
        """
        try:
            await self._kernel.instruments.refresh_if_unlisted({item.symbol for item in items})
        except LotusXError:
            if not cancelled:
                raise
        return self.kept(key, items, lambda item: to(item, self.symbol_of(item.symbol)))


def require_perpetual(instrument: Instrument, what: str) -> None:
    """Raises `NotSupported`: only perpetuals have *what*."""
    if instrument.kind is InstrumentKind.SPOT:
        raise NotSupported(
            "backpack", f"{what} of {instrument.symbol}, which is spot", "its perpetual, if there is one"
        )
