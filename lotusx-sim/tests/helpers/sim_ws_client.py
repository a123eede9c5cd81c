"""A plain WebSocket client for the tests: wsproto over an anyio stream."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
from anyio.abc import ByteStream
from wsproto import ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    Message,
    Ping,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate


class Refused(Exception):
    """The handshake was answered with a status other than 101."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body


class Closed(Exception):
    """The server ended the connection; 1006 without goodbye."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Client:
    def __init__(self, stream: ByteStream, *, compression: bool) -> None:
        self._stream = stream
        self._ws = WSConnection(ConnectionType.CLIENT)
        self._compression = compression
        self._texts: list[str] = []
        self._part = ""
        self.extensions: list[Any] = []
        self.pings = 0

    async def shake_hands(self, host: str, target: str) -> None:
        extensions = [PerMessageDeflate()] if self._compression else []
        await self._stream.send(self._ws.send(Request(host=host, target=target, extensions=extensions)))
        status, body = 0, b""
        while True:
            for event in self._ws.events():
                if isinstance(event, AcceptConnection):
                    self.extensions = list(event.extensions)
                    return
                if isinstance(event, RejectConnection):
                    status = event.status_code
                    if not event.has_body:
                        raise Refused(status, b"")
                if isinstance(event, RejectData):
                    body += event.data
                    if event.body_finished:
                        raise Refused(status, body)
            await self._read()

    async def send(self, text: str) -> None:
        await self._stream.send(self._ws.send(Message(data=text)))

    async def ask(self, message: Any) -> Any:
        await self.send(json.dumps(message, ensure_ascii=False))
        return await self.next()

    async def next(self) -> Any:
        return json.loads(await self.text())

    async def text(self) -> str:
        while not self._texts:
            for event in self._ws.events():
                if isinstance(event, TextMessage):
                    self._part += event.data
                    if event.message_finished:
                        self._texts.append(self._part)
                        self._part = ""
                elif isinstance(event, Ping):
                    self.pings += 1
                    await self._stream.send(self._ws.send(event.response()))
                elif isinstance(event, CloseConnection):
                    raise Closed(event.code)
            if not self._texts:
                await self._read()
        return self._texts.pop(0)

    async def _read(self) -> None:
        try:
            self._ws.receive_data(await self._stream.receive())
        except (anyio.EndOfStream, anyio.BrokenResourceError):
            raise Closed(1006) from None


@asynccontextmanager
async def ws_connect(url: str, *, compression: bool = False) -> AsyncIterator[Client]:
    """Connect to a plain ``ws://host:port/…`` address."""
    authority, _, target = url.removeprefix("ws://").partition("/")
    host, _, port = authority.partition(":")
    async with await anyio.connect_tcp(host, int(port)) as stream:
        client = Client(stream, compression=compression)
        await client.shake_hands(authority, "/" + target)
        yield client
