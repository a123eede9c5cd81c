"""What the tests against a simulated Bybit need."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any, TypeVar

import anyio

import lotusx
from lotusx_sim.dialects.bybit import DEFAULT_KEY

SPOT, PERP, USDC, INVERSE = "BTC/USDT", "BTC/USDT:USDT", "BTC/USDC:USDC", "BTC/USD:BTC"
KEY = {"api_key": DEFAULT_KEY.key, "api_secret": DEFAULT_KEY.verifier}
MARKETS = {SPOT: "spot:BTCUSDT", PERP: "linear:BTCUSDT", INVERSE: "inverse:BTCUSD"}
CREATE, AMEND, CANCEL, CANCEL_ALL = (
    ("POST", f"/v5/order/{name}") for name in ("create", "amend", "cancel", "cancel-all")
)
BATCH, CANCEL_BATCH = ("POST", "/v5/order/create-batch"), ("POST", "/v5/order/cancel-batch")
REALTIME = ("GET", "/v5/order/realtime")
WS = {"options": {"order_entry": "ws"}}
Request = lotusx.OrderRequest
E = TypeVar("E")


async def awaited(events: AsyncIterator[Any], kind: type[E], wanted: Callable[[E], object] = lambda _: True) -> E:
    """Return the next event of that kind that is *wanted*."""
    with anyio.fail_after(20):
        async for event in events:
            if isinstance(event, kind) and wanted(event):
                return event
    raise AssertionError("the stream ended")


def name_of(symbol: str) -> str:
    """Return the exchange that trades *symbol*."""
    return "bybit-perp" if ":" in symbol else "bybit"


def _sized(symbol: str, quantity: str | None) -> dict[str, Any]:
    if symbol == INVERSE:
        return {"quantity": quantity or "1000", "quantity_unit": "contracts"}
    return {"quantity": quantity or "0.01"}


def resting(
    name: str, symbol: str = PERP, *, price: str = "80000", quantity: str | None = None, **more: Any
) -> Request:
    """Return an order that rests: the market stands around 84 120."""
    values = {"side": "buy", "type": "limit", "price": price, **_sized(symbol, quantity), **more}
    return Request(symbol=symbol, client_order_id=name, **values)


def market(name: str, symbol: str = PERP, *, side: str = "buy", quantity: str | None = None, **more: Any) -> Request:
    values = {"side": side, "type": "market", **_sized(symbol, quantity), **more}
    return Request(symbol=symbol, client_order_id=name, **values)


def stop(name: str, symbol: str = PERP, *, trigger: str = "80000", **more: Any) -> Request:
    """Return a sell that becomes a market order when the price falls to *trigger*."""
    values = {"side": "sell", "type": "stop_loss", "trigger_price": trigger, **_sized(symbol, None), **more}
    return Request(symbol=symbol, client_order_id=name, **values)
