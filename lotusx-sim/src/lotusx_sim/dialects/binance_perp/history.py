"""What an account did: orders, fills, forced orders, and the ledger of its money."""

from typing import Any

from lotusx_sim.dialects.binance.call import Security
from lotusx_sim.dialects.binance.errors import VenueError
from lotusx_sim.dialects.binance.state import NS_PER_MS
from lotusx_sim.dialects.binance_perp import payloads
from lotusx_sim.dialects.binance_perp.call import Call, Operation
from lotusx_sim.dialects.binance_perp.contracts import money

_WEEK_MS = 7 * 24 * 3_600_000


def _window(call: Call) -> tuple[int, int]:
    """Return the window a request asks for, in nanoseconds, both ends included; a week where it names none."""
    start, end = call.params.integer("startTime"), call.params.integer("endTime")
    if start is not None and end is not None:
        if start > end:
            raise VenueError(-1023, "Start time is greater than end time.")
        if end - start > _WEEK_MS:
            raise VenueError(-4166, "Search window is restricted to recent 7 days only.")
    if start is None:
        start = (end if end is not None else call.now_ns // NS_PER_MS) - _WEEK_MS
    if end is None:
        end = start + _WEEK_MS
    return start * NS_PER_MS, (end + 1) * NS_PER_MS - 1


def all_orders(call: Call) -> list[dict[str, Any]]:
    state, params = call.state, call.params
    name = params.text("symbol")
    symbol = state.listed(name).symbol if name is not None else None
    limit, from_id = params.bounded("limit", 500, 1000), params.integer("orderId")
    low, high = _window(call)
    found = [
        order
        for order in state.orders_of(call.account, symbol, call.now_ns)
        if low <= order.created_ns <= high and (from_id is None or order.id >= from_id)
    ]
    forward = from_id is not None or "startTime" in params
    kept = found[:limit] if forward else found[-limit:]
    return [payloads.order_query(order, state.symbols[order.symbol]) for order in kept]


def user_trades(call: Call) -> list[dict[str, Any]]:
    state, params = call.state, call.params
    symbol = state.listed(params.need("symbol")).symbol
    limit, order_id, from_id = params.bounded("limit", 500, 1000), params.integer("orderId"), params.integer("fromId")
    if from_id is not None and ("startTime" in params or "endTime" in params):
        raise VenueError(-1128, "Combination of optional parameters invalid.")
    low, high = _window(call)
    found = [
        fill
        for fill in state.exchange.fills
        if fill.account == call.account and symbol == fill.symbol and low <= fill.ns <= high
        and (order_id is None or fill.order_id == order_id) and (from_id is None or fill.trade_id >= from_id)
    ]  # fmt: skip
    forward = from_id is not None or "startTime" in params
    orders = state.exchange.orders
    return [
        payloads.user_trade(fill, orders[fill.order_id], state.symbols[fill.symbol])
        for fill in (found[:limit] if forward else found[-limit:])
    ]


def forced_orders(call: Call) -> list[dict[str, Any]]:
    """Return the orders with which the venue closed positions; it closes none by ADL."""
    state, params = call.state, call.params
    name = params.text("symbol")
    symbol = state.listed(name).symbol if name is not None else None
    kind = params.choice("autoCloseType", ("LIQUIDATION", "ADL"), code=-1130, message="Invalid autoCloseType.")
    limit = params.bounded("limit", 50, 100)
    found = [o for o in state.orders_of(call.account, symbol, call.now_ns) if o.is_liquidation]
    kept = [] if kind == "ADL" else found[-limit:]
    return [payloads.order_query(order, state.symbols[order.symbol]) for order in kept]


def income(call: Call) -> list[dict[str, Any]]:
    state, params = call.state, call.params
    name, kind = params.text("symbol"), params.text("incomeType")
    limit = params.bounded("limit", 100, 1000)
    start, end = params.integer("startTime"), params.integer("endTime")
    found = [
        entry
        for entry in state.income
        if entry.account == call.account and name in (None, entry.symbol) and kind in (None, entry.kind)
        and (start is None or entry.ns // NS_PER_MS >= start) and (end is None or entry.ns // NS_PER_MS <= end)
    ]  # fmt: skip
    return [
        {
            "symbol": entry.symbol,
            "incomeType": entry.kind,
            "income": money(entry.amount),
            "asset": entry.asset,
            "info": entry.trade_id or entry.kind,
            "time": entry.ns // NS_PER_MS,
            "tranId": entry.number,
            "tradeId": entry.trade_id,
        }
        for entry in (found[:limit] if start is not None else found[-limit:])
    ]


_PAGE = ("startTime", "endTime", "limit")
ALL_ORDERS = Operation(all_orders, ("symbol", "orderId", *_PAGE), 5, Security.USER_DATA)
USER_TRADES = Operation(user_trades, ("symbol", "orderId", "fromId", *_PAGE), 5, Security.USER_DATA)
FORCED_ORDERS = Operation(
    forced_orders, ("symbol", "autoCloseType", *_PAGE), lambda params: 20 if "symbol" in params else 50,
    Security.USER_DATA,
)  # fmt: skip
INCOME = Operation(income, ("symbol", "incomeType", *_PAGE), 30, Security.USER_DATA)
