"""What the kernel tells observers. An observer that raises is reported and disturbs nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

logger = logging.getLogger("lotusx.telemetry")


@dataclass(frozen=True, slots=True)
class RequestFinished:
    """One attempt of a REST request ended; ``status`` 0: no reply."""

    exchange: str
    endpoint: str
    status: int
    elapsed_s: float
    attempt: int
    error: str = ""


@dataclass(frozen=True, slots=True)
class RetryScheduled:
    """A read will be tried again."""

    exchange: str
    endpoint: str
    attempt: int
    delay_s: float
    reason: str


@dataclass(frozen=True, slots=True)
class BudgetWait:
    """A request waits for the exchange's limits."""

    exchange: str
    endpoint: str
    pool: str
    delay_s: float


@dataclass(frozen=True, slots=True)
class SessionChanged:
    """A WebSocket session changed its state (connecting, live, lost, closed, rotating)."""

    exchange: str
    group: str
    session: int
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StreamChanged:
    """A subscription changed its state."""

    exchange: str
    key: str
    state: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ItemDropped:
    """A message, or an item of one, could not be understood; it was counted and dropped."""

    exchange: str
    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class OrderOutcome:
    """An order command ended: ``accepted``, ``rejected`` or ``unknown``."""

    exchange: str
    client_order_id: str
    outcome: str
    evidence: tuple[str, ...] = ()


Event = RequestFinished | RetryScheduled | BudgetWait | SessionChanged | StreamChanged | ItemDropped | OrderOutcome
Observer = Callable[[Event], None]


class Telemetry:
    """Hands events to observers. Costs one truth test where nobody observes."""

    __slots__ = ("_observers",)

    def __init__(self) -> None:
        self._observers: list[Observer] = []

    def observe(self, observer: Observer) -> None:
        """Add *observer*; it is called synchronously and must not block."""
        self._observers.append(observer)

    def __bool__(self) -> bool:
        return bool(self._observers)

    def emit(self, event: Event) -> None:
        """Tell everyone; an observer's error is logged and goes no further."""
        for observer in self._observers:
            try:
                observer(event)
            except Exception:
                logger.exception("an observer raised on %s", type(event).__name__)
