"""What should be subscribed and what is: pure, with time as an argument.

The desired set is data. *Slots* are the sockets that ought to exist, each carrying some of it; *sessions* are the
sockets that do. A session that opens is owed everything its slot carries, however often one before it broke. During a
planned rotation a slot has two.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from lotusx.errors import LotusXError
from lotusx.kernel.codec import Ack, WsFacts
from lotusx.kernel.membership import (
    PATIENCE_LIMIT_NS,
    Acked,
    Change,
    Member,
    Op,
    Phase,
    Probe,
    Refused,
    Send,
    Silent,
    Wanted,
    deadline_ns,
)
from lotusx.kernel.pacing import NS

ACK_WAIT_NS = 10 * NS
"""How long a subscribe may stay unanswered before it is sent again."""
PROBE_AT = 0.8
"""When, as a fraction of the deadline, somebody asks whether the market is quiet or the subscription dead,"""
PROBE_LEAD_NS = int(2.5 * NS)
"""or so long before it: looking twice, a second apart, takes three answers besides, and they count only in time."""
TRIES = 4
"""How often a key that the exchange accepted once is asked for again before a refusal is believed."""


@dataclass(slots=True)
class _Pending:
    op: Op
    keys: set[str]
    members: list[Member]
    sent_ns: int


@dataclass(slots=True)
class _Session:
    slot: int
    by_key: dict[str, Member] = field(default_factory=dict)
    wanted: dict[str, Member] = field(default_factory=dict)
    ending: dict[str, None] = field(default_factory=dict)
    pending: dict[int, _Pending] = field(default_factory=dict)


class Subscriptions:
    """The desired set of one group of addresses, and how far each socket is from it."""

    def __init__(self, facts: WsFacts) -> None:
        self._facts = facts
        self._desired: dict[str, Wanted] = {}
        self._slot_of: dict[str, int] = {}
        self._slots: dict[int, dict[str, str]] = {}  # ident → key of what each carries
        self._lonely: set[int] = set()
        self._room: list[int] = []  # slots that may have room, lowest first
        self._next_slot = 0
        self._sessions: dict[int, _Session] = {}
        self._proven: set[str] = set()
        self._lots = 0

    # ---------------------------------------------------------------------------------------- the desired set

    @property
    def desired(self) -> Mapping[str, Wanted]:
        """What should be subscribed, by ident."""
        return self._desired

    def slot_of(self, ident: str) -> int:
        """Return the slot that carries *ident*."""
        return self._slot_of[ident]

    def idents(self, slot: int) -> Iterable[str]:
        """Return what *slot* carries; empty: its socket is not needed."""
        return self._slots.get(slot, {}).keys()

    def members(self, ident: str) -> Iterator[tuple[int, Member]]:
        """Return *ident* on each open session."""
        wanted = self._desired[ident]
        for number, session in self._sessions.items():
            if session.slot == self._slot_of[ident]:
                yield number, session.by_key[wanted.key]

    def add_slot(self) -> int:
        """Make a socket that is needed even while it carries nothing."""
        slot = self._next_slot
        self._next_slot += 1
        self._slots[slot] = {}
        bisect.insort(self._room, slot)
        return slot

    def want(self, item: Wanted) -> int:
        """Add *item* to the desired set; return the slot that will carry it."""
        slot = self._place(item)
        self._desired[item.ident] = item
        self._slot_of[item.ident] = slot
        self._slots[slot][item.ident] = item.key
        for session in self._sessions.values():
            if session.slot == slot:
                self._owe(session, item)
        return slot

    def _place(self, item: Wanted) -> int:
        if item.alone:
            slot = self.add_slot()
            self._lonely.add(slot)
            return slot
        for slot in tuple(self._room):
            if slot not in self._slots or slot in self._lonely or len(self._slots[slot]) >= self._facts.max_channels:
                self._room.remove(slot)
            elif item.key not in self._slots[slot].values():  # one key twice on a socket would be one subscription
                return slot
        return self.add_slot()

    def drop(self, ident: str) -> int:
        """Take *ident* out of the desired set; return the slot that carried it."""
        wanted = self._desired.pop(ident)
        self._proven.discard(ident)
        slot = self._slot_of.pop(ident)
        del self._slots[slot][ident]
        if slot not in self._lonely and slot not in self._room:
            bisect.insort(self._room, slot)
        for session in self._sessions.values():
            if session.slot != slot:
                continue
            member = session.by_key.pop(wanted.key)
            session.wanted.pop(wanted.key, None)
            if member.asked:
                session.ending[wanted.key] = None
            for pending in session.pending.values():
                if member in pending.members:
                    pending.members.remove(member)
        return slot

    def discard_slot(self, slot: int) -> None:
        """Forget an empty slot: its socket is closed."""
        if slot in self._slots and not self._slots[slot]:
            del self._slots[slot]
            self._lonely.discard(slot)

    def _owe(self, session: _Session, item: Wanted) -> Member:
        bound_ns = deadline_ns(item.kind, item.cadence_s)
        member = Member(item.ident, item.key, bound_ns, kind=item.kind, begins=item.begins)
        session.by_key[item.key] = session.wanted[item.key] = member
        return member

    # ----------------------------------------------------------------------------------------------- sessions

    def open(self, number: int, slot: int) -> None:
        """A socket of *slot* is open and logged in: it is owed everything the slot carries."""
        session = self._sessions[number] = _Session(slot)
        for ident in self._slots.get(slot, ()):
            self._owe(session, self._desired[ident])

    def close(self, number: int) -> None:
        """That socket is gone."""
        self._sessions.pop(number, None)

    def table(self, number: int) -> dict[str, Member]:
        """Return the members of a session by the exchange's key, live: this is what messages are routed by."""
        return self._sessions[number].by_key

    def renew(self, ident: str) -> None:
        """Subscribe to *ident* again, wherever it is subscribed."""
        for number, member in self.members(ident):
            self._renew(self._sessions[number], member)

    def ended(self, number: int, key: str) -> Member | None:
        """The exchange says that it no longer serves *key* on that socket. Return what was served until now."""
        session = self._sessions.get(number)
        member = session.by_key.get(key) if session is not None else None
        if session is None or member is None:
            return None
        served = member.phase in (Phase.ACKED, Phase.LIVE)
        self._want_again(session, member)
        return member if served else None

    def _renew(self, session: _Session, member: Member) -> None:
        if member.phase is not Phase.WANTED:
            session.ending[member.key] = None
            self._want_again(session, member)

    def _want_again(self, session: _Session, member: Member) -> None:
        member.phase = Phase.WANTED
        member.live = False
        member.watched = True
        session.wanted[member.key] = member

    def next_send(self, number: int, now_ns: int, new_id: Callable[[], int]) -> Send | None:
        """Return what to send next on a session; ``None``: nothing yet. The caller keeps the pace."""
        session = self._sessions.get(number)
        if session is None:
            return None
        if session.ending:
            keys = tuple(key for key, _ in zip(session.ending, range(self._facts.max_keys_per_message), strict=False))
            for key in keys:
                del session.ending[key]
            return self._sent(session, Op.UNSUBSCRIBE, keys, [], new_id(), now_ns)
        members: list[Member] = []
        for member in session.wanted.values():
            if member.not_before_ns > now_ns:
                continue
            if members and member.lot != members[0].lot:
                continue
            members.append(member)
            if len(members) >= self._facts.max_keys_per_message:
                break
        if not members:
            return None
        for member in members:
            del session.wanted[member.key]
            member.phase = Phase.SENT
            member.asked = True
            member.since_ns = now_ns
        keys = tuple(member.key for member in members)
        return self._sent(session, Op.SUBSCRIBE, keys, members, new_id(), now_ns)

    def _sent(
        self, session: _Session, op: Op, keys: tuple[str, ...], members: list[Member], request_id: int, now_ns: int
    ) -> Send:
        if self._facts.acknowledges:
            session.pending[request_id] = _Pending(op, set(keys), members, now_ns)
        return Send(op, keys, request_id)

    def sent(self, number: int, send: Send, now_ns: int) -> list[Change]:
        """*send* has left. Where the exchange answers nothing, that is all there will be."""
        session = self._sessions.get(number)
        if session is None or send.op is Op.UNSUBSCRIBE or self._facts.acknowledges:
            return []
        members = [member for key in send.keys if (member := session.by_key.get(key)) is not None]
        return self._accept(members, now_ns)

    def acknowledged(self, number: int, ack: Ack, now_ns: int) -> list[Change]:
        """The exchange answered. Answers to nothing, or for the second time, mean nothing."""
        session = self._sessions.get(number)
        if session is None:
            return []
        if ack.request_id is None:
            members = _asked_for(session, ack.key)
        else:
            pending = session.pending.pop(ack.request_id, None)
            members = pending.members if pending is not None and pending.op is Op.SUBSCRIBE else []
        if ack.error is None:
            return self._accept(members, now_ns)
        return self._refuse(session, members, ack.error, now_ns)

    def _accept(self, members: list[Member], now_ns: int) -> list[Change]:
        changes: list[Change] = []
        for member in members:
            if member.phase is Phase.SENT:
                member.phase = Phase.LIVE if member.live else Phase.ACKED
                member.since_ns = now_ns
                member.tries = member.lot = 0
                self._proven.add(member.ident)
                changes.append(Acked(member))
        return changes

    def _refuse(self, session: _Session, members: list[Member], error: str | LotusXError, now_ns: int) -> list[Change]:
        members = [member for member in members if member.phase is Phase.SENT]
        if len(members) > 1:  # one of them is the reason: halve until it stands alone, so that the others do not suffer
            for half in (members[: len(members) // 2], members[len(members) // 2 :]):
                self._lots += 1
                for member in half:
                    member.lot = self._lots
                    self._want_again(session, member)
            return []
        changes: list[Change] = []
        for member in members:
            member.tries += 1
            if member.ident in self._proven and member.tries < TRIES:
                member.not_before_ns = now_ns + 2 ** (member.tries - 1) * NS
                self._want_again(session, member)
            else:
                changes.append(Refused(member.ident, error))
        return changes

    # ----------------------------------------------------------------------------------------------- liveness

    def heard(self, member: Member) -> None:
        """Take note of a message of *member* that is ``watched``. All others only set ``heard_ns``.

        The first since it was asked for answers the subscription, and says nothing of how busy the market is: what was
        found slow gets its long patience from there. The next message ends that.
        """
        is_answer = not member.live and member.phase is not Phase.LIVE
        if not is_answer:
            member.patience = 1
        member.since_ns = member.heard_ns
        member.probed = False
        member.live = True
        member.watched = member.patience > 1
        if member.phase is Phase.ACKED:
            member.phase = Phase.LIVE

    def quiet(self, member: Member, now_ns: int) -> None:
        """The exchange has nothing newer: the market is quiet. Ask again later than this time.

        The next message counts as a first one, so that somebody looks again: from then on it is less patient.
        """
        if member.phase is Phase.ACKED:
            member.phase = Phase.LIVE
        member.live = False
        member.watched = True
        member.since_ns = now_ns
        member.probed = False
        self._stretch(member)

    def _stretch(self, member: Member) -> None:
        if member.patience_ns() < PATIENCE_LIMIT_NS:
            member.patience *= 2

    def due(self, number: int, now_ns: int) -> tuple[list[Change], int | None]:
        """Return what became due on a session, and when to ask again (``None``: when something happens)."""
        session = self._sessions.get(number)
        if session is None:
            return [], None
        changes: list[Change] = []
        times: list[int] = []
        for request_id, pending in list(session.pending.items()):
            if now_ns < pending.sent_ns + ACK_WAIT_NS:
                times.append(pending.sent_ns + ACK_WAIT_NS)
                continue
            del session.pending[request_id]
            if pending.op is Op.UNSUBSCRIBE:  # it may have been lost; what is wanted again is better subscribed twice
                session.ending.update(dict.fromkeys(pending.keys - session.by_key.keys()))
                times.append(now_ns + 1)
                continue
            heard = [member for member in pending.members if member.live]
            changes += self._accept(heard, now_ns)  # its data answers for it
            for member in pending.members:
                if member.phase is Phase.SENT:
                    self._want_again(session, member)
                    times.append(now_ns + 1)
        for member in session.by_key.values():
            if member.phase is Phase.WANTED:
                times.append(member.not_before_ns)
            elif member.deadline_ns is not None and member.phase is not Phase.SENT:
                changes += self._overdue(session, member, now_ns, times)
        later = [time for time in times if time > now_ns]
        return changes, min(later) if later else None

    def _overdue(self, session: _Session, member: Member, now_ns: int, times: list[int]) -> list[Change]:
        if member.heard_ns > member.since_ns:
            member.since_ns = member.heard_ns
            member.patience = 1
            member.probed = False
        patience = member.patience_ns()
        last = member.since_ns + patience
        if now_ns >= last:
            member.probed = False
            self._stretch(member)
            self._renew(session, member)
            return [Silent(member)]
        ask_ns = member.since_ns + min(int(patience * PROBE_AT), max(patience - PROBE_LEAD_NS, 0))
        if member.probed or now_ns >= ask_ns:
            times.append(last)
            changes: list[Change] = [] if member.probed else [Probe(member)]
            member.probed = True
            return changes
        times.append(ask_ns)
        return []


def _asked_for(session: _Session, key: str | None) -> list[Member]:
    """Take *key* out of what waits for an answer, which come in the order of sending; return whom a yes concerns."""
    for request_id, pending in session.pending.items():
        if key not in pending.keys:
            continue
        pending.keys.discard(key)
        if not pending.keys:
            del session.pending[request_id]
        return [member for member in pending.members if member.key == key]
    return []
