"""Bybit's product categories. ``BTCUSDT`` is a spot pair and a linear perpetual: a category goes with every symbol."""

from __future__ import annotations

from enum import StrEnum

from lotusx.model import InstrumentKind


class Category(StrEnum):
    """The value of ``category`` in requests and replies, and the last part of a public stream's address."""

    SPOT = "spot"
    LINEAR = "linear"
    INVERSE = "inverse"

    @property
    def kind(self) -> InstrumentKind:
        """The model's word for it."""
        return InstrumentKind(self.value)
