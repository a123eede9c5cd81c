"""Hands what one connection tells to its spans and metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from opentelemetry.metrics import Meter
from opentelemetry.trace import Tracer

from lotusx.plugin import (
    BookMeasured,
    BudgetMeasured,
    BudgetWait,
    CallFinished,
    CallStarted,
    ClockMeasured,
    FillReported,
    OrderAnswered,
    OrderOutcome,
    OrderRefused,
    OrderReported,
    OrderSent,
    RequestFinished,
    RetryScheduled,
    SessionChanged,
    StreamMeasured,
    TrafficMeasured,
)
from lotusx_opentelemetry.calls import Attributes, Calls
from lotusx_opentelemetry.meters import Meters
from lotusx_opentelemetry.orders import Orders


class Observer:
    """Is told of events of one connection. Events it does not know are passed over."""

    def __init__(
        self, tracer: Tracer, meter: Meter, *, environment: str, account: str | None, measure_s: float
    ) -> None:
        common: Attributes = {"lotusx.environment": environment}
        if account is not None:
            common["lotusx.account"] = account
        self.measure_s = measure_s
        self._calls = Calls(tracer, common)
        self._orders = Orders(tracer, common)
        self._meters = meters = Meters(meter, common)
        self._told: dict[type[Any], Callable[[Any], None]] = {
            CallStarted: self._calls.started,
            CallFinished: self._calls.finished,
            RequestFinished: self._request,
            RetryScheduled: self._calls.retried,
            BudgetWait: self._calls.waits,
            OrderSent: self._orders.sent,
            OrderAnswered: self._orders.answered,
            OrderOutcome: self._outcome,
            OrderRefused: meters.refused,
            OrderReported: self._orders.reported,
            FillReported: self._orders.filled,
            TrafficMeasured: meters.traffic,
            SessionChanged: meters.session,
            StreamMeasured: meters.stream,
            BookMeasured: meters.book,
            BudgetMeasured: meters.budget,
            ClockMeasured: meters.clock,
        }

    def __call__(self, event: object) -> None:
        told = self._told.get(type(event))
        if told is not None:
            told(event)

    def close(self) -> None:
        """End what is open: the connection is closed."""
        self._calls.close()
        self._orders.close()
        self._meters.close()

    def _request(self, event: RequestFinished) -> None:
        about, span = self._calls.attempted(event)
        self._meters.request(about, event.elapsed_s, span)

    def _outcome(self, event: OrderOutcome) -> None:
        self._meters.outcome(event)
        self._orders.outcome(event)
