"""Broken reading of what should not have been sent, and of many books at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import lotusx
from lotusx.kernel.transport import WsConnection, WsHandler
from rig.tamper import Broken, Passing


class _Reading(Passing):
    """A handler that reads every message before it looks whose it is."""

    def on_messages(self, messages: list[bytes], received_ns: int) -> None:
        for message in messages:
            if message[:1] not in b"{[":
                raise ValueError(f"not JSON: {message[:20]!r}")
            message.decode()
        self._inner.on_messages(messages, received_ns)


class _ReadingWs(Passing):
    async def connect(self, url: str, handler: WsHandler, **settings: Any) -> WsConnection:
        reading: Any = _Reading(handler)
        connection: WsConnection = await self._inner.connect(url, reading, **settings)
        return connection


def _reset_all(exchange: lotusx.Exchange) -> None:
    market: Any = exchange.market
    make: Callable[..., Any] = market._open_book
    books: list[Any] = []

    def make_bound(*arguments: Any) -> Any:
        book = make(*arguments)
        books.append(book)
        went_stale = book._went_stale

        def all_go_stale() -> None:
            went_stale()
            for other in books:
                if other is not book and other._sync.state == "synced":
                    other._sync.lost("another book of the feed has a gap")
                    other._sync.restored()
                    other._unsynced = True
                    other._resync.wake()

        book._went_stale = all_go_stale
        return book

    market._open_book = make_bound


BROKEN = (
    Broken(
        "every message is read before anybody looks",
        "I07",
        "an exception in the task that reads the socket ends it, for one message nobody may have asked for",
        ("nothing",),
        ws=_ReadingWs,
        scenario="fuzzed frames",
    ),
    Broken(
        "a gap resets the feed",
        "I11",
        "one gap in one book, and all are asked for again",
        ("nothing",),
        opened=_reset_all,
        scenario="many books",
        exchanges=("binance", "binance-perp", "backpack", "bybit", "bybit-perp"),  # elsewhere each message is a book
    ),
)
