"""Further hosts of one environment, tried when the first cannot be reached.

Only where nothing was sent: a request that may have arrived is never sent to another host.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import replace

from lotusx.errors import ConnectionFailed, TransportError
from lotusx.kernel.transport import (
    HttpRequest,
    HttpResponse,
    HttpTransport,
    WsConnection,
    WsHandler,
    WsTransport,
)

logger = logging.getLogger("lotusx.transport")


class Hosts:
    """The addresses of one service, and which of them answered last."""

    def __init__(self, urls: Iterable[str]) -> None:
        """Take the usual address first."""
        self.urls = tuple(urls)
        self._at = 0

    def in_order(self) -> tuple[str, ...]:
        """Return all of them, the one that answered last first."""
        return self.urls[self._at :] + self.urls[: self._at]

    def answered(self, url: str) -> None:
        """Begin with *url* from now on."""
        at = self.urls.index(url)
        if at != self._at:
            logger.warning("%s cannot be reached; %s is used instead", self.urls[self._at], url)
            self._at = at


class FailoverHttp:
    """An HTTP transport that tries a request at the next host where nothing could be sent to one."""

    def __init__(self, inner: HttpTransport, hosts: Mapping[str, Hosts]) -> None:
        """Replace base URLs of *hosts* by those that answer."""
        self._inner = inner
        self._hosts = hosts

    async def send(self, request: HttpRequest, *, timeout_s: float) -> HttpResponse:
        """Send it, at most once to each host and altogether at most once."""
        found = next(((base, hosts) for base, hosts in self._hosts.items() if _is_at(request.url, base)), None)
        if found is None:
            return await self._inner.send(request, timeout_s=timeout_s)
        base, hosts = found
        path = request.url.removeprefix(base)
        failure: TransportError | None = None
        for url in hosts.in_order():
            try:
                reply = await self._inner.send(replace(request, url=url + path), timeout_s=timeout_s)
            except TransportError as error:
                if error.sent:
                    raise
                failure = error
                continue
            hosts.answered(url)
            return reply
        raise failure or ConnectionFailed(f"{base} has no host", sent=False)

    async def aclose(self) -> None:
        """Close the transport below."""
        await self._inner.aclose()


class FailoverWs:
    """A WebSocket transport that connects to the next host where one cannot be reached."""

    def __init__(self, inner: WsTransport, hosts: Mapping[str, Hosts]) -> None:
        """Replace addresses of *hosts* by those that answer."""
        self._inner = inner
        self._hosts = hosts

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
        """Connect to the first host that accepts, each within *timeout_s*."""
        found = next(((base, hosts) for base, hosts in self._hosts.items() if _is_at(url, base)), None)
        base, hosts = found or (url, Hosts([url]))
        failure: TransportError | None = None
        for each in hosts.in_order():
            try:
                connection = await self._inner.connect(
                    each + url.removeprefix(base),
                    handler,
                    headers=headers,
                    timeout_s=timeout_s,
                    max_message_bytes=max_message_bytes,
                    compression=compression,
                )
            except TransportError as error:
                failure = error
                continue
            hosts.answered(each)
            return connection
        raise failure or ConnectionFailed(f"{base} has no host", sent=False)

    async def aclose(self) -> None:
        """Close the transport below."""
        await self._inner.aclose()


def _is_at(url: str, base: str) -> bool:
    return url == base or (url.startswith(base) and url[len(base)] in "/?")
