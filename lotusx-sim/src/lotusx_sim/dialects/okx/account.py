"""Reads and settings of one account. Source: OKX API v5 (2026-06), trading-account and order-book-trading-trade."""

from collections.abc import Callable, Sequence
from typing import Any

from lotusx_sim.dialects.okx.errors import VenueError, bad
from lotusx_sim.dialects.okx.listings import SPOT, SWAP
from lotusx_sim.dialects.okx.params import Params
from lotusx_sim.dialects.okx.rows import account_row, order_row, position_row
from lotusx_sim.dialects.okx.signing import OkxKey
from lotusx_sim.dialects.okx.state import SPOT_FEES, SWAP_FEES, VenueState
from lotusx_sim.dialects.okx.text import NS_PER_MS, plain
from lotusx_sim.dialects.okx.trading import find
from lotusx_sim.engine.orders import Leg, Order, Refused, Status

Rows = list[Any]
_HOUR_NS = 3_600_000_000_000
_MODES = {"net_mode": False, "long_short_mode": True}


def order(state: VenueState, account: str, params: Params) -> Rows:
    return [order_row(state, find(state, account, params))]


def _page(rows: Sequence[dict[str, Any]], params: Params, name: str) -> Rows:
    """Cut rows, newest first: those after (older than) or before (newer than) an id."""
    after, before = params.integer("after"), params.integer("before")
    kept = [
        row for row in rows
        if (after is None or int(row[name]) < after) and (before is None or int(row[name]) > before)
    ]  # fmt: skip
    return kept[: params.limit(100, 100)]


def _orders(state: VenueState, account: str, params: Params, wanted: Callable[[Order], bool]) -> Rows:
    kind, name = params.text("instType"), params.text("instId")
    begin, end = params.integer("begin"), params.integer("end")
    rows = [
        order_row(state, found)
        for found in state.orders(account)
        if wanted(found) and state.is_visible(found) and name in ("", found.symbol)
        and kind in ("", state.by_name[found.symbol].inst_type)
        and (begin is None or found.created_ns // NS_PER_MS >= begin)
        and (end is None or found.created_ns // NS_PER_MS <= end)
    ]  # fmt: skip
    asked = {name: params.text(name) for name in ("state", "ordType", "category")}
    told = [row for row in rows if all(value in ("", row[name]) for name, value in asked.items())]
    return _page(told, params, "ordId")


def pending(state: VenueState, account: str, params: Params) -> Rows:
    return _orders(state, account, params, lambda found: found.is_open)


def history(state: VenueState, account: str, params: Params) -> Rows:
    """Ended orders; those that were canceled without a fill for two hours only."""
    params.needed("instType")

    def kept(found: Order) -> bool:
        if found.is_open:
            return False
        return bool(found.executed) or found.status is Status.FILLED or state.now_ns - found.updated_ns < 2 * _HOUR_NS

    return _orders(state, account, params, kept)


def _rows_of(rows: Sequence[tuple[int, dict[str, Any]]], params: Params, names: Sequence[str]) -> Rows:
    begin, end = params.integer("begin"), params.integer("end")
    wanted = {name: params.text(name) for name in names}
    found = [
        row for _, row in reversed(rows)
        if all(value in ("", row[name]) for name, value in wanted.items())
        and (begin is None or int(row["ts"]) >= begin) and (end is None or int(row["ts"]) <= end)
    ]  # fmt: skip
    return _page(found, params, "billId")


def fills(state: VenueState, account: str, params: Params) -> Rows:
    return _rows_of(state.users[account].fills, params, ("instType", "instId", "ordId"))


def bills(state: VenueState, account: str, params: Params) -> Rows:
    return _rows_of(state.users[account].bills, params, ("instType", "instId", "type", "subType", "ccy"))


def balance(state: VenueState, account: str, params: Params) -> Rows:
    wanted = set(params.text("ccy").split(",")) if params.text("ccy") else None
    return [account_row(state, account, wanted, state.now_ns)]


def positions(state: VenueState, account: str, params: Params) -> Rows:
    name = params.text("instId")
    if params.text("instType", SWAP) != SWAP:
        return []
    return [
        position_row(state, position, state.now_ns)
        for listing in state.listings
        if not listing.is_spot and name in ("", listing.name)
        for position in state.positions(account, listing)
        if position.is_open
    ]


def _rights(key: OkxKey) -> list[str]:
    rights = {"read_only": True, "trade": key.may_trade, "withdraw": key.may_withdraw}
    return [name for name, held in rights.items() if held]


def config(state: VenueState, account: str, params: Params) -> Rows:
    del params
    user = state.users[account]
    key = next(key for key in state.keys.values() if key.account == account)
    return [
        {
            "acctLv": user.level, "acctStpMode": "cancel_maker", "autoLoan": False, "ctIsoMode": "automatic",
            "enableSpotBorrow": False, "feeType": "0", "greeksType": "PA", "ip": "", "kycLv": "3", "label": "sim",
            "level": "Lv1", "levelTmp": "", "liquidationGear": "-1", "mainUid": "1", "mgnIsoMode": "automatic",
            "opAuth": "1", "perm": ",".join(_rights(key)),
            "posMode": "long_short_mode" if user.hedged else "net_mode", "roleType": "0", "settleCcy": "USDC",
            "spotBorrowAutoRepay": False, "spotRoleType": "0", "stgyType": "0", "type": "0", "uid": "1",
        }
    ]  # fmt: skip


def trade_fee(state: VenueState, account: str, params: Params) -> Rows:
    kind = params.needed("instType")
    if kind not in (SPOT, SWAP):
        raise bad("instType")
    fees, group = (SPOT_FEES, "1") if kind == SPOT else (SWAP_FEES, "2")
    maker, taker = plain(-fees.maker), plain(-fees.taker)
    row = {"elpMaker": "", "groupId": group, "maker": maker, "taker": taker}
    return [{"category": "1", "feeGroup": [row], "fiat": [], "instType": kind, "level": "Lv1", "ts": str(state.now_ms)}]


def _swap(state: VenueState, name: str) -> str:
    listing = state.listed(name)
    if listing.is_spot:
        raise bad("instId")
    return listing.name


def leverage(state: VenueState, account: str, params: Params) -> Rows:
    name = _swap(state, params.needed("instId"))
    listing = state.by_name[name]
    return [
        {
            "ccy": "", "instId": name, "mgnMode": params.needed("mgnMode"), "lever": plain(position.leverage),
            "posSide": "net" if position.leg is Leg.BOTH else position.leg.value,
        }
        for position in state.positions(account, listing)
    ]  # fmt: skip


def set_leverage(state: VenueState, account: str, params: Params) -> Rows:
    name, wanted = _swap(state, params.needed("instId")), params.number("lever")
    if wanted is None or params.needed("mgnMode") != "cross":
        raise bad("lever" if wanted is None else "mgnMode")
    try:
        for leg in Leg:
            state.exchange.perps.set_leverage(account, name, wanted, state.now_ns, leg)
    except Refused:
        raise VenueError("59102", "Leverage exceeds the maximum limit. Please lower the leverage.") from None
    return [{"lever": plain(wanted), "mgnMode": "cross", "instId": name, "posSide": ""}]


def set_position_mode(state: VenueState, account: str, params: Params) -> Rows:
    mode = params.needed("posMode")
    if mode not in _MODES:
        raise bad("posMode")
    busy = any(
        position.is_open for item in state.listings if not item.is_spot for position in state.positions(account, item)
    )
    if busy or state.exchange.open_orders(account):
        raise VenueError("59000", "Settings failed. Close any open positions and orders before modifying settings.")
    state.users[account].hedged = _MODES[mode]
    return [{"posMode": mode}]


def cancel_all_after(state: VenueState, account: str, params: Params) -> Rows:
    seconds = params.integer("timeOut")
    if seconds is None or not (seconds == 0 or 10 <= seconds <= 120):
        raise bad("timeOut")
    trigger = str(state.now_ms + seconds * 1_000) if seconds else "0"
    user = state.users[account]
    user.cancel_all_ns = state.now_ns + int(seconds * state.deadline_pace * 1_000_000_000) if seconds else None
    return [{"triggerTime": trigger, "tag": "", "ts": str(state.now_ms)}]
