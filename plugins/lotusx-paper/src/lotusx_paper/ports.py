"""The ports of a paper account: those of any exchange, answered in this process."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from functools import partial
from typing import TypeVar

from lotusx.errors import LotusXError
from lotusx.model import (
    AccountEvent,
    Balance,
    Fees,
    Fill,
    Instrument,
    InstrumentKind,
    Leverage,
    MarginMode,
    OrderState,
    Permissions,
    Position,
)
from lotusx.model.requests import OrderRequest
from lotusx.plugin import (
    AccountPort,
    Acknowledged,
    Amendment,
    Channel,
    ChannelKind,
    Clock,
    Connector,
    MarketDataPort,
    Native,
    OrderRef,
    Page,
    Span,
    TradingPort,
)
from lotusx_paper.conversions import FROM_MARGIN_MODE, TO_MARGIN_MODE, to_balance, to_error, to_fill
from lotusx_paper.following import Following
from lotusx_paper.line import Line
from lotusx_paper.switch import Switch
from lotusx_paper.terms import Terms
from lotusx_paper.venue import OWN, Venue
from lotusx_sim.engine import orders as engine
from lotusx_sim.engine.orders import Refused

T = TypeVar("T")


class PaperTrading(TradingPort):
    """Orders that are matched here. Commands take the latency; reads take no time."""

    def __init__(self, venue: Venue, following: Following, line: Line, switch: Switch) -> None:
        self._venue = venue
        self._following = following
        self._line = line
        self._switch = switch

    async def place(self, request: OrderRequest, instrument: Instrument) -> OrderState:
        await self._following.ensure(instrument)
        return await self._line.send(lambda: self._venue.place(request, instrument))

    async def amend(self, order: OrderState, change: Amendment, instrument: Instrument) -> OrderState:
        ref = OrderRef(order.client_order_id, order.venue_order_id)
        return await self._line.send(lambda: self._venue.amend(ref, change, instrument))

    async def cancel(self, ref: OrderRef, instrument: Instrument) -> OrderState:
        return await self._line.send(lambda: self._venue.cancel(ref, instrument))

    async def cancel_all(self, instrument: Instrument | None) -> Sequence[OrderState]:
        symbol = None if instrument is None else str(instrument.symbol)
        return await self._line.send(partial(self._venue.cancel_all, symbol))

    async def cancel_all_after(self, seconds: int, instrument: Instrument | None) -> None:
        symbol = None if instrument is None else str(instrument.symbol)
        await self._line.send(partial(self._switch.hold, seconds, symbol))

    async def place_batch(
        self, requests: Sequence[OrderRequest], instruments: Sequence[Instrument]
    ) -> Sequence[OrderState | Exception]:
        for instrument in dict.fromkeys(instruments):
            await self._following.ensure(instrument)
        return await self._line.send(
            lambda: [
                _tried(partial(self._venue.place, request, instrument))
                for request, instrument in zip(requests, instruments, strict=True)
            ]
        )

    async def cancel_batch(
        self, refs: Sequence[OrderRef], instruments: Sequence[Instrument]
    ) -> Sequence[OrderState | Acknowledged | Exception]:
        return await self._line.send(
            lambda: [
                _tried(partial(self._venue.cancel, ref, instrument))
                for ref, instrument in zip(refs, instruments, strict=True)
            ]
        )

    async def order(self, ref: OrderRef, instrument: Instrument) -> OrderState:
        return self._venue.order(ref, instrument)

    async def open_orders(self, instrument: Instrument | None) -> Sequence[OrderState]:
        symbol = None if instrument is None else str(instrument.symbol)
        return [self._venue.state(order) for order in self._venue.engine.open_orders(OWN, symbol)]

    async def orders_page(self, instrument: Instrument, span: Span, cursor: str | None, limit: int) -> Page[OrderState]:
        symbol = str(instrument.symbol)
        found = [
            order
            for order in self._venue.engine.orders.values()
            if order.account == OWN and order.symbol == symbol and _within(order.created_ns, span)
        ]
        return _page([self._venue.state(order) for order in found], cursor, limit)

    async def fills_page(self, instrument: Instrument, span: Span, cursor: str | None, limit: int) -> Page[Fill]:
        return _page(self._fills(span, str(instrument.symbol)), cursor, limit)

    async def account_fills_page(self, span: Span, cursor: str | None, limit: int) -> Page[Fill]:
        return _page(self._fills(span, None), cursor, limit)

    async def fills_of(self, state: OrderState, instrument: Instrument) -> Sequence[Fill]:
        ref = OrderRef(state.client_order_id, state.venue_order_id)
        return self._venue.order(ref, instrument).fills

    def _fills(self, span: Span, symbol: str | None) -> list[Fill]:
        orders = self._venue.engine.orders
        return [
            to_fill(fill, orders[fill.order_id].client_id)
            for fill in self._venue.engine.fills
            if symbol in (None, fill.symbol) and _within(fill.ns, span)
        ]


class PaperAccount(AccountPort):
    """What the paper account holds."""

    def __init__(self, venue: Venue, terms: Terms, clock: Clock, group: str) -> None:
        self._venue = venue
        self._terms = terms
        self._clock = clock
        self._group = group

    async def balances(self) -> Sequence[Balance]:
        held = self._venue.engine.accounts.balances(OWN)
        return [to_balance(asset, each) for asset, each in held.items() if each.total or each.locked]

    async def positions(self) -> Sequence[Position]:
        return [self._venue.position(each) for each in self._venue.engine.perps.positions(OWN)]

    async def fees(self, instrument: Instrument) -> Fees:
        return Fees(instrument.symbol, self._terms.maker, self._terms.taker)

    async def permissions(self) -> Permissions:
        return Permissions(read=True, trade=True, withdraw=False)

    async def leverage(self, instrument: Instrument) -> Leverage:
        found = self._venue.engine.perps.position(OWN, self._perpetual(instrument))
        mode = FROM_MARGIN_MODE[found.mode]
        return Leverage(instrument.symbol, found.leverage, mode, found.contract.max_leverage)

    async def set_leverage(self, instrument: Instrument, leverage: Decimal) -> None:
        symbol = self._perpetual(instrument)
        with self._venue.command():
            self._venue.engine.perps.set_leverage(OWN, symbol, leverage, self._clock.now_ns())

    async def set_margin_mode(self, instrument: Instrument, mode: MarginMode) -> None:
        symbol = self._perpetual(instrument)
        with self._venue.command():
            self._venue.engine.perps.set_margin_mode(OWN, symbol, TO_MARGIN_MODE[mode], self._clock.now_ns())

    def channels(self) -> Sequence[Channel[AccountEvent]]:
        return [Channel(self._group, "account", ChannelKind.ACCOUNT, _never, private=True)]

    def _perpetual(self, instrument: Instrument) -> str:
        market = self._venue.market(instrument)
        if market.instrument.kind is InstrumentKind.SPOT:
            raise to_error(self._venue.exchange, Refused(engine.Reason.LEVERAGE))
        return str(instrument.symbol)


class PaperConnector(Connector):
    """The public data of an exchange, and an account that exists here only."""

    def __init__(self, inner: Connector, trading: PaperTrading, account: PaperAccount) -> None:
        self._inner = inner
        self._trading = trading
        self._account = account

    @property
    def market(self) -> MarketDataPort:
        return self._inner.market

    @property
    def trading(self) -> PaperTrading:
        return self._trading

    @property
    def account(self) -> PaperAccount:
        return self._account

    @property
    def native(self) -> Native:
        return self._inner.native


def _within(ns: int, span: Span) -> bool:
    return (span.start_ns is None or ns >= span.start_ns) and (span.end_ns is None or ns < span.end_ns)


def _page(items: Sequence[T], cursor: str | None, limit: int) -> Page[T]:
    start = int(cursor or 0)
    end = start + limit
    return Page(items[start:end], str(end) if end < len(items) else None)


def _tried(act: Callable[[], OrderState]) -> OrderState | Exception:
    try:
        return act()
    except LotusXError as error:
        return error


def _never(message: bytes, received_ns: int) -> Sequence[AccountEvent]:
    raise AssertionError("a paper account has no messages: its events are made here")
