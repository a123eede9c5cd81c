"""How one command ends: accepted, rejected with proof, or unknown. A pure state machine; time is an argument.

::

    SENT ──► ACCEPTED                    the exchange has acted
      │ ├──► REJECTED                    proof that it has not
      │ └──► IN_DOUBT ──► ACCEPTED       any evidence, from any source
      │          ├──────► REJECTED       the exchange said so, or it is absent after the horizon
      │          └──────► UNKNOWN ──►    looked long enough; later evidence still counts
"""

from __future__ import annotations

from enum import StrEnum

from lotusx.errors import (
    ConfigurationError,
    DuplicateOrder,
    ExchangeError,
    LotusXError,
    NoChange,
    OrderNotFound,
    PartialFailure,
    RefusedBeforeSending,
    TransportError,
)
from lotusx.kernel.clock import Moment

MAX_EVIDENCE = 64
"""Sentences kept; beyond it the oldest looks are left out, and counted in their place."""


class CommandKind(StrEnum):
    """What was asked of the exchange."""

    PLACE = "place"
    AMEND = "amend"
    CANCEL = "cancel"


CANCEL_ALL = "cancel_all"
"""What observers are told a command is that cancels everything: it has no outcome to look for."""


class Phase(StrEnum):
    """How far a command is."""

    SENT = "sent"
    IN_DOUBT = "in_doubt"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


def is_proof(kind: CommandKind, error: BaseException) -> bool:
    """Say whether *error* proves that the command was not carried out.

    Only what shows that nothing left this machine, or the exchange's own refusal, is proof. A refusal that is known
    to be over-read is not: a duplicate id may be our own order, and an order that a cancel or an amendment does not
    find may have filled, or may not be visible yet.
    """
    if isinstance(error, TransportError):
        return not error.sent
    if isinstance(error, RefusedBeforeSending | ConfigurationError):
        return True
    if not isinstance(error, ExchangeError) or error.may_have_executed:
        return False
    if isinstance(error, DuplicateOrder | PartialFailure):
        return False
    return kind is CommandKind.PLACE or not isinstance(error, OrderNotFound | NoChange)


class Command:
    """The life of one command, from the moment it is sent. It is sent once, whatever happens.

    Args:
        subject: Name of the order, for the evidence.
        horizon_s: After this long, what cannot be found was never accepted. 0: not known, so absence proves nothing.
        now_ns: Monotonic time.
        wall_ns: The same moment by our wall clock.
    """

    def __init__(self, kind: CommandKind, subject: str, *, horizon_s: float, now_ns: int, wall_ns: int) -> None:
        self.kind = kind
        self.subject = subject
        self.phase = Phase.SENT
        self.error: LotusXError | None = None
        self.number = 0
        """What observers know it by; 0: they were not told of it."""
        self._horizon_ns = int(horizon_s * 1e9)
        self.made = Moment(wall_ns, now_ns)
        """When it was made, on both of our clocks."""
        self._last_possible_ns = now_ns
        self._evidence: list[tuple[str, int]] = []  # most end well, and nobody asks how
        self._left_out = 0

    @property
    def evidence(self) -> tuple[str, ...]:
        """What was tried and seen, oldest first, one sentence each."""
        told = [f"{sentence} after {(when_ns - self.sent_ns) / 1e9:.2f} s" for sentence, when_ns in self._evidence]
        if self._left_out:
            told.insert(2, f"{self._left_out} more looks")
        return tuple(told)

    @property
    def decided(self) -> bool:
        """Whether there is proof, either way."""
        return self.phase in (Phase.ACCEPTED, Phase.REJECTED)

    @property
    def sent_ns(self) -> int:
        """Monotonic time at which it was made, before it was sent."""
        return self.made.monotonic_ns

    @property
    def proof_ns(self) -> int | None:
        """Monotonic time from which absence is proof; ``None``: never."""
        return self._last_possible_ns + self._horizon_ns if self._horizon_ns else None

    def shorten(self, horizon_s: float) -> None:
        """Lower the horizon, never raise it: the exchange has answered, only its reads may still be behind.

        By 0 absence ceases to prove anything.
        """
        self._horizon_ns = min(self._horizon_ns, int(horizon_s * 1e9))

    def note(self, sentence: str, now_ns: int) -> None:
        """Add to the evidence. Changes nothing else: a network error never brings a command nearer to its end."""
        if len(self._evidence) >= MAX_EVIDENCE:
            del self._evidence[2]
            self._left_out += 1
        self._evidence.append((sentence, now_ns))

    def accept(self, how: str, now_ns: int) -> bool:
        """The exchange has acted: its own word, from whichever source. Return whether that is news."""
        if self.phase is Phase.ACCEPTED:
            return False
        self.note(how, now_ns)
        self.phase = Phase.ACCEPTED
        self.error = None
        return True

    def reject(self, proof: LotusXError, now_ns: int) -> bool:
        """The exchange has not acted, and *proof* shows it. Ignored once anything has shown the contrary."""
        if self.decided:
            return False
        self.note(f"refused: {proof}", now_ns)
        self.phase = Phase.REJECTED
        self.error = proof
        return True

    def doubt(self, why: str, now_ns: int) -> None:
        """The call ended without an answer. Until this moment the exchange may have accepted it."""
        self.note(why, now_ns)
        if not self.decided:
            self.phase = Phase.IN_DOUBT
            self._last_possible_ns = now_ns

    def absent(self, asked_ns: int, now_ns: int, what: str = "not found") -> bool:
        """The exchange was asked at *asked_ns* and does not know of it. Return whether that is proof."""
        proof_ns = self.proof_ns
        doubted = self.phase in (Phase.IN_DOUBT, Phase.UNKNOWN)
        proven = doubted and proof_ns is not None and asked_ns >= proof_ns
        self.note(what if proven else f"{what}, which proves nothing yet", now_ns)
        return proven

    def give_up(self, now_ns: int) -> None:
        """Stop looking. Evidence that comes later is still taken."""
        if self.phase is Phase.IN_DOUBT:
            self.note("no proof either way", now_ns)
            self.phase = Phase.UNKNOWN
