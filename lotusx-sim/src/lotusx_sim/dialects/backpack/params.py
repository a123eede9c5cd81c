"""Reads what a request asks: texts from a query, typed values from a JSON body."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any, TypeVar

from lotusx_sim.dialects.backpack.errors import unknown_symbol, unreadable
from lotusx_sim.dialects.backpack.listings import BY_SYMBOL, Listing

V = TypeVar("V")
_CLIENT_IDS = 2**32


class Params:
    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = {name: value for name, value in values.items() if value is not None}

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def text(self, name: str, default: str = "") -> str:
        """Return a text; *default* where it is absent."""
        value = self._values.get(name, default)
        if not isinstance(value, str):
            raise unreadable(name, "expected a string")
        return value

    def needed(self, name: str) -> str:
        if name not in self:
            raise unreadable(name, "the parameter is required")
        return self.text(name)

    def one_of(self, name: str, allowed: Mapping[str, V], default: str = "") -> V:
        text = self.text(name, default) if default else self.needed(name)
        if text not in allowed:
            raise unreadable(name, f"unknown variant {text!r}")
        return allowed[text]

    def word(self, name: str, allowed: Iterable[str], default: str = "") -> str:
        return self.one_of(name, {item: item for item in allowed}, default)

    def integer(self, name: str) -> int | None:
        """Return a number, from a query as digits; None where it is absent."""
        value = self._values.get(name)
        if isinstance(value, str) and value.isascii() and value.removeprefix("-").isdecimal():
            return int(value)
        if value is None or (isinstance(value, int) and not isinstance(value, bool)):
            return value
        raise unreadable(name, "expected an integer")

    def bounded(self, name: str, default: int, highest: int) -> int:
        value = self.integer(name)
        if value is None:
            return default
        if not 0 <= value <= highest:
            raise unreadable(name, f"out of range 0..={highest}")
        return value

    def client_id(self, *, from_query: bool = False) -> int | None:
        """Return ``clientId``: 32 bits, and in a body a number."""
        value = self._values.get("clientId")
        if value is not None and not from_query and not isinstance(value, int):
            raise unreadable("clientId", "expected u32")
        number = self.integer("clientId")
        if number is not None and not 0 <= number < _CLIENT_IDS:
            raise unreadable("clientId", "expected u32")
        return number

    def flag(self, name: str) -> bool:
        value = self._values.get(name, False)
        if not isinstance(value, bool):
            raise unreadable(name, "expected a boolean")
        return value

    def decimal(self, name: str) -> Decimal | None:
        """Return a number above 0, which is given as text; None where it is absent."""
        if name not in self:
            return None
        try:
            value = Decimal(self.text(name))
        except InvalidOperation:
            raise unreadable(name, "expected a decimal") from None
        if not value.is_finite() or value <= 0:
            raise unreadable(name, "expected a decimal above zero")
        return value

    def listing(self) -> Listing:
        listing = BY_SYMBOL.get(self.needed("symbol"))
        if listing is None:
            raise unknown_symbol()
        return listing

    def maybe_listing(self) -> Listing | None:
        return self.listing() if "symbol" in self else None
