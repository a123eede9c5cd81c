"""The ports of a connection through a gateway: what is asked of it, and what its answers mean."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import msgspec

from lotusx.errors import NotSupported
from lotusx.model import (
    AccountEvent,
    Balance,
    BestBidOffer,
    Candle,
    Fees,
    Fill,
    FundingPayment,
    FundingRate,
    Instrument,
    Interval,
    Liquidation,
    MarkPrice,
    OpenInterest,
    OrderBook,
    OrderState,
    Position,
    Ticker,
    Trade,
)
from lotusx.model.market_data import BookUpdate
from lotusx.model.requests import OrderRequest
from lotusx.plugin import (
    AccountPort,
    Acknowledged,
    BookRule,
    Channel,
    ChannelKind,
    Connector,
    MarketDataPort,
    OrderRef,
    Page,
    Span,
    TradingPort,
)
from lotusx_gateway.conversions import account, public
from lotusx_gateway.link import Link
from lotusx_gateway.messages import arrived, book_depth, decode, decode_instruments

T = TypeVar("T")

_DAY_NS = 86_400 * 1_000_000_000


class GatewayMarket(MarketDataPort):
    """Public data, of the exchange the gateway is connected to."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def _get(self, call: str, kind: type[T], **arguments: Any) -> T:
        return _read(await self._link.ask(call, arguments), kind)

    async def server_time_ns(self) -> int:
        return await self._get("server_time", int)

    async def instruments(self) -> Sequence[Instrument]:
        return decode_instruments(await self._link.ask("instruments", timeout_s=30.0))

    async def ticker(self, instrument: Instrument) -> Ticker:
        return await self._get("ticker", Ticker, symbol=str(instrument.symbol))

    async def tickers(self, instruments: Sequence[Instrument] | None) -> Sequence[Ticker]:
        symbols = None if instruments is None else [str(each.symbol) for each in instruments]
        return await self._get("tickers", list[Ticker], symbols=symbols)

    async def best_bid_offer(self, instrument: Instrument) -> BestBidOffer:
        return await self._get("best_bid_offer", BestBidOffer, symbol=str(instrument.symbol))

    async def order_book(self, instrument: Instrument, depth: int) -> OrderBook:
        return await self._get("order_book", OrderBook, symbol=str(instrument.symbol), depth=depth)

    async def recent_trades(self, instrument: Instrument, limit: int) -> Sequence[Trade]:
        return await self._get("recent_trades", list[Trade], symbol=str(instrument.symbol), limit=limit)

    async def mark_price(self, instrument: Instrument) -> MarkPrice:
        return await self._get("mark_price", MarkPrice, symbol=str(instrument.symbol))

    async def funding_rate(self, instrument: Instrument) -> FundingRate:
        return await self._get("funding_rate", FundingRate, symbol=str(instrument.symbol))

    async def open_interest(self, instrument: Instrument) -> OpenInterest:
        return await self._get("open_interest", OpenInterest, symbol=str(instrument.symbol))

    def trades_channel(self, instrument: Instrument) -> Channel[Trade]:
        return public(f"trades {instrument.symbol}", ChannelKind.TRADES, Trade)

    def ticker_channel(self, instrument: Instrument) -> Channel[Ticker]:
        return public(f"ticker {instrument.symbol}", ChannelKind.TICKER, Ticker)

    def best_bid_offer_channel(self, instrument: Instrument) -> Channel[BestBidOffer]:
        return public(f"best_bid_offer {instrument.symbol}", ChannelKind.BEST_BID_OFFER, BestBidOffer)

    def candles_channel(self, instrument: Instrument, interval: Interval) -> Channel[Candle]:
        key = f"candles:{interval.value} {instrument.symbol}"
        return public(key, ChannelKind.CANDLES, Candle)

    def mark_price_channel(self, instrument: Instrument) -> Channel[MarkPrice]:
        return public(f"mark_price {instrument.symbol}", ChannelKind.MARK_PRICE, MarkPrice)

    def liquidations_channel(self, instrument: Instrument) -> Channel[Liquidation]:
        return public(f"liquidations {instrument.symbol}", ChannelKind.LIQUIDATIONS, Liquidation)

    def book_channel(self, instrument: Instrument, depth: int) -> Channel[BookUpdate]:
        key = f"book:{book_depth(depth)} {instrument.symbol}"
        return public(key, ChannelKind.BOOK, BookUpdate)

    def book_rule(self, depth: int) -> BookRule:
        return BookRule.stream_snapshot(window=book_depth(depth))


class GatewayTrading(TradingPort):
    """Orders of the account that the gateway holds. Each command is sent once; doubt is resolved by looking."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def _get(self, call: str, kind: type[T], arguments: Mapping[str, Any]) -> T:
        return _read(await self._link.ask(call, arguments, of_account=True), kind)

    async def _command(self, call: str, kind: type[T], arguments: Mapping[str, Any]) -> T:
        return _read(await self._link.ask(call, arguments, of_account=True, command=True), kind)

    async def place(self, request: OrderRequest, instrument: Instrument) -> OrderState:
        return await self._command("place", OrderState, {"request": request.plain_fields()})

    async def cancel(self, ref: OrderRef, instrument: Instrument) -> OrderState | Acknowledged:
        return await self._command("cancel", OrderState, _named(ref, instrument))

    async def cancel_all(self, instrument: Instrument | None) -> Sequence[OrderState]:
        return await self._command("cancel_all", list[OrderState], {"symbol": _symbol(instrument)})

    async def order(self, ref: OrderRef, instrument: Instrument) -> OrderState:
        return await self._get("order", OrderState, _named(ref, instrument))

    async def open_orders(self, instrument: Instrument | None) -> Sequence[OrderState]:
        return await self._get("open_orders", list[OrderState], {"symbol": _symbol(instrument)})

    async def fills_page(self, instrument: Instrument, span: Span, cursor: str | None, limit: int) -> Page[Fill]:
        return await self._fills(instrument, span)

    async def account_fills_page(self, span: Span, cursor: str | None, limit: int) -> Page[Fill]:
        return await self._fills(None, span)

    async def fills_of(self, state: OrderState, instrument: Instrument) -> Sequence[Fill]:
        moments = [moment for moment in (state.created_ns, state.updated_ns) if moment]
        since_ns = max(min(moments) - _DAY_NS, 0) if moments else None
        return (await self._fills(instrument, Span(since_ns, None), venue_order_id=state.venue_order_id)).items

    async def _fills(self, instrument: Instrument | None, span: Span, **more: Any) -> Page[Fill]:
        return Page(await self._get("fills", list[Fill], {**_spanned(instrument, span), **more}), None)

    async def ready(self) -> None:
        await self._link.ask("hello", of_account=True)


class GatewayAccount(AccountPort):
    """What the account at the gateway holds."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def _get(self, call: str, kind: type[T], **arguments: Any) -> T:
        return _read(await self._link.ask(call, arguments, of_account=True), kind)

    async def balances(self) -> Sequence[Balance]:
        return await self._get("balances", list[Balance])

    async def positions(self) -> Sequence[Position]:
        return await self._get("positions", list[Position])

    async def fees(self, instrument: Instrument) -> Fees:
        return await self._get("fees", Fees, symbol=str(instrument.symbol))

    async def funding_payments_page(
        self, instrument: Instrument | None, span: Span, cursor: str | None, limit: int
    ) -> Page[FundingPayment]:
        return Page(await self._get("funding_payments", list[FundingPayment], **_spanned(instrument, span)), None)

    def channels(self) -> Sequence[Channel[AccountEvent]]:
        return [account(self._link.account)]


class GatewayNative:
    """There is none: what is the exchange's own stays with whoever holds its keys."""

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
        """Refuse."""
        raise NotSupported("the gateway", "native calls", "a connection to the exchange itself")


class GatewayConnector(Connector):
    """The ports of one connection."""

    def __init__(self, link: Link) -> None:
        self._market = GatewayMarket(link)
        self._trading = GatewayTrading(link)
        self._account = GatewayAccount(link)

    @property
    def market(self) -> GatewayMarket:
        return self._market

    @property
    def trading(self) -> GatewayTrading:
        return self._trading

    @property
    def account(self) -> GatewayAccount:
        return self._account

    @property
    def native(self) -> GatewayNative:
        return GatewayNative()


def _read(answer: msgspec.Raw, kind: type[T]) -> T:
    found: T = arrived(decode(answer, kind), time.time_ns())
    return found


def _symbol(instrument: Instrument | None) -> str | None:
    return None if instrument is None else str(instrument.symbol)


def _spanned(instrument: Instrument | None, span: Span) -> dict[str, Any]:
    return {"symbol": _symbol(instrument), "start_ns": span.start_ns, "end_ns": span.end_ns}


def _named(ref: OrderRef, instrument: Instrument) -> dict[str, Any]:
    return {
        "symbol": str(instrument.symbol),
        "client_order_id": ref.client_order_id,
        "venue_order_id": ref.venue_order_id,
    }
