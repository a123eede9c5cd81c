"""What can go wrong between a client and its venue, as data: rules that match requests and stream messages.

Rules are matched in the order they were set; one that is used up is skipped. Nothing here does I/O or reads a clock.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from fnmatch import fnmatchcase
from random import Random

from lotusx_sim.wire import HttpResponse

# One message goes out to all its readers within this time; the same text later is another message.
_SAME_MESSAGE_NS = 10_000_000


@dataclass(eq=False, slots=True)
class Fault:
    """A fault that was set; ``remaining`` is how often it still applies (None: until it is cleared)."""

    remaining: int | None
    applied: int = 0

    def clear(self) -> None:
        """Let it apply no more."""
        self.remaining = 0

    @property
    def is_active(self) -> bool:
        return self.remaining is None or self.remaining > 0

    def use(self) -> None:
        self.applied += 1
        if self.remaining is not None:
            self.remaining -= 1


class Effect(Enum):
    """What a request fault does."""

    ANSWER = "answer in the venue's place; nothing is executed"
    LOSE_REPLY = "execute, and never answer"
    LOSE_REQUEST = "execute nothing, and never answer"
    DELAY = "execute, and answer late"
    REPLACE_REPLY = "execute, and answer something else"
    CUT_BODY = "execute, and cut the reply short"
    TRUNCATE = "execute, announce the whole reply, send a part of it and end the connection"


@dataclass(eq=False, slots=True)
class RequestFault(Fault):
    """A fault of requests; *method* and *path* may hold ``*``. WS API requests have method ``WS``."""

    method: str = "*"
    path: str = "*"
    effect: Effect = Effect.ANSWER
    response: Callable[[], HttpResponse] | None = None
    lost_by: str = "cut"
    delay_s: float = 0.0
    keep_bytes: int | None = None

    def matches(self, method: str, path: str) -> bool:
        return self.is_active and fnmatchcase(method, self.method) and fnmatchcase(path, self.path)


class Mischief(Enum):
    """What a stream fault does."""

    DROP = "drop"
    DUPLICATE = "send twice"
    SWAP = "send after the one that follows"
    REWRITE = "change"
    CUT = "cut in the middle"
    DELAY = "send late"


@dataclass(eq=False, slots=True)
class StreamFault(Fault):
    """A fault of stream messages whose topic matches; one message counts once, however many connections read it."""

    topic: str = "*"
    mischief: Mischief = Mischief.DROP
    rewrite: Callable[[str], str] | None = None
    delay_s: float = 0.0
    last_text: str | None = field(default=None, repr=False)
    last_ns: int = 0

    def takes(self, topic: str, text: str, now_ns: int) -> bool:
        """Tell whether this message is hit, and count it."""
        if not topic or not fnmatchcase(topic, self.topic):
            return False
        if text == self.last_text and now_ns - self.last_ns < _SAME_MESSAGE_NS:
            return True
        if not self.is_active:
            return False
        self.use()
        self.last_text, self.last_ns = text, now_ns
        return True


@dataclass(slots=True)
class Chaos:
    """Seeded trouble: each request is hit with probability *rate* (a fraction)."""

    rng: Random
    rate: float
    effects: tuple[Effect, ...]
    path: str = "*"

    def draw(self, path: str) -> Effect | None:
        if not fnmatchcase(path, self.path):
            return None
        hit = self.rng.random() < self.rate
        effect = self.rng.choice(self.effects)
        return effect if hit else None


class FaultPlan:
    """All faults of one simulation."""

    def __init__(self) -> None:
        self._requests: list[RequestFault] = []
        self._streams: list[StreamFault] = []
        self.chaos: Chaos | None = None
        self.black_hole = False
        self.refuses_connections = False

    def add_request(self, fault: RequestFault) -> RequestFault:
        self._requests = [old for old in self._requests if old.is_active]
        self._requests.append(fault)
        return fault

    def add_stream(self, fault: StreamFault) -> StreamFault:
        self._streams.append(fault)
        return fault

    def clear(self) -> None:
        """Heal everything."""
        for fault in (*self._requests, *self._streams):
            fault.clear()
        self._requests.clear()
        self._streams.clear()
        self.chaos = None
        self.black_hole = False
        self.refuses_connections = False

    def for_request(self, method: str, path: str) -> list[RequestFault]:
        """Return and count the faults that hit a request: the first of each effect."""
        hit: dict[Effect, RequestFault] = {}
        for fault in self._requests:
            if fault.effect not in hit and fault.matches(method, path):
                fault.use()
                hit[fault.effect] = fault
        if not hit and self.chaos is not None:
            effect = self.chaos.draw(path)
            if effect is not None:
                hit[effect] = RequestFault(1, effect=effect, delay_s=self.chaos.rng.randint(1, 4_000) / 1_000)
        return list(hit.values())

    def for_message(self, topic: str, text: str, now_ns: int) -> Iterable[StreamFault]:
        """Return and count the faults that hit a message."""
        return [fault for fault in self._streams if fault.takes(topic, text, now_ns)] if self._streams else ()

    @property
    def hits_requests(self) -> bool:
        return bool(self._requests) or self.chaos is not None
