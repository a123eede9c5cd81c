"""Hands events to observers. An observer that raises is reported, and in the end switched off; it disturbs nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable

from lotusx.kernel.happenings import (
    BookMeasured,
    BudgetMeasured,
    BudgetWait,
    CallFinished,
    CallStarted,
    ClockMeasured,
    Event,
    EventsDelivered,
    FillReported,
    FrameSent,
    FramesReceived,
    ItemDropped,
    ObserverFailed,
    OrderAnswered,
    OrderOutcome,
    OrderRefused,
    OrderReported,
    OrderSent,
    RequestFinished,
    RetryScheduled,
    SessionChanged,
    StreamChanged,
    StreamMeasured,
    TrafficMeasured,
)

__all__ = [
    "BookMeasured", "BudgetMeasured", "BudgetWait", "CallFinished", "CallStarted", "ClockMeasured", "Event",
    "EventsDelivered", "FillReported", "FrameSent", "FramesReceived", "ItemDropped", "Observer", "ObserverFailed",
    "OrderAnswered", "OrderOutcome", "OrderRefused", "OrderReported", "OrderSent", "RequestFinished", "RetryScheduled",
    "SessionChanged", "StreamChanged", "StreamMeasured", "Telemetry", "TrafficMeasured",
]  # fmt: skip

logger = logging.getLogger("lotusx.telemetry")

MAX_FAILURES = 10
"""An observer that has raised so often is switched off."""

Observer = Callable[[Event], object]
"""Is told of events, synchronously and in the task that they happen in; it must not block.

One that has an attribute ``measure_s`` above 0 is also told the measurements, about every so many seconds; one that has
``hears_streams`` is also told every public message and event: `FramesReceived`, `FrameSent`, `EventsDelivered`.
"""


class Telemetry:
    """Hands events to observers. Costs one truth test where nobody observes.

    Attributes:
        measure_s: Seconds between measurements, the least that an observer asks for; 0: nobody wants any, and nothing
            is counted for them.
        failures: How often an observer has raised so far.
    """

    __slots__ = ("_calls", "_exchange", "_failures", "_hearing", "_observers", "failures", "measure_s")

    def __init__(self, exchange: str = "") -> None:
        self._exchange = exchange
        self._observers: tuple[Observer, ...] = ()
        self._hearing: tuple[Observer, ...] = ()
        self._failures: dict[int, int] = {}
        self._calls = 0
        self.measure_s = 0.0
        self.failures = 0

    def observe(self, observer: Observer) -> None:
        """Add *observer*."""
        self._observers = (*self._observers, observer)
        wanted = float(getattr(observer, "measure_s", 0.0))
        if wanted > 0:
            self.measure_s = min(self.measure_s, wanted) if self.measure_s else wanted

        if getattr(observer, "hears_streams", False):
            self._hearing = (*self._hearing, observer)

    def __bool__(self) -> bool:
        return bool(self._observers)

    @property
    def hears_streams(self) -> bool:
        """Whether an observer wants what the public streams bring; without one nothing of it is even looked at."""
        return bool(self._hearing)

    def next_call(self) -> int:
        """Return the number of a new call or command, unique in this connection."""
        self._calls += 1
        return self._calls

    def emit(self, event: Event) -> None:
        """Tell everyone. An observer's error is logged and goes no further."""
        for observer in self._observers:
            try:
                observer(event)
            except Exception as error:
                self._failed(observer, event, error)

    def tell(self, event: FramesReceived | FrameSent | EventsDelivered) -> None:
        """Tell those who want what the public streams bring. An error is treated as in `emit`."""
        for observer in self._hearing:
            try:
                observer(event)
            except Exception as error:
                self._failed(observer, event, error)

    def _failed(self, failing: Observer, event: Event, error: Exception) -> None:
        self.failures += 1
        count = self._failures[id(failing)] = self._failures.get(id(failing), 0) + 1
        name = getattr(failing, "__qualname__", type(failing).__qualname__)
        switched_off = count >= MAX_FAILURES
        if count == 1:
            logger.error("observer %s raised on %s", name, type(event).__name__, exc_info=error)
        others = tuple(each for each in self._observers if each is not failing)
        if switched_off:
            self._observers = others
            self._hearing = tuple(each for each in self._hearing if each is not failing)
            logger.error("observer %s has raised %d times and is switched off", name, count)
        if isinstance(event, ObserverFailed):
            return
        told = ObserverFailed(self._exchange, name, type(error).__name__, switched_off)
        for observer in others:
            try:
                observer(told)
            except Exception as another:
                self._failed(observer, told, another)
