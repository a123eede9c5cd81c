"""What a user reads: a bounded, counted stream of events.

Two ways to read, with the same guarantees: ``async for event in stream``, and ``stream.handle(callback)``, which is
called as the frame is decoded. One wake-up per read of the socket, however many events it brought.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from types import TracebackType
from typing import Generic, Protocol, TypeVar

import anyio
import anyio.lowlevel

from lotusx.errors import LotusXError, SlowConsumer, StreamClosed, StreamError
from lotusx.kernel.flow import Counters, Later, Overflow, StatusChange, StreamOwner, StreamState, symbol_of

__all__ = ["Counters", "Overflow", "StatusChange", "Stream", "StreamOwner", "StreamState", "Tap"]

E = TypeVar("E")

logger = logging.getLogger("lotusx.streams")

DEFAULT_BUFFER = 10_000
BLOCKED_NS = 100_000_000
"""A handler that holds the loop longer than this is reported."""
_STATUSES_KEPT = 256
_REST_EVENTS = 1_000
"""After so many events a reader lets other tasks run, though more events wait."""


class _Waiter(Protocol):
    """Whoever waits for something to read."""

    def set(self) -> None:
        """Something is there."""


class Stream(Generic[E]):
    """Events of one subscription, in order. Made at subscribe time: nothing that comes later is missed.

    ``async for`` ends when the stream is closed, and raises what ended it otherwise; buffered events come first.
    A reader that always finds events waiting is interrupted (and can be cancelled) only every 1 000 events. One reader
    at a time.

    Attributes:
        name: The exchange's name of the channel.
        keeps_newest: Whether its reader has no use for what newer events of the same read replace. For the machinery.
    """

    __slots__ = (
        "_blocked", "_buffer", "_by", "_conflated", "_delivered", "_dropped", "_ended", "_error", "_handler", "_latest",
        "_limit", "_monotonic_ns", "_on_reject", "_on_status", "_owner", "_received", "_rejected", "_rest_at",
        "_run_handler", "_special", "_state", "_statuses", "_told", "_waiter", "keeps_newest", "name", "overflow",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        *,
        buffer: int = DEFAULT_BUFFER,
        overflow: Overflow = Overflow.DROP_OLDEST,
        owner: StreamOwner | None = None,
        conflate_by: Callable[[E], Hashable] = symbol_of,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        if buffer < 1:
            raise ValueError(f"buffer must be at least 1, not {buffer}")
        self.name = name
        self.overflow = overflow
        self.keeps_newest = False
        self._limit = buffer
        self._owner = owner or StreamOwner()
        self._by = conflate_by
        self._monotonic_ns = monotonic_ns
        self._buffer: deque[E] = deque()
        self._latest: dict[Hashable, E] = {}
        self._received = self._delivered = self._conflated = self._dropped = self._rejected = 0
        self._rest_at = _REST_EVENTS
        self._state = StreamState.REQUESTED
        self._statuses: deque[tuple[int, StatusChange]] = deque(
            [(0, StatusChange(StreamState.REQUESTED))], maxlen=_STATUSES_KEPT
        )
        self._special: Callable[[Sequence[E]], None] | None = None
        if overflow is Overflow.LATEST:
            self._special = self._put_latest
        self._handler: Callable[[E], object] | None = None
        self._run_handler: Callable[[Sequence[E]], object] | None = None
        self._on_status: Callable[[StatusChange], object] | None = None
        self._on_reject: Callable[[int], object] | None = None
        self._waiter: _Waiter | None = None
        self._ended: anyio.Event | None = None
        self._error: BaseException | None = None
        self._told = False
        self._blocked = False

    def __repr__(self) -> str:
        return f"<Stream {self.name} {self._state} {self.counters}>"

    @property
    def state(self) -> StreamState:
        """How the subscription is doing."""
        return self._state

    @property
    def counters(self) -> Counters:
        """Where every event went so far."""
        waiting = len(self._buffer) + len(self._latest)
        return Counters(
            self._received, self._delivered, self._conflated, self._dropped, self._rejected, waiting
        )  # fmt: skip

    @property
    def holding(self) -> bool:
        """Whether `Overflow.BLOCK` keeps the socket from being read."""
        return self._blocked

    @property
    def handled(self) -> bool:
        """Whether a callback takes the events."""
        return self._handler is not None or self._run_handler is not None

    @property
    def error(self) -> BaseException | None:
        """What ended the stream; ``None``: nothing did, or it was closed."""
        return self._error

    # ------------------------------------------------------------------------------------------------ reading

    def __aiter__(self) -> Stream[E]:
        return self

    async def __anext__(self) -> E:
        if self._delivered >= self._rest_at:
            await self._rest()
        try:
            event = self._buffer.popleft()
        except IndexError:
            event = await self._next()
        self._delivered += 1
        if self._blocked and len(self._buffer) * 2 <= self._limit:
            self._blocked = False
            self._owner.proceed(self)
        return event

    async def _rest(self) -> None:
        self._rest_at = self._delivered + _REST_EVENTS
        await anyio.lowlevel.checkpoint()

    async def _next(self) -> E:
        while not self._buffer:
            if self._latest:
                return self._latest.pop(next(iter(self._latest)))
            if self._state is StreamState.CLOSED:
                self._finish()
            await self._wait()
        return self._buffer.popleft()

    def _finish(self) -> None:
        if self._error is None:
            raise StopAsyncIteration
        self._told = True
        raise self._error

    async def _wait(self) -> None:
        if self._waiter is not None or self.handled:
            raise StreamError(
                f"{self.name}: somebody reads this stream already; a stream has one reader. Subscribe once more: "
                "both share one subscription on the wire"
            )
        self._waiter = waiter = anyio.Event()
        try:
            await waiter.wait()
        finally:
            self._waiter = None

    def with_status(self) -> AsyncIterator[E | StatusChange]:
        """Return an iterator over the events and, each in its place, the changes of state (the newest 256)."""
        return _WithStatus(self)

    def handle(
        self,
        callback: Callable[[E], object],
        on_status: Callable[[StatusChange], object] | None = None,
        on_reject: Callable[[int], object] | None = None,
    ) -> Awaitable[None]:
        """Call *callback* with every event as its frame is decoded; events that wait come first, now.

        The callback must not block: it is timed, and one that holds the loop for more than 100 ms is reported. If it
        raises, this stream ends and no other; the error is raised by awaiting what this returns (which waits for the
        end of the stream), or else when the ``async with`` of the stream is left. *on_status* is called with every
        change of state from now on, in its place among the events, and *on_reject* with the number of messages that
        came and could not be understood; they must neither block nor raise.

        Raises:
            StreamClosed: The stream has ended.
        """
        self._may_be_handled()
        self._handler = callback
        return self._handle(self._put_handler, on_status, on_reject)

    def handle_runs(
        self, callback: Callable[[Sequence[E]], object], on_status: Callable[[StatusChange], object] | None = None
    ) -> Awaitable[None]:
        """Call *callback* with all that one read of the socket brought; else as `handle`. For the machinery: books.

        While `keeps_newest` is set, as it is from here on, a channel whose every message is whole brings the newest
        alone; the others are counted as conflated. Unset, the callback gets each event as its frame is decoded.

        Raises:
            StreamClosed: The stream has ended.
        """
        self._may_be_handled()
        self.keeps_newest = True
        self._run_handler = callback
        return self._handle(self._put_run, on_status, None)

    def _may_be_handled(self) -> None:
        if self._state is StreamState.CLOSED:
            raise StreamClosed(f"{self.name}: the stream is closed")
        if self._waiter is not None or self.handled:
            raise StreamError(f"{self.name}: somebody reads this stream already; a stream has one reader")

    def _handle(
        self,
        put: Callable[[Sequence[E]], None],
        on_status: Callable[[StatusChange], object] | None,
        on_reject: Callable[[int], object] | None,
    ) -> Awaitable[None]:
        self._on_status = on_status
        self._on_reject = on_reject
        self._special = put
        waiting = [*self._buffer, *self._latest.values()]
        self._buffer.clear()
        self._latest.clear()
        if self._blocked:
            self._blocked = False
            self._owner.proceed(self)
        if waiting:
            self._received -= len(waiting)
            put(waiting)
        return Later(self._until_end)

    async def _until_end(self) -> None:
        if self._state is not StreamState.CLOSED:
            if self._ended is None:
                self._ended = anyio.Event()
            await self._ended.wait()
        if self._error is not None:
            self._told = True
            raise self._error

    def renew(self) -> None:
        """Ask the exchange to send the channel anew (where it starts with a snapshot), for all its readers."""
        self._owner.renew(self)

    @property
    def is_renewing(self) -> bool:
        """Whether the exchange has not answered yet: it may not even have been asked, at the pace that it allows."""
        return self._owner.is_renewing(self)

    def distrust(self, reason: str) -> None:
        """Call the channel silent although its socket lives: that is replaced, as after a loss, for all who read it.

        For whoever knows what the channel should have brought.
        """
        self._owner.distrust(self, reason)

    async def aclose(self) -> None:
        """End the subscription. What still waits is counted as dropped. May be called twice."""
        self._blocked = False
        self.end()
        self._dropped += len(self._buffer) + len(self._latest)
        self._buffer.clear()
        self._latest.clear()

    async def __aenter__(self) -> Stream[E]:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()
        if self.handled and self._error is not None and not self._told and error is None:
            self._told = True
            raise self._error

    # ------------------------------------------------------------------------------------------------ feeding

    def put(self, events: Sequence[E]) -> None:
        """Take what one message brought. For whoever feeds the stream."""
        if self._special is not None:
            self._special(events)
            return
        buffer = self._buffer
        buffer.extend(events)
        self._received += len(events)
        if len(buffer) > self._limit:
            self._overflow()
        if self._waiter is not None:
            self._waiter.set()

    def _overflow(self) -> None:
        excess = len(self._buffer) - self._limit
        if self.overflow is Overflow.DROP_OLDEST:
            for _ in range(excess):
                self._buffer.popleft()
            self._dropped += excess
        elif self.overflow is Overflow.BLOCK:
            if not self._blocked:
                self._blocked = True
                self._owner.hold(self)
        else:
            for _ in range(excess):
                self._buffer.pop()
            self._dropped += excess
            self.end(
                SlowConsumer(
                    f"{self.name}: {self._limit} events wait and nobody reads them; read faster, or subscribe with a "
                    "larger buffer or another overflow policy"
                )
            )

    def _put_latest(self, events: Sequence[E]) -> None:
        latest = self._latest
        for event in events:
            key = self._by(event)
            if key in latest:
                self._conflated += 1
            elif len(latest) >= self._limit:
                del latest[next(iter(latest))]
                self._dropped += 1
            latest[key] = event
            self._received += 1
        if self._waiter is not None:
            self._waiter.set()

    def _put_handler(self, events: Sequence[E]) -> None:
        callback = self._handler
        assert callback is not None
        started = self._monotonic_ns()
        before = self._received
        try:
            for event in events:
                self._received += 1
                self._delivered += 1
                callback(event)
        except Exception as error:
            self._put_closed(events[self._received - before :])
            self.end(error)
        took = self._monotonic_ns() - started
        if took > BLOCKED_NS:
            self._owner.handler_blocked(self, took / 1e9)

    def _put_run(self, events: Sequence[E]) -> None:
        callback = self._run_handler
        assert callback is not None
        if not events:
            return
        started = self._monotonic_ns()
        self._received += len(events)
        self._delivered += len(events)
        try:
            callback(events)
        except Exception as error:
            self.end(error)
        took = self._monotonic_ns() - started
        if took > BLOCKED_NS:
            self._owner.handler_blocked(self, took / 1e9)

    def _put_closed(self, events: Sequence[E]) -> None:
        self._received += len(events)
        self._dropped += len(events)

    def reject(self, count: int = 1) -> None:
        """Count what came and could not be understood."""
        self._received += count
        self._rejected += count
        if self._on_reject is not None:
            self._on_reject(count)

    def conflate(self, count: int) -> None:
        """Count what came and was replaced by newer events before anybody looked. For whoever feeds the stream."""
        self._received += count
        self._conflated += count

    def change(self, state: StreamState, reason: str = "", at_ns: int = 0) -> None:
        """Take a new state. For whoever feeds the stream."""
        if self._state in (state, StreamState.CLOSED):
            return
        self._state = state
        # Due once everything that entered the buffer before it has left it.
        due = self._received - self._rejected - self._conflated
        change = StatusChange(state, reason, at_ns)
        self._statuses.append((due, change))
        if self._on_status is not None:
            try:
                self._on_status(change)
            except Exception as error:
                self._on_status = None
                self.end(error)
        if self._waiter is not None:
            self._waiter.set()

    def end(self, error: BaseException | None = None) -> None:
        """Take nothing more. Buffered events can still be read, then *error* is raised (``None``: iteration ends)."""
        if self._state is StreamState.CLOSED:
            return
        self._error = error
        self._special = self._put_closed
        self.change(StreamState.CLOSED, "" if error is None else str(error) or type(error).__name__)
        if self._ended is not None:
            self._ended.set()
        if error is not None and not isinstance(error, LotusXError):
            logger.error("%s: the handler raised; its stream has ended", self.name, exc_info=error)
        self._owner.closed(self)


class Tap(Generic[E]):
    """Reads a stream without waiting, its changes of state in their places; for who reads several streams at once.

    It is the stream's one reader. *bell* is called when something may be there; it must neither block nor raise.

    Raises:
        StreamError: Somebody reads the stream already.
    """

    __slots__ = ("_stream", "set")

    def __init__(self, stream: Stream[E], bell: Callable[[], None]) -> None:
        if stream._waiter is not None or stream.handled:
            raise StreamError(f"{stream.name}: somebody reads this stream already; a stream has one reader")
        self._stream = stream
        self.set = bell
        stream._waiter = self

    def take(self) -> E | StatusChange | None:
        """Return the next event or change of state; ``None``: there is none now. The change to closed is the last."""
        stream = self._stream
        if stream._statuses and stream._delivered + stream._dropped >= stream._statuses[0][0]:
            return stream._statuses.popleft()[1]
        if stream._buffer:
            event = stream._buffer.popleft()
        elif stream._latest:
            event = stream._latest.pop(next(iter(stream._latest)))
        else:
            return None
        stream._delivered += 1
        if stream._blocked and len(stream._buffer) * 2 <= stream._limit:
            stream._blocked = False
            stream._owner.proceed(stream)
        return event


class _WithStatus(Generic[E]):
    """Events and changes of state in their order."""

    __slots__ = ("_stream",)

    def __init__(self, stream: Stream[E]) -> None:
        self._stream = stream

    def __aiter__(self) -> _WithStatus[E]:
        return self

    async def __anext__(self) -> E | StatusChange:
        stream = self._stream
        while True:
            if stream._statuses and stream._delivered + stream._dropped >= stream._statuses[0][0]:
                return stream._statuses.popleft()[1]
            if stream._delivered >= stream._rest_at:
                await stream._rest()
            elif stream._buffer or stream._latest or stream._state is StreamState.CLOSED:
                return await stream.__anext__()
            else:
                await stream._wait()
