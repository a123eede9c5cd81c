"""What the model's values look like outside of Python: exact numbers as text, times as nanoseconds."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence, Set
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum

import msgspec

from lotusx.kernel.secrets import Secret
from lotusx.model import Symbol, plain

Plain = None | bool | int | float | str | list["Plain"] | dict[str, "Plain"]

_HIDDEN = ("raw",)


def to_plain(value: object) -> Plain:
    """Return *value* as what JSON can hold: `Decimal` and `Symbol` as text, structures by field, secrets hidden."""
    if isinstance(value, Enum):
        return to_plain(value.value)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, Symbol):
        return str(value)
    if isinstance(value, Secret):
        return "***"
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    fields = fields_of(value)
    if fields is not None:
        return {name: to_plain(item) for name, item in fields.items()}
    if isinstance(value, Mapping):
        return {str(name): to_plain(item) for name, item in value.items()}
    if isinstance(value, Set):
        return [*sorted(str(to_plain(item)) for item in value)]
    if isinstance(value, Sequence):
        return [to_plain(item) for item in value]
    return str(value)


def fields_of(value: object) -> dict[str, object] | None:
    """Return a structure's fields by their public names; ``None``: it has none.

    The texts that events keep their numbers in (``price_text``) count as the numbers they are, digit for digit.
    """
    if isinstance(value, msgspec.Struct):
        names: Sequence[str] = value.__struct_fields__
    elif dataclasses.is_dataclass(value):
        names = [item.name for item in dataclasses.fields(value)]
    else:
        return None
    found = {
        name.removesuffix("_text"): getattr(value, name)
        for name in names
        if not name.startswith("_") and name not in _HIDDEN
    }
    if isinstance(found.get("version"), int):  # of an order: it breaks ties, and means nothing to people
        del found["version"]
    return found


def shown(name: str, value: object, *, empty: str = "-") -> str:
    """Return *value* of field *name* as people read it."""
    if value is None or value == "":
        return empty
    if name.endswith("_ns") and isinstance(value, int):
        return moment(value) if value else empty
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Sequence | Set) and not isinstance(value, str):
        return " ".join(shown("", item) for item in (sorted(value) if isinstance(value, Set) else value))
    if isinstance(value, Mapping):
        return json.dumps(to_plain(value))
    return str(to_plain(value))


def moment(ns: int) -> str:
    """Return nanoseconds since the epoch as UTC text with milliseconds."""
    at = datetime.fromtimestamp(ns // 1_000_000_000, tz=UTC)
    return f"{at:%Y-%m-%d %H:%M:%S}.{ns // 1_000_000 % 1_000:03}Z"
