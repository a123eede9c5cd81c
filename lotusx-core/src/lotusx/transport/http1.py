"""HTTP/1.1 without a socket: write a request's bytes, read a reply's, undo its content encoding."""

from __future__ import annotations

import re
import zlib
from functools import lru_cache

from lotusx.errors import InvalidArgument, MalformedReply
from lotusx.kernel.transport import HttpRequest, HttpResponse

MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 64 * 1024 * 1024
"""Largest reply taken, before and after its content encoding is undone."""

USER_AGENT = "lotusx"

_URL = re.compile(r"(https?)://([\x21-\x7e]+?)(/[\x21-\x7e]*)?", re.ASCII | re.IGNORECASE)
_AUTHORITY = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._~-]+))(?::([0-9]{1,5}))?")
_STATUS = re.compile(r"HTTP/1\.([01]) ([1-9][0-9]{2})(?: .*)?")
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")
_CHUNK = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?")
_MAX_CHUNK_LINE = 4 * 1024
_LINE_END = -1  # what is left of a chunk whose data is complete
_EXCERPT = 2_000


def split_url(url: str) -> tuple[str, str, int, str, str]:
    """Take a URL apart without touching a byte of it.

    Returns:
        Scheme, host, port, authority as written, target (path and query).

    Raises:
        InvalidArgument: It cannot be sent as it stands.
    """
    path_start = url.find("/", url.find("://") + 3)
    split = len(url) if path_start < 0 else path_start
    target = url[split:] or "/"
    if not _printable(target) or "#" in target:
        raise _unsendable(url[:split])
    return *_split_base(url[:split]), target


@lru_cache(maxsize=256)  # a program talks to few servers
def _split_base(base: str) -> tuple[str, str, int, str]:
    matched = _URL.fullmatch(base)
    authority = _AUTHORITY.fullmatch(matched[2]) if matched else None
    if matched is None or authority is None:
        raise _unsendable(base)
    scheme = matched[1].lower()
    port = int(authority[3]) if authority[3] else 443 if scheme == "https" else 80
    if port > 65_535:  # the system would take the rest of a division for it, and the request go to another server
        raise InvalidArgument(f"{base!r} has a port above 65535", rule="url")
    return scheme, authority[1] or authority[2], port, matched[2]


def _unsendable(base: str) -> InvalidArgument:
    return InvalidArgument(f"{base!r} does not start a URL that can be sent as it stands", rule="url")


def _printable(text: str) -> bool:
    return text.isascii() and text.isprintable() and " " not in text


def full_headers(request: HttpRequest, authority: str) -> list[tuple[str, str]]:
    """Return the headers of *request* with those added that HTTP needs and the caller did not give.

    Raises:
        InvalidArgument: A name or value would break out of its line.
    """
    names = set()
    for name, value in request.headers:
        known = _known_name(name)
        if not known or not _VALUE.fullmatch(value):
            raise InvalidArgument(f"header {name!r} cannot be sent as it stands", rule="header")
        names.add(known)
    headers = [] if "host" in names else [("Host", authority)]
    if "user-agent" not in names:
        headers.append(("User-Agent", USER_AGENT))
    if "accept-encoding" not in names:
        headers.append(("Accept-Encoding", "gzip, deflate"))
    headers.extend(request.headers)
    if (request.body or request.method in ("POST", "PUT", "PATCH")) and "content-length" not in names:
        headers.append(("Content-Length", str(len(request.body))))
    return headers


def request_bytes(request: HttpRequest, authority: str, target: str) -> bytes:
    """Return what goes over the wire.

    Raises:
        InvalidArgument: A header would break out of its line.
    """
    headers = "".join([f"{name}: {value}\r\n" for name, value in full_headers(request, authority)])
    return f"{request.method} {target} HTTP/1.1\r\n{headers}\r\n".encode("latin-1") + request.body


class ReplyReader:
    """Reads one reply from the bytes a connection brings.

    Args:
        method: Of the request: a reply to HEAD has no body.
        max_body_bytes: A longer body, as sent, is refused.
    """

    __slots__ = (
        "_body",
        "_buffer",
        "_chunked",
        "_head_only",
        "_left",
        "_limit",
        "_size",
        "_trailers",
        "complete",
        "headers",
        "keep_alive",
        "started",
        "status",
    )

    def __init__(self, method: str, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        self._head_only = method == "HEAD"
        self._limit = max_body_bytes
        self._buffer = b""
        self._body: list[bytes] = []
        self._size = 0
        self._left: int | None = None  # bytes of the body, or of the chunk; None: until the connection ends
        self._chunked = False
        self._trailers = False
        self.started = False
        self.complete = False
        self.keep_alive = False
        self.status = 0
        self.headers: dict[str, str] = {}

    def feed(self, data: bytes) -> bool:
        """Take what one read brought; True: the reply is complete.

        Raises:
            MalformedReply: This is not HTTP, or too long.
        """
        self.started = True
        while not self.status:
            data = self._buffer + data
            end = data.find(b"\r\n\r\n")
            if end < 0 or end > MAX_HEAD_BYTES:
                if len(data) > MAX_HEAD_BYTES or not data.startswith(b"HTTP/1."[: len(data)]):
                    raise _malformed("this is not an HTTP/1 reply", data)
                self._buffer = data
                return False
            self._buffer = b""
            self._head(data[:end].decode("latin-1"))
            data = data[end + 4 :]
            if self.complete and data:
                self.keep_alive = False
        if self.complete or not data:
            return self.complete
        if self._chunked:
            self._chunks(data)
        else:
            self._plain(data)
        return self.complete

    def end(self) -> None:
        """Take the end of the connection; the reply is complete after this.

        Raises:
            MalformedReply: The reply is cut short.
        """
        if self.complete:
            return
        if not self.status or self._chunked or self._left is not None:
            raise self._cut()
        self.complete = True
        self.keep_alive = False

    def response(self, max_body_bytes: int = MAX_BODY_BYTES) -> HttpResponse:
        """Return the complete reply, its content encoding undone.

        Raises:
            MalformedReply: The body is not what its encoding says, or too long.
        """
        return HttpResponse(self.status, self.headers, decoded(b"".join(self._body), self.headers, max_body_bytes))

    def _cut(self) -> MalformedReply:
        body = b"".join(self._body) if self.status else self._buffer
        return _malformed("the reply is cut short", body, self.status)

    def _head(self, head: str) -> None:
        first, *lines = head.split("\r\n")
        matched = _STATUS.fullmatch(first)
        if matched is None:
            raise _malformed("this is not an HTTP/1 reply", head.encode("latin-1"))
        status = int(matched[2])
        headers: dict[str, str] = {}
        for line in lines:
            written, colon, value = line.partition(":")
            name = _known_name(written)
            if not colon or not name:
                raise _malformed("a header cannot be read", head.encode("latin-1"), status)
            value = value.strip(" \t")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        if 100 <= status < 200:
            if status == 101:
                raise _malformed("the protocol was switched unasked", b"", status)
            return  # informational: the reply proper follows
        self.status = status
        self.headers = headers
        connection = headers.get("connection", "").lower()
        self.keep_alive = "keep-alive" in connection if matched[1] == "0" else "close" not in connection
        coding = headers.get("transfer-encoding", "").lower()
        if self._head_only or status in (204, 304):
            self.complete = True
        elif coding:
            if coding != "chunked":
                raise _malformed(f"transfer encoding {coding!r} was not asked for", b"", status)
            self._chunked = True
            self._left = 0
            if "content-length" in headers:
                self.keep_alive = False  # two opinions on where the reply ends
        elif "content-length" in headers:
            length, *others = (text.strip() for text in headers["content-length"].split(","))
            if (
                any(other != length for other in others)
                or not (length.isascii() and length.isdigit())
                or len(length) > 15
            ):
                raise _malformed("the content length cannot be read", b"", status)
            self._left = int(length)
            self._grow(self._left)
            self._size = 0
            self.complete = self._left == 0

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > self._limit:
            raise _malformed(f"the body is longer than {self._limit} bytes", b"".join(self._body), self.status)

    def _plain(self, data: bytes) -> None:
        if self._left is None:
            self._grow(len(data))
        else:
            if len(data) > self._left:
                data = data[: self._left]
                self.keep_alive = False  # more came than was announced
            self._left -= len(data)
            self.complete = self._left == 0
        self._body.append(data)

    def _chunks(self, data: bytes) -> None:
        data = self._buffer + data
        at = 0
        while True:
            if self._left is not None and self._left > 0:
                part = data[at : at + self._left]
                if not part:
                    break
                self._body.append(part)
                self._grow(len(part))
                self._left -= len(part)
                at += len(part)
                if self._left:
                    break
                self._left = _LINE_END
            end = data.find(b"\r\n", at, at + _MAX_CHUNK_LINE)
            if end < 0:
                if len(data) - at >= _MAX_CHUNK_LINE:
                    raise _malformed("a chunk's size cannot be read", data[at:], self.status)
                break
            line = data[at:end]
            at = end + 2
            if self._left == _LINE_END:
                if line:
                    raise _malformed("a chunk is longer than announced", line, self.status)
                self._left = 0
            elif self._trailers:
                if not line:
                    self.complete = True
                    if at < len(data):
                        self.keep_alive = False
                    return
            else:
                matched = _CHUNK.fullmatch(line)
                if matched is None:
                    raise _malformed("a chunk's size cannot be read", line, self.status)
                self._left = int(matched[1], 16)
                self._trailers = self._left == 0
        self._buffer = data[at:]


def decoded(body: bytes, headers: dict[str, str], max_body_bytes: int = MAX_BODY_BYTES) -> bytes:
    """Undo the content encoding of a complete body.

    Raises:
        MalformedReply: It is not what the encoding says, or longer than *max_body_bytes*.
    """
    if "content-encoding" not in headers:
        return body
    encodings = [part.strip().lower() for part in headers["content-encoding"].split(",")]
    for encoding in reversed(encodings):
        if encoding in ("", "identity") or not body:
            continue
        if encoding not in ("gzip", "x-gzip", "deflate"):
            raise _malformed(f"content encoding {encoding!r} was not asked for", body)
        # 47: zlib or gzip, by its first bytes. Some servers' "deflate" lacks the zlib header.
        bare = encoding == "deflate" and body[0] & 0x0F != 8
        body = _inflated(body, -zlib.MAX_WBITS if bare else 47, max_body_bytes)
    return body


def _inflated(body: bytes, bits: int, limit: int) -> bytes:
    inflater = zlib.decompressobj(bits)
    try:
        plain = inflater.decompress(body, limit + 1)
    except zlib.error:
        raise _malformed("the compressed body cannot be read", body) from None
    if len(plain) > limit:
        raise _malformed(f"the body is longer than {limit} bytes", plain)
    if not inflater.eof:
        raise _malformed("the compressed body is cut short", plain)
    return plain


@lru_cache(maxsize=256)  # the same names come and go again and again
def _known_name(written: str) -> str:
    """Return the name of a header in lower case; nothing: it is no name."""
    return written.lower() if _NAME.fullmatch(written) else ""


def _malformed(message: str, body: bytes, status: int = 0) -> MalformedReply:
    return MalformedReply(message, status=status, body=body[:_EXCERPT].decode("utf-8", "replace"))
