"""Orders as Binance reports them, and as a caller writes them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from lotusx.model import Instrument, OrderRequest, OrderState, OrderStatus, OrderType, Side

ORDER: dict[str, Any] = {
    "symbol": "BTCUSDT",
    "orderId": 28,
    "clientOrderId": "a-1",
    "price": "68000.00",
    "origQty": "0.01",
    "executedQty": "0.000",
    "origQuoteOrderQty": "0.000000",
    "cummulativeQuoteQty": "0.00",
    "status": "NEW",
    "timeInForce": "GTC",
    "type": "LIMIT",
    "side": "BUY",
}
QUERIED = {**ORDER, "time": 1_000, "updateTime": 2_000, "isWorking": True}
PLACED = {**ORDER, "transactTime": 1_000, "workingTime": 1_000, "fills": []}
CANCELED = {**ORDER, "status": "CANCELED", "origClientOrderId": "a-1", "clientOrderId": "c-1", "transactTime": 3_000}
FILL = {
    "symbol": "BTCUSDT",
    "id": 5,
    "orderId": 28,
    "price": "1",
    "qty": "2",
    "commission": "0.1",
    "commissionAsset": "BNB",
    "time": 1_000,
    "isBuyer": True,
    "isMaker": False,
}


def limit_buy(**changes: Any) -> OrderRequest:
    return OrderRequest.limit("BTC/USDT", "buy", "0.01", "68000", **{"client_order_id": "a-1", **changes})


def order_state(btc: Instrument, **changes: Any) -> OrderState:
    values: dict[str, Any] = {
        "symbol": btc.symbol,
        "venue_order_id": "28",
        "client_order_id": "a-1",
        "side": Side.BUY,
        "type": OrderType.LIMIT,
        "status": OrderStatus.OPEN,
        "quantity": Decimal("0.01"),
        "filled": Decimal(0),
        "price": Decimal(68_000),
        **changes,
    }
    return OrderState(**values)
