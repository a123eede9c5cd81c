"""The client's side of a WebSocket's opening handshake. Pure, no I/O."""

from __future__ import annotations

import re

import h11
from wsproto.connection import Connection, ConnectionType
from wsproto.events import AcceptConnection, RejectConnection, RejectData, Request
from wsproto.extensions import PerMessageDeflate
from wsproto.handshake import H11Handshake
from wsproto.utilities import RemoteProtocolError

from lotusx.errors import ConnectionFailed, InvalidArgument
from lotusx.kernel.retry import retry_after_s
from lotusx.transport.ws_urls import WsUrl

_END_OF_HEAD = re.compile(rb"\n\r?\n")
_MOST_HEAD_BYTES = 65536
_MOST_BODY_BYTES = 2000
_SHOWN_BODY_CHARACTERS = 300


class ClientHandshake:
    """Writes the upgrade request and judges the answer.

    Attributes:
        request: Bytes to send first.
        connection: wsproto's open connection, once the server has agreed.
        rest: What arrived after the answer's head: the first bytes of the first frames.
        error: Why there will be no connection; may gain more of the body until ``finished``.
        finished: Nothing more needs to be received.
    """

    def __init__(self, url: WsUrl, headers: tuple[tuple[str, str], ...], *, compression: bool, now_s: float) -> None:
        self._url = url
        self._now_s = now_s
        pieces = re.split("[/?&=]", url.target)  # a listen key, a token, a signature
        self._secrets = [value for _, value in headers if len(value) > 5] + [url.target] * (url.target != "/")
        self._secrets += [piece for piece in pieces if len(piece) >= 16]
        self._http = H11Handshake(ConnectionType.CLIENT)
        self._head: bytearray | None = bytearray()
        self._status = 0
        self._body = bytearray()
        self._after_s: float | None = None
        self.connection: Connection | None = None
        self.rest = b""
        self.error: ConnectionFailed | None = None
        self.finished = False
        try:
            self.request = self._http.send(
                Request(
                    host=url.authority,
                    target=url.target,
                    extensions=[PerMessageDeflate()] if compression else [],
                    extra_headers=[(name.encode("ascii"), value.encode("latin-1")) for name, value in headers],
                )
            )
        except (h11.LocalProtocolError, UnicodeError):
            # The texts are secrets, so not even the cause is kept.
            raise InvalidArgument("the WebSocket's URL or a header holds characters HTTP does not allow") from None

    def feed(self, data: bytes) -> None:
        """Take bytes from the server."""
        if self.finished:
            self.rest += data
            return
        if self._head is not None:
            # The head is cut off here: h11 would keep the frames that follow it.
            self._head += data
            end = _END_OF_HEAD.search(self._head)
            if end is None:
                if len(self._head) > _MOST_HEAD_BYTES:
                    self._fail("the answer's head has no end")
                return
            data, tail = bytes(self._head[: end.end()]), bytes(self._head[end.end() :])
            self._head = None
            self._answer(data)
            if self.connection is not None:
                self.rest = tail
            else:
                self.feed(tail)
        elif data:
            self._answer(data)

    def end(self) -> None:
        """Note that the server ended the stream."""
        if not self.finished:
            self._fail("the server ended the stream during the handshake")

    def _answer(self, data: bytes) -> None:
        try:
            self._http.receive_data(data)
        except RemoteProtocolError as error:
            self._fail(f"the answer breaks the protocol: {error}")
            return
        except (ValueError, AssertionError, h11.RemoteProtocolError):
            self._fail("the answer breaks the protocol")
            return
        for event in self._http.events():
            if isinstance(event, AcceptConnection):
                self.connection = self._http.connection
                self.finished = True
            elif isinstance(event, RejectConnection):
                self._status = event.status_code
                headers = {_text(name).lower(): _text(value) for name, value in event.headers}
                self._after_s = retry_after_s(headers, self._now_s)
                self.finished = not event.has_body
                self.error = self._refusal()
            elif isinstance(event, RejectData):
                self._body += event.data
                self.finished = event.body_finished or len(self._body) >= _MOST_BODY_BYTES
                self.error = self._refusal()

    def _fail(self, why: str) -> None:
        self.error = self.error or self._failure(why)
        self.finished = True

    def _refusal(self) -> ConnectionFailed:
        text = " ".join(self._body[:_MOST_BODY_BYTES].decode("utf-8", "replace").split())
        for secret in self._secrets:
            text = text.replace(secret, "***")
        body = f": {text[:_SHOWN_BODY_CHARACTERS]}" if text else ""
        return self._failure(f"the WebSocket handshake was answered with HTTP {self._status}{body}")

    def _failure(self, why: str) -> ConnectionFailed:
        error = ConnectionFailed(f"{self._url.authority}: {why}", sent=False)
        error.after_s = self._after_s
        return error


def _text(data: bytes | bytearray) -> str:
    return data.decode("latin-1")
