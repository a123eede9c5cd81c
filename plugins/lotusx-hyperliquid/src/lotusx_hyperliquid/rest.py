"""Thin typed calls, one per question or command that the connector or `native` uses: name, weight, reply, document.

Everything is a POST: ``/info`` answers anybody about any account, ``/exchange`` takes signed actions. What an answer
costs beyond its weight depends on its rows and is charged when it is there. Source of all weights: hyperliquid-docs,
"Rate limits and user limits".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from lotusx.errors import CredentialsError
from lotusx.plugin import Cost, Effect, Lane, Request, Response, Verb
from lotusx_hyperliquid import account_types, meta_types, types
from lotusx_hyperliquid.accounts import user_of
from lotusx_hyperliquid.facts import ADDRESS_ACTIONS, WEIGHT

if TYPE_CHECKING:
    from lotusx.plugin import Kernel
    from lotusx_hyperliquid.actions import L1Action
    from lotusx_hyperliquid.user_actions import UserAction

    Action = L1Action | UserAction

T = TypeVar("T")
Row = TypeVar("Row")

JSON_HEADERS = (("content-type", "application/json"),)
LIGHT, USUAL, HEAVY = 2, 20, 60
ROWS_PER_WEIGHT = 20
CANDLES_PER_WEIGHT = 60

_encode = msgspec.json.Encoder().encode


def reader(kind: type[T]) -> Callable[[Response], T]:
    """Return a function that decodes a reply's body strictly as *kind*."""
    decode = msgspec.json.Decoder(kind).decode
    return lambda response: decode(response.body)


_STATUS = reader(types.ExchangeStatus)
_DEXS = reader(list[meta_types.PerpDex | None])
_METAS = reader(list[meta_types.Meta])
_SPOT_META = reader(meta_types.SpotMeta)
_CONTEXTS = reader(types.Contexts)
_MIDS = reader(dict[str, str])
_BOOK = reader(types.Book)
_TRADES = reader(list[types.PublicTrade])
_BARS = reader(list[types.Bar])
_FUNDINGS = reader(list[types.FundingSample])
_ACTION = reader(account_types.ActionReply)
_ORDER = reader(account_types.OrderAnswer)
_OPEN = reader(list[account_types.OrderCore])
_HISTORY = reader(list[account_types.OrderReport])
_FILLS = reader(list[account_types.UserFill])
_LEDGER = reader(list[account_types.LedgerEntry])
_PERPS = reader(account_types.PerpState)
_SPOT = reader(account_types.SpotState)
_TEXT = reader(str)
_ASSET = reader(account_types.AssetData)
_FEES = reader(account_types.UserFees)
_ROLE = reader(account_types.UserRole)
_RATE = reader(account_types.RateLimit)
_PAYMENTS = reader(list[account_types.FundingEntry])


def action_costs(items: int, lane: Lane) -> tuple[Cost, ...]:
    """Return what an action of so many *items* takes: of our address's weight, and, but for cancels, of the account's
    actions.
    """
    weight = Cost(WEIGHT, action_weight(items))
    return (weight,) if lane is Lane.URGENT else (weight, Cost(ADDRESS_ACTIONS, items))


def action_weight(items: int) -> int:
    """Weight of an action of so many orders, cancels or modifications."""
    return 1 + items // 40


class Endpoints:
    """Hyperliquid's questions and commands over the kernel's client."""

    def __init__(self, kernel: Kernel) -> None:
        self._kernel = kernel
        self._call = kernel.rest.call
        self._url = kernel.urls["api"]

    @property
    def user(self) -> str:
        """The account that is asked for: never an agent wallet's own address, about which nothing is known.

        Raises:
            CredentialsError: No account was configured.
        """
        user = user_of(self._kernel.signer, self._kernel.credentials)
        if user is None:
            raise CredentialsError("hyperliquid: whose account? Give private_key, or account_address to only read")
        return user

    def question(self, kind: str, params: Mapping[str, Any], weight: int) -> Request:
        """Build a request to ``/info``; parameters that are ``None`` are left out."""
        body = {"type": kind, **{name: value for name, value in params.items() if value is not None}}
        return Request(
            verb=Verb.POST,
            base_url=self._url,
            path="/info",
            body=_encode(body),
            headers=JSON_HEADERS,
            endpoint=f"info/{kind}",
            costs=(Cost(WEIGHT, weight),),
            effect=Effect.READ,
        )

    def command(self, action: Action, *, items: int = 1, lane: Lane = Lane.NORMAL) -> Request:
        """Build a request to ``/exchange``; the signer writes its body."""
        return Request(
            verb=Verb.POST,
            base_url=self._url,
            path="/exchange",
            headers=JSON_HEADERS,
            content=action,
            endpoint=f"exchange/{type(action).__struct_config__.tag}",
            costs=action_costs(items, lane),
            signed=True,
            effect=Effect.COMMAND,
            lane=lane,
        )

    async def ask(self, kind: str, params: Mapping[str, Any], read: Callable[[Response], T], weight: int = USUAL) -> T:
        """Ask ``/info``."""
        return await self._call(self.question(kind, params, weight), read)

    async def _rows(
        self,
        kind: str,
        params: Mapping[str, Any],
        read: Callable[[Response], Sequence[Row]],
        per: int = ROWS_PER_WEIGHT,
    ) -> Sequence[Row]:
        """Ask for a list, and charge what its rows cost."""
        rows = await self.ask(kind, params, read)
        extra = len(rows) // per
        if extra:
            self._kernel.charge((Cost(WEIGHT, extra),))
        return rows

    async def act(self, action: Action, *, items: int = 1, lane: Lane = Lane.NORMAL) -> account_types.ActionReply:
        """Sign and send *action*, of so many *items*."""
        return await self._call(self.command(action, items=items, lane=lane), _ACTION)

    async def ready(self) -> None:
        """Open the connection, so that the next call does not wait for it."""
        await self.exchange_status()

    # Public data

    async def exchange_status(self) -> types.ExchangeStatus:
        """``exchangeStatus``, weight 2."""
        return await self.ask("exchangeStatus", {}, _STATUS, LIGHT)

    async def perp_dexs(self) -> list[meta_types.PerpDex | None]:
        """``perpDexs``, weight 20; ``None`` stands for the first dex."""
        return await self.ask("perpDexs", {}, _DEXS)

    async def all_perp_metas(self) -> list[meta_types.Meta]:
        """``allPerpMetas``, weight 20: what each dex lists."""
        return await self.ask("allPerpMetas", {}, _METAS)

    async def spot_meta(self) -> meta_types.SpotMeta:
        """``spotMeta``, weight 20."""
        return await self.ask("spotMeta", {}, _SPOT_META)

    async def contexts(self, dex: str) -> types.Contexts:
        """``metaAndAssetCtxs`` of one dex, weight 20."""
        return await self.ask("metaAndAssetCtxs", {"dex": dex}, _CONTEXTS)

    async def spot_contexts(self) -> types.Contexts:
        """``spotMetaAndAssetCtxs``, weight 20."""
        return await self.ask("spotMetaAndAssetCtxs", {}, _CONTEXTS)

    async def all_mids(self, dex: str = "") -> dict[str, str]:
        """``allMids``, weight 2: mid, or last trade where the book is empty; spot comes with the first dex."""
        return await self.ask("allMids", {"dex": dex or None}, _MIDS, LIGHT)

    async def l2_book(
        self, coin: str, *, significant_figures: int | None = None, mantissa: int | None = None
    ) -> types.Book:
        """``l2Book``, weight 2: at most 20 levels a side."""
        params = {"coin": coin, "nSigFigs": significant_figures, "mantissa": mantissa}
        return await self.ask("l2Book", params, _BOOK, LIGHT)

    async def recent_trades(self, coin: str) -> Sequence[types.PublicTrade]:
        """``recentTrades``, weight 20 and 1 per 20 rows; how many is the exchange's choice."""
        return await self._rows("recentTrades", {"coin": coin}, _TRADES)

    async def candles(self, coin: str, interval: str, start_ms: int, end_ms: int | None) -> Sequence[types.Bar]:
        """``candleSnapshot``, weight 20 and 1 per 60 rows; oldest first, of the newest 5000."""
        request = {"coin": coin, "interval": interval, "startTime": start_ms}
        if end_ms is not None:
            request["endTime"] = end_ms
        return await self._rows("candleSnapshot", {"req": request}, _BARS, CANDLES_PER_WEIGHT)

    async def funding_history(
        self, coin: str, start_ms: int, end_ms: int | None = None
    ) -> Sequence[types.FundingSample]:
        """``fundingHistory``, weight 20 and 1 per 20 rows; oldest first, 500 at most."""
        return await self._rows("fundingHistory", {"coin": coin, "startTime": start_ms, "endTime": end_ms}, _FUNDINGS)

    # Orders and fills of an account; *user* ``None``: the configured one

    async def order_status(self, order: int | str, user: str | None = None) -> account_types.OrderAnswer:
        """``orderStatus`` by order id or cloid, weight 2."""
        return await self.ask("orderStatus", {"user": user or self.user, "oid": order}, _ORDER, LIGHT)

    async def open_orders(self, dex: str = "", user: str | None = None) -> list[account_types.OrderCore]:
        """``frontendOpenOrders`` of one dex, weight 20; spot comes with the first dex."""
        return await self.ask("frontendOpenOrders", {"user": user or self.user, "dex": dex or None}, _OPEN)

    async def historical_orders(self, user: str | None = None) -> Sequence[account_types.OrderReport]:
        """``historicalOrders``, weight 20 and 1 per 20 rows: the newest 2000 of all dexes and spot."""
        return await self._rows("historicalOrders", {"user": user or self.user}, _HISTORY)

    async def user_fills(self, user: str | None = None) -> Sequence[account_types.UserFill]:
        """``userFills``, weight 20 and 1 per 20 rows: the newest 2000."""
        return await self._rows("userFills", {"user": user or self.user}, _FILLS)

    async def user_fills_by_time(
        self, start_ms: int, end_ms: int | None = None, user: str | None = None
    ) -> Sequence[account_types.UserFill]:
        """``userFillsByTime``, weight 20 and 1 per 20 rows: 2000 at most, of the newest 10000."""
        params = {"user": user or self.user, "startTime": start_ms, "endTime": end_ms}
        return await self._rows("userFillsByTime", params, _FILLS)

    async def user_ledger(
        self, start_ms: int, end_ms: int | None = None, user: str | None = None
    ) -> Sequence[account_types.LedgerEntry]:
        """``userNonFundingLedgerUpdates``, weight 20 and 1 per 20 rows; oldest first, 500 at most."""
        params = {"user": user or self.user, "startTime": start_ms, "endTime": end_ms}
        return await self._rows("userNonFundingLedgerUpdates", params, _LEDGER)

    # Holdings of an account

    async def clearinghouse_state(self, dex: str = "", user: str | None = None) -> account_types.PerpState:
        """``clearinghouseState`` of one dex, weight 2."""
        return await self.ask("clearinghouseState", {"user": user or self.user, "dex": dex or None}, _PERPS, LIGHT)

    async def spot_state(self, user: str | None = None) -> account_types.SpotState:
        """``spotClearinghouseState``, weight 2."""
        return await self.ask("spotClearinghouseState", {"user": user or self.user}, _SPOT, LIGHT)

    async def user_abstraction(self, user: str | None = None) -> str:
        """``userAbstraction``, weight 20: the account model."""
        return await self.ask("userAbstraction", {"user": user or self.user}, _TEXT)

    async def active_asset_data(self, coin: str, user: str | None = None) -> account_types.AssetData:
        """``activeAssetData``, weight 20: leverage in one perpetual."""
        return await self.ask("activeAssetData", {"user": user or self.user, "coin": coin}, _ASSET)

    async def user_fees(self, user: str | None = None) -> account_types.UserFees:
        """``userFees``, weight 20."""
        return await self.ask("userFees", {"user": user or self.user}, _FEES)

    async def user_rate_limit(self, user: str | None = None) -> account_types.RateLimit:
        """``userRateLimit``, weight 20: how many actions the address has sent and may send."""
        return await self.ask("userRateLimit", {"user": user or self.user}, _RATE)

    async def user_role(self, user: str | None = None) -> account_types.UserRole:
        """``userRole``, weight 60: what an address is."""
        return await self.ask("userRole", {"user": user or self.user}, _ROLE, HEAVY)

    async def user_funding(
        self, start_ms: int, end_ms: int | None = None, user: str | None = None
    ) -> Sequence[account_types.FundingEntry]:
        """``userFunding``, weight 20 and 1 per 20 rows: oldest first, 500 at most."""
        params = {"user": user or self.user, "startTime": start_ms, "endTime": end_ms}
        return await self._rows("userFunding", params, _PAYMENTS)
