"""Conditional orders: a service of its own since 2025-12-09, with its own ids and states.

In the engine each is a conditional order, which after its trigger is the order that clients see under ``orderId``.
Whether this child has the client id of its parent is not documented: both can be had. What links them for certain is
``actualOrderId``.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lotusx_sim.dialects.binance_perp.contracts import UmSymbol, fixed, plain
from lotusx_sim.dialects.binance_perp.words import side_name, side_of_position
from lotusx_sim.engine.orders import ZERO, Order, Status

NS_PER_MS = 1_000_000


@dataclass(slots=True)
class Algo:
    """What the venue remembers of one conditional order next to the engine's."""

    id: int
    symbol: UmSymbol
    order: Order
    type: str
    time_in_force: str
    self_trade: str
    working_type: str
    price_match: str
    price_protect: bool
    close_position: bool
    good_till_ms: int
    callback_rate: str
    status: str = "NEW"
    updated_ns: int = 0
    triggered_ns: int = 0
    reason: str = ""  # of a rejection
    activated: bool | None = None  # of a trailing stop: whether its price is followed

    @property
    def is_waiting(self) -> bool:
        return self.status == "NEW"

    @property
    def actual_id(self) -> str:
        return str(self.order.id) if self.order.working_ns is not None else ""

    @property
    def actual_type(self) -> str:
        return "LIMIT" if self.order.kind.is_limit else "MARKET"

    @property
    def trigger(self) -> Decimal:
        """Return the trigger price; a trailing stop has none."""
        return ZERO if self.callback_rate else (self.order.trigger_price or ZERO)

    def average(self) -> str:
        order = self.order
        return fixed(order.executed_quote / order.executed, self.symbol.tick) if order.executed else "0.00000"


def acknowledged(algo: Algo) -> dict[str, Any]:
    """Return the reply to a new conditional order."""
    order, symbol = algo.order, algo.symbol
    return {
        "algoId": algo.id,
        "clientAlgoId": order.client_id,
        "algoType": "CONDITIONAL",
        "orderType": algo.type,
        "symbol": order.symbol,
        "side": side_name(order.side),
        "positionSide": side_of_position(order.leg),
        "timeInForce": algo.time_in_force,
        "quantity": fixed(order.quantity, symbol.step),
        "algoStatus": algo.status,
        "triggerPrice": fixed(algo.trigger, symbol.tick),
        "price": fixed(order.price or ZERO, symbol.tick),
        "icebergQuantity": None,
        "selfTradePreventionMode": algo.self_trade,
        "workingType": algo.working_type,
        "priceMatch": algo.price_match,
        "closePosition": algo.close_position,
        "priceProtect": algo.price_protect,
        "reduceOnly": order.reduce_only,
        "activatePrice": fixed(order.trigger_price, symbol.tick) if algo.callback_rate and order.trigger_price else "",
        "callbackRate": algo.callback_rate,
        "createTime": order.created_ns // NS_PER_MS,
        "updateTime": algo.updated_ns // NS_PER_MS,
        "triggerTime": algo.triggered_ns // NS_PER_MS,
        "goodTillDate": algo.good_till_ms,
    }


def queried(algo: Algo) -> dict[str, Any]:
    """Return a conditional order as the query endpoints tell it."""
    return acknowledged(algo) | {
        "actualOrderId": algo.actual_id,
        "actualPrice": algo.average(),
        "actualType": algo.actual_type if algo.actual_id else "",
        "actualQty": fixed(algo.order.executed, algo.symbol.step),
        "tpTriggerPrice": "",
        "tpPrice": "",
        "slTriggerPrice": "",
        "slPrice": "",
        "tpOrderType": "",
    }


def update(algo: Algo, now_ns: int) -> dict[str, Any]:
    """Return the event that tells of a change."""
    order, symbol = algo.order, algo.symbol
    content = {
        "caid": order.client_id,
        "aid": algo.id,
        "at": "CONDITIONAL",
        "o": algo.type,
        "s": order.symbol,
        "S": side_name(order.side),
        "ps": side_of_position(order.leg),
        "f": algo.time_in_force,
        "q": plain(order.quantity),
        "X": algo.status,
        "ai": algo.actual_id,
        "ap": algo.average(),
        "aq": fixed(order.executed, symbol.step),
        "act": algo.actual_type if algo.actual_id else "0",
        "tp": plain(algo.trigger),
        "p": plain(order.price or ZERO),
        "V": algo.self_trade,
        "wt": algo.working_type,
        "pm": algo.price_match,
        "cp": algo.close_position,
        "pP": algo.price_protect,
        "R": order.reduce_only,
        "tt": algo.triggered_ns // NS_PER_MS,
        "gtd": algo.good_till_ms,
    }
    if algo.reason:
        content["rm"] = algo.reason
    if algo.callback_rate:
        content |= {"AP": plain(order.trigger_price or ZERO), "cr": algo.callback_rate, "ia": bool(algo.activated)}
    return {"e": "ALGO_UPDATE", "T": now_ns // NS_PER_MS, "E": now_ns // NS_PER_MS, "o": content}


def finished_status(order: Order) -> str:
    """Return what becomes of a conditional order whose child ended."""
    return "EXPIRED" if order.status is Status.EXPIRED and not order.executed else "FINISHED"
