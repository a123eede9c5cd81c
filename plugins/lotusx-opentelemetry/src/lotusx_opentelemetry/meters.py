"""Metrics: ``http.client.request.duration`` of the semantic conventions, and ``lotusx.*`` where there are none."""

from __future__ import annotations

from opentelemetry import trace
from opentelemetry.metrics import Counter, Meter, UpDownCounter
from opentelemetry.trace import Span

from lotusx.plugin import (
    BookMeasured,
    BudgetMeasured,
    ClockMeasured,
    OrderOutcome,
    OrderRefused,
    SessionChanged,
    StreamMeasured,
    TrafficMeasured,
)
from lotusx_opentelemetry.calls import NAME, Attributes

MOST_NAMES = 200
"""Endpoints and symbols that are told apart; those beyond are ``other``."""


class Meters:
    """What one connection measures. Totals that it tells become differences."""

    def __init__(self, meter: Meter, common: Attributes) -> None:
        self._common = common
        self._totals: dict[tuple[object, ...], int] = {}
        self._parts: dict[tuple[object, ...], tuple[UpDownCounter, Attributes, int]] = {}
        self._names: set[str] = set()
        self._live: set[tuple[str, int]] = set()
        self._requests = meter.create_histogram("http.client.request.duration", "s", "Attempts of HTTP requests")
        self._messages = meter.create_counter("lotusx.websocket.messages", "{message}", "WebSocket messages")
        self._bytes = meter.create_counter("lotusx.websocket.io", "By", "Their size after decompression")
        self._sockets = meter.create_up_down_counter("lotusx.websocket.connections", "{connection}", "Open WebSockets")
        self._losses = meter.create_counter("lotusx.websocket.losses", "{connection}", "WebSockets that broke")
        self._events = meter.create_counter("lotusx.stream.events", "{event}", "Events of streams by fate")
        self._queue = meter.create_up_down_counter("lotusx.stream.queue", "{event}", "Events that wait for readers")
        self._lag = meter.create_histogram("lotusx.stream.lag", "s", "The latest event of each measurement")
        self._book_age = meter.create_gauge("lotusx.book.age", "s", "Since the last update of a live book")
        self._resyncs = meter.create_counter("lotusx.book.resyncs", "{resync}", "Live books that became right again")
        self._orders = meter.create_counter("lotusx.orders", "{command}", "Order commands by outcome")
        self._latency = meter.create_histogram("lotusx.order.duration", "s", "From a command to its outcome")
        self._used = meter.create_gauge("lotusx.limit.used", "1", "Part of a limit of the exchange that is used")
        self._offset = meter.create_gauge("lotusx.clock.offset", "s", "The exchange's time minus ours")

    def request(self, about: Attributes, elapsed_s: float, span: Span | None) -> None:
        """Record an attempt, with *span* as its exemplar."""
        if "url.template" in about:
            about["url.template"] = self._bounded(str(about["url.template"]))
        context = None if span is None else trace.set_span_in_context(span)
        self._requests.record(elapsed_s, {**self._common, **about}, context)

    def traffic(self, event: TrafficMeasured) -> None:
        """Count messages and bytes."""
        about: Attributes = {
            NAME: event.exchange, "network.io.direction": {"in": "receive"}.get(event.direction, "transmit"),
            "lotusx.channel": event.channel,
        }  # fmt: skip
        place = (event.group, event.direction, event.channel)
        self._grow(self._messages, about, event.messages, "messages", *place)
        self._grow(self._bytes, about, event.size, "bytes", *place)

    def session(self, event: SessionChanged) -> None:
        """Follow sockets."""
        about: Attributes = {NAME: event.exchange, "lotusx.group": event.group}
        if event.state == "live":
            self._live.add((event.group, event.session))
        elif event.state in ("lost", "closed"):
            self._live.discard((event.group, event.session))
            if event.state == "lost":
                self._losses.add(1, {**self._common, **about})
        count = sum(group == event.group for group, _ in self._live)
        self._part(self._sockets, about, count, "sockets", event.group)

    def stream(self, event: StreamMeasured) -> None:
        """Count where events went, and how late they are; what comes early by our idea of the clock is not late."""
        about: Attributes = {NAME: event.exchange, "lotusx.channel": event.kind}
        for fate in ("delivered", "conflated", "dropped", "rejected"):
            total = getattr(event, fate)
            self._grow(self._events, {**about, "lotusx.fate": fate}, total, event.stream, fate, last=event.closed)
        self._part(self._queue, about, 0 if event.closed else event.waiting, "queue", event.stream)
        for stage, lag_s in (("received", event.lag_s), ("delivered", event.delivery_s)):
            if lag_s is not None:
                self._lag.record(max(lag_s, 0.0), {**self._common, **about, "lotusx.stage": stage})

    def book(self, event: BookMeasured) -> None:
        """Follow live books."""
        symbol = self._bounded(str(event.symbol))
        about: Attributes = {NAME: event.exchange, "lotusx.symbol": symbol}
        self._grow(self._resyncs, about, event.resyncs, "resyncs", str(event.symbol), last=event.closed)
        if event.age_s is not None:
            self._book_age.set(event.age_s, {**self._common, **about})

    def outcome(self, event: OrderOutcome) -> None:
        """Count a command, and time it."""
        about: Attributes = {
            **self._common, NAME: event.exchange, "lotusx.command": event.kind, "lotusx.outcome": event.outcome,
        }  # fmt: skip
        if event.error:
            about["error.type"] = event.error
        self._orders.add(1, about)
        if event.command:
            self._latency.record(event.elapsed_s, about)

    def refused(self, event: OrderRefused) -> None:
        """Count a command of which nothing was sent."""
        about: Attributes = {NAME: event.exchange, "lotusx.command": event.kind, "lotusx.outcome": "refused"}
        self._orders.add(1, {**self._common, **about, "error.type": event.error})

    def budget(self, event: BudgetMeasured) -> None:
        """Follow a limit."""
        about: Attributes = {NAME: event.exchange, "lotusx.limit.pool": event.pool, "lotusx.limit.scope": event.scope}
        about["lotusx.limit.window"] = event.window_s
        self._used.set(event.used / event.limit, {**self._common, **about})

    def clock(self, event: ClockMeasured) -> None:
        """Follow the clock."""
        self._offset.set(event.offset_s, {**self._common, NAME: event.exchange})

    def close(self) -> None:
        """Take back what is true of an open connection only."""
        for counter, about, part in self._parts.values():
            counter.add(-part, about)
        self._parts.clear()

    def _bounded(self, name: str) -> str:
        if name not in self._names:
            if len(self._names) >= MOST_NAMES:
                return "other"
            self._names.add(name)
        return name

    def _grow(self, counter: Counter, about: Attributes, total: int, *whose: object, last: bool = False) -> None:
        more = total - self._totals.get(whose, 0)
        if more > 0:
            counter.add(more, {**self._common, **about})
        if last:
            self._totals.pop(whose, None)
        else:
            self._totals[whose] = total

    def _part(self, counter: UpDownCounter, about: Attributes, value: int, *whose: object) -> None:
        before = self._parts.pop(whose, (counter, about, 0))[2]
        everything = {**self._common, **about}
        if value != before:
            counter.add(value - before, everything)
        if value:
            self._parts[whose] = (counter, everything, value)
