"""Recorded time: a clock that shows it, and the one task that lets it pass and delivers what is due."""

from __future__ import annotations

import hashlib
import heapq
import itertools
import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

import anyio
from anyio.lowlevel import checkpoint

from lotusx_recorder.errors import RecordingEnded
from lotusx_recorder.reading import Frame

logger = logging.getLogger("lotusx.replay")

_NS = 1_000_000_000
_REACT = 10
"""As fast as possible, a program has so many turns of the event loop to react before time goes on,"""
_FOLLOW = 30
"""and so many after it has asked for something."""
_OVERLAP_NS = 30 * _NS


class Listener(Protocol):
    """A socket that may want a frame."""

    async def readable(self) -> None:
        """Wait until it is read."""

    def deliver(self, frames: Sequence[Frame]) -> None:
        """Take frames that arrived together."""

    def end(self, error: Exception) -> None:
        """Nothing will follow."""


class Timeline:
    """Time as it was recorded. It stands still until the first subscription, and passes at *speed* from then on.

    After the last frame it passes like real time. It is the clock of the connection that replays.

    Args:
        began_ns: When the recording began.
        frames: What arrived, in order.
        speed: Recorded seconds per real second; ``None``: as fast as possible.
        wanted: Returns which sockets want a frame.

    Attributes:
        passed_ns: When the last frame arrived that has passed, whether anybody wanted it or not; 0: none has.
        ended: Why nothing follows; ``None``: it goes on.
    """

    def __init__(
        self,
        began_ns: int,
        frames: Callable[[], Iterator[Frame]],
        speed: float | None,
        wanted: Callable[[Frame], Sequence[Listener]],
    ) -> None:
        self.passed_ns = 0
        self.ended: RecordingEnded | None = None
        self._frames = frames
        self._speed = speed
        self._wanted = wanted
        self._anchor_ns = began_ns  # recorded time
        self._anchor_s = 0.0  # and the loop's at that moment
        self._rate = 0.0
        self._running = False
        self._begun = anyio.Event()
        self._sleepers: list[tuple[int, int, anyio.Event]] = []
        self._numbers = itertools.count()
        self._turns = 0
        self._listeners: set[Listener] = set()

    # -------------------------------------------------------------------------------------------------- the clock

    def now_ns(self) -> int:
        """Return recorded time, nanoseconds since the epoch."""
        if self._rate:
            return self._anchor_ns + int((anyio.current_time() - self._anchor_s) * self._rate * _NS)
        return self._anchor_ns

    def monotonic_ns(self) -> int:
        """Return the same: recorded time does not step back."""
        return self.now_ns()

    async def sleep(self, seconds: float) -> None:
        """Wait for recorded time to pass; while it stands still, for real time."""
        if not self._running:
            await anyio.sleep(seconds)
        elif self._speed is not None:
            await anyio.sleep(seconds / self._speed)
        else:
            await self._sleep_until(self._anchor_ns + int(seconds * _NS))

    async def reach(self, at_ns: int) -> None:
        """Wait until recorded time is *at_ns*; not at all while it stands still."""
        if not self._running or at_ns <= self.now_ns():
            await checkpoint()
        elif self._speed is not None:
            await anyio.sleep((at_ns - self.now_ns()) / _NS / self._speed)
        else:
            await self._sleep_until(at_ns)

    async def _sleep_until(self, at_ns: int) -> None:
        woken = anyio.Event()
        heapq.heappush(self._sleepers, (at_ns, next(self._numbers), woken))
        await woken.wait()

    # ------------------------------------------------------------------------------------------------- the passing

    def begin(self) -> None:
        """Something was subscribed: let time pass."""
        self._begun.set()

    def stir(self) -> None:
        """The program has just done something: as fast as possible, it has time to do what follows from it."""
        self._turns = _FOLLOW

    def join(self, listener: Listener) -> None:
        """Tell *listener* of the end."""
        self._listeners.add(listener)
        if self.ended is not None:
            listener.end(self.ended)

    def leave(self, listener: Listener) -> None:
        """Tell it no more."""
        self._listeners.discard(listener)

    async def run(self) -> None:
        """Let time pass until the recording is over, then tell every socket."""
        await self._begun.wait()
        self._running = True
        if self._speed is not None:
            self._go(self._speed)
        try:
            for together in _arrivals(once(self._frames())):
                await self._wait_for(together[0].received_ns)
                await self._deliver(together)
            ended = RecordingEnded("everything that was recorded has been replayed")
        except Exception as error:
            logger.exception("the replay failed")
            ended = RecordingEnded(f"the rest of the recording cannot be replayed: {error}")
            ended.__cause__ = error
        self._over(ended)

    def _go(self, rate: float) -> None:
        self._anchor_ns, self._anchor_s, self._rate = self.now_ns(), anyio.current_time(), rate

    async def _wait_for(self, at_ns: int) -> None:
        if self._speed is not None:
            await anyio.sleep(max(0.0, (at_ns - self.now_ns()) / _NS / self._speed))
            return
        await self._settle()
        while self._sleepers and self._sleepers[0][0] <= at_ns:
            due_ns, _, woken = heapq.heappop(self._sleepers)
            self._anchor_ns = max(self._anchor_ns, due_ns)
            woken.set()
            await self._settle()
        self._anchor_ns = max(self._anchor_ns, at_ns)

    async def _settle(self) -> None:
        self._turns = max(self._turns, _REACT)
        while self._turns:
            self._turns -= 1
            await checkpoint()

    async def _deliver(self, together: Sequence[Frame]) -> None:
        self.passed_ns = max(self.passed_ns, together[0].received_ns)
        for listener in self._wanted(together[0]):
            await listener.readable()
            listener.deliver(together)

    def _over(self, error: RecordingEnded) -> None:
        self.ended = error
        self._running = False
        self._go(1.0)
        for _, _, woken in self._sleepers:
            woken.set()
        self._sleepers.clear()
        for listener in list(self._listeners):
            listener.end(error)


def _arrivals(frames: Iterator[Frame]) -> Iterator[list[Frame]]:
    """Yield what one read of a socket brought of one channel, as it was."""
    for _, group in itertools.groupby(frames, lambda frame: (frame.received_ns, frame.socket, frame.key)):
        yield list(group)


def once(frames: Iterator[Frame]) -> Iterator[Frame]:
    """Leave out what came a second time by another socket: two are open while one is replaced, or for two readers."""
    seen: dict[tuple[str, str, bytes], tuple[tuple[str, str, int], int]] = {}
    looked_ns = 0
    for frame in frames:
        if frame.received_ns - looked_ns > _OVERLAP_NS:
            looked_ns = frame.received_ns
            seen = {name: each for name, each in seen.items() if looked_ns - each[1] <= _OVERLAP_NS}
        name = (frame.group, frame.key, hashlib.blake2b(frame.payload, digest_size=16).digest())
        first = seen.get(name)
        if first is not None and first[0] != frame.socket and frame.received_ns - first[1] <= _OVERLAP_NS:
            continue
        seen[name] = (frame.socket, frame.received_ns)
        yield frame
