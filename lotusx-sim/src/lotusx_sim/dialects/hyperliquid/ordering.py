"""The actions about orders: order, cancel, cancelByCloid, modify, batchModify, scheduleCancel, noop."""

from collections.abc import Mapping
from typing import Any

from lotusx_sim.dialects.hyperliquid.accounts import SCHEDULE_CANCEL_VOLUME, Member
from lotusx_sim.dialects.hyperliquid.brackets import place_bracket
from lotusx_sim.dialects.hyperliquid.deed import DEFAULT, Deed, statuses
from lotusx_sim.dialects.hyperliquid.errors import NEVER_PLACED, NOT_MODIFIABLE, ActionError, ItemError
from lotusx_sim.dialects.hyperliquid.placing import check_static, place
from lotusx_sim.dialects.hyperliquid.state import VenueState
from lotusx_sim.engine.orders import Order

_SHORTEST_MS = 5_000
_DAY_MS = 86_400_000
_FIRINGS_A_DAY = 10


def order(deed: Deed) -> Any:
    """Place a batch. Static errors refuse all of it with one entry; later ones concern their order alone."""
    items, grouping = deed.action["orders"], deed.action["grouping"]
    _check_builder(deed)
    try:
        if not items:
            raise ItemError("Empty batch of orders.")  # the venue's wording is not known
        for item in items:
            check_static(deed, item, grouping)
        _check_priority(items, grouping)
    except ItemError as error:
        return statuses("order", [{"error": str(error)}])
    if grouping == "normalTpsl" and len(items) > 1:
        return statuses("order", place_bracket(deed, items))
    return statuses("order", [place(deed, item, grouping)[1] for item in items])


def _check_builder(deed: Deed) -> None:
    builder = deed.action.get("builder")
    if builder is not None and builder["b"] not in deed.owner.builder_fees:
        raise ActionError("Builder fee has not been approved.")


def _check_priority(items: list[Mapping[str, Any]], grouping: Any) -> None:
    if isinstance(grouping, str):
        return
    tifs = {item["t"].get("limit", {}).get("tif") for item in items}
    if tifs == {"Ioc"} or (tifs == {"Alo"} and not any(item["r"] for item in items)):
        return
    raise ItemError("Priority fee needs orders that are all IOC or all ALO.")  # the venue's wording is not known


# -- cancelling --------------------------------------------------------------------------------------------------


def cancel(deed: Deed) -> Any:
    return statuses("cancel", [_cancel(deed, item["a"], item["o"]) for item in deed.action["cancels"]])


def cancel_by_cloid(deed: Deed) -> Any:
    return statuses("cancel", [_cancel(deed, item["asset"], item["cloid"]) for item in deed.action["cancels"]])


def _cancel(deed: Deed, asset: int, oid: int | str) -> Any:
    found = _open_order(deed, oid)
    listing = deed.state.universe.by_asset.get(asset)
    if found is None or listing is None or found.symbol != listing.coin:
        return {"error": f"{NEVER_PLACED} asset={asset}"}
    if deed.action.get("f") and found.kind.is_conditional:
        return {"error": f"Fast cancel is not for trigger orders. asset={asset}"}  # wording not known
    deed.state.exchange.cancel(found, deed.now_ns)
    return "success"


def _open_order(deed: Deed, oid: int | str) -> Order | None:
    found = deed.state.find_order(deed.user, oid)
    return found if isinstance(found, Order) and found.is_open else None


# -- modifying ---------------------------------------------------------------------------------------------------


def modify(deed: Deed) -> Any:
    """Replace one order; the answer does not name the new one."""
    try:
        check_static(deed, deed.action["order"], "na")
    except ItemError as error:
        raise ActionError(str(error)) from None
    entry = _modify(deed, deed.action)
    if isinstance(entry, dict) and "error" in entry:
        raise ActionError(entry["error"])
    return DEFAULT


def batch_modify(deed: Deed) -> Any:
    items = deed.action["modifies"]
    try:
        for item in items:
            check_static(deed, item["order"], "na")
    except ItemError as error:
        return statuses("order", [{"error": str(error)}])
    return statuses("order", [_modify(deed, item) for item in items])


def _modify(deed: Deed, item: Mapping[str, Any]) -> Any:
    """Cancel, then place; the new order has a new id, and what refuses it does not bring the old one back.

    Unless told to place always, the old order must still be open, and the new one must wait in the book: GTC
    becomes ALO.
    """
    always, wanted = bool(deed.action.get("a")), item["order"]
    old = _open_order(deed, item["oid"])
    asset = wanted["a"]
    if not always:
        if old is None:
            return {"error": f"{NOT_MODIFIABLE} asset={asset}"}
        if wanted["t"].get("limit", {}).get("tif") not in ("Gtc", "Alo"):
            # The venue's wording is not known.
            return {"error": f"Modify needs a limit order that rests, or the flag to place always. asset={asset}"}
        wanted = {**wanted, "t": {"limit": {"tif": "Alo"}}}
    if old is not None:
        deed.state.exchange.cancel(old, deed.now_ns)
    return place(deed, wanted, "na")[1]


# -- the dead man's switch ---------------------------------------------------------------------------------------


def schedule_cancel(deed: Deed) -> Any:
    at_ms = deed.action.get("time")
    if deed.member.volume < SCHEDULE_CANCEL_VOLUME:
        raise ActionError(
            "Cannot set scheduled cancel time until enough volume traded. "
            f"Required: ${SCHEDULE_CANCEL_VOLUME}. Traded: ${deed.member.volume:.2f}."
        )
    if at_ms is not None and at_ms < deed.now_ms + _SHORTEST_MS:
        raise ActionError("Scheduled cancel time too early, must be at least 5 seconds from now.")  # wording not known
    deed.member.cancel_at_ms = at_ms
    return DEFAULT


def fire_scheduled(state: VenueState, member: Member, now_ns: int) -> None:
    """Cancel all orders of an address whose time has come; on one day that happens ten times at most."""
    assert member.cancel_at_ms is not None
    day, count = member.cancel_at_ms // _DAY_MS, 0
    if member.cancels_fired[0] == day:
        count = member.cancels_fired[1]
    member.cancel_at_ms = None
    if count >= _FIRINGS_A_DAY:
        return
    member.cancels_fired = (day, count + 1)
    for item in state.open_orders_of(member.address):
        state.exchange.expire(item, now_ns, "scheduledCancel")


def noop(deed: Deed) -> Any:
    """Do nothing: the nonce is used up, which is what it is for."""
    del deed
    return DEFAULT
