"""Many streams read as one, in turns."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Hashable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import anyio
import anyio.lowlevel

from lotusx.errors import SourceFailed, StreamError
from lotusx.kernel.flow import Counters, StatusChange, StreamState
from lotusx.many.hosting import Failures, Hosts
from lotusx.streams import Stream, Tap

K = TypeVar("K", bound=Hashable)
E = TypeVar("E")
E_co = TypeVar("E_co", covariant=True)

_REST_EVENTS = 1_000
"""After so many events a reader lets other tasks run, though more events wait."""


class EventSource(Protocol[E_co]):
    """A `Stream`, as far as the type of its events goes: streams of different events may be merged."""

    async def __anext__(self) -> E_co:
        """Return the next event."""
        ...


@dataclass(frozen=True, slots=True)
class SourceEnded:
    """Nothing more comes of this source. ``error`` says why; ``None``: it was closed, by its connection's end perhaps.

    Whether that connection has failed, `lotusx.many.Many.failed` tells.
    """

    error: SourceFailed | None

    @property
    def reason(self) -> str:
        """Why, as text; empty: it was closed."""
        return "" if self.error is None else self.error.reason


class _Source(Generic[K]):
    """One stream of several."""

    __slots__ = ("is_ready", "key", "stream", "tap")

    def __init__(self, key: K) -> None:
        self.key = key
        self.stream: Stream[Any] | None = None
        self.tap: Tap[Any] | None = None
        self.is_ready = False


class Merged(Generic[K, E]):
    """Events of several streams, each as ``(name, event)``: ``async for name, event in merged``.

    Within a source they come in order. Among sources that have something to read, one event of each is taken in turn:
    a busy one cannot keep a quiet one waiting. Each source has the buffer and the overflow policy that its stream was
    made with (``stream_trades(…, buffer=…, overflow=…)``), and loses, where its policy lets it, only its own events.

    The end of a source is never silent. If it failed and failures are fatal, `SourceFailed` is raised, after what came
    before; otherwise, and if it was closed, ``(name, SourceEnded)`` comes in its place and the others go on. Iteration
    ends once all have ended. One reader at a time.
    """

    def __init__(self, sources: Mapping[K, AbstractAsyncContextManager[EventSource[E]]], failures: Failures) -> None:
        self._failures = failures
        self._contexts: Mapping[K, AbstractAsyncContextManager[Any]] = sources
        self._sources: dict[K, _Source[K]] = {key: _Source(key) for key in sources}
        self._hosts: Hosts[K, Stream[Any]] = Hosts(failures, SourceFailed, self._changed)
        self._ready: deque[_Source[K]] = deque()
        self._ended: dict[K, SourceEnded] = {}
        self._waiter: anyio.Event | None = None
        self._taken = 0
        self._rest_at = _REST_EVENTS
        self._closed = False

    def __repr__(self) -> str:
        return f"<Merged {len(self._sources)} sources, {len(self._ended)} ended, {self.total}>"

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Merged[K, E]]:
        """Subscribe to all; close all at the end. For `lotusx.many.Many.merge`."""
        try:
            async with self._hosts.run(self._contexts, wait=True):
                # Turns begin in the caller's order, not in that in which the tasks happened to run.
                self._ready = deque(source for source in self._sources.values() if source.is_ready)
                yield self
        finally:
            self._closed = True
            self._ring()

    @property
    def counters(self) -> Mapping[K, Counters]:
        """Where every event of each source went; without those that could not be opened."""
        return {key: source.stream.counters for key, source in self._sources.items() if source.stream is not None}

    @property
    def total(self) -> Counters:
        """Where every event of all sources went: ``received`` is the sum of all others, always."""
        received = delivered = conflated = dropped = rejected = waiting = 0
        for each in self.counters.values():
            received += each.received
            delivered += each.delivered
            conflated += each.conflated
            dropped += each.dropped
            rejected += each.rejected
            waiting += each.waiting
        return Counters(received, delivered, conflated, dropped, rejected, waiting)

    @property
    def states(self) -> Mapping[K, StreamState]:
        """How each source is doing; one that could not be opened counts as closed."""
        return {
            key: StreamState.CLOSED if source.stream is None else source.stream.state
            for key, source in self._sources.items()
        }

    @property
    def ended(self) -> Mapping[K, SourceEnded]:
        """The sources whose end has been read, and why they ended."""
        return dict(self._ended)

    def __aiter__(self) -> Merged[K, E]:
        return self

    async def __anext__(self) -> tuple[K, E | SourceEnded]:
        return await self._next(with_status=False)

    def with_status(self) -> AsyncIterator[tuple[K, E | StatusChange | SourceEnded]]:
        """Return an iterator over the events and, each in its place, the changes of state of every source."""
        return _WithStatus(self)

    async def _next(self, *, with_status: bool) -> tuple[K, Any]:
        if self._taken >= self._rest_at:
            self._rest_at = self._taken + _REST_EVENTS
            await anyio.lowlevel.checkpoint()
        ready = self._ready
        while True:
            while ready:
                source = ready.popleft()
                item = None if source.tap is None else source.tap.take()
                if item is None:
                    source.is_ready = False
                    if source.tap is None and source.key not in self._ended:
                        return self._end(source)
                    continue
                ready.append(source)
                if isinstance(item, StatusChange):
                    if item.state is StreamState.CLOSED:
                        return self._end(source)
                    if not with_status:
                        continue
                self._taken += 1
                return source.key, item
            if self._closed or len(self._ended) == len(self._sources):
                raise StopAsyncIteration
            await self._wait()

    def _end(self, source: _Source[K]) -> tuple[K, SourceEnded]:
        """Tell how *source* has ended."""
        error = self._hosts.failed.get(source.key)
        if error is None and source.stream is not None and source.stream.error is not None:
            error = SourceFailed(source.key, source.stream.error)
        assert error is None or isinstance(error, SourceFailed)
        ended = self._ended[source.key] = SourceEnded(error)
        if error is not None and self._failures is Failures.FATAL:
            raise error
        return source.key, ended

    def _changed(self, key: K) -> None:
        source = self._sources[key]
        stream = self._hosts.held.get(key)
        if stream is not None and source.stream is None:
            source.stream = stream
            source.tap = Tap(stream, lambda: self._rung(source))
        self._rung(source)

    def _rung(self, source: _Source[K]) -> None:
        if not source.is_ready:
            source.is_ready = True
            self._ready.append(source)
            if self._waiter is not None:
                self._waiter.set()

    def _ring(self) -> None:
        if self._waiter is not None:
            self._waiter.set()

    async def _wait(self) -> None:
        if self._waiter is not None:
            raise StreamError("somebody reads these merged streams already; they have one reader")
        self._waiter = waiter = anyio.Event()
        try:
            await waiter.wait()
        finally:
            self._waiter = None


class _WithStatus(Generic[K, E]):
    """Events, changes of state, and ends."""

    __slots__ = ("_merged",)

    def __init__(self, merged: Merged[K, E]) -> None:
        self._merged = merged

    def __aiter__(self) -> _WithStatus[K, E]:
        return self

    async def __anext__(self) -> tuple[K, E | StatusChange | SourceEnded]:
        return await self._merged._next(with_status=True)
