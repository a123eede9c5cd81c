"""Measures a connection now and then, for observers that want it. Where none does, nothing here runs."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lotusx.kernel.flow import StreamState
from lotusx.kernel.telemetry import (
    BookMeasured,
    BudgetMeasured,
    ClockMeasured,
    StreamMeasured,
    Telemetry,
    TrafficMeasured,
)

if TYPE_CHECKING:
    from lotusx.book import LiveOrderBook
    from lotusx.kernel.budget import Budget
    from lotusx.kernel.clock import Clock, ClockOffset
    from lotusx.measured import MeasuredStream
    from lotusx.transport.supervisor import WsGroup

_S = 1e9


class Measuring:
    """Tells observers how traffic, streams, books, limits and the clock are doing.

    Args:
        account: Readers' streams of the account by number, beside those that the groups measure.
    """

    def __init__(
        self,
        exchange: str,
        telemetry: Telemetry,
        clock: Clock,
        offset: ClockOffset,
        budget: Budget,
        groups: Mapping[str, WsGroup],
        account: dict[int, MeasuredStream[Any]] | None = None,
    ) -> None:
        self._exchange = exchange
        self._telemetry = telemetry
        self._clock = clock
        self._offset = offset
        self._budget = budget
        self._groups = groups
        self._streams = [*(group.measured for group in groups.values()), *([] if account is None else [account])]
        self._books: weakref.WeakSet[LiveOrderBook] = weakref.WeakSet()

    def watch(self, book: LiveOrderBook) -> None:
        """Measure *book* too, until it has ended."""
        if self._telemetry.measure_s:
            self._books.add(book)

    async def run(self) -> None:
        """Measure until cancelled."""
        while self._telemetry.measure_s:
            await self._clock.sleep(self._telemetry.measure_s)
            self.measure()

    def measure(self) -> None:
        """Measure once."""
        if not self._telemetry.measure_s:
            return
        emit, exchange = self._telemetry.emit, self._exchange
        for name, group in self._groups.items():
            if group.traffic is not None:
                for direction, channel, messages, size in group.traffic.totals():
                    emit(TrafficMeasured(exchange, name, direction, channel, messages, size))
        for streams in self._streams:
            self._measure_streams(streams)
        for book in list(self._books):
            ended = book.ended
            if ended:
                self._books.discard(book)
            age_s = None if ended else book.age
            synced = not ended and book.state.value == "synced"
            emit(
                BookMeasured(
                    exchange, book.instrument.symbol, synced, age_s, book.resyncs, book.snapshot_requests, ended
                )
            )
        for level in self._budget.levels(self._clock.monotonic_ns()):
            emit(BudgetMeasured(exchange, *level))
        if self._offset.synced:
            offset_s = self._offset.wall_offset_ms(self._clock) / 1e3
            emit(ClockMeasured(exchange, offset_s, (self._offset.round_trip_ns or 0) / _S))

    def _measure_streams(self, streams: dict[int, MeasuredStream[Any]]) -> None:
        ahead_ns = 0
        if self._offset.synced:
            ahead_ns = int(self._offset.wall_offset_ms(self._clock) * 1e6)
        for number, stream in list(streams.items()):
            closed = stream.state is StreamState.CLOSED
            if closed:
                del streams[number]
            counters, late = stream.counters, stream.lateness()
            self._telemetry.emit(
                StreamMeasured(
                    self._exchange,
                    stream.name,
                    str(stream.kind),
                    number,
                    stream.state.value,
                    counters.received,
                    counters.delivered,
                    counters.conflated,
                    counters.dropped,
                    counters.rejected,
                    counters.waiting,
                    None if late.arrival_ns is None else (late.arrival_ns + ahead_ns) / _S,
                    None if late.reading_ns is None else late.reading_ns / _S,
                    closed,
                )
            )
