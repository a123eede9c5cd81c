"""The instruments of a connected exchange, by our name and by its own."""

from __future__ import annotations

import difflib
from collections.abc import Awaitable, Callable, Iterable, Sequence

import anyio

from lotusx.errors import InvalidArgument, ItemRejected, UnknownSymbol
from lotusx.kernel.clock import Clock
from lotusx.model.instruments import Instrument
from lotusx.model.symbol import Symbol

LOOK_AGAIN_NS = 60_000_000_000
"""How old the list must be before an unknown symbol is worth asking for a fresh one."""


class Instruments:
    """Fetched once, when the first call needs them, and again when something unknown turns up.

    The map to the exchange's own names comes from its list of instruments, never from cutting strings.
    """

    def __init__(self, exchange: str, clock: Clock) -> None:
        self._exchange = exchange
        self._clock = clock
        self._looked_ns: int | None = None
        self._fetch: Callable[[], Awaitable[Sequence[Instrument]]] | None = None
        self._by_symbol: dict[Symbol, Instrument] = {}
        self._by_venue_symbol: dict[str, Instrument] = {}
        self._lock = anyio.Lock()
        self._loads = 0
        self.stale = False

    def use(self, fetch: Callable[[], Awaitable[Sequence[Instrument]]]) -> None:
        """Say where they come from."""
        self._fetch = fetch

    @property
    def loaded(self) -> bool:
        """Whether they have been fetched."""
        return bool(self._by_symbol)

    async def ensure(self) -> None:
        """Fetch them if that has not been done, or if an unknown name has turned up since."""
        if not self.loaded or self.stale:
            await self.refresh()

    async def refresh(self) -> None:
        """Fetch them again; callers that wait meanwhile share one request."""
        before = self._loads
        async with self._lock:
            if self._loads != before or self._fetch is None:
                return
            found = await self._fetch()
            self._by_symbol = {item.symbol: item for item in found}
            self._by_venue_symbol = {item.venue_symbol: item for item in found}
            self._loads += 1
            self._looked_ns = self._clock.monotonic_ns()
            self.stale = False

    async def refresh_if_unlisted(self, venue_symbols: Iterable[str]) -> None:
        """Fetch them again, once, if one of *venue_symbols* is not listed."""
        if any(name not in self._by_venue_symbol for name in venue_symbols):
            await self.refresh()

    async def resolve(self, symbol: Symbol | str) -> Instrument:
        """Return the instrument of *symbol*; an unknown one is looked for in a fresh list, at most once a minute.

        Raises:
            UnknownSymbol: It is not listed; near matches are named.
            InvalidArgument: *symbol* is not of the form ``BASE/QUOTE``.
        """
        if not self.loaded or self.stale:
            await self.refresh()
        wanted = self._parse(symbol)
        found = self._by_symbol.get(wanted)
        if found is not None:
            return found
        if self._may_look_again():
            await self.refresh()
        return self.by_symbol(wanted)

    def _may_look_again(self) -> bool:
        now_ns = self._clock.monotonic_ns()
        if self._looked_ns is not None and now_ns - self._looked_ns < LOOK_AGAIN_NS:
            return False
        self._looked_ns = now_ns
        return True

    def by_symbol(self, symbol: Symbol | str) -> Instrument:
        """Return the instrument of *symbol* from what is loaded."""
        wanted = self._parse(symbol)
        try:
            return self._by_symbol[wanted]
        except KeyError:
            raise UnknownSymbol(self._exchange, str(wanted), self._near(str(wanted))) from None

    def by_venue_symbol(self, venue_symbol: str) -> Instrument:
        """Return the instrument the exchange calls *venue_symbol*.

        Raises:
            ItemRejected: It is not in the list; the list counts as stale from now on.
        """
        try:
            return self._by_venue_symbol[venue_symbol]
        except KeyError:
            self.stale = True
            raise ItemRejected(
                f"{self._exchange} sent {venue_symbol!r}, which its list of instruments does not have",
                field="symbol",
                value=venue_symbol,
            ) from None

    def all(self) -> Sequence[Instrument]:
        """Return all of them, in the exchange's order."""
        return tuple(self._by_symbol.values())

    def _parse(self, symbol: Symbol | str) -> Symbol:
        try:
            return Symbol.parse(symbol)
        except InvalidArgument:
            if isinstance(symbol, str) and symbol.upper() in self._by_venue_symbol:
                ours = self._by_venue_symbol[symbol.upper()].symbol
                raise UnknownSymbol(self._exchange, symbol, (str(ours),)) from None
            raise

    def _near(self, text: str) -> tuple[str, ...]:
        names = [str(symbol) for symbol in self._by_symbol]
        return tuple(difflib.get_close_matches(text.upper(), names, n=3, cutoff=0.5))
