"""What is written of each event: all of it, exact. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from decimal import Decimal
from enum import Enum
from typing import Any

from lotusx.model import OrderRequest, Symbol
from lotusx.plugin import FillReported, OrderAnswered, OrderOutcome, OrderRefused, OrderReported, OrderSent, Request

TYPES: Mapping[type, str] = {
    OrderSent: "intent",
    OrderRefused: "refused",
    OrderAnswered: "answered",
    OrderOutcome: "outcome",
    OrderReported: "order",
    FillReported: "fill",
}
"""Events that are written down, and the ``type`` of their records."""

_LEFT_OUT = ("exchange", "fills")  # every record names the exchange; fills have records of their own


def content_of(event: object) -> dict[str, Any] | None:
    """Return the content of the record of *event*; ``None``: it is not about an order."""
    kind = TYPES.get(type(event))
    return None if kind is None else {"type": kind, **_fields(event)}


def command_content(request: Request) -> dict[str, Any]:
    """Return what *request* asks for, as it was before it was signed: no key and no signature is in it yet."""
    asked = {"query": request.query, "body": request.body.decode("utf-8", "replace"), "content": plain(request.content)}
    where = {"origin": plain(request.origin), "verb": plain(request.verb), "url": request.base_url + request.path}
    return {**where, **{name: value for name, value in asked.items() if value not in (None, "")}}


def plain(value: object) -> Any:
    """Return *value* as JSON can hold it: numbers that are not whole as text, for JSON's are not exact."""
    match value:
        case None | bool() | int():
            return value
        case Decimal():
            return format(value, "f")
        case Enum():
            return str(value.value)
        case str():
            return str(value)
        case Symbol():
            return str(value)
        case float():
            return repr(value)
        case OrderRequest():
            asked = {name: getattr(value, name, None) for name in type(value).model_fields}
            return {name: plain(item) for name, item in asked.items() if item not in (None, {})}
        case Mapping():
            return {str(name): plain(item) for name, item in value.items()}
        case list() | tuple():
            return [plain(item) for item in value]
    return _fields(value) if is_dataclass(value) else str(value)


def _fields(value: Any) -> dict[str, Any]:
    names = getattr(value, "__struct_fields__", None)  # events are msgspec's, what is in them are dataclasses
    if names is None:
        names = [each.name for each in fields(value)]
    named = {name: getattr(value, name) for name in names if name not in _LEFT_OUT}
    return {name: plain(item) for name, item in named.items() if item not in (None, "", ())}
