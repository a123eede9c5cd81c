"""The metrics: their names, labels and units. Made once for a registry, shared by every connection that uses it."""

from __future__ import annotations

import threading
import weakref

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

OTHER = "other"
"""Stands for every value of a label beyond those it may take."""

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
LAG_S = (0.0005, *SECONDS)

_made: weakref.WeakKeyDictionary[CollectorRegistry, Metrics] = weakref.WeakKeyDictionary()
_making = threading.Lock()


def metrics_of(registry: CollectorRegistry, most_values: int) -> Metrics:
    """Return the metrics in *registry*; whoever asks first says how many values a label may take."""
    with _making:
        found = _made.get(registry)
        if found is None:
            found = _made[registry] = Metrics(registry, most_values)
        return found


class Metrics:
    """Every metric. A label's values come from `label`, so that none grows without bound."""

    def __init__(self, registry: CollectorRegistry, most_values: int) -> None:
        self._most = most_values
        self._seen: dict[str, set[str]] = {}

        def counter(name: str, help_text: str, *labels: str) -> Counter:
            return Counter(name, help_text, labels, registry=registry)

        def gauge(name: str, help_text: str, *labels: str) -> Gauge:
            return Gauge(name, help_text, labels, registry=registry)

        def histogram(name: str, help_text: str, *labels: str, buckets: tuple[float, ...] = SECONDS) -> Histogram:
            return Histogram(name, help_text, labels, registry=registry, buckets=buckets)

        call = ("exchange", "endpoint")
        self.request_latency = histogram("http_request_latency_seconds", "From sending to the whole reply", *call)
        self.latency_ms = histogram(
            "latency_ms", "As http_request_latency_seconds, in milliseconds", *call,
            buckets=tuple(bound * 1e3 for bound in SECONDS),
        )  # fmt: skip
        self.requests = counter(
            "http_requests_total", "Attempts; status_code none: no reply", *call, "status_code"
        )  # fmt: skip
        self.retries = counter("retry_count_total", "Reads that were tried again", *call, "reason")
        self.rate_limited = counter("rate_limited_total", "Replies that said: too many requests", *call)
        self.calls = counter("lotusx_calls_total", "Calls with all their attempts; error none: success", *call, "error")
        self.call_duration = histogram("lotusx_call_duration_seconds", "Calls with waits and retries", *call)
        self.budget_waits = counter("lotusx_budget_waits_total", "Waits for the exchange's limits", "exchange", "pool")
        self.budget_wait = histogram(
            "lotusx_budget_wait_seconds", "How long requests wait for the exchange's limits", "exchange", "pool"
        )

        traffic = ("exchange", "direction", "channel")
        self.messages = counter("websocket_messages_total", "WebSocket messages", *traffic)
        self.bytes = counter("lotusx_websocket_bytes_total", "Their size after decompression", *traffic)
        self.sockets = gauge("websocket_connection_status", "WebSockets that are open now", "exchange", "group")
        self.losses = counter("lotusx_websocket_losses_total", "WebSockets that broke", "exchange", "group")
        self.reconnects = counter(
            "lotusx_websocket_reconnects_total", "WebSockets opened after one that broke", "exchange", "group"
        )
        channel = ("exchange", "channel")
        self.streams = gauge("lotusx_streams", "Streams that are open now, by their state", *channel, "state")
        self.stream_changes = counter(
            "lotusx_stream_changes_total", "Changes of subscriptions to a state", *channel, "state"
        )
        self.events = counter(
            "lotusx_stream_events_total", "Events by fate: delivered, conflated, dropped, rejected", *channel, "fate"
        )
        self.queue = gauge("lotusx_stream_queue_depth", "Events that wait for their readers now", *channel)
        self.lag = histogram(
            "lotusx_stream_lag_seconds",
            "The latest event of each measurement: received (exchange to here), delivered (here to its reader)",
            *channel, "stage",
            buckets=LAG_S,
        )  # fmt: skip
        self.undecodable = counter("lotusx_messages_undecodable_total", "Messages nobody could read", "exchange")

        book = ("exchange", "symbol")
        self.book_synced = gauge("lotusx_book_synced", "1: the live book may be read; 0: it is stale", *book)
        self.book_age = gauge("lotusx_book_age_seconds", "Since the last update of the live book", *book)
        self.book_resyncs = counter("lotusx_book_resyncs_total", "Live books that were stale and became right", *book)
        self.book_stale = counter("lotusx_book_stale_total", "Live books that became stale", *book)
        self.book_snapshots = counter("lotusx_book_snapshots_total", "Snapshots that live books asked for", *book)

        self.orders = counter(
            "lotusx_orders_total",
            "Order commands by outcome: accepted, rejected, unknown, or refused (nothing was sent)",
            "exchange", "kind", "outcome", "error",
        )  # fmt: skip
        self.order_latency = histogram(
            "lotusx_order_latency_seconds", "From the command to its outcome", "exchange", "kind"
        )
        self.fills = counter("lotusx_fills_total", "Fills of our orders", "exchange")

        limit = ("exchange", "account", "pool", "scope", "window")
        self.budget_used = gauge("lotusx_budget_used", "What counts against a limit of the exchange now", *limit)
        self.budget_limit = gauge("lotusx_budget_limit", "That limit", *limit)
        self.budget_blocked = gauge("lotusx_budget_blocked_seconds", "For how long it lets nothing pass", *limit)

        clock = ("exchange", "account")
        self.clock_offset = gauge("lotusx_clock_offset_seconds", "The exchange's time minus ours", *clock)
        self.clock_round_trip = gauge("lotusx_clock_round_trip_seconds", "Round trip of that reading", *clock)
        self.observer_failures = counter("lotusx_observer_failures_total", "Errors of observers", "observer")
        self.push_failures = counter("lotusx_push_failures_total", "Pushes that failed")

    def label(self, kind: str, value: str) -> str:
        """Return *value*, or `OTHER` where the label has as many values as it may."""
        seen = self._seen.setdefault(kind, set())
        if value in seen:
            return value
        if len(seen) >= self._most:
            return OTHER
        seen.add(value)
        return value
