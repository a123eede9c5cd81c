"""An engine with perpetuals and three traders, and short ways to command it."""

from decimal import Decimal
from typing import Any

from lotusx_sim.engine.exchange import Exchange
from lotusx_sim.engine.orders import Kind, NewOrder, Order, Side
from lotusx_sim.engine.terms import Contract, Fees, MarginMode, Market, MarketKind

BUY, SELL = Side.BUY, Side.SELL
ZERO = Decimal(0)
CROSS, ISOLATED = MarginMode.CROSS, MarginMode.ISOLATED
LINEAR = Contract(MarketKind.LINEAR, "USDC", Decimal(50), Decimal("0.01"), leverage=Decimal(10))
INVERSE = Contract(
    MarketKind.INVERSE, "XYZ", Decimal(50), Decimal("0.01"), size=Decimal(100), leverage=Decimal(10), mode=ISOLATED
)
MARKETS = (
    Market("PERP", "XYZ", "USDC", Decimal("0.001"), contract=LINEAR),
    Market("INVERSE", "XYZ", "USD", Decimal(1), contract=INVERSE),
    Market("SPOT", "XYZ", "USDC", Decimal("0.001")),
)
FREE = Fees(ZERO, ZERO)


def dec(value: str | int) -> Decimal:
    return Decimal(value)


def make_exchange(usdc: str | int = 1000, xyz: str | int = 10, *, fees: Fees = FREE) -> Exchange:
    """Open accounts *a*, *b* and *c* with the same balances, *rich* with more, and *outside*, which is not watched."""
    exchange = Exchange(MARKETS)
    for account in "abc":
        exchange.open_account(account, {"USDC": dec(usdc), "XYZ": dec(xyz)}, fees=fees)
    for account in ("rich", "outside"):
        wealth = {"USDC": dec(10_000_000), "XYZ": dec(100_000)}
        exchange.open_account(account, wealth, fees=FREE, watched=account == "rich")
    return exchange


def limit(exchange: Exchange, account: str, side: Side, quantity: str, price: str, **more: Any) -> Order:
    symbol = more.pop("symbol", "PERP")
    return exchange.place(NewOrder(account, symbol, side, Kind.LIMIT, dec(quantity), price=dec(price), **more), 1)


def market(exchange: Exchange, account: str, side: Side, quantity: str, **more: Any) -> Order:
    symbol = more.pop("symbol", "PERP")
    return exchange.place(NewOrder(account, symbol, side, Kind.MARKET, dec(quantity), **more), 1)


def conditional(exchange: Exchange, kind: Kind, side: Side, quantity: str, trigger: str, **more: Any) -> Order:
    new = NewOrder("a", "PERP", side, kind, dec(quantity), trigger_price=dec(trigger), **more)
    return exchange.place(new, 1)


def deal(exchange: Exchange, buyer: str, seller: str, quantity: str, price: str, symbol: str = "PERP") -> None:
    """Let two accounts trade with each other, in an otherwise empty book."""
    resting = limit(exchange, seller, SELL, quantity, price, symbol=symbol)
    taken = limit(exchange, buyer, BUY, quantity, price, symbol=symbol)
    assert not resting.is_open
    assert not taken.is_open


def free(exchange: Exchange, account: str = "a", asset: str = "USDC") -> Decimal:
    return exchange.accounts.balance(account, asset).free


def locked(exchange: Exchange, account: str = "a", asset: str = "USDC") -> Decimal:
    return exchange.accounts.balance(account, asset).locked


def quantity(exchange: Exchange, account: str = "a", symbol: str = "PERP") -> Decimal:
    return exchange.perps.position(account, symbol).quantity
