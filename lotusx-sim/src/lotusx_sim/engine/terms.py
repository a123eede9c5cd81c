"""What the engine is told of a market and of an account's fees, and the sums that follow from it."""

from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, ROUND_UP, Context, Decimal
from enum import Enum

from lotusx_sim.engine.orders import ZERO, Order

QUANTUM = Decimal("1e-8")  # what amounts that have no finite decimal form are rounded to
_ONE = Decimal(1)
_WIDE = Context(prec=100, rounding=ROUND_UP)  # an absurd order is refused for its margin, it must not raise


class MarketKind(Enum):
    SPOT = "spot"
    LINEAR = "linear"
    INVERSE = "inverse"


class MarginMode(Enum):
    CROSS = "cross"
    ISOLATED = "isolated"


@dataclass(frozen=True, slots=True)
class Contract:
    """The terms of a perpetual.

    Args:
        kind: LINEAR: quoted and settled in one asset. INVERSE: quoted in one, settled in the traded one.
        settle: The asset of margin, profit, fees and funding.
        max_leverage: The highest an account may choose.
        maintenance: Margin below this fraction of the value at the mark price is liquidated.
        size: What one unit of quantity stands for: base units (LINEAR), quote units (INVERSE).
        leverage: What accounts begin with; None: *max_leverage*.
        mode: What accounts begin with.
        modes: What accounts may choose.

    Raises:
        ValueError: The terms contradict each other.
    """

    kind: MarketKind
    settle: str
    max_leverage: Decimal
    maintenance: Decimal
    size: Decimal = _ONE
    leverage: Decimal | None = None
    mode: MarginMode = MarginMode.CROSS
    modes: frozenset[MarginMode] = field(default_factory=lambda: frozenset(MarginMode))

    def __post_init__(self) -> None:
        if self.kind is MarketKind.SPOT:
            raise ValueError("a spot market has no contract: leave it out")
        if self.size <= 0 or self.max_leverage < 1:
            raise ValueError("a contract's size is above 0 and its highest leverage is 1 or more")
        if not 0 <= self.maintenance * self.max_leverage <= 1:
            raise ValueError("the maintenance fraction is at most 1 / max_leverage, or a new position dies at birth")
        if not 1 <= self.initial_leverage <= self.max_leverage or self.mode not in self.modes:
            raise ValueError("accounts cannot begin with a leverage or margin mode that the contract forbids")

    @property
    def initial_leverage(self) -> Decimal:
        return self.max_leverage if self.leverage is None else self.leverage

    @property
    def sign(self) -> int:
        """Return 1 where a long profits as its value rises, -1 where its value in settle falls."""
        return 1 if self.kind is MarketKind.LINEAR else -1

    def value(self, quantity: Decimal, price: Decimal) -> Decimal:
        """Return what *quantity* is worth in settle, with its sign: exact when LINEAR, to 1e-8 when INVERSE."""
        if self.kind is MarketKind.LINEAR:
            return quantity * self.size * price
        return (quantity * self.size / price).quantize(QUANTUM, rounding=ROUND_HALF_EVEN)


@dataclass(frozen=True, slots=True)
class Market:
    """What the engine must know of a market; all other rules belong to the venue."""

    symbol: str
    base: str
    quote: str
    step: Decimal  # market orders by quote buy whole steps
    is_open: bool = True
    contract: Contract | None = None  # None: spot

    @property
    def kind(self) -> MarketKind:
        return MarketKind.SPOT if self.contract is None else self.contract.kind

    @property
    def assets(self) -> tuple[str, ...]:
        """Return what one needs to trade here."""
        return (self.base, self.quote) if self.contract is None else (self.contract.settle,)


@dataclass(frozen=True, slots=True)
class Fees:
    """Rates as fractions: on spot of what the account receives, else of the value, in settle. Below 0: a rebate."""

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


def share(amount: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    """Return the share of *amount* that belongs to *part* of *whole*, to 1e-8; all of it for the whole."""
    if part >= whole:
        return amount
    return (amount * part / whole).quantize(QUANTUM, rounding=ROUND_HALF_EVEN)


def margin_for(value: Decimal, leverage: Decimal) -> Decimal:
    """Return the initial margin of *value* (any sign), rounded up to 1e-8."""
    return _WIDE.quantize(_WIDE.divide(abs(value), leverage), QUANTUM)
