"""What the engine is told of a market and of an account's fees, and the sums that follow from it."""

from dataclasses import dataclass
from decimal import Decimal

from lotusx_sim.engine.orders import ZERO, Order


@dataclass(frozen=True, slots=True)
class Market:
    """What the engine must know of a market; all other rules belong to the venue."""

    symbol: str
    base: str
    quote: str
    step: Decimal  # market orders by quote buy whole steps
    is_open: bool = True


@dataclass(frozen=True, slots=True)
class Fees:
    """Rates as fractions of what the account receives."""

    maker: Decimal = Decimal("0.001")
    taker: Decimal = Decimal("0.001")


def reserve_price(order: Order, last: Decimal | None = None) -> Decimal:
    """Return what one base unit of a buy order is reserved at."""
    if order.kind.is_limit and order.price is not None:
        return order.price
    if order.trigger_price is not None:
        return order.trigger_price
    return last if last is not None else ZERO


def whole_steps(quantity: Decimal, step: Decimal) -> Decimal:
    return (quantity // step) * step
