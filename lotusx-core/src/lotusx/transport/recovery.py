"""Asking beside the socket: is the market quiet, and what did a private channel miss."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import anyio

from lotusx.errors import LotusXError, StreamGap
from lotusx.kernel.clock import Clock
from lotusx.kernel.codec import Channel
from lotusx.kernel.flow import StreamState
from lotusx.kernel.membership import Member
from lotusx.kernel.subscriptions import Subscriptions
from lotusx.transport.fanout import Subscription
from lotusx.transport.session import Session

ProbeCall = Callable[[Channel[Any], int, Callable[[], Any]], Awaitable[bool]]
"""``await probe(channel, since_ns, told)``: whether the exchange has nothing newer than *since_ns* (epoch).
``told()`` is the last event, where a subscription keeps it; else ``None``."""
RestoreCall = Callable[[Channel[Any], int, int], Awaitable[None]]
"""``await on_restored(channel, lost_ns, restored_ns)``: finds what a private channel missed between these times (epoch)
and delivers it, before anything that the channel has brought since it was told to be lost."""
_PROBE_S = 10.0


class Prober:
    """Tells a quiet market from a dead subscription."""

    def __init__(
        self, probe: ProbeCall, clock: Clock, subscriptions: Subscriptions, report: Callable[[str, str], None]
    ) -> None:
        self._probe = probe
        self._clock = clock
        self._subscriptions = subscriptions
        self._report = report

    async def ask(self, session: Session, subscription: Subscription[Any], member: Member) -> None:
        """Ask once. Only a clear "quiet" counts; whatever else happens, the deadline stands."""
        silent_ns = member.since_ns
        since_ns = self._clock.now_ns() - (self._clock.monotonic_ns() - silent_ns)
        quiet = False
        try:
            with anyio.move_on_after(_PROBE_S):
                quiet = await self._probe(subscription.channel, since_ns, lambda: subscription.told)
        except Exception as error:
            self._report(subscription.channel.key, f"the probe failed: {error}")
        if quiet and member.heard_ns <= silent_ns:
            self._subscriptions.quiet(member, self._clock.monotonic_ns())
            if subscription.state is StreamState.SILENT:
                subscription.change(StreamState.LIVE, "the market is quiet")
            session.look()


class Recoveries:
    """Fetches what private channels missed, once each connection is back; a new loss starts it over."""

    def __init__(self, on_restored: RestoreCall, clock: Clock) -> None:
        self._on_restored = on_restored
        self._clock = clock
        self._running: dict[str, anyio.CancelScope] = {}

    def cancel(self, ident: str) -> None:
        """Stop the recovery of *ident*."""
        scope = self._running.pop(ident, None)
        if scope is not None:
            scope.cancel()

    async def run(self, subscription: Subscription[Any]) -> None:
        """Recover *subscription*; where that is impossible, its readers get `StreamGap`."""
        if subscription.ident in self._running or not subscription.recovering:
            return
        scope = self._running[subscription.ident] = anyio.CancelScope()
        restored_ns = self._clock.now_ns()
        since = subscription.lost_since
        lost_ns = restored_ns if since is None else since.by_now_ns(self._clock)
        with scope:
            try:
                await self._on_restored(subscription.channel, lost_ns, restored_ns)
            except Exception as error:
                words = str(error) if isinstance(error, LotusXError) else repr(error)
                gap = StreamGap(f"{subscription.channel.key}: what was missed could not be recovered: {words}")
                gap.__cause__ = error
                subscription.fail(gap)
            else:
                if self._running.get(subscription.ident) is scope:  # not lost again meanwhile
                    del self._running[subscription.ident]
                    subscription.recovered()
