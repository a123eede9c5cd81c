"""Brings one book back in step: asks for snapshots, patiently and within a shared pace."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import anyio

from lotusx.errors import Banned, ConfigurationError, ExchangeError, LotusXError, RefusedBeforeSending
from lotusx.kernel.book.rule import SnapshotSource
from lotusx.kernel.book.sync import BookState, BookSync, Outcome

if TYPE_CHECKING:
    from random import Random

    from lotusx.kernel.clock import Clock
    from lotusx.model.market_data import BookUpdate, OrderBook
    from lotusx.streams import Stream


@dataclass(frozen=True, slots=True)
class ResyncPolicy:
    """How patiently a book is resynchronised. The first try comes at once.

    Attributes:
        first_s: Longest wait before the second try; it doubles from try to try.
        longest_s: Where doubling ends. Tries never end.
        tries: After so many in vain the trouble is reported.
        stream_snapshot_s: How long a stream that starts with a snapshot may take to send it.
    """

    first_s: float = 0.25
    longest_s: float = 3.0
    tries: int = 5
    stream_snapshot_s: float = 5.0

    def wait_s(self, tries: int, spread: float) -> float:
        """Return the wait after *tries* in vain; *spread* in [0, 1) picks from the upper half of the range."""
        return float(min(self.longest_s, self.first_s * 2 ** min(tries - 1, 30)) * (0.5 + spread / 2))


def _is_final(error: LotusXError) -> bool:
    """Whether a market of which there was no book yet will have none: one that closes later may open again."""
    return isinstance(error, ExchangeError) and not (error.retryable or isinstance(error, Banned))


class Published(Protocol):
    """What a book lets its resynchroniser do."""

    def publish(self, received_ns: int) -> None: ...
    def refreshed(self) -> None: ...
    def fail(self, error: BaseException) -> None: ...
    def report(self, reason: str) -> None: ...


class Resynchroniser:
    """The one task of a live book.

    Attributes:
        requests: Snapshots asked for so far: what resynchronising costs.
        failures: Requests that failed.
    """

    def __init__(
        self,
        book: Published,
        sync: BookSync,
        fetch: Callable[[], Awaitable[OrderBook | BookUpdate]],
        policy: ResyncPolicy,
        clock: Clock,
        random: Random,
        pace: AbstractAsyncContextManager[object] | None,
    ) -> None:
        self.requests = 0
        self.failures = 0
        self._book = book
        self._sync = sync
        self._fetch = fetch
        self._policy = policy
        self._clock = clock
        self._random = random
        self._pace: AbstractAsyncContextManager[object] = pace if pace is not None else nullcontext()
        self._stream: Stream[BookUpdate] | None = None
        self._wanted: anyio.Event | None = None
        self._losses = 0
        self._renew = False
        self._after_s = 0.0
        self._ended = False

    def wake(self) -> None:
        """Look again whether there is something to do."""
        if self._wanted is not None:
            self._wanted.set()

    def forget(self) -> None:
        """The stream was lost: a snapshot asked for before is worth nothing."""
        self._losses += 1

    def distrust_stream(self) -> None:
        """What the stream sent broke the rule: where it brings the snapshots, it must begin anew."""
        self._renew = True

    def end(self) -> None:
        """Do nothing more."""
        self._ended = True
        self.wake()

    async def run(self, stream: Stream[BookUpdate]) -> None:
        """Keep the book synced until `end` or cancellation."""
        self._stream = stream
        tries = 0
        while not self._ended:
            self._wanted = anyio.Event()
            if not self._is_wanted():
                tries = 0
                await self._wanted.wait()
                continue
            if tries:
                if tries == self._policy.tries:
                    self._book.report(f"not synchronised after {tries} tries ({self._sync.reason}); still trying")
                await self._clock.sleep(max(self._after_s, self._policy.wait_s(tries, self._random.random())))
                if not self._is_wanted():
                    continue
            tries += 1
            self._after_s = 0.0
            if self._sync.rule.source is SnapshotSource.REQUEST:
                await self._ask()
            else:
                await self._wait_for_stream(renew=self._renew or tries > 1)

    def _is_wanted(self) -> bool:
        if self._ended or self._sync.is_down:
            return False
        return self._sync.state is not BookState.SYNCED or (
            self._sync.is_thin and self._sync.rule.source is SnapshotSource.REQUEST
        )

    async def _ask(self) -> None:
        losses = self._losses
        try:
            async with self._pace:
                refresh = self._sync.state is BookState.SYNCED
                self._sync.begin_refresh()
                self.requests += 1
                snapshot = await self._fetch()
        except (RefusedBeforeSending, ConfigurationError) as error:
            self._book.fail(error)  # asking again cannot help
        except LotusXError as error:
            self.failures += 1
            self._after_s = error.after_s or 0.0
            if self._sync.counters.snapshots == 0 and _is_final(error):
                self._book.fail(error)
        except Exception as error:
            self._book.fail(error)
        else:
            if losses == self._losses and self._sync.snapshot(snapshot) is Outcome.APPLIED:
                if refresh:
                    self._book.refreshed()
                self._book.publish(snapshot.received_ns)

    async def _wait_for_stream(self, *, renew: bool) -> None:
        stream = self._stream
        assert stream is not None
        self._renew = False
        if renew:
            self.requests += 1
            stream.renew()
        async with anyio.create_task_group() as tasks:

            async def give_up() -> None:
                await self._clock.sleep(self._policy.stream_snapshot_s)
                while stream.is_renewing:  # many books wait for their turn to ask; asking again would make it later
                    await self._clock.sleep(self._policy.stream_snapshot_s)
                tasks.cancel_scope.cancel()

            tasks.start_soon(give_up)
            while self._is_wanted() and not self._renew:
                await self._next_wake()
            tasks.cancel_scope.cancel()

    async def _next_wake(self) -> None:
        self._wanted = anyio.Event()
        await self._wanted.wait()
