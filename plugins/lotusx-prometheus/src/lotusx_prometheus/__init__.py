"""Prometheus metrics of LotusX connections. Enable it in ``lotusx.toml`` with ``[telemetry.prometheus]``."""
