"""An intent as text, and back. Exact: numbers are written as they were asked for. Pure."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from lotusx.kernel.orders.outcome import CommandKind
from lotusx.kernel.ports import Amendment, OrderRef
from lotusx.model.enums import OrderType, PositionSide, QuantityUnit, Side, TimeInForce
from lotusx.model.requests import OrderRequest
from lotusx.model.symbol import Symbol
from lotusx.orders.journal import Intent

_READ: Mapping[str, Callable[[str], Any]] = {
    "symbol": Symbol.parse,
    "side": Side,
    "type": OrderType,
    "quantity": Decimal,
    "quantity_unit": QuantityUnit,
    "price": Decimal,
    "trigger_price": Decimal,
    "trailing_fraction": Decimal,
    "max_slippage": Decimal,
    "time_in_force": TimeInForce,
    "position_side": PositionSide,
}
"""How a field is read where it is not what JSON makes of it."""


def to_text(intent: Intent) -> str:
    """Return what cannot be told from the other columns of an intent, as JSON."""
    content: dict[str, Any] = {}
    if intent.request is not None:
        content["request"] = intent.request.plain_fields()
    if intent.change is not None:
        change = intent.change
        content["change"] = [_optional(change.quantity), _optional(change.price), change.new_client_order_id]
    if intent.names is not None:
        content["names"] = [intent.names.client_order_id, intent.names.venue_order_id]
    if intent.before is not None:
        content["before"] = [_optional(term) for term in intent.before]
    if intent.hidden:
        content["hidden"] = True
    return json.dumps(content, separators=(",", ":"))


def from_text(kind: str, client_order_id: str, symbol: str, asked_ns: int, text: str) -> Intent:
    """Return the intent of one row.

    Raises:
        Exception: It is not what `to_text` has written; of which kind depends on where that shows.
    """
    content = json.loads(text)
    request, change, names = content.get("request"), content.get("change"), content.get("names")
    before = content.get("before")
    return Intent(
        CommandKind(kind),
        client_order_id,
        Symbol.parse(symbol),
        asked_ns,
        request=None if request is None else _request(request),
        change=None if change is None else Amendment(_number(change[0]), _number(change[1]), change[2]),
        names=None if names is None else OrderRef(names[0], names[1]),
        before=None if before is None else (_number(before[0]), _number(before[1])),
        hidden=content.get("hidden", False),
    )


def _request(fields: dict[str, Any]) -> OrderRequest:
    """Return the request as it was; it was checked when it was written, and an amended order need not pass again."""
    read = {name: value if name not in _READ else _READ[name](value) for name, value in fields.items()}
    return OrderRequest.model_construct(**{"quantity": None, **read})


def _optional(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")


def _number(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
