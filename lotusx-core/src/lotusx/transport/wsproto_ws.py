"""WebSockets over wsproto: fed by callbacks on asyncio (and uvloop), by an anyio stream on trio and through a proxy.

One connection object does the protocol; how bytes travel is left to two small subclasses. On asyncio the handler is
called from the read callback itself: waiting for each read in a coroutine costs twice as much per message
(docs/decisions/0003-websocket-transport.md).
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from abc import ABC, abstractmethod
from collections import Counter
from typing import Any, cast

import anyio
import anyio.abc
from anyio.streams.tls import TLSStream
from wsproto.connection import Connection, ConnectionState
from wsproto.events import CloseConnection, Ping, Pong, TextMessage

from lotusx.errors import ConnectionFailed, RequestTimeout
from lotusx.kernel.clock import Clock
from lotusx.kernel.transport import WsClosed, WsConnection, WsHandler
from lotusx.transport.clock import SystemClock
from lotusx.transport.frames import FrameReader
from lotusx.transport.handshake import ClientHandshake, Proxy, WsUrl, parse_proxy_url, parse_ws_url

_CLOSE_S = 2.0
"""Longest time a goodbye may take, the flushing of what was written included."""

_READ_BYTES = 65536
_HIGH_WATER_BYTES = 65536
"""`send` waits while more than this is written and not yet taken by the network."""

_NEXT_ADDRESS_S = 0.25
"""When the next address of a host is tried beside one that has not answered (RFC 8305)."""

_ABNORMAL = 1006
_BROKEN = (anyio.BrokenResourceError, anyio.ClosedResourceError, ssl.SSLError)


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
        self._open: set[_Connection] = set()

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
        where = parse_ws_url(url)
        handshake = ClientHandshake(where, headers, compression=compression, now_s=self._clock.now_ns() / 1e9)
        kind = _AsyncioConnection if self._proxy is None and _on_asyncio() else _StreamConnection
        connection = kind(handler, handshake, max_message_bytes, self._open, self._clock)
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


def _on_asyncio() -> bool:
    try:
        return asyncio.current_task() is not None
    except RuntimeError:
        return False


class _Connection(ABC):
    """The protocol of one socket, from handshake to goodbye; subclasses move its bytes."""

    last_received_ns: int

    def __init__(
        self,
        handler: WsHandler,
        handshake: ClientHandshake,
        max_message_bytes: int,
        registry: set[_Connection],
        clock: Clock,
    ) -> None:
        self._handler = handler
        self._handshake = handshake
        self._max_message_bytes = max_message_bytes
        self._registry = registry
        self._now_ns = clock.now_ns
        self._monotonic_ns = clock.monotonic_ns
        self._engine: Connection | None = None
        self._reader: FrameReader | None = None
        self._closed: WsClosed | None = None
        self._error: Exception | None = None
        self._running = False
        self._paused = False
        self.last_received_ns = clock.monotonic_ns()

    @abstractmethod
    async def open(self, url: WsUrl, proxy: Proxy | None, tls: ssl.SSLContext | None) -> None:
        """Connect, send the request, and feed the handshake until it is finished."""

    @abstractmethod
    async def abort(self) -> None:
        """Close the socket at once, also when cancelled."""

    @abstractmethod
    async def run(self) -> WsClosed: ...

    @abstractmethod
    async def _flushed(self) -> None:
        """Wait until little of what was written still waits for the network, or the socket is gone."""

    @abstractmethod
    async def _gone(self) -> None:
        """Wait until the socket is closed."""

    @abstractmethod
    def _write(self, data: bytes) -> None: ...

    @abstractmethod
    def _congested(self) -> bool: ...

    @abstractmethod
    def _shut(self) -> None:
        """Close the socket once what was written is out, and no later than the goodbye's limit."""

    @abstractmethod
    def _set_reading(self) -> None:
        """Read, or let the network hold what comes, as ``_paused`` says."""

    def pause_reading(self) -> None:
        """Let the network hold what comes."""
        self._paused = True
        self._set_reading()

    def resume_reading(self) -> None:
        """Undo `pause_reading`."""
        self._paused = False
        self._set_reading()

    def begin(self) -> None:
        """Turn from the handshake to messages."""
        self._engine = cast("Connection", self._handshake.connection)
        self._reader = FrameReader(self._engine, self._max_message_bytes)
        self._registry.add(self)

    async def send(self, text: str) -> None:
        """Send one text message. A cancelled call may have sent it."""
        self._write(self._frame(TextMessage(data=text)))
        if self._congested():
            await self._flushed()
            if self._closed is not None:
                raise ConnectionFailed(f"the WebSocket ended: {_words(self._closed)}")

    async def ping(self, payload: bytes = b"") -> None:
        """Send a protocol ping."""
        self._write(self._frame(Ping(payload=payload)))

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye, wait at most two seconds for the answer, and close."""
        if self._reader is None or self._closed is not None:
            await self.abort()
            return
        try:
            with anyio.move_on_after(_CLOSE_S):
                if self._engine_is(ConnectionState.OPEN):
                    self._write(self._frame(CloseConnection(code=code, reason=reason)))
                if not self._running or self._paused:  # nobody would hear the answer
                    self._end(WsClosed(_ABNORMAL, "closed without waiting for the answer"))
                await self._gone()
        finally:
            if self._closed is None:
                self._closed = WsClosed(_ABNORMAL, "the goodbye was not answered")
            await self.abort()

    def _engine_is(self, *states: ConnectionState) -> bool:
        return self._engine is not None and self._engine.state in states

    def _frame(self, event: TextMessage | Ping | CloseConnection) -> bytes:
        engine = self._engine
        if engine is None or self._closed is not None or engine.state is not ConnectionState.OPEN:
            words = _words(self._closed) if self._closed is not None else "it is being closed"
            raise ConnectionFailed(f"the WebSocket is closed: {words}", sent=False)
        return engine.send(event)

    def _take(self, data: bytes) -> None:
        """Deliver what one read brought, and answer what must be answered."""
        reader = cast("FrameReader", self._reader)
        messages = reader.feed(data)
        if messages:
            try:
                self._handler.on_messages(messages, self._now_ns())
            except Exception as error:
                self._error = error
                self._end(WsClosed(1011, "the handler failed"))
                return
        if reader.ping is not None:
            pong, reader.ping = Pong(payload=reader.ping), None
            # A peer that does not read gets no more pongs: they would pile up here.
            if self._engine_is(ConnectionState.OPEN) and not self._congested():
                self._write(cast("Connection", self._engine).send(pong))
        if reader.closed is not None:
            self._end(reader.closed)

    def _end(self, closed: WsClosed) -> None:
        """Write our half of the goodbye where it is still due, and close."""
        if self._closed is not None:
            return
        self._closed = closed
        if self._engine_is(ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING):
            reason = "" if closed.clean else closed.reason
            goodbye = CloseConnection(code=closed.code, reason=reason or None)
            self._write(cast("Connection", self._engine).send(goodbye))
        self._shut()

    def _broke(self, why: str) -> None:
        """Note that the socket ended, without a goodbye unless one is noted already."""
        if self._closed is None:
            self._closed = WsClosed(_ABNORMAL, why)

    def _result(self) -> WsClosed:
        if self._error is not None:
            raise self._error
        return cast("WsClosed", self._closed)


class _AsyncioConnection(_Connection, asyncio.BufferedProtocol):
    """Fed by the event loop's callbacks.

    It reads into a buffer of its own: asyncio would allocate 256 KB for every read, which costs more than the frames.
    """

    _transport: asyncio.Transport | None = None
    _established = False
    _abort_timer: asyncio.TimerHandle | None = None

    async def open(self, url: WsUrl, proxy: Proxy | None, tls: ssl.SSLContext | None) -> None:
        del proxy
        self._loop = loop = asyncio.get_running_loop()
        self._buffer = memoryview(bytearray(_READ_BYTES))
        self._shaken = asyncio.Event()
        self._lost = asyncio.Event()
        self._writable = asyncio.Event()
        self._writable.set()
        sock = await _connected_socket(url.host, url.port)
        await loop.create_connection(
            lambda: self, sock=sock, ssl=tls, server_hostname=url.host if tls is not None else None
        )
        self._established = True
        self._write(self._handshake.request)
        await self._shaken.wait()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=_HIGH_WATER_BYTES)

    def get_buffer(self, sizehint: int) -> memoryview:
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        data = bytes(self._buffer[:nbytes])
        self.last_received_ns = self._monotonic_ns()
        if self._running:
            if self._closed is None:
                self._take(data)
            return
        self._handshake.feed(data)
        if self._handshake.finished:
            self._to_transport.pause_reading()  # until `run`
            self._shaken.set()

    def eof_received(self) -> None:
        self._broke("the peer ended the stream")
        self._shut()

    def connection_lost(self, exc: Exception | None) -> None:
        self._broke("the peer ended the stream" if exc is None else _words_of(exc))
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
        self._to_transport.write(data)

    def _congested(self) -> bool:
        return not self._writable.is_set() or self._to_transport.get_write_buffer_size() > _HIGH_WATER_BYTES

    def _shut(self) -> None:
        self._to_transport.close()
        if self._abort_timer is None:
            self._abort_timer = self._loop.call_later(_CLOSE_S, self._to_transport.abort)

    def _set_reading(self) -> None:
        if self._running and not self._to_transport.is_closing():
            if self._paused:
                self._to_transport.pause_reading()
            else:
                self._to_transport.resume_reading()


async def _connected_socket(host: str, port: int) -> socket.socket:
    """Connect to whichever of the host's addresses answers first (happy eyeballs).

    ``loop.create_connection`` does that too, but loses a socket when it is cancelled in the wrong moment, and uvloop's
    does not.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    turn: Counter[int] = Counter()
    ranked = []
    for info in found:
        ranked.append((turn[info[0]], info))
        turn[info[0]] += 1
    ranked.sort(key=lambda item: item[0])  # families take turns
    opened: list[socket.socket] = []
    errors: list[OSError] = []
    winner: socket.socket | None = None

    async def attempt(info: Any, failed: anyio.Event) -> None:
        nonlocal winner
        family, kind, protocol, _, address = info
        try:
            sock = socket.socket(family, kind, protocol)
            opened.append(sock)
            sock.setblocking(False)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_connect(sock, address)
        except OSError as error:
            errors.append(error)
            failed.set()
            return
        winner = winner or sock
        tasks.cancel_scope.cancel()

    try:
        async with anyio.create_task_group() as tasks:
            for _, info in ranked:
                failed = anyio.Event()
                tasks.start_soon(attempt, info, failed)
                with anyio.move_on_after(_NEXT_ADDRESS_S):
                    await failed.wait()
    except BaseException:
        winner = None
        raise
    finally:
        for sock in opened:
            if sock is not winner:
                sock.close()
    if winner is None:
        raise errors[0]
    return winner


class _StreamConnection(_Connection):
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
                    answer += await self._stream.receive(_READ_BYTES)
            if tls is not None:
                self._stream = await TLSStream.wrap(
                    self._tcp, hostname=url.host, ssl_context=tls, standard_compatible=False
                )
            await self._stream.send(self._handshake.request)
            while not self._handshake.finished:
                self._handshake.feed(await self._stream.receive(_READ_BYTES))
        except anyio.EndOfStream:
            self._handshake.end()
        except anyio.BrokenResourceError as error:
            raise ConnectionResetError(_words_of(error)) from error

    async def run(self) -> WsClosed:
        try:
            self._running = True
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._write_on, tasks.cancel_scope)
                with self._reading:
                    await self._read_on()
                with anyio.move_on_after(_CLOSE_S):
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
                data = await self._stream.receive(_READ_BYTES)
            except anyio.EndOfStream:
                self._broke("the peer ended the stream")
            except _BROKEN as error:
                self._broke(_words_of(error))
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
                self._broke(_words_of(error))
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
        await self._written(_HIGH_WATER_BYTES)

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
        return len(self._outgoing) + self._in_flight > _HIGH_WATER_BYTES

    def _shut(self) -> None:
        self._reading.cancel()

    def _set_reading(self) -> None:
        if not self._paused:
            self._readable.set()
        elif self._readable.is_set():
            self._readable = anyio.Event()


def _words(closed: WsClosed) -> str:
    return f"{closed.code} {closed.reason}".rstrip()


def _words_of(error: BaseException) -> str:
    cause = error.__cause__ or error
    return str(cause) or type(cause).__name__
