"""A paper venue in front of books that a test writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from lotusx.errors import StaleBook
from lotusx.model import (
    AccountEvent,
    FillEvent,
    Instrument,
    InstrumentKind,
    InstrumentStatus,
    Level,
    MarkPrice,
    OrderRequest,
    OrderState,
    Side,
    Symbol,
    TickSize,
    Trade,
)
from lotusx.plugin import Amendment, OrderRef
from lotusx_paper.telling import told
from lotusx_paper.terms import Terms
from lotusx_paper.venue import Market, Venue

BTC = Symbol("BTC", "USDT")
PERP = Symbol("BTC", "USDT", "USDT")
INVERSE = Symbol("BTC", "USD", "BTC")
_KINDS = {BTC: InstrumentKind.SPOT, PERP: InstrumentKind.LINEAR, INVERSE: InstrumentKind.INVERSE}
Levels = Sequence[tuple[str, str]]


def instrument(symbol: Symbol = BTC, contract_size: str = "1") -> Instrument:
    return Instrument(
        symbol, str(symbol), _KINDS.get(symbol, InstrumentKind.OPTION), InstrumentStatus.TRADING,
        TickSize(Decimal("0.5")), Decimal("0.001"), contract_size=Decimal(contract_size),
    )  # fmt: skip


@dataclass
class WrittenBook:
    """A book that shows what a test wrote."""

    written_bids: list[Level] = field(default_factory=list)
    written_asks: list[Level] = field(default_factory=list)
    is_stale: bool = False
    bid_horizon: Decimal | None = None
    ask_horizon: Decimal | None = None

    def write(self, *, bids: Levels | None = None, asks: Levels | None = None) -> None:
        if bids is not None:
            self.written_bids = [Level(Decimal(price), Decimal(quantity)) for price, quantity in bids]
        if asks is not None:
            self.written_asks = [Level(Decimal(price), Decimal(quantity)) for price, quantity in asks]

    def bids(self) -> list[Level]:
        self._check()
        return self.written_bids

    def asks(self) -> list[Level]:
        self._check()
        return self.written_asks

    @property
    def best_bid(self) -> Level | None:
        return next(iter(self.bids()), None)

    @property
    def best_ask(self) -> Level | None:
        return next(iter(self.asks()), None)

    def _check(self) -> None:
        if self.is_stale:
            raise StaleBook("the book is stale")


class Desk:
    """A venue, one market of it, and everything it has told."""

    def __init__(self, symbol: Symbol = BTC, contract_size: str = "1", **settings: Any) -> None:
        self.now_ns = 1_000
        self.events: list[AccountEvent] = []
        self.heard: Callable[[], object] = lambda: None
        self.venue = Venue("example", Terms.of(settings), lambda: self.now_ns, self._take)
        self.instrument = instrument(symbol, contract_size)
        self.book = WrittenBook()
        self.market: Market = self.venue.market(self.instrument)
        self.market.book = self.book
        self.market.problem = lambda: "its order book is stale" if self.book.is_stale else ""

    def _take(self, events: Any) -> None:
        self.events += told(self.venue, events)
        self.heard()

    def limit(self, side: str, quantity: str, price: str, name: str = "a", **more: Any) -> OrderState:
        more.setdefault("client_order_id", name)
        return self.place(OrderRequest.limit(self.instrument.symbol, side, quantity, price, **more))

    def take(self, side: str, quantity: str, name: str = "a", **more: Any) -> OrderState:
        return self.place(OrderRequest.market(self.instrument.symbol, side, quantity, client_order_id=name, **more))

    def place(self, request: OrderRequest) -> OrderState:
        self.now_ns += 1
        return self.venue.place(request, self.instrument)

    def amend(self, name: str, quantity: str | None = None, price: str | None = None) -> OrderState:
        self.now_ns += 1
        change = Amendment(
            None if quantity is None else Decimal(quantity), None if price is None else Decimal(price), f"{name}-2"
        )
        return self.venue.amend(OrderRef(client_order_id=name), change, self.instrument)

    def cancel(self, name: str) -> OrderState:
        self.now_ns += 1
        return self.venue.cancel(OrderRef(client_order_id=name), self.instrument)

    def state(self, name: str = "a") -> OrderState:
        return self.venue.order(OrderRef(client_order_id=name), self.instrument)

    def prints(self, taker: str, quantity: str, price: str) -> None:
        self.now_ns += 1
        self.venue.printed(self.market, Trade(self.instrument.symbol, "1", Side(taker), price, quantity, self.now_ns))

    def shows(self, *, bids: Levels | None = None, asks: Levels | None = None) -> None:
        """Have the book change, and the venue look at it."""
        self.now_ns += 1
        self.book.write(bids=bids, asks=asks)
        self.venue.moved(self.market)

    def mark(self, price: str) -> None:
        self.venue.marked(MarkPrice(self.instrument.symbol, Decimal(price)))

    def held(self, asset: str) -> tuple[Decimal, Decimal]:
        balance = self.venue.engine.accounts.balance("paper", asset)
        return balance.free, balance.locked

    @property
    def matched(self) -> list[tuple[str, Decimal, Decimal]]:
        """Every fill told so far: order, price, quantity."""
        fills = [event.fill for event in self.events if isinstance(event, FillEvent)]
        return [(str(fill.client_order_id), fill.price, fill.quantity) for fill in fills]
