"""An HTTP connection over an anyio stream, on trio."""

from __future__ import annotations

import ssl

import anyio
from anyio.abc import ByteStream, SocketAttribute
from anyio.streams.tls import TLSAttribute

from lotusx.transport.http1 import ReplyReader

_READ_BYTES = 65_536


class StreamLine:
    """One connection, and at most one request on it. See `lotusx.transport.lean_http.Line`."""

    def __init__(self, stream: ByteStream) -> None:
        self._stream = stream
        self._socket = stream.extra(SocketAttribute.raw_socket)
        self.tls: ssl.SSLObject | None = stream.extra(TLSAttribute.ssl_object, None)

    @classmethod
    async def connect(cls, host: str, port: int, tls: ssl.SSLContext | None) -> StreamLine:
        """Connect to a server, with TLS if there is a context.

        Raises:
            OSError, BrokenResourceError, EndOfStream: There is no connection.
        """
        if tls is None:
            return cls(await anyio.connect_tcp(host, port))
        # Not every server says goodbye; where a reply's end depends on that, `lotusx.transport.lean_http` looks at it.
        stream = await anyio.connect_tcp(host, port, tls=True, ssl_context=tls, tls_standard_compatible=False)
        return cls(stream)

    def fileno(self) -> int:
        """Return the descriptor; below 0: the connection is gone, or has brought what nobody asked for."""
        return -1 if self.tls is not None and _brings(self.tls) else self._socket.fileno()

    async def exchange(self, data: bytes, reader: ReplyReader, deadline: float) -> bool:
        """Write a request, and feed *reader* until its reply is complete: as in `lotusx.transport.lean_http.Line`."""
        with anyio.CancelScope(deadline=deadline):
            await self._stream.send(data)
            while not reader.feed(await self._stream.receive(_READ_BYTES)):
                pass
        return reader.complete

    async def abort(self) -> None:
        """Close at once."""
        await anyio.aclose_forcefully(self._stream)


def _brings(tls: ssl.SSLObject) -> bool:
    """Whether there is anything to read, or its end; to be asked while there is no request.

    What came with a reply has left the socket already. To read is the one way that sees both what is decrypted and
    what is not.
    """
    try:
        tls.read(1)
    except ssl.SSLError as error:
        return not isinstance(error, ssl.SSLWantReadError)
    return True
