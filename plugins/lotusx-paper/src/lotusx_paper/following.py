"""Follows what the exchange shows of the instruments that are traded, and hands it to the venue."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from functools import partial
from typing import Any, Protocol

import anyio
from anyio.abc import TaskGroup, TaskStatus

from lotusx import LiveOrderBook, LotusXError, NotSupported, Overflow, StaleBook, Stream, Trade
from lotusx.errors import RefusedBeforeSending, StreamClosed, Unavailable
from lotusx.model import Instrument, InstrumentKind, MarkPrice, Symbol, VenueEvent
from lotusx.plugin import Clock, StatusChange, StreamState
from lotusx_paper.venue import Market, Venue

PAUSE_S = 5.0
"""Between two attempts to follow an instrument whose streams were refused or have ended."""
_UP = (StreamState.ACKNOWLEDGED, StreamState.LIVE, StreamState.RECOVERED)


class PublicStreams(Protocol):
    """What is used of a connection's market data."""

    def stream_trades(
        self, symbol: Symbol | str, *, buffer: int = ..., overflow: Overflow = ...
    ) -> AbstractAsyncContextManager[Stream[Trade]]:
        """Subscribe to prints."""

    def stream_mark_price(
        self, symbol: Symbol | str, *, buffer: int = ..., overflow: Overflow = ...
    ) -> AbstractAsyncContextManager[Stream[MarkPrice]]:
        """Subscribe to mark prices."""

    def live_order_book(self, symbol: Symbol | str, *, depth: int = ...) -> AbstractAsyncContextManager[LiveOrderBook]:
        """Keep a book in step."""


class Following:
    """The live books and prints behind a venue, one for each instrument that was ever ordered.

    Args:
        tell: Takes what has no other way to the account's stream.
    """

    def __init__(
        self, exchange: str, venue: Venue, clock: Clock, wait_s: float, tell: Callable[[VenueEvent], None]
    ) -> None:
        self._exchange = exchange
        self._venue = venue
        self._clock = clock
        self._wait_s = wait_s
        self._tell = tell
        self._streams: PublicStreams | None = None
        self._tasks: TaskGroup | None = None
        self._changed: dict[Symbol, anyio.Event] = {}

    async def run(self, streams: PublicStreams, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Follow what `ensure` asks for, until cancelled."""
        try:
            async with anyio.create_task_group() as self._tasks:
                self._streams = streams
                task_status.started()
                await anyio.sleep_forever()
        finally:
            self._tasks = None
            for symbol in self._changed:  # who waits for a book need not wait on
                self._notify(symbol)

    async def ensure(self, instrument: Instrument) -> None:
        """Follow *instrument* from now on, and wait a while until orders can be matched.

        That they cannot is for the order to find out when it arrives.

        Raises:
            NotSupported: Its kind cannot be traded on paper.
        """
        market = self._venue.market(instrument)
        if instrument.symbol not in self._changed:
            if self._tasks is None:
                raise Unavailable(self._exchange, "paper-closed", "the connection is not open; nothing was placed")
            self._changed[instrument.symbol] = anyio.Event()
            self._tasks.start_soon(self._follow, market)
        elif market.book is not None:
            return  # it was right once: whether it is so now, the order will see
        with anyio.move_on_after(self._wait_s):
            while market.problem() and self._tasks is not None:
                await self._changed[instrument.symbol].wait()

    async def _follow(self, market: Market) -> None:
        symbol, prints = market.instrument.symbol, _Prints(self, market)
        while True:
            try:
                await self._follow_once(market, prints)
                trouble, over = "its streams have ended", False
            except LotusXError as error:
                trouble, over = str(error), isinstance(error, StreamClosed)
            market.problem = partial("it cannot be followed ({})".format, trouble)
            prints.missed(trouble)
            self._notify(symbol)
            if over:  # there is no more of it, as at the end of a recording
                return
            await self._clock.sleep(PAUSE_S)

    async def _follow_once(self, market: Market, prints: _Prints) -> None:
        assert self._streams is not None
        instrument = market.instrument
        async with AsyncExitStack() as stack:
            trades = await stack.enter_async_context(self._streams.stream_trades(instrument.symbol))
            scope = stack.enter_context(anyio.CancelScope())
            on_status = prints.watch(trades, scope)
            trades.handle(partial(prints.come, self._venue), on_status)
            await self._follow_mark(market, stack, scope)
            book = await stack.enter_async_context(self._streams.live_order_book(instrument.symbol))
            market.book, market.problem = book, partial(_problem, book, trades)
            self._notify(instrument.symbol)
            async for _ in book.changes():
                with suppress(StaleBook):  # it became so meanwhile: nothing can be said of it
                    self._venue.moved(market)
                self._notify(instrument.symbol)

    async def _follow_mark(self, market: Market, stack: AsyncExitStack, scope: anyio.CancelScope) -> None:
        assert self._streams is not None
        if market.instrument.kind is InstrumentKind.SPOT:
            return
        try:
            marks = await stack.enter_async_context(self._streams.stream_mark_price(market.instrument.symbol))
        except NotSupported:
            return

        def ended(change: StatusChange) -> None:
            if change.state is not StreamState.CLOSED:
                return
            if isinstance(marks.error, RefusedBeforeSending):  # a recording has none: prints mark it
                market.own_mark = False
            else:
                scope.cancel()

        marks.handle(self._venue.marked, ended)
        market.own_mark = True

    def told(self, market: Market, name: str, raw: dict[str, Any]) -> None:
        """Tell the account that something is not as it should be with *market*."""
        self._tell(VenueEvent(name, {"symbol": str(market.instrument.symbol), **raw}, self._clock.now_ns()))
        self._notify(market.instrument.symbol)

    def notify(self, market: Market) -> None:
        """Have those look who wait for *market*."""
        self._notify(market.instrument.symbol)

    def _notify(self, symbol: Symbol) -> None:
        changed, self._changed[symbol] = self._changed[symbol], anyio.Event()
        changed.set()


class _Prints:
    """The prints of one market: what is missed of them cannot fill anything, and that is told.

    A subscription may begin with prints of the last moments (Hyperliquid's does). Those that an earlier one has brought
    have been counted, and those before them are older than whatever rests.
    """

    def __init__(self, owner: Following, market: Market) -> None:
        self._owner = owner
        self._market = market
        self._scope = anyio.CancelScope()
        self._was_up = False
        self._newest_ns = self._counted_ns = 0
        self._newest: set[str] = set()  # trade ids of that moment
        self._counted: frozenset[str] = frozenset()

    def watch(self, trades: Stream[Trade], scope: anyio.CancelScope) -> Callable[[StatusChange], None]:
        """Return what is to be told of changes of *trades*; its end cancels *scope*."""
        self._scope = scope
        self._was_up = trades.state in _UP
        self._counted_ns, self._counted = self._newest_ns, frozenset(self._newest)
        return self._changed

    def come(self, venue: Venue, trade: Trade) -> None:
        """Hand a print to *venue*, unless an earlier subscription has brought it, or one after it."""
        at_ns = trade.exchange_ns
        if at_ns < self._counted_ns or (at_ns == self._counted_ns and trade.trade_id in self._counted):
            return
        if at_ns > self._newest_ns:
            self._newest_ns = at_ns
            self._newest.clear()
        if at_ns == self._newest_ns:
            self._newest.add(trade.trade_id)
        venue.printed(self._market, trade)

    def missed(self, reason: str) -> None:
        """From now on prints are missed: tell so, once."""
        if self._was_up:
            self._was_up = False
            self._owner.told(self._market, "paper_prints_lost", {"reason": reason})

    def _changed(self, change: StatusChange) -> None:
        if change.state is StreamState.CLOSED:
            self._scope.cancel()
        elif change.state not in _UP:
            self.missed(change.reason)
        elif not self._was_up:
            self._was_up = True
            self._owner.notify(self._market)


def _problem(book: LiveOrderBook, trades: Stream[Trade]) -> str:
    if book.stale_reason or book.state != "synced":
        return f"its order book is stale ({book.stale_reason or book.state})"
    return "" if trades.state in _UP else f"its prints do not come ({trades.state})"
