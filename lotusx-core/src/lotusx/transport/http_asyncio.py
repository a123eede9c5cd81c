"""An HTTP connection fed by the event loop's callbacks, on asyncio and uvloop.

A stream would cost three turns of the loop for each request; this costs two.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import cast

import anyio

from lotusx.errors import LotusXError
from lotusx.transport.dialling import connected_socket
from lotusx.transport.http1 import ReplyReader


class AsyncioLine(asyncio.Protocol):
    """One connection, and at most one request on it. See `lotusx.transport.lean_http.Line`."""

    def __init__(self) -> None:
        self._lost = asyncio.Event()
        self._reader: ReplyReader | None = None
        self._replied: asyncio.Future[bool] | None = None
        self._spoiled = False
        self._loop = asyncio.get_running_loop()
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._rings_at = 0.0

    @classmethod
    async def connect(cls, host: str, port: int, tls: ssl.SSLContext | None) -> AsyncioLine:
        """Connect to a server, with TLS if there is a context.

        Raises:
            OSError: There is no connection.
        """
        loop = asyncio.get_running_loop()
        sock = await connected_socket(host, port)
        try:
            _, line = await loop.create_connection(
                cls, sock=sock, ssl=tls, server_hostname=host if tls is not None else None
            )
        except BaseException:
            if not isinstance(loop, asyncio.BaseEventLoop):
                sock.detach()  # uvloop has closed the descriptor and not told the object
            raise
        return line

    def fileno(self) -> int:
        """Return the descriptor, below 0 when it is gone."""
        if self._spoiled or self._lost.is_set() or self._transport.is_closing():
            return -1
        return cast("socket.socket", self._transport.get_extra_info("socket")).fileno()

    async def exchange(self, data: bytes, reader: ReplyReader, deadline: float) -> bool:
        """Write a request, and feed *reader* until its reply is complete: as in `lotusx.transport.lean_http.Line`."""
        if self._lost.is_set():
            raise anyio.EndOfStream
        self._reader = reader
        replied: asyncio.Future[bool] = self._loop.create_future()
        self._replied = replied
        self._deadline = deadline
        if self._timer is None or deadline < self._rings_at:
            self._ring_at(deadline)
        self._transport.write(data)
        try:
            return await replied
        finally:
            self._reader = self._replied = None

    async def abort(self) -> None:
        """Close at once."""
        self._transport.abort()
        with anyio.CancelScope(shield=True):
            await self._lost.wait()

    def _ring_at(self, when: float) -> None:
        """Look at the deadline then. One timer goes on over many requests: most are answered long before."""
        if self._timer is not None:
            self._timer.cancel()
        self._rings_at = when
        self._timer = self._loop.call_at(when, self._rung)

    def _rung(self) -> None:
        self._timer = None
        if self._replied is None or self._replied.done():
            return
        if self._loop.time() < self._deadline:
            self._ring_at(self._deadline)
        else:
            self._replied.set_result(False)

    # ------------------------------------------------------------------------------------------- the loop's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")

    def data_received(self, data: bytes) -> None:
        reader, replied = self._reader, self._replied
        if reader is None or replied is None or replied.done():
            self._spoiled = True  # nobody asked for it
            return
        try:
            if reader.feed(data):
                replied.set_result(True)
        except LotusXError as error:
            replied.set_exception(error)

    def eof_received(self) -> None:
        self._end(anyio.EndOfStream())

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost.set()
        if self._timer is not None:
            self._timer.cancel()
        if exc is None:
            self._end(anyio.EndOfStream())
        elif isinstance(exc, OSError):
            self._end(exc)
        else:
            broken = anyio.BrokenResourceError(str(exc))
            broken.__cause__ = exc
            self._end(broken)

    def _end(self, error: Exception) -> None:
        if self._replied is not None and not self._replied.done():
            self._replied.set_exception(error)
