"""What streams carry, as (channel, data)."""

import base64
import json
import zlib
from typing import Any

from lotusx_sim.dialects.hyperliquid import account_info, account_state, books, market_info, rows
from lotusx_sim.dialects.hyperliquid.market_info import INTERVALS
from lotusx_sim.dialects.hyperliquid.numbers import shown
from lotusx_sim.dialects.hyperliquid.state import NS_PER_MS, VenueState
from lotusx_sim.dialects.hyperliquid.subscriptions import Subscription

Message = tuple[str, Any]
_REPLAYED_NS = 20_000_000_000


def channel_of(state: VenueState, wanted: Subscription) -> str:
    """Return the channel a subscription's messages come by."""
    if wanted.type == "userEvents":
        return "user"
    if wanted.type == "activeAssetCtx" and state.universe.by_coin[wanted.coin].is_spot:
        return "activeSpotAssetCtx"
    return wanted.type


def first(state: VenueState, wanted: Subscription, now_ns: int) -> Any:
    """Return what a stream begins with, None where it waits for something to happen."""
    if wanted.type == "trades":
        recent = [item for item in state.prints[wanted.coin] if item.ns >= now_ns - _REPLAYED_NS]
        return [market_info.trade(item) for item in recent] or None
    if wanted.type == "userFills":
        fills = account_info.fills_of(state, wanted.user)[-2_000:]
        return {"isSnapshot": True, "user": wanted.user, "fills": fill_rows(state, wanted, fills)[::-1]}
    if wanted.type == "userFundings":
        known = [funding_row(row) for row in account_info.funding_rows(state, wanted.user)]
        return {"isSnapshot": True, "user": wanted.user, "fundings": known[::-1]}
    if wanted.type == "userNonFundingLedgerUpdates":
        known = list(state.journal(wanted.user).ledger)
        return {"isSnapshot": True, "user": wanted.user, "nonFundingLedgerUpdates": known[::-1]}
    return current(state, wanted, now_ns)


def current(state: VenueState, wanted: Subscription, now_ns: int) -> Any:
    """Return the whole of what a stream of states shows now, None for streams of events."""
    build = _CURRENT.get(wanted.type)
    return None if build is None else build(state, wanted, now_ns)


def _book(state: VenueState, wanted: Subscription, now_ns: int) -> Any:
    listing = state.universe.by_coin[wanted.coin]
    depth = books.FAST_DEPTH if wanted.fast else books.DEPTH
    content = books.snapshot(state, listing, now_ns, depth=depth, figures=wanted.figures, mantissa=wanted.mantissa)
    return {**content, "fast": True} if wanted.fast else content


def _bbo(state: VenueState, wanted: Subscription, now_ns: int) -> Any:
    listing = state.universe.by_coin[wanted.coin]
    return {"coin": wanted.coin, "time": now_ns // NS_PER_MS, "bbo": books.touch(state, listing)}


def _mids(state: VenueState, wanted: Subscription, now_ns: int) -> Any:
    del now_ns
    content: dict[str, Any] = {"mids": market_info.mids(state, state.universe.dexes[wanted.dex])}
    return {"dex": wanted.dex, **content} if wanted.dex else content


def _context(state: VenueState, wanted: Subscription, now_ns: int) -> Any:
    listing = state.universe.by_coin[wanted.coin]
    build = market_info.spot_context if listing.is_spot else market_info.perp_context
    return {"coin": wanted.coin, "ctx": build(state, listing, now_ns)}


def _all_contexts(state: VenueState, wanted: Subscription, now_ns: int) -> Any:
    del wanted
    return {
        "ctxs": [
            [dex.name, [market_info.perp_context(state, perp, now_ns) for perp in dex.perps]]
            for dex in state.universe.dexes.values()
        ]
    }


def _perp_state(state: VenueState, wanted: Subscription, now_ns: int) -> Any:
    dex = state.universe.dexes[wanted.dex]
    content = account_state.perp_state(state, wanted.user, dex, now_ns)
    return {"dex": wanted.dex, "user": wanted.user, "clearinghouseState": content}


def _all_perp_states(state: VenueState, wanted: Subscription, now_ns: int) -> Any:
    content = [
        [dex.name, account_state.perp_state(state, wanted.user, dex, now_ns)] for dex in state.universe.dexes.values()
    ]
    return {"user": wanted.user, "clearinghouseStates": content}


def _spot_state(state: VenueState, wanted: Subscription, now_ns: int) -> Any:
    del now_ns
    return {"user": wanted.user, "spotState": account_state.spot_state(state, wanted.user)}


def _open_orders(state: VenueState, wanted: Subscription, now_ns: int) -> Any:
    found = account_info.visible_orders(state, wanted.user, wanted.dex, now_ns)
    return {"dex": wanted.dex, "user": wanted.user, "orders": [rows.full(order) for order in found]}


def _asset_data(state: VenueState, wanted: Subscription, now_ns: int) -> Any:
    del now_ns
    return account_state.asset_data(state, wanted.user, state.universe.by_coin[wanted.coin])


_CURRENT = {
    "l2Book": _book,
    "bbo": _bbo,
    "allMids": _mids,
    "activeAssetCtx": _context,
    "allDexsAssetCtxs": _all_contexts,
    "clearinghouseState": _perp_state,
    "allDexsClearinghouseState": _all_perp_states,
    "spotState": _spot_state,
    "openOrders": _open_orders,
    "activeAssetData": _asset_data,
}


def candle(state: VenueState, wanted: Subscription, now_ns: int) -> Any:
    interval = INTERVALS[wanted.interval]
    running = state.candles[wanted.coin].running(interval, now_ms=now_ns // NS_PER_MS)
    return market_info.candle(wanted.coin, interval, running)


def fill_rows(state: VenueState, wanted: Subscription, fills: list[Any]) -> list[dict[str, Any]]:
    if wanted.aggregates:
        return account_info.aggregated(state, fills)
    return [rows.fill(state, item) for item in fills]


def funding_row(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of ``userFunding`` in the flat form of streams."""
    return {"time": row["time"], **{name: value for name, value in row["delta"].items() if name != "type"}}


def fast_contexts(state: VenueState) -> dict[str, dict[str, Any]]:
    """Return mark and mid of every coin."""
    result = {}
    for listing in state.universe.listings:
        mid = state.mid(listing)
        result[listing.coin] = {
            "markPx": shown(state.mark(listing)),
            "midPx": None if mid is None else shown(mid),
        }
    return result


def packed(content: Any) -> str:
    """Return JSON as ``fastAssetCtxs`` carries it: raw DEFLATE, base64."""
    packer = zlib.compressobj(wbits=-15)
    raw = packer.compress(json.dumps(content, separators=(",", ":")).encode()) + packer.flush()
    return base64.b64encode(raw).decode()
