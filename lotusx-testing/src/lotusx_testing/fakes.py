"""Fakes for the tests of a plugin: a kernel whose REST client answers from a script and records what it was asked.

Nothing here does I/O or waits.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from lotusx.errors import ConnectionFailed, ItemRejected, LotusXError, UnknownSymbol
from lotusx.kernel.context import Kernel
from lotusx.kernel.dialect import RestDialect, Usage
from lotusx.kernel.facts import ExchangeFacts, Limit
from lotusx.kernel.request import Cost, Lane, Request, Response, SigningContext
from lotusx.kernel.signer import Signer
from lotusx.kernel.telemetry import Telemetry
from lotusx.model import Instrument, Symbol

T = TypeVar("T")


@dataclass
class FakeClock:
    """A clock that stands still until it is told otherwise; sleeping moves it."""

    ns: int = 1_770_000_000_000_000_000
    slept_s: list[float] = field(default_factory=list)

    def now_ns(self) -> int:
        """Wall time."""
        return self.ns

    def monotonic_ns(self) -> int:
        """The same: it never steps back unless a test sets it back."""
        return self.ns

    async def sleep(self, seconds: float) -> None:
        """Move on by *seconds* at once."""
        self.slept_s.append(seconds)
        self.ns += round(seconds * 1e9)


@dataclass
class FakeRest:
    """Answers each request with the next reply of its script, through the plugin's own dialect and decoders.

    Attributes:
        requests: What was asked, in order, signed where it had to be.
        replies: What comes next: a `Response`, its body, or an error to raise.
    """

    dialect: RestDialect | None = None
    signer: Signer | None = None
    context: SigningContext = field(default_factory=lambda: SigningContext(now_ms=1_770_000_000_000, nonce=1))
    requests: list[Request] = field(default_factory=list)
    replies: deque[Response | Exception] = field(default_factory=deque)

    def reply(self, *replies: bytes | str | Response | Exception, status: int = 200) -> FakeRest:
        """Add to the script."""
        for item in replies:
            body = item.encode() if isinstance(item, str) else item
            answer = Response(status, {"content-type": "application/json"}, body) if isinstance(body, bytes) else body
            self.replies.append(answer)
        return self

    async def call(self, request: Request, decode: Callable[[Response], T]) -> T:
        """Record, sign, answer."""
        if request.signed and self.signer is not None:
            request = self.signer.sign_request(request, self.context)
        self.requests.append(request)
        if not self.replies:
            raise AssertionError(f"nothing was scripted for {request.verb} {request.path}?{request.query}")
        answer = self.replies.popleft()
        if isinstance(answer, Exception):
            raise answer
        error = self.dialect.error(request, answer) if self.dialect is not None else None
        if error is not None:
            raise error
        return decode(answer)

    @property
    def last(self) -> Request:
        """The newest request."""
        return self.requests[-1]

    @property
    def params(self) -> dict[str, str]:
        """The newest request's query, decoded, in its order."""
        return dict(parse_qsl(self.last.query, keep_blank_values=True, strict_parsing=bool(self.last.query)))


@dataclass
class FakeWsRequests:
    """Answers requests over a WebSocket from a script.

    Attributes:
        sent: The texts, in order; `costs`: what each takes of the limits.
        usage: What the replies said of the limits.
        names: What the requests are called in metrics.
    """

    context: SigningContext = field(default_factory=lambda: SigningContext(now_ms=1_770_000_000_000, nonce=1))
    sent: list[str] = field(default_factory=list)
    replies: deque[bytes | Exception] = field(default_factory=deque)
    costs: list[tuple[Cost, ...]] = field(default_factory=list)
    usage: list[Usage] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    opened: int = 0

    async def ready(self) -> None:
        """Count."""
        self.opened += 1

    async def request(
        self,
        write: Callable[[int, SigningContext], str],
        *,
        timeout_s: float = 10.0,
        costs: Sequence[Cost] = (),
        lane: Lane = Lane.NORMAL,
        usage: Callable[[bytes], Iterable[Usage]] | None = None,
        error: Callable[[bytes], LotusXError | None] | None = None,
        name: str = "",
    ) -> bytes:
        """Record and answer."""
        self.sent.append(write(len(self.sent) + 1, self.context))
        self.names.append(name)
        self.costs.append(tuple(costs))
        if not self.replies:
            raise ConnectionFailed("nothing was scripted")
        answer = self.replies.popleft()
        if isinstance(answer, Exception):
            raise answer
        if usage is not None:
            self.usage += usage(answer)
        problem = error(answer) if error is not None else None
        if problem is not None:
            raise problem
        return answer


class FakeInstruments:
    """An instrument table over a given list."""

    def __init__(self, instruments: Sequence[Instrument] = ()) -> None:
        self._instruments = tuple(instruments)
        self._by_venue = {item.venue_symbol: item for item in self._instruments}
        self._by_symbol = {str(item.symbol): item for item in self._instruments}
        self.refreshed = 0

    def by_venue_symbol(self, venue_symbol: str) -> Instrument:
        """Look up the exchange's name."""
        try:
            return self._by_venue[venue_symbol]
        except KeyError:
            raise ItemRejected(f"unknown symbol {venue_symbol!r}", field="symbol", value=venue_symbol) from None

    def by_symbol(self, symbol: Symbol | str) -> Instrument:
        """Look up ours."""
        try:
            return self._by_symbol[str(symbol)]
        except KeyError:
            near = tuple(get_close_matches(str(symbol), self._by_symbol))
            raise UnknownSymbol("fake", str(symbol), near) from None

    async def refresh_if_unlisted(self, venue_symbols: Iterable[str]) -> None:
        """Count the refresh; the list stays as it was given."""
        self.refreshed += any(name not in self._by_venue for name in venue_symbols)

    def all(self) -> Sequence[Instrument]:
        """All of them."""
        return self._instruments


@dataclass
class FakeKernel:
    """All parts of a `Kernel`, each replaceable before `build`.

    ``limits`` are those the exchange stated, ``charges`` what replies turned out to cost.
    """

    facts: ExchangeFacts
    environment: str = "live"
    rest: FakeRest = field(default_factory=FakeRest)
    ws: dict[str, FakeWsRequests] = field(default_factory=dict)
    charges: list[Cost] = field(default_factory=list)
    limits: list[Limit] = field(default_factory=list)
    instruments: FakeInstruments = field(default_factory=FakeInstruments)
    clock: FakeClock = field(default_factory=FakeClock)
    telemetry: Telemetry = field(default_factory=Telemetry)
    credentials: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    def build(self) -> Kernel:
        """Return what a connector is given."""
        environment = self.facts.environments[self.environment]
        return Kernel(
            facts=self.facts,
            environment=environment,
            urls=environment.rest,
            rest=self.rest,
            exchange_ns=self.clock.now_ns,
            charge=self.charges.extend,
            limits=self.limits.extend,
            ws=lambda group: self.ws.setdefault(group, FakeWsRequests()),
            instruments=self.instruments,
            clock=self.clock,
            telemetry=self.telemetry,
            credentials=self.credentials,
            signer=self.rest.signer,
            options=self.options,
        )
