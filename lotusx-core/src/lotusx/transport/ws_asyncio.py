"""A WebSocket fed by the event loop's callbacks, on asyncio and uvloop."""

from __future__ import annotations

import asyncio
import ssl
from typing import cast

import anyio

from lotusx.kernel.transport import WsClosed
from lotusx.transport.dialling import connected_socket
from lotusx.transport.ws_socket import CLOSE_S, HIGH_WATER_BYTES, Socket, words_of
from lotusx.transport.ws_tls import ClientTls
from lotusx.transport.ws_urls import Proxy, WsUrl


class AsyncioSocket(Socket, asyncio.BufferedProtocol):
    """Fed by the event loop's callbacks.

    It reads into one buffer: asyncio would allocate 256 KB for every read, which costs more than the frames. TLS is
    done here too.
    """

    _tls: ClientTls | None = None
    _distrust: ssl.SSLError | None = None  # why there is no TLS
    _transport: asyncio.Transport | None = None
    _established = False
    _abort_timer: asyncio.TimerHandle | None = None
    _greedy = False  # whether the loop goes on reading before any task runs

    async def open(self, url: WsUrl, proxy: Proxy | None, tls: ssl.SSLContext | None) -> None:
        del proxy
        self._loop = loop = asyncio.get_running_loop()
        self._greedy = not isinstance(loop, asyncio.BaseEventLoop)
        self._shaken = asyncio.Event()
        self._lost = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        if tls is not None:
            try:
                self._tls = ClientTls(tls, url.host)
            except ValueError:
                raise OSError(f"{url.host!r} cannot be the name of a host") from None
        sock = await connected_socket(url.host, url.port)
        try:
            await loop.create_connection(lambda: self, sock=sock)
        except BaseException:
            if not isinstance(loop, asyncio.BaseEventLoop):
                # uvloop 0.22 has closed the descriptor and not told the object, which would close it once more, whoever
                # has that number by then.
                sock.detach()
            raise
        self._established = True
        self._write(self._handshake.request)
        await self._shaken.wait()
        if self._distrust is not None:
            raise self._distrust

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=HIGH_WATER_BYTES)
        if self._tls is not None:
            self._tls.start()
            self._write_owed(self._tls)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        tls = self._tls
        data = bytes(self._buffer[:nbytes]) if tls is None else self._decrypted(tls, self._buffer[:nbytes])
        self.last_received_ns = self._monotonic_ns()
        if self._running:
            if data and self._closed is None:
                self._take(data)
        elif data:
            self._handshake.feed(data)
            if self._handshake.finished:
                self._to_transport.pause_reading()  # until `run`
                self._shaken.set()
        if tls is not None and tls.ended:
            self.eof_received()
        elif self._greedy and nbytes == len(self._buffer) and self._running and not self._paused:
            # libuv would read up to 32 buffers in a row: more than readers may have waiting.
            self._to_transport.pause_reading()
            self._loop.call_soon(self._set_reading)

    def _decrypted(self, tls: ClientTls, data: memoryview) -> bytes:
        try:
            return tls.feed(data)
        except ssl.SSLError as error:
            if not tls.shaken:
                self._distrust = error
                self._shaken.set()
            self._broke(words_of(error))
            self._shut()
            return b""
        finally:
            self._write_owed(tls)

    def _write_owed(self, tls: ClientTls) -> None:
        if (owed := tls.owed()) and not self._to_transport.is_closing():
            self._to_transport.write(owed)

    def eof_received(self) -> None:
        self._broke("the peer ended the stream")
        self._shut()

    def connection_lost(self, exc: Exception | None) -> None:
        self._broke("the peer ended the stream" if exc is None else words_of(exc))
        self._registry.discard(self)
        self._handshake.end()
        self._shaken.set()
        self._writable.set()
        if self._abort_timer is not None:
            self._abort_timer.cancel()
        self._lost.set()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    async def run(self) -> WsClosed:
        try:
            self._running = True
            if self._handshake.rest and self._closed is None:
                self._take(self._handshake.rest)
            self._set_reading()
            await self._lost.wait()
        finally:
            await self.abort()
        return self._result()

    async def abort(self) -> None:
        # A cancelled create_connection has closed the transport itself, and uvloop then tells nobody.
        if self._established:
            self._to_transport.abort()
            with anyio.CancelScope(shield=True):
                await self._lost.wait()

    @property
    def _to_transport(self) -> asyncio.Transport:
        return cast("asyncio.Transport", self._transport)

    async def _flushed(self) -> None:
        await asyncio.sleep(0)  # uvloop writes, and asks for a pause, only once it runs again
        await self._writable.wait()

    async def _gone(self) -> None:
        await self._lost.wait()

    def _write(self, data: bytes) -> None:
        if self._tls is not None:
            self._tls.write(data)
            data = self._tls.owed()
        self._to_transport.write(data)

    def _congested(self) -> bool:
        waiting = self._to_transport.get_write_buffer_size() + (self._tls.unwritten if self._tls is not None else 0)
        return not self._writable.is_set() or waiting > HIGH_WATER_BYTES

    def _shut(self) -> None:
        if self._tls is not None:
            self._tls.end()
            self._write_owed(self._tls)
        self._to_transport.close()
        if self._abort_timer is None:
            self._abort_timer = self._loop.call_later(CLOSE_S, self._to_transport.abort)

    def _set_reading(self) -> None:
        if self._running and not self._to_transport.is_closing():
            if self._paused:
                self._to_transport.pause_reading()
            else:
                self._to_transport.resume_reading()
