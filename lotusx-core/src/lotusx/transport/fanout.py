"""One subscription on the wire and the streams it feeds."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from lotusx.errors import BeginningMissing
from lotusx.kernel.clock import Clock, Moment
from lotusx.kernel.codec import Channel
from lotusx.kernel.flow import StreamOwner, StreamState
from lotusx.kernel.handover import Handover
from lotusx.kernel.telemetry import ItemDropped, StreamChanged, Telemetry
from lotusx.streams import Stream

E = TypeVar("E")

logger = logging.getLogger("lotusx.streams")

BEGINS_WITHIN_NS = 5_000_000_000
"""How long an exchange that was asked to begin anew has for it before it is asked again."""


class Keeper(Protocol):
    """What a subscription asks of the group that keeps it."""

    exchange: str
    clock: Clock
    telemetry: Telemetry

    def forsaken(self, subscription: Subscription[Any]) -> None:
        """Nobody reads it any more."""

    def renew(self, ident: str) -> None:
        """Subscribe to it anew."""

    def is_renewing(self, ident: str) -> bool:
        """Whether the exchange has not answered a subscription yet."""

    def distrust(self, ident: str, reason: str) -> None:
        """Replace the socket that carries it."""

    def hold(self, ident: str) -> None:
        """Stop reading its socket."""

    def proceed(self, ident: str) -> None:
        """Read it again."""


class Subscription(StreamOwner, Generic[E]):
    """One channel as it is subscribed: decodes its messages once and feeds every stream of it.

    Attributes:
        lost_since: The last life sign before the connection was lost; ``None``: it was not, or what was missed has been
            recovered.
        recovering: Whether what was missed is still to be recovered. Its readers get what comes meanwhile, and hold it.
        handover: The move to a new socket that is under way.
        told: The last event, once `keep_told` was called; ``None``: none was kept.
    """

    def __init__(self, ident: str, channel: Channel[E], keeper: Keeper) -> None:
        self.ident = ident
        self.channel = channel
        self.state = StreamState.REQUESTED
        self.told: E | None = None
        self.lost_since: Moment | None = None
        self.handover: Handover[Sequence[E]] | None = None
        self._keeper = keeper
        self._read = self._read_next = channel  # each socket of a rotation has its own memory, where there is one
        self._convert = channel.convert
        self._fresh = channel.fresh
        self._streams: tuple[Stream[E], ...] = ()
        self.recovering = False
        self._was_lost = False
        self._astray = False  # it has lost its beginning, and nothing was understood since
        self._begins_ns = 0  # monotonic: until when it may take to begin anew
        self.blocked = False

    @property
    def streams(self) -> tuple[Stream[E], ...]:
        """Who reads it."""
        return self._streams

    def add(self, stream: Stream[E]) -> None:
        """Feed *stream* from now on."""
        self._streams = (*self._streams, stream)
        stream.change(self.state, at_ns=self._keeper.clock.now_ns())

    def listen(self, listener: Callable[[Sequence[E]], object]) -> None:
        """Show *listener* whatever is delivered from now on, once, before the readers get it."""
        fresh = self._fresh

        def shown(events: Sequence[E]) -> Sequence[E]:
            delivered = events if fresh is None else fresh(events)
            listener(delivered)
            return delivered

        self._fresh = shown

    def keep_told(self) -> None:
        """Keep the last event from now on."""

        def keep(events: Sequence[E]) -> None:
            if events:
                self.told = events[-1]

        self.listen(keep)

    # ----------------------------------------------------------------------------------------------- messages

    def feed(self, message: bytes, received_ns: int) -> None:
        """Take one message from the only socket."""
        try:
            events = self._convert(message, received_ns)
        except Exception as error:
            self._reject(error)
            return
        if self._fresh is not None:
            events = self._fresh(events)
        for stream in self._streams:
            stream.put(events)

    def takes_runs(self, sink: Callable[[bytes, int], None]) -> bool:
        """Whether `feed_run` does what *sink*, one of the three, would do with each message."""
        if sink == self.feed_new:
            return self.handover is None or self.handover.settled
        return sink == self.feed

    def feed_run(self, messages: Sequence[bytes], received_ns: int) -> None:
        """Take what one read of the only socket brought in a row. A reader gets it whole, a handler one by one."""
        if any(stream.handled and not stream.keeps_newest for stream in self._streams):
            for message in messages:
                self.feed(message, received_ns)
            return
        if self.channel.whole and self._fresh is None and all(stream.keeps_newest for stream in self._streams):
            self._feed_newest(messages, received_ns)
            return
        convert = self._convert
        converted: list[E] = []
        for message in messages:
            try:
                converted += convert(message, received_ns)
            except Exception as error:
                self._reject(error)
        events = converted if self._fresh is None else self._fresh(converted)
        for stream in self._streams:
            stream.put(events)

    def _feed_newest(self, messages: Sequence[bytes], received_ns: int) -> None:
        """Read the newest of *messages* that can be read; each is whole, so nobody needs the ones before."""
        for older in range(len(messages) - 1, -1, -1):
            try:
                events = self._convert(messages[older], received_ns)
            except Exception as error:
                self._reject(error)
                continue
            for stream in self._streams:
                stream.conflate(older)
                stream.put(events)
            return

    def _reject(self, error: Exception) -> None:
        reason = str(error) or type(error).__name__
        self.reject(reason)
        if isinstance(error, BeginningMissing):
            self._begin_anew(reason)

    def _begin_anew(self, reason: str) -> None:
        """Subscribe to it again, unless that is under way: nothing can be understood until it begins anew."""
        now_ns = self._keeper.clock.monotonic_ns()
        if now_ns >= self._begins_ns and not self._keeper.is_renewing(self.ident):
            self._begins_ns = now_ns + BEGINS_WITHIN_NS
            self._astray = True
            self._convert = self._convert_first
            self.change(StreamState.SILENT, reason)
            self._keeper.renew(self.ident)

    def _convert_first(self, message: bytes, received_ns: int) -> Sequence[E]:
        """Read a message of a channel that has lost its beginning: what can be understood has a new one."""
        events = self._read.convert(message, received_ns)
        self._begun()
        return events

    def _begun(self) -> None:
        if self._astray:
            self._astray = False
            self._convert = self._read.convert
            self.heard()

    def reject(self, reason: str) -> None:
        """Count a message that could not be understood."""
        for stream in self._streams:
            stream.reject()
        logger.debug("%s: a message was dropped: %s", self.channel.key, reason)
        self._keeper.telemetry.emit(ItemDropped(self._keeper.exchange, self.channel.key, reason))

    def _deliver(self, batches: Sequence[Sequence[E]]) -> None:
        for events in batches:
            fresh = events if self._fresh is None else self._fresh(events)
            for stream in self._streams:
                stream.put(fresh)

    def begin_handover(self) -> None:
        """Start to remember what the old socket brings; nothing has been asked of the new one yet."""
        self.handover = Handover(self._deliver, in_order=self.channel.fresh is None)
        self._read_next = self._read if self.channel.another is None else self.channel.another()

    def switch(self) -> None:
        """Read the new socket from now on."""
        if self.handover is not None and not self.handover.switched:
            self._read = self._read_next
            if not self._astray:
                self._convert = self._read.convert
            self.handover.switch()

    def end_handover(self) -> None:
        """The old socket is gone, and what it brought cannot come again."""
        self.handover = None
        self._read_next = self._read

    def feed_old(self, message: bytes, received_ns: int) -> None:
        """Take one message from the socket that is being replaced."""
        if self.handover is not None and not self.handover.switched:
            self.handover.old(self._identified(message, received_ns, self._read))

    def feed_new(self, message: bytes, received_ns: int) -> None:
        """Take one message from the socket that replaces it."""
        if self.handover is None or self.handover.settled:
            self.feed(message, received_ns)
        else:
            self.handover.new(self._identified(message, received_ns, self._read_next))

    def _identified(self, message: bytes, received_ns: int, source: Channel[E]) -> list[tuple[Hashable, Sequence[E]]]:
        try:
            events = source.convert(message, received_ns)
        except Exception as error:
            self._reject(error)
            return []
        self._begun()
        identity = self.channel.identity
        if identity is None:
            return [(message, events)]
        items: list[tuple[Hashable, Sequence[E]]] = []
        for at, event in enumerate(events):
            name = identity(event)
            items.append(((message, at) if name is None else name, (event,)))
        return items

    # ------------------------------------------------------------------------------------------------- states

    def change(self, state: StreamState, reason: str = "") -> None:
        """Tell every reader and every observer."""
        if state is self.state:
            return
        self.state = state
        now_ns = self._keeper.clock.now_ns()
        for stream in self._streams:
            stream.change(state, reason, now_ns)
        if self._keeper.telemetry:
            self._keeper.telemetry.emit(
                StreamChanged(self._keeper.exchange, self.channel.key, state.value, reason, self.channel.kind.value)
            )

    def lost(self, last_life_ns: int, reason: str, *, recover: bool) -> None:
        """Its socket is gone. With *recover*, it is not whole again before `recovered`."""
        if self.state is StreamState.REQUESTED:
            return
        if self.lost_since is None:
            self.lost_since = Moment.of(last_life_ns, self._keeper.clock)
        self._was_lost = True
        for read in (self._read,) if self._read_next is self._read else (self._read, self._read_next):
            if read.lost is not None:
                read.lost()
        self.recovering = recover
        self._astray = False
        self._convert = self._read.convert
        self.change(StreamState.LOST, reason)

    def acked(self) -> None:
        """The exchange accepted it."""
        if self.state in (StreamState.REQUESTED, StreamState.LOST):
            self.change(StreamState.ACKNOWLEDGED)

    def heard(self) -> None:
        """Something came, for the first time or after a silence."""
        if self.recovering or self._astray:
            return
        state = StreamState.LIVE
        if self._was_lost and self.state is not StreamState.SILENT:
            state = StreamState.RECOVERED
        self._was_lost = False
        self.lost_since = None
        self.change(state)

    def recovered(self) -> None:
        """Its readers have been told what was missed."""
        self.recovering = False
        self._was_lost = False
        self.lost_since = None
        self.change(StreamState.RECOVERED)

    def fail(self, error: Exception) -> None:
        """End every stream of it with *error*."""
        self.recovering = False
        for stream in self._streams:
            stream.end(error)

    # -------------------------------------------------------------------------------- what its streams ask for

    def closed(self, stream: Stream[Any]) -> None:
        """Feed *stream* no more; without readers, unsubscribe."""
        if stream not in self._streams:
            return
        self._streams = tuple(each for each in self._streams if each is not stream)
        if self.blocked:
            self.proceed(stream)
        if not self._streams:
            self._keeper.forsaken(self)

    def renew(self, stream: Stream[Any]) -> None:
        """Subscribe anew."""
        self._keeper.renew(self.ident)

    def is_renewing(self, stream: Stream[Any]) -> bool:
        """Whether the exchange has not answered a subscription yet."""
        return self._keeper.is_renewing(self.ident)

    def distrust(self, stream: Stream[Any], reason: str) -> None:
        """Say that it is silent, and have its socket replaced."""
        self.change(StreamState.SILENT, reason)
        self._keeper.distrust(self.ident, reason)

    def hold(self, stream: Stream[Any]) -> None:
        """Stop reading the socket."""
        self.blocked = True
        self._keeper.hold(self.ident)

    def proceed(self, stream: Stream[Any]) -> None:
        """Read the socket again, unless another reader is still behind."""
        if not any(each.holding for each in self._streams):
            self.blocked = False
            self._keeper.proceed(self.ident)

    def handler_blocked(self, stream: Stream[Any], seconds: float) -> None:
        """Report a handler that held the loop."""
        reason = f"a handler blocked the loop for {seconds:.3f} s"
        logger.warning("%s: %s", self.channel.key, reason)
        self._keeper.telemetry.emit(
            StreamChanged(self._keeper.exchange, self.channel.key, self.state.value, reason, self.channel.kind.value)
        )
