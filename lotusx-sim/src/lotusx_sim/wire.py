"""HTTP messages as the simulated venues see them: bytes in, bytes out."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """One request as it came off the wire; nothing is decoded, because signatures cover the bytes as sent."""

    method: str
    target: str  # path and query, still percent-encoded
    headers: tuple[tuple[str, str], ...] = ()  # names in lower case
    body: bytes = b""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]

    @property
    def query(self) -> str:
        return self.target.partition("?")[2]

    def header(self, name: str) -> str | None:
        """Return the first header called *name* (lower case), or None."""
        return next((value for key, value in self.headers if key == name), None)


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """One reply; header names in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    def with_headers(self, extra: Iterable[tuple[str, str]]) -> "HttpResponse":
        return HttpResponse(self.status, (*self.headers, *extra), self.body)


@dataclass(frozen=True, slots=True)
class HttpOutcome:
    """What a shell must do with a request: answer it, late, cut, or not at all."""

    response: HttpResponse | None  # None: the reply is lost
    delay_s: float = 0.0
    keep_bytes: int | None = None  # of the body; the connection then ends short of its content-length
    lost_by: str = "cut"  # when there is no response: "cut" ends the connection, "reset" resets it, "hang" says nothing
