"""Both HTTP transports keep the same promises, on both event loops."""

from __future__ import annotations

import gzip
import importlib.util
import logging
import socket
import ssl
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from pytest_httpserver import HTTPServer
from werkzeug import Request as WsgiRequest, Response as WsgiResponse

from lotusx.errors import ConfigurationError, ConnectionFailed, InvalidArgument, MalformedReply, RequestTimeout
from lotusx.kernel.retry import retry_after_s
from lotusx.kernel.transport import HttpRequest, HttpResponse, HttpTransport
from lotusx.transport import httpx_http, lean_http
from lotusx.transport.http import make_http_transport
from lotusx.transport.http_asyncio import AsyncioLine
from lotusx.transport.httpx_http import HttpxTransport
from lotusx.transport.lean_http import LeanTransport, client_context

pytestmark = pytest.mark.anyio

UVLOOP = pytest.param(
    ("asyncio", {"use_uvloop": True}),
    id="uvloop",
    marks=pytest.mark.skipif(importlib.util.find_spec("uvloop") is None, reason="uvloop is not installed"),
)
Handler = Callable[[socket.socket], None]
MakeServer = Callable[[Handler], "RawServer"]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(params=[LeanTransport, HttpxTransport])
async def http(request: pytest.FixtureRequest, anyio_backend: str) -> AsyncIterator[HttpTransport]:
    transport: HttpTransport = request.param(max_body_bytes=12_000_000, trust_env=False)
    yield transport
    await transport.aclose()


class RawServer:
    """Accepts connections, hands each to a function in a thread, and remembers what it read."""

    def __init__(self, handler: Handler, context: ssl.SSLContext | None = None) -> None:
        self._handler = handler
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._sockets: list[socket.socket] = []
        self.accepted = 0
        self.ended = threading.Semaphore(0)
        self.port: int = self._listener.getsockname()[1]
        self.url = f"{'https' if context else 'http'}://127.0.0.1:{self.port}"
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            self._sockets.append(peer)
            thread = threading.Thread(target=self._serve, args=(peer,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, peer: socket.socket) -> None:
        peer.settimeout(30)
        try:
            if self._context is not None:
                peer = self._context.wrap_socket(peer, server_side=True)
                self._sockets.append(peer)
            self._handler(peer)
        except OSError:
            pass
        finally:
            peer.close()
            self.ended.release()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for peer in self._sockets:
            with suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)
            peer.close()
        for thread in self._threads:
            thread.join(5)


@pytest.fixture
def serve() -> Iterator[MakeServer]:
    servers: list[RawServer] = []

    def make(handler: Handler) -> RawServer:
        servers.append(RawServer(handler))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


def read_head(peer: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        more = peer.recv(65_536)
        if not more:
            raise OSError("gone")
        data += more
    return data


def answering(*replies: bytes) -> Handler:
    """Answer one request after another, then hang up."""

    def handler(peer: socket.socket) -> None:
        for reply in replies:
            read_head(peer)
            peer.sendall(reply)

    return handler


def endlessly(reply: bytes) -> Handler:
    def handler(peer: socket.socket) -> None:
        while True:
            read_head(peer)
            peer.sendall(reply)

    return handler


async def get(http: HttpTransport, url: str, timeout_s: float = 5.0, method: str = "GET") -> HttpResponse:
    return await http.send(HttpRequest(method, url), timeout_s=timeout_s)


async def test_the_bytes_of_url_headers_and_body_are_sent_as_they_are(http: HttpTransport, serve: MakeServer) -> None:
    seen: list[bytes] = []

    def handler(peer: socket.socket) -> None:
        data = read_head(peer)
        while not data.endswith(body):
            data += peer.recv(65_536)
        seen.append(data)
        peer.sendall(OK)

    body = b'{"raw":"%2f \xc3\xa4"}'
    server = serve(handler)
    target = "/api//v3/./x/../%7e%2F;a|b?q=[1,2]&sig=%2b+%2B/='\"<>`{}^~!*()&&x&empty="
    await http.send(HttpRequest("POST", server.url + target, (("X-MBX-APIKEY", "k e~y"),), body), timeout_s=30)

    head, _, sent_body = seen[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == f"POST {target} HTTP/1.1".encode()
    assert b"X-MBX-APIKEY: k e~y" in lines
    assert f"Host: 127.0.0.1:{server.port}".encode() in lines
    assert f"Content-Length: {len(body)}".encode() in lines
    assert sent_body == body


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 418, 429, 451, 500, 502, 503, 504, 520])
async def test_every_status_comes_back_as_a_reply(http: HttpTransport, httpserver: HTTPServer, status: int) -> None:
    httpserver.expect_request("/s").respond_with_data("<html>no</html>", status=status, content_type="text/html")

    reply = await get(http, httpserver.url_for("/s"))

    assert (reply.status, reply.body) == (status, b"<html>no</html>")
    assert reply.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize(
    ("value", "least", "most"),
    [("7", 7, 7), ("10000", 10_000, 10_000), ("-3", None, None), (None, None, None)],
)
async def test_retry_after_survives_the_way(
    http: HttpTransport, httpserver: HTTPServer, value: str | None, least: float | None, most: float | None
) -> None:
    headers = {"Retry-After": value} if value else {}
    httpserver.expect_request("/r").respond_with_data("", status=429, headers=headers)

    after = retry_after_s((await get(http, httpserver.url_for("/r"))).headers, time.time())

    assert after == least == most


async def test_retry_after_as_a_date_counts_from_the_servers_clock(http: HttpTransport, httpserver: HTTPServer) -> None:
    date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(time.time() + 100))
    httpserver.expect_request("/r").respond_with_data("", status=429, headers={"Retry-After": date})

    after = retry_after_s((await get(http, httpserver.url_for("/r"))).headers, 0.0)

    assert after is not None
    assert 95 <= after <= 101


async def test_redirects_are_not_followed(http: HttpTransport, httpserver: HTTPServer) -> None:
    httpserver.expect_request("/old").respond_with_data("", status=302, headers={"Location": "/new"})

    reply = await get(http, httpserver.url_for("/old"))

    assert (reply.status, reply.headers["location"]) == (302, "/new")
    assert len(httpserver.log) == 1


async def test_verbs_and_bodies_arrive(http: HttpTransport, httpserver: HTTPServer) -> None:
    def echo(request: WsgiRequest) -> WsgiResponse:
        return WsgiResponse(f"{request.method} ".encode() + request.get_data())

    httpserver.expect_request("/e").respond_with_handler(echo)
    for method in ("GET", "POST", "PUT", "DELETE"):
        reply = await http.send(HttpRequest(method, httpserver.url_for("/e"), (), b"body"), timeout_s=30)
        assert reply.body == f"{method} body".encode()


async def test_gzip_is_undone_and_garbage_is_malformed(http: HttpTransport, httpserver: HTTPServer) -> None:
    headers = {"Content-Encoding": "gzip"}
    httpserver.expect_request("/good").respond_with_data(gzip.compress(b'{"a":1}'), headers=headers)
    httpserver.expect_request("/bad").respond_with_data(b"garbage", headers=headers)

    assert (await get(http, httpserver.url_for("/good"))).body == b'{"a":1}'
    with pytest.raises(MalformedReply, match="compressed body cannot be read"):
        await get(http, httpserver.url_for("/bad"))


async def test_ten_megabytes_arrive_whole_and_too_many_are_refused(http: HttpTransport, serve: MakeServer) -> None:
    body = bytes(range(250)) * 40_000
    server = serve(endlessly(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body))
    assert (await get(http, server.url)).body == body

    endless = serve(answering(b"HTTP/1.1 200 OK\r\n\r\n" + bytes(13_000_000)))
    with pytest.raises(MalformedReply, match="longer than 12000000 bytes"):
        await get(http, endless.url)


async def test_chunked_bodies_are_joined(http: HttpTransport, serve: MakeServer) -> None:
    reply = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\nX-A: 2\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
    response = await get(http, serve(endlessly(reply)).url)

    assert response.body == b"abc"
    assert response.headers["x-a"] == "1, 2"


@pytest.mark.parametrize(
    "wire",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
    ],
)
async def test_cut_replies_and_other_protocols_are_malformed(
    http: HttpTransport, serve: MakeServer, wire: bytes
) -> None:
    with pytest.raises(MalformedReply) as caught:
        await get(http, serve(answering(wire)).url)
    assert caught.value.may_have_executed


async def test_a_connection_is_used_again(http: HttpTransport, serve: MakeServer) -> None:
    server = serve(endlessly(OK))
    for _ in range(5):
        assert (await get(http, server.url + "/x")).body == b"ok"

    assert server.accepted == 1


async def test_a_connection_the_server_closed_while_idle_is_replaced_unnoticed(
    http: HttpTransport, serve: MakeServer
) -> None:
    server = serve(answering(OK))
    for _ in range(3):
        assert (await get(http, server.url, method="POST")).body == b"ok"
        await anyio.to_thread.run_sync(server.ended.acquire)
        await anyio.sleep(0.01)

    assert server.accepted == 3


async def test_a_connection_closed_without_a_reply_counts_as_sent(http: HttpTransport, serve: MakeServer) -> None:
    def handler(peer: socket.socket) -> None:
        read_head(peer)
        peer.sendall(OK)
        read_head(peer)

    server = serve(handler)
    await get(http, server.url)
    with pytest.raises(ConnectionFailed) as caught:
        await get(http, server.url, method="POST")

    assert caught.value.sent
    assert caught.value.may_have_executed


async def test_a_reset_counts_as_sent(http: HttpTransport, serve: MakeServer) -> None:
    def handler(peer: socket.socket) -> None:
        read_head(peer)
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with pytest.raises(ConnectionFailed) as caught:
        await get(http, serve(handler).url)
    assert caught.value.sent


@pytest.mark.parametrize("host", ["a..test", "a" * 64 + ".test"])
async def test_a_host_that_cannot_exist_is_no_connection(http: HttpTransport, host: str) -> None:
    with pytest.raises((ConnectionFailed, InvalidArgument)) as caught:
        await http.send(HttpRequest("GET", f"http://{host}/"), timeout_s=30)
    assert not caught.value.may_have_executed


async def test_a_refused_connection_sent_nothing(http: HttpTransport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    with pytest.raises(ConnectionFailed) as caught:
        await get(http, f"http://127.0.0.1:{port}/?signature=c4nary")

    assert not caught.value.sent
    assert not caught.value.may_have_executed
    assert "c4nary" not in str(caught.value)
    assert str(port) in str(caught.value)


async def test_silence_ends_at_the_deadline_and_counts_as_sent(http: HttpTransport, serve: MakeServer) -> None:
    server = serve(lambda peer: (read_head(peer), peer.recv(1), None)[2])

    with pytest.raises(RequestTimeout, match=r"no complete reply from 127.0.0.1:\d+ within 0.5 s") as caught:
        await get(http, server.url, timeout_s=0.5)

    assert caught.value.sent
    assert await anyio.to_thread.run_sync(lambda: server.ended.acquire(timeout=30))  # the connection was closed


async def test_a_shorter_deadline_on_a_connection_that_is_used_again_is_kept(
    http: HttpTransport, serve: MakeServer
) -> None:
    def handler(peer: socket.socket) -> None:
        read_head(peer)
        peer.sendall(OK)
        read_head(peer)
        peer.recv(1)

    server = serve(handler)
    await get(http, server.url, timeout_s=30)
    with anyio.fail_after(20), pytest.raises(RequestTimeout) as caught:
        await get(http, server.url, timeout_s=0.2)
    assert caught.value.sent
    assert server.accepted == 1


async def test_a_slow_trickle_ends_at_the_deadline_too(http: HttpTransport, serve: MakeServer) -> None:
    def handler(peer: socket.socket) -> None:
        read_head(peer)
        peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        while True:
            peer.sendall(b"x")
            time.sleep(0.02)

    with pytest.raises(RequestTimeout):
        await get(http, serve(handler).url, timeout_s=0.15)


async def test_a_cancelled_request_closes_its_connection(http: HttpTransport, serve: MakeServer) -> None:
    started = threading.Event()

    def handler(peer: socket.socket) -> None:
        read_head(peer)
        started.set()
        assert peer.recv(1) == b""

    server = serve(handler)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(get, http, server.url)
        await anyio.to_thread.run_sync(started.wait)
        tasks.cancel_scope.cancel()

    assert await anyio.to_thread.run_sync(lambda: server.ended.acquire(timeout=30))
    if isinstance(http, LeanTransport):
        assert http.idle_connections == 0


async def test_nothing_that_cannot_be_sent_as_it_stands_is_sent(http: HttpTransport) -> None:
    with pytest.raises(InvalidArgument):
        await get(http, "http://127.0.0.1:1/x y")
    with pytest.raises(InvalidArgument):
        await http.send(HttpRequest("GET", "http://127.0.0.1:1/", (("X", "a\r\nb"),)), timeout_s=1)


async def test_a_closed_transport_sends_nothing(http: HttpTransport, serve: MakeServer) -> None:
    server = serve(endlessly(OK))
    await get(http, server.url)
    await http.aclose()

    assert await anyio.to_thread.run_sync(lambda: server.ended.acquire(timeout=30))
    with pytest.raises(ConnectionFailed) as caught:
        await get(http, server.url)
    assert not caught.value.sent


async def test_no_log_at_any_level_shows_query_or_headers(
    http: HttpTransport, serve: MakeServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    request = HttpRequest("GET", serve(answering(OK)).url + "/x?signature=c4nary", (("X-Key", "c4nary"),))
    await http.send(request, timeout_s=30)

    assert "c4nary" not in caplog.text


# ------------------------------------------------------------------------------------------------- the lean transport


async def test_concurrent_requests_get_a_connection_each_up_to_the_limit(serve: MakeServer) -> None:
    server = serve(endlessly(OK))
    http = LeanTransport(max_connections=3)
    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(get, http, server.url)

    assert 1 <= server.accepted <= 3
    assert http.idle_connections == server.accepted
    await http.aclose()


async def test_an_old_idle_connection_is_not_used_again(serve: MakeServer) -> None:
    now = [0.0]
    http = LeanTransport(max_idle_s=50, monotonic=lambda: now[0])
    server = serve(endlessly(OK))
    await get(http, server.url)
    now[0] = 51.0
    await get(http, server.url)

    assert server.accepted == 2
    await http.aclose()


async def test_the_deadline_of_a_request_that_was_answered_does_not_cut_off_the_next(serve: MakeServer) -> None:
    asked, go = threading.Event(), threading.Event()

    def handler(peer: socket.socket) -> None:
        read_head(peer)
        peer.sendall(OK)
        read_head(peer)
        asked.set()
        go.wait(30)
        peer.sendall(OK)
        peer.recv(1)

    http = LeanTransport()
    server = serve(handler)
    await get(http, server.url, timeout_s=10)
    (origin,) = http._origins.values()
    line = origin.idle[0].line
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(partial(get, http, server.url, timeout_s=30))
        await anyio.to_thread.run_sync(asked.wait)
        if isinstance(line, AsyncioLine):
            line._rung()  # the first deadline has come
        go.set()
    assert server.accepted == 1
    assert http.idle_connections == 1
    await http.aclose()


async def test_a_turn_that_does_not_come_in_time_sent_nothing(serve: MakeServer) -> None:
    asked = threading.Event()

    def handler(peer: socket.socket) -> None:
        read_head(peer)
        asked.set()
        peer.recv(1)

    http = LeanTransport(max_connections=1)
    server = serve(handler)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(get, http, server.url)
        await anyio.to_thread.run_sync(asked.wait)
        with pytest.raises(RequestTimeout, match="no connection") as caught:
            await get(http, server.url, timeout_s=0.05)
        tasks.cancel_scope.cancel()
    assert not caught.value.sent
    assert server.accepted == 1


async def test_a_stale_connection_asks_for_no_wait_before_the_retry(serve: MakeServer) -> None:
    def handler(peer: socket.socket) -> None:
        read_head(peer)
        peer.sendall(OK)
        read_head(peer)

    http = LeanTransport()
    server = serve(handler)
    await get(http, server.url)
    with pytest.raises(ConnectionFailed) as caught:
        await get(http, server.url)

    assert caught.value.after_s == 0.0
    await http.aclose()


async def test_a_reply_that_ends_with_the_connection_is_not_kept(serve: MakeServer) -> None:
    http = LeanTransport()

    assert (await get(http, serve(answering(b"HTTP/1.1 200 OK\r\n\r\nall")).url)).body == b"all"
    assert http.idle_connections == 0


async def test_a_reply_that_ends_with_a_connection_that_breaks_is_not_whole(serve: MakeServer) -> None:
    def handler(peer: socket.socket) -> None:
        read_head(peer)
        peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + bytes(30_000_000))  # more than fits on the way: some of it is read
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    http = LeanTransport()
    with pytest.raises(ConnectionFailed) as caught:
        await get(http, serve(handler).url)
    assert caught.value.sent
    assert http.idle_connections == 0


async def test_a_connection_in_use_while_the_transport_closes_is_not_kept(serve: MakeServer) -> None:
    started, go = threading.Event(), threading.Event()

    def handler(peer: socket.socket) -> None:
        read_head(peer)
        started.set()
        go.wait(5)
        peer.sendall(OK)
        peer.recv(1)

    http = LeanTransport()
    server = serve(handler)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(get, http, server.url)
        await anyio.to_thread.run_sync(started.wait)
        await http.aclose()
        go.set()

    assert http.idle_connections == 0


async def test_a_connection_that_cannot_be_made_in_time_sent_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def black_hole(*args: Any, **kwargs: Any) -> None:
        await anyio.sleep_forever()

    monkeypatch.setattr(anyio, "connect_tcp", black_hole)
    monkeypatch.setattr("lotusx.transport.http_asyncio.connected_socket", black_hole)
    with pytest.raises(RequestTimeout, match="no connection") as caught:
        await get(LeanTransport(), "http://192.0.2.1/", timeout_s=0.05)
    assert not caught.value.sent


def test_readability_is_seen_without_poll_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = socket.socketpair()
    monkeypatch.delattr("select.poll", raising=False)
    with one, other:
        assert not lean_http._readable(one.fileno())
        other.sendall(b"x")
        assert lean_http._readable(one.fileno())


# --------------------------------------------------------------------------------------------------------------- TLS


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A self-signed certificate for 127.0.0.1, with its key in the same file."""
    x509 = pytest.importorskip("cryptography.x509")
    import datetime
    import ipaddress

    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path: Path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + built.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def serve_tls(certificate: Path) -> Iterator[MakeServer]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    servers: list[RawServer] = []

    def make(handler: Handler) -> RawServer:
        servers.append(RawServer(handler, context))
        return servers[-1]

    yield make
    for server in servers:
        server.close()


@pytest.fixture
def tls_server(serve_tls: MakeServer) -> RawServer:
    return serve_tls(endlessly(OK))


async def test_what_came_after_a_reply_over_tls_is_not_taken_for_the_next_reply(
    serve: MakeServer, certificate: Path
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def handler(peer: socket.socket) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(incoming, outgoing, server_side=True)

        def done(step: Callable[[], Any]) -> None:
            while True:
                try:
                    step()
                    return
                except ssl.SSLWantReadError:
                    peer.sendall(outgoing.read())
                    incoming.write(peer.recv(65_536) or b"not TLS")

        done(tls.do_handshake)
        while True:
            done(partial(tls.read, 65_536))
            tls.write(OK)
            tls.write(OK.replace(b"ok", b"no"))  # a record of its own
            peer.sendall(outgoing.read())  # which comes with the one before

    server = serve(handler)
    http = LeanTransport(verify=str(certificate), trust_env=False)
    for _ in range(3):
        assert (await get(http, server.url.replace("http", "https"), method="POST")).body == b"ok"
    assert server.accepted == 3
    await http.aclose()


@pytest.mark.parametrize("kind", [LeanTransport, HttpxTransport])
@pytest.mark.parametrize("goodbye", [True, False])
@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio", UVLOOP])
async def test_over_tls_a_reply_ends_with_the_connection_only_where_the_server_says_so(
    kind: Any, goodbye: bool, serve_tls: MakeServer, certificate: Path
) -> None:
    def handler(peer: socket.socket) -> None:
        assert isinstance(peer, ssl.SSLSocket)
        read_head(peer)
        peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n[1,2]")
        if goodbye:
            with suppress(OSError):
                peer.unwrap()
        else:
            peer.shutdown(socket.SHUT_WR)

    http = kind(verify=str(certificate), trust_env=False)
    url = serve_tls(handler).url
    if goodbye:
        assert (await get(http, url, method="POST")).body == b"[1,2]"
    else:
        with pytest.raises(ConnectionFailed, match="close_notify") as caught:
            await get(http, url, method="POST")
        assert caught.value.sent
        assert caught.value.may_have_executed
    await http.aclose()


@pytest.mark.parametrize("kind", [LeanTransport, HttpxTransport])
async def test_over_tls_a_reply_that_has_no_body_ends_by_itself(
    kind: Any, serve_tls: MakeServer, certificate: Path
) -> None:
    http = kind(verify=str(certificate), trust_env=False)
    url = serve_tls(endlessly(b"HTTP/1.1 204 No Content\r\n\r\n")).url
    assert [(await get(http, url)).status, (await get(http, url, method="HEAD")).status] == [204, 204]
    await http.aclose()


@pytest.mark.parametrize("kind", [LeanTransport, HttpxTransport])
async def test_tls_believes_only_whom_it_was_told_to(kind: Any, tls_server: RawServer, certificate: Path) -> None:
    for verify, believed in [(str(certificate), True), (False, True), (True, False)]:
        http = kind(verify=verify, trust_env=False)
        if believed:
            for _ in range(3):
                assert (await get(http, tls_server.url)).body == b"ok"
        else:
            with pytest.raises(ConnectionFailed, match="CERTIFICATE_VERIFY_FAILED") as caught:
                await get(http, tls_server.url)
            assert not caught.value.sent
        await http.aclose()
    assert tls_server.accepted == 3


async def test_the_environment_may_name_the_authorities(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    assert client_context().cert_store_stats()["x509"] == 1
    assert client_context(trust_env=False).cert_store_stats()["x509"] > 1
    given = ssl.create_default_context()
    assert client_context(given) is given


# --------------------------------------------------------------------------------------------------------- proxies


def proxy(log: list[bytes]) -> Handler:
    """A forward proxy that also tunnels."""

    def handler(peer: socket.socket) -> None:
        head = read_head(peer)
        log.append(head.split(b"\r\n")[0])
        verb, target, _ = log[-1].split(b" ")
        if verb != b"CONNECT":
            peer.sendall(OK)
            return
        host, _, port = target.decode().partition(":")
        if host == "forbidden.test":
            peer.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
            return
        with socket.create_connection((host, int(port))) as far:
            peer.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            back = threading.Thread(target=pump, args=(far, peer))
            back.start()
            pump(peer, far)
            back.join(5)

    return handler


def pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


async def test_plain_http_goes_through_the_proxy_with_its_bytes_untouched(serve: MakeServer) -> None:
    log: list[bytes] = []
    http = make_http_transport(proxy=serve(proxy(log)).url)

    reply = await get(http, "http://exchange.test/x?q=[1]&s=%2b|")

    assert reply.body == b"ok"
    assert log == [b"GET http://exchange.test/x?q=[1]&s=%2b| HTTP/1.1"]
    await http.aclose()


async def test_tls_is_tunnelled_through_the_proxy(serve: MakeServer, tls_server: RawServer, certificate: Path) -> None:
    log: list[bytes] = []
    http = make_http_transport(proxy=serve(proxy(log)).url, verify=str(certificate))

    assert (await get(http, tls_server.url + "/x?q=[1]")).body == b"ok"
    assert log == [f"CONNECT 127.0.0.1:{tls_server.port} HTTP/1.1".encode()]
    await http.aclose()


async def test_a_proxy_that_refuses_has_sent_nothing_on(serve: MakeServer) -> None:
    http = make_http_transport(proxy=serve(proxy([])).url)

    with pytest.raises(ConnectionFailed) as caught:
        await get(http, "https://forbidden.test/x", method="POST")
    assert not caught.value.sent
    await http.aclose()


async def test_a_proxy_in_the_environment_is_used_if_the_environment_is_trusted(
    serve: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    log: list[bytes] = []
    monkeypatch.setenv("HTTP_PROXY", serve(proxy(log)).url)

    http = make_http_transport()
    assert isinstance(http, HttpxTransport)
    assert (await get(http, "http://exchange.test/")).body == b"ok"
    assert len(log) == 1
    await http.aclose()
    assert isinstance(make_http_transport(trust_env=False), LeanTransport)


@pytest.mark.parametrize(
    "address", ["localhost:3128", "10.0.0.1:3128", "proxy.test", "ftp://proxy.test:1", "http://u:secret/word@h:1"]
)
def test_a_proxy_that_is_no_address_is_a_mistake_of_the_configuration(address: str) -> None:
    with pytest.raises(ConfigurationError, match=r"proxy must be .*http://\[user:password@\]host:port") as caught:
        make_http_transport(proxy=address)
    assert "secret" not in str(caught.value)


async def test_a_failure_on_the_way_names_the_proxy_without_its_password(serve: MakeServer) -> None:
    gone = RawServer(proxy([]))
    gone.close()
    refusing = serve(proxy([]))
    for server in (gone, refusing):
        http = make_http_transport(proxy=f"http://user:secret@127.0.0.1:{server.port}")
        with pytest.raises(ConnectionFailed, match=rf"through the proxy http://127\.0\.0\.1:{server.port}: ") as caught:
            await get(http, "https://forbidden.test/x")
        assert "secret" not in str(caught.value)
        await http.aclose()


async def test_a_failure_says_that_the_environment_names_a_proxy(
    serve: MakeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", serve(proxy([])).url)
    http = make_http_transport()
    with pytest.raises(ConnectionFailed, match=r"forbidden\.test \(the environment names a proxy\): "):
        await get(http, "https://forbidden.test/x")
    await http.aclose()


@pytest.mark.parametrize("options", [{"http2": True}, {"proxy": "socks5://127.0.0.1:1"}])
def test_what_needs_another_package_names_it(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("h2", "socksio"):
        monkeypatch.setitem(sys.modules, name, None)

    with pytest.raises(ConfigurationError, match=r"needs another package: .*install"):
        make_http_transport(**options)


def test_failures_of_httpx_are_told_in_words_and_never_called_unsent_wrongly() -> None:
    quiet = httpx.ReadError("")
    quiet.__cause__ = OSError("the cable is out")
    trace = httpx_http._Trace()
    trace.sent = True

    broke = httpx_http._failure(quiet, trace, "a.test")
    assert isinstance(broke, ConnectionFailed)
    assert broke.sent
    assert str(broke) == "the connection to a.test broke: the cable is out"
    assert "ReadError" in str(httpx_http._failure(httpx.ReadError(""), trace, "a.test"))
    assert isinstance(httpx_http._failure(httpx.LocalProtocolError("no"), trace, "a.test"), InvalidArgument)


async def test_without_a_proxy_the_lean_transport_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)

    assert isinstance(make_http_transport(), LeanTransport)
