"""What single events become, without a connection."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal as D
from typing import Any

import pytest
from opentelemetry import context as contexts
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from lotusx.model import Fill, OrderRequest, Side, Symbol
from lotusx.plugin import (
    BudgetWait,
    CallFinished,
    CallStarted,
    FillReported,
    OrderAnswered,
    OrderOutcome,
    OrderRefused,
    OrderSent,
    RequestFinished,
    SessionChanged,
)
from lotusx_opentelemetry import meters, orders
from lotusx_opentelemetry.observer import Observer

BTC = Symbol("BTC", "USDT")


class Bench:
    """An observer, and what came of it."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        tracers = TracerProvider(shutdown_on_exit=False)
        tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self._reader = InMemoryMetricReader()
        provider = MeterProvider([self._reader], shutdown_on_exit=False)
        self.observer = Observer(
            tracers.get_tracer("t"), provider.get_meter("t"), environment="live", account="hedge", measure_s=1.0
        )

    def tell(self, *events: Any) -> None:
        for event in events:
            self.observer(event)

    def spans(self) -> dict[str, ReadableSpan]:
        return {span.name: span for span in self._spans.get_finished_spans()}

    def attributes(self, metric_name: str) -> list[dict[str, Any]]:
        data = self._reader.get_metrics_data()
        assert data is not None
        return [
            dict(point.attributes or {})
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == metric_name
            for point in metric.data.data_points
        ]


@pytest.fixture
def bench() -> Iterator[Bench]:
    token = contexts.attach(contexts.Context())  # what a test leaves current ends with it
    yield Bench()
    contexts.detach(token)


def sent(command: int, name: str = "a-1", kind: str = "place", together: int = 1) -> OrderSent:
    request = OrderRequest.limit(BTC, "buy", "1", "100", client_order_id=name)
    return OrderSent("x", command, kind, BTC, name, 1, request, together=together)


def outcome(command: int, what: str, name: str = "a-1", kind: str = "place", error: str = "") -> OrderOutcome:
    return OrderOutcome("x", name, what, ("looked",), kind, BTC, 1.0, command, error)


def test_a_request_over_a_websocket_is_a_span_of_its_own_and_waits_are_events(bench: Bench) -> None:
    bench.tell(CallStarted("x", "trade", 1), BudgetWait("x", "trade", "orders", 2.0, 1))
    bench.tell(CallFinished("x", "trade", 1, 2.1), CallFinished("x", "trade", 7, 2.1), object())

    span = bench.spans()["trade request"]
    assert span.attributes is not None
    assert span.attributes["network.protocol.name"] == "websocket"
    assert span.attributes["lotusx.account"] == "hedge"
    assert [event.name for event in span.events] == ["limit wait"]


def test_attempts_of_a_call_nobody_has_seen_begin_are_measured_all_the_same(bench: Bench) -> None:
    bench.tell(RequestFinished("x", "GET /a", 0, 1.0, 1, "RequestTimeout", call=9))
    (about,) = bench.attributes("http.client.request.duration")
    assert about["error.type"] == "RequestTimeout"


def test_endless_addresses_are_told_as_other(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(meters, "MOST_NAMES", 2)
    for number in range(5):
        bench.tell(CallStarted("x", "GET", number, "GET", f"https://x.test/{number}"))
        bench.tell(RequestFinished("x", "GET", 200, 0.1, 1, call=number), CallFinished("x", "GET", number, 0.1))
    found = {about["url.template"] for about in bench.attributes("http.client.request.duration")}
    assert found == {"/0", "/1", "other"}


def test_commands_that_go_together_are_not_below_one_another(bench: Bench) -> None:
    bench.tell(sent(1, "b-1", together=2), sent(2, "b-2", together=2))
    bench.tell(OrderAnswered("x", 1, 0.1), OrderAnswered("x", 2, 0.1, "InvalidOrder"))
    bench.tell(outcome(1, "accepted", "b-1"), outcome(2, "rejected", "b-2", error="InvalidOrder"))
    bench.observer.close()
    lives = [span for span in bench._spans.get_finished_spans() if span.name == "order"]
    assert [life.parent for life in lives] == [None, None]
    assert {life.status.status_code for life in lives} == {StatusCode.ERROR, StatusCode.UNSET}


def test_what_is_decided_later_is_a_span_linked_to_the_one_that_ended_unknown(bench: Bench) -> None:
    bench.tell(sent(1), OrderAnswered("x", 1, 0.1, "RequestTimeout"), outcome(1, "unknown"))
    unknown = bench.spans()["place order"]
    assert unknown.status.status_code is StatusCode.ERROR
    assert "order" not in bench.spans()

    bench.tell(FillReported("x", Fill(BTC, "t1", "1", Side.BUY, D(100), D(1), 1, client_order_id="a-1")))
    bench.tell(outcome(1, "rejected", error="OrderLost"))
    decided = bench.spans()["place order decided"]
    assert unknown.context is not None
    assert [link.context.span_id for link in decided.links] == [unknown.context.span_id]
    assert [event.name for event in bench.spans()["order"].events] == ["unknown", "fill", "rejected"]


def test_no_more_orders_are_followed_than_there_is_room_for(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orders, "MOST_ORDERS", 1)
    bench.tell(sent(1, "a-1"), OrderAnswered("x", 1, 0.1), outcome(1, "unknown", "a-1"))
    bench.tell(sent(2, "a-2"), OrderAnswered("x", 2, 0.1), outcome(2, "unknown", "a-2"))
    life = bench.spans()["order"]
    assert life.attributes is not None
    assert life.attributes["lotusx.client_order_id"] == "a-1"
    assert "more than 1 orders" in life.events[-1].name


def test_what_is_open_when_the_connection_closes_is_ended(bench: Bench) -> None:
    bench.tell(
        CallStarted("x", "GET /a", 1, "GET", "http://x.test/a"), sent(2), SessionChanged("x", "public", 1, "lost")
    )
    bench.tell(OrderAnswered("x", 99, 0.1), OrderRefused("x", "place", BTC, "c", "OrderVetoed", "too much"))
    bench.observer.close()
    assert {"GET /a", "place order", "order"} <= set(bench.spans())
    assert [about["error.type"] for about in bench.attributes("lotusx.orders")] == ["OrderVetoed"]
    assert [about["lotusx.group"] for about in bench.attributes("lotusx.websocket.losses")] == ["public"]
