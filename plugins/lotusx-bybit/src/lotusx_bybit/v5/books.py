"""Pure: Bybit's books → the model, and the rule by which updates chain.

A stream begins with a snapshot and numbers its updates one by one; number 1 says that the service was restarted. The
chain is not promised in words for every stream. Source: bybit-exchange/docs, v5/websocket/public/orderbook; the numbers
of ``orderbook.50`` and ``.200`` on linear were seen without a hole in 104000 deltas (2026-09).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lotusx.errors import InvalidArgument, ItemRejected
from lotusx.model import BestBidOffer, BookUpdate, Level, OrderBook, Symbol, decimal_from_wire, exact
from lotusx.plugin import BookRule
from lotusx_bybit.v5 import types
from lotusx_bybit.v5.conversions import MS

DEPTHS: Final = (50, 200, 1_000)
"""Levels a side that a stream of updates may have. ``orderbook.1`` sends whole snapshots."""

RESTART = 1


def stream_depth(depth: int) -> int:
    """Return the smallest depth of a stream that shows *depth* levels.

    Raises:
        InvalidArgument: None does.
    """
    found = next((have for have in DEPTHS if have >= depth), None)
    if found is None:
        raise InvalidArgument(
            f"bybit streams at most {DEPTHS[-1]} levels a side, not {depth}", rule="depth", nearest=(DEPTHS[-1],)
        )
    return found


def book_rule(depth: int, *, log_gaps_only: bool = False) -> BookRule:
    """Return how the updates of a stream of *depth* levels become a book. Errors as in `stream_depth`.

    Args:
        log_gaps_only: Count holes in the numbers and go on, where a stream turns out not to chain.
    """
    return BookRule.stream_snapshot(window=stream_depth(depth), restart_number=RESTART, log_gaps_only=log_gaps_only)


def to_book_update(message: types.Push[types.BookEvent], *, symbol: Symbol, received_ns: int) -> BookUpdate:
    """Convert a message of a book's stream; a quantity of zero removes the level.

    Raises:
        ItemRejected: It is neither a snapshot nor a delta.
    """
    if message.type not in ("snapshot", "delta"):
        raise ItemRejected(f"unknown type of a book's message: {message.type!r}", field="type", value=message.type)
    event = message.data
    return BookUpdate(
        symbol,
        event.b,
        event.a,
        event.u,
        event.u,
        snapshot=message.type == "snapshot",
        exchange_ns=(message.cts or message.ts) * MS,
        received_ns=received_ns,
    )


_NOBODY = ("0", "0")


def _best(
    bids: Sequence[types.PriceLevel],
    asks: Sequence[types.PriceLevel],
    *,
    symbol: Symbol,
    exchange_ms: int,
    received_ns: int,
    sequence: int,
) -> BestBidOffer:
    bid_price, bid_quantity = bids[0] if bids else _NOBODY
    ask_price, ask_quantity = asks[0] if asks else _NOBODY
    return BestBidOffer(
        symbol,
        exact(bid_price),
        exact(bid_quantity),
        exact(ask_price),
        exact(ask_quantity),
        exchange_ms * MS,
        received_ns,
        sequence=sequence,
    )


def to_best_bid_offer(message: types.Push[types.BookEvent], *, symbol: Symbol, received_ns: int) -> BestBidOffer:
    """Convert a message of ``orderbook.1``, which is repeated after three seconds without change."""
    book, time = message.data, message.cts or message.ts
    return _best(book.b, book.a, symbol=symbol, exchange_ms=time, received_ns=received_ns, sequence=book.u)


def to_best_of(book: types.Book, *, symbol: Symbol, received_ns: int) -> BestBidOffer:
    """Read best bid and best offer out of a snapshot."""
    time = book.cts or book.ts
    return _best(book.b, book.a, symbol=symbol, exchange_ms=time, received_ns=received_ns, sequence=book.u)


def _levels(pairs: Sequence[types.PriceLevel]) -> tuple[Level, ...]:
    number = decimal_from_wire
    return tuple(Level(number(price, field="price"), number(quantity, field="quantity")) for price, quantity in pairs)


def to_order_book(book: types.Book, *, symbol: Symbol, limit: int, received_ns: int) -> OrderBook:
    """Convert a snapshot that was asked for with *limit* levels a side; its number is of the 1000 levels' stream."""
    return OrderBook(
        symbol=symbol,
        bids=_levels(book.b),
        asks=_levels(book.a),
        sequence=book.u,
        exchange_ns=(book.cts or book.ts) * MS,
        received_ns=received_ns,
        complete=len(book.b) < limit and len(book.a) < limit,
    )


def to_top(message: types.Push[types.BookEvent], *, symbol: Symbol, received_ns: int) -> OrderBook:
    """Convert a message of ``orderbook.1`` to a book of one level a side; a side may be empty."""
    event = message.data
    return OrderBook(
        symbol=symbol,
        bids=_levels(event.b),
        asks=_levels(event.a),
        sequence=event.u,
        exchange_ns=(message.cts or message.ts) * MS,
        received_ns=received_ns,
    )
