"""Chooses how WebSockets are spoken on this machine."""

from __future__ import annotations

import ssl

from lotusx.kernel.clock import Clock
from lotusx.kernel.transport import WsTransport


def make_ws_transport(
    *, ssl_context: ssl.SSLContext | None = None, proxy: str | None = None, clock: Clock | None = None
) -> WsTransport:
    """Return the best transport for WebSockets that is installed.

    Args:
        ssl_context: For ``wss://``; ``None``: the default context, with the machine's certificates.
        proxy: ``http://[user:password@]host:port`` of a proxy that understands CONNECT.
        clock: Stamps what is received; ``None``: the machine's.

    Raises:
        InvalidArgument: *proxy* is not such a URL.
    """
    from lotusx.transport.wsproto_ws import WsprotoTransport

    return WsprotoTransport(ssl_context=ssl_context, proxy=proxy, clock=clock)
