"""The plugin: spans and metrics of one connection."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.metadata import version
from typing import Any

import anyio.to_thread
from opentelemetry import metrics, trace

from lotusx.plugin import hookimpl
from lotusx_opentelemetry.exporting import Providers, exporting
from lotusx_opentelemetry.observer import Observer
from lotusx_opentelemetry.options import read

_SCOPE = "lotusx"


class OpenTelemetry:
    """Traces and metrics of one connection.

    Args:
        options: Those of ``[telemetry.opentelemetry]``; see `lotusx_opentelemetry.options.Options`.
        tracers, meters: Where they go; ``None``: to ``options.endpoint``, else where the application's own go.

    Raises:
        ConfigurationError: An option nobody knows, or of the wrong kind.
    """

    def __init__(
        self,
        options: Mapping[str, Any] | None = None,
        *,
        tracers: trace.TracerProvider | None = None,
        meters: metrics.MeterProvider | None = None,
    ) -> None:
        self._options = read(options or {})
        self._own: Providers | None = None
        self._tracers = tracers
        self._meters = meters
        self._observers: list[Observer] = []

    @hookimpl
    def lotusx_observer(self, environment: str, account: str | None) -> Observer:
        """Return what makes spans and metrics of this connection."""
        if self._options.endpoint is not None and self._own is None:
            self._own = exporting(self._options)
        tracers, meters = self._tracers, self._meters
        if self._own is not None:
            tracers, meters = tracers or self._own.tracers, meters or self._own.meters
        release = version("lotusx-opentelemetry")
        observer = Observer(
            (tracers or trace.get_tracer_provider()).get_tracer(_SCOPE, release),
            (meters or metrics.get_meter_provider()).get_meter(_SCOPE, release),
            environment=environment,
            account=account,
            measure_s=self._options.interval_s,
        )
        self._observers.append(observer)
        return observer

    @hookimpl
    def lotusx_lifespan(self) -> AbstractAsyncContextManager[object]:
        """Send the last of it when the connection is closed."""
        return self._life()

    @asynccontextmanager
    async def _life(self) -> AsyncIterator[None]:
        try:
            yield
        finally:
            for observer in self._observers:
                observer.close()
            self._observers.clear()
            own, self._own = self._own, None
            if own is not None:
                await anyio.to_thread.run_sync(own.shutdown, abandon_on_cancel=True)
