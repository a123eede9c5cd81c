"""Reads JSON into the venue's own types and back into canonical form, which is what signatures cover.

The venue parses an action, then encodes what it has parsed again before it hashes: key order, trailing zeros and the
case of a cloid in the JSON do not matter, a key that holds its default does.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from lotusx_sim.dialects.hyperliquid.errors import bad_body
from lotusx_sim.dialects.hyperliquid.numbers import WIRE_DECIMALS, decimals_of, wire

Reader = Callable[[Any], Any]

_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")
_CLOID = re.compile(r"0x[0-9a-fA-F]{32}")
_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise bad_body()
    return value


def boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise bad_body()
    return value


def integer(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise bad_body()
    return value


def unsigned(value: Any) -> int:
    if integer(value) < 0 or value >= 1 << 64:
        raise bad_body()
    return int(value)


def number(value: Any) -> str:
    """Read a number given as text; a ninth decimal makes the body unreadable."""
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        raise bad_body()
    if decimals_of(Decimal(value)) > WIRE_DECIMALS:
        raise bad_body()
    return wire(Decimal(value))


def cloid(value: Any) -> str:
    if not isinstance(value, str) or not _CLOID.fullmatch(value):
        raise bad_body()
    return value.lower()


def address(value: Any) -> str:
    if not isinstance(value, str) or not _ADDRESS.fullmatch(value):
        raise bad_body()
    return value.lower()


def oid_or_cloid(value: Any) -> int | str:
    return cloid(value) if isinstance(value, str) else unsigned(value)


def one_of(*names: str) -> Reader:
    def read(value: Any) -> str:
        if value not in names:
            raise bad_body()
        return str(value)

    return read


def items(reader: Reader) -> Reader:
    def read(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise bad_body()
        return [reader(item) for item in value]

    return read


@dataclass(frozen=True, slots=True)
class Optional:
    """A key that is left out of the hash when it is absent, null or false."""

    reader: Reader


def record(**fields: Reader | Optional) -> Reader:
    """Return a reader of an object with these keys, in the order in which they are hashed; others are ignored."""

    def read(value: Any) -> dict[str, Any]:
        if not isinstance(value, Mapping):
            raise bad_body()
        result: dict[str, Any] = {}
        for name, field in fields.items():
            given = value.get(name)
            if isinstance(field, Optional):
                if given is not None and (content := field.reader(given)) is not False:
                    result[name] = content
            elif name not in value:
                raise bad_body()
            else:
                result[name] = field(given)
        return result

    return read
