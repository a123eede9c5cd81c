"""Spans and metrics of a connection to a simulated exchange: in memory, and sent to an OTLP receiver."""

from __future__ import annotations

import gzip
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import anyio
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

import lotusx
from lotusx.errors import ConfigurationError
from lotusx_opentelemetry.options import read
from lotusx_opentelemetry.plugin import OpenTelemetry
from lotusx_sim import BinanceSpot, Simulator, serve
from lotusx_sim.dialects.binance.spot import DEFAULT_KEY

KEY = {"api_key": DEFAULT_KEY.key, "api_secret": DEFAULT_KEY.verifier}

pytestmark = pytest.mark.anyio


class Collected:
    """Providers that keep everything in memory."""

    def __init__(self) -> None:
        self._spans = InMemorySpanExporter()
        self.tracers = TracerProvider(shutdown_on_exit=False)
        self.tracers.add_span_processor(SimpleSpanProcessor(self._spans))
        self._reader = InMemoryMetricReader()
        self.meters = MeterProvider([self._reader], shutdown_on_exit=False)
        self._points: dict[str, list[Any]] = {}
        self.tracer = self.tracers.get_tracer("the caller")

    def plugin(self) -> OpenTelemetry:
        return OpenTelemetry({"interval_s": 0.1}, tracers=self.tracers, meters=self.meters)

    def spans(self, name: str) -> list[ReadableSpan]:
        return [span for span in self._spans.get_finished_spans() if span.name == name]

    def span(self, name: str) -> ReadableSpan:
        (span,) = self.spans(name)
        return span

    def points(self, name: str) -> list[Any]:
        """Collect; return the points of a metric as they were when it was last told."""
        data = self._reader.get_metrics_data()
        if data is not None:
            for resource in data.resource_metrics:
                for scope in resource.scope_metrics:
                    self._points.update({metric.name: list(metric.data.data_points) for metric in scope.metrics})
        return self._points.get(name, [])

    def value(self, name: str, **labels: object) -> Any:
        wanted = {key.replace("_", "."): value for key, value in labels.items()}
        (point,) = [point for point in self.points(name) if wanted.items() <= dict(point.attributes).items()]
        return point.value


@asynccontextmanager
async def connected(sim: Simulator, *plugins: object, **more: Any) -> AsyncIterator[lotusx.Exchange]:
    async with (
        serve(sim) as server,
        lotusx.connect(
            "binance", environment="simulator", base_url=server.base_url, credentials=KEY, plugins=plugins, **more
        ) as exchange,
    ):
        yield exchange


@pytest.fixture
def collected() -> Collected:
    return Collected()


@pytest.fixture
def sim() -> Simulator:
    return Simulator(BinanceSpot(seed=7))


def limit(name: str) -> lotusx.OrderRequest:
    return lotusx.OrderRequest.limit("BTC/USDT", "buy", "0.001", "20000", client_order_id=name)


async def test_a_calls_span_is_below_the_callers_and_tells_its_attempts(collected: Collected, sim: Simulator) -> None:
    sim.refuse("GET", "/api/v3/time", status=503, times=1)
    async with connected(sim, collected.plugin()) as exchange:
        with collected.tracer.start_as_current_span("mine") as mine:
            await exchange.market.server_time()

    span = collected.span("GET /api/v3/time")
    assert span.parent is not None
    assert span.parent.span_id == mine.get_span_context().span_id
    assert span.attributes is not None
    assert {
        "lotusx.exchange": "binance", "lotusx.environment": "simulator", "http.request.method": "GET",
        "server.address": "127.0.0.1", "url.template": "/api/v3/time", "http.response.status_code": 200,
        "http.request.resend_count": 1,
    }.items() <= span.attributes.items()  # fmt: skip
    assert [event.name for event in span.events] == ["attempt", "retry", "attempt"]
    assert span.status.status_code is StatusCode.UNSET


async def test_a_call_that_fails_ends_its_span_with_the_error(collected: Collected, sim: Simulator) -> None:
    async with connected(sim, collected.plugin()) as exchange:
        with collected.tracer.start_as_current_span("mine") as mine, pytest.raises(lotusx.LotusXError):
            await exchange.trading.order("BTC/USDT", client_order_id="nobody")
        with collected.tracer.start_as_current_span("after") as after:
            pass
    span = collected.span("GET /api/v3/order")
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes is not None
    assert span.attributes["error.type"] == "OrderNotFound"
    assert after.parent is None  # type: ignore[attr-defined]  # an SDK span has it
    assert mine is not after


async def test_an_orders_life_is_a_span_with_its_commands_and_calls(collected: Collected, sim: Simulator) -> None:
    async with connected(sim, collected.plugin()) as exchange, exchange.account.stream_account():
        with collected.tracer.start_as_current_span("mine") as mine:
            await exchange.trading.place(limit("o-1"))
            await exchange.trading.cancel("BTC/USDT", client_order_id="o-1")
        with anyio.fail_after(30):
            while not collected.spans("order"):  # noqa: ASYNC110 - nothing says when
                await anyio.sleep(0.02)

    life, place, cancel = (collected.span(name) for name in ("order", "place order", "cancel order"))
    root = mine.get_span_context()
    assert life.parent is not None
    assert life.parent.span_id == root.span_id
    assert life.context is not None
    assert place.parent is not None
    assert place.parent.span_id == life.context.span_id
    assert cancel.parent is not None
    assert cancel.parent.span_id == root.span_id
    assert [link.context.span_id for link in cancel.links] == [life.context.span_id]
    sent = collected.span("POST /api/v3/order")
    assert sent.parent is not None
    assert place.context is not None
    assert sent.parent.span_id == place.context.span_id
    assert len({span.context.trace_id for span in (life, place, cancel, sent) if span.context is not None}) == 1
    assert place.attributes is not None
    assert place.attributes["lotusx.outcome"] == "accepted"
    assert life.attributes is not None
    assert life.attributes["lotusx.order.status"] == "canceled"


async def test_a_batch_does_not_nest_and_a_refusal_ends_the_orders_span(collected: Collected, sim: Simulator) -> None:
    async with connected(sim, collected.plugin()) as exchange:
        poor = lotusx.OrderRequest.limit("BTC/USDT", "buy", "90", "20000", client_order_id="b-2")
        await exchange.trading.place_batch_orders([limit("b-1"), poor], emulate=True)
    lives = {span.attributes["lotusx.client_order_id"]: span for span in collected.spans("order") if span.attributes}
    assert lives["b-2"].status.status_code is StatusCode.ERROR
    assert lives["b-1"].events[-1].name.startswith("no longer followed")
    assert lives["b-1"].parent is None
    assert lives["b-2"].parent is None


async def test_an_unknown_outcome_is_told_with_its_evidence(collected: Collected, sim: Simulator) -> None:
    sim.lose_reply_to("POST", "/api/v3/order")
    async with connected(sim, collected.plugin()) as exchange:
        await exchange.trading.place(limit("u-1"))
    place = collected.span("place order")
    evidence = [
        event.attributes["lotusx.evidence"] for event in place.events if event.attributes and event.name == "evidence"
    ]
    assert len(evidence) >= 2
    assert place.attributes is not None
    assert place.attributes["lotusx.outcome"] == "accepted"


async def test_requests_are_timed_by_the_conventions_with_their_spans_as_exemplars(
    collected: Collected, sim: Simulator
) -> None:
    async with connected(sim, collected.plugin()) as exchange:
        await exchange.trading.place(limit("e-1"))
    requests = [
        point for point in collected.points("http.client.request.duration")
        if point.attributes["url.template"] == "/api/v3/order"
    ]  # fmt: skip
    assert requests[0].attributes["http.response.status_code"] == 200
    assert requests[0].attributes["http.request.method"] == "POST"
    sent = collected.span("POST /api/v3/order").context
    assert sent is not None
    assert {exemplar.span_id for exemplar in requests[0].exemplars} == {sent.span_id}


async def test_streams_orders_limits_and_the_clock_are_measured(collected: Collected, sim: Simulator) -> None:
    async with connected(sim, collected.plugin()) as exchange, exchange.market.live_order_book("BTC/USDT"):
        await exchange.health_check()
        await exchange.trading.place(limit("m-1"))
        with anyio.fail_after(30):
            while not collected.points("lotusx.stream.lag") or not collected.points("lotusx.clock.offset"):  # noqa: ASYNC110
                await anyio.sleep(0.05)
        assert collected.value("lotusx.websocket.connections", lotusx_group="market") == 1
    assert collected.value("lotusx.websocket.connections", lotusx_group="market") == 0
    assert collected.value("lotusx.websocket.messages", lotusx_channel="book", network_io_direction="receive") > 0
    assert collected.value("lotusx.orders", lotusx_command="place", lotusx_outcome="accepted") == 1
    assert 0 < collected.value("lotusx.limit.used", lotusx_limit_pool="ip-weight") < 1


@contextmanager
def receiver() -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """Take what is sent by OTLP over HTTP; yield the address and, as they come, paths with bodies."""
    taken: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            taken.append((self.path, gzip.decompress(body) if self.headers["content-encoding"] == "gzip" else body))
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", taken
        finally:
            server.shutdown()
            thread.join()


async def test_a_table_in_the_configuration_sends_everything_to_a_receiver(tmp_path: Path, sim: Simulator) -> None:
    document = tmp_path / "lotusx.toml"
    with receiver() as (address, taken):
        document.write_text(f'[telemetry.opentelemetry]\nendpoint = "{address}"\nservice = "desk"\n', encoding="utf-8")
        async with connected(sim, config=document) as exchange:
            await exchange.trading.place(limit("r-1"))

    traces = [ExportTraceServiceRequest.FromString(body) for path, body in taken if path == "/v1/traces"]
    spans = {
        span.name
        for request in traces
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    }
    assert {"POST /api/v3/order", "place order", "order"} <= spans
    sent = [ExportMetricsServiceRequest.FromString(body) for path, body in taken if path == "/v1/metrics"]
    names = {
        metric.name
        for request in sent
        for resource in request.resource_metrics
        for scope in resource.scope_metrics
        for metric in scope.metrics
    }
    assert {"http.client.request.duration", "lotusx.orders"} <= names
    about = {
        attribute.key: attribute.value.string_value
        for request in traces
        for resource in request.resource_spans
        for attribute in resource.resource.attributes
    }
    assert about["service.name"] == "desk"
    assert DEFAULT_KEY.verifier.encode() not in b"".join(body for _, body in taken)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"endpiont": "x"}, "unknown key 'endpiont'; did you mean 'endpoint'"),
        ({"endpoint": "localhost:4318"}, "must begin with http"),
        ({"endpoint": ""}, "must be text"),
        ({"export_s": 0}, "at least 0.1"),
        ({"interval_s": True}, "must be a number"),
    ],
)
def test_an_option_that_cannot_be_is_refused(given: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        read(given)
