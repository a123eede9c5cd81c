"""USDⓈ-M futures' own endpoints: those of `rest`, a few more that unified calls do not need, any other by `call`."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from lotusx.errors import NoChange
from lotusx.plugin import Cost, Verb
from lotusx_binance import types as shared
from lotusx_binance.calls import reader
from lotusx_binance.perp import account_types, types
from lotusx_binance.perp.rest import Endpoints
from lotusx_binance.pools import FUNDING_CALLS

_PRICE = reader(types.PriceTicker)
_FUNDING_INFO = reader(list[types.FundingInfo])
_ALGOS = reader(list[account_types.AlgoOrder])
_LIMITS = reader(list[shared.RateLimit])
_TRADES = reader(list[shared.RecentTrade])


class BinancePerpNative(Endpoints):
    """Typed methods return `lotusx_binance.perp.types`; the others Binance's JSON, decimals as `Decimal`."""

    async def ready(self) -> None:
        """Open the REST connection, so that the next call does not wait for it."""
        await self.ping()

    async def ticker_price(self, symbol: str) -> types.PriceTicker:
        """``GET /fapi/v2/ticker/price`` of one symbol, weight 1."""
        return await self._get("/fapi/v2/ticker/price", {"symbol": symbol}, _PRICE, 1)

    async def funding_info(self) -> list[types.FundingInfo]:
        """``GET /fapi/v1/fundingInfo``: symbols whose funding interval, cap or floor was adjusted."""
        request = self.request(Verb.GET, "/fapi/v1/fundingInfo", {}, costs=(Cost(FUNDING_CALLS, 1),))
        return await self._call(request, _FUNDING_INFO)

    async def historical_trades(
        self, symbol: str, *, from_id: int | None = None, limit: int = 100
    ) -> list[shared.RecentTrade]:
        """``GET /fapi/v1/historicalTrades``, weight 200; of the last month, at most 500. Needs a key."""
        params = {"symbol": symbol, "fromId": from_id, "limit": limit}
        request = self.request(Verb.GET, "/fapi/v1/historicalTrades", params, weight=200, keyed=True)
        return await self._call(request, _TRADES)

    async def set_hedge_mode(self, hedge: bool) -> None:
        """``POST /fapi/v1/positionSide/dual``, weight 1: two positions of a symbol, or one; in COIN-M too."""
        await self._switch("/fapi/v1/positionSide/dual", {"dualSidePosition": hedge})

    async def set_multi_assets_mode(self, multi: bool) -> None:
        """``POST /fapi/v1/multiAssetsMargin``, weight 1: whether all assets are margin together."""
        await self._switch("/fapi/v1/multiAssetsMargin", {"multiAssetsMargin": multi})

    async def _switch(self, path: str, params: dict[str, bool]) -> None:
        """Set it; that it is so already is a success."""
        with suppress(NoChange):
            await self.call("POST", path, params, signed=True)

    async def all_algo_orders(self, symbol: str, **params: Any) -> list[account_types.AlgoOrder]:
        """``GET /fapi/v1/allAlgoOrders``, weight 5; ``startTime``, ``endTime``, ``limit``: less than 7 days, 1000."""
        return await self._get("/fapi/v1/allAlgoOrders", {"symbol": symbol, **params}, _ALGOS, 5, signed=True)

    async def order_count(self) -> list[shared.RateLimit]:
        """``GET /fapi/v1/rateLimit/order``, weight 1: the account's limits of orders."""
        return await self._get("/fapi/v1/rateLimit/order", {}, _LIMITS, 1, signed=True)

    async def order_amendments(self, symbol: str, order_id: int) -> Any:
        """``GET /fapi/v1/orderAmendment``, weight 1."""
        params = {"symbol": symbol, "orderId": order_id}
        return await self.call("GET", "/fapi/v1/orderAmendment", params, signed=True)
