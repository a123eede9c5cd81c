"""The seams behind which all I/O lives: one for HTTP, one for WebSocket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from lotusx.model.frozen import quick


@quick
@dataclass(frozen=True, slots=True)
class HttpRequest:
    """Bytes to be sent as they stand: the URL is not encoded again."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@quick
@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A complete reply; content encodings are undone, header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class HttpTransport(Protocol):
    """Sends one request and brings its whole reply. Never retries, never follows redirects."""

    async def send(self, request: HttpRequest, *, timeout_s: float) -> HttpResponse:
        """Send and receive within *timeout_s*.

        Raises:
            ConnectionFailed: ``sent`` is False when not one byte of the request left.
            RequestTimeout: The deadline passed; ``sent`` likewise.
            MalformedReply: What came is not HTTP, or is cut short.
        """

    async def aclose(self) -> None:
        """Close all connections."""


@dataclass(frozen=True, slots=True)
class WsClosed:
    """How a WebSocket ended. ``clean``: both sides said goodbye; code 1006: the connection broke."""

    code: int
    reason: str = ""
    clean: bool = False


class WsHandler(Protocol):
    """Receives what a socket brings, in the order of arrival, called synchronously. Must not block."""

    def on_messages(self, messages: list[bytes], received_ns: int) -> None:
        """Take the complete messages one read of the socket brought (text as UTF-8).

        Args:
            messages: At least one; the list belongs to the handler.
            received_ns: Wall clock of the read, nanoseconds since the epoch.
        """


class WsConnection(Protocol):
    """One open WebSocket."""

    last_received_ns: int
    """Monotonic time of the last inbound bytes of any kind; any byte is life."""

    async def run(self) -> WsClosed:
        """Deliver to the handler until the socket ends. Exactly one task runs it.

        An error raised by the handler closes the socket and is raised here.
        """

    async def send(self, text: str) -> None:
        """Send one text message.

        Raises:
            ConnectionFailed: The socket is closed.
        """

    async def ping(self, payload: bytes = b"") -> None:
        """Send a protocol ping; the pong shows in ``last_received_ns``."""

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Say goodbye, wait shortly for the answer, and close."""

    def pause_reading(self) -> None:
        """Let the network hold what comes; for consumers that may neither lose nor buffer more."""

    def resume_reading(self) -> None:
        """Undo `pause_reading`."""


class WsTransport(Protocol):
    """Opens WebSockets."""

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
        """Connect and shake hands within *timeout_s*; nothing is delivered before `WsConnection.run`.

        Raises:
            ConnectionFailed: No connection, or the handshake was answered otherwise; the HTTP status and the
                start of the body are in the text, ``after_s`` is set from ``Retry-After``.
            RequestTimeout: The deadline passed.
        """

    async def aclose(self) -> None:
        """Release what the transport holds."""
