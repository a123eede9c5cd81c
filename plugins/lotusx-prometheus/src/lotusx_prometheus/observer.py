"""Turns what one connection tells into metrics."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Callable
from typing import Any

from prometheus_client import Counter, Gauge

from lotusx.plugin import (
    BookMeasured,
    BudgetMeasured,
    BudgetWait,
    CallFinished,
    ClockMeasured,
    FillReported,
    ItemDropped,
    ObserverFailed,
    OrderOutcome,
    OrderRefused,
    RequestFinished,
    RetryScheduled,
    SessionChanged,
    StreamChanged,
    StreamMeasured,
    TrafficMeasured,
)
from lotusx_prometheus.metrics import Metrics

_LIMITED = ("RateLimited", "Banned")
_GONE = ("lost", "closed")
_FATES = ("delivered", "conflated", "dropped", "rejected")


class MetricsObserver:
    """Is told of events of one connection. Events it does not know are passed over.

    Totals that the connection tells become differences, so that connections of one exchange add up. `close` takes back
    what the connection has put into gauges.
    """

    def __init__(self, metrics: Metrics, exchange: str, account: str | None, measure_s: float) -> None:
        self.measure_s = measure_s
        self._metrics = metrics
        self._account = account or ""
        self._totals: dict[tuple[object, ...], int] = {}
        self._parts: dict[tuple[object, ...], tuple[Gauge, float]] = {}  # our part of gauges that are sums
        self._set: dict[tuple[int, tuple[str, ...]], tuple[Gauge, tuple[str, ...]]] = {}
        self._live: set[tuple[str, int]] = set()
        self._broken: Tally[str] = Tally()
        self._told: dict[type[Any], Callable[[Any], None]] = {
            RequestFinished: self._request,
            RetryScheduled: self._retry,
            CallFinished: self._call,
            BudgetWait: self._wait,
            TrafficMeasured: self._traffic,
            SessionChanged: self._session,
            StreamChanged: self._stream_changed,
            StreamMeasured: self._stream,
            ItemDropped: self._dropped,
            BookMeasured: self._book,
            OrderOutcome: self._outcome,
            OrderRefused: self._refused,
            FillReported: self._fill,
            BudgetMeasured: self._budget,
            ClockMeasured: self._clock,
            ObserverFailed: self._observer,
        }

        # A counter that begins with 1 has not increased, as Prometheus sees it: what alerts wait for begins with 0.
        metrics.undecodable.labels(exchange)
        metrics.fills.labels(exchange)
        for kind in ("place", "amend", "cancel", "cancel_all"):
            metrics.orders.labels(exchange, kind, "unknown", "none")

    def __call__(self, event: object) -> None:
        told = self._told.get(type(event))
        if told is not None:
            told(event)

    def close(self) -> None:
        """Take back what is true of an open connection only."""
        for gauge, part in self._parts.values():
            gauge.dec(part)
        self._parts.clear()
        for gauge, labels in self._set.values():
            gauge.remove(*labels)
        self._set.clear()

    # ------------------------------------------------------------------------------------------------- requests

    def _request(self, event: RequestFinished) -> None:
        metrics, exchange = self._metrics, event.exchange
        endpoint = metrics.label("endpoint", event.endpoint)
        metrics.request_latency.labels(exchange, endpoint).observe(event.elapsed_s)
        metrics.latency_ms.labels(exchange, endpoint).observe(event.elapsed_s * 1e3)
        metrics.requests.labels(exchange, endpoint, str(event.status) if event.status else "none").inc()
        metrics.rate_limited.labels(exchange, endpoint).inc(event.error in _LIMITED)

    def _retry(self, event: RetryScheduled) -> None:
        metrics = self._metrics
        endpoint, reason = metrics.label("endpoint", event.endpoint), metrics.label("error", event.reason)
        metrics.retries.labels(event.exchange, endpoint, reason).inc()

    def _call(self, event: CallFinished) -> None:
        metrics = self._metrics
        endpoint = metrics.label("endpoint", event.endpoint)
        metrics.calls.labels(event.exchange, endpoint, metrics.label("error", event.error or "none")).inc()
        metrics.call_duration.labels(event.exchange, endpoint).observe(event.elapsed_s)

    def _wait(self, event: BudgetWait) -> None:
        metrics = self._metrics
        pool = metrics.label("pool", event.pool or "all")
        metrics.budget_waits.labels(event.exchange, pool).inc()
        metrics.budget_wait.labels(event.exchange, pool).observe(event.delay_s)

    # -------------------------------------------------------------------------------------------------- streams

    def _traffic(self, event: TrafficMeasured) -> None:
        labels = (event.exchange, event.direction, event.channel)
        self._grow(self._metrics.messages, labels, event.messages, event.group)
        self._grow(self._metrics.bytes, labels, event.size, event.group)

    def _session(self, event: SessionChanged) -> None:
        metrics, labels = self._metrics, (event.exchange, event.group)
        losses, reconnects = metrics.losses.labels(*labels), metrics.reconnects.labels(*labels)
        if event.state == "live":
            self._live.add((event.group, event.session))
            if self._broken[event.group]:
                self._broken[event.group] -= 1
                reconnects.inc()
        elif event.state in _GONE:
            self._live.discard((event.group, event.session))
            if event.state == "lost":
                self._broken[event.group] += 1
                losses.inc()
        count = sum(group == event.group for group, _ in self._live)
        self._part(metrics.sockets, labels, count)

    def _stream_changed(self, event: StreamChanged) -> None:
        metrics = self._metrics
        if event.kind == "live_book":
            if event.state == "stale":
                symbol = metrics.label("symbol", event.key.removeprefix("book:"))
                metrics.book_stale.labels(event.exchange, symbol).inc()
        else:
            metrics.stream_changes.labels(event.exchange, event.kind, event.state).inc()

    def _stream(self, event: StreamMeasured) -> None:
        metrics, labels = self._metrics, (event.exchange, event.kind)
        for fate in _FATES:
            self._grow(metrics.events, (*labels, fate), getattr(event, fate), event.stream, last=event.closed)
        self._part(metrics.queue, labels, 0 if event.closed else event.waiting, event.stream)
        known = ("stream", event.stream)
        before = self._parts.get(known)
        if before is not None:
            before[0].dec()
            del self._parts[known]
        if not event.closed:
            now = metrics.streams.labels(*labels, event.state)
            now.inc()
            self._parts[known] = (now, 1)
        for stage, lag_s in (("received", event.lag_s), ("delivered", event.delivery_s)):
            if lag_s is not None:
                metrics.lag.labels(*labels, stage).observe(max(lag_s, 0.0))  # early by our idea of the clock: not late

    def _dropped(self, event: ItemDropped) -> None:
        self._metrics.undecodable.labels(event.exchange).inc()

    def _book(self, event: BookMeasured) -> None:
        metrics = self._metrics
        labels = (event.exchange, metrics.label("symbol", str(event.symbol)))
        self._grow(metrics.book_resyncs, labels, event.resyncs, str(event.symbol), last=event.closed)
        self._grow(metrics.book_snapshots, labels, event.snapshot_requests, str(event.symbol), last=event.closed)
        self._now(metrics.book_synced, labels, None if event.closed else float(event.synced))
        self._now(metrics.book_age, labels, event.age_s)

    # --------------------------------------------------------------------------------------------------- orders

    def _outcome(self, event: OrderOutcome) -> None:
        metrics = self._metrics
        error = metrics.label("error", event.error or "none")
        metrics.orders.labels(event.exchange, event.kind, event.outcome, error).inc()
        if event.command:
            metrics.order_latency.labels(event.exchange, event.kind).observe(event.elapsed_s)

    def _refused(self, event: OrderRefused) -> None:
        error = self._metrics.label("error", event.error)
        self._metrics.orders.labels(event.exchange, event.kind, "refused", error).inc()

    def _fill(self, event: FillReported) -> None:
        self._metrics.fills.labels(event.exchange).inc()

    # ---------------------------------------------------------------------------------------- limits, clock, us

    def _budget(self, event: BudgetMeasured) -> None:
        metrics, account = self._metrics, self._metrics.label("account", self._account)
        pool = metrics.label("pool", event.pool)
        labels = (event.exchange, account, pool, event.scope, f"{event.window_s:g}s")
        self._now(metrics.budget_used, labels, event.used)
        self._now(metrics.budget_limit, labels, event.limit)
        self._now(metrics.budget_blocked, labels, event.blocked_s)

    def _clock(self, event: ClockMeasured) -> None:
        labels = (event.exchange, self._metrics.label("account", self._account))
        self._now(self._metrics.clock_offset, labels, event.offset_s)
        self._now(self._metrics.clock_round_trip, labels, event.round_trip_s)

    def _observer(self, event: ObserverFailed) -> None:
        self._metrics.observer_failures.labels(self._metrics.label("observer", event.observer)).inc()

    # --------------------------------------------------------------------------------------------------- values

    def _grow(self, counter: Counter, labels: tuple[str, ...], total: int, *whose: object, last: bool = False) -> None:
        key = (id(counter), labels, *whose)
        counter.labels(*labels).inc(max(0, total - self._totals.get(key, 0)))
        if last:
            self._totals.pop(key, None)
        else:
            self._totals[key] = total

    def _part(self, gauge: Gauge, labels: tuple[str, ...], value: float, *whose: object) -> None:
        key = (id(gauge), labels, *whose)
        before = self._parts.get(key)
        child = gauge.labels(*labels)
        child.inc(value - (0 if before is None else before[1]))
        if value:
            self._parts[key] = (child, value)
        else:
            self._parts.pop(key, None)

    def _now(self, gauge: Gauge, labels: tuple[str, ...], value: float | None) -> None:
        key = (id(gauge), labels)
        if value is not None:
            gauge.labels(*labels).set(value)
            self._set[key] = (gauge, labels)
        elif self._set.pop(key, None) is not None:
            gauge.remove(*labels)
