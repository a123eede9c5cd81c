"""Positions of all accounts, and what their margin leaves to spend.

Profit and loss go through a clearing account, so that no asset appears or vanishes: its balance is always minus the
open cost of all positions, which is the sum of what they have not realized.
"""

from dataclasses import dataclass
from decimal import Decimal

from lotusx_sim.engine.accounts import Accounts
from lotusx_sim.engine.orders import ZERO, Leg, Order
from lotusx_sim.engine.positions import Position
from lotusx_sim.engine.prices import Prices
from lotusx_sim.engine.terms import MarginMode, Market, share

CLEARING_ACCOUNT = "venue-clearing"


@dataclass(frozen=True, slots=True)
class MarginSummary:
    """One account's margin in one asset."""

    wallet: Decimal  # the balance, free and locked, with the margin of isolated positions
    unrealized: Decimal  # of all positions
    cross_equity: Decimal  # wallet without isolated margin, and unrealized of cross positions
    position_margin: Decimal  # initial margin of cross positions and what isolated ones have
    order_margin: Decimal  # locked for open orders, those of spot markets included
    cross_maintenance: Decimal
    available: Decimal

    @property
    def equity(self) -> Decimal:
        """Return the account value."""
        return self.wallet + self.unrealized


class Margin:
    """All positions of one exchange."""

    def __init__(self, markets: dict[str, Market], accounts: Accounts, prices: Prices) -> None:
        self._markets = markets
        self._accounts = accounts
        self._prices = prices
        self._positions: dict[str, dict[tuple[str, Leg], Position]] = {}  # by account; flat ones hold the leverage
        accounts.open(CLEARING_ACCOUNT, {})

    # -- positions -----------------------------------------------------------------------------------------------

    def position(self, account: str, symbol: str, leg: Leg = Leg.BOTH) -> Position:
        """Return a position, flat or not.

        Raises:
            ValueError: *symbol* is a spot market.
        """
        owned = self._positions.setdefault(account, {})
        position = owned.get((symbol, leg))
        if position is None:
            contract = self._markets[symbol].contract
            if contract is None:
                raise ValueError(f"{symbol} is a spot market: nobody has a position in it")
            position = Position(account, symbol, contract, contract.mode, contract.initial_leverage, leg=leg)
            owned[(symbol, leg)] = position
        return position

    def positions(self, account: str, asset: str | None = None) -> list[Position]:
        """Return the open positions of *account*, those that settle in *asset* where it is given."""
        owned = self._positions.get(account, {}).values()
        return [p for p in owned if p.is_open and (asset is None or p.contract.settle == asset)]

    def holders(self, symbol: str) -> list[Position]:
        """Return every account's open position in a market."""
        keys = [(symbol, leg) for leg in Leg]
        held = (owned[key] for owned in self._positions.values() for key in keys if key in owned)
        return [position for position in held if position.is_open]

    def mark(self, position: Position) -> Decimal:
        """Return the mark price of an open position's market."""
        mark = self._prices.mark(position.symbol)
        assert mark is not None, "what has traded has a mark price"
        return mark

    # -- sums ----------------------------------------------------------------------------------------------------

    def available(self, account: str, asset: str) -> Decimal:
        """Return what new positions may use, below 0 when too much is used already.

        It is the free balance, and of each cross position its unrealized profit or loss without its initial margin.
        """
        amount = self._accounts.balance(account, asset).free
        for position in self.positions(account, asset):
            if position.mode is MarginMode.CROSS:
                mark = self.mark(position)
                amount += position.unrealized(mark) - position.initial_margin(mark)
        return amount

    def spendable(self, account: str, asset: str) -> Decimal:
        """Return what may leave the account or buy on spot: of what is available no unrealized profit."""
        free = self._accounts.balance(account, asset).free
        return max(ZERO, min(free, self.available(account, asset)))

    def summary(self, account: str, asset: str) -> MarginSummary:
        balance = self._accounts.balance(account, asset)
        unrealized = cross = maintenance = initial = isolated = ZERO
        for position in self.positions(account, asset):
            mark = self.mark(position)
            unrealized += position.unrealized(mark)
            if position.mode is MarginMode.ISOLATED:
                isolated += position.margin
                continue
            cross += position.unrealized(mark)
            initial += position.initial_margin(mark)
            maintenance += position.maintenance_margin(mark)
        return MarginSummary(
            wallet=balance.total,
            unrealized=unrealized,
            cross_equity=balance.total - isolated + cross,
            position_margin=initial + isolated,
            order_margin=balance.locked - isolated,
            cross_maintenance=maintenance,
            available=balance.free + cross - initial,
        )

    def liquidation_price(self, position: Position) -> Decimal | None:
        """Return the mark price below (long) or above (short) which *position* is liquidated, all else unchanged.

        None when it is flat or no price above 0 does it. 28 digits: the caller rounds.
        """
        if not position.is_open:
            return None
        if position.mode is MarginMode.ISOLATED:
            cushion = position.margin
        else:
            mark = self.mark(position)
            summary = self.summary(position.account, position.contract.settle)
            others = summary.cross_maintenance - position.maintenance_margin(mark)
            cushion = summary.cross_equity - position.unrealized(mark) - others
        contract, quantity = position.contract, position.quantity
        required = abs(quantity) * contract.maintenance
        if contract.sign > 0:  # cushion + quantity * size * price - cost = required * size * price
            divisor = contract.size * (quantity - required)
            price = (position.cost - cushion) / divisor if divisor else ZERO
        else:  # cushion + cost - quantity * size / price = required * size / price
            divisor = position.cost + cushion
            price = contract.size * (quantity + required) / divisor if divisor else ZERO
        return price if price > 0 else None

    # -- orders --------------------------------------------------------------------------------------------------

    def reducible(self, order: Order) -> Decimal:
        """Return how much *order* could trade before it would increase the position, without sign."""
        held = self.position(order.account, order.symbol, order.leg).quantity
        return abs(held) if held * order.side.sign < 0 else ZERO

    def covers(self, order: Order, quantity: Decimal, price: Decimal, fee: Decimal) -> bool:
        """Tell whether the account could bear a fill. Closing is always borne; what opens needs initial margin."""
        position = self.position(order.account, order.symbol, order.leg)
        signed = order.side.sign * quantity
        if not position.opening(signed):
            return True
        mark = self._prices.mark(order.symbol) or price
        after = position.snapshot()
        left = self.available(order.account, position.contract.settle) + share(
            order.reserved, quantity, order.remaining
        )
        left += after.trade(signed, price) - fee
        if position.mode is MarginMode.ISOLATED:
            left -= after.margin - position.margin
            return left >= 0 and after.margin + after.unrealized(mark) >= after.maintenance_margin(mark)
        left += after.unrealized(mark) - position.unrealized(mark)
        left -= after.initial_margin(mark) - position.initial_margin(mark)
        return left >= 0

    def trade(self, position: Position, quantity: Decimal, price: Decimal) -> Decimal:
        """Change *position* by a signed *quantity*, settle what that realizes, and return it."""
        before = position.margin
        profit = position.trade(quantity, price)
        self._accounts.owe(CLEARING_ACCOUNT, position.account, position.contract.settle, profit)
        self._accounts.set_aside(position.account, position.contract.settle, position.margin - before)
        return profit
