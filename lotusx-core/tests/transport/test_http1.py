"""HTTP/1.1 without a socket."""

from __future__ import annotations

import gzip
import zlib

import pytest
from hypothesis import given, strategies as st

from lotusx.errors import InvalidArgument, MalformedReply
from lotusx.kernel.transport import HttpRequest
from lotusx.transport.http1 import ReplyReader, decoded, request_bytes, split_url


def read(*pieces: bytes, method: str = "GET", limit: int = 1_000) -> ReplyReader:
    reader = ReplyReader(method, limit)
    for piece in pieces:
        reader.feed(piece)
    return reader


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4;ext=1\r\nabcd\r\n3\r\nefg\r\n0\r\nTrailer: x\r\n\r\n"
SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: 7\r\nX-A: 1\r\nx-a:  2 \r\n\r\nabcdefg"
INFORMED = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + SIZED


@pytest.mark.parametrize("wire", [CHUNKED, SIZED, INFORMED])
@given(data=st.data())
def test_a_reply_is_the_same_however_the_network_cuts_it(wire: bytes, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(1, len(wire) - 1))))
    pieces = [wire[a:b] for a, b in zip([0, *cuts], [*cuts, len(wire)], strict=True)]
    reader = ReplyReader("GET")

    done = [reader.feed(piece) for piece in pieces]

    assert done == [False] * (len(pieces) - 1) + [True]
    assert reader.response().body == b"abcdefg"
    assert reader.keep_alive


@pytest.mark.parametrize("wire", [CHUNKED, SIZED, INFORMED])
def test_a_reply_cut_at_any_byte_is_known_to_be_cut(wire: bytes) -> None:
    for cut in range(1, len(wire)):
        reader = read(wire[:cut])
        with pytest.raises(MalformedReply, match="cut short"):
            reader.end()


@given(st.binary(max_size=200))
def test_any_bytes_are_a_reply_or_malformed(data: bytes) -> None:
    reader = ReplyReader("GET", 100)
    try:
        if not reader.feed(data):
            reader.end()
        reader.response(100)
    except MalformedReply:
        return
    assert reader.complete


def test_headers_are_lower_case_and_repeated_ones_joined() -> None:
    reader = read(SIZED)

    assert reader.headers == {"content-length": "7", "x-a": "1, 2"}
    reader.end()  # the end of the connection changes nothing now
    assert reader.keep_alive


def test_a_body_without_a_length_lasts_until_the_connection_ends() -> None:
    reader = read(b"HTTP/1.1 200 OK\r\n\r\nabc", b"def")
    assert not reader.complete

    reader.end()

    assert reader.response().body == b"abcdef"
    assert not reader.keep_alive


@pytest.mark.parametrize(
    ("wire", "keep_alive"),
    [
        (b"HTTP/1.1 204 No Content\r\n\r\n", True),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n", True),
        (b"HTTP/1.1 200\r\nContent-Length: 0, 0\r\n\r\n", True),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nEXTRA", False),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokEXTRA", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n", False),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nEXTRA", False),
    ],
)
def test_a_connection_is_kept_only_if_both_agree_where_the_reply_ends(wire: bytes, keep_alive: bool) -> None:
    reader = read(wire)

    assert reader.complete
    assert reader.keep_alive is keep_alive


def test_a_reply_to_head_has_no_body() -> None:
    assert read(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n", method="HEAD").complete


@pytest.mark.parametrize(
    "wire",
    [
        b"SSH-2.0-OpenSSH\r\n",
        b"HTTP/2 200 OK\r\n\r\n",
        b"HTTP/1.1 2xx OK\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nbad name: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * 5_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3e9\r\n" + b"x" * 1001,
        b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 1001,
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000,
    ],
)
def test_what_is_not_http_or_too_long_is_malformed(wire: bytes) -> None:
    with pytest.raises(MalformedReply):
        read(wire)


def bare_deflate(data: bytes) -> bytes:
    squeezer = zlib.compressobj(wbits=-15)
    return squeezer.compress(data) + squeezer.flush()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(b"plain")),
        ("x-gzip", gzip.compress(b"plain")),
        ("deflate", zlib.compress(b"plain")),
        ("deflate", bare_deflate(b"plain")),
        ("identity", b"plain"),
        ("", b"plain"),
        ("deflate, gzip", gzip.compress(zlib.compress(b"plain"))),
    ],
)
def test_content_encodings_are_undone(encoding: str, body: bytes) -> None:
    assert decoded(body, {"content-encoding": encoding}) == b"plain"


@pytest.mark.parametrize(
    ("encoding", "body", "why"),
    [
        ("gzip", b"garbage", "cannot be read"),
        ("gzip", gzip.compress(b"plain")[:-4], "cut short"),
        ("br", b"x", "not asked for"),
        ("gzip", gzip.compress(bytes(100_000)), "longer than 1000 bytes"),
    ],
)
def test_bodies_that_are_not_what_their_encoding_says_are_malformed(encoding: str, body: bytes, why: str) -> None:
    with pytest.raises(MalformedReply, match=why):
        decoded(body, {"content-encoding": encoding}, 1_000)


def test_an_empty_body_needs_no_decoding() -> None:
    assert decoded(b"", {"content-encoding": "gzip"}) == b""


@pytest.mark.parametrize(
    ("url", "parts"),
    [
        ("https://a.test/x?y=%2f+~'[]", ("https", "a.test", 443, "a.test", "/x?y=%2f+~'[]")),
        ("HTTP://a.test:81", ("http", "a.test", 81, "a.test:81", "/")),
        ("http://[::1]:8080/", ("http", "::1", 8080, "[::1]:8080", "/")),
        ("http://a.test/x//y?z=http://b", ("http", "a.test", 80, "a.test", "/x//y?z=http://b")),
    ],
)
def test_urls_are_taken_apart_without_touching_a_byte(url: str, parts: tuple[str, str, int, str, str]) -> None:
    assert split_url(url) == parts


@pytest.mark.parametrize(
    "url",
    ["", "a.test/x", "ftp://a.test/", "http:///x", "http://u:p@a.test/", "http://a.test/x y", "http://a.test/ä",
     "http://a.test/x\r\nHost: b", "http://a.test/x#y", "http://a.test:x/", "http://a.test:65536/"],
)  # fmt: skip
def test_urls_that_cannot_be_sent_as_they_stand_are_refused(url: str) -> None:
    with pytest.raises(InvalidArgument):
        split_url(url)


@pytest.mark.parametrize("header", [("X\r\nY", "1"), ("X", "1\r\nY: 2"), ("", "1"), ("X", "ä€")])
def test_headers_cannot_break_out_of_their_line(header: tuple[str, str]) -> None:
    with pytest.raises(InvalidArgument):
        request_bytes(HttpRequest("GET", "", (header,)), "a.test", "/")


def test_a_request_is_written_with_what_http_needs() -> None:
    assert request_bytes(HttpRequest("POST", "", (("X-Key", "k"),), b"{}"), "a.test", "/x?a=%2F") == (
        b"POST /x?a=%2F HTTP/1.1\r\nHost: a.test\r\nUser-Agent: lotusx\r\nAccept-Encoding: gzip, deflate\r\n"
        b"X-Key: k\r\nContent-Length: 2\r\n\r\n{}"
    )
    assert b"Content-Length: 0" in request_bytes(HttpRequest("PUT", ""), "a.test", "/")
    assert b"Content-Length" not in request_bytes(HttpRequest("DELETE", ""), "a.test", "/")


def test_headers_that_the_caller_gives_are_not_doubled() -> None:
    given = (("host", "b"), ("user-agent", "u"), ("accept-encoding", "gzip"), ("content-length", "1"))

    assert request_bytes(HttpRequest("POST", "", given, b"x"), "a", "/") == (
        b"POST / HTTP/1.1\r\nhost: b\r\nuser-agent: u\r\naccept-encoding: gzip\r\ncontent-length: 1\r\n\r\nx"
    )
