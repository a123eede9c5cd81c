"""The recorded exchange's own connector, without books that are out of date."""

from __future__ import annotations

from typing import Any, cast

from lotusx.errors import StaleBook
from lotusx.model import Instrument, OrderBook
from lotusx.plugin import AccountPort, Connector, MarketDataPort, Native, TradingPort
from lotusx_recorder.transports import NotOfNow, only_current


class ReplayConnector(Connector):
    """Everything as *inner* does it, but a book that messages have outrun is refused.

    A live book that begins after the one that was recorded would take the old snapshot for the present.
    """

    def __init__(self, inner: Connector) -> None:
        self._inner = inner
        self._market = cast("MarketDataPort", _Market(inner.market))

    @property
    def market(self) -> MarketDataPort:
        return self._market

    @property
    def trading(self) -> TradingPort:
        return self._inner.trading

    @property
    def account(self) -> AccountPort:
        return self._inner.account

    @property
    def native(self) -> Native:
        return self._inner.native


class _Market:
    def __init__(self, inner: MarketDataPort) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def order_book(self, instrument: Instrument, depth: int) -> OrderBook:
        """Return a book of now.

        Raises:
            StaleBook: None was recorded; a later one may have been.
        """
        with only_current():
            try:
                return await self._inner.order_book(instrument, depth)
            except NotOfNow as error:
                raise StaleBook(f"{instrument.symbol}: the recording has no book of this moment: {error}") from error
