"""Public data: REST for documents and history, one socket per category for events. The category is data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import msgspec

from lotusx.errors import BeginningMissing, InvalidArgument, ItemRejected
from lotusx.model import BestBidOffer, BookUpdate, Candle, Instrument, Interval, OrderBook, Symbol, Ticker, Trade
from lotusx.plugin import BookRule, Channel, ChannelKind, MarketDataPort, Page, Span
from lotusx_bybit.v5 import books, conversions as convert, tickers, types
from lotusx_bybit.v5.category import Category
from lotusx_bybit.v5.conversions import MS
from lotusx_bybit.v5.instruments import to_instrument
from lotusx_bybit.v5.pieces import moved
from lotusx_bybit.v5.tickers import TickerState

if TYPE_CHECKING:
    from lotusx.plugin import Kernel
    from lotusx_bybit.v5.listed import Listed
    from lotusx_bybit.v5.rest import Endpoints

E = TypeVar("E")

MAX_CANDLES = 1_000
MAX_DEPTH = 1_000
_MONTH_MS = 28 * 86_400_000
"""The shortest: so many months never hold more candles than were asked for."""
_TRADES = {Category.SPOT: 60, Category.LINEAR: 1_000, Category.INVERSE: 1_000}
_REPEATED_S = 3.0
"""After so long without change ``orderbook.1`` is sent again."""

_trades = msgspec.json.Decoder(types.Push[list[types.TradeEvent]]).decode
_book = msgspec.json.Decoder(types.Push[types.BookEvent]).decode
_klines = msgspec.json.Decoder(types.Push[list[types.KlineEvent]]).decode
_spot_push = msgspec.json.Decoder(types.Push[types.SpotTicker]).decode
_contract_push = msgspec.json.Decoder(types.Push[types.ContractTicker]).decode
_spot = msgspec.json.Decoder(types.SpotTicker).decode
_contract = msgspec.json.Decoder(types.ContractTicker).decode


def first_ms(span: Span) -> int | None:
    """Return the first whole millisecond of *span*."""
    return None if span.start_ns is None else -(-span.start_ns // MS)


def last_ms(span: Span) -> int | None:
    """Return the last whole millisecond of *span*, whose end is exclusive."""
    return None if span.end_ns is None else (span.end_ns - 1) // MS


def checked_limit(limit: int, highest: int, what: str) -> int:
    """Return *limit*, or refuse it: a silently shorter answer would look complete."""
    if 1 <= limit <= highest:
        return limit
    raise InvalidArgument(f"bybit: {what} must be 1 to {highest}, not {limit}", rule="limit", nearest=(highest,))


def group_of(category: Category) -> str:
    """Return the group of addresses that streams *category*."""
    return "market" if category is Category.SPOT else category.value


class MergedTicker:
    """A contract's ticker as its stream tells it, bit by bit. Forgets when something may have been missed."""

    def __init__(self) -> None:
        self._state: TickerState | None = None

    def __call__(self, message: bytes) -> TickerState:
        """Return the whole of it after *message*.

        Raises:
            BeginningMissing: As in `tickers.merged`, or it cannot be read: what it changed is not known, and all before
                it is forgotten.
        """
        try:
            push = _contract_push(message)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            self.forget()
            raise BeginningMissing(str(error)) from error
        self._state = tickers.merged(self._state, push)
        return self._state

    def forget(self) -> None:
        """Wait for the next snapshot."""
        self._state = None


class V5MarketData(MarketDataPort):
    """What every product has."""

    def __init__(self, kernel: Kernel, rest: Endpoints, listed: Listed) -> None:
        self._kernel = kernel
        self._rest = rest
        self._listed = listed
        self._now_ns = kernel.clock.now_ns
        self._log_gaps_only = kernel.options.get("book_gaps") == "log"

    async def server_time_ns(self) -> int:
        return int((await self._rest.time()).timeNano)

    async def instruments(self) -> Sequence[Instrument]:
        """Every instrument that trades or is about to; one that cannot be understood is counted and left out.

        Contracts have positions before their launch. Those are asked for first: what begins to trade meanwhile is in
        both lists, and taken from the later.
        """
        found: dict[str, Instrument] = {}
        for category in self._listed.categories:
            for status in (None,) if category is Category.SPOT else ("PreLaunch", None):
                found.update((item.venue_symbol, item) for item in await self._instruments(category, status))
        return list(found.values())

    async def _instruments(self, category: Category, status: str | None) -> list[Instrument]:
        to = partial(to_instrument, category=category)
        found: list[Instrument] = []
        cursor: str | None = None
        while True:
            page = await self._rest.instruments(category, cursor, status=status)
            found += self._listed.kept(page.items, to, "instruments-info")
            if page.following is None:
                return found
            cursor = moved(page.following, cursor)

    async def ticker(self, instrument: Instrument) -> Ticker:
        item, time = await self._one_ticker(instrument)
        return self._ticker(item, instrument.symbol, self._listed.category(instrument), time)

    async def _one_ticker(self, instrument: Instrument) -> tuple[msgspec.Raw, int | None]:
        """Return the ticker as it came, and the exchange's time (ms)."""
        reply = await self._rest.tickers(self._listed.category(instrument), instrument.venue_symbol)
        return _only(reply.result.items, instrument), reply.time

    async def tickers(self, instruments: Sequence[Instrument] | None) -> Sequence[Ticker]:
        """All of a category are asked for at once, or one."""
        found: list[Ticker] = []
        for category in self._listed.categories:
            wanted: dict[str, Symbol] | None = None
            if instruments is not None:
                mine = [item for item in instruments if item.kind is category.kind]
                wanted = {item.venue_symbol: item.symbol for item in mine}
                if not wanted:
                    continue
            only = next(iter(wanted)) if wanted is not None and len(wanted) == 1 else None
            reply = await self._rest.tickers(category, only)

            def one(
                item: msgspec.Raw,
                category: Category = category,
                wanted: dict[str, Symbol] | None = wanted,
                time: int | None = reply.time,
            ) -> Ticker | None:
                name = _name_of(item).symbol
                if wanted is None:
                    return self._ticker(item, self._listed.symbol_of(category, name), category, time)
                return self._ticker(item, wanted[name], category, time) if name in wanted else None

            found += [item for item in self._listed.kept(reply.result.items, one, "tickers") if item is not None]
        return found

    def _ticker(self, item: msgspec.Raw, symbol: Symbol, category: Category, exchange_ms: int | None) -> Ticker:
        received_ns = self._now_ns()
        if category is Category.SPOT:
            return tickers.to_spot_ticker(_spot(item), symbol=symbol, exchange_ms=exchange_ms, received_ns=received_ns)
        return tickers.to_contract_ticker(
            _contract(item), symbol=symbol, category=category, exchange_ms=exchange_ms, received_ns=received_ns
        )

    async def best_bid_offer(self, instrument: Instrument) -> BestBidOffer:
        book = await self._rest.book(self._listed.category(instrument), instrument.venue_symbol, 1)
        return books.to_best_of(book, symbol=instrument.symbol, received_ns=self._now_ns())

    async def order_book(self, instrument: Instrument, depth: int) -> OrderBook:
        limit = checked_limit(depth, MAX_DEPTH, "depth")
        book = await self._rest.book(self._listed.category(instrument), instrument.venue_symbol, limit)
        return books.to_order_book(book, symbol=instrument.symbol, limit=limit, received_ns=self._now_ns())

    async def recent_trades(self, instrument: Instrument, limit: int) -> Sequence[Trade]:
        """The newest prints. Asked for more than there are, as many as the exchange keeps."""
        category = self._listed.category(instrument)
        items = await self._rest.recent_trades(category, instrument.venue_symbol, min(limit, _TRADES[category]))
        return convert.to_recent_trades(items, symbol=instrument.symbol, received_ns=self._now_ns())

    async def candles_page(
        self, instrument: Instrument, interval: Interval, span: Span, cursor: str | None, limit: int
    ) -> Page[Candle]:
        """One page of ``kline``. A span is answered with its newest candles: it is asked for in pieces that fit.

        The cursor is the millisecond at which the next piece starts.
        """
        word, limit = convert.interval_text(interval), min(limit, MAX_CANDLES)
        now_ms = self._kernel.exchange_ns() // MS  # before it is asked: the reply may be written at once and come late
        start, end = (first_ms(span) if cursor is None else int(cursor)), last_ms(span)
        following: int | None = None
        upto = end
        if start is not None:
            last = now_ms if end is None else end
            length = _MONTH_MS if interval.fixed_ms is None else interval.fixed_ms
            upto = start + limit * length - 1
            following = upto + 1 if upto < last else None
            upto = min(upto, last)
        category = self._listed.category(instrument)
        rows = await self._rest.klines(
            category, instrument.venue_symbol, word, start_ms=start, end_ms=upto, limit=limit
        )
        candles = convert.to_candles(
            rows,
            symbol=instrument.symbol,
            category=category,
            interval=interval,
            now_ms=now_ms,
            received_ns=self._now_ns(),
        )
        inside = [bar for bar in candles if (start is None or bar.open_ns >= start * MS)]
        return Page(inside, None if following is None else str(following))

    # Streams

    def trades_channel(self, instrument: Instrument) -> Channel[Trade]:
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[Trade]:
            items = _trades(message).data
            return [convert.to_trade(item, symbol=symbol, received_ns=received_ns) for item in items]

        return self._channel(instrument, "publicTrade", ChannelKind.TRADES, read, identity=lambda trade: trade.trade_id)

    def ticker_channel(self, instrument: Instrument) -> Channel[Ticker]:
        """Whole tickers: on spot without best bid and best offer, elsewhere put together from what changes."""
        symbol, category = instrument.symbol, self._listed.category(instrument)
        merged = MergedTicker()

        def read_spot(message: bytes, received_ns: int) -> Sequence[Ticker]:
            push = _spot_push(message)
            return (tickers.to_spot_ticker(push.data, symbol=symbol, exchange_ms=push.ts, received_ns=received_ns),)

        def read_contract(message: bytes, received_ns: int) -> Sequence[Ticker]:
            state = merged(message)
            return (
                tickers.to_contract_ticker(
                    state.data, symbol=symbol, category=category, exchange_ms=state.ts, received_ns=received_ns
                ),
            )

        if category is Category.SPOT:
            return self._channel(instrument, "tickers", ChannelKind.TICKER, read_spot)
        made = self._channel(instrument, "tickers", ChannelKind.TICKER, read_contract, lost=merged.forget)
        return replace(made, another=lambda: self.ticker_channel(instrument))

    def best_bid_offer_channel(self, instrument: Instrument) -> Channel[BestBidOffer]:
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[BestBidOffer]:
            return (books.to_best_bid_offer(_book(message), symbol=symbol, received_ns=received_ns),)

        return self._channel(instrument, "orderbook.1", ChannelKind.BEST_BID_OFFER, read, cadence_s=_REPEATED_S)

    def order_book_channel(self, instrument: Instrument, depth: int) -> Channel[OrderBook]:
        """The best level of each side: deeper streams do not repeat the whole book.

        Raises:
            InvalidArgument: More than one level.
        """
        if depth != 1:
            raise InvalidArgument(
                f"bybit streams whole books of one level, not {depth}; live_order_book keeps deeper ones",
                rule="depth",
                nearest=(1,),
            )
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[OrderBook]:
            return (books.to_top(_book(message), symbol=symbol, received_ns=received_ns),)

        return self._channel(instrument, "orderbook.1", ChannelKind.BOOK, read, cadence_s=_REPEATED_S, view="book")

    def candles_channel(self, instrument: Instrument, interval: Interval) -> Channel[Candle]:
        symbol, category = instrument.symbol, self._listed.category(instrument)

        def read(message: bytes, received_ns: int) -> Sequence[Candle]:
            return [
                convert.to_candle(item, symbol=symbol, category=category, interval=interval, received_ns=received_ns)
                for item in _klines(message).data
            ]

        stream = f"kline.{convert.interval_text(interval)}"
        return self._channel(instrument, stream, ChannelKind.CANDLES, read, cadence_s=60.0)

    def book_channel(self, instrument: Instrument, depth: int) -> Channel[BookUpdate]:
        """Updates of the smallest stream that shows *depth* levels. Errors as in `books.stream_depth`."""
        symbol = instrument.symbol

        def read(message: bytes, received_ns: int) -> Sequence[BookUpdate]:
            return (books.to_book_update(_book(message), symbol=symbol, received_ns=received_ns),)

        return self._channel(instrument, f"orderbook.{books.stream_depth(depth)}", ChannelKind.BOOK, read)

    def book_rule(self, depth: int) -> BookRule:
        """Numbers without holes from a snapshot on. The option ``book_gaps="log"`` counts holes and goes on."""
        return books.book_rule(depth, log_gaps_only=self._log_gaps_only)

    def _channel(
        self,
        instrument: Instrument,
        stream: str,
        kind: ChannelKind,
        read: Callable[[bytes, int], Sequence[E]],
        *,
        cadence_s: float | None = None,
        identity: Callable[[E], str] | None = None,
        view: str = "",
        lost: Callable[[], None] | None = None,
    ) -> Channel[E]:
        key = f"{stream}.{instrument.venue_symbol}"
        return Channel(
            group_of(self._listed.category(instrument)),
            key,
            kind,
            read,
            symbol=instrument.symbol,
            cadence_s=cadence_s,
            identity=identity,
            view=view,
            lost=lost,
            begins=f'{{"topic":"{key}"'.encode() if key.isascii() else b"",
        )


class _Named(msgspec.Struct):
    symbol: str


_name_of = msgspec.json.Decoder(_Named).decode


def _only(items: Sequence[msgspec.Raw], instrument: Instrument) -> msgspec.Raw:
    """Return the one item that was asked for."""
    if len(items) == 1:
        return items[0]
    raise ItemRejected(f"asked for {instrument.venue_symbol}, got {len(items)} items", field="list")
