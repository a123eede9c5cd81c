"""A WebSocket server whose every byte the test decides, on whichever event loop runs the test."""

from __future__ import annotations

import contextlib
import importlib.util
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import anyio
import anyio.abc
import pytest
from anyio.streams.tls import TLSStream
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Event, Request
from wsproto.extensions import Extension, PerMessageDeflate

_BACKENDS = [
    pytest.param(("asyncio", {}), id="asyncio"),
    pytest.param(("trio", {}), id="trio"),
]
if importlib.util.find_spec("uvloop") is not None:
    _BACKENDS.append(pytest.param(("asyncio", {"use_uvloop": True}), id="uvloop"))


@pytest.fixture(params=_BACKENDS)
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


class Peer:
    """The server's end of one socket."""

    def __init__(self, stream: anyio.abc.ByteStream) -> None:
        self.stream = stream
        self.ws = WSConnection(ConnectionType.SERVER)
        self.request: Request | None = None
        self.heard: list[Event] = []

    async def accept(self, *, compression: bool = False, followed_by: bytes = b"") -> None:
        while self.request is None:
            self.ws.receive_data(await self.stream.receive())
            for event in self.ws.events():
                assert isinstance(event, Request)
                self.request = event
        extensions: list[Extension] = [PerMessageDeflate()] if compression else []
        await self.stream.send(self.ws.send(AcceptConnection(extensions=extensions)) + followed_by)

    async def send(self, event: Event) -> None:
        await self.stream.send(self.ws.send(event))

    async def hear(self, kind: type[Event] = Event, count: int = 1) -> Event:
        """Wait for *count* more events of a kind, keeping all in ``heard``; return the last."""
        while True:
            for event in self.ws.events():
                self.heard.append(event)
                if isinstance(event, kind):
                    count -= 1
                    if count == 0:
                        return event
            self.ws.receive_data(await self.stream.receive())

    async def answer_close(self) -> CloseConnection:
        event = await self.hear(CloseConnection)
        assert isinstance(event, CloseConnection)
        with contextlib.suppress(anyio.BrokenResourceError):
            await self.stream.send(self.ws.send(event.response()))
        return event

    async def reset(self) -> None:
        raw: socket.socket = self.stream.extra(anyio.abc.SocketAttribute.raw_socket)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await anyio.aclose_forcefully(self.stream)

    async def silence(self) -> None:
        await anyio.sleep_forever()

    def stop_reading(self) -> None:
        # On uvloop an anyio stream goes on reading while nobody receives.
        transport = getattr(self.stream, "_transport", None)
        if transport is not None and transport.is_reading():
            transport.pause_reading()


Script = Callable[[Peer], Awaitable[None]]


@contextlib.asynccontextmanager
async def _serve(script: Script, tls: Any = None) -> AsyncIterator[str]:
    """Run *script* for each socket that comes; yield the URL's authority."""

    async def handle(stream: anyio.abc.ByteStream) -> None:
        async with stream:
            try:
                if tls is not None:
                    stream = await TLSStream.wrap(stream, server_side=True, ssl_context=tls, standard_compatible=False)
                await script(Peer(stream))
            except (anyio.EndOfStream, anyio.BrokenResourceError, anyio.ClosedResourceError):
                pass

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    port = listener.extra(anyio.abc.SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, handle)
        yield f"127.0.0.1:{port}"
        tasks.cancel_scope.cancel()


@pytest.fixture
def serve() -> Callable[..., contextlib.AbstractAsyncContextManager[str]]:
    return _serve


class Inbox:
    """A handler that keeps what it gets."""

    def __init__(self) -> None:
        self.reads: list[list[bytes]] = []
        self.stamps: list[int] = []
        self.error: Exception | None = None
        self._news = anyio.Event()

    @property
    def messages(self) -> list[bytes]:
        return [message for read in self.reads for message in read]

    def on_messages(self, messages: list[bytes], received_ns: int) -> None:
        self.reads.append(messages)
        self.stamps.append(received_ns)
        self._news.set()
        self._news = anyio.Event()
        if self.error is not None:
            raise self.error

    async def wait_for(self, count: int) -> list[bytes]:
        while sum(map(len, self.reads)) < count:
            await self._news.wait()
        return self.messages


@pytest.fixture
def inbox() -> Inbox:
    return Inbox()
