"""Bybit's own endpoints: those of `rest`, a few more that the unified calls do not need, and any other by `call`."""

from __future__ import annotations

from typing import Any

from lotusx_bybit.v5 import account_types
from lotusx_bybit.v5.category import Category
from lotusx_bybit.v5.envelope import Listing, Params, Reply, reader
from lotusx_bybit.v5.rest import Endpoints

_LOG = reader(Reply[Listing[account_types.LogEntry]])


class BybitNative(Endpoints):
    """Typed methods return `lotusx_bybit.v5` types; the others Bybit's ``result``, decimal numbers as `Decimal`."""

    async def system_status(self) -> Any:
        """``GET /v5/system/status``: maintenance, announced and under way."""
        return await self.call("GET", "/v5/system/status", service="market")

    async def price_limit(self, category: Category | str, symbol: str) -> Any:
        """``GET /v5/market/price-limit``: the highest bid and lowest offer that are taken now."""
        return await self.call("GET", "/v5/market/price-limit", {"category": str(category), "symbol": symbol})

    async def transaction_log(self, params: Params | None = None) -> Listing[account_types.LogEntry]:
        """``GET /v5/account/transaction-log``, one page: everything that changed the wallet."""
        return (await self._get("/v5/account/transaction-log", params or {}, _LOG, signed=True)).result

    async def spot_borrow_check(self, symbol: str, side: str) -> Any:
        """``GET /v5/order/spot-borrow-check``: how much could be traded, with and without borrowing."""
        params = {"category": Category.SPOT.value, "symbol": symbol, "side": side}
        return await self.call("GET", "/v5/order/spot-borrow-check", params, signed=True)

    async def demo_money(self) -> None:
        """``POST /v5/account/demo-apply-money``: fake funds, once a minute, in the demo environment."""
        await self._set("/v5/account/demo-apply-money", {})
