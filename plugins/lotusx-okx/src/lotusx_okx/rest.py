"""Thin typed calls, one per endpoint that the connector or `native` uses: verb, path, signed, reply, document.

Parameters of a GET go into the query, all others into a JSON body. Source: OKX API v5 (2026-06); the page of each
endpoint is named by its path.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import msgspec

from lotusx.errors import InvalidArgument, ItemRejected
from lotusx.model import plain
from lotusx.plugin import Cost, Effect, Lane, Request, Response, Verb
from lotusx_okx import account_types, types
from lotusx_okx.environments import DEMO, DEMO_HEADER
from lotusx_okx.facts import ORDERS, OTHER, POOLS

if TYPE_CHECKING:
    from lotusx.plugin import Kernel

T = TypeVar("T")
Params = Mapping[str, Any]

_JSON = (("content-type", "application/json"),)
_COUNTED = frozenset(
    {
        "/api/v5/trade/order",
        "/api/v5/trade/batch-orders",
        "/api/v5/trade/amend-order",
        "/api/v5/trade/amend-batch-orders",
    }
)
"""What counts against the limit of a sub-account. Source: overview-rate-limits-sub-account-rate-limit."""
_ALONE = {
    "/api/v5/trade/batch-orders": "/api/v5/trade/order",
    "/api/v5/trade/amend-batch-orders": "/api/v5/trade/amend-order",
    "/api/v5/trade/cancel-batch-orders": "/api/v5/trade/cancel-order",
}
"""Where a batch of one goes. Source: the rate limits of order-book-trading-trade-post-place-multiple-orders."""

_encode = msgspec.json.Encoder().encode


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


def json_of(name: str, value: object) -> object:
    """Write one value of a body: numbers are text at OKX, what is ``None`` is left out; a float is refused."""
    if isinstance(value, bool):
        return value
    if isinstance(value, Mapping):
        return {str(key): json_of(str(key), item) for key, item in value.items() if item is not None}
    if isinstance(value, list | tuple):
        return [json_of(name, item) for item in value]
    return text_of(name, value)


def encode_query(params: Params) -> str:
    """Write a query; parameters that are ``None`` are left out."""
    return "&".join(
        f"{name}={quote(text_of(name, value), safe='')}" for name, value in params.items() if value is not None
    )


def rows_of(kind: type[T]) -> Callable[[Response], list[T]]:
    """Return a function that decodes the rows of a reply strictly as *kind*."""
    decode = msgspec.json.Decoder(types.Reply[list[kind]]).decode  # type: ignore[valid-type]  # made at run time

    def read(response: Response) -> list[T]:
        return decode(response.body).data

    return read


_TIME = rows_of(types.Time)
_RAW = rows_of(msgspec.Raw)
_TICKER = rows_of(types.Ticker)
_BOOK = rows_of(types.Book)
_TRADE = rows_of(types.Trade)
_CANDLE = rows_of(types.CandleRow)
_RATE = rows_of(types.FundingRate)
_PAST_RATE = rows_of(types.PastFunding)
_MARK = rows_of(types.MarkPrice)
_INDEX = rows_of(types.IndexTicker)
_INTEREST = rows_of(types.OpenInterest)
_DONE = rows_of(account_types.Done)
_ORDER = rows_of(account_types.Order)
_FILL = rows_of(account_types.Fill)
_ACCOUNT = rows_of(account_types.Account)
_POSITION = rows_of(account_types.Position)
_FEES = rows_of(account_types.FeeRates)
_LEVERAGE = rows_of(account_types.Leverage)
_BILL = rows_of(account_types.Bill)
_CONFIG = rows_of(msgspec.Raw)


def only(rows: Sequence[T], what: str) -> T:
    """Return the one row that there must be. Raises `ItemRejected`: there is another number of them."""
    if len(rows) != 1:
        raise ItemRejected(f"{len(rows)} rows of {what}, not one", field="data")
    return rows[0]


class Endpoints:
    """OKX's REST endpoints over the kernel's client."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._exchange = kernel.facts.name
        self._call = kernel.rest.call
        self._url = kernel.urls["api"]
        self._headers = (DEMO_HEADER,) if kernel.environment.name == DEMO else ()

    def request(
        self,
        verb: Verb,
        path: str,
        params: Params | Sequence[Params] | None = None,
        *,
        signed: bool = False,
        weight: int = 1,
        lane: Lane = Lane.NORMAL,
    ) -> Request:
        """Build a request. What is no GET is a command; ``weight``: how many orders it is about."""
        pool = f"{verb.value} {path}"
        costs = [Cost(pool if pool in POOLS else OTHER, weight)]
        if verb is Verb.POST and path in _COUNTED:
            costs.append(Cost(ORDERS, weight))
        in_query = verb is Verb.GET
        if in_query and params is not None and not isinstance(params, Mapping):
            raise InvalidArgument("the parameters of a GET are a mapping", rule="params")
        return Request(
            verb=verb,
            base_url=self._url,
            path=path,
            query=encode_query(params) if in_query and isinstance(params, Mapping) else "",
            body=b"" if in_query else _encode(json_of("params", params or {})),
            headers=self._headers if in_query else self._headers + _JSON,
            costs=tuple(costs),
            signed=signed,
            effect=Effect.READ if in_query else Effect.COMMAND,
            lane=lane,
        )

    async def _get(self, path: str, params: Params, read: Callable[[Response], T], *, signed: bool = False) -> T:
        return await self._call(self.request(Verb.GET, path, params, signed=signed), read)

    async def _command(self, path: str, body: Params, read: Callable[[Response], T]) -> T:
        return await self._call(self.request(Verb.POST, path, body, signed=True), read)

    # Public data

    async def time(self) -> types.Time:
        """``GET public/time``."""
        return only(await self._get("/api/v5/public/time", {}, _TIME), "public/time")

    async def instruments(self, inst_type: str) -> list[msgspec.Raw]:
        """``GET public/instruments`` of one type."""
        return await self._get("/api/v5/public/instruments", {"instType": inst_type}, _RAW)

    async def ticker(self, inst_id: str) -> types.Ticker:
        """``GET market/ticker``."""
        return only(await self._get("/api/v5/market/ticker", {"instId": inst_id}, _TICKER), "market/ticker")

    async def tickers(self, inst_type: str) -> list[msgspec.Raw]:
        """``GET market/tickers`` of one type."""
        return await self._get("/api/v5/market/tickers", {"instType": inst_type}, _RAW)

    async def book(self, inst_id: str, levels: int) -> types.Book:
        """``GET market/books``: 400 levels a side at most."""
        params = {"instId": inst_id, "sz": levels}
        return only(await self._get("/api/v5/market/books", params, _BOOK), "market/books")

    async def trades(self, inst_id: str, limit: int) -> list[types.Trade]:
        """``GET market/trades``: newest first, 500 at most."""
        return await self._get("/api/v5/market/trades", {"instId": inst_id, "limit": limit}, _TRADE)

    async def candles(
        self, inst_id: str, bar: str, limit: int, after_ms: int | None, *, past: bool
    ) -> list[types.CandleRow]:
        """``GET market/candles`` (the newest 1440) or ``history-candles``: newest first, before *after_ms*, 300."""
        path = "/api/v5/market/history-candles" if past else "/api/v5/market/candles"
        return await self._get(path, {"instId": inst_id, "bar": bar, "after": after_ms, "limit": limit}, _CANDLE)

    async def funding_rate(self, inst_id: str) -> types.FundingRate:
        """``GET public/funding-rate``."""
        rows = await self._get("/api/v5/public/funding-rate", {"instId": inst_id}, _RATE)
        return only(rows, "public/funding-rate")

    async def funding_rates(self, inst_id: str, limit: int, after_ms: int | None) -> list[types.PastFunding]:
        """``GET public/funding-rate-history``: newest first, 400 at most, three months back."""
        params = {"instId": inst_id, "after": after_ms, "limit": limit}
        return await self._get("/api/v5/public/funding-rate-history", params, _PAST_RATE)

    async def mark_price(self, inst_id: str) -> types.MarkPrice:
        """``GET public/mark-price`` of a swap."""
        params = {"instType": "SWAP", "instId": inst_id}
        return only(await self._get("/api/v5/public/mark-price", params, _MARK), "public/mark-price")

    async def index_ticker(self, index: str) -> types.IndexTicker:
        """``GET market/index-tickers`` of one index, such as ``BTC-USDT``."""
        rows = await self._get("/api/v5/market/index-tickers", {"instId": index}, _INDEX)
        return only(rows, "market/index-tickers")

    async def open_interest(self, inst_id: str) -> types.OpenInterest:
        """``GET public/open-interest`` of a swap."""
        params = {"instType": "SWAP", "instId": inst_id}
        return only(await self._get("/api/v5/public/open-interest", params, _INTEREST), "public/open-interest")

    # Orders and fills

    async def place_order(self, body: Params) -> account_types.Done:
        """``POST trade/order``."""
        return only(await self._command("/api/v5/trade/order", body, _DONE), "trade/order")

    async def amend_order(self, body: Params) -> account_types.Done:
        """``POST trade/amend-order``."""
        return only(await self._command("/api/v5/trade/amend-order", body, _DONE), "trade/amend-order")

    async def cancel_order(self, body: Params) -> account_types.Done:
        """``POST trade/cancel-order``."""
        path = "/api/v5/trade/cancel-order"
        return only(await self._call(self.request(Verb.POST, path, body, signed=True, lane=Lane.URGENT), _DONE), path)

    async def batch(self, path: str, bodies: Sequence[Params]) -> list[account_types.Done]:
        """``POST trade/batch-orders``, ``amend-batch-orders`` or ``cancel-batch-orders``: an answer per order.

        One order alone goes to the endpoint of single ones: it is by their limit that OKX counts it.
        """
        lane = Lane.URGENT if "cancel" in path else Lane.NORMAL
        if len(bodies) == 1:
            request = self.request(Verb.POST, _ALONE[path], bodies[0], signed=True, lane=lane)
        else:
            request = self.request(Verb.POST, path, bodies, signed=True, weight=len(bodies), lane=lane)
        return await self._call(request, _DONE)

    async def cancel_all_after(self, seconds: int) -> None:
        """``POST trade/cancel-all-after``: 0 ends the deadline, or 10 to 120."""
        path, body = "/api/v5/trade/cancel-all-after", {"timeOut": seconds}
        await self._call(self.request(Verb.POST, path, body, signed=True, lane=Lane.URGENT), _RAW)

    async def order(self, params: Params) -> account_types.Order:
        """``GET trade/order`` by ``ordId`` or ``clOrdId``, open or ended."""
        return only(await self._get("/api/v5/trade/order", params, _ORDER, signed=True), "trade/order")

    async def open_orders(self, params: Params) -> list[account_types.Order]:
        """``GET trade/orders-pending``: newest first, 100 at most."""
        return await self._get("/api/v5/trade/orders-pending", params, _ORDER, signed=True)

    async def past_orders(self, params: Params, *, archive: bool) -> list[account_types.Order]:
        """``GET trade/orders-history`` (7 days) or ``-archive`` (3 months): newest first, 100 at most."""
        path = "/api/v5/trade/orders-history-archive" if archive else "/api/v5/trade/orders-history"
        return await self._get(path, params, _ORDER, signed=True)

    async def fills(self, params: Params, *, archive: bool) -> list[account_types.Fill]:
        """``GET trade/fills`` (3 days) or ``fills-history`` (3 months): newest first, 100 at most."""
        path = "/api/v5/trade/fills-history" if archive else "/api/v5/trade/fills"
        return await self._get(path, params, _FILL, signed=True)

    # Account

    async def balance(self) -> account_types.Account:
        """``GET account/balance`` of the trading account."""
        return only(await self._get("/api/v5/account/balance", {}, _ACCOUNT, signed=True), "account/balance")

    async def positions(self) -> list[account_types.Position]:
        """``GET account/positions`` of swaps."""
        return await self._get("/api/v5/account/positions", {"instType": "SWAP"}, _POSITION, signed=True)

    async def config(self) -> msgspec.Raw:
        """``GET account/config``: the whole document, `account_types.Config`."""
        return only(await self._get("/api/v5/account/config", {}, _CONFIG, signed=True), "account/config")

    async def trade_fee(self, params: Params) -> account_types.FeeRates:
        """``GET account/trade-fee``."""
        return only(await self._get("/api/v5/account/trade-fee", params, _FEES, signed=True), "account/trade-fee")

    async def leverage(self, inst_id: str, mode: str) -> list[account_types.Leverage]:
        """``GET account/leverage-info``: a row for each side in long/short mode."""
        params = {"instId": inst_id, "mgnMode": mode}
        return await self._get("/api/v5/account/leverage-info", params, _LEVERAGE, signed=True)

    async def set_leverage(self, body: Params) -> None:
        """``POST account/set-leverage``."""
        await self._command("/api/v5/account/set-leverage", body, _RAW)

    async def set_position_mode(self, mode: str) -> None:
        """``POST account/set-position-mode``: ``net_mode`` or ``long_short_mode``, of all swaps and futures."""
        await self._command("/api/v5/account/set-position-mode", {"posMode": mode}, _RAW)

    async def bills(self, params: Params, *, archive: bool) -> list[account_types.Bill]:
        """``GET account/bills`` (7 days) or ``bills-archive`` (3 months): newest first, 100 at most."""
        path = "/api/v5/account/bills-archive" if archive else "/api/v5/account/bills"
        return await self._get(path, params, _BILL, signed=True)
