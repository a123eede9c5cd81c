"""TLS of one client's socket over memory. No I/O.

asyncio's own keeps 256 KB for each socket, and asks OpenSSL once more after a read's last record: an exception for
every wake-up (docs/decisions/0003-websocket-transport.md).
"""

from __future__ import annotations

import ssl
from contextlib import suppress

_RECORD = 16_384
"""Most bytes a record holds (RFC 8446, 5.1): reading so many takes all of one."""


class ClientTls:
    """Encrypts what is written and decrypts what comes; whoever moves the bytes asks for `owed` after each call.

    Args:
        context: Decides whom to trust.
        host: Who the peer must prove to be.

    Attributes:
        shaken: The peer has proven it. What is written before waits.
        ended: The peer has said that nothing more will come; what comes all the same is ignored.

    Raises:
        ValueError: *host* cannot be the name of one.
    """

    __slots__ = ("_incoming", "_outgoing", "_tls", "_unwritten", "ended", "shaken")

    def __init__(self, context: ssl.SSLContext, host: str) -> None:
        self.shaken = False
        self.ended = False
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._unwritten = bytearray()

    def start(self) -> None:
        """Say hello."""
        self._shake()

    def feed(self, data: memoryview) -> bytes:
        """Take what one read brought; return what it says.

        Raises:
            ssl.SSLError: The peer is not trusted, or breaks the protocol. `owed` is the alert that tells it so.
        """
        incoming = self._incoming
        incoming.write(data)
        parts: list[bytes] = []
        try:
            if not self.shaken:
                self._shake()
            elif self._unwritten:
                self._encrypt()
            if not self.shaken or self.ended:
                return b""
            read = self._tls.read
            while incoming.pending:
                part = read(_RECORD)
                if not part:
                    self.ended = True
                    break
                parts.append(part)
        except ssl.SSLWantReadError:
            pass  # the rest of a record is still to come
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def write(self, data: bytes) -> None:
        """Say *data*, once the handshake (or a new one that the peer asked for) is done."""
        self._unwritten += data
        self._encrypt()

    def end(self) -> None:
        """Say that nothing more will come."""
        with suppress(ssl.SSLError):  # the peer's answer is not waited for; and before the handshake nothing is due
            self._tls.unwrap()

    def owed(self) -> bytes:
        """Return what the peer has to be sent now."""
        return self._outgoing.read() if self._outgoing.pending else b""

    @property
    def unwritten(self) -> int:
        """How many bytes wait for a handshake."""
        return len(self._unwritten)

    def _shake(self) -> None:
        with suppress(ssl.SSLWantReadError):
            self._tls.do_handshake()
            self.shaken = True
            self._encrypt()

    def _encrypt(self) -> None:
        while self.shaken and self._unwritten:
            try:
                written = self._tls.write(self._unwritten)
            except ssl.SSLWantReadError:
                return
            del self._unwritten[:written]
