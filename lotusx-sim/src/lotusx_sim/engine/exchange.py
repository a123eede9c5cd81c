"""The engine: commands in, events out, nothing else; time and identity come in as arguments."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from lotusx_sim.engine.accounts import Accounts
from lotusx_sim.engine.book import Book, crosses
from lotusx_sim.engine.matching import Matching
from lotusx_sim.engine.orders import (
    ZERO,
    BalanceEvent,
    Change,
    Event,
    Fill,
    Kind,
    NewOrder,
    Order,
    Reason,
    Refused,
    Side,
    Status,
    TimeInForce,
)
from lotusx_sim.engine.records import Records
from lotusx_sim.engine.terms import Fees, Market, reserve_price
from lotusx_sim.engine.triggers import would_trigger_now


class Exchange:
    """Accounts, books and orders of one exchange.

    Every command either raises `Refused` and changes nothing, or takes effect at once. What happened is read with
    `take_events`, in order. Orders of unwatched accounts (the background population) make public events only.
    """

    def __init__(self, markets: Iterable[Market], *, first_order_id: int = 1, first_trade_id: int = 1) -> None:
        self.markets: dict[str, Market] = {market.symbol: market for market in markets}
        self._records = Records(self.markets, first_execution_id=first_order_id)
        self._matching = Matching(self.markets, self._records, first_trade_id=first_trade_id)
        self._next_order_id = first_order_id

    @property
    def accounts(self) -> Accounts:
        return self._records.accounts

    @property
    def books(self) -> dict[str, Book]:
        return self._matching.books

    @property
    def last_price(self) -> dict[str, Decimal]:
        """Return the price of the last match of each market that had one."""
        return self._matching.last_price

    @property
    def orders(self) -> dict[int, Order]:
        """Return all orders of watched accounts by id, open or not."""
        return self._records.orders

    @property
    def fills(self) -> list[Fill]:
        """Return all fills of watched accounts, oldest first."""
        return self._records.fills

    # -- accounts ------------------------------------------------------------------------------------------------

    def open_account(
        self, account: str, balances: Mapping[str, Decimal], *, watched: bool = True, fees: Fees | None = None
    ) -> None:
        self.accounts.open(account, balances)
        self._records.fees[account] = fees or Fees()
        if watched:
            self._records.watched.add(account)

    def fees_of(self, account: str) -> Fees:
        return self._records.fees[account]

    def set_fees(self, account: str, fees: Fees) -> None:
        self._records.fees[account] = fees

    def transfer(self, account: str, asset: str, amount: Decimal, now_ns: int) -> None:
        """Deposit *amount*, or withdraw it when negative."""
        balance = self.accounts.balance(account, asset)
        if balance.free + amount < 0:
            raise Refused(Reason.INSUFFICIENT_FUNDS)
        balance.free += amount
        self._records.events += [
            BalanceEvent(account, (asset,), now_ns, delta=amount),
            BalanceEvent(account, (asset,), now_ns),
        ]

    def take_events(self) -> list[Event]:
        """Hand over everything that happened since the last call."""
        events, self._records.events = self._records.events, []
        return events

    # -- queries -------------------------------------------------------------------------------------------------

    def find(self, account: str, symbol: str, *, order_id: int | None = None, client_id: str = "") -> Order | None:
        """Return an order by id, or the newest one with *client_id*; both given must agree."""
        if order_id is not None:
            order = self.orders.get(order_id) or self._records.house.get(order_id)
            if order is None or order.account != account or order.symbol != symbol:
                return None
            return order if not client_id or order.client_id == client_id else None
        order = self._records.newest.get((account, client_id))
        return order if order is not None and order.symbol == symbol else None

    def open_orders(self, account: str, symbol: str | None = None) -> list[Order]:
        """Return open orders of a watched account, oldest first."""
        mine = (o for (owner, _), o in self._records.open.items() if owner == account and symbol in (None, o.symbol))
        return sorted(mine, key=lambda order: order.id)

    def resting(self, symbol: str, side: Side) -> list[Order]:
        """Return the orders of watched accounts in the book, best price first, then oldest."""
        mine = [o for o in self._records.open.values() if o.symbol == symbol and o.side is side and o.is_working]
        sign = -1 if side is Side.BUY else 1
        return sorted(mine, key=lambda order: (sign * (order.price or ZERO), order.id))

    # -- commands ------------------------------------------------------------------------------------------------

    def place(self, new: NewOrder, now_ns: int) -> Order:
        """Place an order, match it, and trigger what its trades trigger.

        Raises:
            Refused: For want of funds, because post-only would take, because its trigger is already reached, or
                because an open order has its client id.
        """
        market = self.markets[new.symbol]
        self._check(new, market)
        order = self._make(new, now_ns)
        self._reserve(order, market)
        self._records.keep(order)
        if order.kind.is_conditional:
            self._matching.triggers[order.symbol].add(order, self.last_price.get(order.symbol), now_ns)
            self._records.report(order, Change.NEW, now_ns)
        else:
            order.working_ns = now_ns
            self._records.report(order, Change.NEW, now_ns)
            self._matching.work(order, now_ns)
        self._records.settle_touched(now_ns)
        return order

    def cancel(self, order: Order, now_ns: int, *, request_id: str = "") -> Order:
        """Cancel an open order.

        Raises:
            Refused: It is not open any more.
        """
        if not order.is_open:
            raise Refused(Reason.UNKNOWN_ORDER)
        self._matching.take_off(order, now_ns)
        self._records.finish(order, Status.CANCELED, Change.CANCELED, now_ns, request_id=request_id)
        self._records.settle_touched(now_ns)
        return order

    def reduce(self, order: Order, quantity: Decimal, now_ns: int, *, client_id: str = "") -> Order:
        """Lower an open order's total quantity to *quantity*; it keeps its place in the queue.

        Raises:
            Refused: Not open, no change, an increase, or not above what was executed.
        """
        if not order.is_open:
            raise Refused(Reason.UNKNOWN_ORDER)
        if quantity == order.quantity:
            raise Refused(Reason.NO_CHANGE)
        if quantity > order.quantity:
            raise Refused(Reason.NOT_A_DECREASE)
        if quantity <= order.executed:
            raise Refused(Reason.BELOW_EXECUTED)
        if client_id and client_id != order.client_id and (order.account, client_id) in self._records.open:
            raise Refused(Reason.DUPLICATE_CLIENT_ID)
        less = order.quantity - quantity
        if order.is_working:
            level = self.books[order.symbol].half(order.side).reduce(order, less, gone=False)
            self._records.publish_level(order.symbol, order.side, level, now_ns)
        order.quantity = quantity
        order.amendments += 1
        order.updated_ns = now_ns
        self._records.release(order, less if order.side is Side.SELL else less * reserve_price(order))
        original = order.client_id
        if client_id and client_id != original:
            self._records.rename(order, client_id)
        self._records.report(order, Change.AMENDED, now_ns, request_id=order.client_id, original_client_id=original)
        self._records.settle_touched(now_ns)
        return order

    def expire(self, order: Order, now_ns: int, reason: str) -> None:
        """Let the venue itself end an open order."""
        self._matching.take_off(order, now_ns)
        order.expiry_reason = reason
        self._records.finish(order, Status.EXPIRED, Change.EXPIRED, now_ns)
        self._records.settle_touched(now_ns)

    def fill_resting(self, order: Order, quantity: Decimal, counterparty: str, now_ns: int) -> Decimal:
        """Trade *counterparty* against one resting order, whatever its place in the queue; return what was filled."""
        if not order.is_working or order.price is None:
            raise Refused(Reason.UNKNOWN_ORDER)
        taker = self._make(
            NewOrder(
                counterparty,
                order.symbol,
                order.side.opposite,
                Kind.LIMIT,
                min(quantity, order.remaining),
                price=order.price,
                time_in_force=TimeInForce.IOC,
            ),
            now_ns,
        )
        self._reserve(taker, self.markets[order.symbol])
        filled = taker.quantity
        self._matching.match_pair(taker, order, filled, now_ns)
        self._records.release(taker, taker.reserved)
        self._matching.run_triggers(order.symbol, now_ns)
        self._records.settle_touched(now_ns)
        return filled

    def set_last_price(self, symbol: str, price: Decimal, now_ns: int) -> None:
        """Take note of a trade that happened outside of the engine, and trigger what it triggers."""
        self.last_price[symbol] = price
        self._matching.run_triggers(symbol, now_ns)
        self._records.settle_touched(now_ns)

    # -- placing -------------------------------------------------------------------------------------------------

    def _check(self, new: NewOrder, market: Market) -> None:
        if not market.is_open:
            raise Refused(Reason.MARKET_CLOSED)
        if new.client_id and (new.account, new.client_id) in self._records.open:
            raise Refused(Reason.DUPLICATE_CLIENT_ID)
        if new.post_only and new.price is not None:
            best = self.books[new.symbol].half(new.side.opposite).best()
            if best is not None and crosses(new.side, new.price, best.price):
                raise Refused(Reason.WOULD_TAKE)
        last = self.last_price.get(new.symbol)
        if new.kind.is_conditional and last is not None and would_trigger_now(new, last):
            raise Refused(Reason.WOULD_TRIGGER)

    def _make(self, new: NewOrder, now_ns: int) -> Order:
        order_id = self._next_order_id
        self._next_order_id += 1
        return Order(
            id=order_id,
            account=new.account,
            symbol=new.symbol,
            side=new.side,
            kind=new.kind,
            time_in_force=new.time_in_force,
            post_only=new.post_only,
            quantity=new.quantity,
            price=new.price,
            quote_quantity=new.quote_quantity,
            trigger_price=new.trigger_price,
            trailing_bps=new.trailing_bps,
            self_trade=new.self_trade,
            client_id=new.client_id or f"auto-{order_id}",
            created_ns=now_ns,
            tags=new.tags,
            updated_ns=now_ns,
        )

    def _reserve(self, order: Order, market: Market) -> None:
        if order.side is Side.SELL:
            order.reserved_asset = market.base
            needed = order.quantity
            if order.quote_quantity is not None:
                needed = self._matching.base_for_quote(order, market)
        else:
            order.reserved_asset = market.quote
            if order.quote_quantity is not None:
                needed = order.quote_quantity
            elif order.kind is Kind.MARKET:
                needed = self._matching.cost_of(order)
            else:
                needed = order.quantity * reserve_price(order, self.last_price.get(order.symbol))
        self._records.reserve(order, needed)
