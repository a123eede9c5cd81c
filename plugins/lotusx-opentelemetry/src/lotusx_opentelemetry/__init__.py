"""OpenTelemetry traces and metrics of LotusX connections; enable it with ``[telemetry.opentelemetry]``."""
