"""Thin typed calls, one per endpoint that the connector or `native` uses: verb, path, weight, signed, reply, document.

All parameters go into the query, in the order written here, each percent-encoded once; what is signed is what is sent.
Source of all weights: binance-spot-api-docs, rest-api.md. An order call that succeeds costs no weight since 2026-04-02.
"""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from lotusx.plugin import Effect, Lane, Verb
from lotusx_binance import account_types, types
from lotusx_binance.calls import Params, reader
from lotusx_binance.public_calls import PublicCalls

_DEPTH = reader(types.Depth)
_TRADES = reader(list[types.RecentTrade])
_TICKER = reader(types.DayTicker)
_TICKERS = reader(list[types.DayTicker])
_BOOK_TICKER = reader(types.BookTicker)
_NEW_ORDER = reader(account_types.NewOrder)
_CANCELED = reader(account_types.CanceledOrder)
_CANCELED_ALL = reader(list[msgspec.Raw])
_REPLACED = reader(account_types.CancelReplaced)
_AMENDED = reader(account_types.Amended)
_ORDER = reader(account_types.Order)
_ORDERS = reader(list[account_types.Order])
_FILLS = reader(list[account_types.AccountTrade])
_ACCOUNT = reader(account_types.AccountInfo)
_COMMISSION = reader(account_types.Commission)
_EMPTY = reader(dict[str, Any])


def depth_weight(limit: int) -> int:
    """Weight of ``depth`` by its limit."""
    return 5 if limit <= 100 else 25 if limit <= 500 else 50 if limit <= 1_000 else 250


def ticker_weight(symbols: int | None) -> int:
    """Weight of ``ticker/24hr`` by the number of symbols; ``None``: all."""
    return 80 if symbols is None or symbols > 100 else 40 if symbols > 20 else 2


class Endpoints(PublicCalls):
    """Binance spot's REST endpoints over the kernel's client."""

    SERVICE = "api"
    PREFIX = "/api/v3"
    INFO_WEIGHT, TRADES_WEIGHT, AGGREGATES_WEIGHT = 20, 25, 4
    KLINES_WEIGHTS = ((1_000, 2),)
    INFO_PARAMS = MappingProxyType({"showPermissionSets": False})  # they are most of its bytes
    ORDER_PATHS = ("/api/v3/order", "/api/v3/sor/order")
    COUNTS_RAW_REQUESTS = True

    # Public data

    async def ping(self) -> None:
        """``GET /api/v3/ping``, weight 1."""
        await self._get("/api/v3/ping", {}, _EMPTY, 1)

    async def depth(self, symbol: str, limit: int) -> types.Depth:
        """``GET /api/v3/depth``, weight 5 to 250 by *limit* (at most 5000)."""
        return await self._get("/api/v3/depth", {"symbol": symbol, "limit": limit}, _DEPTH, depth_weight(limit))

    async def historical_trades(
        self, symbol: str, *, from_id: int | None = None, limit: int = 500
    ) -> list[types.RecentTrade]:
        """``GET /api/v3/historicalTrades``, weight 25; from that trade id upwards."""
        params = {"symbol": symbol, "fromId": from_id, "limit": limit}
        return await self._get("/api/v3/historicalTrades", params, _TRADES, 25)

    async def ticker_24hr(self, symbol: str) -> types.DayTicker:
        """``GET /api/v3/ticker/24hr`` of one symbol, weight 2."""
        return await self._get("/api/v3/ticker/24hr", {"symbol": symbol}, _TICKER, 2)

    async def tickers_24hr(self, symbols: Sequence[str] | None = None) -> list[types.DayTicker]:
        """``GET /api/v3/ticker/24hr``, weight 2, 40 or 80 by the number of symbols; ``None``: all."""
        weight = ticker_weight(None if symbols is None else len(symbols))
        return await self._get("/api/v3/ticker/24hr", {"symbols": symbols}, _TICKERS, weight)

    async def book_ticker(self, symbol: str) -> types.BookTicker:
        """``GET /api/v3/ticker/bookTicker`` of one symbol, weight 2."""
        return await self._get("/api/v3/ticker/bookTicker", {"symbol": symbol}, _BOOK_TICKER, 2)

    # Orders

    async def new_order(self, params: Params) -> account_types.NewOrder:
        """``POST /api/v3/order``, weight 1 if it fails; one unfilled order."""
        request = self.request(Verb.POST, "/api/v3/order", params, failure_weight=1, orders=1, signed=True)
        return await self._call(request, _NEW_ORDER)

    async def test_order(self, params: Params) -> None:
        """``POST /api/v3/order/test``, weight 1; reaches no matching engine, so it may be sent again."""
        request = self.request(Verb.POST, "/api/v3/order/test", params, weight=1, signed=True, effect=Effect.READ)
        await self._call(request, _EMPTY)

    async def cancel_order(self, params: Params) -> account_types.CanceledOrder:
        """``DELETE /api/v3/order``, weight 1 if it fails."""
        request = self.request(Verb.DELETE, "/api/v3/order", params, failure_weight=1, signed=True, lane=Lane.URGENT)
        return await self._call(request, _CANCELED)

    async def cancel_open_orders(self, symbol: str) -> list[msgspec.Raw]:
        """``DELETE /api/v3/openOrders``, weight 1 if it fails; orders and order lists, mixed."""
        request = self.request(
            Verb.DELETE, "/api/v3/openOrders", {"symbol": symbol}, failure_weight=1, signed=True, lane=Lane.URGENT
        )
        return await self._call(request, _CANCELED_ALL)

    async def cancel_replace(self, params: Params) -> account_types.CancelReplaced:
        """``POST /api/v3/order/cancelReplace``, weight 1 if it fails; one unfilled order, even if the new half is not
        attempted.
        """
        request = self.request(
            Verb.POST, "/api/v3/order/cancelReplace", params, failure_weight=1, orders=1, signed=True
        )
        return await self._call(request, _REPLACED)

    async def amend_keep_priority(self, params: Params) -> account_types.Amended:
        """``PUT /api/v3/order/amend/keepPriority``, weight 4; only ever a smaller quantity."""
        request = self.request(Verb.PUT, "/api/v3/order/amend/keepPriority", params, weight=4, signed=True)
        return await self._call(request, _AMENDED)

    async def order(self, params: Params) -> account_types.Order:
        """``GET /api/v3/order``, weight 4."""
        return await self._get("/api/v3/order", params, _ORDER, 4, signed=True)

    async def open_orders(self, symbol: str | None = None) -> list[account_types.Order]:
        """``GET /api/v3/openOrders``, weight 6, or 80 without symbol."""
        return await self._get("/api/v3/openOrders", {"symbol": symbol}, _ORDERS, 6 if symbol else 80, signed=True)

    async def all_orders(self, params: Params) -> list[account_types.Order]:
        """``GET /api/v3/allOrders``, weight 20; windows of 24 h at most."""
        return await self._get("/api/v3/allOrders", params, _ORDERS, 20, signed=True)

    async def my_trades(self, params: Params) -> list[account_types.AccountTrade]:
        """``GET /api/v3/myTrades``, weight 20, or 5 of one order; windows of 24 h at most."""
        weight = 5 if params.get("orderId") is not None else 20
        return await self._get("/api/v3/myTrades", params, _FILLS, weight, signed=True)

    # Account

    async def account(self, *, omit_zero_balances: bool = True) -> account_types.AccountInfo:
        """``GET /api/v3/account``, weight 20."""
        params = {"omitZeroBalances": omit_zero_balances}
        return await self._get("/api/v3/account", params, _ACCOUNT, 20, signed=True)

    async def commission(self, symbol: str) -> account_types.Commission:
        """``GET /api/v3/account/commission``, weight 20."""
        return await self._get("/api/v3/account/commission", {"symbol": symbol}, _COMMISSION, 20, signed=True)
