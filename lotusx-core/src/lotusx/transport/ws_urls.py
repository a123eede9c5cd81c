"""Where a WebSocket goes, and the proxy on the way. Pure, and quick to import: no engine is needed for it."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from lotusx.errors import ConnectionFailed, InvalidArgument

READ_BYTES = 65536
"""As much is read from a socket at a time."""

_END_OF_HEAD = re.compile(rb"\n\r?\n")
_MOST_HEAD_BYTES = 65536


@dataclass(frozen=True, slots=True)
class WsUrl:
    """Where a WebSocket goes. ``authority`` names it in errors: a path or query may hold a listen key or a token."""

    secure: bool
    host: str
    port: int
    authority: str
    target: str


def parse_ws_url(url: str) -> WsUrl:
    """Split a ``ws://`` or ``wss://`` URL.

    >>> parse_ws_url("wss://stream.example.com/ws?a=1")
    WsUrl(secure=True, host='stream.example.com', port=443, authority='stream.example.com', target='/ws?a=1')

    Raises:
        InvalidArgument: It is not such a URL.
    """
    try:
        parts = urlsplit(url)
        secure = {"ws": False, "wss": True}[parts.scheme]
        usual = 443 if secure else 80
        port = parts.port or usual
    except (KeyError, ValueError):
        raise InvalidArgument("a WebSocket URL starts with ws:// or wss:// and has a valid port") from None
    if not parts.hostname or parts.username is not None:
        raise InvalidArgument("a WebSocket URL names a host, and no user")
    host = parts.hostname
    authority = f"[{host}]" if ":" in host else host
    if port != usual:
        authority += f":{port}"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return WsUrl(secure, host, port, authority, target)


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy that opens tunnels (CONNECT)."""

    host: str
    port: int
    authorization: str | None = field(default=None, repr=False)

    def connect_request(self, url: WsUrl) -> bytes:
        """Return the bytes that ask for a tunnel to *url*."""
        host = f"[{url.host}]" if ":" in url.host else url.host
        login = f"Proxy-Authorization: {self.authorization}\r\n" if self.authorization else ""
        return f"CONNECT {host}:{url.port} HTTP/1.1\r\nHost: {host}:{url.port}\r\n{login}\r\n".encode("latin-1")

    def agreed(self, answer: bytes) -> bool:
        """Tell whether *answer*, all that came so far, opens the tunnel; False while its head is incomplete.

        Raises:
            ConnectionFailed: The proxy refused.
        """
        if _END_OF_HEAD.search(answer) is None and len(answer) <= _MOST_HEAD_BYTES:
            return False
        status = answer.split(b"\n", 1)[0].decode("latin-1").strip()
        if re.match(r"HTTP/1\.[01] 2\d\d", status) is None:
            raise ConnectionFailed(f"the proxy {self.host}:{self.port} answered {status[:100]!r}", sent=False)
        return True


def parse_proxy_url(url: str) -> Proxy:
    """Split an ``http://[user:password@]host:port`` URL.

    Raises:
        InvalidArgument: It is not such a URL.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or 80
    except ValueError:
        parts, port = urlsplit(""), 0
    if parts.scheme != "http" or not parts.hostname:
        raise InvalidArgument("a WebSocket proxy is given as http://host:port")
    authorization = None
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        authorization = "Basic " + base64.b64encode(login.encode()).decode()
    return Proxy(parts.hostname, port, authorization)
