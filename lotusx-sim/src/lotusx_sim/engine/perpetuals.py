"""Commands and queries on perpetuals: leverage, margin, mark prices, funding."""

from decimal import ROUND_UP, Decimal

from lotusx_sim.engine.events import FundingEvent
from lotusx_sim.engine.liquidation import Liquidation
from lotusx_sim.engine.margin import MarginSummary
from lotusx_sim.engine.matching import Matching
from lotusx_sim.engine.orders import ZERO, Leg, Reason, Refused
from lotusx_sim.engine.positions import Position
from lotusx_sim.engine.prices import Prices
from lotusx_sim.engine.records import FEE_ACCOUNT, Records
from lotusx_sim.engine.terms import QUANTUM, Contract, MarginMode


class Perpetuals:
    """What one can do on an exchange's perpetuals besides trading. Amounts are in the settle asset.

    Every command either raises `Refused` and changes nothing, or takes effect at once.
    """

    def __init__(self, records: Records, matching: Matching, prices: Prices, liquidation: Liquidation) -> None:
        self._records = records
        self._margin = records.margin
        self._matching = matching
        self._prices = prices
        self._liquidation = liquidation
        self._funding_rates: dict[str, Decimal] = {}

    # -- queries -------------------------------------------------------------------------------------------------

    def position(self, account: str, symbol: str, leg: Leg = Leg.BOTH) -> Position:
        """Return a position; a flat one, too, has leverage and margin mode."""
        return self._margin.position(account, symbol, leg)

    def positions(self, account: str) -> list[Position]:
        """Return the open positions of *account*, in the order of the markets."""
        open_ones = {(position.symbol, position.leg): position for position in self._margin.positions(account)}
        keys = ((symbol, leg) for symbol in self._records.markets for leg in Leg)
        return [open_ones[key] for key in keys if key in open_ones]

    def mark(self, symbol: str) -> Decimal | None:
        """Return the mark price; None before the first trade, if it was never set."""
        return self._prices.mark(symbol)

    def index(self, symbol: str) -> Decimal | None:
        return self._prices.index(symbol)

    def funding_rate(self, symbol: str) -> Decimal:
        return self._funding_rates.get(symbol, ZERO)

    def open_interest(self, symbol: str) -> Decimal:
        """Return the sum of all long positions."""
        return sum((p.quantity for p in self._margin.holders(symbol) if p.quantity > 0), ZERO)

    def available(self, account: str, asset: str) -> Decimal:
        """Return what new positions may use, below 0 when too much is used already."""
        return self._margin.available(account, asset)

    def spendable(self, account: str, asset: str) -> Decimal:
        """Return what may be withdrawn or spent on spot."""
        return self._margin.spendable(account, asset)

    def summary(self, account: str, asset: str) -> MarginSummary:
        return self._margin.summary(account, asset)

    def liquidation_price(self, account: str, symbol: str, leg: Leg = Leg.BOTH) -> Decimal | None:
        """Return the mark price at which a position is liquidated, all else unchanged; None: there is none."""
        return self._margin.liquidation_price(self.position(account, symbol, leg))

    # -- leverage and margin -------------------------------------------------------------------------------------

    def set_leverage(self, account: str, symbol: str, leverage: Decimal, now_ns: int, leg: Leg = Leg.BOTH) -> None:
        """Change leverage, and with it the initial margin of the position and of open orders.

        A lower one moves more margin to an isolated position; a higher one leaves the margin where it is.

        Raises:
            Refused: LEVERAGE out of range; INSUFFICIENT_FUNDS for the margin that a lower one needs.
        """
        contract = self._contract(symbol)
        if not 1 <= leverage <= contract.max_leverage:
            raise Refused(Reason.LEVERAGE)
        position = self.position(account, symbol, leg)
        old, position.leverage = position.leverage, leverage
        orders = [o for o in self._records.open_on(account, symbol) if o.reserved and o.leg is leg]
        more = {o.id: (o.reserved * old / leverage).quantize(QUANTUM, rounding=ROUND_UP) - o.reserved for o in orders}
        margin = ZERO
        if leverage < old and position.is_open and position.mode is MarginMode.ISOLATED:
            margin = max(ZERO, position.initial_margin(self._margin.mark(position)) - position.margin)
        needed = sum(more.values(), margin)
        if leverage < old and self._margin.available(account, contract.settle) < needed:
            position.leverage = old
            raise Refused(Reason.INSUFFICIENT_FUNDS)
        for order in orders:
            self._records.set_aside(order, more[order.id])
        self._move_margin(position, margin)
        self._records.settle_touched(now_ns)

    def set_margin_mode(self, account: str, symbol: str, mode: MarginMode, now_ns: int, leg: Leg = Leg.BOTH) -> None:
        """Choose cross or isolated margin.

        Raises:
            Refused: MARGIN_MODE the market forbids it; POSITION_OPEN.
        """
        if mode not in self._contract(symbol).modes:
            raise Refused(Reason.MARGIN_MODE)
        position = self.position(account, symbol, leg)
        if position.mode is mode:
            return
        if position.is_open:
            raise Refused(Reason.POSITION_OPEN)
        position.mode = mode
        self._records.touch_position(position)
        self._records.settle_touched(now_ns)

    def change_isolated_margin(
        self, account: str, symbol: str, amount: Decimal, now_ns: int, leg: Leg = Leg.BOTH
    ) -> None:
        """Add *amount* to the margin of an isolated position, or take it out when negative.

        Raises:
            Refused: NOT_ISOLATED; INSUFFICIENT_FUNDS in the account, or in the position, which keeps at least its
                initial margin at the mark price.
        """
        position = self.position(account, symbol, leg)
        if position.mode is not MarginMode.ISOLATED or not position.is_open:
            raise Refused(Reason.NOT_ISOLATED)
        mark = self._margin.mark(position)
        if amount > 0 and amount > self._margin.available(account, position.contract.settle):
            raise Refused(Reason.INSUFFICIENT_FUNDS)
        left = position.margin + amount + min(ZERO, position.unrealized(mark))
        if amount < 0 and left < position.initial_margin(mark):
            raise Refused(Reason.INSUFFICIENT_FUNDS)
        self._move_margin(position, amount)
        self._records.settle_touched(now_ns)

    def _move_margin(self, position: Position, amount: Decimal) -> None:
        position.margin += amount
        self._records.accounts.set_aside(position.account, position.contract.settle, amount)
        self._records.touch_position(position)

    # -- prices and funding --------------------------------------------------------------------------------------

    def set_mark(self, symbol: str, mark: Decimal, now_ns: int, index: Decimal | None = None) -> None:
        """Set the mark price, and the index where given, until `follow_trades`; do what both trigger and liquidate."""
        self._contract(symbol)
        if mark <= 0 or (index is not None and index <= 0):
            raise ValueError("mark and index prices are above 0")
        self._prices.set_mark(symbol, mark, index)
        self._moved(symbol, now_ns)
        self._records.settle_touched(now_ns)

    def follow_trades(self, symbol: str, now_ns: int) -> None:
        """Let the mark price follow trades again."""
        self._contract(symbol)
        self._prices.let_follow(symbol)
        self._moved(symbol, now_ns)
        self._records.settle_touched(now_ns)

    def follow(self, now_ns: int) -> None:
        """Bring the mark prices up to date with what was traded; the exchange calls it after each command."""
        while self._matching.traded:
            symbol = min(self._matching.traded)
            self._matching.traded.remove(symbol)
            if self._prices.follow(symbol):
                self._matching.run_triggers(symbol, now_ns)
            self._liquidation.check(symbol, now_ns)

    def _moved(self, symbol: str, now_ns: int) -> None:
        # What the new price triggers trades first; who is still short of margin then is liquidated.
        self._matching.run_triggers(symbol, now_ns)
        self._liquidation.check(symbol, now_ns)
        self.follow(now_ns)

    def set_funding_rate(self, symbol: str, rate: Decimal) -> None:
        """Set what longs pay shorts at the next settlement, as a fraction of the value at mark."""
        self._contract(symbol)
        self._funding_rates[symbol] = rate

    def settle_funding(self, symbol: str, now_ns: int) -> list[FundingEvent]:
        """Let every open position pay or receive funding now; return what happened, of all accounts.

        The rate stays as it is. An isolated position pays from its margin as far as that goes. What rounding to 1e-8
        leaves over is the venue's.
        """
        rate, events = self.funding_rate(symbol), []
        for position in self._margin.holders(symbol):
            mark = self._margin.mark(position)
            amount = position.fund(rate, mark)
            account, asset = position.account, position.contract.settle
            self._records.accounts.owe(FEE_ACCOUNT, account, asset, amount)
            if position.mode is MarginMode.ISOLATED:
                self._move_margin(position, max(amount, -position.margin))
            self._records.touch_position(position)
            quantity, leg = position.quantity, position.leg
            events.append(FundingEvent(account, symbol, quantity, rate, mark, amount, asset, now_ns, leg))
        self._records.events += [event for event in events if event.account in self._records.watched]
        self._liquidation.check(symbol, now_ns)
        self._records.settle_touched(now_ns)
        return events

    def _contract(self, symbol: str) -> Contract:
        contract = self._records.markets[symbol].contract
        if contract is None:
            raise ValueError(f"{symbol} is a spot market: it has no leverage, mark price or funding")
        return contract
