"""Scripting a running simulation over HTTP, for demos and clients in another process.

``POST /__sim__/faults`` and ``POST /__sim__/actions`` take ``{"do": "lose_reply_to", "with": {"method": "POST",
"path": "/api/v3/order"}}``: a method of `Simulator` and its arguments. ``GET /__sim__/ledger`` shows orders, fills,
balances and positions, ``GET /__sim__/requests`` what was asked.
"""

from typing import Any

import msgspec

from lotusx_sim.engine.orders import Fill, Order, Refused
from lotusx_sim.simulator import Simulator
from lotusx_sim.wire import HttpRequest, HttpResponse

CONTROL_PREFIX = "/__sim__/"
_FAULTS = frozenset(
    {
        "answer", "ban", "black_hole", "chaos", "crossed_level", "cut_connections", "cut_json", "cut_message", "delay",
        "delay_stream", "delay_visibility", "duplicate_next", "execute_but_time_out", "expire_user_stream", "gap",
        "heal", "html_502", "lose_reply_to", "lose_request", "refuse", "refuse_connections", "reorder",
        "server_shutdown", "silence",
    }
)  # fmt: skip
_ACTIONS = frozenset(
    {
        "cancel", "deposit", "fill", "follow_trades", "quiet", "set_book", "set_funding_rate", "set_mark",
        "settle_funding", "trade",
    }
)  # fmt: skip


def respond_to_control(sim: Simulator, request: HttpRequest) -> HttpResponse:
    """Answer one control request."""
    what = request.path.removeprefix(CONTROL_PREFIX)
    if request.method == "GET" and what == "ledger":
        return _json(200, _ledger(sim))
    if request.method == "GET" and what == "requests":
        return _json(200, [[method, path, count] for (method, path), count in sorted(sim.requests.items())])
    if request.method == "POST" and what in ("faults", "actions"):
        return _do(sim, request.body, _FAULTS if what == "faults" else _ACTIONS)
    return _json(404, {"error": f"no control endpoint {request.method} {request.path}"})


def _do(sim: Simulator, body: bytes, allowed: frozenset[str]) -> HttpResponse:
    try:
        wish = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        return _json(400, {"error": f"not JSON: {error}"})
    name = wish.get("do") if isinstance(wish, dict) else None
    arguments = wish.get("with", {}) if isinstance(wish, dict) else {}
    if name not in allowed or not isinstance(arguments, dict):
        return _json(400, {"error": f"'do' must be one of {', '.join(sorted(allowed))}"})
    try:
        result = getattr(sim, name)(**arguments)
    except (TypeError, ValueError, KeyError, Refused) as error:
        return _json(400, {"error": f"{type(error).__name__}: {error}"})
    return _json(200, {"done": name, "result": str(result) if name == "trade" else None})


def _ledger(sim: Simulator) -> dict[str, Any]:
    return {
        "orders": [_order(order) for order in sim.orders()],
        "fills": [_fill(fill) for fill in sim.fills()],
        "balances": {
            asset: {"free": str(owned.free), "locked": str(owned.locked)} for asset, owned in sim.balances().items()
        },
        "positions": {symbol: str(quantity) for symbol, quantity in sim.positions().items()},
        "ws_connections": [connection.path for connection in sim.ws_connections],
    }


def _order(order: Order) -> dict[str, Any]:
    return {
        "id": order.id,
        "client_id": order.client_id,
        "symbol": order.symbol,
        "side": order.side.value,
        "status": order.status.name,
        "quantity": str(order.quantity),
        "executed": str(order.executed),
    }


def _fill(fill: Fill) -> dict[str, Any]:
    return {
        "trade_id": fill.trade_id,
        "order_id": fill.order_id,
        "symbol": fill.symbol,
        "price": str(fill.price),
        "quantity": str(fill.quantity),
    }


def _json(status: int, content: Any) -> HttpResponse:
    return HttpResponse(status, (("content-type", "application/json"),), msgspec.json.encode(content))
