"""What can be subscribed to, and how a subscription is read. Source: the venue's WebSocket subscription page."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lotusx_sim.dialects.hyperliquid import books
from lotusx_sim.dialects.hyperliquid.errors import HttpError, UnknownCoin
from lotusx_sim.dialects.hyperliquid.market_info import INTERVALS
from lotusx_sim.dialects.hyperliquid.schema import address, boolean, text
from lotusx_sim.dialects.hyperliquid.state import VenueState

_COIN = frozenset({"l2Book", "bbo", "trades", "candle", "activeAssetCtx", "activeAssetData"})
_DEX = frozenset({"allMids", "clearinghouseState", "openOrders"})
_USER = frozenset(
    {
        "orderUpdates", "userEvents", "userFills", "userFundings", "userNonFundingLedgerUpdates",
        "clearinghouseState", "allDexsClearinghouseState", "spotState", "openOrders", "activeAssetData",
    }
)  # fmt: skip
_ALONE = frozenset({"allDexsAssetCtxs", "fastAssetCtxs"})


class Unreadable(Exception):
    """No subscription of this venue."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """One stream; two requests that mean the same are equal."""

    type: str
    coin: str = ""
    user: str = ""
    dex: str = ""
    interval: str = ""
    figures: int | None = None
    mantissa: int | None = None
    fast: bool = False
    aggregates: bool = False

    @property
    def topic(self) -> str:
        """Return what faults call its messages: ``l2Book:BTC``, ``candle:BTC:1m``, ``user/orderUpdates:0x…``."""
        parts = [self.type, self.coin, self.interval, self.dex, "fast" if self.fast else ""]
        if self.user:
            return ":".join(part for part in (f"user/{self.type}", self.coin, self.dex, self.user) if part)
        return ":".join(part for part in parts if part)


def read_subscription(state: VenueState, raw: Any) -> tuple[Subscription, dict[str, Any]]:
    """Return a subscription and the form in which it is acknowledged, with defaults.

    Raises:
        Unreadable: Unknown type, a key is missing or of the wrong type.
        UnknownCoin: Well formed, but there is no such coin, dex or book depth.
    """
    kind = raw.get("type") if isinstance(raw, Mapping) else None
    if not isinstance(kind, str) or not any(kind in known for known in (_COIN, _DEX, _USER, _ALONE)):
        raise Unreadable
    try:
        return _read(state, kind, raw)
    except HttpError:
        raise Unreadable from None


def _read(state: VenueState, kind: str, raw: Mapping[str, Any]) -> tuple[Subscription, dict[str, Any]]:
    shown: dict[str, Any] = {"type": kind}
    fields: dict[str, Any] = {}
    if kind in _USER:
        shown["user"] = fields["user"] = address(raw.get("user"))
    if kind in _COIN:
        shown["coin"] = fields["coin"] = text(raw.get("coin"))
    if kind == "candle":
        shown["interval"] = fields["interval"] = text(raw.get("interval"))
        if fields["interval"] not in INTERVALS:
            raise Unreadable
    if kind in _DEX and raw.get("dex"):
        shown["dex"] = fields["dex"] = text(raw["dex"])
    if kind == "userFills" and raw.get("aggregateByTime") is not None:
        shown["aggregateByTime"] = fields["aggregates"] = boolean(raw["aggregateByTime"])
    if kind == "l2Book":
        fields |= {"figures": raw.get("nSigFigs"), "mantissa": raw.get("mantissa")}
        fields["fast"] = boolean(raw.get("fast") or False)
        shown |= {"nSigFigs": fields["figures"], "mantissa": fields["mantissa"], "fast": fields["fast"]}
        books.check_depth(fields["figures"], fields["mantissa"])
    if kind in _COIN:
        listing = state.listed(fields["coin"])
        if kind == "activeAssetData" and listing.is_spot:
            raise UnknownCoin(listing.coin)
    if fields.get("dex", "") not in state.universe.dexes:
        raise UnknownCoin(fields["dex"])
    return Subscription(kind, **fields), shown


def quoted(raw: Any) -> str:
    """Return a subscription or message as error texts repeat it."""
    return json.dumps(raw, ensure_ascii=False, separators=(",", ":"))
