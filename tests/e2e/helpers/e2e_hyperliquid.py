"""What the tests against a simulated Hyperliquid need."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import lotusx
from lotusx_hyperliquid.cloids import Cloids
from lotusx_sim.dialects.hyperliquid import DEFAULT_ADDRESS, DEFAULT_AGENT_KEY, DEFAULT_PRIVATE_KEY

PERP, ETH, TSLA, SPOT = "BTC/USDC:USDC", "ETH/USDC:USDC", "XYZ-TSLA/USDC:USDC", "HYPE/USDC"
DELISTED = "MATIC/USDC:USDC"
KEY = {"private_key": DEFAULT_PRIVATE_KEY}
AGENT = {"private_key": DEFAULT_AGENT_KEY, "account_address": DEFAULT_ADDRESS}
ADDRESS = {"account_address": DEFAULT_ADDRESS}
SUB = "0x" + "5b" * 20
PLACE = ("POST", "/exchange/order")
CANCEL_BY_ID = ("POST", "/exchange/cancel")
MODIFY = ("POST", "/exchange/batchModify")
ASK = ("POST", "/info/orderStatus")
Request = lotusx.OrderRequest

_cloids = Cloids()


def cloid(name: str) -> str:
    """Return what the exchange knows an order of ours by."""
    return _cloids.wire(name)


def resting(name: str, price: str = "80000", quantity: str = "0.01", symbol: str = PERP, **more: Any) -> Request:
    """Return an order that rests: the market stands around 84 143."""
    return Request.limit(symbol, "buy", quantity, price, client_order_id=name, **more)


def market(name: str, side: str = "buy", quantity: str = "0.01", symbol: str = PERP, **more: Any) -> Request:
    return Request.market(symbol, side, quantity, client_order_id=name, **{"max_slippage": "0.05", **more})


def stop(name: str, trigger: str = "80000", quantity: str = "0.01", **more: Any) -> Request:
    """Return a sell that becomes a market order when the mark price falls to *trigger*."""
    values: dict[str, Any] = {"type": "stop_loss", "max_slippage": Decimal("0.05"), "reduce_only": True, **more}
    return Request(symbol=PERP, side="sell", quantity=quantity, trigger_price=trigger, client_order_id=name, **values)
