"""WebSockets over wsproto: fed by callbacks on asyncio (and uvloop), by an anyio stream on trio and through a proxy.

One socket object does the protocol; how bytes travel is left to two small subclasses. On asyncio the handler is called
from the read callback itself: waiting for each read in a coroutine costs twice as much per message
(docs/decisions/0003-websocket-transport.md).
"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

import anyio

from lotusx.errors import ConnectionFailed, RequestTimeout
from lotusx.kernel.clock import Clock
from lotusx.kernel.transport import WsConnection, WsHandler
from lotusx.transport.clock import SystemClock
from lotusx.transport.dialling import on_asyncio
from lotusx.transport.ws_urls import READ_BYTES, parse_proxy_url, parse_ws_url

if TYPE_CHECKING:
    from lotusx.transport.ws_socket import Socket


class WsprotoTransport:
    """Opens WebSockets with wsproto as the engine; works on asyncio, uvloop and trio.

    Args:
        ssl_context: For ``wss://``; by default `ssl.create_default_context`, made when first needed.
        proxy: ``http://[user:password@]host:port`` of a proxy that understands CONNECT; such connections
            use the anyio stream.
        clock: Stamps what is received; by default the machine's.
    """

    def __init__(
        self,
        *,
        ssl_context: ssl.SSLContext | None = None,
        proxy: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._ssl_context = ssl_context
        self._proxy = parse_proxy_url(proxy) if proxy is not None else None
        self._clock = clock or SystemClock()
        self._open: set[Socket] = set()
        self._buffer = memoryview(bytearray(READ_BYTES))

    async def connect(
        self,
        url: str,
        handler: WsHandler,
        *,
        headers: tuple[tuple[str, str], ...] = (),
        timeout_s: float = 10.0,
        max_message_bytes: int = 16 * 1024 * 1024,
        compression: bool = False,
    ) -> WsConnection:
        """Connect and shake hands within *timeout_s*. See `lotusx.kernel.transport.WsTransport`."""
        # who asks for no stream does without wsproto and h11: 18 of 260 ms of the start
        from lotusx.transport.handshake import ClientHandshake
        from lotusx.transport.ws_asyncio import AsyncioSocket
        from lotusx.transport.ws_stream import StreamSocket

        where = parse_ws_url(url)
        handshake = ClientHandshake(where, headers, compression=compression, now_s=self._clock.now_ns() / 1e9)
        kind = AsyncioSocket if self._proxy is None and on_asyncio() else StreamSocket
        connection = kind(handler, handshake, max_message_bytes, self._open, self._clock, self._buffer)
        try:
            with anyio.move_on_after(timeout_s) as deadline:
                try:
                    await connection.open(where, self._proxy, self._tls() if where.secure else None)
                except OSError as error:
                    raise ConnectionFailed(
                        f"{where.authority}: {str(error) or type(error).__name__}", sent=False
                    ) from error
            if handshake.error is not None:
                raise handshake.error
            if deadline.cancelled_caught:
                raise RequestTimeout(f"{where.authority}: no WebSocket within {timeout_s:g} s", sent=False)
        except BaseException:
            await connection.abort()
            raise
        connection.begin()
        return connection

    async def aclose(self) -> None:
        """Say goodbye on all connections that are still open."""
        async with anyio.create_task_group() as tasks:
            for connection in tuple(self._open):
                tasks.start_soon(connection.close, 1001)

    def _tls(self) -> ssl.SSLContext:
        if self._ssl_context is None:
            self._ssl_context = ssl.create_default_context()
        return self._ssl_context
