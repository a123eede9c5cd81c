"""From streams of the core to feeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any

import anyio
import msgspec

from lotusx.errors import InvalidArgument, NotSupported, StaleBook
from lotusx.model import Level, Recovered, Symbol
from lotusx.model.market_data import BookUpdate
from lotusx.plugin import StatusChange, StreamState
from lotusx_gateway.messages import BOOK_DEPTHS, account_event, encode
from lotusx_gateway.sources import Pump, Source

if TYPE_CHECKING:
    from lotusx import Exchange, LiveOrderBook

_UP = (StreamState.ACKNOWLEDGED, StreamState.LIVE, StreamState.RECOVERED)
_BUFFER = 100_000
_DEEPER = 5
"""The gateway's own book is kept so many times as deep as what it publishes, so that it is seldom short of levels."""

Side = Mapping[str, str]


def pump_of(exchange: Exchange, key: str) -> Pump:
    """Return what publishes *key*, a public one.

    Raises:
        NotSupported: There is no such feed.
        InvalidArgument: It cannot be read.
    """
    channel, _, text = key.partition(" ")
    name, _, detail = channel.partition(":")
    symbol = Symbol.parse(text)
    market = exchange.market
    options: dict[str, Any] = {"buffer": _BUFFER, "overflow": "drop_oldest"}
    if name == "book":
        if detail not in map(str, BOOK_DEPTHS):
            have = " and ".join(map(str, BOOK_DEPTHS))
            raise InvalidArgument(f"a gateway has books of {have} levels, not {detail!r}")
        return lambda source: _book(source, exchange, symbol, int(detail))
    if name == "candles":
        return lambda source: _stream(source, market.stream_candles(symbol, detail, **options))
    opens: Mapping[str, Callable[..., AbstractAsyncContextManager[Any]]] = {
        "trades": market.stream_trades,
        "ticker": market.stream_ticker,
        "best_bid_offer": market.stream_best_bid_offer,
        "mark_price": market.stream_mark_price,
        "liquidations": market.stream_liquidations,
    }
    if name not in opens or detail:
        raise NotSupported("this gateway", f"the feed {channel!r}", "a connection to the exchange itself")
    return lambda source: _stream(source, opens[name](symbol, **options))


def account_pump(exchange: Exchange) -> Pump:
    """Return what publishes the events of an account."""
    return lambda source: _stream(source, exchange.account.stream_account(), _account_content)


def _account_content(event: Any) -> bytes | None:
    """Write an event; a recovery is the gateway's own, and everything it found has been published before."""
    return None if isinstance(event, Recovered) else account_event(event)


async def _stream(
    source: Source,
    opening: AbstractAsyncContextManager[Any],
    content_of: Callable[[Any], bytes | None] = encode,
) -> None:
    lost = 0
    async with opening as stream:
        async for item in stream.with_status():
            if isinstance(item, StatusChange):
                if item.state is not StreamState.REQUESTED and item.state is not StreamState.CLOSED:
                    reason = item.reason or f"the gateway's own stream is {item.state}"
                    await source.state(item.state in _UP, reason)
                continue
            gone = stream.counters.dropped + stream.counters.rejected
            source.skip(gone - lost)
            lost = gone
            content = content_of(item)
            if content is not None:
                await source.event(content)


async def _book(source: Source, exchange: Exchange, symbol: Symbol, depth: int) -> None:
    async with exchange.market.live_order_book(symbol, depth=depth * _DEEPER) as book:
        changed = anyio.Event()
        shown = _Shown(symbol)
        source.snapshot = shown.snapshot

        def changes() -> None:
            changed.set()

        book.watch(changes)
        while True:
            changed = anyio.Event()
            bids, asks, trouble = _levels(book, depth)
            if trouble:
                if not source.decided.is_set() and not book.stale_reason:
                    raise InvalidArgument(f"{symbol}: {trouble}", rule="depth")
                await source.state(False, trouble)
            else:
                update = shown.update(bids, asks)
                if source.up and update is not None:
                    await source.event(encode(update))
                await source.state(True)
            await changed.wait()


def _levels(book: LiveOrderBook, depth: int) -> tuple[Side, Side, str]:
    """Return the levels to be shown, and why they cannot be."""
    try:
        bids, asks = book.bids(depth), book.asks(depth)
        short = [
            len(levels)
            for levels, horizon in ((bids, book.bid_horizon), (asks, book.ask_horizon))
            if horizon is not None and len(levels) < depth
        ]
    except StaleBook as error:
        return {}, {}, str(error)
    if short:
        return {}, {}, f"only {min(short)} levels of its book are known, of {depth}; ask for fewer"
    return _side(bids), _side(asks), ""


def _side(levels: list[Level]) -> Side:
    return {str(level.price): str(level.quantity) for level in levels}


class _Shown:
    """The levels that followers have, and the number of the update that brought them there."""

    def __init__(self, symbol: Symbol) -> None:
        self._symbol = symbol
        self._bids: Side = {}
        self._asks: Side = {}
        self._number = 0

    def update(self, bids: Side, asks: Side) -> BookUpdate | None:
        """Take new levels; return what has changed, if anything."""
        changed = _changed(self._bids, bids), _changed(self._asks, asks)
        self._bids, self._asks = bids, asks
        if not any(changed):
            return None
        self._number += 1
        return BookUpdate(self._symbol, *changed, self._number, self._number)

    def snapshot(self) -> msgspec.Raw:
        """Return all of them."""
        bids, asks = list(self._bids.items()), list(self._asks.items())
        return msgspec.Raw(encode(BookUpdate(self._symbol, bids, asks, self._number, self._number, snapshot=True)))


def _changed(before: Side, now: Side) -> list[tuple[str, str]]:
    gone = [(price, "0") for price in before if price not in now]
    return [*gone, *((price, quantity) for price, quantity in now.items() if before.get(price) != quantity)]
