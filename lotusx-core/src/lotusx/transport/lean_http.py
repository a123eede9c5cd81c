"""The lean HTTP/1.1 client: one write, few reads, a pool per origin. What it cannot do, httpx does."""

from __future__ import annotations

import os
import select
import ssl
import time
from collections.abc import Callable
from typing import Any, Protocol

import anyio

from lotusx.errors import ConnectionFailed, RequestTimeout
from lotusx.kernel.transport import HttpRequest, HttpResponse
from lotusx.transport.dialling import on_asyncio
from lotusx.transport.http1 import MAX_BODY_BYTES, ReplyReader, request_bytes, split_url
from lotusx.transport.http_asyncio import AsyncioLine
from lotusx.transport.http_stream import StreamLine

MAX_IDLE_S = 50.0
"""An idle connection older than this is not used again: exchanges' load balancers drop them after 60 s."""

MAX_CONNECTIONS = 128
"""Per origin; further requests wait, within their deadline."""

_BROKEN = (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError)


def client_context(verify: bool | str | ssl.SSLContext = True, *, trust_env: bool = True) -> ssl.SSLContext:
    """Return what decides which servers are believed.

    Args:
        verify: True: the well-known authorities; a path: those of that file; False: everyone, for tests only.
        trust_env: Let ``SSL_CERT_FILE`` and ``SSL_CERT_DIR`` name the authorities instead.
    """
    if isinstance(verify, ssl.SSLContext):
        return verify
    file = os.environ.get("SSL_CERT_FILE") if trust_env else None
    folder = os.environ.get("SSL_CERT_DIR") if trust_env else None
    if isinstance(verify, str):
        file, folder = verify, None
    elif file is None and folder is None:
        import certifi

        file = certifi.where()
    context = ssl.create_default_context(cafile=file, capath=folder)
    context.set_alpn_protocols(["http/1.1"])
    if verify is False:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class Line(Protocol):
    """An open connection to a server, and at most one request on it. ``tls``: its TLS, where it has that."""

    @property
    def tls(self) -> ssl.SSLObject | None: ...
    def fileno(self) -> int:
        """Return the descriptor; below 0: the connection is gone, or has brought what nobody asked for."""

    async def exchange(self, data: bytes, reader: ReplyReader, deadline: float) -> bool:
        """Write a request, and feed *reader* until its reply is complete.

        Args:
            deadline: By the event loop's clock.

        Returns:
            Whether it was complete in time.

        Raises:
            EndOfStream, BrokenResourceError, OSError: The connection ended before.
            MalformedReply: What came is no reply.
        """

    async def abort(self) -> None:
        """Close at once."""


class _Connection:
    __slots__ = ("idle_since", "line")

    def __init__(self, line: Line) -> None:
        self.line = line
        self.idle_since = 0.0

    def dead(self) -> bool:
        """Whether an idle connection has anything to read: its end, or bytes that nobody asked for."""
        fd = self.line.fileno()
        return fd < 0 or _readable(fd)


def _readable(fd: int) -> bool:
    if hasattr(select, "poll"):
        poll = select.poll()
        poll.register(fd, select.POLLIN)
        return bool(poll.poll(0))
    return bool(select.select([fd], [], [], 0)[0])


class _Origin:
    """The connections to one scheme, host and port."""

    __slots__ = ("authority", "host", "idle", "limit", "port", "tls")

    def __init__(self, scheme: str, host: str, port: int, authority: str, max_connections: int) -> None:
        self.tls = scheme == "https"
        self.host = host
        self.port = port
        self.authority = authority
        self.idle: list[_Connection] = []
        self.limit = anyio.Semaphore(max_connections, fast_acquire=True)


class LeanTransport:
    """An `HttpTransport` for direct HTTP/1.1 connections, kept alive and reused.

    Args:
        verify: As in `client_context`.
        max_body_bytes: A longer reply is refused.
        monotonic: Seconds from an arbitrary start; ages idle connections.
    """

    def __init__(
        self,
        *,
        verify: bool | str | ssl.SSLContext = True,
        trust_env: bool = True,
        max_body_bytes: int = MAX_BODY_BYTES,
        max_connections: int = MAX_CONNECTIONS,
        max_idle_s: float = MAX_IDLE_S,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._verify = verify
        self._trust_env = trust_env
        self._context: ssl.SSLContext | None = None
        self._max_body_bytes = max_body_bytes
        self._max_connections = max_connections
        self._max_idle_s = max_idle_s
        self._monotonic = monotonic
        self._origins: dict[str, _Origin] = {}
        self._closed = False

    @property
    def idle_connections(self) -> int:
        """How many connections wait to be used again."""
        return sum(len(origin.idle) for origin in self._origins.values())

    async def send(self, request: HttpRequest, *, timeout_s: float) -> HttpResponse:
        """Send *request* as it stands and return its whole reply. As in `HttpTransport`.

        A connection that the peer closed while it was idle is noticed before a byte is written, and replaced. If it
        closes just then, `ConnectionFailed` says ``sent``, and ``after_s`` 0: a read need not wait for its retry.
        """
        if self._closed:
            raise ConnectionFailed("the transport is closed", sent=False)
        scheme, host, port, authority, target = split_url(request.url)
        key = f"{scheme}://{authority}"
        origin = self._origins.get(key)
        if origin is None:
            origin = self._origins[key] = _Origin(scheme, host, port, authority, self._max_connections)
        data = request_bytes(request, authority, target)
        reader = ReplyReader(request.method, self._max_body_bytes)
        deadline = anyio.current_time() + timeout_s
        if not await _turn(origin, deadline):
            raise _late("no connection", authority, timeout_s, sent=False)
        try:
            connection = await self._idle(origin) or await self._connect(origin, deadline)
            if connection is None:
                raise _late("no connection", authority, timeout_s, sent=False)
            try:
                in_time = await _exchange(connection, data, reader, deadline)
            except BaseException:
                await connection.line.abort()
                raise
            if in_time and reader.keep_alive and not self._closed:
                connection.idle_since = self._monotonic()
                origin.idle.append(connection)
            else:
                await connection.line.abort()
        finally:
            origin.limit.release()
        if not in_time:
            raise _late("no complete reply", authority, timeout_s, sent=True)
        return reader.response(self._max_body_bytes)

    async def aclose(self) -> None:
        """Close all idle connections; those in use close when their request ends."""
        self._closed = True
        for origin in self._origins.values():
            while origin.idle:
                await origin.idle.pop().line.abort()

    async def _idle(self, origin: _Origin) -> _Connection | None:
        while origin.idle:
            connection = origin.idle.pop()
            if self._monotonic() - connection.idle_since < self._max_idle_s and not connection.dead():
                return connection
            await connection.line.abort()
        return None

    async def _connect(self, origin: _Origin, deadline: float) -> _Connection | None:
        """Open a connection; nothing: it could not be done in time."""
        problem: BaseException
        tls: ssl.SSLContext | None = None
        if origin.tls:
            if self._context is None:
                self._context = client_context(self._verify, trust_env=self._trust_env)
            tls = self._context
        kind: type[AsyncioLine] | type[StreamLine] = AsyncioLine if on_asyncio() else StreamLine
        try:
            with anyio.CancelScope(deadline=deadline):
                return _Connection(await kind.connect(origin.host, origin.port, tls))
            return None
        except (*_BROKEN, anyio.EndOfStream) as error:
            problem = error
        raise ConnectionFailed(f"no connection to {origin.authority}: {_reason(problem)}", sent=False)


NO_GOODBYE = "the connection ended, and nobody said that the reply is whole (TLS without close_notify)"


def said_goodbye(tls: ssl.SSLObject | None) -> bool:
    """Whether the end of a connection is what the server wanted, to be asked when it has come.

    A reply that states no length ends with it. Over TLS the server says so: anybody on the way can end a connection.
    """
    if tls is None:
        return True
    try:
        return not tls.read(1)
    except ssl.SSLZeroReturnError:  # we have said it, too
        return True
    except ssl.SSLError:
        return False


async def _turn(origin: _Origin, deadline: float) -> bool:
    """Wait until one more connection may be used; False: not in time."""
    try:
        origin.limit.acquire_nowait()
    except anyio.WouldBlock:
        with anyio.CancelScope(deadline=deadline):
            await origin.limit.acquire()
            return True
        return False
    return True


async def _exchange(connection: _Connection, data: bytes, reader: ReplyReader, deadline: float) -> bool:
    problem: Any
    try:
        return await connection.line.exchange(data, reader, deadline)
    except anyio.EndOfStream:
        problem = "the connection was closed without a reply"
        if reader.started:
            reader.end()
            if said_goodbye(connection.line.tls):
                return True
            problem = NO_GOODBYE
    except _BROKEN as error:  # a reply whose end is that of the connection may lack something
        problem = f"the connection broke: {_reason(error)}"
    # No operating system tells how many bytes of a failed write left.
    failure = ConnectionFailed(problem)
    if connection.idle_since > 0.0 and not reader.started:
        failure.after_s = 0.0
    raise failure


def _late(what: str, authority: str, timeout_s: float, *, sent: bool) -> RequestTimeout:
    return RequestTimeout(f"{what} from {authority} within {timeout_s:g} s", sent=sent)


def _reason(error: BaseException) -> str:
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    return str(cause) or type(cause).__name__
