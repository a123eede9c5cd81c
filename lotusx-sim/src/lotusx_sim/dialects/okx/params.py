"""Reads what a request asks, from a query or a JSON body alike."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from lotusx_sim.dialects.okx.errors import bad, missing

_TOO_MUCH = Decimal("1e15")


class Params:
    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def text(self, name: str, default: str = "") -> str:
        value = self._values.get(name)
        if isinstance(value, dict | list):
            raise bad(name)
        return default if value in (None, "") else str(value)

    def needed(self, name: str) -> str:
        value = self.text(name)
        if not value:
            raise missing(name)
        return value

    def flag(self, name: str) -> bool:
        return self.text(name, "false").lower() == "true"

    def integer(self, name: str) -> int | None:
        value = self.text(name)
        if not value:
            return None
        if not value.lstrip("-").isdigit():
            raise bad(name)
        return int(value)

    def limit(self, default: int, highest: int) -> int:
        value = self.integer("limit")
        if value is None:
            return default
        if value < 1:
            raise bad("limit")
        return min(value, highest)

    def number(self, name: str) -> Decimal | None:
        """Return a decimal above 0; None where it is absent or empty."""
        text = self.text(name)
        if not text:
            return None
        try:
            value = Decimal(text)
        except InvalidOperation:
            raise bad(name) from None
        if not value.is_finite() or not 0 < value < _TOO_MUCH:
            raise bad(name)
        return value
