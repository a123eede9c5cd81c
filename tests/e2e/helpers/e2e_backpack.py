"""What the tests against a simulated Backpack need."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import anyio

import lotusx
from lotusx_backpack.client_ids import ClientIds
from lotusx_sim.dialects.backpack import DEFAULT_API_KEY, DEFAULT_SECRET

PERP, SPOT, CLOSED = "SOL/USDC:USDC", "SOL/USDC", "PYTH/USDC"
MARKET = "SOL_USDC_PERP"
KEY = {"api_key": DEFAULT_API_KEY, "api_secret": DEFAULT_SECRET}
PLACE, CANCEL, ASK = (("POST", "/api/v1/order"), ("DELETE", "/api/v1/order"), ("GET", "/api/v1/order"))
BATCH, HISTORY = ("POST", "/api/v1/orders"), ("GET", "/wapi/v1/history/orders")
Request = lotusx.OrderRequest
E = TypeVar("E")


def number(name: str) -> str:
    """Return the number under which the exchange knows the client order id *name*."""
    return str(ClientIds().of(name))


def resting(name: str, symbol: str = PERP, *, price: str = "140", quantity: str = "2", **more: Any) -> Request:
    """Return an order that rests: the market stands around 151."""
    return Request.limit(symbol, "buy", quantity, price, client_order_id=name, **more)


def market(name: str, side: str = "buy", symbol: str = PERP, *, quantity: str = "2", **more: Any) -> Request:
    return Request(symbol=symbol, side=side, type="market", quantity=quantity, client_order_id=name, **more)


def stop(name: str, trigger: str = "140", **more: Any) -> Request:
    """Return a sell that becomes a market order when the price falls to *trigger*."""
    values = {"side": "sell", "type": "stop_loss", "quantity": "2", "trigger_price": trigger, **more}
    return Request(symbol=PERP, client_order_id=name, **values)


async def awaited(events: AsyncIterator[Any], kind: type[E], wanted: Callable[[E], object] = lambda _: True) -> E:
    """Return the next event of that kind that is *wanted*."""
    with anyio.fail_after(20):
        async for event in events:
            if isinstance(event, kind) and wanted(event):
                return event
    raise AssertionError("the stream ended")
