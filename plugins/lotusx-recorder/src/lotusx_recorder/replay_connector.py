"""The recorded exchange's own connector, less what would take recorded time for the present."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

from lotusx.errors import StaleBook
from lotusx.model import Instrument, OrderBook
from lotusx.plugin import AccountPort, Channel, Connector, MarketDataPort, Native, TradingPort
from lotusx_recorder.transports import NotOfNow, only_current

_QUIET_S = 1e9
"""A recording does not fall silent: where nothing comes, nothing came."""


class ReplayConnector(Connector):
    """Everything as *inner* does it, but a book that is not of now is refused, and every channel may be silent.

    A live book that begins after the one that was recorded would take the old snapshot for the present. And silence
    would be measured in real time, which is short where recorded time is fast, and then proven by reads that nobody
    had recorded.
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
        found = getattr(self._inner, name)
        return _patient(found) if name.endswith("_channel") else found

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


def _patient(channel_of: Callable[..., Channel[Any]]) -> Callable[..., Channel[Any]]:
    def patient(*given: Any, **named: Any) -> Channel[Any]:
        return replace(channel_of(*given, **named), cadence_s=_QUIET_S)

    return patient
