from __future__ import annotations

import pytest

from lotusx.errors import ConnectionFailed, InvalidArgument
from lotusx.kernel.retry import MAX_RETRY_AFTER_S
from lotusx.transport.handshake import ClientHandshake
from lotusx.transport.ws_urls import Proxy, parse_proxy_url, parse_ws_url


def handshake(url: str = "ws://h.example/ws", headers: tuple[tuple[str, str], ...] = ()) -> ClientHandshake:
    return ClientHandshake(parse_ws_url(url), headers, compression=False, now_s=1_000_000_000.0)


def refusal(handshake: ClientHandshake) -> ConnectionFailed:
    assert handshake.finished
    assert handshake.error is not None
    assert handshake.connection is None
    return handshake.error


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("ws://h", (False, "h", 80, "h", "/")),
        ("wss://h:443/a?b=c#d", (True, "h", 443, "h", "/a?b=c")),
        ("wss://h:9443/ws", (True, "h", 9443, "h:9443", "/ws")),
        ("ws://[::1]:8080/", (False, "::1", 8080, "[::1]:8080", "/")),
    ],
)
def test_url_is_split(url: str, expected: tuple[object, ...]) -> None:
    parsed = parse_ws_url(url)
    assert (parsed.secure, parsed.host, parsed.port, parsed.authority, parsed.target) == expected


@pytest.mark.parametrize("url", ["http://h/", "ws:///x", "ws://h:99999/", "ws://me:secret@h/", "h"])
def test_other_urls_are_refused_without_showing_them(url: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        parse_ws_url(url)
    assert "secret" not in str(caught.value)


def test_header_that_http_does_not_allow_is_refused_without_showing_it() -> None:
    with pytest.raises(InvalidArgument) as caught:
        handshake(headers=(("X-Key", "s3cret\r\nInjected: 1"),))
    assert "s3cret" not in str(caught.value)


def test_target_with_other_than_ascii_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        handshake("ws://h/ü")


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (b"Retry-After: 30", 30.0),
        (b"Retry-After:  10000 ", 10000.0),
        (b"Retry-After: -5", None),
        (b"Retry-After: soon", None),
        (b"X: y", None),
        (b"Retry-After: Sun, 09 Sep 2001 01:46:50 GMT", 10.0),
        (b"Retry-After: Sun, 09 Sep 2001 01:46:30 GMT", 0.0),
        (b"Retry-After: Sun, 09 Sep 2001 02:00:10 GMT\r\nDate: Sun, 09 Sep 2001 02:00:00 GMT", 10.0),
        (b"Retry-After: " + b"9" * 400, MAX_RETRY_AFTER_S),
    ],
)
def test_a_refusal_says_how_long_to_wait(headers: bytes, expected: float | None) -> None:
    shake = handshake()
    shake.feed(b"HTTP/1.1 429 Slow down\r\nContent-Length: 0\r\n" + headers + b"\r\n\r\n")

    assert refusal(shake).after_s == expected


def test_refusal_names_status_body_and_wait_but_no_secret() -> None:
    key = "k3yk3yk3yk3yk3yk3y"
    shake = handshake(f"ws://h.example/ws?listenKey={key}", (("X-API-Key", "hush-hush"),))
    shake.feed(b"HTTP/1.1 429 Slow down\r\nRetry-After: 7\r\nContent-Length: 60\r\n\r\n")
    assert not shake.finished
    shake.feed(f"<p>{key} and\r\n\r\nhush-hush do too much</p>".ljust(60).encode())

    error = refusal(shake)
    assert str(error) == "h.example: the WebSocket handshake was answered with HTTP 429: <p>*** and *** do too much</p>"
    assert error.after_s == 7.0
    assert not error.sent
    assert not error.may_have_executed


def test_answer_in_single_bytes() -> None:
    shake = handshake()
    for byte in b"HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno":
        shake.feed(bytes([byte]))
    assert str(refusal(shake)).endswith("HTTP 403: no")


def test_long_body_is_cut() -> None:
    shake = handshake()
    shake.feed(b"HTTP/1.1 503 Busy\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 3000)
    assert len(str(refusal(shake))) < 400


def test_informational_answer_other_than_101_is_a_refusal() -> None:
    shake = handshake()
    shake.feed(b"HTTP/1.1 103 Early Hints\r\n\r\n")
    assert "HTTP 103" in str(refusal(shake))


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: bm90IGl0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"x" * 70_000,
    ],
)
def test_answer_that_breaks_the_protocol_is_refused(answer: bytes) -> None:
    shake = handshake()
    shake.feed(answer)
    assert "answer" in str(refusal(shake))


def test_broken_chunk_in_a_refusal_keeps_the_refusal() -> None:
    shake = handshake()
    shake.feed(b"HTTP/1.1 400 Bad\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")
    assert "HTTP 400" in str(refusal(shake))


def test_server_that_closes_during_the_handshake() -> None:
    shake = handshake()
    shake.feed(b"HTTP/1.1 1")
    shake.end()
    shake.end()
    assert str(refusal(shake)) == "h.example: the server ended the stream during the handshake"


def test_proxy_url_and_request() -> None:
    proxy = parse_proxy_url("http://me:p%40ss@proxy.example:3128")

    assert proxy == Proxy("proxy.example", 3128, "Basic bWU6cEBzcw==")
    assert "Basic" not in repr(proxy)
    assert proxy.connect_request(parse_ws_url("wss://h/x")) == (
        b"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\nProxy-Authorization: Basic bWU6cEBzcw==\r\n\r\n"
    )
    assert parse_proxy_url("http://p").connect_request(parse_ws_url("ws://[::1]:81/")) == (
        b"CONNECT [::1]:81 HTTP/1.1\r\nHost: [::1]:81\r\n\r\n"
    )


@pytest.mark.parametrize("url", ["socks5://p:1", "http://", "http://p:x", "p:80"])
def test_other_proxies_are_refused(url: str) -> None:
    with pytest.raises(InvalidArgument):
        parse_proxy_url(url)


def test_proxy_answers() -> None:
    proxy = Proxy("p", 80)

    assert not proxy.agreed(b"HTTP/1.1 200 OK\r\n")
    assert proxy.agreed(b"HTTP/1.1 200 OK\r\n\r\n")
    with pytest.raises(ConnectionFailed, match="407"):
        proxy.agreed(b"HTTP/1.1 407 Who are you\r\n\r\n")
    with pytest.raises(ConnectionFailed):
        proxy.agreed(b"x" * 70_000)
