"""What HTTP and WebSocket connections share of the socket below them."""

import socket
import struct

import anyio
from anyio.abc import ByteStream, SocketAttribute

BROKEN = (anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream)
READ_BYTES = 65_536


def reset(stream: ByteStream) -> None:
    """Make closing *stream* send RST instead of FIN."""
    raw = stream.extra(SocketAttribute.raw_socket)
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
