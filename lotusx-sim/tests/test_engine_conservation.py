"""Whatever accounts do on perpetuals, nothing appears, vanishes or stays locked."""

from collections.abc import Callable
from decimal import Decimal
from random import Random

import pytest
from hypothesis import example, given, settings, strategies as st
from perp_engine import MARKETS, ZERO, dec, make_exchange

from lotusx_sim.engine.exchange import Exchange
from lotusx_sim.engine.orders import Kind, NewOrder, PriceSource, Refused, SelfTrade, Side, TimeInForce
from lotusx_sim.engine.terms import Fees, MarginMode

TRADERS = ("a", "b", "c", "rich")
PERPETUALS = ("PERP", "INVERSE")
ASSETS = ("USDC", "XYZ", "USD")
COMMANDS = (
    ("limit", 8), ("market", 4), ("reduce only", 3), ("stop", 2), ("whole", 1), ("ioc", 2), ("fok", 1), ("post", 1),
    ("spot", 2), ("cancel", 2), ("amend", 1), ("fill", 1), ("mark", 3), ("follow", 1), ("funding", 2), ("leverage", 2),
    ("mode", 2), ("margin", 2), ("send", 1),
)  # fmt: skip


class Crowd:
    """Four accounts that do anything, by one seed."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        self.exchange = make_exchange(2_000, 20, fees=Fees(dec("-0.0002"), dec("0.00045")))
        self.before = {asset: self.exchange.accounts.total(asset) for asset in ASSETS}
        self.now_ns = 0
        self.done = self.refused = 0

    def step(self) -> str:
        """Give one command that may be refused; return its name."""
        self.now_ns += 1
        names, weights = zip(*COMMANDS, strict=True)
        name: str = self.rng.choices(names, weights)[0]
        do: Callable[[], None] = getattr(self, "_" + name.replace(" ", "_"), self._order(name))
        try:
            do()
            self.done += 1
        except Refused:
            self.refused += 1
        return name

    def _account(self) -> str:
        return self.rng.choice(TRADERS)

    def _symbol(self) -> str:
        return self.rng.choice(PERPETUALS)

    def _price(self) -> Decimal:
        return dec(self.rng.randint(90, 110)) / self.rng.choice((1, 1, 1, 8))

    def _order(self, name: str) -> Callable[[], None]:
        def place() -> None:
            symbol = "SPOT" if name == "spot" else self._symbol()
            kind = {"market": Kind.MARKET, "stop": Kind.STOP_LIMIT, "whole": Kind.TAKE_PROFIT_MARKET}.get(
                name, self.rng.choice((Kind.LIMIT, Kind.MARKET)) if name == "reduce only" else Kind.LIMIT
            )
            quantity = dec(self.rng.randint(1, 60)) if symbol == "INVERSE" else dec(self.rng.randint(1, 9_000)) / 1000
            new = NewOrder(
                self._account(),
                symbol,
                self.rng.choice(list(Side)),
                kind,
                quantity,
                price=dec(self.rng.randint(90, 110)) if kind.is_limit else None,
                time_in_force={"ioc": TimeInForce.IOC, "fok": TimeInForce.FOK}.get(name, TimeInForce.GTC),
                post_only=name == "post",
                trigger_price=self._price() if kind.is_conditional else None,
                trigger_by=self.rng.choice(list(PriceSource)),
                self_trade=SelfTrade.EXPIRE_MAKER if name == "fok" else self.rng.choice(list(SelfTrade)),
                reduce_only=name in ("reduce only", "whole"),
                whole_position=name == "whole",
            )
            order = self.exchange.place(new, self.now_ns)
            if name == "fok":
                assert order.executed in (0, order.quantity)

        return place

    def _cancel(self) -> None:
        for order in self.exchange.open_orders(self._account())[:1]:
            self.exchange.cancel(order, self.now_ns)

    def _amend(self) -> None:
        for order in self.exchange.open_orders(self._account())[-1:]:
            self.exchange.reduce(order, (order.quantity / 2).quantize(dec("0.001")), self.now_ns)

    def _fill(self) -> None:
        for order in self.exchange.open_orders(self._account())[:1]:
            self.exchange.fill_resting(order, order.remaining / 2, "outside", self.now_ns)

    def _mark(self) -> None:
        self.exchange.perps.set_mark(self._symbol(), dec(self.rng.randint(70, 130)), self.now_ns, index=self._price())

    def _follow(self) -> None:
        self.exchange.perps.follow_trades(self._symbol(), self.now_ns)

    def _funding(self) -> None:
        symbol = self._symbol()
        self.exchange.perps.set_funding_rate(symbol, dec(self.rng.randint(-400, 400)) / 30_000)
        self.exchange.perps.settle_funding(symbol, self.now_ns)

    def _leverage(self) -> None:
        self.exchange.perps.set_leverage(self._account(), self._symbol(), dec(self.rng.randint(1, 60)), self.now_ns)

    def _mode(self) -> None:
        mode = self.rng.choice(list(MarginMode))
        self.exchange.perps.set_margin_mode(self._account(), self._symbol(), mode, self.now_ns)

    def _margin(self) -> None:
        amount = dec(self.rng.randint(-5000, 5000)) / 100
        self.exchange.perps.change_isolated_margin(self._account(), self._symbol(), amount, self.now_ns)

    def _send(self) -> None:
        amount = dec(self.rng.randint(1, 50_000)) / 100
        self.exchange.send(self._account(), self._account(), self.rng.choice(ASSETS[:2]), amount, self.now_ns)


def check_books(exchange: Exchange) -> None:
    for book in exchange.books.values():
        bid, ask = book.best_bid(), book.best_ask()
        assert bid is None or ask is None or bid < ask


def check_money(crowd: Crowd) -> None:
    """All assets are where they were, and the clearing account owes what open positions have not realized."""
    exchange = crowd.exchange
    assert {asset: exchange.accounts.total(asset) for asset in ASSETS} == crowd.before
    for market in MARKETS[:2]:
        assert market.contract is not None
        accounts = exchange.accounts.names()
        positions = [exchange.perps.position(account, market.symbol) for account in accounts]
        assert sum(position.quantity for position in positions) == 0
        clearing = exchange.accounts.balance("venue-clearing", market.contract.settle).total
        assert clearing == -market.contract.sign * sum(position.cost for position in positions)
        if market.symbol == "PERP":
            assert clearing == sum(position.unrealized(dec("98.7654321")) for position in positions)


def check_locks(exchange: Exchange) -> None:
    """Locked is what orders reserve and isolated positions have, and nothing else."""
    for account in TRADERS:
        expected = dict.fromkeys(ASSETS, ZERO)
        for order in exchange.open_orders(account):
            if order.reserved_asset:
                expected[order.reserved_asset] += order.reserved
            if order.reduce_only:
                assert order.reserved == 0
        for position in exchange.perps.positions(account):
            expected[position.contract.settle] += position.margin
        assert {asset: exchange.accounts.balance(account, asset).locked for asset in ASSETS} == expected


def check_margin(exchange: Exchange) -> None:
    """Nobody with a position is left below maintenance."""
    for position in (p for account in TRADERS for p in exchange.perps.positions(account)):
        account, mark = position.account, exchange.perps.mark(position.symbol)
        assert mark is not None
        if position.mode is MarginMode.ISOLATED:
            assert position.margin + position.unrealized(mark) >= position.maintenance_margin(mark)
        else:
            summary = exchange.perps.summary(account, position.contract.settle)
            assert summary.cross_equity >= summary.cross_maintenance


def check_fills(exchange: Exchange) -> None:
    """A reduce-only fill never increases, and fills lead from one position to the next."""
    position: dict[tuple[str, str], Decimal] = {}
    for fill in exchange.fills:
        if fill.symbol == "SPOT":
            continue
        key = (fill.account, fill.symbol)
        assert fill.start_position == position.get(key, ZERO)
        position[key] = after = fill.start_position + fill.side.sign * fill.quantity
        if exchange.orders[fill.order_id].reduce_only or fill.is_liquidation:
            assert abs(after) < abs(fill.start_position)
            assert after * fill.start_position >= 0


def move_marks(crowd: Crowd) -> None:
    """Set each mark price to where it is."""
    perps = crowd.exchange.perps
    for symbol in PERPETUALS:
        mark = perps.mark(symbol)
        if mark is not None:
            perps.set_mark(symbol, mark, crowd.now_ns)


def run(seed: int, steps: int) -> Crowd:
    crowd = Crowd(seed)
    for _ in range(steps):
        name = crowd.step()
        check_books(crowd.exchange)
        check_money(crowd)
        check_locks(crowd.exchange)
        if name == "spot":  # what it took away from margins counts when mark prices move next
            move_marks(crowd)
        check_margin(crowd.exchange)
    check_fills(crowd.exchange)
    for account in TRADERS:
        for order in crowd.exchange.open_orders(account):
            crowd.exchange.cancel(order, crowd.now_ns)
    check_locks(crowd.exchange)
    return crowd


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
@example(208_775)  # two orders of one account could reduce its position, together not
def test_money_positions_and_locks_add_up_after_every_command(seed: int) -> None:
    run(seed, 120)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_long_life_sees_every_kind_of_event_and_still_adds_up(seed: int) -> None:
    crowd = run(seed, 1_500)
    seen = {type(event).__name__ for event in crowd.exchange.take_events()}
    assert {"OrderEvent", "PositionEvent", "FundingEvent", "LiquidationEvent", "BalanceEvent"} <= seen
    assert crowd.done > crowd.refused
