"""Finds the levels of a book in a message of any exchange, and writes others of the same form."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

_NAMES = (("b", "a"), ("bids", "asks"))


def sides_of(document: Any) -> tuple[list[Any], list[Any]] | None:
    """Return the two lists of levels in *document*, bids first, themselves and no copies; ``None``: it has none."""
    if not isinstance(document, dict):
        return None
    for bids, asks in _NAMES:
        if isinstance(document.get(bids), list) and isinstance(document.get(asks), list):
            return document[bids], document[asks]
    levels = document.get("levels")
    if isinstance(levels, list) and len(levels) == 2 and all(isinstance(side, list) for side in levels):
        return levels[0], levels[1]
    return next((found for value in document.values() if (found := sides_of(value)) is not None), None)


def another(level: Any, *, price: str | None = None, quantity: str | None = None) -> Any:
    """Return a level like *level* with another price or quantity."""
    if isinstance(level, dict):
        changes = {"px": price, "sz": quantity}
        return {**level, **{name: text for name, text in changes.items() if text is not None}}
    return [price or level[0], quantity or level[1], *level[2:]]


def quantity_of(level: Any) -> Decimal:
    """Return how much a level holds."""
    return Decimal(level["sz"] if isinstance(level, dict) else level[1])
