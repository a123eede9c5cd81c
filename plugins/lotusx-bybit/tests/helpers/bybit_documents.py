"""Whole documents in Bybit's documented shape."""

from __future__ import annotations

from typing import Any

ORDER: dict[str, Any] = {
    "orderId": "o-1",
    "orderLinkId": "a-1",
    "symbol": "BTCUSDT",
    "side": "Buy",
    "orderType": "Limit",
    "orderStatus": "New",
    "timeInForce": "GTC",
    "price": "30000.50",
    "qty": "0.100",
    "cumExecQty": "0",
    "cumExecValue": "0",
    "avgPrice": "",
    "leavesQty": "0.100",
    "positionIdx": 0,
    "reduceOnly": False,
    "stopOrderType": "",
    "triggerPrice": "",
    "triggerDirection": 0,
    "lastPriceOnCreated": "30100",
    "rejectReason": "EC_NoError",
    "cancelType": "UNKNOWN",
    "createdTime": "1672364262444",
    "updatedTime": "1672364262457",
}
FILL: dict[str, Any] = {
    "execId": "e-1",
    "orderId": "o-1",
    "orderLinkId": "a-1",
    "symbol": "BTCUSDT",
    "side": "Sell",
    "execPrice": "0.3374",
    "execQty": "25",
    "execType": "Trade",
    "execTime": "1672364174443",
    "execFee": "0.005061",
    "feeRate": "0.0006",
    "feeCurrency": "",
    "isMaker": False,
}
