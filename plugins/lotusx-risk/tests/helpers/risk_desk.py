"""An order desk in memory: what a check is told of it, and what it may ask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

import anyio

from lotusx.errors import ConnectionFailed
from lotusx.model import (
    Balance,
    BestBidOffer,
    Instrument,
    InstrumentKind,
    InstrumentStatus,
    OrderRequest,
    OrderState,
    OrderStatus,
    OrderType,
    Position,
    Side,
    Symbol,
    TickSize,
)
from lotusx.plugin import Amendment, Clock
from lotusx_risk import Risk

BTC = Symbol("BTC", "USDT")
PERP = Symbol("BTC", "USDT", "USDT")
INVERSE = Symbol("BTC", "USD", "BTC")
_KINDS = {BTC: InstrumentKind.SPOT, PERP: InstrumentKind.LINEAR, INVERSE: InstrumentKind.INVERSE}


def instrument(symbol: Symbol = BTC, contract_size: str = "1") -> Instrument:
    return Instrument(
        symbol, str(symbol), _KINDS.get(symbol, InstrumentKind.SPOT), InstrumentStatus.TRADING,
        TickSize(Decimal("0.01")), Decimal("0.001"), contract_size=Decimal(contract_size),
    )  # fmt: skip


class Hands:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.s = 100.0

    def monotonic_ns(self) -> int:
        return round(self.s * 1e9)

    def now_ns(self) -> int:
        return self.monotonic_ns()

    async def sleep(self, seconds: float) -> None:
        self.s += seconds


@dataclass
class Desk:
    """One market and one account. ``asked`` counts what was read."""

    bid: str = "100"
    ask: str = "101"
    held: str = "0"
    hands: Hands = field(default_factory=Hands)
    orders: dict[str, OrderState] = field(default_factory=dict)
    listed: list[OrderState] = field(default_factory=list)
    asked: Counter[str] = field(default_factory=Counter)
    fails: str = ""
    before: OrderState | None = None
    change: Amendment | None = None
    dry_run: bool = False

    @property
    def clock(self) -> Clock:
        return self.hands

    def known(self, client_order_id: str) -> OrderState | None:
        return self.orders.get(client_order_id)

    async def look(self, client_order_id: str) -> OrderState | None:
        self._ask("look")
        return self.orders.get(client_order_id)

    async def best_bid_offer(self) -> BestBidOffer:
        self._ask("price")
        return BestBidOffer(BTC, self.bid, "1", self.ask, "1")

    async def open_orders(self) -> Sequence[OrderState]:
        self._ask("open_orders")
        return self.listed

    async def balances(self) -> Sequence[Balance]:
        self._ask("balances")
        return [Balance("BTC", Decimal(self.held), Decimal(0), Decimal(self.held)), _usdt()]

    async def positions(self) -> Sequence[Position]:
        self._ask("positions")
        return [Position(PERP, InstrumentKind.LINEAR, Decimal(self.held))]

    def _ask(self, what: str) -> None:
        self.asked[what] += 1
        if what == self.fails:
            raise ConnectionFailed("no route")

    def send(self, risk: Risk, request: OrderRequest, symbol: Symbol = BTC, **more: Any) -> None:
        """Have *risk* look, and know the order if it passes."""

        async def look() -> None:
            await risk.lotusx_before_order("acme", None, request, instrument(symbol, **more), self)

        anyio.run(look)
        if self.before is None and not self.dry_run:
            name = str(request.client_order_id)
            self.orders[name] = working(name, request.side, str(request.quantity), symbol=request.symbol)

    def report(self, name: str, **changes: Any) -> None:
        """Let it become known that an order has changed."""
        self.orders[name] = replace(self.orders[name], **changes)


def _usdt() -> Balance:
    return Balance("USDT", Decimal(9), Decimal(0), Decimal(9))


def working(name: str, side: Side, quantity: str, filled: str = "0", symbol: Symbol = BTC) -> OrderState:
    return OrderState(
        symbol, f"v-{name}", name, side, OrderType.LIMIT, OrderStatus.OPEN, Decimal(quantity), Decimal(filled)
    )


def buy(quantity: str, price: str = "100", name: str = "a", **more: Any) -> OrderRequest:
    return OrderRequest.limit(BTC, "buy", quantity, price, client_order_id=name, **more)


def sell(quantity: str, price: str = "100", name: str = "a", **more: Any) -> OrderRequest:
    return OrderRequest.limit(BTC, "sell", quantity, price, client_order_id=name, **more)


def market(side: str, quantity: str, name: str = "a", **more: Any) -> OrderRequest:
    return OrderRequest.market(BTC, side, quantity, client_order_id=name, **more)
