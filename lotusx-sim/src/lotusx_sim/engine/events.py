"""What the engine tells of positions, next to the events of orders, and the type of all events."""

from dataclasses import dataclass
from decimal import Decimal

from lotusx_sim.engine.orders import BalanceEvent, BookEvent, Leg, OrderEvent, TradeEvent
from lotusx_sim.engine.positions import Position


@dataclass(frozen=True, slots=True)
class PositionEvent:
    """A position, its margin or its leverage changed; one for each command."""

    account: str
    symbol: str
    position: Position  # as it was after the command
    ns: int


@dataclass(frozen=True, slots=True)
class FundingEvent:
    account: str
    symbol: str
    quantity: Decimal  # the position, signed
    rate: Decimal  # fraction of the value at mark
    mark: Decimal
    amount: Decimal  # received > 0, paid < 0
    asset: str
    ns: int
    leg: Leg = Leg.BOTH


@dataclass(frozen=True, slots=True)
class LiquidationEvent:
    """The venue took over a position at the mark price."""

    account: str
    symbol: str
    quantity: Decimal  # the position it was, signed
    price: Decimal
    value: Decimal  # without sign, in settle
    equity: Decimal  # what stood behind it before, in settle: the cross equity, or of an isolated position its own
    shortfall: Decimal  # what the venue had to add so that the account owes nothing; told with the last position
    ns: int
    leg: Leg = Leg.BOTH


Event = OrderEvent | TradeEvent | BookEvent | BalanceEvent | PositionEvent | FundingEvent | LiquidationEvent
