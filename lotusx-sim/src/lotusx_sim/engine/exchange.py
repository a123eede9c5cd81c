"""The engine: commands in, events out, nothing else; time and identity come in as arguments."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from lotusx_sim.engine.accounts import Accounts
from lotusx_sim.engine.amending import Amending
from lotusx_sim.engine.book import Book, crosses
from lotusx_sim.engine.events import Event
from lotusx_sim.engine.funds import Funds
from lotusx_sim.engine.liquidation import Liquidation
from lotusx_sim.engine.matching import Matching
from lotusx_sim.engine.orders import (
    WOULD_HAVE_TAKEN,
    ZERO,
    BalanceEvent,
    Change,
    Fill,
    Kind,
    Leg,
    NewOrder,
    Order,
    Reason,
    Refused,
    Side,
    Status,
    TimeInForce,
    TradeEvent,
)
from lotusx_sim.engine.perpetuals import Perpetuals
from lotusx_sim.engine.prices import Prices
from lotusx_sim.engine.records import Records
from lotusx_sim.engine.reserving import Reserving
from lotusx_sim.engine.terms import Fees, Market, MarketKind
from lotusx_sim.engine.triggers import would_trigger_now


class Exchange:
    """Accounts, books and orders of one exchange.

    An account is one wallet: all its cross positions stand on its balances. Who has several wallets (spot and margin,
    say) has an account for each, and `send` moves money between them.

    Every command either raises `Refused` and changes nothing, or takes effect at once. What happened is read with
    `take_events`, in order. Orders of unwatched accounts (the background population) make public events only.
    """

    def __init__(self, markets: Iterable[Market], *, first_order_id: int = 1, first_trade_id: int = 1) -> None:
        self.markets: dict[str, Market] = {market.symbol: market for market in markets}
        self.books: dict[str, Book] = {symbol: Book() for symbol in self.markets}
        self._prices = Prices(self.books)
        self._records = Records(self.markets, self._prices, first_execution_id=first_order_id)
        self._reserving = Reserving(self._records, self.books, self._prices)
        self._matching = Matching(
            self.markets, self.books, self._prices, self._records, self._reserving, first_trade_id=first_trade_id
        )
        self._amending = Amending(self.books, self._records, self._reserving, self._matching)
        liquidation = Liquidation(self._records, self._matching, self._make)
        self.perps = Perpetuals(self._records, self._matching, self._prices, liquidation)
        self.funds = Funds(self)
        self._next_order_id = first_order_id

    def open_market(self, market: Market) -> None:
        """Add one more market, with an empty book."""
        self.markets[market.symbol] = market
        self.books[market.symbol] = Book()
        self._matching.open_market(market.symbol)

    @property
    def accounts(self) -> Accounts:
        return self._records.accounts

    @property
    def last_price(self) -> dict[str, Decimal]:
        """Return the price of the last match of each market that had one."""
        return self._prices.last

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
        self,
        account: str,
        balances: Mapping[str, Decimal],
        *,
        watched: bool = True,
        fees: Fees | None = None,
        perp_fees: Fees | None = None,
    ) -> None:
        """Open *account*; without *perp_fees* it pays *fees* on perpetuals, too."""
        self.accounts.open(account, balances)
        self.set_fees(account, fees or Fees())
        if perp_fees is not None:
            for kind in (MarketKind.LINEAR, MarketKind.INVERSE):
                self.set_fees(account, perp_fees, kind)
        if watched:
            self._records.watched.add(account)

    def fees_of(self, account: str, kind: MarketKind = MarketKind.SPOT) -> Fees:
        return self._records.fees[(account, kind)]

    def set_fees(self, account: str, fees: Fees, kind: MarketKind | None = None) -> None:
        """Set what *account* pays on markets of *kind*, on all when it is None."""
        for each in MarketKind if kind is None else (kind,):
            self._records.fees[(account, each)] = fees

    def transfer(self, account: str, asset: str, amount: Decimal, now_ns: int) -> None:
        """Deposit *amount*, or withdraw it when negative.

        Raises:
            Refused: The account has less to spend: its positions need their margin.
        """
        self._check_spendable(account, asset, -amount)
        self.accounts.balance(account, asset).free += amount
        self._report_transfer(account, asset, amount, now_ns)

    def send(self, payer: str, payee: str, asset: str, amount: Decimal, now_ns: int) -> None:
        """Move *amount* (above 0) between two accounts, such as two wallets of one owner.

        Raises:
            Refused: The payer has less to spend.
        """
        if amount <= 0:
            raise ValueError(f"{amount} {asset} cannot be sent: the amount must be above 0")
        self._check_spendable(payer, asset, amount)
        self.accounts.pay(payer, payee, asset, amount, from_locked=False)
        self._report_transfer(payer, asset, -amount, now_ns)
        self._report_transfer(payee, asset, amount, now_ns)

    def _check_spendable(self, account: str, asset: str, amount: Decimal) -> None:
        if amount > 0 and amount > self._records.margin.spendable(account, asset):
            raise Refused(Reason.INSUFFICIENT_FUNDS)

    def _report_transfer(self, account: str, asset: str, amount: Decimal, now_ns: int) -> None:
        if account not in self._records.watched:
            return
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
            Refused: For want of funds, because post-only would take, because its trigger is already reached, because
                an open order has its client id, or because a reduce-only order has no position to reduce.
        """
        self._check(new, self.markets[new.symbol])
        order = self._make(new, now_ns)
        self._reserving.reserve(order)
        self._records.keep(order)
        if order.kind.is_conditional:
            price = self._prices.of(order.symbol, order.trigger_by)
            self._matching.triggers[order.symbol].add(order, price, now_ns)
            self._records.report(order, Change.NEW, now_ns)
        else:
            order.working_ns = now_ns
            self._records.report(order, Change.NEW, now_ns)
            if new.post_only and new.expire_if_taking and self._would_take(new):
                order.expiry_reason = WOULD_HAVE_TAKEN
                self._records.finish(order, Status.EXPIRED, Change.EXPIRED, now_ns)
            else:
                self._matching.work(order, now_ns)
        self._complete(now_ns)
        return order

    def rest(self, new: NewOrder, now_ns: int) -> Order:
        """Place a limit order straight into its book, for an unwatched account that has the funds and no position.

        What `place` comes to for an order that nothing can match, at about half the cost: books begin with thousands.

        Raises:
            Refused: It would take.
        """
        if self._would_take(new):
            raise Refused(Reason.WOULD_TAKE)
        order = self._make(new, now_ns)
        order.working_ns = now_ns
        self._reserving.set_aside(order)
        self._records.keep(order)
        self._matching.rest(order, now_ns)
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
        self._complete(now_ns)
        return order

    def reduce(self, order: Order, quantity: Decimal, now_ns: int, *, client_id: str = "") -> Order:
        """Lower an open order's total quantity to *quantity*; it keeps its place in the queue.

        Raises:
            Refused: Not open, no change, an increase, or not above what was executed or prevented.
        """
        self._amending.reduce(order, quantity, now_ns, client_id=client_id)
        self._complete(now_ns)
        return order

    def amend(
        self,
        order: Order,
        now_ns: int,
        *,
        quantity: Decimal | None = None,
        price: Decimal | None = None,
        trigger_price: Decimal | None = None,
    ) -> Order:
        """Change an open order, which keeps its id; None leaves things as they are.

        It goes to the end of the queue, and may match at once, unless only its quantity falls.

        Args:
            quantity: The new total, with what was executed.

        Raises:
            Refused: Not open, no change, a quantity that is not above what was executed or prevented, too little
                funds, post-only would take, or the new trigger price is already reached.
        """
        self._amending.amend(order, now_ns, quantity=quantity, price=price, trigger_price=trigger_price)
        self._complete(now_ns)
        return order

    def expire(self, order: Order, now_ns: int, reason: str) -> None:
        """Let the venue itself end an open order.

        Raises:
            Refused: It is not open, or not any more.
        """
        if not order.is_open:
            raise Refused(Reason.UNKNOWN_ORDER)
        self._matching.take_off(order, now_ns)
        order.expiry_reason = reason
        self._records.finish(order, Status.EXPIRED, Change.EXPIRED, now_ns)
        self._complete(now_ns)

    def fill_resting(self, order: Order, quantity: Decimal, counterparty: str, now_ns: int) -> Decimal:
        """Trade *counterparty* against one resting order, whatever its place in the queue; return what was filled.

        On a perpetual a side that has no margin for it is ended instead, and nothing is filled.
        """
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
        self._reserving.reserve(taker)
        filled = taker.quantity
        if self.markets[order.symbol].contract is not None:
            filled = self._matching.agree(taker, order, filled, now_ns)
        if filled:
            self._matching.match_pair(taker, order, filled, now_ns)
        self._records.release(taker, taker.reserved)
        self._matching.run_triggers(order.symbol, now_ns)
        self._complete(now_ns)
        return filled

    def set_last_price(self, symbol: str, price: Decimal, now_ns: int) -> None:
        """Take note of a trade that happened outside of the engine, and trigger what it triggers."""
        self.last_price[symbol] = price
        if self.markets[symbol].contract is not None:
            self._matching.traded.add(symbol)
        self._matching.run_triggers(symbol, now_ns)
        self._complete(now_ns)

    def print_trade(self, symbol: str, price: Decimal, quantity: Decimal, taker_side: Side, now_ns: int) -> None:
        """Show the public a trade of two that are not here."""
        trade_id = self._matching.next_trade_id(symbol)
        self._records.events.append(TradeEvent(symbol, trade_id, price, quantity, taker_side, now_ns, 0))

    # -- placing -------------------------------------------------------------------------------------------------

    def _complete(self, now_ns: int) -> None:
        """Let mark prices follow what was traded, with all that this brings, and tell of balances and positions."""
        self.perps.follow(now_ns)
        self._records.settle_touched(now_ns)

    def _check(self, new: NewOrder, market: Market) -> None:
        if new.reduce_only and market.contract is None:
            raise ValueError("reduce-only orders are for perpetuals: a spot market has no positions")
        if new.leg is not Leg.BOTH and market.contract is None:
            raise ValueError("a spot market has no positions, and no legs of hedge mode")
        if not new.leg.opened_by(new.side) and not new.reduce_only:
            raise ValueError(f"an order to {new.side.value} closes the {new.leg.value} leg: it must be reduce-only")
        if new.quote_quantity is not None and market.contract is not None:
            raise ValueError("an order on a perpetual is given in contracts: orders by quote are for spot markets")
        if new.whole_position and not (new.reduce_only and new.kind.is_conditional):
            raise ValueError("only a conditional reduce-only order can be for the whole position")
        if not market.is_open:
            raise Refused(Reason.MARKET_CLOSED)
        if new.client_id and (new.account, new.client_id) in self._records.open:
            raise Refused(Reason.DUPLICATE_CLIENT_ID)
        if new.post_only and not new.expire_if_taking and self._would_take(new):
            raise Refused(Reason.WOULD_TAKE)
        price = self._prices.of(new.symbol, new.trigger_by)
        if new.kind.is_conditional and price is not None and would_trigger_now(new, price):
            raise Refused(Reason.WOULD_TRIGGER)

    def _would_take(self, new: NewOrder) -> bool:
        best = self.books[new.symbol].half(new.side.opposite).best()
        return best is not None and new.price is not None and crosses(new.side, new.price, best.price)

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
            reduce_only=new.reduce_only,
            trigger_by=new.trigger_by,
            whole_position=new.whole_position,
            leg=new.leg,
            lock_when_triggered=new.lock_when_triggered,
            trailing_distance=new.trailing_distance,
            updated_ns=now_ns,
        )
