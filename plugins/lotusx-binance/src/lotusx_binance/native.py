"""Binance's own endpoints: those of `rest`, a few more that the unified calls do not need, and any other by `call`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lotusx_binance import types
from lotusx_binance.calls import reader
from lotusx_binance.rest import Endpoints

_AVERAGE = reader(types.AveragePrice)
_PRICE = reader(types.PriceTicker)
_PRICES = reader(list[types.PriceTicker])
_LIMITS = reader(list[types.RateLimit])


class BinanceNative(Endpoints):
    """Typed methods return `lotusx_binance.types`; the others Binance's JSON, numbers with a point as `Decimal`."""

    async def ready(self) -> None:
        """Open the REST connection, so that the next call does not wait for it."""
        await self.ping()

    async def execution_rules(self, symbol: str) -> Any:
        """``GET /api/v3/executionRules``, weight 2: price range around the reference price."""
        return await self.call("GET", "/api/v3/executionRules", {"symbol": symbol}, weight=2)

    async def average_price(self, symbol: str) -> types.AveragePrice:
        """``GET /api/v3/avgPrice``, weight 2."""
        return await self._get("/api/v3/avgPrice", {"symbol": symbol}, _AVERAGE, 2)

    async def ticker_price(self, symbol: str) -> types.PriceTicker:
        """``GET /api/v3/ticker/price`` of one symbol, weight 2."""
        return await self._get("/api/v3/ticker/price", {"symbol": symbol}, _PRICE, 2)

    async def ticker_prices(self, symbols: Sequence[str] | None = None) -> list[types.PriceTicker]:
        """``GET /api/v3/ticker/price``, weight 4; ``None``: all."""
        return await self._get("/api/v3/ticker/price", {"symbols": symbols}, _PRICES, 4)

    async def my_filters(self, symbol: str) -> Any:
        """``GET /api/v3/myFilters``, weight 40: the filters of this account, ``MAX_ASSET`` among them."""
        return await self.call("GET", "/api/v3/myFilters", {"symbol": symbol}, signed=True, weight=40)

    async def unfilled_order_count(self) -> list[types.RateLimit]:
        """``GET /api/v3/rateLimit/order``, weight 40: orders counted now, per window."""
        return await self._get("/api/v3/rateLimit/order", {}, _LIMITS, 40, signed=True)

    async def order_amendments(self, symbol: str, order_id: int) -> Any:
        """``GET /api/v3/order/amendments``, weight 4."""
        params = {"symbol": symbol, "orderId": order_id}
        return await self.call("GET", "/api/v3/order/amendments", params, signed=True, weight=4)

    async def new_order_list(self, kind: str, params: Mapping[str, Any]) -> Any:
        """``POST /api/v3/orderList/<kind>``: ``oco``, ``oto``, ``otoco``, ``opo`` or ``opoco``."""
        return await self.call("POST", f"/api/v3/orderList/{kind}", params, signed=True, weight=0)

    async def cancel_order_list(self, symbol: str, order_list_id: int) -> Any:
        """``DELETE /api/v3/orderList``."""
        params = {"symbol": symbol, "orderListId": order_list_id}
        return await self.call("DELETE", "/api/v3/orderList", params, signed=True, weight=0)
