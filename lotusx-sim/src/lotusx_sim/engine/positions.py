"""One account's position in one perpetual, and the arithmetic of it.

What was paid is kept as a cost, never as an average price: several fills have averages no decimal can hold.
"""

import copy
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal

from lotusx_sim.engine.orders import ZERO, Leg
from lotusx_sim.engine.terms import QUANTUM, Contract, MarginMode, margin_for, share


@dataclass(slots=True)
class Position:
    """A position, and the account's choices for it; the engine alone writes to it.

    Amounts are in the settle asset. In hedge mode an account has two of these in one market, one for each side.
    """

    account: str
    symbol: str
    contract: Contract
    mode: MarginMode
    leverage: Decimal
    quantity: Decimal = ZERO  # long > 0
    cost: Decimal = ZERO  # value at entry, with the sign of the quantity
    margin: Decimal = ZERO  # set aside for this position; 0 in cross mode
    realized: Decimal = ZERO  # profit of all that was ever closed, before fees
    realized_since_open: Decimal = ZERO
    funding: Decimal = ZERO  # received > 0, paid < 0
    funding_since_open: Decimal = ZERO
    funding_since_change: Decimal = ZERO
    leg: Leg = Leg.BOTH

    @property
    def is_open(self) -> bool:
        return self.quantity != 0

    @property
    def entry_price(self) -> Decimal | None:
        """Return the average entry price for display (28 digits, the caller rounds); None when flat."""
        if not self.quantity:
            return None
        if self.contract.sign > 0:
            return self.cost / (self.quantity * self.contract.size)
        return self.quantity * self.contract.size / self.cost

    def value(self, mark: Decimal) -> Decimal:
        """Return the value at *mark*, with the sign of the quantity."""
        return self.contract.value(self.quantity, mark)

    def unrealized(self, mark: Decimal) -> Decimal:
        return ZERO + self.contract.sign * (self.value(mark) - self.cost)  # ZERO +: never a negative zero

    def initial_margin(self, mark: Decimal) -> Decimal:
        return margin_for(self.value(mark), self.leverage)

    def maintenance_margin(self, mark: Decimal) -> Decimal:
        return abs(self.value(mark)) * self.contract.maintenance

    def opening(self, quantity: Decimal) -> Decimal:
        """Return how much of a signed *quantity* would open or increase, without sign."""
        if quantity * self.quantity >= 0:
            return abs(quantity)
        return max(ZERO, abs(quantity) - abs(self.quantity))

    def trade(self, quantity: Decimal, price: Decimal) -> Decimal:
        """Trade a signed *quantity* at *price*; return the profit that is realized, before fees.

        Isolated margin grows by the initial margin of what opens, and shrinks with the share that closes.
        """
        total = self.contract.value(quantity, price)
        opening = self.opening(quantity)
        closing = abs(quantity) - opening
        flips = bool(opening and closing)
        closed_value = self.contract.value(closing if quantity > 0 else -closing, price) if opening else total
        closed_cost = share(self.cost, closing, abs(self.quantity))
        profit = ZERO - self.contract.sign * (closed_value + closed_cost)
        if self.mode is MarginMode.ISOLATED:
            self.margin -= share(self.margin, closing, abs(self.quantity))
            self.margin += margin_for(total - closed_value, self.leverage)
        self.cost += total - closed_value - closed_cost
        self.quantity += quantity
        self.realized += profit
        self.realized_since_open += profit
        if flips or self.quantity == quantity:
            self.realized_since_open = self.funding_since_open = ZERO
        self.funding_since_change = ZERO
        return profit

    def fund(self, rate: Decimal, mark: Decimal) -> Decimal:
        """Return what *rate* brings (paid: below 0) at *mark*, to 1e-8, and count it."""
        amount = ZERO - (self.value(mark) * rate).quantize(QUANTUM, rounding=ROUND_HALF_EVEN)
        self.funding += amount
        self.funding_since_open += amount
        self.funding_since_change += amount
        return amount

    def snapshot(self) -> "Position":
        return copy.copy(self)
