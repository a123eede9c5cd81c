"""Matching: a working order meets the book, price first, then time; trades wake conditional orders."""

from collections.abc import Iterator
from decimal import Decimal

from lotusx_sim.engine.book import Book, HalfBook, crosses, next_price
from lotusx_sim.engine.orders import ZERO, Change, Order, SelfTrade, Side, Status, TimeInForce, TradeEvent
from lotusx_sim.engine.records import Records
from lotusx_sim.engine.terms import Market, reserve_price, whole_steps
from lotusx_sim.engine.triggers import TriggerBook

_RESTS = frozenset({TimeInForce.GTC})


class Matching:
    """Books and waiting conditional orders of all markets; what happens is written to the records."""

    def __init__(self, markets: dict[str, Market], records: Records, *, first_trade_id: int) -> None:
        self.markets = markets
        self.books: dict[str, Book] = {symbol: Book() for symbol in markets}
        self.last_price: dict[str, Decimal] = {}
        self.triggers: dict[str, TriggerBook] = {symbol: TriggerBook() for symbol in markets}
        self._records = records
        self._next_trade_id = dict.fromkeys(markets, first_trade_id)

    def work(self, order: Order, now_ns: int) -> None:
        """Match a working order, then rest or expire what is left of it."""
        opposite = self.books[order.symbol].half(order.side.opposite)
        if order.time_in_force is TimeInForce.FOK and not self._fillable(order, opposite):
            order.expiry_reason = "UNFILLED_FOK_ORDER"
            self._records.finish(order, Status.EXPIRED, Change.EXPIRED, now_ns)
            return
        if order.quote_quantity is not None:
            self._match_by_quote(order, opposite, now_ns)
        else:
            self._match(order, opposite, now_ns)
        if order.is_open:
            if not order.kind.is_limit:
                order.expiry_reason = "INSUFFICIENT_LIQUIDITY"
                self._records.finish(order, Status.EXPIRED, Change.EXPIRED, now_ns)
            elif order.time_in_force not in _RESTS:
                order.expiry_reason = "UNFILLED_IOC_QUANTITY"
                self._records.finish(order, Status.EXPIRED, Change.EXPIRED, now_ns)
            else:
                level = self.books[order.symbol].half(order.side).add(order)
                self._records.publish_level(order.symbol, order.side, level, now_ns)
        self.run_triggers(order.symbol, now_ns)

    def take_off(self, order: Order, now_ns: int) -> None:
        """Take an open order out of the book, or out of those that wait for a trigger."""
        if order.working_ns is None:
            self.triggers[order.symbol].remove(order)
            return
        level = self.books[order.symbol].half(order.side).remove(order)
        self._records.publish_level(order.symbol, order.side, level, now_ns)

    def _fillable(self, order: Order, opposite: HalfBook) -> bool:
        left = order.remaining
        for level in opposite.levels():
            if not crosses(order.side, order.price, level.price):
                return False
            if order.self_trade is SelfTrade.NONE:
                left -= level.total
            else:
                left -= sum((o.remaining for o in level.orders.values() if o.account != order.account), ZERO)
            if left <= 0:
                return True
        return False

    def _match(self, taker: Order, opposite: HalfBook, now_ns: int) -> None:
        limit = taker.price if taker.kind.is_limit else None
        while taker.is_open and taker.remaining > 0:
            level = opposite.best()
            if level is None or not crosses(taker.side, limit, level.price):
                return
            maker = level.first()
            if _prevented(taker, maker):
                self._prevent(taker, maker, now_ns)
                continue
            quantity = min(taker.remaining, maker.remaining)
            if not taker.kind.is_limit and taker.side is Side.BUY:
                affordable = whole_steps(taker.reserved / level.price, self.markets[taker.symbol].step)
                quantity = min(quantity, affordable)
                if quantity <= 0:
                    return
            self.match_pair(taker, maker, quantity, now_ns)

    def _match_by_quote(self, taker: Order, opposite: HalfBook, now_ns: int) -> None:
        assert taker.quote_quantity is not None
        step = self.markets[taker.symbol].step
        taker.quantity = ZERO
        while taker.is_open:
            level = opposite.best()
            if level is None:
                break
            maker = level.first()
            if _prevented(taker, maker):
                self._prevent(taker, maker, now_ns)
                continue
            left = taker.quote_quantity - taker.executed_quote
            quantity = min(whole_steps(left / level.price, step), maker.remaining)
            if quantity <= 0:
                break
            left -= quantity * level.price
            after = next_price(opposite, level_is_emptied=quantity == level.total)
            complete = after is not None and left < step * after
            # One step more than is known to be bought keeps the order open until the quote amount is used up.
            taker.quantity = taker.executed + quantity + (ZERO if complete else step)
            self.match_pair(taker, maker, quantity, now_ns)
        if taker.is_open:
            taker.quantity = taker.executed

    def match_pair(self, taker: Order, maker: Order, quantity: Decimal, now_ns: int) -> None:
        """Trade *quantity* between two orders at the maker's price."""
        assert maker.price is not None
        symbol, price = taker.symbol, maker.price
        trade_id = self._next_trade_id[symbol]
        self._next_trade_id[symbol] = trade_id + 1
        maker_done = quantity == maker.remaining
        level = self.books[symbol].half(maker.side).reduce(maker, quantity, gone=maker_done)
        self.last_price[symbol] = price
        self._records.exchange_assets(taker, maker, price, quantity)
        self._records.events.append(TradeEvent(symbol, trade_id, price, quantity, taker.side, now_ns, taker.id))
        self._records.publish_level(symbol, maker.side, level, now_ns)
        for order, is_maker in ((taker, False), (maker, True)):
            self._records.fill(order, trade_id, price, quantity, is_maker=is_maker, now_ns=now_ns)

    def _prevent(self, taker: Order, maker: Order, now_ns: int) -> None:
        mode = taker.self_trade
        quantity = min(taker.remaining, maker.remaining)
        if _decrements(taker):
            self._decrement(maker, quantity, now_ns, resting=True)
            self._decrement(taker, quantity, now_ns, resting=False)
            return
        if mode is not SelfTrade.EXPIRE_TAKER:
            self.take_off(maker, now_ns)
            self._records.finish(maker, Status.EXPIRED_IN_MATCH, Change.PREVENTED, now_ns, prevented=quantity)
        if mode is not SelfTrade.EXPIRE_MAKER:
            self._records.finish(taker, Status.EXPIRED_IN_MATCH, Change.PREVENTED, now_ns, prevented=quantity)

    def _decrement(self, order: Order, quantity: Decimal, now_ns: int, *, resting: bool) -> None:
        gone = order.remaining == quantity
        if resting:
            level = self.books[order.symbol].half(order.side).reduce(order, quantity, gone=gone)
            self._records.publish_level(order.symbol, order.side, level, now_ns)
        order.prevented += quantity
        if gone:
            self._records.finish(order, Status.EXPIRED_IN_MATCH, Change.PREVENTED, now_ns, prevented=quantity)
        else:
            self._records.release(order, quantity if order.side is Side.SELL else quantity * reserve_price(order))
            self._records.report(order, Change.PREVENTED, now_ns, prevented=quantity)

    # -- what an order would cost or sell ------------------------------------------------------------------------

    def cost_of(self, order: Order) -> Decimal:
        """Return what a buy order of any price would pay now, in quote."""
        cost, left = ZERO, order.quantity
        for maker in self._makers(order):
            assert maker.price is not None
            take = min(left, maker.remaining)
            if not _prevented(order, maker):
                cost += take * maker.price
            left -= take
            if not left:
                break
        return cost

    def base_for_quote(self, order: Order, market: Market) -> Decimal:
        """Return how much base must be sold now to receive the quote amount of *order*."""
        assert order.quote_quantity is not None
        base, left = ZERO, order.quote_quantity
        for maker in self._makers(order):
            assert maker.price is not None
            take = min(whole_steps(left / maker.price, market.step), maker.remaining)
            base += take
            left -= take * maker.price
            if take < maker.remaining:
                break
        return base

    def _makers(self, taker: Order) -> Iterator[Order]:
        """Iterate the resting orders that use up *taker*, in the order it meets them.

        An order that self-trade prevention would expire is left out: the taker goes past it, to a worse price.
        """
        for level in self.books[taker.symbol].half(taker.side.opposite).levels():
            for maker in level.orders.values():
                if not _prevented(taker, maker) or _decrements(taker):
                    yield maker
                elif taker.self_trade is not SelfTrade.EXPIRE_MAKER:
                    return

    # -- triggers ------------------------------------------------------------------------------------------------

    def run_triggers(self, symbol: str, now_ns: int) -> None:
        """Put to work the conditional orders that the last price triggers."""
        last = self.last_price.get(symbol)
        if last is None:
            return
        for order in self.triggers[symbol].take_triggered(last, now_ns):
            self._trigger(order, now_ns)

    def _trigger(self, order: Order, now_ns: int) -> None:
        order.working_ns = order.updated_ns = now_ns
        if order.kind.is_limit and order.post_only:
            order.post_only = False
        if not order.kind.is_limit and order.side is Side.BUY:
            self._top_up(order)
        self._records.report(order, Change.NEW, now_ns)
        self.work(order, now_ns)

    def _top_up(self, order: Order) -> None:
        """Reserve what the book asks beyond the trigger price, as far as the account has it."""
        more = self.cost_of(order) - order.reserved
        more = min(more, self._records.accounts.balance(order.account, order.reserved_asset).free)
        if more > 0:
            self._records.reserve(order, more)


def _prevented(taker: Order, maker: Order) -> bool:
    """Tell whether self-trade prevention keeps the two from trading."""
    return maker.account == taker.account and taker.self_trade is not SelfTrade.NONE


def _decrements(taker: Order) -> bool:
    """Tell whether *taker* shrinks with the own order it meets; one by quote expires together with it."""
    return taker.self_trade is SelfTrade.DECREMENT and taker.quote_quantity is None
