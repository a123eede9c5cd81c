"""The protocol of one WebSocket, from the open connection to the goodbye; subclasses move its bytes."""

from __future__ import annotations

import os
import ssl
from abc import ABC, abstractmethod
from typing import cast

import anyio
from wsproto.connection import Connection, ConnectionState
from wsproto.events import CloseConnection, Ping, Pong

from lotusx.errors import ConnectionFailed
from lotusx.kernel.clock import Clock
from lotusx.kernel.transport import WsClosed, WsHandler
from lotusx.transport.frames import FrameReader, text_frame
from lotusx.transport.handshake import ClientHandshake
from lotusx.transport.ws_urls import Proxy, WsUrl

CLOSE_S = 2.0
"""Longest time a goodbye may take, the flushing of what was written included."""

HIGH_WATER_BYTES = 65536
"""`send` waits while more than this is written and not yet taken by the network."""

_ABNORMAL = 1006


class Socket(ABC):
    """The protocol of one socket, from handshake to goodbye; subclasses move its bytes."""

    last_received_ns: int

    def __init__(
        self,
        handler: WsHandler,
        handshake: ClientHandshake,
        max_message_bytes: int,
        registry: set[Socket],
        clock: Clock,
        buffer: memoryview,
    ) -> None:
        self._handler = handler
        self._handshake = handshake
        self._max_message_bytes = max_message_bytes
        self._registry = registry
        self._buffer = buffer  # of the transport; what a read brought is taken out of it before the next
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
        self._open_engine()
        self._write(text_frame(text, os.urandom(4)))
        if self._congested():
            await self._flushed()
            if self._closed is not None:
                raise ConnectionFailed(f"the WebSocket ended: {_words(self._closed)}")

    async def ping(self, payload: bytes = b"") -> None:
        """Send a protocol ping."""
        self._write(self._open_engine().send(Ping(payload=payload)))

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye, wait at most two seconds for the answer, and close."""
        if self._reader is None or self._closed is not None:
            await self.abort()
            return
        try:
            with anyio.move_on_after(CLOSE_S):
                if self._engine_is(ConnectionState.OPEN):
                    self._write(self._open_engine().send(CloseConnection(code=code, reason=reason)))
                if not self._running or self._paused:  # nobody would hear the answer
                    self._end(WsClosed(_ABNORMAL, "closed without waiting for the answer"))
                await self._gone()
        finally:
            if self._closed is None:
                self._closed = WsClosed(_ABNORMAL, "the goodbye was not answered")
            await self.abort()

    def _engine_is(self, *states: ConnectionState) -> bool:
        return self._engine is not None and self._engine.state in states

    def _open_engine(self) -> Connection:
        engine = self._engine
        if engine is None or self._closed is not None or engine.state is not ConnectionState.OPEN:
            words = _words(self._closed) if self._closed is not None else "it is being closed"
            raise ConnectionFailed(f"the WebSocket is closed: {words}", sent=False)
        return engine

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


def _words(closed: WsClosed) -> str:
    return f"{closed.code} {closed.reason}".rstrip()


def words_of(error: BaseException) -> str:
    """Return what *error* says, or what caused it."""
    cause = error.__cause__ or error
    return str(cause) or type(cause).__name__
