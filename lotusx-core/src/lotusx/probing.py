"""Asks the exchange, beside the socket, whether a silent channel is quiet or dead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

from lotusx.kernel.book.sync import BookState
from lotusx.kernel.codec import ChannelKind
from lotusx.model.market_data import Level

if TYPE_CHECKING:
    from collections.abc import Callable

    from lotusx.book import LiveOrderBook
    from lotusx.instruments import Instruments
    from lotusx.kernel.clock import Clock
    from lotusx.kernel.codec import Channel
    from lotusx.kernel.ports import MarketDataPort
    from lotusx.model.instruments import Instrument
    from lotusx.model.market_data import BestBidOffer, OrderBook

_BETWEEN_LOOKS_S = 1.0
_LOOK_LEVELS = 5
_CLOCK_ERROR_NS = 250_000_000
"""How much later than a print was heard its stamp may seem to be: by half a round trip, and by rounding."""
_Sides: TypeAlias = "tuple[tuple[Level, ...], tuple[Level, ...]]"
_BY_PRINTS = frozenset((ChannelKind.TRADES, ChannelKind.CANDLES))


class Probe:
    """Quiet means proven: the exchange's book is no newer than ours, or the last print is older than the silence.

    A book is compared with what a live book has heard, where the numbers of both can be compared: then a message that
    was lost just before the market went quiet is noticed, too. So is a best bid and offer with the last that was told.
    Elsewhere the book must not move between two looks. What only prints can change needs no book. A look costs what the
    exchange charges for it; 200 quiet markets are looked at 200 times a minute, so it asks for as little as there is.

    Args:
        exchange_ns: Turns our wall time into the exchange's, which prints carry; ``None``: they agree.
        book_of: Returns a live book that reads a channel, if there is one.
    """

    def __init__(
        self,
        port: MarketDataPort,
        instruments: Instruments,
        clock: Clock,
        exchange_ns: Callable[[int], int] | None = None,
        book_of: Callable[[Channel[Any]], LiveOrderBook | None] | None = None,
    ) -> None:
        self._port = port
        self._instruments = instruments
        self._clock = clock
        self._exchange_ns = exchange_ns
        self._book_of = book_of

    async def __call__(self, channel: Channel[Any], since_ns: int, told: Callable[[], Any]) -> bool:
        """Return whether the exchange has nothing newer than *since_ns* (our wall time) for *channel*.

        Args:
            told: Returns the last event of a channel of best bids and offers; ``None``: there was none.
        """
        if channel.symbol is None or channel.kind is ChannelKind.ACCOUNT:
            return True  # nothing public to compare with; its recovery closes gaps
        instrument = self._instruments.by_symbol(channel.symbol)
        book = None if self._book_of is None else self._book_of(channel)
        if book is not None and book.is_comparable:
            return await self._is_up_to_date(book, instrument)
        if self._exchange_ns is not None:
            since_ns = self._exchange_ns(since_ns)
        newest_ns = await self._port.newest_trade_ns(instrument)
        has_printed = newest_ns is not None and newest_ns > since_ns + _CLOCK_ERROR_NS
        if told() is not None:
            return await self._is_as_told(told, instrument, twice=has_printed)
        if has_printed:
            return False
        return channel.kind in _BY_PRINTS or await self._stands_still(instrument)

    async def _is_up_to_date(self, book: LiveOrderBook, instrument: Instrument) -> bool:
        if book.state is not BookState.SYNCED:
            return True  # it is being asked for; once it is there, it is looked at like any other
        newest = await self._port.order_book(instrument, _LOOK_LEVELS)
        if book.is_behind(newest):
            await self._clock.sleep(_BETWEEN_LOOKS_S)  # what is under way comes by then
        return not book.is_behind(newest)

    async def _is_as_told(self, told: Callable[[], BestBidOffer], instrument: Instrument, *, twice: bool) -> bool:
        """Return whether the best is what was told, at one look or, where a print may have changed it, at two."""
        first = _best(await self._port.order_book(instrument, _LOOK_LEVELS)) == _levels(told())
        if first and not twice:
            return True
        await self._clock.sleep(_BETWEEN_LOOKS_S)  # what is under way comes by then
        second = _best(await self._port.order_book(instrument, _LOOK_LEVELS)) == _levels(told())
        return second and (first or not twice)

    async def _stands_still(self, instrument: Instrument) -> bool:
        first = await self._port.order_book(instrument, _LOOK_LEVELS)
        await self._clock.sleep(_BETWEEN_LOOKS_S)
        second = await self._port.order_book(instrument, _LOOK_LEVELS)
        if first.sequence is None or second.sequence is None:
            return (first.bids, first.asks) == (second.bids, second.asks)
        return first.sequence == second.sequence


def _best(book: OrderBook) -> _Sides:
    """Return the best bid and the best offer; none: nobody is there."""
    return book.bids[:1], book.asks[:1]


def _levels(told: BestBidOffer) -> _Sides:
    bid, ask = told.bid_price, told.ask_price
    return (
        () if bid is None else (Level(bid, told.bid_quantity),),
        () if ask is None else (Level(ask, told.ask_quantity),),
    )
