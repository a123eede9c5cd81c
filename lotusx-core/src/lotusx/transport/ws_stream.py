"""A WebSocket pumped through an anyio byte stream: on trio, and wherever a proxy stands between."""

from __future__ import annotations

import contextlib
import ssl

import anyio
import anyio.abc
from anyio.streams.tls import TLSStream

from lotusx.kernel.transport import WsClosed
from lotusx.transport.ws_socket import CLOSE_S, HIGH_WATER_BYTES, Socket, words_of
from lotusx.transport.ws_urls import READ_BYTES, Proxy, WsUrl

_BROKEN = (anyio.BrokenResourceError, anyio.ClosedResourceError, ssl.SSLError)


class StreamSocket(Socket):
    """Pumped through an anyio byte stream: on trio, and wherever a proxy stands between."""

    _tcp: anyio.abc.ByteStream | None = None
    _stream: anyio.abc.ByteStream

    async def open(self, url: WsUrl, proxy: Proxy | None, tls: ssl.SSLContext | None) -> None:
        self._outgoing = bytearray()
        self._in_flight = 0
        self._wrote = anyio.Event()  # replaced after each write
        self._to_write = anyio.Event()
        self._readable = anyio.Event()
        self._readable.set()
        self._reading = anyio.CancelScope()
        self._lost = anyio.Event()
        self._tcp = self._stream = await anyio.connect_tcp(
            *((proxy.host, proxy.port) if proxy else (url.host, url.port))
        )
        try:
            if proxy is not None:
                await self._stream.send(proxy.connect_request(url))
                answer = bytearray()
                while not proxy.agreed(bytes(answer)):
                    answer += await self._stream.receive(READ_BYTES)
            if tls is not None:
                self._stream = await TLSStream.wrap(
                    self._tcp, hostname=url.host, ssl_context=tls, standard_compatible=False
                )
            await self._stream.send(self._handshake.request)
            while not self._handshake.finished:
                self._handshake.feed(await self._stream.receive(READ_BYTES))
        except anyio.EndOfStream:
            self._handshake.end()
        except anyio.BrokenResourceError as error:
            raise ConnectionResetError(words_of(error)) from error

    async def run(self) -> WsClosed:
        try:
            self._running = True
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._write_on, tasks.cancel_scope)
                with self._reading:
                    await self._read_on()
                with anyio.move_on_after(CLOSE_S):
                    await self._written(0)
                tasks.cancel_scope.cancel()
        finally:
            await self.abort()
        return self._result()

    async def _read_on(self) -> None:
        data = self._handshake.rest
        while self._closed is None:
            while self._paused and self._closed is None:
                await self._readable.wait()
            if data:
                self._take(data)
            try:
                data = await self._stream.receive(READ_BYTES)
            except anyio.EndOfStream:
                self._broke("the peer ended the stream")
            except _BROKEN as error:
                self._broke(words_of(error))
                self._outgoing.clear()
            self.last_received_ns = self._monotonic_ns()

    async def _write_on(self, everything: anyio.CancelScope) -> None:
        while True:
            await self._to_write.wait()
            data = bytes(self._outgoing)
            self._outgoing.clear()
            self._in_flight = len(data)
            try:
                await self._stream.send(data)
            except _BROKEN as error:
                self._broke(words_of(error))
                everything.cancel()
                return
            self._in_flight = 0
            if not self._outgoing:
                self._to_write = anyio.Event()
            self._tell_waiters()

    async def _written(self, all_but: int) -> None:
        while len(self._outgoing) + self._in_flight > all_but and not self._lost.is_set():
            await self._wrote.wait()

    def _tell_waiters(self) -> None:
        self._wrote.set()
        self._wrote = anyio.Event()

    async def abort(self) -> None:
        if self._tcp is not None:
            self._broke("closed")
            self._registry.discard(self)
            with anyio.CancelScope(shield=True):
                await anyio.aclose_forcefully(self._tcp)
            self._lost.set()
            self._tell_waiters()

    async def _flushed(self) -> None:
        await self._written(HIGH_WATER_BYTES)

    async def _gone(self) -> None:
        if self._running:
            await self._lost.wait()
        else:
            with contextlib.suppress(*_BROKEN):
                await self._stream.send(bytes(self._outgoing))

    def _write(self, data: bytes) -> None:
        self._outgoing += data
        self._to_write.set()

    def _congested(self) -> bool:
        return len(self._outgoing) + self._in_flight > HIGH_WATER_BYTES

    def _shut(self) -> None:
        self._reading.cancel()

    def _set_reading(self) -> None:
        if not self._paused:
            self._readable.set()
        elif self._readable.is_set():
            self._readable = anyio.Event()
