"""Streams, read by ``for``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Generic, TypeVar

from lotusx.sync.runner import Runner, next_within, over

if TYPE_CHECKING:
    from lotusx import streams
    from lotusx.kernel.flow import Counters, Overflow, StatusChange, StreamState

E = TypeVar("E")


class Handling:
    """A stream whose events a callback takes."""

    def __init__(self, wait: Callable[[], None]) -> None:
        self.wait = wait
        """Wait for the end of the stream; raises what ended it."""


class Stream(Generic[E]):
    """Twin of `lotusx.Stream`: ``for event in stream`` waits for each event."""

    def __init__(self, twin: streams.Stream[E], runner: Runner) -> None:
        self._twin = twin
        self._runner = runner

    def __repr__(self) -> str:
        return self._runner.read(repr, self._twin)

    def __iter__(self) -> Stream[E]:
        return self

    def __next__(self) -> E:
        return self.next()

    def next(self, timeout_s: float | None = None) -> E:
        """Return the next event.

        Raises:
            TimeoutError: None came within *timeout_s* seconds; the stream goes on.
            StopIteration: The stream was closed.
        """
        event = self._runner.call(next_within, self._twin, timeout_s)
        if over(event):
            raise StopIteration
        return event

    @property
    def name(self) -> str:
        """The exchange's name of the channel."""
        return self._twin.name

    @property
    def overflow(self) -> Overflow:
        """What happens to events that come faster than they are read."""
        return self._twin.overflow

    @property
    def state(self) -> StreamState:
        """How the subscription is doing."""
        return self._twin.state

    @property
    def counters(self) -> Counters:
        """Where every event went so far."""
        return self._runner.read(lambda: self._twin.counters)

    @property
    def holding(self) -> bool:
        """Whether `Overflow.BLOCK` keeps the socket from being read."""
        return self._twin.holding

    @property
    def handled(self) -> bool:
        """Whether a callback takes the events."""
        return self._twin.handled

    @property
    def error(self) -> BaseException | None:
        """What ended the stream; ``None``: nothing did, or it was closed."""
        return self._twin.error

    def with_status(self) -> Iterator[E | StatusChange]:
        """Return an iterator over the events and, each in its place, the changes of state."""
        return self._runner.iterate(self._twin.with_status())

    def handle(
        self,
        callback: Callable[[E], object],
        on_status: Callable[[StatusChange], object] | None = None,
        on_reject: Callable[[int], object] | None = None,
    ) -> Handling:
        """Call *callback* with every event as its frame is decoded, in the connection's thread; it must not block."""
        end = self._runner.read(self._twin.handle, callback, on_status, on_reject)

        async def ended() -> None:
            await end

        return Handling(lambda: self._runner.call(ended))

    def renew(self) -> None:
        """Ask the exchange to send the channel anew."""
        self._runner.read(self._twin.renew)

    @property
    def is_renewing(self) -> bool:
        """Whether the exchange has not answered yet."""
        return self._runner.read(lambda: self._twin.is_renewing)

    def close(self) -> None:
        """End the subscription. May be called twice."""
        self._runner.call(self._twin.aclose)
