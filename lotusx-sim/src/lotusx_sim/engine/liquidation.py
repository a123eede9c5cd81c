"""What happens to an account whose margin is used up.

Checked in a market when its mark price moves, after a command that traded there, and after funding. An isolated
position is liquidated when its margin and unrealized profit or loss are below its maintenance margin; cross positions
that settle in one asset when the cross equity in that asset is below the sum of theirs. All of them are then closed
at once and whole: the venue's liquidator takes them over at the mark price, without fee and without a print, after
the open orders that hang on the same margin were ended. What remains is the account's; where it would owe, the
liquidator pays.
"""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from lotusx_sim.engine.events import LiquidationEvent
from lotusx_sim.engine.matching import Matching
from lotusx_sim.engine.orders import LIQUIDATED, ZERO, Kind, NewOrder, Order, Side
from lotusx_sim.engine.positions import Position
from lotusx_sim.engine.records import Records
from lotusx_sim.engine.terms import MarginMode

LIQUIDATOR_ACCOUNT = "venue-liquidator"


class Liquidation:
    def __init__(self, records: Records, matching: Matching, make: Callable[[NewOrder, int], Order]) -> None:
        self._records = records
        self._matching = matching
        self._make = make
        records.accounts.open(LIQUIDATOR_ACCOUNT, {})

    def check(self, symbol: str, now_ns: int) -> None:
        """Liquidate whoever has a position in *symbol* and too little margin."""
        margin = self._records.margin
        for position in margin.holders(symbol):
            if position.account == LIQUIDATOR_ACCOUNT:
                continue
            asset, mark = position.contract.settle, margin.mark(position)
            if position.mode is MarginMode.ISOLATED:
                equity = position.margin + position.unrealized(mark)
                if equity < position.maintenance_margin(mark):
                    self._end_orders(self._records.open_on(position.account, symbol), now_ns)
                    self._take_over([position], equity, now_ns)
                continue
            summary = margin.summary(position.account, asset)
            if summary.cross_equity < summary.cross_maintenance:
                self._end_orders(self._orders_on_margin(position.account, asset), now_ns)
                cross = [p for p in margin.positions(position.account, asset) if p.mode is MarginMode.CROSS]
                self._take_over(cross, summary.cross_equity, now_ns)

    def _orders_on_margin(self, account: str, asset: str) -> list[Order]:
        markets = self._records.markets.values()
        symbols = (m.symbol for m in markets if m.contract is not None and m.contract.settle == asset)
        orders = [order for symbol in symbols for order in self._records.open_on(account, symbol)]
        on_spot = (o for o in self._records.open.values() if o.account == account and o.reserved_asset == asset)
        return list({order.id: order for order in (*orders, *on_spot)}.values())

    def _end_orders(self, orders: list[Order], now_ns: int) -> None:
        for order in orders:
            self._matching.end(order, LIQUIDATED, now_ns, rests=True)

    def _take_over(self, positions: list[Position], equity: Decimal, now_ns: int) -> None:
        """Close *positions* of one account, which one margin stood behind."""
        account, asset = positions[0].account, positions[0].contract.settle
        events = []
        for position in positions:
            quantity, mark = position.quantity, self._records.margin.mark(position)
            self._close(position, mark, now_ns)
            value = abs(position.contract.value(quantity, mark))
            events.append(
                LiquidationEvent(account, position.symbol, quantity, mark, value, equity, ZERO, now_ns, position.leg)
            )
        owed = self._records.accounts.balance(account, asset).free
        shortfall = max(ZERO, -equity if positions[0].mode is MarginMode.ISOLATED else -owed)
        if shortfall:
            self._records.accounts.owe(LIQUIDATOR_ACCOUNT, account, asset, shortfall)
            events[-1] = replace(events[-1], shortfall=shortfall)
        if account in self._records.watched:
            self._records.events += events

    def _close(self, position: Position, mark: Decimal, now_ns: int) -> None:
        side = Side.SELL if position.quantity > 0 else Side.BUY
        quantity = abs(position.quantity)
        new = NewOrder(position.account, position.symbol, side, Kind.MARKET, quantity, leg=position.leg)
        order = self._make(new, now_ns)
        order.is_liquidation = True
        order.working_ns = now_ns
        self._records.keep(order)
        taken = self._records.margin.position(LIQUIDATOR_ACCOUNT, position.symbol)
        trade_id = self._matching.next_trade_id(position.symbol)
        self._records.margin.trade(taken, -side.sign * quantity, mark)
        self._records.fill(order, trade_id, mark, quantity, is_maker=False, now_ns=now_ns)
