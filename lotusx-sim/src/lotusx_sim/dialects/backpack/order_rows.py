"""Orders as REST and the private stream show them. Source: the exchange's OpenAPI document (2026-08), recordings."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from lotusx_sim.dialects.backpack.listings import BY_SYMBOL
from lotusx_sim.dialects.backpack.state import Facts, VenueState
from lotusx_sim.dialects.backpack.text import NS_PER_MS, NS_PER_US, iso, plain
from lotusx_sim.engine.orders import (
    LIQUIDATED,
    MARGIN_GONE,
    NOTHING_TO_REDUCE,
    WOULD_HAVE_TAKEN,
    Change,
    Fill,
    Order,
    OrderEvent,
    Side,
    Status,
    TimeInForce,
)

SIDES = {"Bid": Side.BUY, "Ask": Side.SELL}
SIDE_NAMES = {side: name for name, side in SIDES.items()}
TIMES_IN_FORCE = {"GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK}
_TIF_NAMES = {value: name for name, value in TIMES_IN_FORCE.items()}
BRACKET_KEYS = (
    "takeProfitTriggerPrice", "takeProfitTriggerBy", "takeProfitLimitPrice",
    "stopLossTriggerPrice", "stopLossTriggerBy", "stopLossLimitPrice",
)  # fmt: skip
_STREAM_BRACKETS = dict(zip(BRACKET_KEYS, "adjbgk", strict=True))
LIQUIDATION = "LiquidatePositionOnBook"
_REASONS = {
    "UNFILLED_IOC_QUANTITY": "ImmediateOrCancel",
    "UNFILLED_FOK_ORDER": "FillOrKill",
    "INSUFFICIENT_LIQUIDITY": "InsufficientLiquidity",
    MARGIN_GONE: "InsufficientMargin",
    NOTHING_TO_REDUCE: "ReduceOnlyNotReduced",
    LIQUIDATED: "Liquidation",
    WOULD_HAVE_TAKEN: "PostOnlyTaker",
}


def waits(order: Order) -> bool:
    """Tell whether it is a conditional order that has not been triggered."""
    return order.kind.is_conditional and order.working_ns is None


def status_of(order: Order, facts: Facts) -> str:
    if order.is_open:
        if waits(order):
            return "TriggerPending"
        return "PartiallyFilled" if order.executed else "New"
    if order.status is Status.FILLED:
        return "Filled"
    if order.status is Status.CANCELED:
        return "Cancelled"
    failed = order.kind.is_conditional and not order.executed and not facts.fired_ns
    return "TriggerFailed" if failed else "Expired"


def why_expired(order: Order) -> str | None:
    if order.status is Status.EXPIRED_IN_MATCH:
        return "SelfTradePrevention"
    if order.kind.is_conditional and order.expiry_reason == NOTHING_TO_REDUCE:
        return "StopWithoutPosition"
    return _REASONS.get(order.expiry_reason, "Unknown") if order.status is Status.EXPIRED else None


def quantities(order: Order, facts: Facts) -> tuple[Decimal | None, Decimal | None]:
    """Return base and quote quantity; a waiting trigger has neither."""
    if waits(order):
        return None, None
    quantity = None if order.quote_quantity is not None and not order.quantity else order.quantity
    if facts.asked_quote is not None:
        return quantity, facts.asked_quote
    return quantity, None


def order_row(state: VenueState, order: Order) -> dict[str, Any]:
    """Return an order as the order endpoints show it."""
    facts = state.facts_of(order)
    quantity, quote = quantities(order, facts)
    is_spot = BY_SYMBOL[order.symbol].is_spot
    row: dict[str, Any] = {
        "id": state.id_of(order),
        "clientId": facts.client_id,
        "createdAt": order.created_ns // NS_PER_MS,
        "executedQuantity": plain(order.executed),
        "executedQuoteQuantity": plain(order.executed_quote),
        "orderType": "Limit" if order.kind.is_limit else "Market",
        "quantity": None if quantity is None else plain(quantity),
        "reduceOnly": True if order.reduce_only else None if is_spot else False,
        "relatedOrderId": facts.related_id or None,
        "selfTradePrevention": facts.self_trade,
        "side": SIDE_NAMES[order.side],
        "status": status_of(order, facts),
        "strategyId": None,
        "symbol": order.symbol,
        "timeInForce": _TIF_NAMES[order.time_in_force],
        "triggerBy": facts.trigger_by or None,
        "triggerPrice": None if order.trigger_price is None else plain(order.trigger_price),
        "triggerQuantity": facts.trigger_quantity or None,
        "triggeredAt": facts.fired_ns // NS_PER_MS if facts.fired_ns else None,
    }
    row |= {name: facts.brackets.get(name) for name in BRACKET_KEYS}
    if order.kind.is_limit:
        row |= {"price": plain(order.price or Decimal(0)), "postOnly": order.post_only}
    else:
        row["quoteQuantity"] = None if quote is None else plain(quote)
    return row


def history_row(state: VenueState, order: Order) -> dict[str, Any]:
    """Return an order as the history shows it."""
    row = order_row(state, order)
    row |= {
        "createdAt": iso(order.created_ns),
        "expiryReason": why_expired(order),
        "quoteQuantity": row.get("quoteQuantity"),
        "systemOrderType": LIQUIDATION if order.is_liquidation else None,
    }
    facts = state.facts_of(order)
    if facts.fired_ns:
        row["triggeredAt"] = iso(facts.fired_ns)
    return row


def fill_row(state: VenueState, order: Order, fill: Fill) -> dict[str, Any]:
    """Return a match as the history of fills shows it."""
    client_id = state.facts_of(order).client_id
    return {
        "tradeId": fill.trade_id,
        "orderId": state.id_of(order),
        "clientId": None if client_id is None else str(client_id),
        "symbol": fill.symbol,
        "side": SIDE_NAMES[fill.side],
        "price": plain(fill.price),
        "quantity": plain(fill.quantity),
        "fee": plain(fill.fee),
        "feeSymbol": fill.fee_asset,
        "isMaker": fill.is_maker,
        "timestamp": iso(fill.ns),
        "systemOrderType": LIQUIDATION if fill.is_liquidation else None,
    }


_CHANGES = {
    Change.NEW: "orderAccepted",
    Change.TRADE: "orderFill",
    Change.CANCELED: "orderCancelled",
    Change.AMENDED: "orderModified",
    Change.EXPIRED: "orderExpired",
    Change.PREVENTED: "orderExpired",
}


def order_frame(state: VenueState, event: OrderEvent, now_ns: int) -> dict[str, Any]:
    """Return what ``account.orderUpdate`` says of a change."""
    order = event.order
    facts = state.facts_of(order)
    status = status_of(order, facts)
    word = _CHANGES[event.change]
    if status == "TriggerPending" and event.change is Change.NEW:
        word = "triggerPlaced"
    elif status == "TriggerFailed":
        word = "triggerFailed"
    elif event.change is Change.PREVENTED and order.is_open:
        word = "orderModified"
    quantity, quote = quantities(order, facts)
    if quote is None and quantity is not None and order.price is not None:
        quote = quantity * order.price
    frame: dict[str, Any] = {
        "e": word,
        "E": now_ns // NS_PER_US,
        "T": event.ns // NS_PER_US,
        "O": "LIQUIDATION_AUTOCLOSE" if order.is_liquidation else "USER",
        "s": order.symbol,
        "S": SIDE_NAMES[order.side],
        "o": "LIMIT" if order.kind.is_limit else "MARKET",
        "f": _TIF_NAMES[order.time_in_force],
        "i": state.id_of(order),
        "X": status,
        "V": facts.self_trade,
        "r": order.reduce_only,
        "q": plain(quantity or Decimal(0)),
        "Q": plain(quote or Decimal(0)),
        "z": plain(order.executed),
        "Z": plain(order.executed_quote),
        "t": None,
    }
    if facts.client_id is not None:
        frame["c"] = facts.client_id
    if order.kind.is_limit and order.price is not None:
        frame |= {"p": plain(order.price), "y": order.post_only}
    if order.trigger_price is not None:
        frame |= {"P": plain(order.trigger_price), "B": facts.trigger_by, "Y": facts.trigger_quantity}
    frame |= {_STREAM_BRACKETS[name]: value for name, value in facts.brackets.items()}
    if facts.related_id:
        frame["I"] = facts.related_id
    reason = why_expired(order)
    if reason is not None and word in ("orderExpired", "triggerFailed"):
        frame["R"] = reason
    if event.fill is not None:
        fill = event.fill
        frame |= {
            "t": fill.trade_id, "l": plain(fill.quantity), "L": plain(fill.price), "m": fill.is_maker,
            "n": plain(fill.fee), "N": fill.fee_asset,
        }  # fmt: skip
    return frame
