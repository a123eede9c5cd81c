"""What a plugin writes: endpoints and field mapping, nothing else.

The core's `MarketData`, `Trading` and `Account` stand in front of these ports. They read symbols, check arguments
and capabilities, page, keep order outcomes and build streams, once for every exchange. A port's methods may assume
that their arguments are valid, and do one thing: ask the exchange and convert the answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from lotusx.kernel.codec import Channel
from lotusx.model.enums import Interval
from lotusx.model.instruments import Instrument

if TYPE_CHECKING:
    from lotusx.kernel.book import BookRule
    from lotusx.model.account import AccountEvent, Balance, Fees, Permissions, Position
    from lotusx.model.market_data import BestBidOffer, BookUpdate, Candle, OrderBook, Ticker, Trade
    from lotusx.model.orders import Fill, OrderState
    from lotusx.model.requests import OrderRequest

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page of history, oldest first. ``cursor``: where the next page starts, in the plugin's own form;
    ``None``: there is nothing more up to the end that was asked for.
    """

    items: Sequence[T]
    cursor: str | None


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of history, [start_ns, end_ns); ``None``: open."""

    start_ns: int | None = None
    end_ns: int | None = None


@dataclass(frozen=True, slots=True)
class OrderRef:
    """How an order is named: by either id, or both."""

    client_order_id: str | None = None
    venue_order_id: str | None = None

    def __str__(self) -> str:
        return self.client_order_id or self.venue_order_id or "?"


@dataclass(frozen=True, slots=True)
class Amendment:
    """What should become of a working order. ``None``: as it is. ``new_client_order_id`` was made by the core."""

    quantity: Decimal | None = None
    price: Decimal | None = None
    new_client_order_id: str | None = None


class MarketDataPort(Protocol):
    """Public data of one exchange."""

    async def server_time_ns(self) -> int: ...
    async def instruments(self) -> Sequence[Instrument]: ...
    async def ticker(self, instrument: Instrument) -> Ticker: ...
    async def tickers(self, instruments: Sequence[Instrument] | None) -> Sequence[Ticker]:
        """``None``: all. Items of instruments that are not listed are left out."""

    async def best_bid_offer(self, instrument: Instrument) -> BestBidOffer: ...
    async def order_book(self, instrument: Instrument, depth: int) -> OrderBook: ...
    async def recent_trades(self, instrument: Instrument, limit: int) -> Sequence[Trade]:
        """Newest *limit* prints, oldest first."""

    async def candles_page(
        self, instrument: Instrument, interval: Interval, span: Span, cursor: str | None, limit: int
    ) -> Page[Candle]:
        """Oldest first. With an open span: the newest *limit*, and no cursor."""

    async def trades_page(self, instrument: Instrument, span: Span, cursor: str | None, limit: int) -> Page[Trade]: ...

    def trades_channel(self, instrument: Instrument) -> Channel[Trade]: ...
    def ticker_channel(self, instrument: Instrument) -> Channel[Ticker]: ...
    def best_bid_offer_channel(self, instrument: Instrument) -> Channel[BestBidOffer]: ...
    def candles_channel(self, instrument: Instrument, interval: Interval) -> Channel[Candle]: ...
    def order_book_channel(self, instrument: Instrument, depth: int) -> Channel[OrderBook]:
        """Whole top-of-book snapshots. Raises `InvalidArgument` naming the depths the exchange has."""

    def book_channel(self, instrument: Instrument) -> Channel[BookUpdate]:
        """The raw updates a live book is built from."""

    def book_rule(self) -> BookRule:
        """How those updates and a snapshot become a book."""


class TradingPort(Protocol):
    """Orders of one account. Every method raises what the exchange said; doubt is raised as the transport error it is
    (or an error with ``may_have_executed``): the core turns it into an outcome.
    """

    async def place(self, request: OrderRequest, instrument: Instrument) -> OrderState:
        """Send it. ``request.client_order_id`` is set. The state may be a bare acknowledgement."""

    async def test(self, request: OrderRequest, instrument: Instrument) -> None:
        """Have the exchange check it without placing it."""

    async def cancel(self, ref: OrderRef, instrument: Instrument) -> OrderState: ...
    async def cancel_all(self, instrument: Instrument | None) -> Sequence[OrderState]: ...
    async def cancel_all_after(self, seconds: int, instrument: Instrument | None) -> None: ...
    async def amend(self, order: OrderState, change: Amendment, instrument: Instrument) -> OrderState:
        """Return the state of the order that is working afterwards (its ids may be new)."""

    async def order(self, ref: OrderRef, instrument: Instrument) -> OrderState:
        """Raises `OrderNotFound` where the exchange does not find it."""

    async def open_orders(self, instrument: Instrument | None) -> Sequence[OrderState]: ...
    async def orders_page(
        self, instrument: Instrument, span: Span, cursor: str | None, limit: int
    ) -> Page[OrderState]: ...
    async def fills_page(self, instrument: Instrument, span: Span, cursor: str | None, limit: int) -> Page[Fill]: ...
    async def fills_of(self, state: OrderState, instrument: Instrument) -> Sequence[Fill]:
        """All fills of one order, oldest first."""

    async def place_batch(
        self, requests: Sequence[OrderRequest], instruments: Sequence[Instrument]
    ) -> Sequence[OrderState | Exception]: ...
    async def cancel_batch(
        self, refs: Sequence[OrderRef], instruments: Sequence[Instrument]
    ) -> Sequence[OrderState | Exception]: ...
    async def ready(self) -> None:
        """Open and log in whatever the first order would otherwise wait for."""


class AccountPort(Protocol):
    """Holdings and settings of one account."""

    async def balances(self) -> Sequence[Balance]: ...
    async def positions(self) -> Sequence[Position]: ...
    async def fees(self, instrument: Instrument) -> Fees: ...
    async def permissions(self) -> Permissions: ...
    def channels(self) -> Sequence[Channel[AccountEvent]]:
        """The private channels that together carry orders, fills, balances and positions."""


class Connector(Protocol):
    """What a plugin hands over: its ports, and typed access to what is the exchange's own."""

    @property
    def market(self) -> MarketDataPort: ...
    @property
    def trading(self) -> TradingPort: ...
    @property
    def account(self) -> AccountPort: ...
    @property
    def native(self) -> Native: ...


class Native(Protocol):
    """The exchange's own endpoints: typed methods for those the plugin knows, `call` for all others."""

    async def call(
        self,
        verb: str,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        signed: bool = False,
        weight: int = 1,
        service: str | None = None,
    ) -> Any:
        """Send any request, signed and budgeted, and return its decoded JSON (numbers with a point as `Decimal`).

        A verb other than GET is never sent twice; doubt is raised, not resolved.
        """
