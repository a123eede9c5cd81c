"""Orders, fills and outcomes, as the exchange reports them. What a caller asks for is in `requests`."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from lotusx.model.enums import Liquidity, OrderStatus, OrderType, PositionSide, Side, TimeInForce
from lotusx.model.frozen import quick
from lotusx.model.numbers import EXACT
from lotusx.model.symbol import Symbol

if TYPE_CHECKING:
    from lotusx.errors import LotusXError


@quick
@dataclass(frozen=True, slots=True)
class Fill:
    """One match of our order. Quantity in base units; ``fee`` < 0 is a rebate; ``None``: not stated.

    ``(symbol, trade_id)`` identifies it at one exchange, whichever way it arrived.
    """

    symbol: Symbol
    trade_id: str
    venue_order_id: str
    side: Side
    price: Decimal
    quantity: Decimal
    exchange_ns: int
    client_order_id: str | None = None
    fee: Decimal | None = None
    fee_asset: str | None = None
    liquidity: Liquidity | None = None
    received_ns: int = 0


@quick
@dataclass(frozen=True, slots=True)
class OrderState:
    """What the exchange said of one order at one moment. Quantities in base units.

    Attributes:
        client_order_id: The id the order is known by; ``None``: placed elsewhere without one.
        quantity: Ordered; ``None`` where the order states a quote amount only.
        filled: Executed so far; never falls.
        filled_quote: Executed so far, in quote; ``None``: not stated.
        raw_status, raw_type, raw_time_in_force: The exchange's own words.
        updated_ns: Exchange time of this report. ``version`` breaks ties within one moment, and is no news by itself.
        position_side: Which position it changes in hedge mode; ``None``: there is one.
        reason: The exchange's reason for an end nobody asked for, in its own words.
    """

    symbol: Symbol
    venue_order_id: str | None
    client_order_id: str | None
    side: Side
    type: OrderType
    status: OrderStatus
    quantity: Decimal | None
    filled: Decimal
    price: Decimal | None = None
    trigger_price: Decimal | None = None
    quote_quantity: Decimal | None = None
    filled_quote: Decimal | None = None
    average_price: Decimal | None = None
    time_in_force: TimeInForce | None = None
    post_only: bool = False
    reduce_only: bool = False
    created_ns: int | None = None
    updated_ns: int = 0
    version: int = field(default=0, compare=False)
    raw_status: str = ""
    raw_type: str = ""
    raw_time_in_force: str = ""
    reason: str = ""
    position_side: PositionSide | None = None
    fills: tuple[Fill, ...] = field(default=(), compare=False)

    @property
    def remaining(self) -> Decimal | None:
        """What may still execute, base units; ``None`` where the quantity is not known."""
        if self.quantity is None:
            return None
        return Decimal(0) if self.status.is_terminal else EXACT.subtract(self.quantity, self.filled)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The exchange has the order."""

    client_order_id: str
    state: OrderState


@dataclass(frozen=True, slots=True)
class Rejected:
    """The exchange does not have the order; ``error`` is the proof."""

    client_order_id: str
    error: LotusXError


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nothing proves whether the exchange has the order."""

    client_order_id: str
    evidence: tuple[str, ...]


Outcome = Accepted | Rejected | Unknown
