"""Who owns what: accounts, the orders and fills of each, and the events that tell of both."""

from decimal import ROUND_DOWN, Decimal

from lotusx_sim.engine.accounts import Accounts
from lotusx_sim.engine.book import Level
from lotusx_sim.engine.events import Event, PositionEvent
from lotusx_sim.engine.margin import Margin
from lotusx_sim.engine.orders import (
    ZERO,
    BalanceEvent,
    BookEvent,
    Change,
    Fill,
    Leg,
    Order,
    OrderEvent,
    Reason,
    Refused,
    Side,
    Status,
)
from lotusx_sim.engine.positions import Position
from lotusx_sim.engine.prices import Prices
from lotusx_sim.engine.terms import QUANTUM, Fees, Market, MarketKind, reserve_price, share

FEE_ACCOUNT = "venue-fees"


class Records:
    """What matching writes to: balances, positions, orders, fills and events.

    Orders of unwatched accounts (the background population) are kept while open and make public events only.
    """

    def __init__(self, markets: dict[str, Market], prices: Prices, *, first_execution_id: int) -> None:
        self.markets = markets
        self.accounts = Accounts()
        self.accounts.open(FEE_ACCOUNT, {})
        self.margin = Margin(markets, self.accounts, prices)
        self.orders: dict[int, Order] = {}  # of watched accounts: all of them, open or not
        self.fills: list[Fill] = []  # of watched accounts
        self.fees: dict[tuple[str, MarketKind], Fees] = {}
        self.watched: set[str] = set()
        self.open: dict[tuple[str, str], Order] = {}  # (account, client id) of open orders of watched accounts
        self.newest: dict[tuple[str, str], Order] = {}  # (account, client id): open or not
        self.house: dict[int, Order] = {}  # open orders of unwatched accounts
        self.events: list[Event] = []
        self._on_perpetuals: dict[tuple[str, str], dict[int, Order]] = {}  # (account, symbol): open orders by id
        self._touched: dict[tuple[str, str], None] = {}
        self._touched_positions: dict[tuple[str, str, Leg], Position] = {}
        self._next_execution_id = first_execution_id

    # -- orders --------------------------------------------------------------------------------------------------

    def keep(self, order: Order) -> None:
        """Enter a new order."""
        if order.account in self.watched:
            self.orders[order.id] = order
            self.open[(order.account, order.client_id)] = order
            self.newest[(order.account, order.client_id)] = order
        else:
            self.house[order.id] = order
        if self.markets[order.symbol].contract is not None:
            self._on_perpetuals.setdefault((order.account, order.symbol), {})[order.id] = order

    def open_on(self, account: str, symbol: str) -> list[Order]:
        """Return every open order of any account on one perpetual, oldest first."""
        return list(self._on_perpetuals.get((account, symbol), {}).values())

    def rename(self, order: Order, client_id: str) -> None:
        """Give an open order of a watched account another client id; the old one goes on naming it in queries."""
        self.open.pop((order.account, order.client_id), None)
        order.client_id = client_id
        self.open[(order.account, client_id)] = order
        self.newest[(order.account, client_id)] = order

    def finish(
        self,
        order: Order,
        status: Status,
        change: Change,
        now_ns: int,
        *,
        request_id: str = "",
        prevented: Decimal = ZERO,
    ) -> None:
        """End an open order, free what is still locked for it, and report it."""
        order.status = status
        order.updated_ns = now_ns
        self._close(order)
        self.report(order, change, now_ns, request_id=request_id, prevented=prevented)

    def _close(self, order: Order) -> None:
        self.release(order, order.reserved)
        if order.account in self.watched:
            self.open.pop((order.account, order.client_id), None)
        else:
            self.house.pop(order.id, None)
        self._on_perpetuals.get((order.account, order.symbol), {}).pop(order.id, None)

    # -- money ---------------------------------------------------------------------------------------------------

    def reserve(self, order: Order, amount: Decimal) -> None:
        """Lock *amount* more for *order*.

        Raises:
            Refused: The account has less to spend.
        """
        if amount > self.margin.spendable(order.account, order.reserved_asset):
            raise Refused(Reason.INSUFFICIENT_FUNDS)
        self.set_aside(order, amount)

    def set_aside(self, order: Order, amount: Decimal) -> None:
        """Lock *amount* more for *order*, or less when negative, whatever the account has free."""
        self.accounts.set_aside(order.account, order.reserved_asset, amount)
        order.reserved += amount
        self.touch(order.account, order.reserved_asset)

    def release(self, order: Order, amount: Decimal) -> None:
        """Unlock *amount*, or what is left of the reserve if that is less."""
        amount = min(amount, order.reserved)
        if amount > 0:
            self.accounts.unlock(order.account, order.reserved_asset, amount)
            order.reserved -= amount
            self.touch(order.account, order.reserved_asset)

    def release_for(self, order: Order, quantity: Decimal) -> None:
        """Unlock what *quantity* of an order's remaining quantity is reserved at, before it is taken off."""
        if self.markets[order.symbol].contract is not None:
            self.release(order, share(order.reserved, quantity, order.remaining))
        else:
            self.release(order, quantity if order.side is Side.SELL else quantity * reserve_price(order))

    def exchange_assets(self, taker: Order, maker: Order, price: Decimal, quantity: Decimal) -> None:
        """Pay both sides of a match on spot out of what they had locked; fees come later."""
        buyer, seller = (taker, maker) if taker.side is Side.BUY else (maker, taker)
        market = self.markets[taker.symbol]
        cost = price * quantity
        self.accounts.pay(buyer.account, seller.account, market.quote, cost, from_locked=True)
        self.accounts.pay(seller.account, buyer.account, market.base, quantity, from_locked=True)
        seller.reserved -= quantity
        buyer.reserved -= cost
        if buyer.kind.is_limit and buyer.price is not None and buyer.price > price:
            self.release(buyer, (buyer.price - price) * quantity)
        for account in (buyer.account, seller.account):
            self.touch(account, market.base)
            self.touch(account, market.quote)

    def fee_rate(self, order: Order, *, is_maker: bool) -> Decimal:
        if order.is_liquidation:
            return ZERO
        fees = self.fees.get((order.account, self.markets[order.symbol].kind), Fees(ZERO, ZERO))
        return fees.maker if is_maker else fees.taker

    def fee(self, order: Order, price: Decimal, quantity: Decimal, *, is_maker: bool) -> tuple[Decimal, str]:
        """Return what a fill costs, below 0 for a rebate, and in which asset."""
        market = self.markets[order.symbol]
        if market.contract is not None:
            charged, asset = abs(market.contract.value(quantity, price)), market.contract.settle
        elif order.side is Side.BUY:
            charged, asset = quantity, market.base
        else:
            charged, asset = price * quantity, market.quote
        fee = charged * self.fee_rate(order, is_maker=is_maker)
        return ZERO + fee.quantize(QUANTUM, rounding=ROUND_DOWN), asset  # ZERO +: a tiny rebate is no negative zero

    def fill(
        self, order: Order, trade_id: int, price: Decimal, quantity: Decimal, *, is_maker: bool, now_ns: int
    ) -> None:
        """Enter one side of a match: position, fee, progress of the order, report."""
        contract = self.markets[order.symbol].contract
        fee, asset = self.fee(order, price, quantity, is_maker=is_maker)
        start = profit = ZERO
        if contract is not None:
            self.release_for(order, quantity)
            position = self.margin.position(order.account, order.symbol, order.leg)
            start = position.quantity
            profit = self.margin.trade(position, order.side.sign * quantity, price)
            self.touch_position(position)
        if fee:
            self.accounts.owe(order.account, FEE_ACCOUNT, asset, fee)
        order.executed += quantity
        order.executed_quote += price * quantity
        order.updated_ns = now_ns
        done = order.remaining <= 0
        order.status = Status.FILLED if done else Status.PARTIALLY_FILLED
        if order.account in self.watched:
            who = (order.id, order.account, order.symbol, order.side)
            fill = Fill(
                trade_id, *who, price, quantity, fee, asset, is_maker, now_ns, start, profit, order.is_liquidation
            )
            order.fills.append(fill)
            self.fills.append(fill)
            self.report(order, Change.TRADE, now_ns, fill=fill)
        if done:
            self._close(order)

    # -- events --------------------------------------------------------------------------------------------------

    def touch(self, account: str, asset: str) -> None:
        """Note that a balance of a watched account may have changed."""
        if account in self.watched:
            self._touched[(account, asset)] = None

    def touch_position(self, position: Position) -> None:
        """Note that a position of a watched account changed, and the balance with it."""
        if position.account in self.watched:
            self._touched_positions[(position.account, position.symbol, position.leg)] = position
            self._touched[(position.account, position.contract.settle)] = None

    def settle_touched(self, now_ns: int) -> None:
        """Tell of all balances and positions that one command has touched, once."""
        assets: dict[str, list[str]] = {}
        for account, asset in self._touched:
            assets.setdefault(account, []).append(asset)
        self._touched.clear()
        self.events.extend(BalanceEvent(account, tuple(names), now_ns) for account, names in assets.items())
        for position in self._touched_positions.values():
            self.events.append(PositionEvent(position.account, position.symbol, position.snapshot(), now_ns))
        self._touched_positions.clear()

    def publish_level(self, symbol: str, side: Side, level: Level, now_ns: int) -> None:
        self.events.append(BookEvent(symbol, side, level.price, level.total, now_ns))

    def report(
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
        if order.account not in self.watched:
            return
        execution_id = self._next_execution_id
        self._next_execution_id += 1
        self.events.append(
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
