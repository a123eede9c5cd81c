"""Thin typed calls, one per endpoint that the connector or `native` uses: verb, path, weight, signed, reply, document.

All parameters go into the query, in the order written here, each percent-encoded once; what is signed is what is sent.
Source of all weights: developers.binance.com, USDⓈ-M futures, and the official SDK 18.1.0 of 2026-10-23.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from lotusx.plugin import Cost, Effect, Lane, Request, Response, Verb
from lotusx_binance import types as shared
from lotusx_binance.calls import Params, reader
from lotusx_binance.perp import account_types, types
from lotusx_binance.pools import FUNDING_CALLS
from lotusx_binance.public_calls import PublicCalls

T = TypeVar("T")

_DEPTH = reader(types.Depth)
_TICKER = reader(shared.DayStatistics)
_TICKERS = reader(list[shared.DayStatistics])
_BOOK_TICKER = reader(types.BookTicker)
_PREMIUM = reader(types.PremiumIndex)
_FUNDING = reader(list[types.FundingRate])
_INTEREST = reader(types.OpenInterest)
_ORDER = reader(account_types.Order)
_ORDERS = reader(list[account_types.Order])
_BATCH = reader(list[msgspec.Raw])
_ALGO = reader(account_types.AlgoOrder)
_ALGOS = reader(list[account_types.AlgoOrder])
_ALGO_CANCELED = reader(account_types.AlgoCanceled)
_DONE = reader(account_types.Done)
_FILLS = reader(list[account_types.AccountTrade])
_BALANCES = reader(list[account_types.AssetBalance])
_POSITIONS = reader(list[account_types.PositionRisk])
_CONFIG = reader(account_types.AccountConfig)
_CONFIGS = reader(list[account_types.SymbolConfig])
_BRACKETS = reader(account_types.Brackets)
_BRACKET_LIST = reader(list[account_types.Brackets])
_LEVERAGE = reader(account_types.LeverageSet)
_COMMISSION = reader(account_types.CommissionRate)
_INCOME = reader(list[account_types.Income])
_LISTEN_KEY = reader(account_types.ListenKey)
_KEPT_KEY = reader(account_types.KeptKey)
_DOCUMENT = reader(dict[str, Any])


def depth_weight(limit: int) -> int:
    """Weight of ``depth`` by its limit."""
    return 2 if limit <= 50 else 5 if limit <= 100 else 10 if limit <= 500 else 20


class Endpoints(PublicCalls):
    """The REST endpoints of USDⓈ-M futures over the kernel's client."""

    SERVICE = "fapi"
    PREFIX = "/fapi/v1"
    INFO_WEIGHT, TRADES_WEIGHT, AGGREGATES_WEIGHT = 1, 5, 20
    KLINES_WEIGHTS = ((99, 1), (499, 2), (1_000, 5), (1_500, 10))
    ORDER_PATHS = ("/fapi/v1/order", "/fapi/v1/algoOrder")

    # Public data

    async def ping(self) -> None:
        """``GET /fapi/v1/ping``, weight 1."""
        await self._get("/fapi/v1/ping", {}, _DOCUMENT, 1)

    async def depth(self, symbol: str, limit: int) -> types.Depth:
        """``GET /fapi/v1/depth``, weight 2 to 20; *limit* is 5, 10, 20, 50, 100, 500 or 1000."""
        return await self._get("/fapi/v1/depth", {"symbol": symbol, "limit": limit}, _DEPTH, depth_weight(limit))

    async def ticker_24hr(self, symbol: str) -> shared.DayStatistics:
        """``GET /fapi/v1/ticker/24hr`` of one symbol, weight 1."""
        return await self._get("/fapi/v1/ticker/24hr", {"symbol": symbol}, _TICKER, 1)

    async def tickers_24hr(self) -> list[shared.DayStatistics]:
        """``GET /fapi/v1/ticker/24hr`` of all symbols, weight 40."""
        return await self._get("/fapi/v1/ticker/24hr", {}, _TICKERS, 40)

    async def book_ticker(self, symbol: str) -> types.BookTicker:
        """``GET /fapi/v1/ticker/bookTicker`` of one symbol, weight 2."""
        return await self._get("/fapi/v1/ticker/bookTicker", {"symbol": symbol}, _BOOK_TICKER, 2)

    async def premium_index(self, symbol: str) -> types.PremiumIndex:
        """``GET /fapi/v1/premiumIndex`` of one symbol, weight 1: mark and index price, running funding rate."""
        return await self._get("/fapi/v1/premiumIndex", {"symbol": symbol}, _PREMIUM, 1)

    async def funding_rates(
        self, symbol: str, *, start_ms: int | None = None, end_ms: int | None = None, limit: int = 100
    ) -> list[types.FundingRate]:
        """``GET /fapi/v1/fundingRate``, at most 1000, oldest first; 500 calls in five minutes."""
        params = {"symbol": symbol, "startTime": start_ms, "endTime": end_ms, "limit": limit}
        request = self.request(Verb.GET, "/fapi/v1/fundingRate", params, costs=(Cost(FUNDING_CALLS, 1),))
        return await self._call(request, _FUNDING)

    async def open_interest(self, symbol: str) -> types.OpenInterest:
        """``GET /fapi/v1/openInterest``, weight 1."""
        return await self._get("/fapi/v1/openInterest", {"symbol": symbol}, _INTEREST, 1)

    # Orders

    async def new_order(self, params: Params) -> account_types.Order:
        """``POST /fapi/v1/order``, one order."""
        return await self._call(self.request(Verb.POST, "/fapi/v1/order", params, orders=1, signed=True), _ORDER)

    async def test_order(self, params: Params) -> None:
        """``POST /fapi/v1/order/test``, weight not stated; reaches no matching engine, so it may be sent again."""
        request = self.request(Verb.POST, "/fapi/v1/order/test", params, weight=1, signed=True, effect=Effect.READ)
        await self._call(request, _DOCUMENT)

    async def modify_order(self, params: Params) -> account_types.Order:
        """``PUT /fapi/v1/order``, one order; side, quantity and price are all required."""
        return await self._call(self.request(Verb.PUT, "/fapi/v1/order", params, orders=1, signed=True), _ORDER)

    async def cancel_order(self, params: Params) -> account_types.Order:
        """``DELETE /fapi/v1/order``, weight 1."""
        request = self.request(Verb.DELETE, "/fapi/v1/order", params, weight=1, signed=True, lane=Lane.URGENT)
        return await self._call(request, _ORDER)

    async def new_orders(self, orders: Sequence[Mapping[str, Any]]) -> list[msgspec.Raw]:
        """``POST /fapi/v1/batchOrders``, weight 5 and as many orders; five at most, limit and market orders."""
        return await self._batch(Verb.POST, orders)

    async def modify_orders(self, orders: Sequence[Mapping[str, Any]]) -> list[msgspec.Raw]:
        """``PUT /fapi/v1/batchOrders``, as `new_orders`."""
        return await self._batch(Verb.PUT, orders)

    async def _batch(self, verb: Verb, orders: Sequence[Mapping[str, Any]]) -> list[msgspec.Raw]:
        params = {"batchOrders": orders}
        request = self.request(verb, "/fapi/v1/batchOrders", params, weight=5, orders=len(orders), signed=True)
        return await self._call(request, _BATCH)

    async def cancel_orders(self, symbol: str, names: Mapping[str, Sequence[Any]]) -> list[msgspec.Raw]:
        """``DELETE /fapi/v1/batchOrders``, weight 1; ten at most, as ``orderIdList`` or ``origClientOrderIdList``."""
        request = self.request(
            Verb.DELETE, "/fapi/v1/batchOrders", {"symbol": symbol, **names}, weight=1, signed=True, lane=Lane.URGENT
        )
        return await self._call(request, _BATCH)

    async def cancel_open_orders(self, symbol: str) -> None:
        """``DELETE /fapi/v1/allOpenOrders``, weight 1; leaves conditional orders alone."""
        await self._cancel_all("/fapi/v1/allOpenOrders", symbol)

    async def cancel_open_algo_orders(self, symbol: str) -> None:
        """``DELETE /fapi/v1/algoOpenOrders``, weight 1."""
        await self._cancel_all("/fapi/v1/algoOpenOrders", symbol)

    async def _cancel_all(self, path: str, symbol: str) -> None:
        request = self.request(Verb.DELETE, path, {"symbol": symbol}, weight=1, signed=True, lane=Lane.URGENT)
        await self._call(request, _DONE)

    async def countdown_cancel_all(self, symbol: str, countdown_ms: int) -> None:
        """``POST /fapi/v1/countdownCancelAll``, weight 10; 0: no countdown. Setting it again is safe."""
        params = {"symbol": symbol, "countdownTime": countdown_ms}
        request = self.request(
            Verb.POST, "/fapi/v1/countdownCancelAll", params, weight=10, signed=True, lane=Lane.URGENT
        )
        await self._call(request, _DOCUMENT)

    async def order(self, params: Params) -> account_types.Order:
        """``GET /fapi/v1/order``, weight 1."""
        return await self._get("/fapi/v1/order", params, _ORDER, 1, signed=True)

    async def open_orders(self, symbol: str | None = None) -> list[account_types.Order]:
        """``GET /fapi/v1/openOrders``, weight 1, or 40 without symbol; without conditional orders."""
        return await self._get("/fapi/v1/openOrders", {"symbol": symbol}, _ORDERS, 1 if symbol else 40, signed=True)

    async def all_orders(self, params: Params) -> list[account_types.Order]:
        """``GET /fapi/v1/allOrders``, weight 5; windows of less than 7 days."""
        return await self._get("/fapi/v1/allOrders", params, _ORDERS, 5, signed=True)

    async def user_trades(self, params: Params) -> list[account_types.AccountTrade]:
        """``GET /fapi/v1/userTrades``, weight 5; windows of at most 7 days, three months back."""
        return await self._get("/fapi/v1/userTrades", params, _FILLS, 5, signed=True)

    # Conditional orders

    async def new_algo_order(self, params: Params) -> account_types.AlgoOrder:
        """``POST /fapi/v1/algoOrder``, one order."""
        return await self._call(self.request(Verb.POST, "/fapi/v1/algoOrder", params, orders=1, signed=True), _ALGO)

    async def cancel_algo_order(self, params: Params) -> account_types.AlgoCanceled:
        """``DELETE /fapi/v1/algoOrder``, weight 1."""
        request = self.request(Verb.DELETE, "/fapi/v1/algoOrder", params, weight=1, signed=True, lane=Lane.URGENT)
        return await self._call(request, _ALGO_CANCELED)

    async def algo_order(self, params: Params) -> account_types.AlgoOrder:
        """``GET /fapi/v1/algoOrder``, weight 1."""
        return await self._get("/fapi/v1/algoOrder", params, _ALGO, 1, signed=True)

    async def open_algo_orders(self, symbol: str | None = None) -> list[account_types.AlgoOrder]:
        """``GET /fapi/v1/openAlgoOrders``, weight 1, or 40 without symbol."""
        return await self._get("/fapi/v1/openAlgoOrders", {"symbol": symbol}, _ALGOS, 1 if symbol else 40, signed=True)

    # Account

    async def balances(self) -> list[account_types.AssetBalance]:
        """``GET /fapi/v3/balance``, weight 5."""
        return await self._get("/fapi/v3/balance", {}, _BALANCES, 5, signed=True)

    async def positions(self, symbol: str | None = None) -> list[account_types.PositionRisk]:
        """``GET /fapi/v3/positionRisk``, weight 5; of symbols with a position or an open order."""
        return await self._get("/fapi/v3/positionRisk", {"symbol": symbol}, _POSITIONS, 5, signed=True)

    async def account_config(self) -> account_types.AccountConfig:
        """``GET /fapi/v1/accountConfig``, weight 5: whether it may trade, its position mode and asset mode."""
        return await self._get("/fapi/v1/accountConfig", {}, _CONFIG, 5, signed=True)

    async def symbol_config(self, symbol: str | None = None) -> list[account_types.SymbolConfig]:
        """``GET /fapi/v1/symbolConfig``, weight 5."""
        return await self._get("/fapi/v1/symbolConfig", {"symbol": symbol}, _CONFIGS, 5, signed=True)

    async def brackets(self, symbol: str) -> account_types.Brackets:
        """``GET /fapi/v1/leverageBracket`` of one symbol, weight 1; told as an object or as a list of one."""

        def read(response: Response) -> account_types.Brackets:
            return _BRACKET_LIST(response)[0] if response.body[:1] == b"[" else _BRACKETS(response)

        return await self._get("/fapi/v1/leverageBracket", {"symbol": symbol}, read, 1, signed=True)

    async def set_leverage(self, symbol: str, leverage: int) -> account_types.LeverageSet:
        """``POST /fapi/v1/leverage``, weight 1."""
        return await self._set("/fapi/v1/leverage", {"symbol": symbol, "leverage": leverage}, _LEVERAGE)

    async def set_margin_type(self, symbol: str, margin_type: str) -> account_types.Done:
        """``POST /fapi/v1/marginType``, weight 1: ``ISOLATED`` or ``CROSSED``."""
        return await self._set("/fapi/v1/marginType", {"symbol": symbol, "marginType": margin_type}, _DONE)

    async def change_position_margin(self, params: Params) -> account_types.Done:
        """``POST /fapi/v1/positionMargin``, weight 1; type 1 adds, 2 takes out."""
        return await self._set("/fapi/v1/positionMargin", params, _DONE)

    async def _set(self, path: str, params: Params, read: Callable[[Response], T]) -> T:
        return await self._call(self.request(Verb.POST, path, params, weight=1, signed=True), read)

    async def commission(self, symbol: str) -> account_types.CommissionRate:
        """``GET /fapi/v1/commissionRate``, weight 20."""
        return await self._get("/fapi/v1/commissionRate", {"symbol": symbol}, _COMMISSION, 20, signed=True)

    async def income(self, params: Params) -> list[account_types.Income]:
        """``GET /fapi/v1/income``, weight 30; three months back, at most 1000, oldest first."""
        return await self._get("/fapi/v1/income", params, _INCOME, 30, signed=True)

    # User data

    async def start_user_data(self) -> account_types.ListenKey:
        """``POST /fapi/v1/listenKey``, weight 1: a key for 60 minutes; the same one, prolonged, while it lives."""
        return await self._call(self._listen_key(Verb.POST), _LISTEN_KEY)

    async def keep_user_data(self) -> account_types.KeptKey:
        """``PUT /fapi/v1/listenKey``, weight 1: another 60 minutes."""
        return await self._call(self._listen_key(Verb.PUT), _KEPT_KEY)

    def _listen_key(self, verb: Verb) -> Request:
        return self.request(verb, "/fapi/v1/listenKey", {}, weight=1, keyed=True, effect=Effect.READ)
