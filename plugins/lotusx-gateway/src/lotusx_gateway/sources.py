"""What a gateway publishes: a feed lives as long as somebody follows it."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import anyio
from anyio.abc import TaskGroup, TaskStatus

from lotusx.errors import InvalidArgument, RateLimited
from lotusx_gateway.failures import Failure, to_failure
from lotusx_gateway.messages import EVENT, LEASE_S, STATE, Followed, State, encode, feed_message

if TYPE_CHECKING:
    import msgspec

logger = logging.getLogger("lotusx.gateway")

OPEN_S = 8.0
MAX_FEEDS = 1_000
"""Feeds that one user may follow at a time."""
MAX_CLIENTS = 256
"""Connections of one user that may follow a feed at a time."""
MAX_KEY = 256
"""Letters of a key."""

Publish = Callable[[str, bytes], Awaitable[None]]
Pump = Callable[["Source"], Awaitable[None]]
Follower = tuple[str, str]
"""User, and the consumer's own name for its connection."""


class Source:
    """One feed. ``epoch`` is new each time it is opened; ``seq`` counts what was published, or could not be.

    Attributes:
        snapshot: Returns what a new follower must know, as of ``seq``; ``None``: nothing.
    """

    def __init__(self, key: str, publish: Publish) -> None:
        self.key = key
        self.epoch = os.urandom(4).hex()
        self.seq = 0
        self.up = False
        self.reason = "it is being opened"
        self.failure: Failure | None = None
        self.decided = anyio.Event()
        self.snapshot: Callable[[], msgspec.Raw | None] = lambda: None
        self.followers: dict[Follower, int] = {}
        self.scope = anyio.CancelScope()
        self._publish = publish

    async def event(self, content: bytes) -> None:
        """Publish an event."""
        self.seq += 1
        await self._publish(self.key, feed_message(self.epoch, self.seq, EVENT, content))

    async def state(self, up: bool, reason: str = "") -> None:
        """Publish whether the exchange serves it; the same again is no news."""
        if up:
            self.decided.set()
        if up is not self.up:
            self.up, self.reason = up, reason
            self.seq += 1
            await self._publish(self.key, feed_message(self.epoch, self.seq, STATE, encode(State(up, reason))))

    def skip(self, count: int) -> None:
        """Count events that the gateway itself has lost: every follower will notice."""
        self.seq += count

    def where(self) -> Followed:
        """Say where it is, without a snapshot."""
        return Followed(self.epoch, self.seq, self.up, self.reason)

    def followed(self) -> Followed:
        """Say where it is to a new follower."""
        found = self.where()
        snapshot = self.snapshot() if self.up else None
        return found if snapshot is None else Followed(self.epoch, self.seq, self.up, self.reason, snapshot)


class Sources:
    """All feeds of a gateway. What nobody has renewed for `LEASE_S` is closed."""

    def __init__(self, exchange: str, pump: Callable[[str], Pump], publish: Publish) -> None:
        self._exchange = exchange
        self._pump = pump
        self._publish = publish
        self._open: dict[str, Source] = {}
        self._tasks: TaskGroup | None = None

    def stats(self) -> dict[str, dict[str, int]]:
        """Return, of each feed, how many follow it and the number of its newest message."""
        return {key: {"followers": len(each.followers), "seq": each.seq} for key, each in self._open.items()}

    async def run(self, *, task_status: TaskStatus[None] = anyio.TASK_STATUS_IGNORED) -> None:
        """Keep them, until cancelled."""
        async with anyio.create_task_group() as self._tasks:
            task_status.started()
            while True:
                await anyio.sleep(1.0)
                self.sweep(time.monotonic_ns())

    def sweep(self, now_ns: int) -> None:
        """Forget followers whose lease has ended by *now_ns* (monotonic), and close what none follows."""
        for source in list(self._open.values()):
            for follower, until_ns in list(source.followers.items()):
                if until_ns <= now_ns:
                    del source.followers[follower]
            if not source.followers:
                del self._open[source.key]  # who comes now gets a new one
                source.scope.cancel()

    async def aclose(self) -> None:
        """Tell whoever follows that nothing more will come."""
        for source in list(self._open.values()):
            await source.state(False, "the gateway was closed")

    async def follow(self, follower: Follower, key: str) -> Followed:
        """Have *follower* follow *key*, and wait shortly until the exchange serves it."""
        mine = sum(1 for each in self._open.values() if any(user == follower[0] for user, _ in each.followers))
        if mine >= MAX_FEEDS and key not in self._open:
            text = f"{follower[0]} follows {mine} feeds, as many as one user may"
            return self._refused(RateLimited(self._exchange, "gateway", text))
        if len(key) > MAX_KEY:
            return self._refused(InvalidArgument(f"a feed has a name of {MAX_KEY} letters at most"))
        source = self._open.get(key)
        if source is not None and follower not in source.followers:
            clients = sum(1 for user, _ in source.followers if user == follower[0])
            if clients >= MAX_CLIENTS:
                text = f"{clients} connections of {follower[0]} follow {key}, as many as may"
                return self._refused(RateLimited(self._exchange, "gateway", text))
        if source is None:
            try:
                pump = self._pump(key)
            except Exception as error:
                return self._refused(error)
            source = self._open[key] = Source(key, self._publish)
            assert self._tasks is not None
            self._tasks.start_soon(self._serve, source, pump)
        self._lease(source, follower)
        with anyio.move_on_after(OPEN_S):
            await source.decided.wait()
        return Followed(failure=source.failure) if source.failure is not None else source.followed()

    def _refused(self, error: Exception) -> Followed:
        return Followed(failure=to_failure(error, self._exchange))

    def renew(self, follower: Follower, key: str) -> Followed | None:
        """Renew a lease, and say where the feed is; ``None``: *follower* does not follow it."""
        source = self._open.get(key)
        if source is None or follower not in source.followers:
            return None
        self._lease(source, follower)
        return source.where()

    def _lease(self, source: Source, follower: Follower) -> None:
        source.followers[follower] = time.monotonic_ns() + int(LEASE_S * 1e9)

    async def _serve(self, source: Source, pump: Pump) -> None:
        try:
            with source.scope:
                await pump(source)
                source.failure = None
        except Exception as error:
            logger.warning("%s of %s has ended: %s", source.key, self._exchange, error)
            source.failure = to_failure(error, self._exchange)
        if self._open.get(source.key) is source:
            del self._open[source.key]
        source.decided.set()
        if source.followers:  # who follows a newer one of that name must not take it for that one
            await source.state(False, "the gateway's own stream has ended")
