"""Thin typed calls, one per endpoint that the connector or `native` uses: verb, path, signed, reply, document.

A request counts one, whatever it asks for. Parameters of a GET go into the query, all others into a JSON body; what is
signed is what is sent. Source: the exchange's OpenAPI document (2026-08).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import msgspec

from lotusx.errors import InvalidArgument
from lotusx.model import plain
from lotusx.plugin import Cost, Effect, Lane, Request, Response, Verb
from lotusx_backpack import account_types, types
from lotusx_backpack.conversions import to_server_time_ns
from lotusx_backpack.facts import HISTORY, REQUESTS

if TYPE_CHECKING:
    from lotusx.plugin import Kernel

T = TypeVar("T")
Params = Mapping[str, Any]
Body = Mapping[str, Any] | Sequence[Mapping[str, Any]]

MAX_ROWS = 1_000
"""Most rows of one answer; of ``fundingRates`` `MAX_RATES`."""
MAX_RATES = 10_000

_JSON = (("content-type", "application/json; charset=utf-8"),)
_MARKET_HISTORY = frozenset({"/api/v1/klines", "/api/v1/trades/history"})

_encode = msgspec.json.Encoder().encode


def reader(kind: type[T]) -> Callable[[Response], T]:
    """Return a function that decodes a reply's body strictly as *kind*."""
    decode = msgspec.json.Decoder(kind).decode
    return lambda response: decode(response.body)


def unless_empty(read: Callable[[Response], T], status: int) -> Callable[[Response], T | None]:
    """Return *read*, which gives ``None`` for a reply with that *status*: it has no document."""
    return lambda response: None if response.status == status else read(response)


def nothing(response: Response) -> None:
    """Read a reply that says no more than that it was done."""


_STATUS = reader(types.Status)
_MARKETS = reader(list[msgspec.Raw])
_DEPTH = reader(types.Depth)
_TRADES = reader(list[types.PublicTrade])
_KLINES = reader(list[types.Kline])
_TICKER = unless_empty(reader(types.DayTicker), 204)
_TICKERS = reader(list[msgspec.Raw])
_MARKS = reader(list[types.MarkPrice])
_RATES = reader(list[types.FundingSample])
_INTEREST = reader(list[types.OpenInterest])
_ORDER = reader(account_types.Order)
_ORDERS = reader(list[account_types.Order])
_CANCELED = unless_empty(_ORDER, 202)
_ALL_CANCELED = unless_empty(_ORDERS, 202)
_BATCH = reader(list[msgspec.Raw])
_FILLS = reader(list[account_types.Fill])
_CAPITAL = reader(dict[str, account_types.Holding])
_COLLATERAL = reader(account_types.Collateral)
_ACCOUNT = reader(account_types.Account)
_MAX_ORDER = reader(account_types.MaxOrderQuantity)
_POSITIONS = reader(list[account_types.Position])
_PAYMENTS = reader(list[account_types.FundingPayment])


def text_of(name: str, value: object) -> str:
    """Write one parameter of a query; a float is refused."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Decimal):
        return plain(value)
    raise InvalidArgument(f"{name} must be text, int, Decimal or bool, not {value!r}")


def encode_query(params: Params) -> str:
    """Write a query; parameters that are ``None`` are left out."""
    return "&".join(
        f"{name}={quote(text_of(name, value), safe='')}" for name, value in params.items() if value is not None
    )


class Endpoints:
    """Backpack's REST endpoints over the kernel's client."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._exchange = kernel.facts.name
        self._call = kernel.rest.call
        self._url = kernel.urls["api"]

    def request(
        self,
        verb: Verb,
        path: str,
        *,
        query: Params | None = None,
        body: Body | None = None,
        signed: bool = False,
        weight: int = 1,
    ) -> Request:
        """Build a request. What is no GET is a command, and a DELETE may use what is kept for cancels."""
        costs = [Cost(REQUESTS, weight)]
        if path in _MARKET_HISTORY:
            costs.append(Cost(HISTORY, weight))
        return Request(
            verb=verb,
            base_url=self._url,
            path=path,
            query=encode_query(query or {}),
            body=b"" if body is None else _encode(body),
            headers=() if body is None else _JSON,
            costs=tuple(costs),
            signed=signed,
            effect=Effect.READ if verb is Verb.GET else Effect.COMMAND,
            lane=Lane.URGENT if verb is Verb.DELETE else Lane.NORMAL,
        )

    async def _get(self, path: str, params: Params, read: Callable[[Response], T], *, signed: bool = False) -> T:
        return await self._call(self.request(Verb.GET, path, query=params, signed=signed), read)

    async def _command(self, verb: Verb, path: str, body: Body, read: Callable[[Response], T]) -> T:
        return await self._call(self.request(verb, path, body=body, signed=True), read)

    # Public data

    async def time_ns(self) -> int:
        """``GET /api/v1/time``, in nanoseconds."""
        return await self._get("/api/v1/time", {}, lambda response: to_server_time_ns(response.body))

    async def status(self) -> types.Status:
        """``GET /api/v1/status``."""
        return await self._get("/api/v1/status", {}, _STATUS)

    async def markets(self) -> list[msgspec.Raw]:
        """``GET /api/v1/markets``: spot and perpetuals. A cache before the exchange may make it 15 minutes old."""
        return await self._get("/api/v1/markets", {}, _MARKETS)

    async def depth(self, symbol: str, limit: int) -> types.Depth:
        """``GET /api/v1/depth`` of 5, 10, 20, 50, 100, 500 or 1000 levels a side; without a limit, how many is open."""
        return await self._get("/api/v1/depth", {"symbol": symbol, "limit": limit}, _DEPTH)

    async def trades(self, symbol: str, limit: int) -> list[types.PublicTrade]:
        """``GET /api/v1/trades``: the newest, 1000 at most."""
        return await self._get("/api/v1/trades", {"symbol": symbol, "limit": limit}, _TRADES)

    async def klines(
        self, symbol: str, interval: str, start_s: int, end_s: int | None = None, price_type: str | None = None
    ) -> list[types.Kline]:
        """``GET /api/v1/klines``: 30 a minute. Times in seconds; *price_type* ``Last``, ``Index`` or ``Mark``."""
        params = {"symbol": symbol, "interval": interval, "startTime": start_s, "endTime": end_s}
        return await self._get("/api/v1/klines", {**params, "priceType": price_type}, _KLINES)

    async def ticker(self, symbol: str) -> types.DayTicker | None:
        """``GET /api/v1/ticker`` of a day; ``None``: nothing to tell."""
        return await self._get("/api/v1/ticker", {"symbol": symbol, "interval": "1d"}, _TICKER)

    async def tickers(self) -> list[msgspec.Raw]:
        """``GET /api/v1/tickers`` of a day."""
        return await self._get("/api/v1/tickers", {"interval": "1d"}, _TICKERS)

    async def mark_prices(self, symbol: str | None = None) -> list[types.MarkPrice]:
        """``GET /api/v1/markPrices``: perpetuals. About 1 s old, and older where the exchange does not answer."""
        return await self._get("/api/v1/markPrices", {"symbol": symbol}, _MARKS)

    async def funding_rates(self, symbol: str, limit: int, offset: int = 0) -> list[types.FundingSample]:
        """``GET /api/v1/fundingRates``, newest first; 10000 at most."""
        return await self._get(
            "/api/v1/fundingRates", {"symbol": symbol, "limit": limit, "offset": offset or None}, _RATES
        )

    async def open_interest(self, symbol: str | None = None) -> list[types.OpenInterest]:
        """``GET /api/v1/openInterest``."""
        return await self._get("/api/v1/openInterest", {"symbol": symbol}, _INTEREST)

    # Orders and fills

    async def place_order(self, body: Params) -> account_types.Order:
        """``POST /api/v1/order``: the order after matching."""
        return await self._command(Verb.POST, "/api/v1/order", body, _ORDER)

    async def place_orders(self, bodies: Sequence[Params]) -> list[msgspec.Raw]:
        """``POST /api/v1/orders``: an answer per order, in their order."""
        return await self._command(Verb.POST, "/api/v1/orders", bodies, _BATCH)

    async def cancel_order(self, body: Params) -> account_types.Order | None:
        """``DELETE /api/v1/order``; ``None``: taken, and not done yet (202)."""
        return await self._command(Verb.DELETE, "/api/v1/order", body, _CANCELED)

    async def cancel_orders(self, symbol: str, order_type: str | None = None) -> list[account_types.Order] | None:
        """``DELETE /api/v1/orders`` of one symbol; ``None``: taken, and not done yet (202).

        *order_type*: ``RestingLimitOrder`` or ``ConditionalOrder`` alone.
        """
        body = {"symbol": symbol} if order_type is None else {"symbol": symbol, "orderType": order_type}
        return await self._command(Verb.DELETE, "/api/v1/orders", body, _ALL_CANCELED)

    async def order(self, params: Params) -> account_types.Order:
        """``GET /api/v1/order`` by ``orderId`` or ``clientId``; only while it is open."""
        return await self._get("/api/v1/order", params, _ORDER, signed=True)

    async def open_orders(self, symbol: str | None = None) -> list[account_types.Order]:
        """``GET /api/v1/orders``, conditional ones among them."""
        return await self._get("/api/v1/orders", {"symbol": symbol}, _ORDERS, signed=True)

    async def order_history(self, params: Params) -> list[account_types.Order]:
        """``GET /wapi/v1/history/orders``; 1000 at most."""
        return await self._get("/wapi/v1/history/orders", params, _ORDERS, signed=True)

    async def fill_history(self, params: Params) -> list[account_types.Fill]:
        """``GET /wapi/v1/history/fills``, those that the system made among them; 1000 at most."""
        return await self._get("/wapi/v1/history/fills", params, _FILLS, signed=True)

    # Account

    async def capital(self) -> dict[str, account_types.Holding]:
        """``GET /api/v1/capital``; what is lent out is not in it."""
        return await self._get("/api/v1/capital", {}, _CAPITAL, signed=True)

    async def collateral(self) -> account_types.Collateral:
        """``GET /api/v1/capital/collateral``: equity, margin, and what of each asset is lent out."""
        return await self._get("/api/v1/capital/collateral", {}, _COLLATERAL, signed=True)

    async def account(self) -> account_types.Account:
        """``GET /api/v1/account``: fees in basis points, limits, settings."""
        return await self._get("/api/v1/account", {}, _ACCOUNT, signed=True)

    async def update_account(self, body: Params) -> None:
        """``PATCH /api/v1/account``: ``leverageLimit`` and the automatic lending, borrowing and settling."""
        await self._command(Verb.PATCH, "/api/v1/account", body, nothing)

    async def positions(self, symbol: str | None = None) -> list[account_types.Position]:
        """``GET /api/v1/position``; of one symbol without a position it is refused."""
        return await self._get("/api/v1/position", {"symbol": symbol}, _POSITIONS, signed=True)

    async def max_order_quantity(self, symbol: str, side: str, **params: Any) -> account_types.MaxOrderQuantity:
        """``GET /api/v1/account/limits/order``; *side* ``Bid`` or ``Ask``, *params* such as ``price``."""
        query = {"symbol": symbol, "side": side, **params}
        return await self._get("/api/v1/account/limits/order", query, _MAX_ORDER, signed=True)

    async def funding_payments(self, params: Params) -> list[account_types.FundingPayment]:
        """``GET /wapi/v1/history/funding``; 1000 at most."""
        return await self._get("/wapi/v1/history/funding", params, _PAYMENTS, signed=True)
