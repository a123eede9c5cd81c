"""Thin typed calls, one per endpoint that every product's connector uses: verb, path, parameters, reply, document.

Each takes one of the 600 requests in five seconds of the address, and where it is signed one of the quota of its
endpoint; a batch takes one for each order. Source: bybit-exchange/docs, v5/market, v5/order, v5/account, v5/user.
"""

from __future__ import annotations

from typing import Any

import msgspec

from lotusx.errors import ErrorKind, exchange_error
from lotusx.plugin import Lane, Verb
from lotusx_bybit.v5 import account_types, types
from lotusx_bybit.v5.calls import Calls
from lotusx_bybit.v5.category import Category
from lotusx_bybit.v5.codes import REST_KINDS
from lotusx_bybit.v5.envelope import BatchReply, Listing, Params, Reply, reader

_TIME = reader(Reply[types.ServerTime])
_INSTRUMENTS = reader(Reply[Listing[msgspec.Raw]])
_BOOK = reader(Reply[types.Book])
_TRADES = reader(Reply[Listing[types.RecentTrade]])
_KLINES = reader(Reply[types.Klines])
_TICKERS = reader(Reply[Listing[msgspec.Raw]])
_ANSWER = reader(BatchReply[msgspec.Raw])
_CANCELED_ALL = reader(Reply[account_types.CanceledAll])
_ORDERS = reader(Reply[Listing[account_types.Order]])
_EXECUTIONS = reader(Reply[Listing[account_types.Execution]])
_WALLETS = reader(Reply[Listing[account_types.Wallet]])
_ACCOUNT = reader(Reply[account_types.AccountInfo])
_FEES = reader(Reply[Listing[account_types.FeeRate]])
_KEY = reader(Reply[account_types.KeyInfo])
_DOCUMENT = reader(Reply[dict[str, Any]])

ORDERS_PER_PAGE = 50
EXECUTIONS_PER_PAGE = 100
INSTRUMENTS_PER_PAGE = 1_000


class Endpoints(Calls):
    """Bybit's REST endpoints over the kernel's client."""

    KINDS = REST_KINDS

    # Public data

    async def time(self, *, service: str | None = None) -> types.ServerTime:
        """``GET /v5/market/time``, of the host of *service*."""
        return (await self._get("/v5/market/time", {}, _TIME, service=service)).result

    async def instruments(
        self, category: Category, cursor: str | None = None, *, status: str | None = None
    ) -> Listing[msgspec.Raw]:
        """``GET /v5/market/instruments-info``, one page; spot has one. Without *status*, of what trades."""
        params = {"category": category.value, "status": status, "limit": INSTRUMENTS_PER_PAGE, "cursor": cursor}
        if category is Category.SPOT:
            params = {"category": category.value}
        return (await self._get("/v5/market/instruments-info", params, _INSTRUMENTS)).result

    async def book(self, category: Category, symbol: str, limit: int) -> types.Book:
        """``GET /v5/market/orderbook``; *limit*: 1 to 1000 levels a side."""
        params = {"category": category.value, "symbol": symbol, "limit": limit}
        return (await self._get("/v5/market/orderbook", params, _BOOK)).result

    async def recent_trades(self, category: Category, symbol: str, limit: int) -> list[types.RecentTrade]:
        """``GET /v5/market/recent-trade``; *limit*: at most 60 on spot, 1000 elsewhere."""
        params = {"category": category.value, "symbol": symbol, "limit": limit}
        return (await self._get("/v5/market/recent-trade", params, _TRADES)).result.items

    async def klines(
        self,
        category: Category,
        symbol: str,
        interval: str,
        *,
        start_ms: int | None = None,
        end_ms: int | None = None,
        limit: int = 200,
    ) -> list[types.Kline]:
        """``GET /v5/market/kline``: the newest *limit* (at most 1000) of a span, newest first."""
        params = {
            "category": category.value,
            "symbol": symbol,
            "interval": interval,
            "start": start_ms,
            "end": end_ms,
            "limit": limit,
        }
        return (await self._get("/v5/market/kline", params, _KLINES)).result.rows

    async def tickers(self, category: Category, symbol: str | None = None) -> Reply[Listing[msgspec.Raw]]:
        """``GET /v5/market/tickers``, of one symbol or of all."""
        return await self._get("/v5/market/tickers", {"category": category.value, "symbol": symbol}, _TICKERS)

    # Orders

    async def order_command(
        self, path: str, params: Params, *, orders: int = 1, lane: Lane = Lane.NORMAL
    ) -> BatchReply[msgspec.Raw]:
        """``POST`` to create, amend or cancel one order or a batch. The answer acknowledges it; it is no outcome."""
        return await self.send(self.request(Verb.POST, path, params, signed=True, units=orders, lane=lane), _ANSWER)

    async def cancel_all(self, params: Params) -> list[account_types.OrderIds]:
        """``POST /v5/order/cancel-all``: what will be canceled, at most 500 orders of linear and inverse.

        Raises:
            Unavailable: The exchange took the command and says that it failed; some orders may be canceled.
        """
        request = self.request(Verb.POST, "/v5/order/cancel-all", params, signed=True, lane=Lane.URGENT)
        answer = (await self.send(request, _CANCELED_ALL)).result
        if answer.success == "0":
            text = "not all orders were canceled, and the exchange gives no reason: ask which are open"
            raise exchange_error(ErrorKind.UNKNOWN_EXECUTION, self._exchange, "success=0", text)
        return answer.items

    async def orders(self, params: Params) -> Listing[account_types.Order]:
        """``GET /v5/order/realtime``, one page of at most 50; ``openOnly=1``: the newest 500 that ended."""
        return (await self._get("/v5/order/realtime", params, _ORDERS, signed=True)).result

    async def past_orders(self, params: Params) -> Listing[account_types.Order]:
        """``GET /v5/order/history``, one page of at most 50; 7 days at most."""
        return (await self._get("/v5/order/history", params, _ORDERS, signed=True)).result

    async def executions(self, params: Params) -> Listing[account_types.Execution]:
        """``GET /v5/execution/list``, one page of at most 100, newest first; 7 days at most."""
        return (await self._get("/v5/execution/list", params, _EXECUTIONS, signed=True)).result

    # Account

    async def wallets(self) -> Reply[Listing[account_types.Wallet]]:
        """``GET /v5/account/wallet-balance`` of the unified account."""
        return await self._get("/v5/account/wallet-balance", {"accountType": "UNIFIED"}, _WALLETS, signed=True)

    async def account_info(self) -> account_types.AccountInfo:
        """``GET /v5/account/info``."""
        return (await self._get("/v5/account/info", {}, _ACCOUNT, signed=True)).result

    async def fee_rates(self, category: Category, symbol: str) -> list[account_types.FeeRate]:
        """``GET /v5/account/fee-rate``, 5 a second."""
        params = {"category": category.value, "symbol": symbol}
        return (await self._get("/v5/account/fee-rate", params, _FEES, signed=True)).result.items

    async def key_info(self) -> tuple[account_types.KeyInfo, dict[str, Any]]:
        """``GET /v5/user/query-api``: typed, and the whole document."""
        return await self._get(
            "/v5/user/query-api",
            {},
            lambda response: (_KEY(response).result, _DOCUMENT(response).result),
            signed=True,
        )

    async def ready(self) -> None:
        """Open the connection that the next order will use."""
        await self.time(service="api")
