"""Requests and replies as the kernel sees them, and what signing may know."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from lotusx.errors import InvalidArgument
from lotusx.model.frozen import quick

_is_plain = re.compile(r"(?:/[A-Za-z0-9_~-][A-Za-z0-9_.~-]*)+/?").fullmatch


def plain_path(path: str) -> str:
    """Return *path* without its query and a slash at its end: what may be compared with what must not be called.

    Raises:
        InvalidArgument: It could be written otherwise, with ``%``, ``//`` or ``..``, and mean the same to a server.
    """
    plain = path.partition("?")[0]
    if not _is_plain(plain):
        raise InvalidArgument(f"a path is /word/word of letters, digits and _ . ~ - alone, not {plain!r}", rule="path")
    return plain.rstrip("/")


class Verb(StrEnum):
    """HTTP methods that exchanges use."""

    GET = "GET"
    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"


class Effect(StrEnum):
    """What a request does at the exchange. Decides whether it may ever be sent twice."""

    READ = "read"
    COMMAND = "command"


class Origin(StrEnum):
    """Whose command a request is."""

    ORDER = "order"
    """An order's, or a cancel: checked, and told as `OrderSent`."""
    ACCOUNT = "account"
    """Another call of LotusX's own: leverage, margin, transfer, the dead-man's switch."""
    NATIVE = "native"
    """A native call's: nothing of LotusX has looked at what it means."""


class Lane(StrEnum):
    """Which part of a budget a request may use."""

    NORMAL = "normal"
    URGENT = "urgent"  # cancels: may use the reserve


@quick
@dataclass(frozen=True, slots=True)
class Cost:
    """What a request takes from one pool of the exchange's limits, such as 20 of ``ip-weight``.

    Attributes:
        free_on_success: The exchange charges it only if the request fails: it is given back on success.
    """

    pool: str
    amount: int
    free_on_success: bool = False


@quick
@dataclass(frozen=True, slots=True)
class Request:
    """One REST request. ``query`` and ``body`` are final: signing and sending must not re-encode them.

    Attributes:
        base_url: Scheme, host and port, without a trailing slash.
        query: Percent-encoded, without the question mark.
        content: What was meant, for signers that sign structure rather than bytes.
        endpoint: Stable name for metrics and errors; made of verb and path if left out.
        timeout_s: Deadline of one attempt, from the first byte sent.
        origin: Whose command it is; the kernel sets it. Means nothing for a read.
    """

    verb: Verb
    base_url: str
    path: str
    query: str = ""
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    content: object = None
    endpoint: str = ""
    costs: tuple[Cost, ...] = ()
    signed: bool = False
    effect: Effect = Effect.READ
    lane: Lane = Lane.NORMAL
    timeout_s: float = 15.0
    origin: Origin = Origin.NATIVE

    @property
    def name(self) -> str:
        """``endpoint``, or verb and path."""
        return self.endpoint or f"{self.verb} {self.path}"

    @property
    def url(self) -> str:
        """The whole address, exactly as it is sent."""
        return f"{self.base_url}{self.path}?{self.query}" if self.query else f"{self.base_url}{self.path}"

    def signed_with(self, *, query: str, headers: tuple[tuple[str, str], ...], body: bytes) -> Request:
        """Return a copy with these; as `dataclasses.replace`, which takes six times as long."""
        return Request(
            self.verb,
            self.base_url,
            self.path,
            query,
            body,
            headers,
            self.content,
            self.endpoint,
            self.costs,
            self.signed,
            self.effect,
            self.lane,
            self.timeout_s,
            self.origin,
        )


@dataclass(frozen=True, slots=True)
class Response:
    """One REST reply, complete. Header names are lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@quick
@dataclass(frozen=True, slots=True)
class SigningContext:
    """What a signer may know of the moment: milliseconds of the exchange's clock, a nonce, the receive window."""

    now_ms: int
    nonce: int
    receive_window_ms: int = 5_000
