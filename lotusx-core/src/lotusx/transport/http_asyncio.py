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
        self._replied: asyncio.Future[None] | None = None
        self._spoiled = False

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

    async def exchange(self, data: bytes, reader: ReplyReader) -> None:
        """Write a request, and feed *reader* until its reply is complete.

        Raises:
            EndOfStream, BrokenResourceError, OSError: The connection ended before.
            MalformedReply: What came is no reply.
        """
        if self._lost.is_set():
            raise anyio.EndOfStream
        self._reader = reader
        replied = self._replied = asyncio.get_running_loop().create_future()
        self._transport.write(data)
        try:
            await replied
        finally:
            self._reader = self._replied = None

    async def abort(self) -> None:
        """Close at once."""
        self._transport.abort()
        with anyio.CancelScope(shield=True):
            await self._lost.wait()

    # ------------------------------------------------------------------------------------------- the loop's callbacks

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        reader, replied = self._reader, self._replied
        if reader is None or replied is None or replied.done():
            self._spoiled = True  # nobody asked for it
            return
        try:
            if reader.feed(data):
                replied.set_result(None)
        except LotusXError as error:
            replied.set_exception(error)

    def eof_received(self) -> None:
        self._end(anyio.EndOfStream())

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost.set()
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
