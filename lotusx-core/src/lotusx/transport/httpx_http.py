"""HTTP over httpx: for proxies and HTTP/2, and wherever its habits are wanted."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from typing import Any

import anyio
import httpx

from lotusx.errors import (
    ConfigurationError,
    ConnectionFailed,
    InvalidArgument,
    LotusXError,
    MalformedReply,
    RequestTimeout,
)
from lotusx.kernel.transport import HttpRequest, HttpResponse
from lotusx.transport.http import proxy_in_environment
from lotusx.transport.http1 import MAX_BODY_BYTES, decoded, full_headers, split_url
from lotusx.transport.lean_http import MAX_CONNECTIONS, MAX_IDLE_S, NO_GOODBYE, client_context, said_goodbye

_NEVER_SENT = (httpx.ConnectError, httpx.ProxyError, httpx.PoolTimeout, httpx.ConnectTimeout)


class _ExactUrl(httpx.URL):
    """A URL whose path and query are sent as given; shows, and so logs, neither of them."""

    def __init__(self, base: str, target: str) -> None:
        super().__init__(base)
        self._target = target.encode("ascii")

    @property
    def raw_path(self) -> bytes:
        return self._target


class _Trace:
    """Learns from httpcore whether a byte of the request may have left."""

    __slots__ = ("sent",)

    def __init__(self) -> None:
        self.sent = False

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        if event.endswith("send_request_headers.started") and info["request"].method != b"CONNECT":
            self.sent = True


class HttpxTransport:
    """An `HttpTransport` over `httpx.AsyncClient`.

    Args:
        proxy: ``http://``, ``https://`` or, where httpx has the extra, ``socks5://`` address of a proxy.
        verify: As in `lean_http.client_context`.
        trust_env: Let ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY``, ``NO_PROXY`` and ``SSL_CERT_FILE`` count.
        http2: Offer HTTP/2; needs ``httpx[http2]``.
        max_body_bytes: A longer reply is refused.

    Raises:
        ConfigurationError: *proxy* is no address of a proxy; or HTTP/2 or the kind of proxy needs a package that is
            not installed.
    """

    def __init__(
        self,
        *,
        proxy: str | None = None,
        verify: bool | str | ssl.SSLContext = True,
        trust_env: bool = True,
        http2: bool = False,
        max_body_bytes: int = MAX_BODY_BYTES,
        max_connections: int = MAX_CONNECTIONS,
        max_idle_s: float = MAX_IDLE_S,
    ) -> None:
        self._max_body_bytes = max_body_bytes
        context = client_context(verify, trust_env=trust_env)
        if http2:
            context.set_alpn_protocols(["h2", "http/1.1"])
        limits = httpx.Limits(
            max_connections=max_connections, max_keepalive_connections=max_connections, keepalive_expiry=max_idle_s
        )
        try:
            self._client = httpx.AsyncClient(
                proxy=proxy,
                verify=context,
                trust_env=trust_env,
                http2=http2,
                timeout=None,
                follow_redirects=False,
                limits=limits,
            )
        except ImportError as error:
            raise ConfigurationError(f"this way to send HTTP needs another package: {error}") from None
        except (ValueError, httpx.InvalidURL):  # their texts may hold a part of the password
            what = "proxy" if proxy is not None else "a proxy that the environment names"
            raise ConfigurationError(
                f"{what} must be an address such as http://[user:password@]host:port, where / and @ in the password "
                "are written %2F and %40"
            ) from None
        self._way = _way(proxy, trust_env=trust_env)

    async def send(self, request: HttpRequest, *, timeout_s: float) -> HttpResponse:
        """Send *request* as it stands and return its whole reply. As in `HttpTransport`."""
        if self._client.is_closed:
            raise ConnectionFailed("the transport is closed", sent=False)
        scheme, _, _, authority, target = split_url(request.url)
        trace = _Trace()
        outgoing = httpx.Request(
            request.method,
            f"{scheme}://{authority}",
            headers=[(name.encode(), value.encode("latin-1")) for name, value in full_headers(request, authority)],
            content=request.body or None,
            extensions={"trace": trace},
        )
        outgoing.url = _ExactUrl(f"{scheme}://{authority}", target)
        with anyio.move_on_after(timeout_s):
            return await self._exchange(outgoing, trace, authority)
        what = "no complete reply" if trace.sent else "no connection"
        raise RequestTimeout(f"{what} from {authority}{self._way} within {timeout_s:g} s", sent=trace.sent)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _exchange(self, request: httpx.Request, trace: _Trace, authority: str) -> HttpResponse:
        problem: LotusXError
        try:
            response = await self._client.send(request, stream=True)
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError, UnicodeError) as error:
            problem = _failure(error, trace, authority, self._way)
        else:
            return await self._reply(response)
        # Raised out here: httpx's errors hold the request, with its headers.
        raise problem

    async def _reply(self, response: httpx.Response) -> HttpResponse:
        status = response.status_code
        tls = response.extensions["network_stream"].get_extra_info("ssl_object")
        headers: dict[str, str] = {}
        for name, value in response.headers.multi_items():
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        body = bytearray()
        why = ""
        try:
            async for part in response.aiter_raw():
                if why:
                    continue
                body += part
                if len(body) > self._max_body_bytes:
                    why = f"the body is longer than {self._max_body_bytes} bytes"
                    # Not a break: httpx's nested generators end cleanly only by an error from below.
                    await response.extensions["network_stream"].aclose()
        except httpx.HTTPError:
            why = why or "the reply is cut short"
        finally:
            with anyio.CancelScope(shield=True):
                await response.aclose()
        if why:
            raise MalformedReply(why, status=status, body=bytes(body[:2_000]).decode("utf-8", "replace"))
        has_end = response.http_version == "HTTP/2" or not {"content-length", "transfer-encoding"}.isdisjoint(headers)
        has_end = has_end or response.request.method == "HEAD" or status in (204, 304)
        if not has_end and not said_goodbye(tls):
            raise ConnectionFailed(NO_GOODBYE)
        return HttpResponse(status, headers, decoded(bytes(body), headers, self._max_body_bytes))


def _way(proxy: str | None, *, trust_env: bool) -> str:
    """Return the words that tell of a proxy, without its password."""
    if proxy is not None:
        url = httpx.URL(proxy)
        return f" through the proxy {url.scheme}://{url.netloc.decode('ascii')}"
    return " (the environment names a proxy)" if trust_env and proxy_in_environment() else ""


def _failure(error: Exception, trace: _Trace, authority: str, way: str = "") -> LotusXError:
    what = _words(error)
    if isinstance(error, _NEVER_SENT):
        return ConnectionFailed(f"no connection to {authority}{way}: {what}", sent=False)
    if isinstance(error, httpx.LocalProtocolError | httpx.UnsupportedProtocol):
        return InvalidArgument(f"the request to {authority} cannot be sent: {what}", rule="http")
    if isinstance(error, httpx.RemoteProtocolError) and "disconnected" not in what:
        return MalformedReply(f"this is not an HTTP reply: {what}")
    return ConnectionFailed(f"the connection to {authority}{way} broke: {what}", sent=trace.sent)


def _words(error: BaseException) -> str:
    """Return the first words in the chain of causes; on some event loops the outer errors have none."""
    cause: BaseException | None = error
    while cause is not None:
        if str(cause):
            return str(cause)
        cause = cause.__cause__ or cause.__context__
    return type(error).__name__
