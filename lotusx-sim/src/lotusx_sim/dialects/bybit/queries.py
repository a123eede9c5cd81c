"""A user's orders and executions. Source: Bybit V5, order/realtime, order/history, execution/list."""

from collections.abc import Callable, Iterable
from typing import Any

from lotusx_sim.dialects.bybit.call import Call
from lotusx_sim.dialects.bybit.errors import bad
from lotusx_sim.dialects.bybit.listings import Category
from lotusx_sim.dialects.bybit.paging import listed, page
from lotusx_sim.dialects.bybit.params import Params
from lotusx_sim.dialects.bybit.rows import order_row
from lotusx_sim.dialects.bybit.state import NS_PER_MS, Row
from lotusx_sim.dialects.bybit.tracked import Tracked
from lotusx_sim.dialects.bybit.trading import is_meant

_DAY_MS = 24 * 3_600_000
_WEEK_MS = 7 * _DAY_MS
_RECENT_CLOSED = 500
_GONE_AFTER_A_DAY = frozenset({"Cancelled", "Rejected", "Deactivated"})


def realtime(call: Call) -> dict[str, Any]:
    """Return open orders, or with an id an order in any state, newest first."""
    params = call.params
    category = params.category()
    by_id = "orderId" in params or "orderLinkId" in params
    named = any(name in params for name in ("symbol", "baseCoin", "settleCoin"))
    if category is Category.LINEAR and not named and not by_id:
        raise bad("params error: symbol, settleCoin or baseCoin is required")
    if "symbol" in params:
        call.state.listed(category, params.text("symbol").upper())
    found = [tracked for tracked in _orders(call, category) if by_id or is_meant(tracked, params)]
    if by_id:
        found = _identified(found, params)
    elif params.text("openOnly", "0") == "0":
        found = [tracked for tracked in found if tracked.is_open]
    else:
        found = [tracked for tracked in found if not tracked.is_open][:_RECENT_CLOSED]
    return _page_of_orders(call, category, found)


def history(call: Call) -> dict[str, Any]:
    """Return orders newest first; those that ended without a fill only for a day."""
    params = call.params
    category = params.category()
    low, high = span(call)
    found = [tracked for tracked in _orders(call, category) if is_meant(tracked, params)]
    if "orderId" in params or "orderLinkId" in params:
        found = _identified(found, params)
    kept = []
    for tracked in found:
        assert tracked.order is not None
        created_ms = tracked.order.created_ns // NS_PER_MS
        old = call.now_ms - tracked.order.updated_ns // NS_PER_MS > _DAY_MS
        status = order_row(tracked)["orderStatus"]
        if not low <= created_ms <= high or params.text("orderStatus") not in ("", status):
            continue
        if old and status in _GONE_AFTER_A_DAY and not tracked.order.executed:
            continue
        kept.append(tracked)
    return _page_of_orders(call, category, kept)


def _orders(call: Call, category: Category) -> list[Tracked]:
    wanted = call.params.text("orderFilter")
    return [
        tracked for tracked in reversed(call.state.users[call.account].orders)
        if tracked.listing.category is category and call.state.is_visible(tracked, call.now_ns)
        and wanted in ("", tracked.facts.order_filter)
    ]  # fmt: skip


def _identified(orders: Iterable[Tracked], params: Params) -> list[Tracked]:
    order_id, link = params.text("orderId"), params.text("orderLinkId")
    if order_id:
        return [tracked for tracked in orders if tracked.facts.order_id == order_id]
    return [tracked for tracked in orders if tracked.facts.link_id == link]


def _page_of_orders(call: Call, category: Category, found: list[Tracked]) -> dict[str, Any]:
    chosen, cursor = page(found, call.params, lambda item: item.facts.order_id, default=20, highest=50)
    return listed([order_row(tracked) for tracked in chosen], cursor, category=category.value)


def span(call: Call) -> tuple[int, int]:
    """Return the first and the last millisecond that is asked for."""
    start, end = call.params.integer("startTime"), call.params.integer("endTime")
    if start is not None and end is not None and not 0 <= end - start <= _WEEK_MS:
        raise bad("The time range between startTime and endTime cannot exceed 7 days")
    if start is not None:
        return start, start + _WEEK_MS if end is None else end
    if end is not None:
        return end - _WEEK_MS, end
    return call.now_ms - _WEEK_MS, call.now_ms


def executions(call: Call) -> dict[str, Any]:
    params = call.params
    category = params.category()
    order_id, link = params.text("orderId"), params.text("orderLinkId")
    names = {"symbol": params.text("symbol").upper(), "execType": params.text("execType")}
    names |= {"orderId": order_id} if order_id else {"orderLinkId": link}
    coins = {(item.category, item.symbol): item for item in call.state.directory.listings}

    def fits(row: Row) -> bool:
        listing = coins[(row.category, row.content["symbol"])]
        return (
            all(wanted in ("", row.content[name]) for name, wanted in names.items())
            and params.text("baseCoin") in ("", listing.base)
            and params.text("settleCoin") in ("", listing.settle)
        )

    return _rows(call, category, call.state.users[call.account].executions, "execId", 50, 100, fits)


def transaction_log(call: Call) -> dict[str, Any]:
    params = call.params
    wanted = params.text("category")
    kind, coin = params.text("type"), params.text("currency")

    def fits(row: Row) -> bool:
        return (
            wanted in ("", row.category.value) and kind in ("", row.content["type"])
            and coin in ("", row.content["currency"])
        )  # fmt: skip

    return _rows(call, None, call.state.users[call.account].log, "id", 20, 50, fits)


def _rows(
    call: Call, category: Category | None, rows: Iterable[Row], key: str, default: int, highest: int,
    fits: Callable[[Row], bool],
) -> dict[str, Any]:  # fmt: skip
    low, high = span(call)
    found = [
        row.content for row in rows
        if (category is None or row.category is category) and low <= row.ns // NS_PER_MS <= high and fits(row)
    ][::-1]  # fmt: skip
    chosen, cursor = page(found, call.params, lambda item: str(item[key]), default=default, highest=highest)
    return listed(chosen, cursor, **({} if category is None else {"category": category.value}))
