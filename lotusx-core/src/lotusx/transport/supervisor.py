"""All WebSockets of one group of addresses: what should be subscribed stays subscribed."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from random import Random
from types import TracebackType
from typing import Any, TypeVar

import anyio
from anyio.abc import TaskGroup, TaskStatus

from lotusx.errors import (
    ConnectionFailed,
    LotusXError,
    RequestTimeout,
    StreamClosed,
    SubscriptionRefused,
)
from lotusx.kernel.budget import ConnectBudget
from lotusx.kernel.clock import Clock
from lotusx.kernel.codec import Channel, ChannelKind, Notice, NoticeKind, WsCodec, WsFacts
from lotusx.kernel.flow import Overflow, StreamState, default_overflow
from lotusx.kernel.membership import Acked, Change, Member, Phase, Probe, Refused, Silent, Wanted
from lotusx.kernel.pacing import NS
from lotusx.kernel.ports import Lease
from lotusx.kernel.request import SigningContext
from lotusx.kernel.subscriptions import Subscriptions
from lotusx.kernel.telemetry import ItemDropped, SessionChanged, Telemetry
from lotusx.kernel.transport import WsTransport
from lotusx.measured import MeasuredStream
from lotusx.streams import DEFAULT_BUFFER, Stream
from lotusx.transport.fanout import Subscription
from lotusx.transport.hearing import Hearing
from lotusx.transport.recovery import ProbeCall, Prober, Recoveries, RestoreCall
from lotusx.transport.session import Session
from lotusx.transport.slots import Slot, retire
from lotusx.transport.traffic import Traffic

E = TypeVar("E")

_READY_S = 30.0
RENEW_AGAIN = 10
"""A renewal that failed is repeated after this part of its period."""


class WsGroup:
    """Owns every socket to one group of addresses of one exchange. Sockets open with the first subscription.

    Use it as ``async with``, or ``await task_group.start(group.run)``. Everything it starts ends with it, within 2 s.
    """

    def __init__(
        self,
        *,
        exchange: str,
        group: str,
        url: str,
        transport: WsTransport,
        codec: WsCodec,
        facts: WsFacts,
        clock: Clock,
        context: Callable[[], SigningContext],
        rng: Random,
        telemetry: Telemetry | None = None,
        probe: ProbeCall | None = None,
        on_restored: RestoreCall | None = None,
        headers: tuple[tuple[str, str], ...] = (),
        budget: ConnectBudget | None = None,
    ) -> None:
        self.exchange = exchange
        self.group = group
        self.url = url
        self.clock = clock
        self.facts = facts
        self.telemetry = telemetry or Telemetry()
        self.budget = budget or ConnectBudget(facts.connects_per_window)
        self.subscriptions = Subscriptions(facts)
        self._transport = transport
        self._codec = codec
        self._context = context
        self._rng = rng
        self._prober = None if probe is None else Prober(probe, clock, self.subscriptions, self.undecodable)
        self._recoveries = None if on_restored is None else Recoveries(on_restored, clock)
        self._headers = headers
        self._ids = itertools.count(1)
        self._numbers = itertools.count(1)
        self.lease: Lease | None = None
        self._nursery: TaskGroup
        self._tasks: TaskGroup | None = None  # None: not entered, or closed
        self._slots: dict[int, Slot] = {}
        self._sessions: dict[int, Session] = {}
        self._subs: dict[str, Subscription[Any]] = {}
        self._request_slot: int | None = None
        self._undecodable = 0
        self.traffic = Traffic() if self.telemetry.measure_s else None
        self._hearing = Hearing(self.telemetry, exchange, group) if self.telemetry.hears_streams else None
        self.measured: dict[int, MeasuredStream[Any]] = {}
        """Where measurements are wanted: streams by number; whoever measures takes out the closed ones."""

    # ---------------------------------------------------------------------------------------------------- life

    async def __aenter__(self) -> WsGroup:
        self._tasks = self._nursery = await anyio.create_task_group().__aenter__()
        if self.lease is not None:
            self._tasks.start_soon(self._keep_lease, self.lease)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        self.close()
        if isinstance(error, anyio.get_cancelled_exc_class()):
            return await self._nursery.__aexit__(kind, error, trace)
        await self._nursery.__aexit__(None, None, None)  # the caller's own error leaves as it is, not in a group
        return None

    async def run(self, *, task_status: TaskStatus[WsGroup] = anyio.TASK_STATUS_IGNORED) -> None:
        """Keep the sockets until `close`, or until cancelled."""
        async with self:
            task_status.started(self)
            await anyio.sleep_forever()

    async def address(self) -> str:
        """Return where to connect now."""
        return self.url if self.lease is None else await self.lease.address(self.url)

    async def _keep_lease(self, lease: Lease) -> None:
        pause_s = lease.renew_s
        while True:
            await self.clock.sleep(pause_s)
            pause_s = lease.renew_s
            is_open = any(session.opened_ns is not None for session in self._sessions.values())
            if is_open and not await self._renew(lease):
                pause_s = lease.renew_s / RENEW_AGAIN

    async def _renew(self, lease: Lease) -> bool:
        """Renew the address, and replace the sockets where it is gone; ``False``: nobody knows, it is tried again."""
        try:
            await lease.renew()
        except Exception as error:
            if isinstance(error, LotusXError) and error.retryable:
                return False
            for session in list(self._sessions.values()):
                session.stop(f"its address is no longer leased: {error}")
        return True

    def close(self) -> None:
        """End every stream and every socket."""
        tasks, self._tasks = self._tasks, None
        if tasks is None:
            return
        for subscription in list(self._subs.values()):
            for stream in subscription.streams:
                stream.end()
        for slot in self._slots.values():
            slot.close()
        tasks.cancel_scope.cancel()

    def states(self) -> Mapping[str, StreamState]:
        """Return the state of every subscription, by its name."""
        return {ident: each.state for ident, each in self._subs.items()}

    def stats(self) -> Mapping[str, int]:
        """Return live sizes and counters."""
        return {
            "sockets": len(self._sessions),
            "subscriptions": len(self._subs),
            "streams": sum(len(each.streams) for each in self._subs.values()),
            "undecodable": self._undecodable,
        }

    # ------------------------------------------------------------------------------------------------- streams

    def subscribe(
        self, channel: Channel[E], *, buffer: int = DEFAULT_BUFFER, overflow: Overflow | None = None
    ) -> Stream[E]:
        """Subscribe to *channel*; nothing that comes later is missed by the stream returned.

        Two streams of one channel share one subscription on the wire, each with its own buffer and policy.

        Args:
            buffer: How many events may wait.
            overflow: What happens to the next one; see `default_overflow`.

        Raises:
            StreamClosed: The connector is closed.
        """
        if self._tasks is None:
            raise StreamClosed(f"{self.exchange}: the connection is closed; subscribe inside `async with`")
        policy = default_overflow(channel) if overflow is None else overflow
        alone = policy is Overflow.BLOCK and self.facts.duplicates_allowed
        ident = f"{channel.key} {channel.view}{' alone' if alone else ''}".rstrip()
        subscription: Subscription[E] | None = self._subs.get(ident)
        stream: Stream[E]
        if subscription is None:
            subscription = self._subs[ident] = Subscription(ident, channel, self)
            if self._hearing is not None and not channel.private:
                subscription.listen(self._hearing.delivered(channel))
            if self._prober is not None and channel.kind is ChannelKind.BEST_BID_OFFER:
                subscription.keep_told()
            wanted = Wanted(ident, channel.key, channel.kind, channel.cadence_s, alone, channel.begins)
            number = self.subscriptions.want(wanted)
            self._slot(number).adopt(subscription)
        options: dict[str, Any] = {
            "buffer": buffer, "overflow": policy, "owner": subscription, "monotonic_ns": self.clock.monotonic_ns,
        }  # fmt: skip
        if self.traffic is None:
            stream = Stream(channel.key, **options)
        else:
            number = self.telemetry.next_call()
            stream = self.measured[number] = MeasuredStream(channel.key, number=number, kind=channel.kind, **options)
        subscription.add(stream)
        return stream

    def _slot(self, number: int) -> Slot:
        slot = self._slots.get(number)
        if slot is None:
            slot = self._slots[number] = Slot(number, self, self._rng)
            assert self._tasks is not None
            self._tasks.start_soon(self._keep, slot)
        return slot

    async def _keep(self, slot: Slot) -> None:
        await slot.keep()
        del self._slots[slot.number]
        self.subscriptions.discard_slot(slot.number)

    def forsaken(self, subscription: Subscription[Any]) -> None:
        """Nobody reads it any more: unsubscribe."""
        if self._subs.pop(subscription.ident, None) is None:
            return
        if self._recoveries is not None:
            self._recoveries.cancel(subscription.ident)
        self._slots[self.subscriptions.drop(subscription.ident)].look()

    def renew(self, ident: str) -> None:
        """Subscribe to *ident* anew."""
        if ident in self._subs:
            self.subscriptions.renew(ident)
            self._slots[self.subscriptions.slot_of(ident)].look()

    def is_renewing(self, ident: str) -> bool:
        """Whether a socket still waits for the answer to a subscription of *ident*."""
        if ident not in self._subs:
            return False
        return any(member.phase in (Phase.WANTED, Phase.SENT) for _, member in self.subscriptions.members(ident))

    def distrust(self, ident: str, reason: str) -> None:
        """Replace the socket that carries *ident*: it lives, and does not bring what it must."""
        if ident in self._subs:
            for session in self._carrying(ident):
                session.stop(reason)

    def hold(self, ident: str) -> None:
        """Stop reading the socket that carries *ident*."""
        for session in self._carrying(ident):
            session.hold(ident)

    def proceed(self, ident: str) -> None:
        """Read it again."""
        for session in self._carrying(ident):
            session.proceed(ident)

    def _carrying(self, ident: str) -> list[Session]:
        if ident not in self._subs:  # a stream that has ended, and is read on
            return []
        return [self._sessions[number] for number, _ in self.subscriptions.members(ident)]

    # ------------------------------------------------------------------------------------------------ requests

    async def ready(self) -> None:
        """Connect and log in, so that the next request costs one round trip.

        Raises:
            ConnectionFailed: Not within 30 s; ``sent`` is False.
            AuthenticationError: The log-in is refused.
        """
        await self._requester(_READY_S)

    async def request(self, write: Callable[[int, SigningContext], str], *, timeout_s: float = 10.0) -> bytes:
        """Send the text that *write* makes of a request id and a signing context; return the whole reply message.

        Raises:
            ConnectionFailed: ``sent`` is False when it was not written to the socket.
            RequestTimeout: Written, and no reply came.
        """
        started_ns = self.clock.monotonic_ns()
        session = await self._requester(timeout_s)
        left_s = timeout_s - (self.clock.monotonic_ns() - started_ns) / NS
        if left_s <= 0:
            raise RequestTimeout(f"{self.exchange}: not connected within {timeout_s:g} s", sent=False)
        return await session.request(write, left_s)

    async def _requester(self, timeout_s: float) -> Session:
        if self._tasks is None:
            raise ConnectionFailed(f"{self.exchange}: the connection is closed", sent=False)
        if self._request_slot is None:
            self._request_slot = min(self._slots) if self._slots else self.subscriptions.add_slot()
        slot = self._slot(self._request_slot)
        session = slot.open
        if session is not None:
            return session
        with anyio.move_on_after(timeout_s):
            session = await slot.open_session()
            if session is not None:
                return session
            raise ConnectionFailed(f"{self.exchange}: the connection is closed", sent=False)
        raise ConnectionFailed(f"{self.exchange}: not connected within {timeout_s:g} s", sent=False)

    # ------------------------------------------------------------------------------------- what slots ask for

    def launch(self, slot: Slot) -> Session:
        """Start a session of *slot*."""
        assert self._tasks is not None
        session = (Session if self._hearing is None else self._hearing.session)(
            next(self._numbers),
            slot.number,
            transport=self._transport,
            codec=self._codec,
            facts=self.facts,
            subscriptions=self.subscriptions,
            owner=self,
            new_id=self._ids.__next__,
            context=self._context,
            headers=self._headers,
            traffic=self.traffic,
        )
        self._sessions[session.number] = session
        self.report(session, "connecting")
        self._tasks.start_soon(session.run)
        return session

    def carried(self, slot: Slot) -> Iterable[Subscription[Any]]:
        """Return what *slot* carries."""
        return [self._subs[ident] for ident in self.subscriptions.idents(slot.number) if ident in self._subs]

    def needed(self, slot: Slot) -> bool:
        """Whether the socket of *slot* should exist."""
        return slot.number == self._request_slot or any(True for _ in self.subscriptions.idents(slot.number))

    def lost(self, subscription: Subscription[Any], session: Session) -> None:
        """Tell the readers of *subscription* that its socket is gone."""
        self._lost(subscription, session.last_life_ns, session.reason)

    def _lost(self, subscription: Subscription[Any], last_life_ns: int, reason: str) -> None:
        if self._recoveries is not None:
            self._recoveries.cancel(subscription.ident)
        recover = subscription.channel.private and self._recoveries is not None
        subscription.lost(last_life_ns, reason, recover=recover)

    def start(self, session: Session, wait_s: float) -> None:
        """Retire a replaced socket, as a task."""
        assert self._tasks is not None
        self._tasks.start_soon(retire, session, self.clock, wait_s)

    def report(self, session: Session, state: str, reason: str = "") -> None:
        """Tell observers."""
        if self.telemetry:
            self.telemetry.emit(SessionChanged(self.exchange, self.group, session.number, state, reason))

    # --------------------------------------------------------------------------------------- what sessions tell

    def opened(self, session: Session) -> None:
        """It is connected and logged in."""
        slot = self._slots.get(session.slot)
        if slot is None:  # everything was closed while it connected
            session.stop("no longer needed")
            return
        self.report(session, "live")
        slot.opened(session)
        if self.lease is not None and self._tasks is not None:
            # The address may have died since it was given out, and a socket to a dead one opens all the same.
            self._tasks.start_soon(self._renew, self.lease)

    def ended(self, session: Session) -> None:
        """It is over."""
        self.subscriptions.close(session.number)
        del self._sessions[session.number]
        expected = self._tasks is None or session.reason in ("no longer needed", "replaced")
        self.report(session, "closed" if expected else "lost", session.reason)
        slot = self._slots.get(session.slot)
        if slot is not None and self._tasks is not None:
            slot.ended(session)

    def _heard_by_readers(self, session: Session) -> bool:
        slot = self._slots.get(session.slot)
        return slot is not None and slot.current is session

    def first(self, session: Session, member: Member) -> None:
        """A member brought something for the first time, or after a silence."""
        subscription = self._subs.get(member.ident)
        if subscription is not None and self._heard_by_readers(session):
            subscription.heard()

    def feed(self, member: Member, run: list[bytes], received_ns: int) -> None:
        """A member brought several messages in a row: what its ``sink`` does with each, at once where nothing moves."""
        subscription = self._subs.get(member.ident)
        if subscription is not None and subscription.takes_runs(member.sink):
            subscription.feed_run(run, received_ns)
            return
        for message in run:
            member.sink(message, received_ns)

    def changed(self, session: Session, changes: list[Change]) -> None:
        """Something became of its subscriptions."""
        if not self._heard_by_readers(session):
            if any(isinstance(change, Refused) for change in changes):
                session.stop("a subscription was refused on the new socket")
                return
            # A market that is quiet now will be when readers hear this socket, and its silence counts from now.
            changes = [change for change in changes if isinstance(change, Probe)]
        for change in changes:
            ident = change.ident if isinstance(change, Refused) else change.member.ident
            subscription = self._subs.get(ident)
            if subscription is not None:
                self._apply(session, subscription, change)

    def _apply(self, session: Session, subscription: Subscription[Any], change: Change) -> None:
        key = subscription.channel.key
        if isinstance(change, Acked):
            subscription.acked()
            if subscription.recovering and self._recoveries is not None and self._tasks is not None:
                self._tasks.start_soon(self._recoveries.run, subscription)
            elif change.member.phase is Phase.LIVE:
                subscription.heard()
        elif isinstance(change, Refused):
            reason = change.reason
            if not isinstance(reason, LotusXError):
                reason = SubscriptionRefused(f"{self.exchange} refuses {key}: {reason}")
            subscription.fail(reason)
        elif isinstance(change, Silent):
            subscription.change(StreamState.SILENT, "nothing came within its deadline")
        elif self._prober is not None and self._tasks is not None:
            self._tasks.start_soon(self._prober.ask, session, subscription, change.member)

    def dropped(self, session: Session, member: Member, reason: str) -> None:
        """The exchange serves a member no longer: what happens until it is subscribed again is missed."""
        subscription = self._subs.get(member.ident)
        if subscription is not None and self._heard_by_readers(session):
            self._lost(subscription, self.clock.now_ns(), reason)

    def noticed(self, session: Session, notice: Notice) -> None:
        """The exchange announced something."""
        self.report(session, "noticed", f"{notice.kind}: {notice.text}")
        slot = self._slots.get(session.slot)
        if notice.kind is NoticeKind.SHUTDOWN and slot is not None:
            slot.announced_end(session)

    def unroutable(self, session: Session, reason: str) -> None:
        """Nobody can tell whose a message was: where the account's come too, it may have been one of those."""
        self.undecodable("", reason)
        served = (self._subs.get(member.ident) for member in session.members)
        private = next((each for each in served if each is not None and each.channel.private), None)
        if private is not None:
            private.reject(reason)

    def undecodable(self, key: str, reason: str) -> None:
        """A message cannot be read."""
        self._undecodable += 1
        if self.telemetry:
            self.telemetry.emit(ItemDropped(self.exchange, key, reason))
