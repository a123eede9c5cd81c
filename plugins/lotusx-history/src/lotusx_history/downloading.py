"""Fetches what is missing, several pieces side by side, within the limits of the connection."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import anyio

from lotusx import Exchange, TransportError
from lotusx.errors import InvalidArgument, RateLimited, Unavailable
from lotusx_history.completeness import Report, look
from lotusx_history.query import Kind, Query, Stretch, pieces
from lotusx_history.store import Item, Store

_PASSES = (TransportError, RateLimited, Unavailable)
"""What may be another time: the piece is noted as failed, and the others go on."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a download has come: pieces, and rows written by this run."""

    done: int
    pieces: int
    rows: int


class Downloader:
    """Downloads series of one connection into a folder. One process at a time for one series.

    Args:
        at_once: Pieces fetched side by side; the exchange's limits are kept by the connection, whatever this is.
        on_progress: Called after each piece.
    """

    def __init__(
        self,
        exchange: Exchange,
        root: str | Path,
        *,
        at_once: int = 4,
        on_progress: Callable[[Progress], object] | None = None,
    ) -> None:
        if at_once < 1:
            raise InvalidArgument(f"at_once must be 1 or more, not {at_once}")
        self._exchange = exchange
        self._root = Path(root)
        self._at_once = at_once
        self._on_progress = on_progress

    async def fetch(self, queries: Sequence[Query]) -> list[Report]:
        """Download what of *queries* is not there yet; return how whole each is then, in their order.

        What has not been yet when this is called is left out. Interrupted, the same call goes on where it stopped.

        Raises:
            NotSupported, UnknownSymbol: The exchange has no such history.
            LotusXError: The exchange refuses, or the disk does. What was finished before is kept.
        """
        now_ns = await self._exchange.market.server_time()
        past = [query.until(now_ns) for query in queries]
        stores = [self._store(query) for query in queries]
        covered: dict[Path, list[Stretch]] = {}  # there, or fetched for a query before: no row may come twice
        jobs: list[tuple[int, Stretch]] = []
        for index, (query, store) in enumerate(zip(past, stores, strict=True)):
            if query is not None:
                known = covered.setdefault(store.folder, store.have())
                fetched = pieces(query, known)
                known += fetched
                jobs += ((index, stretch) for stretch in fetched)
        failed: dict[int, list[tuple[Stretch, str]]] = {}
        done = rows = 0
        raised: Exception | None = None
        waiting = iter(jobs)

        async def work() -> None:
            nonlocal done, rows, raised
            for index, stretch in waiting:
                written = 0
                try:
                    try:
                        async with aclosing(self._items(queries[index], stretch)) as items:
                            written = await stores[index].write(stretch, items, now_ns)
                    except _PASSES as error:
                        failed.setdefault(index, []).append((stretch, str(error)))
                    done, rows = done + 1, rows + written
                    if self._on_progress is not None:
                        self._on_progress(Progress(done, len(jobs), rows))
                except Exception as error:  # a task group would wrap it
                    raised = raised or error
                    tasks.cancel_scope.cancel()
                    return

        async with anyio.create_task_group() as tasks:
            for _ in range(min(self._at_once, len(jobs))):
                tasks.start_soon(work)
        if raised is not None:
            raise raised
        return [
            look(past[index] or query, stores[index], tuple(sorted(failed.get(index, ()))))
            for index, query in enumerate(queries)
        ]

    def look(self, query: Query, now_ns: int | None = None) -> Report:
        """Return how whole *query* is on disk, what has not been yet at *now_ns* left out; asks nobody."""
        past = query if now_ns is None else query.until(now_ns) or query
        return look(past, self._store(query))

    def _store(self, query: Query) -> Store:
        return Store(self._root, self._exchange.name, self._exchange.environment, query)

    async def _items(self, query: Query, stretch: Stretch) -> AsyncGenerator[Item, None]:
        market, (start, end) = self._exchange.market, stretch
        source: AsyncIterator[Item]
        if query.kind is Kind.CANDLES:
            source = market.iter_candles(query.symbol, str(query.interval), start=start, end=end)
        elif query.kind is Kind.TRADES:
            source = market.iter_trades(query.symbol, start=start, end=end)
        else:
            source = market.iter_funding_rates(query.symbol, start=start, end=end)
        async with aclosing(source) as items:  # type: ignore[type-var]
            async for item in items:
                yield item
