"""An HTTP transport that serves documents from a script and checks what goes out: no socket, the whole stack above."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from lotusx.kernel.request import Request, Verb
from lotusx.kernel.transport import HttpRequest, HttpResponse

Verify = Callable[[Request], bool]
"""Whether a request carries the signature it must carry, as the exchange would find out."""


@dataclass(frozen=True)
class Document:
    """The answer to one request.

    Attributes:
        url: The whole address with its query, exactly; signed parameters included.
        body: The reply: bytes, or a file that holds it.
        sent: The body that must go out, exactly; ``None``: whatever it is.
        signed: Judges the signature; ``None``: none is looked at.
    """

    method: str
    url: str
    body: bytes | Path
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    sent: bytes | None = None
    signed: Verify | None = None


@dataclass
class DocumentTransport:
    """Answers requests in the order of its documents: ``lotusx.connect(name, http=DocumentTransport(...))``.

    Attributes:
        wrong: What did not match, for `check`: where a request is sent in the background, nobody sees its error.
    """

    documents: deque[Document] = field(default_factory=deque)
    requests: list[Request] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    closed: bool = False

    def serve(self, *documents: Document) -> DocumentTransport:
        """Add to the script."""
        self.documents.extend(documents)
        return self

    async def send(self, request: HttpRequest, *, timeout_s: float) -> HttpResponse:
        """Compare and answer.

        Raises:
            AssertionError: It is not the request that comes next.
        """
        seen = as_request(request)
        self.requests.append(seen)
        document = self.documents.popleft() if self.documents else None
        problems = _problems(document, request, seen) if document else ["nothing was scripted"]
        if problems or document is None:
            self.wrong.append(f"{request.method} {request.url}: {'; '.join(problems)}")
            raise AssertionError(self.wrong[-1])
        body = document.body if isinstance(document.body, bytes) else document.body.read_bytes()
        return HttpResponse(document.status, {"content-type": "application/json", **document.headers}, body)

    async def aclose(self) -> None:
        """Note it."""
        self.closed = True

    def check(self) -> None:
        """Look back, at the end of a test.

        Raises:
            AssertionError: A request was not as its document says, or a document was not asked for.
        """
        left = [f"not asked for: {item.method} {item.url}" for item in self.documents]
        if self.wrong or left:
            raise AssertionError("; ".join([*self.wrong, *left]))


def as_request(request: HttpRequest) -> Request:
    """Return what went out in the form that signers and `Expected` know."""
    address, _, query = request.url.partition("?")
    scheme, _, rest = address.partition("://")
    host, slash, path = rest.partition("/")
    headers = tuple((name.lower(), value) for name, value in request.headers)
    return Request(Verb(request.method), f"{scheme}://{host}", f"{slash}{path}", query, request.body, headers)


def _problems(document: Document, request: HttpRequest, seen: Request) -> list[str]:
    problems = []
    if (request.method, request.url) != (document.method, document.url):
        problems.append(f"scripted is {document.method} {document.url}")
    if document.sent is not None and request.body != document.sent:
        problems.append(f"the body is {request.body!r}, scripted {document.sent!r}")
    if document.signed is not None and not document.signed(seen):
        problems.append("the signature is not the exchange's")
    return problems
