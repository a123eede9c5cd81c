"""What the exchange lists, as the last look has shown it: shared by all parts of one connection."""

from __future__ import annotations

import logging
from types import MappingProxyType
from typing import TYPE_CHECKING

from lotusx.errors import ItemRejected, NotSupported
from lotusx.model import Instrument, InstrumentKind, InstrumentStatus
from lotusx.plugin import ItemDropped
from lotusx_hyperliquid.assets import FIRST_DEX, Catalogue, Token, catalogue, dex_of, dexes_of

if TYPE_CHECKING:
    from lotusx.plugin import Kernel
    from lotusx_hyperliquid.rest import Endpoints

logger = logging.getLogger("lotusx.hyperliquid")

_EMPTY: Catalogue = Catalogue((), MappingProxyType({}), MappingProxyType({}), ())


class Listed:
    """Instruments, their numbers in actions, dexes and tokens."""

    def __init__(self, kernel: Kernel, rest: Endpoints) -> None:
        self._kernel = kernel
        self._rest = rest
        self._now = _EMPTY
        self._told: set[str] = set()

    async def refresh(self) -> tuple[Instrument, ...]:
        """Ask for all lists. A listing that cannot be understood is left out; it is counted, and told once."""
        dexes = dexes_of(await self._rest.perp_dexs(), await self._rest.all_perp_metas())
        found = catalogue(await self._rest.spot_meta(), dexes)
        exchange = self._kernel.facts.name
        for item in found.left_out:
            self._kernel.telemetry.emit(ItemDropped(exchange, item.coin, item.reason))
            if item.coin not in self._told:
                self._told.add(item.coin)
                logger.warning("%s: the listing %s was left out: %s", exchange, item.coin, item.reason)
        self._now = found
        return found.instruments

    async def ensure(self) -> None:
        """Have the lists, also before a call that names no instrument."""
        if not self._now.instruments:
            await self._kernel.instruments.refresh_if_unlisted([""])  # by way of the core, which keeps them as well

    def asset(self, instrument: Instrument) -> int:
        """Return the number that actions name *instrument* by."""
        return self._now.asset(instrument.venue_symbol)

    def token_name(self, index: int, coin: str) -> str:
        """Return what we call a token: several may have one name at the exchange."""
        token = self._now.tokens.get(index)
        return coin if token is None else token.name

    def token(self, name: str) -> Token | None:
        """Return the token of *name*; ``None``: there is none."""
        return next((token for token in self._now.tokens.values() if token.name == name), None)

    @property
    def dexes(self) -> tuple[str, ...]:
        """Names of the perpetuals dexes on which anything trades, the first one ("") in front."""
        open_ones = [
            dex_of(item.venue_symbol)
            for item in self._now.instruments
            if item.kind is InstrumentKind.LINEAR and item.status is not InstrumentStatus.CLOSED
        ]
        return tuple(dict.fromkeys((FIRST_DEX, *open_ones)))

    @property
    def all_dexes(self) -> tuple[str, ...]:
        """Names of all perpetuals dexes with a listing, delisted or not: money may lie there still."""
        perpetuals = (item for item in self._now.instruments if item.kind is InstrumentKind.LINEAR)
        return tuple(dict.fromkeys((FIRST_DEX, *(dex_of(item.venue_symbol) for item in perpetuals))))

    def collateral(self, dex: str) -> str:
        """Return what perpetuals of *dex* are margined in.

        Raises:
            ItemRejected: It lists nothing.
        """
        for item in self._now.instruments:
            if item.kind is InstrumentKind.LINEAR and dex_of(item.venue_symbol) == dex:
                return str(item.settle)
        raise ItemRejected(f"hyperliquid lists nothing on the dex {dex!r}", field="dex", value=dex)


def dex_of_instrument(instrument: Instrument) -> str:
    """Return the dex whose answers *instrument* is part of; spot comes with the first one."""
    return dex_of(instrument.venue_symbol) if instrument.kind is InstrumentKind.LINEAR else FIRST_DEX


def require_perpetual(instrument: Instrument, what: str) -> None:
    """Refuse what spot does not have."""
    if instrument.kind is not InstrumentKind.LINEAR:
        raise NotSupported("hyperliquid", f"{what} of {instrument.symbol}", f"a perpetual, {instrument.base}/USDC:USDC")
