"""Public endpoints that every market of Binance serves under the same names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, ClassVar

from lotusx_binance import types
from lotusx_binance.calls import Calls, reader

_TIME = reader(types.ServerTime)
_INFO = reader(types.ExchangeInfo)
_TRADES = reader(list[types.RecentTrade])
_AGGREGATES = reader(list[types.AggregateTrade])
_KLINES = reader(list[types.Kline])


class PublicCalls(Calls):
    """What differs by market is where they are and what they weigh.

    Attributes:
        PREFIX: Path before their names.
        KLINES_WEIGHTS: Up to which limit ``klines`` weighs what.
        INFO_PARAMS: What ``exchangeInfo`` is asked with.
    """

    PREFIX: ClassVar[str]
    INFO_WEIGHT: ClassVar[int]
    TRADES_WEIGHT: ClassVar[int]
    AGGREGATES_WEIGHT: ClassVar[int]
    KLINES_WEIGHTS: ClassVar[tuple[tuple[int, int], ...]]
    INFO_PARAMS: ClassVar[Mapping[str, Any]] = MappingProxyType({})

    async def time(self) -> types.ServerTime:
        """``time``, weight 1."""
        return await self._get(f"{self.PREFIX}/time", {}, _TIME, 1)

    async def exchange_info(self, symbols: Sequence[str] | None = None) -> types.ExchangeInfo:
        """``exchangeInfo``; *symbols*: on spot only."""
        params = {"symbols": symbols, **self.INFO_PARAMS}
        return await self._get(f"{self.PREFIX}/exchangeInfo", params, _INFO, self.INFO_WEIGHT)

    async def trades(self, symbol: str, limit: int) -> list[types.RecentTrade]:
        """``trades``: the newest *limit* (at most 1000), oldest first."""
        params = {"symbol": symbol, "limit": limit}
        return await self._get(f"{self.PREFIX}/trades", params, _TRADES, self.TRADES_WEIGHT)

    async def agg_trades(
        self,
        symbol: str,
        *,
        from_id: int | None = None,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 500,
    ) -> list[types.AggregateTrade]:
        """``aggTrades``: from an id upwards, or of a time; on futures of the last 48 hours."""
        params = {"symbol": symbol, "fromId": from_id, "startTime": start_ms, "endTime": end_ms, "limit": limit}
        return await self._get(f"{self.PREFIX}/aggTrades", params, _AGGREGATES, self.AGGREGATES_WEIGHT)

    async def klines(
        self, symbol: str, interval: str, *, start_ms: int | None = None, end_ms: int | None = None, limit: int = 500
    ) -> list[types.Kline]:
        """``klines``, oldest first; at most 1000, on futures 1500."""
        params = {"symbol": symbol, "interval": interval, "startTime": start_ms, "endTime": end_ms, "limit": limit}
        weight = next((each for most, each in self.KLINES_WEIGHTS if limit <= most), self.KLINES_WEIGHTS[-1][1])
        return await self._get(f"{self.PREFIX}/klines", params, _KLINES, weight)
