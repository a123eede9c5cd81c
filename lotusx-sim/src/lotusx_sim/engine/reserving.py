"""What an order would cost now, and what is locked for it."""

from collections.abc import Iterator
from decimal import Decimal

from lotusx_sim.engine.book import Book
from lotusx_sim.engine.orders import ZERO, Kind, Order, Reason, Refused, SelfTrade, Side
from lotusx_sim.engine.prices import Prices
from lotusx_sim.engine.records import Records
from lotusx_sim.engine.terms import Contract, Market, margin_for, reserve_price, share, whole_steps


class Reserving:
    """Locks funds for orders: on spot what they pay, on perpetuals the initial margin of what they may open."""

    def __init__(self, records: Records, books: dict[str, Book], prices: Prices) -> None:
        self._records = records
        self._books = books
        self._prices = prices

    def reserve(self, order: Order) -> None:
        """Lock what a new or triggered order needs.

        Raises:
            Refused: The account has less, or a reduce-only order has nothing to reduce.
        """
        market = self._records.markets[order.symbol]
        waits = order.lock_when_triggered and order.kind.is_conditional and order.working_ns is None
        if market.contract is not None:
            self._reserve_margin(order, market.contract)
        elif order.side is Side.SELL:
            order.reserved_asset = market.base
            if not waits:
                by_quote = order.quote_quantity is not None
                self._records.reserve(order, self.base_for_quote(order, market) if by_quote else order.remaining)
        else:
            order.reserved_asset = market.quote
            if waits:
                return
            if order.quote_quantity is not None:
                needed = order.quote_quantity
            elif order.kind is Kind.MARKET or (order.lock_when_triggered and not order.kind.is_limit):
                needed = self.cost_of(order)
            else:
                needed = order.remaining * reserve_price(order, self._prices.last.get(order.symbol))
            self._records.reserve(order, needed)

    def set_aside(self, order: Order) -> None:
        """Lock what a priced order needs that opens all of a position, or pays on spot, whatever the account has."""
        market = self._records.markets[order.symbol]
        assert order.price is not None
        if market.contract is not None:
            order.reserved_asset = market.contract.settle
            leverage = self._records.margin.position(order.account, order.symbol, order.leg).leverage
            amount = margin_for(market.contract.value(order.remaining, order.price), leverage)
        elif order.side is Side.SELL:
            order.reserved_asset, amount = market.base, order.remaining
        else:
            order.reserved_asset, amount = market.quote, order.remaining * order.price
        self._records.set_aside(order, amount)

    def top_up(self, order: Order) -> None:
        """Reserve what the book asks beyond a spot order's trigger price, as far as the account has it."""
        more = self.cost_of(order) - order.reserved
        more = min(more, self._records.margin.spendable(order.account, order.reserved_asset))
        if more > 0:
            self._records.reserve(order, more)

    def _reserve_margin(self, order: Order, contract: Contract) -> None:
        """Lock initial margin for what would open, at the order's price; closing needs none.

        The account must besides have the fee, and the loss that a price worse than mark makes at once. Conditional
        orders lock nothing before they trigger.
        """
        order.reserved_asset = contract.settle
        if order.kind.is_conditional and order.working_ns is None:
            return
        margin = self._records.margin
        if order.reduce_only:
            if not margin.reducible(order):
                raise Refused(Reason.REDUCE_ONLY)
            return
        if order.kind.is_limit and order.price is not None:
            quantity, value = order.remaining, contract.value(order.remaining, order.price)
        else:
            quantity, value = self.meets(order)
        closing = margin.reducible(order)
        if closing:
            closing = max(ZERO, closing - self._queued_to_close(order))
        opening = max(ZERO, quantity - closing)
        if not opening:
            return
        value = share(value, opening, quantity)
        mark = self._prices.mark(order.symbol)
        fair = value if mark is None else abs(contract.value(opening, mark))
        loss = max(ZERO, contract.sign * order.side.sign * (value - fair))
        fee = max(ZERO, value * self._records.fee_rate(order, is_maker=order.post_only))
        needed = margin_for(value, margin.position(order.account, order.symbol, order.leg).leverage)
        if needed + loss + fee > margin.available(order.account, contract.settle):
            raise Refused(Reason.INSUFFICIENT_FUNDS)
        self._records.set_aside(order, needed)

    def _queued_to_close(self, order: Order) -> Decimal:
        """Return how much other orders on the same side would close already. Reduce-only ones give way."""
        others = self._records.open_on(order.account, order.symbol)
        same = (o for o in others if o.side is order.side and o.leg is order.leg and o.id != order.id)
        return sum((o.remaining for o in same if o.working_ns is not None and not o.reduce_only), ZERO)

    # -- what an order would cost or sell ------------------------------------------------------------------------

    def cost_of(self, order: Order) -> Decimal:
        """Return what an order of any price would trade now: in quote on spot, else its value in settle."""
        return self.meets(order)[1]

    def meets(self, order: Order) -> tuple[Decimal, Decimal]:
        """Return the quantity that an order of any price would trade now, and its cost as `cost_of` has it."""
        contract = self._records.markets[order.symbol].contract
        quantity = cost = ZERO
        left = order.remaining
        for maker in self._makers(order):
            assert maker.price is not None
            take = min(left, maker.remaining)
            if not prevented(order, maker):
                quantity += take
                cost += take * maker.price if contract is None else contract.value(take, maker.price)
            left -= take
            if not left:
                break
        return quantity, cost

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
        for level in self._books[taker.symbol].half(taker.side.opposite).levels():
            for maker in level.orders.values():
                if not prevented(taker, maker) or decrements(taker):
                    yield maker
                elif taker.self_trade is not SelfTrade.EXPIRE_MAKER:
                    return


def prevented(taker: Order, maker: Order) -> bool:
    """Tell whether self-trade prevention keeps the two from trading."""
    return maker.account == taker.account and taker.self_trade is not SelfTrade.NONE


def decrements(taker: Order) -> bool:
    """Tell whether *taker* shrinks with the own order it meets; one by quote expires together with it."""
    return taker.self_trade is SelfTrade.DECREMENT and taker.quote_quantity is None
