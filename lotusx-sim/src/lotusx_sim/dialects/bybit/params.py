"""Reads what a request asks, from a query or a JSON body alike."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from lotusx_sim.dialects.bybit.errors import VenueError, bad
from lotusx_sim.dialects.bybit.listings import Category

_TOO_MUCH = Decimal("1e15")
_DECIMALS = 18


class Params:
    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return self._values.get(name) not in (None, "")

    def raw(self, name: str) -> Any:
        return self._values.get(name)

    def text(self, name: str, default: str = "") -> str:
        """Return a parameter as text; *default* where it is absent or empty."""
        value = self._values.get(name)
        if isinstance(value, (dict, list)):
            raise bad(f"params error: {name} invalid")
        return default if value in (None, "") else str(value)

    def needed(self, name: str) -> str:
        if name not in self:
            raise bad(f"params error: {name} is required")
        return self.text(name)

    def one_of(self, name: str, allowed: Mapping[str, Any] | set[str] | frozenset[str], error: VenueError) -> str:
        value = self.text(name)
        if value not in allowed:
            raise error
        return value

    def integer(self, name: str) -> int | None:
        if name not in self:
            return None
        try:
            return int(self.text(name))
        except ValueError:
            raise bad(f"params error: {name} invalid") from None

    def limit(self, default: int, highest: int) -> int:
        """Return how many rows are wanted; more than the venue gives is brought down to that."""
        value = self.integer("limit")
        if value is None:
            return default
        if value < 1:
            raise bad("params error: limit invalid")
        return min(value, highest)

    def flag(self, name: str) -> bool:
        return self.text(name, "false").lower() in ("true", "1")

    def number(self, name: str, error: VenueError | None = None) -> Decimal | None:
        """Return a decimal that is not below 0; None where it is absent or empty."""
        if name not in self:
            return None
        refused = error or bad(f"params error: {name} invalid")
        try:
            value = Decimal(self.text(name))
        except InvalidOperation:
            raise refused from None
        if not value.is_finite() or not 0 <= value < _TOO_MUCH or int(value.as_tuple().exponent) < -_DECIMALS:
            raise refused
        return value

    def signed(self, name: str) -> Decimal:
        """Return a decimal that must be there, of either sign."""
        text = self.needed(name)
        value = Params({name: text.removeprefix("-")}).number(name)
        assert value is not None, "it is there"
        return -value if text.startswith("-") else value

    def category(self, *allowed: Category, default: Category | None = None) -> Category:
        """Return the category; without *allowed* any will do."""
        text = self.text("category")
        if not text and default is not None:
            return default
        found = next((category for category in allowed or tuple(Category) if category.value == text), None)
        if found is None:
            raise bad("Illegal category")
        return found
