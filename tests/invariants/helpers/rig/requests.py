"""What the user's machine asks by HTTP: when each request left, and what came back when."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from lotusx.kernel.transport import HttpRequest, HttpResponse, HttpTransport


@dataclass(slots=True)
class Sent:
    """One request. Times in virtual nanoseconds; ``status`` 0: no answer (yet)."""

    number: int
    sent_ns: int
    method: str
    path: str
    request: HttpRequest
    status: int = 0
    answered_ns: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class WatchedHttp:
    """A transport that notes what passes.

    Attributes:
        sent: Everything so far, in the order in which it left.
    """

    def __init__(self, inner: HttpTransport, now_ns: Callable[[], int]) -> None:
        self.sent: list[Sent] = []
        self._inner = inner
        self._now_ns = now_ns

    async def send(self, request: HttpRequest, *, timeout_s: float) -> HttpResponse:
        """See `lotusx.kernel.transport.HttpTransport`."""
        entry = Sent(len(self.sent), self._now_ns(), request.method, urlsplit(request.url).path, request)
        self.sent.append(entry)
        response = await self._inner.send(request, timeout_s=timeout_s)
        entry.status, entry.answered_ns = response.status, self._now_ns()
        entry.headers, entry.body = response.headers, response.body
        return response

    async def aclose(self) -> None:
        """Nothing is held."""
