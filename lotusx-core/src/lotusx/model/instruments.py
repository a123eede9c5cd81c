"""Instruments: tradable products and their rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from lotusx.model.enums import InstrumentKind, InstrumentStatus
from lotusx.model.symbol import Symbol


@dataclass(frozen=True, slots=True)
class TickSize:
    """Prices are multiples of ``tick_size`` (quote per base), within [minimum, maximum] where given."""

    tick_size: Decimal
    minimum: Decimal | None = None
    maximum: Decimal | None = None


@dataclass(frozen=True, slots=True)
class SignificantDigits:
    """Prices have at most ``digits`` significant figures and at most ``max_decimals`` decimals; integers pass."""

    digits: int
    max_decimals: int


PriceRule = TickSize | SignificantDigits


@dataclass(frozen=True, slots=True)
class Instrument:
    """A tradable product and its rules. Quantities in base units, on inverse instruments in contracts.

    Attributes:
        venue_symbol: The exchange's own name of it.
        contract_size: Base units per contract (inverse: quote units); 1 on spot. What is told in the exchange's
            contracts is base units here.
        step_size: Smallest quantity step; ``None``: the exchange states none.
        min_notional: Smallest price × quantity (inverse: quantity × contract size), in quote; ``None``: none stated.
        min_notional_applies_to_*: Whether market orders, or those that only reduce a position, must be worth as much.
        max_notional_applies_to_market: Whether market orders may be worth no more than ``max_notional`` either.
        market_*: The same for market orders where the exchange has other rules; ``None``: as above.
        order_types: Names of the exchange's own order types allowed here; empty: not stated.
    """

    symbol: Symbol
    venue_symbol: str
    kind: InstrumentKind
    status: InstrumentStatus
    price_rule: PriceRule | None
    step_size: Decimal | None
    min_quantity: Decimal | None = None
    max_quantity: Decimal | None = None
    market_step_size: Decimal | None = None
    market_min_quantity: Decimal | None = None
    market_max_quantity: Decimal | None = None
    min_notional: Decimal | None = None
    max_notional: Decimal | None = None
    min_notional_applies_to_market: bool = True
    max_notional_applies_to_market: bool = True
    min_notional_applies_to_reduce_only: bool = True
    contract_size: Decimal = Decimal(1)
    order_types: frozenset[str] = frozenset()
    raw_status: str = ""
    _raw: Callable[[], Mapping[str, Any]] = field(default=dict, repr=False, compare=False)

    @property
    def raw(self) -> Mapping[str, Any]:
        """The exchange's whole document of it, decoded when asked for."""
        return self._raw()

    @property
    def base(self) -> str:
        """What is traded."""
        return self.symbol.base

    @property
    def quote(self) -> str:
        """What prices it."""
        return self.symbol.quote

    @property
    def settle(self) -> str | None:
        """What pays the profit; ``None`` on spot."""
        return self.symbol.settle
