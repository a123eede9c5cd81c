"""Who owns what: accounts, the orders and fills of each, and the events that tell of both."""

from decimal import ROUND_DOWN, Decimal

from lotusx_sim.engine.accounts import Accounts
from lotusx_sim.engine.book import Level
from lotusx_sim.engine.orders import (
    ZERO,
    BalanceEvent,
    BookEvent,
    Change,
    Event,
    Fill,
    Order,
    OrderEvent,
    Side,
    Status,
)
from lotusx_sim.engine.terms import Fees, Market

FEE_ACCOUNT = "venue-fees"
_FEE_QUANTUM = Decimal("1e-8")


class Records:
    """What matching writes to: balances, orders, fills and events.

    Orders of unwatched accounts (the background population) are kept while open and make public events only.
    """

    def __init__(self, markets: dict[str, Market], *, first_execution_id: int) -> None:
        self.markets = markets
        self.accounts = Accounts()
        self.accounts.open(FEE_ACCOUNT, {})
        self.orders: dict[int, Order] = {}  # of watched accounts: all of them, open or not
        self.fills: list[Fill] = []  # of watched accounts
        self.fees: dict[str, Fees] = {}
        self.watched: set[str] = set()
        self.open: dict[tuple[str, str], Order] = {}  # (account, client id) of open orders of watched accounts
        self.newest: dict[tuple[str, str], Order] = {}  # (account, client id): open or not
        self.house: dict[int, Order] = {}  # open orders of unwatched accounts
        self.events: list[Event] = []
        self._touched: dict[tuple[str, str], None] = {}
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

    # -- money ---------------------------------------------------------------------------------------------------

    def reserve(self, order: Order, amount: Decimal) -> None:
        """Lock *amount* more for *order*.

        Raises:
            Refused: The account has less.
        """
        self.accounts.lock(order.account, order.reserved_asset, amount)
        order.reserved += amount
        self.touch(order.account, order.reserved_asset)

    def release(self, order: Order, amount: Decimal) -> None:
        """Unlock *amount*, or what is left of the reserve if that is less."""
        amount = min(amount, order.reserved)
        if amount > 0:
            self.accounts.unlock(order.account, order.reserved_asset, amount)
            order.reserved -= amount
            self.touch(order.account, order.reserved_asset)

    def exchange_assets(self, taker: Order, maker: Order, price: Decimal, quantity: Decimal) -> None:
        """Pay both sides of a match out of what they had locked; fees come later."""
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

    def fill(
        self, order: Order, trade_id: int, price: Decimal, quantity: Decimal, *, is_maker: bool, now_ns: int
    ) -> None:
        """Enter one side of a match: fee, progress of the order, report."""
        market = self.markets[order.symbol]
        fees = self.fees.get(order.account, Fees(ZERO, ZERO))
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
        if order.account in self.watched:
            who = (order.id, order.account, order.symbol, order.side)
            fill = Fill(trade_id, *who, price, quantity, fee, asset, is_maker, now_ns)
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

    def settle_touched(self, now_ns: int) -> None:
        """Tell of all balances that one command has touched, once."""
        assets: dict[str, list[str]] = {}
        for account, asset in self._touched:
            assets.setdefault(account, []).append(asset)
        self._touched.clear()
        self.events.extend(BalanceEvent(account, tuple(names), now_ns) for account, names in assets.items())

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
