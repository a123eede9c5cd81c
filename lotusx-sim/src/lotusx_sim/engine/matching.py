"""Matching: a working order meets the book, price first, then time; trades wake conditional orders."""

from decimal import Decimal

from lotusx_sim.engine.book import Book, HalfBook, crosses, next_price
from lotusx_sim.engine.orders import (
    MARGIN_GONE,
    NOTHING_TO_REDUCE,
    ZERO,
    Change,
    Order,
    PriceSource,
    Reason,
    Refused,
    SelfTrade,
    Side,
    Status,
    TimeInForce,
    TradeEvent,
)
from lotusx_sim.engine.prices import Prices
from lotusx_sim.engine.records import Records
from lotusx_sim.engine.reserving import Reserving, decrements, prevented
from lotusx_sim.engine.terms import Market, whole_steps
from lotusx_sim.engine.triggers import TriggerBook

_RESTS = frozenset({TimeInForce.GTC})


class Matching:
    """Books and waiting conditional orders of all markets; what happens is written to the records."""

    def __init__(
        self,
        markets: dict[str, Market],
        books: dict[str, Book],
        prices: Prices,
        records: Records,
        reserving: Reserving,
        *,
        first_trade_id: int,
    ) -> None:
        self.markets = markets
        self.books = books
        self.triggers: dict[str, TriggerBook] = {}
        self.traded: set[str] = set()  # perpetuals whose mark price may have to follow
        self._prices = prices
        self._records = records
        self._reserving = reserving
        self._first_trade_id = first_trade_id
        self._next_trade_id: dict[str, int] = {}
        for symbol in markets:
            self.open_market(symbol)

    def open_market(self, symbol: str) -> None:
        """Begin with a market that the shared books have by now."""
        self.triggers[symbol] = TriggerBook()
        self._next_trade_id[symbol] = self._first_trade_id

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
                self.rest(order, now_ns)
        self.run_triggers(order.symbol, now_ns)

    def rest(self, order: Order, now_ns: int) -> None:
        """Put an order into the book, behind those of its price."""
        level = self.books[order.symbol].half(order.side).add(order)
        self._records.publish_level(order.symbol, order.side, level, now_ns)

    def take_off(self, order: Order, now_ns: int) -> None:
        """Take an open order out of the book, or out of those that wait for a trigger."""
        if order.working_ns is None:
            self.triggers[order.symbol].remove(order)
            return
        level = self.books[order.symbol].half(order.side).remove(order)
        self._records.publish_level(order.symbol, order.side, level, now_ns)

    def _fillable(self, order: Order, opposite: HalfBook) -> bool:
        left = order.remaining
        is_perpetual = self.markets[order.symbol].contract is not None
        if is_perpetual and self._permitted(order, left) < left:
            return False
        if is_perpetual and order.price is not None and not self._covers(order, left, order.price, is_maker=False):
            return False
        offered: dict[str, Decimal] = {}
        for level in opposite.levels():
            if not crosses(order.side, order.price, level.price):
                return False
            if order.self_trade is SelfTrade.NONE and not is_perpetual:
                left -= level.total
            else:
                left -= sum((self._offered(o, offered) for o in level.orders.values() if not prevented(order, o)), ZERO)
            if left <= 0:
                return True
        return False

    def _offered(self, maker: Order, offered: dict[str, Decimal]) -> Decimal:
        """Return how much of a resting order is there to trade, after what its account has *offered* before it."""
        assert maker.price is not None
        if self.markets[maker.symbol].contract is None:
            return maker.remaining
        before = offered.get(maker.account, ZERO)
        quantity = self._permitted(maker, before + maker.remaining) - before
        if quantity <= 0 or not self._covers(maker, before + quantity, maker.price, is_maker=True):
            return ZERO
        offered[maker.account] = before + quantity
        return quantity

    def _match(self, taker: Order, opposite: HalfBook, now_ns: int) -> None:
        limit = taker.price if taker.kind.is_limit else None
        while taker.is_open and taker.remaining > 0:
            level = opposite.best()
            if level is None or not crosses(taker.side, limit, level.price):
                return
            maker = level.first()
            if prevented(taker, maker):
                self._prevent(taker, maker, now_ns)
                continue
            quantity = min(taker.remaining, maker.remaining)
            if self.markets[taker.symbol].contract is not None:
                quantity = self.agree(taker, maker, quantity, now_ns)
                if not quantity:
                    continue
            elif not taker.kind.is_limit and taker.side is Side.BUY:
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
            if prevented(taker, maker):
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
        trade_id = self.next_trade_id(symbol)
        maker_done = quantity == maker.remaining
        level = self.books[symbol].half(maker.side).reduce(maker, quantity, gone=maker_done)
        self._prices.last[symbol] = price
        is_perpetual = self.markets[symbol].contract is not None
        if not is_perpetual:
            self._records.exchange_assets(taker, maker, price, quantity)
        self._records.events.append(TradeEvent(symbol, trade_id, price, quantity, taker.side, now_ns, taker.id))
        self._records.publish_level(symbol, maker.side, level, now_ns)
        for order, is_maker in ((taker, False), (maker, True)):
            self._records.fill(order, trade_id, price, quantity, is_maker=is_maker, now_ns=now_ns)
        if is_perpetual:
            self.traded.add(symbol)
            for account in dict.fromkeys((maker.account, taker.account)):
                self._drop_useless(account, taker, now_ns)

    def price_of(self, symbol: str, source: PriceSource) -> Decimal | None:
        return self._prices.of(symbol, source)

    def next_trade_id(self, symbol: str) -> int:
        trade_id = self._next_trade_id[symbol]
        self._next_trade_id[symbol] = trade_id + 1
        return trade_id

    # -- what a position and its margin permit -------------------------------------------------------------------

    def agree(self, taker: Order, maker: Order, quantity: Decimal, now_ns: int) -> Decimal:
        """Return how much of *quantity* both positions permit; 0 when one's margin does not, which ends that order."""
        assert maker.price is not None
        quantity = self._permitted(taker, self._permitted(maker, quantity))
        assert quantity > 0, "an order that can reduce no longer is ended at once"
        for order in (maker, taker):
            if not self._covers(order, quantity, maker.price, is_maker=order is maker):
                self.end(order, MARGIN_GONE, now_ns, rests=order is maker)
                return ZERO
        return quantity

    def end(self, order: Order, reason: str, now_ns: int, *, rests: bool) -> None:
        """Let the engine end an open order; *rests*: it is in the book, or waits for its trigger."""
        if rests:
            self.take_off(order, now_ns)
        order.expiry_reason = reason
        self._records.finish(order, Status.EXPIRED, Change.EXPIRED, now_ns)

    def _permitted(self, order: Order, quantity: Decimal) -> Decimal:
        return min(quantity, self._records.margin.reducible(order)) if order.reduce_only else quantity

    def _covers(self, order: Order, quantity: Decimal, price: Decimal, *, is_maker: bool) -> bool:
        fee, _ = self._records.fee(order, price, quantity, is_maker=is_maker)
        return self._records.margin.covers(order, quantity, price, fee)

    def _drop_useless(self, account: str, taker: Order, now_ns: int) -> None:
        """End the reduce-only orders that have nothing to reduce any more; waiting ones are asked when triggered."""
        for order in self._records.open_on(account, taker.symbol):
            if not order.reduce_only or (order.working_ns is None and not order.whole_position):
                continue
            if not self._records.margin.reducible(order):
                self.end(order, NOTHING_TO_REDUCE, now_ns, rests=order is not taker)

    def _prevent(self, taker: Order, maker: Order, now_ns: int) -> None:
        mode = taker.self_trade
        quantity = min(taker.remaining, maker.remaining)
        if decrements(taker):
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
        if not gone:
            self._records.release_for(order, quantity)
        order.prevented += quantity
        if gone:
            self._records.finish(order, Status.EXPIRED_IN_MATCH, Change.PREVENTED, now_ns, prevented=quantity)
        else:
            self._records.report(order, Change.PREVENTED, now_ns, prevented=quantity)

    # -- triggers ------------------------------------------------------------------------------------------------

    def run_triggers(self, symbol: str, now_ns: int) -> None:
        """Put to work the conditional orders that a price triggers."""
        waiting = self.triggers[symbol]
        if not len(waiting):
            return
        for order in waiting.take_triggered(lambda source: self._prices.of(symbol, source), now_ns):
            if order.is_open:  # one triggered before it may have ended it
                self._trigger(order, now_ns)

    def _trigger(self, order: Order, now_ns: int) -> None:
        order.working_ns = order.updated_ns = now_ns
        if order.kind.is_limit and order.post_only:
            order.post_only = False
        if self.markets[order.symbol].contract is not None or order.lock_when_triggered:
            if order.whole_position:
                order.quantity = self._records.margin.reducible(order)
            try:
                self._reserving.reserve(order)
            except Refused as refused:
                reason = NOTHING_TO_REDUCE if refused.reason is Reason.REDUCE_ONLY else MARGIN_GONE
                self.end(order, reason, now_ns, rests=False)
                return
        elif not order.kind.is_limit and order.side is Side.BUY:
            self._reserving.top_up(order)
        self._records.report(order, Change.NEW, now_ns)
        self.work(order, now_ns)
