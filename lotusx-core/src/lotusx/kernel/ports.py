"""What a plugin writes: endpoints and field mapping, nothing else.

The core's `MarketData`, `Trading` and `Account` stand in front of these ports. They read symbols, check arguments
and capabilities, page, keep order outcomes and build streams, once for every exchange. A port's methods may assume
that their arguments are valid, and do one thing: ask the exchange and convert the answer.

A plugin derives from the ports and writes what its exchange has; everything else says `NotSupported`, also calls that
a later core adds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Generic, Protocol, TypeVar

from lotusx.errors import NotSupported
from lotusx.kernel.codec import Channel
from lotusx.model.enums import Interval
from lotusx.model.instruments import Instrument

if TYPE_CHECKING:
    from lotusx.kernel.book import BookRule
    from lotusx.model.account import AccountEvent, Balance, Fees, FundingPayment, Leverage, Permissions, Position
    from lotusx.model.enums import MarginMode, OrderStatus
    from lotusx.model.funds import Deposit, Transfer, Withdrawal
    from lotusx.model.market_data import (
        BestBidOffer,
        BookUpdate,
        Candle,
        FundingRate,
        Liquidation,
        MarkPrice,
        OpenInterest,
        OrderBook,
        Ticker,
        Trade,
    )
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

    def split(self, longest_ns: int) -> list[Span]:
        """Cut a stretch whose both ends are given into pieces of *longest_ns* at most, oldest first."""
        if self.start_ns is None or self.end_ns is None:
            raise ValueError("an open span cannot be split")
        begins = range(self.start_ns, self.end_ns, longest_ns)
        return [Span(begin, min(begin + longest_ns, self.end_ns)) for begin in begins]


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


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A cancel that the exchange took and did not describe. ``status``: what became of the order, where that is said.

    The core completes it from what it knows of the order, or asks.
    """

    ref: OrderRef
    status: OrderStatus | None = None
    raw_status: str = ""


class MarketDataPort(Protocol):
    """Public data of one exchange."""

    async def server_time_ns(self) -> int:
        raise _absent("server_time")

    async def instruments(self) -> Sequence[Instrument]:
        raise _absent("instruments")

    async def ticker(self, instrument: Instrument) -> Ticker:
        raise _absent("ticker")

    async def tickers(self, instruments: Sequence[Instrument] | None) -> Sequence[Ticker]:
        """``None``: all. Items of instruments that are not listed are left out."""
        raise _absent("tickers")

    async def best_bid_offer(self, instrument: Instrument) -> BestBidOffer:
        raise _absent("best_bid_offer")

    async def order_book(self, instrument: Instrument, depth: int) -> OrderBook:
        raise _absent("order_book")

    async def recent_trades(self, instrument: Instrument, limit: int) -> Sequence[Trade]:
        """Newest *limit* prints, oldest first."""
        raise _absent("recent_trades")

    async def newest_trade_ns(self, instrument: Instrument) -> int | None:
        """When the newest print was made; ``None``: there is none. Asked for often, of markets that seem quiet.

        To be written where an exchange has something cheaper than its list of prints.
        """
        trades = await self.recent_trades(instrument, 1)
        return trades[-1].exchange_ns if trades else None

    async def candles_page(
        self, instrument: Instrument, interval: Interval, span: Span, cursor: str | None, limit: int
    ) -> Page[Candle]:
        """Oldest first. With an open span: the newest *limit*, and no cursor."""
        raise _absent("candles")

    async def trades_page(self, instrument: Instrument, span: Span, cursor: str | None, limit: int) -> Page[Trade]:
        raise _absent("trade_history")

    async def mark_price(self, instrument: Instrument) -> MarkPrice:
        raise _absent("mark_price")

    async def funding_rate(self, instrument: Instrument) -> FundingRate:
        """The rate of the running interval."""
        raise _absent("funding_rate")

    async def funding_rates_page(
        self, instrument: Instrument, span: Span, cursor: str | None, limit: int
    ) -> Page[FundingRate]:
        """Rates that were applied, oldest first."""
        raise _absent("funding_history")

    async def open_interest(self, instrument: Instrument) -> OpenInterest:
        raise _absent("open_interest")

    def trades_channel(self, instrument: Instrument) -> Channel[Trade]:
        raise _absent("stream_trades")

    def ticker_channel(self, instrument: Instrument) -> Channel[Ticker]:
        raise _absent("stream_ticker")

    def best_bid_offer_channel(self, instrument: Instrument) -> Channel[BestBidOffer]:
        raise _absent("stream_best_bid_offer")

    def candles_channel(self, instrument: Instrument, interval: Interval) -> Channel[Candle]:
        raise _absent("stream_candles")

    def mark_price_channel(self, instrument: Instrument) -> Channel[MarkPrice]:
        raise _absent("stream_mark_price")

    def liquidations_channel(self, instrument: Instrument) -> Channel[Liquidation]:
        raise _absent("stream_liquidations")

    def order_book_channel(self, instrument: Instrument, depth: int) -> Channel[OrderBook]:
        """Whole top-of-book snapshots. Raises `InvalidArgument` naming the depths the exchange has."""
        raise _absent("stream_order_book")

    def book_channel(self, instrument: Instrument, depth: int) -> Channel[BookUpdate]:
        """The raw updates a live book is built from; *depth*: as many levels a side as the caller wants to see."""
        raise _absent("live_order_book")

    def book_rule(self, depth: int) -> BookRule:
        """How those updates and a snapshot become a book."""
        raise _absent("live_order_book")


class TradingPort(Protocol):
    """Orders of one account. Every method raises what the exchange said; doubt is raised as the transport error it is
    (or an error with ``may_have_executed``): the core turns it into an outcome.
    """

    async def place(self, request: OrderRequest, instrument: Instrument) -> OrderState:
        """Send it. ``request.client_order_id`` is set. The state may be a bare acknowledgement."""
        raise _absent("place_order")

    async def test(self, request: OrderRequest, instrument: Instrument) -> None:
        """Have the exchange check it without placing it."""
        raise _absent("test_order")

    async def cancel(self, ref: OrderRef, instrument: Instrument) -> OrderState | Acknowledged:
        raise _absent("cancel_order")

    async def cancel_all(self, instrument: Instrument | None) -> Sequence[OrderState]:
        raise _absent("cancel_all")

    async def cancel_all_after(self, seconds: int, instrument: Instrument | None) -> None:
        """Replace the deadline by *seconds* from now; 0: have none."""
        raise _absent("cancel_all_after")

    async def amend(self, order: OrderState, change: Amendment, instrument: Instrument) -> OrderState:
        """Return the state of the order that is working afterwards (its ids may be new)."""
        raise _absent("amend_order")

    async def order(self, ref: OrderRef, instrument: Instrument) -> OrderState:
        """Raises `OrderNotFound` where the exchange does not find it."""
        raise _absent("query_order")

    async def open_orders(self, instrument: Instrument | None) -> Sequence[OrderState]:
        raise _absent("open_orders")

    async def orders_page(self, instrument: Instrument, span: Span, cursor: str | None, limit: int) -> Page[OrderState]:
        raise _absent("order_history")

    async def fills_page(self, instrument: Instrument, span: Span, cursor: str | None, limit: int) -> Page[Fill]:
        """Oldest first."""
        raise _absent("fills")

    async def account_fills_page(self, span: Span, cursor: str | None, limit: int) -> Page[Fill]:
        """Oldest first, of all instruments: where the exchange has that, a recovery finds fills of any order."""
        raise _absent("fills of all instruments")

    async def fills_of(self, state: OrderState, instrument: Instrument) -> Sequence[Fill]:
        """All fills of one order, oldest first."""
        raise _absent("fills")

    async def place_batch(
        self, requests: Sequence[OrderRequest], instruments: Sequence[Instrument]
    ) -> Sequence[OrderState | Exception]:
        """One answer per request, in their order."""
        raise _absent("batch_orders")

    async def cancel_batch(
        self, refs: Sequence[OrderRef], instruments: Sequence[Instrument]
    ) -> Sequence[OrderState | Acknowledged | Exception]:
        """One answer per order, in their order."""
        raise _absent("batch_cancel")

    async def amend_batch(
        self, orders: Sequence[OrderState], changes: Sequence[Amendment], instruments: Sequence[Instrument]
    ) -> Sequence[OrderState | Exception]:
        """One answer per order, in their order."""
        raise _absent("batch_amend")

    async def ready(self) -> None:
        """Open and log in whatever the first order would otherwise wait for."""
        return


class Lease(Protocol):
    """A WebSocket address that must be asked for before each connection, and is kept by renewing it.

    The address is a credential: it stands in no log, error or observation.

    Attributes:
        renew_s: Seconds between two renewals while a socket is open.
    """

    @property
    def renew_s(self) -> float: ...
    async def address(self, url: str) -> str:
        """Return where to connect, instead of the group's *url*. An error is a connection that failed."""

    async def renew(self) -> None:
        """Keep the address; called as soon as a socket is open, too, for it may be dead already.

        An error that is not retryable says that it is gone: the sockets are replaced.
        """


class AccountPort(Protocol):
    """Holdings and settings of one account."""

    async def balances(self) -> Sequence[Balance]:
        raise _absent("balances")

    async def positions(self) -> Sequence[Position]:
        raise _absent("positions")

    async def fees(self, instrument: Instrument) -> Fees:
        raise _absent("fees")

    async def permissions(self) -> Permissions:
        raise _absent("permissions")

    async def leverage(self, instrument: Instrument) -> Leverage:
        raise _absent("leverage")

    async def set_leverage(self, instrument: Instrument, leverage: Decimal) -> None:
        raise _absent("leverage")

    async def set_margin_mode(self, instrument: Instrument, mode: MarginMode) -> None:
        raise _absent("margin_mode")

    async def change_margin(self, instrument: Instrument, amount: Decimal) -> None:
        """Add *amount* of the settle asset to the margin of an isolated position; below zero: take it out."""
        raise _absent("isolated_margin")

    async def deposits(self, asset: str | None, span: Span) -> Sequence[Deposit]:
        """All that were noticed in *span*, whose both ends are given; ``None``: of all assets. In any order."""
        raise _absent("deposits")

    async def withdrawals(self, asset: str | None, span: Span) -> Sequence[Withdrawal]:
        """All that were asked for in *span*, whose both ends are given; ``None``: of all assets. In any order."""
        raise _absent("withdrawals")

    async def transfer(self, asset: str, amount: Decimal, source: str, target: str, transfer_id: str) -> Transfer:
        """Move between two wallets of the account, each a `Wallet` or in the exchange's own name.

        *transfer_id* is a UUID that goes along where the exchange takes one. Doubt is raised as the error it is: the
        core turns it into `TransferOutcomeUnknown`.
        """
        raise _absent("transfer")

    def transfer_look_up(self, source: str, target: str, transfer_id: str) -> str:
        """Say how the caller sees whether a transfer was made."""
        return "compare account.balances() with what they were"

    async def funding_payments_page(
        self, instrument: Instrument | None, span: Span, cursor: str | None, limit: int
    ) -> Page[FundingPayment]:
        """Oldest first. ``None``: of all instruments."""
        raise _absent("funding_payments")

    async def prepare(self) -> None:
        """Learn what `channels` must know before it can read its messages, such as which model of account it is."""
        return

    def leases(self) -> Mapping[str, Lease]:
        """Groups of addresses that are leased, by name; the others are as the environment says."""
        return {}

    def channels(self) -> Sequence[Channel[AccountEvent]]:
        """The private channels that together carry orders, fills, balances and positions."""
        raise _absent("stream_account")


def _absent(what: str) -> NotSupported:
    return NotSupported("this exchange", what)


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
