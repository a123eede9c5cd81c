"""What happens becomes metrics: right names, bounded labels, totals that add up."""

from __future__ import annotations

from decimal import Decimal as D
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from lotusx.model import Fill, Side, Symbol
from lotusx.plugin import (
    BookMeasured,
    BudgetMeasured,
    BudgetWait,
    CallFinished,
    CallStarted,
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
from lotusx_prometheus.metrics import OTHER, Metrics, metrics_of
from lotusx_prometheus.observer import MetricsObserver

BTC = Symbol("BTC", "USDT")


class Bench:
    """An observer and what its registry says."""

    def __init__(self, registry: CollectorRegistry, account: str | None = None, most: int = 200) -> None:
        self.registry = registry
        self.observer = MetricsObserver(metrics_of(registry, most), "x", account, 1.0)

    def tell(self, *events: Any) -> None:
        for event in events:
            self.observer(event)

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)


@pytest.fixture
def bench(registry: CollectorRegistry) -> Bench:
    return Bench(registry)


def stream(**more: Any) -> StreamMeasured:
    facts: dict[str, Any] = {
        "exchange": "x", "key": "btc@trade", "kind": "trades", "stream": 1, "state": "live", "received": 10,
        "delivered": 6, "conflated": 0, "dropped": 1, "rejected": 1, "waiting": 2,
    }  # fmt: skip
    return StreamMeasured(**{**facts, **more})


def test_requests_are_counted_by_endpoint_and_status_and_timed_twice(bench: Bench) -> None:
    bench.tell(
        RequestFinished("x", "GET /a", 200, 0.02, 1),
        RequestFinished("x", "GET /a", 429, 0.02, 1, "RateLimited"),
        RequestFinished("x", "GET /a", 0, 5.0, 2, "RequestTimeout"),
        RetryScheduled("x", "GET /a", 1, 0.5, "RequestTimeout"),
    )
    where = {"exchange": "x", "endpoint": "GET /a"}
    assert bench.value("http_requests_total", **where, status_code="200") == 1
    assert bench.value("http_requests_total", **where, status_code="none") == 1
    assert bench.value("http_request_latency_seconds_count", **where) == 3
    assert bench.value("http_request_latency_seconds_bucket", **where, le="0.025") == 2
    assert bench.value("latency_ms_sum", **where) == pytest.approx(5_040)
    assert bench.value("latency_ms_bucket", **where, le="25.0") == 2
    assert bench.value("rate_limited_total", **where) == 1
    assert bench.value("retry_count_total", **where, reason="RequestTimeout") == 1


def test_calls_and_waits_are_counted(bench: Bench) -> None:
    bench.tell(
        CallStarted("x", "GET /a", 1),
        BudgetWait("x", "GET /a", "weight", 2.0, 1),
        BudgetWait("x", "GET /a", "", 2.0, 1),
        CallFinished("x", "GET /a", 1, 3.0),
        CallFinished("x", "GET /a", 2, 3.0, "Banned"),
    )
    where = {"exchange": "x", "endpoint": "GET /a"}
    assert bench.value("lotusx_calls_total", **where, error="none") == 1
    assert bench.value("lotusx_calls_total", **where, error="Banned") == 1
    assert bench.value("lotusx_call_duration_seconds_sum", **where) == 6
    assert bench.value("lotusx_budget_waits_total", exchange="x", pool="weight") == 1
    assert bench.value("lotusx_budget_wait_seconds_sum", exchange="x", pool="all") == 2


def test_an_unending_number_of_endpoints_becomes_other(registry: CollectorRegistry) -> None:
    bench = Bench(registry, most=3)
    for number in range(100):
        bench.tell(RequestFinished("x", f"GET /{number}", 200, 0.1, 1))
    assert bench.value("http_requests_total", exchange="x", endpoint="GET /2", status_code="200") == 1
    assert bench.value("http_requests_total", exchange="x", endpoint=OTHER, status_code="200") == 97


def test_totals_of_several_connections_add_up(registry: CollectorRegistry) -> None:
    one, two = Bench(registry), Bench(registry)
    one.tell(
        TrafficMeasured("x", "public", "in", "trades", 5, 500), TrafficMeasured("x", "public", "in", "trades", 7, 700)
    )
    two.tell(TrafficMeasured("x", "public", "in", "trades", 3, 300))
    labels = {"exchange": "x", "direction": "in", "channel": "trades"}
    assert one.value("websocket_messages_total", **labels) == 10
    assert one.value("lotusx_websocket_bytes_total", **labels) == 1_000


def test_sockets_are_open_lost_and_back(bench: Bench) -> None:
    group = {"exchange": "x", "group": "public"}
    bench.tell(SessionChanged("x", "public", 1, "connecting"), SessionChanged("x", "public", 1, "live"))
    bench.tell(SessionChanged("x", "public", 2, "live"))
    assert bench.value("websocket_connection_status", **group) == 2
    assert bench.value("lotusx_websocket_reconnects_total", **group) == 0
    bench.tell(SessionChanged("x", "public", 2, "lost"), SessionChanged("x", "public", 1, "closed"))
    assert bench.value("websocket_connection_status", **group) == 0
    bench.tell(SessionChanged("x", "public", 3, "live"), SessionChanged("x", "public", 4, "live"))
    assert bench.value("lotusx_websocket_losses_total", **group) == 1
    assert bench.value("lotusx_websocket_reconnects_total", **group) == 1


def test_streams_are_counted_by_fate_and_state_and_leave_nothing_behind(bench: Bench) -> None:
    where = {"exchange": "x", "channel": "trades"}
    bench.tell(stream(), stream(stream=2, waiting=5, lag_s=0.02, delivery_s=0.003))
    bench.tell(stream(delivered=9, waiting=0, received=11, state="lost"))
    assert bench.value("lotusx_stream_events_total", **where, fate="delivered") == 15
    assert bench.value("lotusx_stream_events_total", **where, fate="dropped") == 2
    assert bench.value("lotusx_stream_queue_depth", **where) == 5
    assert bench.value("lotusx_streams", **where, state="live") == 1
    assert bench.value("lotusx_streams", **where, state="lost") == 1
    assert bench.value("lotusx_stream_lag_seconds_bucket", **where, stage="received", le="0.025") == 1
    assert bench.value("lotusx_stream_lag_seconds_count", **where, stage="delivered") == 1
    bench.tell(stream(delivered=9, waiting=0, received=11, lag_s=-0.5))
    assert bench.value("lotusx_stream_lag_seconds_sum", **where, stage="received") == 0.02
    bench.tell(stream(delivered=9, waiting=0, received=11, closed=True), stream(stream=2, closed=True))
    assert bench.value("lotusx_stream_queue_depth", **where) == 0
    assert bench.value("lotusx_streams", **where, state="live") == 0


def test_changes_of_subscriptions_are_counted_by_state(bench: Bench) -> None:
    bench.tell(StreamChanged("x", "btc@trade", "lost", "gone", "trades"), ItemDropped("x", "btc@trade", "NaN"))
    assert bench.value("lotusx_stream_changes_total", exchange="x", channel="trades", state="lost") == 1
    assert bench.value("lotusx_messages_undecodable_total", exchange="x") == 1


def test_books_are_synced_or_stale_and_gone_when_closed(bench: Bench) -> None:
    where = {"exchange": "x", "symbol": str(BTC)}
    bench.tell(
        BookMeasured("x", BTC, True, 0.5, 0, 1),
        StreamChanged("x", f"book:{BTC}", "stale", "gap", "live_book"),
        BookMeasured("x", BTC, False, 2.5, 1, 2),
    )
    assert bench.value("lotusx_book_synced", **where) == 0
    assert bench.value("lotusx_book_age_seconds", **where) == 2.5
    assert bench.value("lotusx_book_resyncs_total", **where) == 1
    assert bench.value("lotusx_book_snapshots_total", **where) == 2
    assert bench.value("lotusx_book_stale_total", **where) == 1
    bench.tell(BookMeasured("x", BTC, False, None, 1, 2, closed=True))
    assert bench.value("lotusx_book_synced", **where) is None
    assert bench.value("lotusx_book_age_seconds", **where) is None


def test_orders_are_counted_by_outcome_and_timed(bench: Bench) -> None:
    bench.tell(
        OrderOutcome("x", "a", "accepted", (), "place", BTC, 0.2, 1),
        OrderOutcome("x", "b", "rejected", (), "place", BTC, 0.2, 2, "InsufficientFunds"),
        OrderOutcome("x", "left-over", "unknown", (), "cancel", BTC, 5_000.0, 0),
        OrderRefused("x", "place", BTC, "c", "OrderVetoed", "too much"),
        FillReported("x", Fill(BTC, "t1", "1", Side.BUY, D(1), D(1), 1)),
    )
    place = {"exchange": "x", "kind": "place"}
    assert bench.value("lotusx_orders_total", **place, outcome="accepted", error="none") == 1
    assert bench.value("lotusx_orders_total", **place, outcome="rejected", error="InsufficientFunds") == 1
    assert bench.value("lotusx_orders_total", **place, outcome="refused", error="OrderVetoed") == 1
    assert bench.value("lotusx_order_latency_seconds_count", **place) == 2
    assert bench.value("lotusx_order_latency_seconds_count", exchange="x", kind="cancel") is None
    assert bench.value("lotusx_fills_total", exchange="x") == 1


def test_limits_and_the_clock_are_of_an_account_and_gone_with_the_connection(registry: CollectorRegistry) -> None:
    bench = Bench(registry, "hedge")
    bench.tell(
        BudgetMeasured("x", "weight", "ip", 60.0, 30, 100, 1.5),
        ClockMeasured("x", -0.25, 0.01),
        ObserverFailed("x", "Audit", "OSError", switched_off=False),
        SessionChanged("x", "public", 1, "live"),
    )
    limit = {"exchange": "x", "account": "hedge", "pool": "weight", "scope": "ip", "window": "60s"}
    assert bench.value("lotusx_budget_used", **limit) == 30
    assert bench.value("lotusx_budget_limit", **limit) == 100
    assert bench.value("lotusx_budget_blocked_seconds", **limit) == 1.5
    assert bench.value("lotusx_clock_offset_seconds", exchange="x", account="hedge") == -0.25
    assert bench.value("lotusx_observer_failures_total", observer="Audit") == 1
    bench.observer.close()
    assert bench.value("lotusx_budget_used", **limit) is None
    assert bench.value("lotusx_clock_offset_seconds", exchange="x", account="hedge") is None
    assert bench.value("websocket_connection_status", exchange="x", group="public") == 0


def test_what_alerts_wait_for_begins_with_nought(bench: Bench) -> None:
    bench.tell(RequestFinished("x", "GET /a", 200, 0.1, 1), SessionChanged("x", "public", 1, "connecting"))
    assert bench.value("lotusx_orders_total", exchange="x", kind="place", outcome="unknown", error="none") == 0
    assert bench.value("lotusx_messages_undecodable_total", exchange="x") == 0
    assert bench.value("rate_limited_total", exchange="x", endpoint="GET /a") == 0
    assert bench.value("lotusx_websocket_losses_total", exchange="x", group="public") == 0


def test_what_a_later_core_tells_is_passed_over(bench: Bench) -> None:
    bench.tell(object())


def test_a_registry_has_its_metrics_once(registry: CollectorRegistry) -> None:
    assert metrics_of(registry, 5) is metrics_of(registry, 7)
    assert isinstance(metrics_of(CollectorRegistry(), 5), Metrics)
