"""Orders and fills as info answers and streams show them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from lotusx_sim.dialects.hyperliquid.numbers import decimals_of, shown, usd, wire
from lotusx_sim.dialects.hyperliquid.state import NS_PER_MS, Rejected, VenueState, cloid_of, hash_of, tid_of, user_of
from lotusx_sim.engine.orders import (
    LIQUIDATED,
    MARGIN_GONE,
    NOTHING_TO_REDUCE,
    ZERO,
    Fill,
    Order,
    Side,
    Status,
)

SIDES = {Side.BUY: "B", Side.SELL: "A"}
_REASONS = {
    MARGIN_GONE: "marginCanceled",
    NOTHING_TO_REDUCE: "reduceOnlyCanceled",
    LIQUIDATED: "liquidatedCanceled",
}


def status_of(order: Order) -> str:
    """Return where an order stands, in the venue's words."""
    if order.is_open:
        return "triggered" if order.kind.is_conditional and order.is_working else "open"
    if order.status is Status.FILLED:
        return "filled"
    if order.status is Status.CANCELED:
        return "canceled"
    if order.status is Status.EXPIRED_IN_MATCH:
        return "selfTradeCanceled"
    if order.expiry_reason == "UNFILLED_IOC_QUANTITY":
        return "canceled" if order.executed else "iocCancelRejected"
    if order.expiry_reason == "INSUFFICIENT_LIQUIDITY":
        return "canceled" if order.executed else "marketOrderNoLiquidityRejected"
    return _REASONS.get(order.expiry_reason, order.expiry_reason if order.expiry_reason.isalpha() else "internalCancel")


def order_type(order: Order) -> str:
    """Return the kind of an order; market orders of this venue are limits that go at once or never."""
    how = "Market" if "market" in order.tags or order.is_liquidation else "Limit"
    if not order.kind.is_conditional:
        return how
    return f"{'Stop' if order.kind.is_stop else 'Take Profit'} {how}"


def limit_price(order: Order) -> str:
    """Return the price that was asked for; a liquidation asks for none, so the one it got."""
    if "p" in order.tags:
        return shown(Decimal(order.tags["p"]))
    return average_price(order.fills) if order.fills else "0.0"


def trigger_condition(order: Order) -> str:
    if order.trigger_price is None:
        return "N/A"
    above = (order.side is Side.BUY) == order.kind.is_stop
    return f"Price {'above' if above else 'below'} {wire(order.trigger_price)}"


def basic(order: Order) -> dict[str, Any]:
    """Return an order as ``orderUpdates`` shows it: ``sz`` is what remains."""
    content: dict[str, Any] = {
        "coin": order.symbol,
        "side": SIDES[order.side],
        "limitPx": limit_price(order),
        "sz": shown(order.quantity - order.executed),
        "oid": order.id,
        "timestamp": order.created_ns // NS_PER_MS,
        "origSz": shown(original_size(order)),
    }
    if cloid := cloid_of(order):
        content["cloid"] = cloid
    if order.reduce_only:
        content["reduceOnly"] = True
    return content


def original_size(order: Order) -> Decimal:
    return ZERO if order.whole_position else Decimal(order.tags.get("s", order.quantity))


def full(order: Order) -> dict[str, Any]:
    """Return an order as ``frontendOpenOrders``, ``orderStatus`` and ``historicalOrders`` show it."""
    return {
        "coin": order.symbol,
        "side": SIDES[order.side],
        "limitPx": limit_price(order),
        "sz": shown(order.quantity - order.executed),
        "oid": order.id,
        "timestamp": order.created_ns // NS_PER_MS,
        "triggerCondition": trigger_condition(order),
        "isTrigger": order.kind.is_conditional,
        "triggerPx": shown(order.trigger_price or ZERO),
        "children": [],
        "isPositionTpsl": order.tags.get("grouping") == "positionTpsl",
        "reduceOnly": order.reduce_only,
        "orderType": order_type(order),
        "origSz": shown(original_size(order)),
        "tif": "LiquidationMarket" if order.is_liquidation else order.tags.get("tif"),
        "cloid": cloid_of(order),
    }


def open_order(order: Order) -> dict[str, Any]:
    """Return an order as ``openOrders`` shows it."""
    content = basic(order)
    content.setdefault("reduceOnly", order.reduce_only)
    return content


def history(order: Order | Rejected) -> dict[str, Any]:
    """Return an order with its status."""
    if isinstance(order, Rejected):
        return {"order": dict(order.row), "status": order.status, "statusTimestamp": order.ns // NS_PER_MS}
    return {"order": full(order), "status": status_of(order), "statusTimestamp": order.updated_ns // NS_PER_MS}


def fill(state: VenueState, item: Fill) -> dict[str, Any]:
    """Return one side of a trade as ``userFills`` shows it."""
    listing = state.universe.by_coin[item.symbol]
    order = state.exchange.orders[item.order_id]
    content: dict[str, Any] = {
        "coin": item.symbol,
        "px": shown(item.price),
        "sz": shown(item.quantity),
        "side": SIDES[item.side],
        "time": item.ns // NS_PER_MS,
        "startPosition": shown(item.start_position),
        "dir": _direction(item, is_spot=listing.is_spot),
        "closedPnl": usd(item.closed_pnl),
        "hash": hash_of(f"trade:{item.symbol}:{item.trade_id}"),
        "oid": item.order_id,
        "crossed": not item.is_maker,
        "fee": shown(item.fee),
        "tid": tid_of(item.symbol, item.trade_id),
        "feeToken": item.fee_asset,
        "twapId": None,
    }
    if cloid := cloid_of(order):
        content["cloid"] = cloid
    if item.is_liquidation:
        content["liquidation"] = {
            "liquidatedUser": user_of(item.account),
            "markPx": shown(state.mark(listing)),
            "method": "market",
        }
    return content


def _direction(item: Fill, *, is_spot: bool) -> str:
    buys = item.side is Side.BUY
    if is_spot:
        return "Buy" if buys else "Sell"
    before = item.start_position
    after = before + (item.quantity if buys else -item.quantity)
    if before * after < 0:
        return "Long > Short" if before > 0 else "Short > Long"
    if abs(after) > abs(before):
        return "Open Long" if buys else "Open Short"
    return "Close Short" if buys else "Close Long"


def average_price(fills: Sequence[Fill]) -> str:
    """Return the mean price of *fills*, weighted, with no more decimals than twice what the prices have."""
    size = sum((item.quantity for item in fills), ZERO)
    cost = sum((item.price * item.quantity for item in fills), ZERO)
    places = min(8, max(decimals_of(item.price) for item in fills) + 2)
    return shown((cost / size).quantize(Decimal(1).scaleb(-places)))
