"""The benchmark's exchange in this process: whole paths through the public API, from bytes on, without sockets."""

from __future__ import annotations

import json
import time
from urllib.parse import urlsplit

import anyio
from wsproto.connection import Connection, ConnectionType

from bench.venues.binance import Exchange
from lotusx.kernel.transport import HttpRequest, HttpResponse, WsClosed, WsHandler
from lotusx.transport.frames import FrameReader

BURST = 100


class Http:
    """Answers at once."""

    def __init__(self, venue: Exchange) -> None:
        self._venue = venue

    async def send(self, request: HttpRequest, *, timeout_s: float) -> HttpResponse:
        parts = urlsplit(request.url)
        body = self._venue.reply(f"{parts.path}?{parts.query}", request.body)
        return HttpResponse(200, {"content-type": "application/json"}, body)

    async def aclose(self) -> None:
        """Nothing is held."""


class Socket:
    """One connection; `play` gives the client frames as if a socket had been read."""

    def __init__(self, handler: WsHandler, venue: Exchange) -> None:
        self.last_received_ns = time.monotonic_ns()
        self.handler = handler
        self.reader = FrameReader(Connection(ConnectionType.CLIENT), 1 << 24)
        self._venue = venue
        self._closed = anyio.Event()

    async def run(self) -> WsClosed:
        await self._closed.wait()
        return WsClosed(1000, "", True)

    async def send(self, text: str) -> None:
        replies, _ = self._venue.hear(json.loads(text))
        self.handler.on_messages(replies, time.time_ns())

    async def ping(self, payload: bytes = b"") -> None:
        """Nobody answers; every message is life."""

    async def close(self, code: int = 1000, reason: str = "") -> None:
        self._closed.set()

    def pause_reading(self) -> None:
        """`play` is called by whoever reads."""

    def resume_reading(self) -> None:
        """`play` is called by whoever reads."""

    def play(self, read: bytes) -> None:
        """Deliver what one read of a socket would bring."""
        self.last_received_ns = time.monotonic_ns()
        self.handler.on_messages(self.reader.feed(read), time.time_ns())


class Ws:
    """Opens such connections."""

    def __init__(self, venue: Exchange) -> None:
        self._venue = venue
        self.sockets: list[Socket] = []

    async def connect(
        self,
        url: str,
        handler: WsHandler,
        *,
        headers: tuple[tuple[str, str], ...] = (),
        timeout_s: float = 10.0,
        max_message_bytes: int = 1 << 24,
        compression: bool = False,
    ) -> Socket:
        self.sockets.append(Socket(handler, self._venue))
        return self.sockets[-1]

    async def aclose(self) -> None:
        """Nothing is held."""
