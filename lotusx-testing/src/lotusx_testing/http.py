"""A web server that answers from a script: an exchange's REST side, without simulating it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import lotusx
from lotusx.kernel.request import Request, Verb

if TYPE_CHECKING:
    from pytest_httpserver import HTTPServer


@dataclass
class HttpExchange:
    """Serves documents in an exchange's shape on a port of this machine. What was asked is kept as it arrived."""

    server: HTTPServer

    @property
    def url(self) -> str:
        """Where it is, without a trailing slash."""
        return str(self.server.url_for("")).rstrip("/")

    def answer(
        self,
        method: str,
        path: str,
        body: bytes | str = b"{}",
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        times: int | None = None,
    ) -> HttpExchange:
        """Answer requests like this; the next *times* ones, in the order of these calls, or all of them."""
        for _ in range(times or 1):
            expect = self.server.expect_request if times is None else self.server.expect_ordered_request
            handler = expect(path, method=method)
            handler.respond_with_data(body, status, dict(headers or {}), content_type="application/json")
        return self

    @property
    def requests(self) -> list[Request]:
        """What arrived, oldest first; ``query`` and ``body`` are the bytes that were sent."""
        return [
            Request(
                Verb(seen.method),
                self.url,
                seen.path,
                seen.query_string.decode(),
                seen.get_data(),
                tuple((name.lower(), value) for name, value in seen.headers.items()),
            )
            for seen, _ in self.server.log
        ]

    @property
    def last(self) -> Request:
        """The newest request."""
        return self.requests[-1]

    def connect(self, name: str, **settings: Any) -> lotusx.Exchange:
        """Connect to exchange *name*, served from here."""
        return lotusx.connect(name, **{"environment": "simulator", "base_url": self.url, **settings})
