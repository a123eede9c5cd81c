"""Providers of our own, which send to an OTLP receiver. Needs the extra ``otlp``."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass

from opentelemetry.metrics import MeterProvider as AnyMeterProvider
from opentelemetry.trace import TracerProvider as AnyTracerProvider

from lotusx.errors import ConfigurationError
from lotusx_opentelemetry.options import Options

_SEND_S = 5


@dataclass(frozen=True, slots=True)
class Providers:
    """Where spans and metrics go; ``shutdown`` sends the last of them and blocks meanwhile."""

    tracers: AnyTracerProvider
    meters: AnyMeterProvider
    shutdown: Callable[[], None]


def exporting(options: Options) -> Providers:
    """Make providers that send to ``options.endpoint``.

    Raises:
        ConfigurationError: The packages for it are not installed.
    """
    try:
        from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.metrics import MeterProvider
        from opentelemetry.sdk.metrics.export import PeriodicExportingMetricReader
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise ConfigurationError(
            'telemetry.opentelemetry.endpoint needs more: pip install "lotusx-opentelemetry[otlp]"'
        ) from error
    assert options.endpoint is not None
    base = options.endpoint.rstrip("/")
    resource = Resource.create({"service.name": options.service, "service.instance.id": str(uuid.uuid4())})
    tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
    tracers.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{base}/v1/traces", timeout=_SEND_S)))
    reader = PeriodicExportingMetricReader(
        OTLPMetricExporter(f"{base}/v1/metrics", timeout=_SEND_S), export_interval_millis=options.export_s * 1e3
    )
    meters = MeterProvider([reader], resource=resource, shutdown_on_exit=False)

    def shutdown() -> None:
        tracers.shutdown()
        meters.shutdown()

    return Providers(tracers, meters, shutdown)
