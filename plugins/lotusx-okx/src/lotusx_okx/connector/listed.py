"""What is traded here, and lists that speak of many instruments: what is not understood is left out, never unseen."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Protocol, TypeVar

import msgspec

from lotusx.errors import ItemRejected, NotSupported
from lotusx.model import Instrument, InstrumentKind
from lotusx.plugin import ItemDropped
from lotusx_okx.markets import SPOT, SWAP

if TYPE_CHECKING:
    from lotusx.plugin import Kernel

logger = logging.getLogger("lotusx.okx")


class OfInstrument(Protocol):
    """A row that names its instrument."""

    @property
    def instId(self) -> str: ...


R = TypeVar("R")
N = TypeVar("N", bound=OfInstrument)
M = TypeVar("M")

_TYPES = {InstrumentKind.SPOT: SPOT, InstrumentKind.LINEAR: SWAP}


class Listed:
    """Looks instruments up and converts lists."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._exchange = kernel.facts.name

    def type_of(self, instrument: Instrument) -> str:
        """Return the exchange's word for the type of *instrument*.

        Raises:
            NotSupported: It is of a kind that is listed and not traded here.
        """
        found = _TYPES.get(instrument.kind)
        if found is None:
            what = f"{instrument.kind} instruments, such as {instrument.symbol}"
            raise NotSupported(self._exchange, what, "native.call")
        return found

    def traded(self, inst_id: str) -> Instrument | None:
        """Return the instrument; ``None``: it is not traded here. Raises `ItemRejected` for what is not listed."""
        instrument = self._kernel.instruments.by_venue_symbol(inst_id)
        return instrument if instrument.kind in _TYPES else None

    def instrument_of(self, inst_id: str) -> Instrument:
        """Raises `ItemRejected` for what is not listed, or not traded here."""
        instrument = self.traded(inst_id)
        if instrument is None:
            raise ItemRejected(f"{inst_id} is not traded here", field="instId", value=inst_id)
        return instrument

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

    async def of_account(self, key: str, items: Sequence[N], to: Callable[[N, Instrument], M]) -> list[M]:
        """Convert rows of any instrument; one that is not listed is looked for in a fresh list first."""
        await self._kernel.instruments.refresh_if_unlisted({item.instId for item in items})
        return self.kept(key, items, lambda item: to(item, self.instrument_of(item.instId)))


def require_swap(instrument: Instrument, what: str) -> None:
    """Raises `NotSupported`: only linear swaps have *what*."""
    if instrument.kind is not InstrumentKind.LINEAR:
        raise NotSupported("okx", f"{what} of {instrument.symbol}", "its linear swap, if there is one")
