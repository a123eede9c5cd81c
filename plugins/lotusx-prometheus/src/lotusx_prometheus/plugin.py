"""The plugin: an observer that keeps metrics, and what shows them while a connection is open."""

from __future__ import annotations

import threading
import weakref
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from prometheus_client import REGISTRY, CollectorRegistry

from lotusx.plugin import hookimpl
from lotusx_prometheus.metrics import metrics_of
from lotusx_prometheus.observer import MetricsObserver
from lotusx_prometheus.options import read
from lotusx_prometheus.serving import Servers, pushing, serving

_servers: weakref.WeakKeyDictionary[CollectorRegistry, Servers] = weakref.WeakKeyDictionary()
_lock = threading.Lock()


class Prometheus:
    """Metrics of one connection, in the process's registry (or another), among those of all others.

    Args:
        options: Those of ``[telemetry.prometheus]``; see `lotusx_prometheus.options.Options`.
        registry: Where the metrics are kept.

    Attributes:
        port: Where they are served while the connection is open; ``None``: they are not.

    Raises:
        ConfigurationError: An option nobody knows, or of the wrong kind.
    """

    def __init__(self, options: Mapping[str, Any] | None = None, *, registry: CollectorRegistry = REGISTRY) -> None:
        self._options = read(options or {})
        self._registry = registry
        self._metrics = metrics_of(registry, self._options.most_values)
        self._observers: list[MetricsObserver] = []
        self.port: int | None = None

    @hookimpl
    def lotusx_observer(self, exchange: str, account: str | None) -> MetricsObserver:
        """Return what keeps the metrics of this connection."""
        observer = MetricsObserver(self._metrics, exchange, account, self._options.interval_s)
        self._observers.append(observer)
        return observer

    @hookimpl
    def lotusx_lifespan(self) -> AbstractAsyncContextManager[object]:
        """Serve and push while the connection is open, as the options say."""
        return self._life()

    @asynccontextmanager
    async def _life(self) -> AsyncIterator[None]:
        with _lock:
            servers = _servers.get(self._registry)
            if servers is None:
                servers = _servers[self._registry] = Servers(self._registry)
        try:
            async with (
                serving(servers, self._options) as self.port,
                pushing(self._registry, self._options, self._metrics.push_failures),
            ):
                yield
        finally:
            self.port = None
            for observer in self._observers:
                observer.close()
            self._observers.clear()
