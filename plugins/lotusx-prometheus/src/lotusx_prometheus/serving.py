"""Where metrics are seen: served at ``/metrics`` by prometheus-client's own server, or pushed to a gateway."""

from __future__ import annotations

import logging
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import anyio.to_thread
from prometheus_client import CollectorRegistry, Counter, push_to_gateway, start_http_server

from lotusx.errors import ConfigurationError
from lotusx_prometheus.options import Options

logger = logging.getLogger("lotusx.telemetry")

_PUSH_S = 1.5
"""How long one push may take: the last one is made while the connection closes."""


@dataclass(slots=True)
class _Served:
    server: Any
    thread: threading.Thread
    users: int


class Servers:
    """The servers of one registry. Connections that name the same address share one; the last to leave stops it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self._open: dict[tuple[str, int], _Served] = {}
        self._lock = threading.Lock()

    def enter(self, host: str, port: int) -> int:
        """Serve at *host* and *port* (0: a free one); return the port.

        Raises:
            ConfigurationError: The port cannot be had.
        """
        with self._lock:
            served = self._open.get((host, port))
            if served is None:
                try:
                    server, thread = start_http_server(port, addr=host, registry=self._registry)
                except OSError as error:
                    raise ConfigurationError(
                        f"metrics cannot be served at {host}:{port} ({error.strerror or error}); another port: "
                        "telemetry.prometheus.port"
                    ) from error
                served = self._open[host, port] = _Served(server, thread, 0)
                logger.info("metrics at http://%s:%d/metrics", host, served.server.server_port)
            served.users += 1
            return int(served.server.server_port)

    def leave(self, host: str, port: int) -> None:
        """Undo `enter`."""
        with self._lock:
            served = self._open[host, port]
            served.users -= 1
            if served.users:
                return
            del self._open[host, port]
        served.server.shutdown()
        served.server.server_close()
        served.thread.join()


@asynccontextmanager
async def serving(servers: Servers, options: Options) -> AsyncIterator[int | None]:
    """Serve ``/metrics`` meanwhile, where *options* say so; yield the port."""
    if options.port is None:
        yield None
        return
    port = await anyio.to_thread.run_sync(servers.enter, options.host, options.port)
    try:
        yield port
    finally:
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(servers.leave, options.host, options.port)


@asynccontextmanager
async def pushing(registry: CollectorRegistry, options: Options, failures: Counter) -> AsyncIterator[None]:
    """Push now and then, and once at the end, where *options* say so. A gateway that fails disturbs nothing."""
    if options.push is None:
        yield
        return
    gateway, failed = options.push, False

    def push() -> None:
        nonlocal failed
        try:
            push_to_gateway(gateway, options.job, registry, timeout=_PUSH_S)
        except OSError as error:
            failures.inc()
            if not failed:
                logger.warning("metrics cannot be pushed to %s: %s", gateway, error)
            failed = True
        else:
            if failed:
                logger.info("metrics are pushed to %s again", gateway)
            failed = False

    async def keep() -> None:
        while True:
            await anyio.sleep(options.push_s)
            await anyio.to_thread.run_sync(push, abandon_on_cancel=True)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(keep)
        yield
        tasks.cancel_scope.cancel()
    await anyio.to_thread.run_sync(push, abandon_on_cancel=True)
