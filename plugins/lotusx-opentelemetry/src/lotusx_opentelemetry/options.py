"""What ``[telemetry.opentelemetry]`` may say."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from lotusx.errors import ConfigurationError

_WHERE = "telemetry.opentelemetry"


@dataclass(frozen=True, slots=True)
class Options:
    """Options of the plugin.

    Attributes:
        endpoint: Base address of an OTLP receiver over HTTP, such as ``http://127.0.0.1:4318``; ``None``: traces and
            metrics go where the application has told OpenTelemetry to send its own.
        service: The ``service.name`` of what is sent to *endpoint*.
        export_s: Seconds between two exports of metrics to *endpoint*.
        interval_s: Seconds between two measurements of streams, books, limits and the clock.
    """

    endpoint: str | None = None
    service: str = "lotusx"
    export_s: float = 15.0
    interval_s: float = 1.0


def read(given: Mapping[str, Any]) -> Options:
    """Check *given*.

    Raises:
        ConfigurationError: A key nobody knows, or a value of the wrong kind.
    """
    known = [field.name for field in fields(Options)]
    for key, value in given.items():
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise ConfigurationError(f"{_WHERE} has an unknown key {key!r}{hint} (known: {', '.join(known)})")
        if key in ("endpoint", "service"):
            if not isinstance(value, str) or not value.strip():
                raise ConfigurationError(f"{_WHERE}.{key} must be text, not {value!r}")
        elif isinstance(value, bool) or not isinstance(value, int | float) or value < 0.1:
            raise ConfigurationError(f"{_WHERE}.{key} must be a number of seconds, at least 0.1, not {value!r}")
    found = Options(**given)
    if found.endpoint is not None and not found.endpoint.startswith(("http://", "https://")):
        raise ConfigurationError(f"{_WHERE}.endpoint must begin with http:// or https://, not {found.endpoint!r}")
    return found
