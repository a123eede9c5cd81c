"""What a connector is given to work with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from lotusx.errors import LotusXError
from lotusx.kernel.clock import Clock
from lotusx.kernel.dialect import Usage
from lotusx.kernel.facts import Environment, ExchangeFacts, Limit
from lotusx.kernel.request import Cost, Lane, Request, Response, SigningContext
from lotusx.kernel.signer import Signer
from lotusx.kernel.telemetry import Telemetry
from lotusx.model.instruments import Instrument
from lotusx.model.symbol import Symbol

T = TypeVar("T")


class RestClient(Protocol):
    """Sends requests through the onion Retry ∘ Budget ∘ Sign ∘ Observe ∘ Transport."""

    async def call(self, request: Request, decode: Callable[[Response], T]) -> T:
        """Send *request* and return what *decode* makes of the reply.

        A decode error becomes `MalformedReply`. Reads are retried by policy; a command is never sent twice.

        Raises:
            LotusXError: As the dialect and the transport say.
        """


class WsRequests(Protocol):
    """Request and reply over a WebSocket, where the exchange offers that."""

    async def ready(self) -> None:
        """Connect and log in, so that the next request costs one round trip."""

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
        """Send the text that *write* makes of a request id and a signing context; return the whole reply message.

        Args:
            timeout_s: For waiting, sending and the reply together.
            costs: What it takes of the limits, which it shares with REST.
            usage: Pure: says what the exchange counted, from a reply of any kind; nothing if it cannot be read.
            error: Pure: the error a reply stands for, which is then raised; ``None``: it is a success. `RateLimited`
                and `Banned` hold the pools of *costs*, or all traffic, for REST as well.
            name: The exchange's word for what is asked, such as ``order.place``, for metrics and logs; one of few.

        Raises:
            RateLimited: Also when the limits do not allow it within *timeout_s*; nothing was sent then.
            ConnectionFailed: ``sent`` is False when it was not written to the socket.
            RequestTimeout: Written, and no reply came.
        """


class InstrumentTable(Protocol):
    """The instruments of the connected exchange, by both names."""

    def by_venue_symbol(self, venue_symbol: str) -> Instrument:
        """Raises `ItemRejected` where it is not listed (a refresh is scheduled)."""

    def by_symbol(self, symbol: Symbol | str) -> Instrument:
        """Raises `UnknownSymbol`, naming near matches."""

    async def refresh_if_unlisted(self, venue_symbols: Iterable[str]) -> None:
        """Fetch them again, once, if one of *venue_symbols* is not listed. For lists of a whole account."""

    def all(self) -> Sequence[Instrument]:
        """Return all of them, in the exchange's order."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """What a connector is given: one exchange, one environment, one account.

    Attributes:
        urls: Service name → base URL, with the caller's ``base_url`` filled in.
        credentials: Names → values, for what is not the signer's business (an account address). Secret values
            are `lotusx.kernel.secrets.Secret`.
        signer: For what is signed outside of `rest`, such as requests over a WebSocket; ``None``: there is no key.
        ws: Returns the requester of one WebSocket group.
        exchange_ns: Returns the exchange's time now, as signatures carry it: nanoseconds since the epoch.
        charge: Takes what a reply turned out to cost, beyond what its request said.
        limits: Takes the limits that the exchange states of itself, in place of those in its facts.
        instruments: Filled before the first call that needs it.
    """

    facts: ExchangeFacts
    environment: Environment
    urls: Mapping[str, str]
    rest: RestClient
    ws: Callable[[str], WsRequests]
    exchange_ns: Callable[[], int]
    charge: Callable[[Sequence[Cost]], None]
    limits: Callable[[Sequence[Limit]], None]
    instruments: InstrumentTable
    clock: Clock
    telemetry: Telemetry
    credentials: Mapping[str, Any] = field(repr=False)
    signer: Signer | None
    options: Mapping[str, Any]
