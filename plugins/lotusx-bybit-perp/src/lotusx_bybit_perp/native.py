"""Endpoints of linear and inverse instruments, on top of those that every product has.

Source: bybit-exchange/docs, v5/market and v5/position.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lotusx.plugin import Effect, Verb
from lotusx_bybit.v5 import BybitNative, Category, Listing, Reply, account_types, reader, types

if TYPE_CHECKING:
    from decimal import Decimal

    from lotusx_bybit.v5 import Params

POSITIONS_PER_PAGE = 200

_RATES = reader(Reply[Listing[types.FundingRecord]])
_INTEREST = reader(Reply[Listing[types.OpenInterestRecord]])
_DOCUMENT = reader(Reply[dict[str, Any]])
_POSITIONS = reader(Reply[Listing[account_types.Position]])


class BybitPerpNative(BybitNative):
    """Typed methods return `lotusx_bybit.v5` types; the others Bybit's ``result``, decimal numbers as `Decimal`."""

    async def funding_history(
        self, category: Category, symbol: str, *, start_ms: int | None, end_ms: int | None, limit: int = 200
    ) -> list[types.FundingRecord]:
        """``GET /v5/market/funding/history``: the newest *limit* (at most 200) of a span; no start without an end."""
        params = {
            "category": category.value,
            "symbol": symbol,
            "startTime": start_ms,
            "endTime": end_ms,
            "limit": limit,
        }
        return (await self._get("/v5/market/funding/history", params, _RATES)).result.items

    async def open_interest_history(self, params: Params) -> Listing[types.OpenInterestRecord]:
        """``GET /v5/market/open-interest``, one page of at most 200, newest first."""
        return (await self._get("/v5/market/open-interest", params, _INTEREST)).result

    async def mark_price_klines(self, params: Params) -> Any:
        """``GET /v5/market/mark-price-kline``, newest first; likewise `index_price_klines`."""
        return await self.call("GET", "/v5/market/mark-price-kline", params)

    async def index_price_klines(self, params: Params) -> Any:
        """``GET /v5/market/index-price-kline``, newest first."""
        return await self.call("GET", "/v5/market/index-price-kline", params)

    async def risk_limits(self, category: Category | str, symbol: str) -> Any:
        """``GET /v5/market/risk-limit``: how leverage shrinks with the size of a position."""
        return await self.call("GET", "/v5/market/risk-limit", {"category": str(category), "symbol": symbol})

    async def pre_check(self, params: Params) -> Any:
        """``POST /v5/order/pre-check``: what an order would do to the margin. It may be sent again."""
        request = self.request(Verb.POST, "/v5/order/pre-check", params, signed=True, effect=Effect.READ)
        return await self.send(request, lambda response: _DOCUMENT(response).result)

    async def positions(self, params: Params) -> Listing[account_types.Position]:
        """``GET /v5/position/list``, one page; with a symbol also flat ones, with a settle asset open ones only."""
        return (await self._get("/v5/position/list", params, _POSITIONS, signed=True)).result

    async def set_leverage(self, category: Category, symbol: str, leverage: Decimal) -> None:
        """``POST /v5/position/set-leverage``, both sides alike."""
        params = {"category": category.value, "symbol": symbol, "buyLeverage": leverage, "sellLeverage": leverage}
        await self._set("/v5/position/set-leverage", params)

    async def set_margin_mode(self, mode: str) -> None:
        """``POST /v5/account/set-margin-mode`` of the whole account."""
        await self._set("/v5/account/set-margin-mode", {"setMarginMode": mode})

    async def switch_position_mode(self, mode: int, *, symbol: str | None = None, coin: str | None = None) -> None:
        """``POST /v5/position/switch-mode`` of USDT perpetuals: 0 one-way, 3 hedge mode; by symbol or settle asset."""
        params = {"category": Category.LINEAR.value, "symbol": symbol, "coin": coin, "mode": mode}
        await self._set("/v5/position/switch-mode", params)

    async def trading_stop(self, params: Params) -> None:
        """``POST /v5/position/trading-stop``: take-profit, stop-loss and trailing stop of a position."""
        await self._set("/v5/position/trading-stop", params)

    async def add_margin(self, category: Category, symbol: str, amount: Decimal, *, leg: int = 0) -> Any:
        """``POST /v5/position/add-margin`` of an isolated position; below zero: take it out."""
        params = {"category": category.value, "symbol": symbol, "margin": amount, "positionIdx": leg}
        request = self.request(Verb.POST, "/v5/position/add-margin", params, signed=True)
        return await self.send(request, lambda response: None)
