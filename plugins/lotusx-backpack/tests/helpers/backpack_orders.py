"""Orders as users ask for them, and the answer to one that is not there."""

from __future__ import annotations

from typing import Any

from backpack_documents import PERP

from lotusx.model import OrderRequest
from lotusx.plugin import Response

GONE = Response(404, {}, b'{"code":"RESOURCE_NOT_FOUND","message":"Order not found"}')


def limit_buy(**changes: Any) -> OrderRequest:
    return OrderRequest.limit(PERP.symbol, "buy", "0.5", "141.25", **{"client_order_id": "7", **changes})


def stop(trigger: str = "130", **changes: Any) -> OrderRequest:
    values = {
        "symbol": PERP.symbol, "side": "sell", "type": "stop_loss", "quantity": "2", "trigger_price": trigger,
        "client_order_id": "8",
    }  # fmt: skip
    return OrderRequest(**{**values, **changes})
