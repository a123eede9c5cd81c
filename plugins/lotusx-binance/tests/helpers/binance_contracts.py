"""Orders, conditional orders and fills as USDⓈ-M futures report them, and as a caller writes them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from lotusx.model import Instrument, OrderRequest, OrderState, OrderStatus, OrderType, Side

# The reply to a placement since 2026-06-30: no average price, no quote amount.
PLACED: dict[str, Any] = {
    "orderId": 28,
    "symbol": "BTCUSDT",
    "status": "NEW",
    "clientOrderId": "a-1",
    "price": "68000.0",
    "origQty": "0.010",
    "executedQty": "0",
    "cumQty": "0",
    "timeInForce": "GTC",
    "type": "LIMIT",
    "origType": "LIMIT",
    "reduceOnly": False,
    "closePosition": False,
    "side": "BUY",
    "positionSide": "BOTH",
    "stopPrice": "0",
    "workingType": "CONTRACT_PRICE",
    "priceProtect": False,
    "priceMatch": "NONE",
    "selfTradePreventionMode": "EXPIRE_MAKER",
    "goodTillDate": 0,
    "updateTime": 2_000,
}
QUERIED = {**PLACED, "avgPrice": "0.0", "cumQuote": "0", "time": 1_000}
CANCELED = {**PLACED, "status": "CANCELED", "updateTime": 3_000}
WAITING: dict[str, Any] = {
    "algoId": 3_000_000_000_003_505,
    "clientAlgoId": "a-1",
    "algoType": "CONDITIONAL",
    "orderType": "STOP_MARKET",
    "symbol": "BTCUSDT",
    "side": "SELL",
    "positionSide": "BOTH",
    "timeInForce": "GTC",
    "quantity": "0.010",
    "algoStatus": "NEW",
    "triggerPrice": "60000.0",
    "price": "0",
    "selfTradePreventionMode": "EXPIRE_MAKER",
    "workingType": "CONTRACT_PRICE",
    "priceMatch": "NONE",
    "closePosition": False,
    "priceProtect": False,
    "reduceOnly": True,
    "createTime": 1_000,
    "updateTime": 1_000,
    "triggerTime": 0,
    "goodTillDate": 0,
}
ALGO_ID = "algo:3000000000003505"
ALGO_CANCELED = {"algoId": 3_000_000_000_003_505, "clientAlgoId": "a-1", "code": "200", "msg": "success"}
TRIGGERED = {**WAITING, "algoStatus": "TRIGGERED", "actualOrderId": "28", "actualPrice": "0", "actualQty": "0"}
FILL = {
    "symbol": "BTCUSDT",
    "id": 5,
    "orderId": 28,
    "side": "BUY",
    "positionSide": "BOTH",
    "price": "68000.0",
    "qty": "0.010",
    "quoteQty": "680",
    "commission": "0.272",
    "commissionAsset": "USDT",
    "realizedPnl": "0",
    "maker": False,
    "buyer": True,
    "time": 1_000,
}
UNKNOWN_ORDER = {"code": -2011, "msg": "Unknown order sent."}


def limit_buy(**changes: Any) -> OrderRequest:
    side = changes.pop("side", "buy")
    return OrderRequest.limit("BTC/USDT:USDT", side, "0.010", "68000", **{"client_order_id": "a-1", **changes})


def market_buy(**changes: Any) -> OrderRequest:
    return OrderRequest.market("BTC/USDT:USDT", "buy", "0.010", **{"client_order_id": "a-1", **changes})


def stop_sell(**changes: Any) -> OrderRequest:
    values: dict[str, Any] = {
        "symbol": "BTC/USDT:USDT",
        "side": "sell",
        "type": "stop_loss",
        "quantity": "0.010",
        "trigger_price": "60000",
        "client_order_id": "a-1",
        **changes,
    }
    return OrderRequest(**values)


def order_state(perp: Instrument, **changes: Any) -> OrderState:
    values: dict[str, Any] = {
        "symbol": perp.symbol,
        "venue_order_id": "28",
        "client_order_id": "a-1",
        "side": Side.BUY,
        "type": OrderType.LIMIT,
        "status": OrderStatus.OPEN,
        "quantity": Decimal("0.010"),
        "filled": Decimal(0),
        "price": Decimal(68_000),
        **changes,
    }
    return OrderState(**values)
