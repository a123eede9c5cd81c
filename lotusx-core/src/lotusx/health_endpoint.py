"""Readiness and liveness for supervisors: a small HTTP server over health checks.

``GET /live``: 200 while the event loop answers. ``GET /ready``: 200 while every connection is healthy, else 503.
``GET /health``: the reports, as JSON, with the status of ``/ready``. Nothing of a request reaches an exchange: checks
are made in the background, and a stale result counts as none.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import anyio
import anyio.abc

from lotusx.health import Checked, HealthReport, check_all

MOST_CLIENTS = 16
"""Clients served at once; more are turned away."""
_MOST_BYTES = 8_192
_CLIENT_S = 5.0
_STALE_AFTER = 3
"""Rounds without a result after which the last one counts no more."""
_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 503: "Service Unavailable"}


class HealthEndpoint:
    """Answers what the last checks have found.

    Attributes:
        port: Where it listens.
        reports: The newest; empty: none was made yet.
    """

    def __init__(self, exchanges: Sequence[Checked], every_s: float, timeout_s: float) -> None:
        self.port = 0
        self.reports: tuple[HealthReport, ...] = ()
        self._exchanges = tuple(exchanges)
        self._every_s = every_s
        self._timeout_s = timeout_s
        self._checked_s = float("-inf")
        self._clients = 0

    @property
    def ready(self) -> bool:
        """Whether every connection was healthy, not long ago."""
        age_s = anyio.current_time() - self._checked_s
        fresh = age_s <= _STALE_AFTER * self._every_s + self._timeout_s
        return fresh and all(report.healthy for report in self.reports)

    async def check(self) -> None:
        """Check now."""
        self.reports = await check_all(self._exchanges, timeout_s=self._timeout_s)
        self._checked_s = anyio.current_time()

    async def keep_checking(self) -> None:
        """Check again and again, until cancelled."""
        while True:
            await self.check()
            await anyio.sleep(self._every_s)

    async def serve(self, client: anyio.abc.SocketStream) -> None:
        """Answer one request of *client*, and let it go."""
        async with client:
            if self._clients >= MOST_CLIENTS:
                return
            self._clients += 1
            try:
                with anyio.move_on_after(_CLIENT_S):
                    status, content = self._answer(await _request_line(client))
                    await client.send(_response(status, content))
            except (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream):
                return  # it has left before its answer
            finally:
                self._clients -= 1

    def _answer(self, line: bytes) -> tuple[int, dict[str, Any]]:
        parts = line.split(b" ")
        if len(parts) != 3 or not parts[2].startswith(b"HTTP/1."):
            return 400, {"error": "not an HTTP request"}
        if parts[0] != b"GET":
            return 405, {"error": "only GET"}
        path, ready = parts[1].partition(b"?")[0], self.ready
        if path == b"/live":
            return 200, {"live": True}
        if path == b"/ready":
            return (200 if ready else 503), {"ready": ready}
        if path == b"/health":
            return (200 if ready else 503), {"ready": ready, "reports": [each.as_dict() for each in self.reports]}
        return 404, {"error": "there are /live, /ready and /health"}


@asynccontextmanager
async def serve_health(
    exchanges: Sequence[Checked],
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    every_s: float = 15.0,
    timeout_s: float = 15.0,
) -> AsyncIterator[HealthEndpoint]:
    """Serve the health of *exchanges* for as long as the block runs; they must stay open meanwhile.

    Args:
        host: Where to listen; anybody who can reach it may read names of exchanges and accounts.
        port: 0: one that is free; the endpoint says which.
        every_s: Between two checks; each sends a few requests.
        timeout_s: How long an exchange has to answer.

    Raises:
        OSError: Nothing can listen there.
    """
    endpoint = HealthEndpoint(exchanges, every_s, timeout_s)
    async with await anyio.create_tcp_listener(local_host=host, local_port=port) as listener:
        endpoint.port = listener.extra(anyio.abc.SocketAttribute.local_port)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(endpoint.keep_checking)
            tasks.start_soon(listener.serve, endpoint.serve)
            yield endpoint
            tasks.cancel_scope.cancel()


async def _request_line(client: anyio.abc.SocketStream) -> bytes:
    """Read the head of a request, as far as it is worth; return its first line."""
    head = b""
    while b"\r\n\r\n" not in head and len(head) < _MOST_BYTES:
        head += await client.receive()
    return head.partition(b"\r\n")[0]


def _response(status: int, content: dict[str, Any]) -> bytes:
    body = json.dumps(content).encode()
    head = (
        f"HTTP/1.1 {status} {_REASONS[status]}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n"
        "cache-control: no-store\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body
