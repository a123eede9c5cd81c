"""One socket that ought to exist: connected again for ever, politely, and replaced before it grows too old."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any, Protocol

import anyio

from lotusx.errors import AuthenticationError, LotusXError, StreamClosed
from lotusx.kernel.budget import ConnectBudget
from lotusx.kernel.clock import Clock
from lotusx.kernel.codec import WsFacts
from lotusx.kernel.membership import Phase
from lotusx.kernel.pacing import NS, Backoff
from lotusx.kernel.subscriptions import Subscriptions
from lotusx.transport.fanout import Subscription
from lotusx.transport.session import Session

STABLE_NS = 10 * NS
"""A connection that held this long was a success: the next wait starts small again."""
OVERLAP_S = 10.0
"""How long two sockets may run side by side before the reader is moved without proof that they overlap."""
SETTLE_NS = 10 * NS
"""How long after the move a repetition may still come."""
ROTATE_AGAIN_S = 30.0
MOST_AFTER_S = 3_600.0
"""The longest wait that an answer to a handshake or a log-in may ask for. A try every hour costs nobody anything, even
where a ban lasts longer; a mistake in a header would silence the streams for days."""
REFUSALS = 3
"""Log-ins refused in a row, none accepted before, after which the readers are told."""
_POLL_S = 0.25
_REPLIES_S = 10.0


class SlotOwner(Protocol):
    """The group a slot belongs to."""

    clock: Clock
    facts: WsFacts
    budget: ConnectBudget
    subscriptions: Subscriptions

    def launch(self, slot: Slot) -> Session:
        """Start a session."""

    def carried(self, slot: Slot) -> Iterable[Subscription[Any]]:
        """Return what the slot carries."""

    def lost(self, subscription: Subscription[Any], session: Session) -> None:
        """Its socket is gone."""

    def needed(self, slot: Slot) -> bool:
        """Whether its socket should exist."""

    def report(self, session: Session, state: str, reason: str = "") -> None:
        """Tell observers."""

    def start(self, session: Session, wait_s: float) -> None:
        """Run `retire` on a replaced session, as a task."""


class Slot:
    """Keeps one socket. During a rotation: two, of which the reader hears one.

    Attributes:
        current: The session the reader hears.
        successor: The session that will replace it.
    """

    def __init__(self, number: int, owner: SlotOwner, rng: Random) -> None:
        self.number = number
        self.current: Session | None = None
        self.successor: Session | None = None
        self.refusal: AuthenticationError | None = None
        self.ready = anyio.Event()
        self._owner = owner
        self._rng = rng
        self._backoff = Backoff(rng)
        self._bell = anyio.Event()
        self._retry_ns = 0
        self._rotate_ns: int | None = None
        self._overlap_until_ns: int | None = None
        self._settle_ns: int | None = None
        self._refusals = 0
        self._was_open = False
        self._gave_up_one = False  # a successor, in this rotation
        self._closed = False

    def ring(self) -> None:
        """Something changed: look again."""
        self._bell.set()

    def announced_end(self, session: Session) -> None:
        """The exchange will close *session*, nobody knows how soon: replace it now.

        One that was to replace another makes room for a third. Where that is told the same, it takes over first, and
        is replaced then: better than none, where every new socket leads to a server that goes.
        """
        session.leaving = True
        if session is self.current:
            self._rotate_ns = self._owner.clock.monotonic_ns()
            self.ring()
        elif session is self.successor and not self._gave_up_one:
            self._gave_up_one = True
            session.stop("the exchange announced its end")

    def adopt(self, subscription: Subscription[Any]) -> None:
        """Feed a new subscription from the sockets that are open."""
        for session in (self.current, self.successor):
            if session is not None and session.opened_ns is not None:
                self.wire(subscription, session)
                session.look()

    def look(self) -> None:
        """What the slot carries has changed."""
        self.ring()
        for session in (self.current, self.successor):
            if session is not None:
                session.look()

    async def keep(self) -> None:
        """Keep the socket for as long as it is needed."""
        while self._owner.needed(self):
            self._bell = anyio.Event()
            wake_ns = self._step()
            if wake_ns is None:
                await self._bell.wait()
            else:
                with anyio.move_on_after(max(0.0, (wake_ns - self._owner.clock.monotonic_ns()) / NS)):
                    await self._bell.wait()
        for session in (self.current, self.successor):
            if session is not None:
                session.stop("no longer needed")

    def _step(self) -> int | None:
        """Do what is due; return when to look again (``None``: when something happens)."""
        now_ns = self._owner.clock.monotonic_ns()
        if self.current is None:
            wait_until = self._may_connect(now_ns)
            if wait_until is None:
                self.current = self._owner.launch(self)
            return wait_until
        if self.current.opened_ns is None:
            return None
        if self.successor is not None:
            return self._overlap(now_ns) if self.successor.opened_ns is not None else None
        if self._settle_ns is not None:
            if now_ns < self._settle_ns:
                return self._settle_ns
            self._settle()
        if self._rotate_ns is None or now_ns < self._rotate_ns:
            return self._rotate_ns
        wait_until = self._may_connect(now_ns)
        if wait_until is None:
            self._begin_rotation(self.current)
        return wait_until

    def _may_connect(self, now_ns: int) -> int | None:
        """Return until when a new connection must wait; ``None``: it need not, and is counted."""
        if now_ns < self._retry_ns:
            return self._retry_ns
        delay_ns = self._owner.budget.take(now_ns)
        return now_ns + delay_ns if delay_ns else None

    # ------------------------------------------------------------------------------------------------ rotation

    def _begin_rotation(self, current: Session) -> None:
        self._owner.report(current, "rotating", "planned rotation")
        self._rotate_ns = None
        if not self._owner.facts.duplicates_allowed:
            current.stop("planned rotation")
            return
        for subscription in self._owner.carried(self):
            subscription.begin_handover()
        self._overlap_until_ns = None
        self.successor = self._owner.launch(self)
        self._wire(current)

    def _wire(self, session: Session) -> None:
        for subscription in self._owner.carried(self):
            self.wire(subscription, session)

    def wire(self, subscription: Subscription[Any], session: Session) -> None:
        """Let *session* feed *subscription*, in the part it plays now."""
        for number, member in self._owner.subscriptions.members(subscription.ident):
            if number != session.number:
                continue
            if session is self.successor:
                if subscription.handover is None:
                    subscription.begin_handover()
                member.sink = subscription.feed_new
            elif self.successor is not None and subscription.handover is not None:
                member.sink = subscription.feed_old
            else:
                member.sink = subscription.feed

    def _overlap(self, now_ns: int) -> int | None:
        assert self.successor is not None
        if self._overlap_until_ns is None:
            self._overlap_until_ns = now_ns + int(OVERLAP_S * NS)
        acked = self._acked(self.successor)
        ready = all(each.handover is None or each.handover.ready for each in self._owner.carried(self))
        if acked and (ready or now_ns >= self._overlap_until_ns):
            self._promote()
            return self._settle_ns
        if now_ns >= self._overlap_until_ns + int(ROTATE_AGAIN_S * NS):
            self.successor.stop("the new socket was not served")
            return None
        return now_ns + int(_POLL_S * NS)

    def _acked(self, session: Session) -> bool:
        members = self._owner.subscriptions.table(session.number).values()
        return all(member.live or member.phase in (Phase.ACKED, Phase.LIVE) for member in members)

    def _promote(self) -> None:
        """Move every reader to the new socket, at one moment."""
        old, new = self.current, self.successor
        assert new is not None
        self.current, self.successor = new, None
        self._gave_up_one = False
        for subscription in self._owner.carried(self):
            subscription.switch()
        self._settle_ns = self._owner.clock.monotonic_ns() + SETTLE_NS
        self._age(new)
        if old is not None and not old.reason:
            self._owner.subscriptions.close(old.number)
            self._owner.start(old, _REPLIES_S)

    def _settle(self) -> None:
        self._settle_ns = None
        for subscription in self._owner.carried(self):
            subscription.end_handover()
        if self.current is not None:
            self._wire(self.current)

    def _age(self, session: Session) -> None:
        self._rotate_ns = self._owner.clock.monotonic_ns() if session.leaving else None
        lifetime_s = self._owner.facts.lifetime_s
        if not session.leaving and lifetime_s is not None and session.opened_ns is not None:
            age_s = lifetime_s * 23 / 24 - self._rng.uniform(0.0, lifetime_s / 48)
            self._rotate_ns = session.opened_ns + int(age_s * NS)

    # ------------------------------------------------------------------------------------------------ sessions

    def close(self) -> None:
        """Let nobody wait for a session any more."""
        self._closed = True
        self.ready.set()

    @property
    def open(self) -> Session | None:
        """The session that is logged in, if there is one now."""
        session = self.current
        return session if session is not None and session.opened_ns is not None and not session.reason else None

    async def open_session(self) -> Session | None:
        """Wait for a session that is logged in; ``None``: there will be none, as everything was closed.

        Raises:
            AuthenticationError: The log-in is refused.
        """
        while not self._closed:
            session = self.open
            if session is not None:
                return session
            if self.refusal is not None:
                raise self.refusal
            if self.ready.is_set():
                self.ready = anyio.Event()
            await self.ready.wait()
        return None

    def opened(self, session: Session) -> None:
        """A session of this slot is connected and logged in."""
        self._was_open = True
        self._refusals = 0
        self.refusal = None
        self._wire(session)
        for subscription in self._owner.carried(self):
            if subscription.blocked:
                session.hold(subscription.ident)
        if session is self.current:
            self._age(session)
        self.ready.set()
        self.ring()

    def ended(self, session: Session) -> None:
        """A session of this slot is over."""
        now_ns = self._owner.clock.monotonic_ns()
        self.ring()
        if session is self.successor:
            self.successor = None
            self._settle()
            self._rotate_ns = now_ns
            self._wait(session, now_ns)
        elif session is self.current:
            self._lost(session, now_ns)

    def _lost(self, session: Session, now_ns: int) -> None:
        if self.ready.is_set():
            self.ready = anyio.Event()
        successor = self.successor
        if successor is not None and successor.opened_ns is not None:
            unheard = self._unheard(successor)
            self._promote()
            for subscription in unheard:
                self._owner.lost(subscription, session)
            self.ready.set()
            return
        self.successor = None
        self.current = successor
        self._gave_up_one = False  # nothing is left to replace
        self._settle()
        for subscription in list(self._owner.carried(self)):
            if isinstance(session.error, StreamClosed):  # there will never be more of it: a recording has an end
                subscription.fail(session.error)
            else:
                self._owner.lost(subscription, session)
        self._wait(session, now_ns)
        if isinstance(session.error, AuthenticationError):
            self._refused(session.error)

    def _unheard(self, successor: Session) -> list[Subscription[Any]]:
        table = self._owner.subscriptions.table(successor.number)
        safe = {member.ident for member in table.values() if member.live or member.phase in (Phase.ACKED, Phase.LIVE)}
        return [each for each in self._owner.carried(self) if each.ident not in safe]

    def _wait(self, session: Session, now_ns: int) -> None:
        if session.opened_ns is not None and now_ns - session.opened_ns >= STABLE_NS:
            self._backoff.reset()
        asked_s = (session.error.after_s or 0.0) if isinstance(session.error, LotusXError) else 0.0
        self._retry_ns = now_ns + int(self._backoff.next_s(min(max(0.0, asked_s), MOST_AFTER_S)) * NS)

    def _refused(self, error: AuthenticationError) -> None:
        self._refusals += 1
        self.refusal = error
        self.ready.set()
        if self._refusals >= REFUSALS and not self._was_open:
            for subscription in list(self._owner.carried(self)):
                subscription.fail(error)


async def retire(session: Session, clock: Clock, wait_s: float) -> None:
    """Close a replaced socket when its last reply has come, or after *wait_s*."""
    with anyio.move_on_after(wait_s):
        while session.busy:
            await clock.sleep(0.05)
    session.stop("replaced")
