"""The engine: commands in, events out, nothing else; time and identity come in as arguments."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal

from lotusx_sim.engine.accounts import Accounts
from lotusx_sim.engine.book import Book, HalfBook, Level, crosses, next_price
from lotusx_sim.engine.orders import (
    ZERO,
    BalanceEvent,
    BookEvent,
    Change,
    Event,
    Fill,
    Kind,
    NewOrder,
    Order,
    OrderEvent,
    Reason,
    Refused,
    SelfTrade,
    Side,
    Status,
    TimeInForce,
    TradeEvent,
)
from lotusx_sim.engine.triggers import TriggerBook, would_trigger_now

FEE_ACCOUNT = "venue-fees"
_FEE_QUANTUM = Decimal("1e-8")
_RESTS = frozenset({TimeInForce.GTC})


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


class Exchange:
    """Accounts, books and orders of one exchange.

    Every command either raises `Refused` and changes nothing, or takes effect at once. What happened is read with
    `take_events`, in order. Orders of unwatched accounts (the background population) make public events only.
    """

    def __init__(self, markets: Iterable[Market], *, first_order_id: int = 1, first_trade_id: int = 1) -> None:
        self.accounts = Accounts()
        self.accounts.open(FEE_ACCOUNT, {})
        self.markets: dict[str, Market] = {market.symbol: market for market in markets}
        self.books: dict[str, Book] = {symbol: Book() for symbol in self.markets}
        self.last_price: dict[str, Decimal] = {}
        self.orders: dict[int, Order] = {}  # of watched accounts: all of them, open or not
        self.fills: list[Fill] = []  # of watched accounts
        self._fees: dict[str, Fees] = {}
        self._watched: set[str] = set()
        self._open: dict[tuple[str, str], Order] = {}  # (account, client id) of open orders of watched accounts
        self._newest: dict[tuple[str, str], Order] = {}  # (account, client id): open or not
        self._house: dict[int, Order] = {}  # open orders of unwatched accounts
        self._triggers: dict[str, TriggerBook] = {symbol: TriggerBook() for symbol in self.markets}
        self._events: list[Event] = []
        self._touched: dict[tuple[str, str], None] = {}
        self._next_order_id = first_order_id
        self._next_trade_id = dict.fromkeys(self.markets, first_trade_id)
        self._next_execution_id = first_order_id

    # -- accounts ------------------------------------------------------------------------------------------------

    def open_account(
        self, account: str, balances: Mapping[str, Decimal], *, watched: bool = True, fees: Fees | None = None
    ) -> None:
        self.accounts.open(account, balances)
        self._fees[account] = fees or Fees()
        if watched:
            self._watched.add(account)

    def fees_of(self, account: str) -> Fees:
        return self._fees[account]

    def set_fees(self, account: str, fees: Fees) -> None:
        self._fees[account] = fees

    def transfer(self, account: str, asset: str, amount: Decimal, now_ns: int) -> None:
        """Deposit *amount*, or withdraw it when negative."""
        balance = self.accounts.balance(account, asset)
        if balance.free + amount < 0:
            raise Refused(Reason.INSUFFICIENT_FUNDS)
        balance.free += amount
        self._events.append(BalanceEvent(account, (asset,), now_ns, delta=amount))

    def take_events(self) -> list[Event]:
        """Hand over everything that happened since the last call."""
        events, self._events = self._events, []
        return events

    # -- queries -------------------------------------------------------------------------------------------------

    def find(self, account: str, symbol: str, *, order_id: int | None = None, client_id: str = "") -> Order | None:
        """Return an order by id, or the newest one with *client_id*; both given must agree."""
        if order_id is not None:
            order = self.orders.get(order_id) or self._house.get(order_id)
            if order is None or order.account != account or order.symbol != symbol:
                return None
            return order if not client_id or order.client_id == client_id else None
        order = self._newest.get((account, client_id))
        return order if order is not None and order.symbol == symbol else None

    def open_orders(self, account: str, symbol: str | None = None) -> list[Order]:
        """Return open orders of a watched account, oldest first."""
        mine = (o for (owner, _), o in self._open.items() if owner == account and symbol in (None, o.symbol))
        return sorted(mine, key=lambda order: order.id)

    def resting(self, symbol: str, side: Side) -> list[Order]:
        """Return the orders of watched accounts in the book, best price first, then oldest."""
        mine = [o for o in self._open.values() if o.symbol == symbol and o.side is side and o.is_working]
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
        if new.account in self._watched:
            self.orders[order.id] = order
            self._open[(order.account, order.client_id)] = order
            self._newest[(order.account, order.client_id)] = order
        else:
            self._house[order.id] = order
        if order.kind.is_conditional:
            self._triggers[order.symbol].add(order, self.last_price.get(order.symbol), now_ns)
            self._report(order, Change.NEW, now_ns)
        else:
            order.working_ns = now_ns
            self._report(order, Change.NEW, now_ns)
            self._work(order, now_ns)
        self._settle_touched(now_ns)
        return order

    def cancel(self, order: Order, now_ns: int, *, request_id: str = "") -> Order:
        """Cancel an open order.

        Raises:
            Refused: It is not open any more.
        """
        if not order.is_open:
            raise Refused(Reason.UNKNOWN_ORDER)
        self._take_off(order, now_ns)
        self._finish(order, Status.CANCELED, Change.CANCELED, now_ns, request_id=request_id)
        self._settle_touched(now_ns)
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
        if client_id and client_id != order.client_id and (order.account, client_id) in self._open:
            raise Refused(Reason.DUPLICATE_CLIENT_ID)
        less = order.quantity - quantity
        if order.is_working:
            level = self.books[order.symbol].half(order.side).reduce(order, less, gone=False)
            self._publish_level(order.symbol, order.side, level, now_ns)
        order.quantity = quantity
        order.amendments += 1
        order.updated_ns = now_ns
        self._release(order, less if order.side is Side.SELL else less * _reserve_price(order))
        original = order.client_id
        if client_id and client_id != original:
            self._open.pop((order.account, original), None)
            order.client_id = client_id
            self._open[(order.account, client_id)] = order
            self._newest[(order.account, client_id)] = order
        self._report(order, Change.AMENDED, now_ns, request_id=order.client_id, original_client_id=original)
        self._settle_touched(now_ns)
        return order

    def expire(self, order: Order, now_ns: int, reason: str) -> None:
        """Let the venue itself end an open order."""
        self._take_off(order, now_ns)
        order.expiry_reason = reason
        self._finish(order, Status.EXPIRED, Change.EXPIRED, now_ns)
        self._settle_touched(now_ns)

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
        self._match_pair(taker, order, filled, now_ns)
        self._release(taker, taker.reserved)
        self._run_triggers(order.symbol, now_ns)
        self._settle_touched(now_ns)
        return filled

    def set_last_price(self, symbol: str, price: Decimal, now_ns: int) -> None:
        """Take note of a trade that happened outside of the engine, and trigger what it triggers."""
        self.last_price[symbol] = price
        self._run_triggers(symbol, now_ns)
        self._settle_touched(now_ns)

    # -- placing -------------------------------------------------------------------------------------------------

    def _check(self, new: NewOrder, market: Market) -> None:
        if not market.is_open:
            raise Refused(Reason.MARKET_CLOSED)
        if new.client_id and (new.account, new.client_id) in self._open:
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
            iceberg_quantity=new.iceberg_quantity,
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
                needed = self._base_for_quote(order, market)
        else:
            order.reserved_asset = market.quote
            if order.quote_quantity is not None:
                needed = order.quote_quantity
            elif order.kind is Kind.MARKET:
                needed = self._cost_of(order)
            else:
                needed = order.quantity * _reserve_price(order, self.last_price.get(order.symbol))
        self.accounts.lock(order.account, order.reserved_asset, needed)
        order.reserved = needed
        self._touch(order.account, order.reserved_asset)

    def _cost_of(self, order: Order) -> Decimal:
        cost, left = ZERO, order.quantity
        for level in self.books[order.symbol].asks.levels():
            take = min(left, level.total)
            cost += take * level.price
            left -= take
            if not left:
                break
        return cost

    def _base_for_quote(self, order: Order, market: Market) -> Decimal:
        assert order.quote_quantity is not None
        base, left = ZERO, order.quote_quantity
        for level in self.books[order.symbol].bids.levels():
            take = min(_whole_steps(left / level.price, market.step), level.total)
            base += take
            left -= take * level.price
            if take < level.total:
                break
        return base

    # -- matching ------------------------------------------------------------------------------------------------

    def _work(self, order: Order, now_ns: int) -> None:
        """Match a working order, then rest or expire what is left of it."""
        opposite = self.books[order.symbol].half(order.side.opposite)
        if order.time_in_force is TimeInForce.FOK and not self._fillable(order, opposite):
            order.expiry_reason = "UNFILLED_FOK_ORDER"
            self._finish(order, Status.EXPIRED, Change.EXPIRED, now_ns)
            return
        if order.quote_quantity is not None:
            self._match_by_quote(order, opposite, now_ns)
        else:
            self._match(order, opposite, now_ns)
        if order.is_open:
            if not order.kind.is_limit:
                order.expiry_reason = "INSUFFICIENT_LIQUIDITY"
                self._finish(order, Status.EXPIRED, Change.EXPIRED, now_ns)
            elif order.time_in_force not in _RESTS:
                order.expiry_reason = "UNFILLED_IOC_QUANTITY"
                self._finish(order, Status.EXPIRED, Change.EXPIRED, now_ns)
            else:
                level = self.books[order.symbol].half(order.side).add(order)
                self._publish_level(order.symbol, order.side, level, now_ns)
        self._run_triggers(order.symbol, now_ns)

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
            if maker.account == taker.account and taker.self_trade is not SelfTrade.NONE:
                self._prevent(taker, maker, now_ns)
                continue
            quantity = min(taker.remaining, maker.remaining)
            if not taker.kind.is_limit and taker.side is Side.BUY:
                affordable = _whole_steps(taker.reserved / level.price, self.markets[taker.symbol].step)
                quantity = min(quantity, affordable)
                if quantity <= 0:
                    return
            self._match_pair(taker, maker, quantity, now_ns)

    def _match_by_quote(self, taker: Order, opposite: HalfBook, now_ns: int) -> None:
        assert taker.quote_quantity is not None
        step = self.markets[taker.symbol].step
        taker.quantity = ZERO
        while taker.is_open:
            level = opposite.best()
            if level is None:
                break
            maker = level.first()
            if maker.account == taker.account and taker.self_trade is not SelfTrade.NONE:
                self._prevent(taker, maker, now_ns)
                continue
            left = taker.quote_quantity - taker.executed_quote
            quantity = min(_whole_steps(left / level.price, step), maker.remaining)
            if quantity <= 0:
                break
            left -= quantity * level.price
            after = next_price(opposite, level_is_emptied=quantity == level.total)
            complete = after is not None and left < step * after
            # One step more than is known to be bought keeps the order open until the quote amount is used up.
            taker.quantity = taker.executed + quantity + (ZERO if complete else step)
            self._match_pair(taker, maker, quantity, now_ns)
        if taker.is_open:
            taker.quantity = taker.executed

    def _match_pair(self, taker: Order, maker: Order, quantity: Decimal, now_ns: int) -> None:
        assert maker.price is not None
        symbol, price = taker.symbol, maker.price
        trade_id = self._next_trade_id[symbol]
        self._next_trade_id[symbol] = trade_id + 1
        maker_done = quantity == maker.remaining
        level = self.books[symbol].half(maker.side).reduce(maker, quantity, gone=maker_done)
        self.last_price[symbol] = price
        self._exchange_assets(taker, maker, price, quantity)
        self._events.append(TradeEvent(symbol, trade_id, price, quantity, taker.side, now_ns, taker.id))
        self._publish_level(symbol, maker.side, level, now_ns)
        for order, is_maker in ((taker, False), (maker, True)):
            self._fill(order, trade_id, price, quantity, is_maker=is_maker, now_ns=now_ns)

    def _exchange_assets(self, taker: Order, maker: Order, price: Decimal, quantity: Decimal) -> None:
        buyer, seller = (taker, maker) if taker.side is Side.BUY else (maker, taker)
        market = self.markets[taker.symbol]
        cost = price * quantity
        self.accounts.pay(buyer.account, seller.account, market.quote, cost, from_locked=True)
        self.accounts.pay(seller.account, buyer.account, market.base, quantity, from_locked=True)
        seller.reserved -= quantity
        buyer.reserved -= cost
        if buyer.kind.is_limit and buyer.price is not None and buyer.price > price:
            self._release(buyer, (buyer.price - price) * quantity)
        for account in (buyer.account, seller.account):
            self._touch(account, market.base)
            self._touch(account, market.quote)

    def _fill(
        self, order: Order, trade_id: int, price: Decimal, quantity: Decimal, *, is_maker: bool, now_ns: int
    ) -> None:
        market = self.markets[order.symbol]
        fees = self._fees.get(order.account, Fees(ZERO, ZERO))
        rate = fees.maker if is_maker else fees.taker
        received, asset = (quantity, market.base) if order.side is Side.BUY else (price * quantity, market.quote)
        fee = (received * rate).quantize(_FEE_QUANTUM, rounding=ROUND_DOWN)
        if fee:
            self.accounts.pay(order.account, FEE_ACCOUNT, asset, fee, from_locked=False)
        order.executed += quantity
        order.executed_quote += price * quantity
        order.updated_ns = now_ns
        done = order.remaining <= 0
        order.status = Status.FILLED if done else Status.PARTIALLY_FILLED
        if order.account in self._watched:
            who = (order.id, order.account, order.symbol, order.side)
            fill = Fill(trade_id, *who, price, quantity, fee, asset, is_maker, now_ns)
            order.fills.append(fill)
            self.fills.append(fill)
            self._report(order, Change.TRADE, now_ns, fill=fill)
        if done:
            self._close(order)

    def _prevent(self, taker: Order, maker: Order, now_ns: int) -> None:
        mode = taker.self_trade
        quantity = min(taker.remaining, maker.remaining)
        if mode is SelfTrade.DECREMENT and taker.quote_quantity is None:
            self._decrement(maker, quantity, now_ns, resting=True)
            self._decrement(taker, quantity, now_ns, resting=False)
            return
        if mode is not SelfTrade.EXPIRE_TAKER:
            self._take_off(maker, now_ns)
            self._finish(maker, Status.EXPIRED_IN_MATCH, Change.PREVENTED, now_ns, prevented=quantity)
        if mode is not SelfTrade.EXPIRE_MAKER:
            self._finish(taker, Status.EXPIRED_IN_MATCH, Change.PREVENTED, now_ns, prevented=quantity)

    def _decrement(self, order: Order, quantity: Decimal, now_ns: int, *, resting: bool) -> None:
        gone = order.remaining == quantity
        if resting:
            level = self.books[order.symbol].half(order.side).reduce(order, quantity, gone=gone)
            self._publish_level(order.symbol, order.side, level, now_ns)
        order.prevented += quantity
        if gone:
            self._finish(order, Status.EXPIRED_IN_MATCH, Change.PREVENTED, now_ns, prevented=quantity)
        else:
            self._release(order, quantity if order.side is Side.SELL else quantity * _reserve_price(order))
            self._report(order, Change.PREVENTED, now_ns, prevented=quantity)

    # -- triggers ------------------------------------------------------------------------------------------------

    def _run_triggers(self, symbol: str, now_ns: int) -> None:
        last = self.last_price.get(symbol)
        if last is None:
            return
        for order in self._triggers[symbol].take_triggered(last, now_ns):
            self._trigger(order, now_ns)

    def _trigger(self, order: Order, now_ns: int) -> None:
        order.working_ns = order.updated_ns = now_ns
        if order.kind.is_limit and order.post_only:
            order.post_only = False
        if not order.kind.is_limit and order.side is Side.BUY:
            self._top_up(order)
        self._report(order, Change.NEW, now_ns)
        self._work(order, now_ns)

    def _top_up(self, order: Order) -> None:
        """Reserve what the book asks beyond the trigger price, as far as the account has it."""
        more = self._cost_of(order) - order.reserved
        more = min(more, self.accounts.balance(order.account, order.reserved_asset).free)
        if more > 0:
            self.accounts.lock(order.account, order.reserved_asset, more)
            order.reserved += more
            self._touch(order.account, order.reserved_asset)

    # -- ends and reports ----------------------------------------------------------------------------------------

    def _take_off(self, order: Order, now_ns: int) -> None:
        if order.working_ns is None:
            self._triggers[order.symbol].remove(order)
            return
        level = self.books[order.symbol].half(order.side).remove(order)
        self._publish_level(order.symbol, order.side, level, now_ns)

    def _finish(
        self,
        order: Order,
        status: Status,
        change: Change | None,
        now_ns: int,
        *,
        request_id: str = "",
        prevented: Decimal = ZERO,
    ) -> None:
        order.status = status
        order.updated_ns = now_ns
        self._close(order)
        if change is not None:
            self._report(order, change, now_ns, request_id=request_id, prevented=prevented)

    def _close(self, order: Order) -> None:
        self._release(order, order.reserved)
        if order.account in self._watched:
            self._open.pop((order.account, order.client_id), None)
        else:
            self._house.pop(order.id, None)

    def _release(self, order: Order, amount: Decimal) -> None:
        amount = min(amount, order.reserved)
        if amount > 0:
            self.accounts.unlock(order.account, order.reserved_asset, amount)
            order.reserved -= amount
            self._touch(order.account, order.reserved_asset)

    def _touch(self, account: str, asset: str) -> None:
        if account in self._watched:
            self._touched[(account, asset)] = None

    def _settle_touched(self, now_ns: int) -> None:
        assets: dict[str, list[str]] = {}
        for account, asset in self._touched:
            assets.setdefault(account, []).append(asset)
        self._touched.clear()
        self._events.extend(BalanceEvent(account, tuple(names), now_ns) for account, names in assets.items())

    def _publish_level(self, symbol: str, side: Side, level: Level, now_ns: int) -> None:
        self._events.append(BookEvent(symbol, side, level.price, level.total, now_ns))

    def _report(
        self,
        order: Order,
        change: Change,
        now_ns: int,
        *,
        fill: Fill | None = None,
        request_id: str = "",
        original_client_id: str = "",
        prevented: Decimal = ZERO,
    ) -> None:
        if order.account not in self._watched:
            return
        execution_id = self._next_execution_id
        self._next_execution_id += 1
        self._events.append(
            OrderEvent(
                order.account,
                change,
                order.snapshot(),
                execution_id,
                now_ns,
                fill,
                request_id,
                original_client_id,
                prevented,
            )
        )


def _reserve_price(order: Order, last: Decimal | None = None) -> Decimal:
    """Return what one base unit of a buy order is reserved at."""
    if order.kind.is_limit and order.price is not None:
        return order.price
    if order.trigger_price is not None:
        return order.trigger_price
    return last if last is not None else ZERO


def _whole_steps(quantity: Decimal, step: Decimal) -> Decimal:
    return (quantity // step) * step
