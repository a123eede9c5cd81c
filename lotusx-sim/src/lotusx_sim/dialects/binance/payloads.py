"""Engine state in the venue's JSON: field names, spellings, formats. Source: rest-api.md, user-data-stream.md."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from lotusx_sim.dialects.binance.symbols import text
from lotusx_sim.engine.accounts import Balance
from lotusx_sim.engine.orders import (
    ZERO,
    Change,
    Fill,
    Kind,
    Order,
    OrderEvent,
    SelfTrade,
    Side,
    Status,
    TimeInForce,
)

TYPES = {
    "LIMIT": Kind.LIMIT,
    "LIMIT_MAKER": Kind.LIMIT,
    "MARKET": Kind.MARKET,
    "STOP_LOSS": Kind.STOP_MARKET,
    "STOP_LOSS_LIMIT": Kind.STOP_LIMIT,
    "TAKE_PROFIT": Kind.TAKE_PROFIT_MARKET,
    "TAKE_PROFIT_LIMIT": Kind.TAKE_PROFIT_LIMIT,
}
_TYPE_NAMES = {kind: name for name, kind in TYPES.items() if name != "LIMIT_MAKER"}
SELF_TRADE = {
    "NONE": SelfTrade.NONE,
    "EXPIRE_TAKER": SelfTrade.EXPIRE_TAKER,
    "EXPIRE_MAKER": SelfTrade.EXPIRE_MAKER,
    "EXPIRE_BOTH": SelfTrade.EXPIRE_BOTH,
    "DECREMENT": SelfTrade.DECREMENT,
    "TRANSFER": SelfTrade.DECREMENT,  # within one account a transfer is a decrement
}
_STATUS = {
    Status.NEW: "NEW",
    Status.PARTIALLY_FILLED: "PARTIALLY_FILLED",
    Status.FILLED: "FILLED",
    Status.CANCELED: "CANCELED",
    Status.EXPIRED: "EXPIRED",
    Status.EXPIRED_IN_MATCH: "EXPIRED_IN_MATCH",
}
_EXECUTION = {
    Change.NEW: "NEW",
    Change.TRADE: "TRADE",
    Change.CANCELED: "CANCELED",
    Change.AMENDED: "REPLACED",
    Change.EXPIRED: "EXPIRED",
    Change.PREVENTED: "TRADE_PREVENTION",
}
_EXPIRY = {
    "UNFILLED_IOC_QUANTITY": "UNFILLED_IOC_QUANTITY_EXPIRED",
    "UNFILLED_FOK_ORDER": "UNFILLED_FOK_ORDER_EXPIRED",
    "INSUFFICIENT_LIQUIDITY": "INSUFFICIENT_LIQUIDITY",
}


def type_name(order: Order) -> str:
    return "LIMIT_MAKER" if order.post_only else _TYPE_NAMES[order.kind]


def side_name(side: Side) -> str:
    return "BUY" if side is Side.BUY else "SELL"


def tif_name(order: Order) -> str:
    return TimeInForce(order.time_in_force).name


def stp_name(order: Order) -> str:
    return order.self_trade.name


def amount(value: Decimal | None) -> str:
    return text(value if value is not None else ZERO)


def order_ack(order: Order, unit: int) -> dict[str, Any]:
    return {
        "symbol": order.symbol,
        "orderId": order.id,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        "transactTime": order.updated_ns // unit,
    }


def order_result(order: Order, unit: int) -> dict[str, Any]:
    return order_ack(order, unit) | {
        "price": amount(order.price),
        "origQty": text(order.quantity),
        "executedQty": text(order.executed),
        "origQuoteOrderQty": amount(order.quote_quantity),
        "cummulativeQuoteQty": text(order.executed_quote),
        "status": _STATUS[order.status],
        "timeInForce": tif_name(order),
        "type": type_name(order),
        "side": side_name(order.side),
        **_conditional_fields(order, unit),
        "workingTime": order.working_ns // unit if order.working_ns is not None else -1,
        "selfTradePreventionMode": stp_name(order),
    }


def order_full(order: Order, unit: int) -> dict[str, Any]:
    return order_result(order, unit) | {
        "fills": [
            {
                "price": text(fill.price),
                "qty": text(fill.quantity),
                "commission": text(fill.fee),
                "commissionAsset": fill.fee_asset,
                "tradeId": fill.trade_id,
            }
            for fill in order.fills
        ]
    }


def order_query(order: Order, unit: int) -> dict[str, Any]:
    return {
        "symbol": order.symbol,
        "orderId": order.id,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        "price": amount(order.price),
        "origQty": text(order.quantity),
        "executedQty": text(order.executed),
        "cummulativeQuoteQty": text(order.executed_quote),
        "status": _STATUS[order.status],
        "timeInForce": tif_name(order),
        "type": type_name(order),
        "side": side_name(order.side),
        "stopPrice": amount(order.trigger_price),
        "icebergQty": amount(None),
        "time": order.created_ns // unit,
        "updateTime": order.updated_ns // unit,
        "isWorking": order.working_ns is not None,
        "workingTime": order.working_ns // unit if order.working_ns is not None else -1,
        "origQuoteOrderQty": amount(order.quote_quantity),
        "selfTradePreventionMode": stp_name(order),
        **{k: v for k, v in _conditional_fields(order, unit).items() if k != "stopPrice"},
    }


def order_cancelled(order: Order, request_id: str, unit: int) -> dict[str, Any]:
    """``clientOrderId`` is the cancel's own id, ``origClientOrderId`` the order's."""
    return {
        "symbol": order.symbol,
        "origClientOrderId": order.client_id,
        "orderId": order.id,
        "orderListId": -1,
        "clientOrderId": request_id,
        "transactTime": order.updated_ns // unit,
        "price": amount(order.price),
        "origQty": text(order.quantity),
        "executedQty": text(order.executed),
        "origQuoteOrderQty": amount(order.quote_quantity),
        "cummulativeQuoteQty": text(order.executed_quote),
        "status": _STATUS[order.status],
        "timeInForce": tif_name(order),
        "type": type_name(order),
        "side": side_name(order.side),
        **_conditional_fields(order, unit),
        "selfTradePreventionMode": stp_name(order),
    }


def order_amended(order: Order, original: str, execution_id: int, unit: int) -> dict[str, Any]:
    """Note ``qty`` instead of ``origQty`` and ``cumulativeQuoteQty`` with one m."""
    return {
        "transactTime": order.updated_ns // unit,
        "executionId": execution_id,
        "amendedOrder": {
            "symbol": order.symbol,
            "orderId": order.id,
            "orderListId": -1,
            "origClientOrderId": original,
            "clientOrderId": order.client_id,
            "price": amount(order.price),
            "qty": text(order.quantity),
            "executedQty": text(order.executed),
            "preventedQty": text(order.prevented),
            "quoteOrderQty": amount(order.quote_quantity),
            "cumulativeQuoteQty": text(order.executed_quote),
            "status": _STATUS[order.status],
            "timeInForce": tif_name(order),
            "type": type_name(order),
            "side": side_name(order.side),
            "workingTime": order.working_ns // unit if order.working_ns is not None else -1,
            "selfTradePreventionMode": stp_name(order),
        },
    }


def _conditional_fields(order: Order, unit: int) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    if order.trigger_price is not None:
        fields["stopPrice"] = text(order.trigger_price)
    if order.trailing_bps is not None:
        fields["trailingDelta"] = order.trailing_bps
        fields["trailingTime"] = order.trailing_ns // unit if order.trailing_ns is not None else -1
    for name in ("strategyId", "strategyType"):
        if name in order.tags:
            fields[name] = int(order.tags[name])
    if order.prevented:
        fields["preventedQuantity"] = text(order.prevented)
    if order.expiry_reason:
        fields["expiryReason"] = _EXPIRY.get(order.expiry_reason, order.expiry_reason)
    return fields


def my_trade(fill: Fill, unit: int) -> dict[str, Any]:
    return {
        "symbol": fill.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "orderListId": -1,
        "price": text(fill.price),
        "qty": text(fill.quantity),
        "quoteQty": text(fill.quote_quantity),
        "commission": text(fill.fee),
        "commissionAsset": fill.fee_asset,
        "time": fill.ns // unit,
        "isBuyer": fill.side is Side.BUY,
        "isMaker": fill.is_maker,
        "isBestMatch": True,
    }


def balances(owned: Iterable[tuple[str, Balance]]) -> list[dict[str, str]]:
    return [{"asset": a, "free": text(b.free), "locked": text(b.locked)} for a, b in owned]


def execution_report(event: OrderEvent, unit: int) -> dict[str, Any]:
    """Return the user-data event; on a cancel ``c`` is the cancel's id and ``C`` the order's."""
    order, fill = event.order, event.fill
    current, original = order.client_id, ""
    if event.change is Change.CANCELED:
        current, original = event.request_id or order.client_id, order.client_id
    elif event.change is Change.AMENDED:
        original = event.original_client_id
    report: dict[str, Any] = {
        "e": "executionReport",
        "E": event.ns // unit,
        "s": order.symbol,
        "c": current,
        "S": side_name(order.side),
        "o": type_name(order),
        "f": tif_name(order),
        "q": text(order.quantity),
        "p": amount(order.price),
        "P": amount(order.trigger_price),
        "F": amount(None),
        "g": -1,
        "C": original,
        "x": _EXECUTION[event.change],
        "X": _STATUS[order.status],
        "r": "NONE",
        "i": order.id,
        "l": text(fill.quantity if fill else ZERO),
        "z": text(order.executed),
        "L": text(fill.price if fill else ZERO),
        "n": text(fill.fee) if fill else "0",
        "N": fill.fee_asset if fill else None,
        "T": event.ns // unit,
        "t": fill.trade_id if fill else -1,
        "I": event.execution_id,
        "w": order.is_working,
        "m": bool(fill and fill.is_maker),
        "M": fill is not None,
        "O": order.created_ns // unit,
        "Z": text(order.executed_quote),
        "Y": text(fill.quote_quantity if fill else ZERO),
        "Q": amount(order.quote_quantity),
        "V": stp_name(order),
    }
    if order.working_ns is not None:
        report["W"] = order.working_ns // unit
    if order.trailing_bps is not None:
        report["d"] = order.trailing_bps
        if order.trailing_ns is not None:
            report["D"] = order.trailing_ns // unit
    for letter, name in (("j", "strategyId"), ("J", "strategyType")):
        if name in order.tags:
            report[letter] = int(order.tags[name])
    if event.prevented_quantity:
        report["A"] = text(order.prevented or event.prevented_quantity)
        report["B"] = text(event.prevented_quantity)
    if order.expiry_reason:
        report["eR"] = _EXPIRY.get(order.expiry_reason, order.expiry_reason)
    return report
