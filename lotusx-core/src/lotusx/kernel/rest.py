"""REST as an onion of small layers: Retry ∘ middleware ∘ Budget ∘ Sign ∘ Observe ∘ Transport.

Signing comes after all waiting, so that a stamp is fresh when it leaves; what was signed is what is sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, replace
from random import Random
from typing import TypeVar

import msgspec

from lotusx.errors import (
    Banned,
    CredentialsError,
    ItemRejected,
    LotusXError,
    MalformedReply,
    NotSupported,
    RateLimited,
    TimestampSkew,
    Unavailable,
)
from lotusx.kernel.budget import Budget
from lotusx.kernel.clock import Clock, ClockOffset
from lotusx.kernel.dialect import RestDialect
from lotusx.kernel.meter import DEFAULT_BAN_S, Meter
from lotusx.kernel.nonce import Stamper
from lotusx.kernel.origin import current_origin
from lotusx.kernel.redact import Redactor
from lotusx.kernel.request import Effect, Request, Response
from lotusx.kernel.retry import RetryPolicy, retry_after_s
from lotusx.kernel.signer import Signer
from lotusx.kernel.telemetry import CallFinished, CallStarted, RequestFinished, RetryScheduled, Telemetry
from lotusx.kernel.transport import HttpRequest, HttpTransport
from lotusx.model.frozen import quick

T = TypeVar("T")

Next = Callable[[Request], Awaitable[Response]]
Middleware = Callable[[Request, Next], Awaitable[Response]]
"""Wraps every attempt, before it waits and is signed: sees no secret, and the reply only if it is a success."""

TimeSource = Callable[[], Awaitable[int]]
"""Asks the exchange for its time, in nanoseconds since the epoch."""

SYNC_SAMPLES = 3
KEEP_CLOCK_S = 1.0
_SYNC_S = 5.0
"""Longest wait for the exchange's time that somebody else is asking for."""

_S = 1_000_000_000
_EXCERPT = 2_000
# What a decode function raises because of what it was given, rather than because it is wrong.
_DECODE_ERRORS = (msgspec.MsgspecError, ItemRejected, ValueError, ArithmeticError, LookupError)


@quick
@dataclass(frozen=True, slots=True)
class Attempt:
    """Which attempt of a call this is, and when the call must be over (monotonic ns)."""

    number: int
    deadline_ns: int
    call: int = 0


class TransportLayer:
    """Bytes out, bytes in."""

    __slots__ = ("_transport",)

    def __init__(self, transport: HttpTransport) -> None:
        self._transport = transport

    async def __call__(self, request: Request, attempt: Attempt) -> Response:
        """Send *request* as it stands."""
        reply = await self._transport.send(
            HttpRequest(request.verb.value, request.url, request.headers, request.body), timeout_s=request.timeout_s
        )
        return Response(reply.status, reply.headers, reply.body)


_ASKED: ContextVar[list[int] | None] = ContextVar("lotusx_asked", default=None)
"""Takes when each attempt to ask for the exchange's time was sent."""


class ObserveLayer:
    """Reads a reply: what the exchange counted, whether it is an error; and tells the observers."""

    __slots__ = ("_budget", "_clock", "_dialect", "_exchange", "_inner", "_offset", "_telemetry")

    def __init__(
        self,
        inner: TransportLayer,
        *,
        exchange: str,
        dialect: RestDialect,
        budget: Budget,
        clock: Clock,
        offset: ClockOffset,
        telemetry: Telemetry,
    ) -> None:
        self._inner = inner
        self._exchange = exchange
        self._dialect = dialect
        self._offset = offset
        self._budget = budget
        self._clock = clock
        self._telemetry = telemetry

    async def __call__(self, request: Request, attempt: Attempt) -> Response:
        """Return the reply of a success; raise what any other stands for."""
        sent_ns = self._clock.monotonic_ns()
        if not request.signed and (asked := _ASKED.get()) is not None:
            asked.append(sent_ns)
        try:
            response = await self._inner(request, attempt)
        except LotusXError as error:
            self._tell(request, attempt, 0, sent_ns, error)
            raise
        usage = self._dialect.usage(request, response)
        if usage:
            self._budget.observe(usage, sent_ns=sent_ns, now_ns=self._clock.monotonic_ns())
        problem = self._dialect.error(request, response) or _not_a_success(response)
        self._tell(request, attempt, response.status, sent_ns, problem)
        if problem is None:
            return response
        waits = isinstance(problem, RateLimited | Banned | Unavailable)
        shut_out = _is_shut_out(response) and not isinstance(problem, Banned)
        if shut_out or (waits and problem.after_s is None):
            after_s = retry_after_s(response.headers, self._offset.exchange_now_ns(self._clock) / _S)
            if shut_out:  # whatever it means for this request: who goes on asking is shut out for longer
                silence_s = DEFAULT_BAN_S if after_s is None else after_s
                self._budget.block(None, self._clock.monotonic_ns() + int(silence_s * _S), banned=True)
            if waits and problem.after_s is None:
                problem.after_s = after_s
        raise problem

    def _tell(self, request: Request, attempt: Attempt, status: int, sent_ns: int, error: LotusXError | None) -> None:
        if self._telemetry:
            elapsed_s = (self._clock.monotonic_ns() - sent_ns) / _S
            name = type(error).__name__ if error is not None else ""
            self._telemetry.emit(
                RequestFinished(self._exchange, request.name, status, elapsed_s, attempt.number, name, attempt.call)
            )


class SignLayer:
    """Stamps and signs at the last moment; keeps what signing added out of the errors that come back."""

    __slots__ = ("_inner", "_redactor", "_signer", "_stamper")

    def __init__(self, inner: ObserveLayer, *, signer: Signer | None, stamper: Stamper, redactor: Redactor) -> None:
        self._inner = inner
        self._signer = signer
        self._stamper = stamper
        self._redactor = redactor

    def forget(self) -> None:
        """Sign nothing any more, and let go of the key and of what was hidden for its sake."""
        self._signer = None
        self._redactor = Redactor()

    async def __call__(self, request: Request, attempt: Attempt) -> Response:
        """Send *request*, signed if it asks for that."""
        if not request.signed:
            try:
                return await self._inner(request, attempt)
            except LotusXError as error:
                raise self._redactor.error(error) from None
        if self._signer is None:
            raise CredentialsError(f"{request.name} must be signed, and no credentials were configured")
        signed = self._signer.sign_request(request, self._stamper.context())
        try:
            return await self._inner(signed, attempt)
        except LotusXError as error:
            raise self._redactor.with_request(request, signed).error(error) from None


class BudgetLayer:
    """Waits for the exchange's limits, and falls silent when told to."""

    __slots__ = ("_inner", "_meter")

    def __init__(self, inner: SignLayer, meter: Meter) -> None:
        self._inner = inner
        self._meter = meter

    async def __call__(self, request: Request, attempt: Attempt) -> Response:
        """Send *request* when the limits allow it."""
        meter, costs = self._meter, request.costs
        ticket = await meter.take(request.name, costs, request.lane, attempt.deadline_ns, attempt.call)
        try:
            response = await self._inner(request, attempt)
        except LotusXError as error:
            meter.failed(ticket, costs, error)
            raise
        meter.succeeded(ticket, costs)
        return response


class RestStack:
    """The kernel's `RestClient`.

    Args:
        redactor: Knows the credentials, so that no error text shows them.
        middleware: Outermost first; wrap every attempt.
        check: Called first; raises where nothing may be sent (any more, or from this thread).
        samples: How many round trips a sync of the clock takes.
    """

    def __init__(
        self,
        *,
        exchange: str,
        transport: HttpTransport,
        dialect: RestDialect,
        budget: Budget,
        clock: Clock,
        stamper: Stamper,
        random: Random,
        telemetry: Telemetry,
        signer: Signer | None = None,
        redactor: Redactor | None = None,
        retry: RetryPolicy | None = None,
        middleware: Sequence[Middleware] = (),
        samples: int = SYNC_SAMPLES,
        check: Callable[[], None] | None = None,
    ) -> None:
        self._exchange = exchange
        self._budget = budget
        self._clock = clock
        self._offset = stamper.offset
        self._random = random
        self._telemetry = telemetry
        self._redactor = redactor if redactor is not None else Redactor()
        self._retry = retry if retry is not None else RetryPolicy()
        self._middleware = tuple(middleware)
        self._samples = samples
        self._check = check
        self.read_only = False
        """Whether requests that change something at the exchange are refused, whoever makes them."""
        self.sent_by = "read_only=False"
        """What they would need, in the words of that refusal."""
        self._time_source: TimeSource | None = None
        self._syncing = False
        self._syncs = 0
        observe = ObserveLayer(
            TransportLayer(transport),
            exchange=exchange,
            dialect=dialect,
            budget=budget,
            clock=clock,
            offset=stamper.offset,
            telemetry=telemetry,
        )
        self._sign = SignLayer(observe, signer=signer, stamper=stamper, redactor=self._redactor)
        self._send = BudgetLayer(self._sign, Meter(exchange, budget, clock, telemetry))

    def forget(self) -> None:
        """Let go of the key; signed calls are refused from now on."""
        self._sign.forget()
        self._redactor = Redactor()

    def use_time_source(self, source: TimeSource | None) -> None:
        """Say how to ask the exchange for its time; a connector's ``market.server_time_ns``."""
        self._time_source = source

    async def sync_clock(self) -> bool:
        """Ask the exchange for its time, a few times, and adopt the best answer.

        Returns:
            False where there is nobody to ask, or somebody else tried meanwhile and failed.

        Raises:
            LotusXError: Not one answer came.
        """
        if self._time_source is None:
            return False
        if self._syncing:
            return await self._synced_by_another()
        self._syncing = True
        try:
            samples: list[tuple[int, int, int]] = []
            failure: LotusXError | None = None
            for _ in range(self._samples):
                try:
                    samples.append(await self._sample(self._time_source))
                except LotusXError as error:
                    failure = error
            if not samples:
                raise failure if failure is not None else ValueError("samples must be at least 1")
            self._offset.sync(samples, self._clock)
            self._budget.align(self._offset.distance_ns(self._clock), self._clock.monotonic_ns())
            self._syncs += 1
            return True
        finally:
            self._syncing = False

    async def _sample(self, source: TimeSource) -> tuple[int, int, int]:
        """Ask once. Waits for limits and attempts that failed are no part of the round trip."""
        asked = [self._clock.monotonic_ns()]
        token = _ASKED.set(asked)
        try:
            told = await source()
        finally:
            _ASKED.reset(token)
        return asked[-1], self._clock.monotonic_ns(), told

    async def _synced_by_another(self) -> bool:
        syncs, waited_s = self._syncs, 0.0
        while self._syncing and waited_s < _SYNC_S:
            pause_s = max(0.01, waited_s / 4)  # nearly at once after a short wait, and few looks during a long one
            await self._clock.sleep(pause_s)
            waited_s += pause_s
        return self._syncs > syncs

    async def call(self, request: Request, decode: Callable[[Response], T]) -> T:
        """Send *request* and return what *decode* makes of the reply.

        Reads are sent again by policy; a command only if nothing was sent, or if it was refused for its stamp.

        Raises:
            LotusXError: As the dialect and the transport say.
            MalformedReply: *decode* could not read the reply.
            NotSupported: It changes something, and the connection only reads; nothing was sent.
        """
        if self._check is not None:
            self._check()
        if request.effect is not Effect.READ:
            if self.read_only:
                raise NotSupported(self._exchange, f"{request.name} on a read-only connection", self.sent_by)
            if self._middleware:
                request = replace(request, origin=current_origin())
        telemetry = self._telemetry
        if not telemetry:
            return await self._call(request, decode, 0)
        exchange, endpoint, number = self._exchange, request.name, telemetry.next_call()
        began_ns = self._clock.monotonic_ns()
        telemetry.emit(CallStarted(exchange, endpoint, number, request.verb.value, request.base_url + request.path))
        failed = ""
        try:
            return await self._call(request, decode, number)
        except BaseException as error:
            failed = type(error).__name__
            raise
        finally:
            elapsed_s = (self._clock.monotonic_ns() - began_ns) / _S
            telemetry.emit(CallFinished(exchange, endpoint, number, elapsed_s, failed))

    async def _call(self, request: Request, decode: Callable[[Response], T], call: int) -> T:
        clock = self._clock
        read = request.effect is Effect.READ
        deadline_ns = clock.monotonic_ns() + int((self._retry.deadline_s if read else request.timeout_s) * _S)
        number = 0
        skewed = False
        if request.signed:
            await self.trust_clock(aged=read)
        while True:
            number += 1
            syncs = self._syncs
            try:
                response = await self._attempt(request, Attempt(number, deadline_ns, call))
                return self._decoded(response, decode)
            except TimestampSkew:
                # Refused unexecuted: this one a command survives as well, once.
                if skewed or not await self.resynced(syncs):
                    raise
                if clock.monotonic_ns() >= deadline_ns:
                    raise
                skewed = True
            except LotusXError as error:
                left_s = (deadline_ns - clock.monotonic_ns()) / _S
                delay_s = self._retry.next_delay_s(error, request.effect, number, left_s, self._random)
                if delay_s is None:
                    raise
                if self._telemetry:
                    self._telemetry.emit(
                        RetryScheduled(self._exchange, request.name, number, delay_s, type(error).__name__, call)
                    )
                if delay_s > 0.0:
                    await clock.sleep(delay_s)

    @property
    def syncs(self) -> int:
        """How often the exchange has told its time."""
        return self._syncs

    async def resynced(self, since: int) -> bool:
        """Make sure that the exchange has told its time since `syncs` was *since*. Never raises."""
        if self._syncs > since:
            return True
        try:
            return await self.sync_clock()
        except LotusXError:
            return False  # the refusal itself is what the caller must see

    async def trust_clock(self, *, aged: bool = False) -> None:
        """Ask for the exchange's time where our clocks have parted, or (*aged*) the last answer is old. Never raises.

        A stamp made without would be refused. Before the first sync nothing is asked: most clocks are right.
        """
        offset = self._offset
        if offset.synced and (offset.stale(self._clock) if aged else offset.parted(self._clock)):
            await self.resynced(self._syncs)

    async def keep_clock(self) -> None:
        """Do that once a second, until cancelled: sockets log in with stamps, too."""
        while True:
            await self._clock.sleep(KEEP_CLOCK_S)
            await self.trust_clock(aged=True)

    def _attempt(self, request: Request, attempt: Attempt) -> Awaitable[Response]:
        if not self._middleware:
            return self._send(request, attempt)

        def innermost(request: Request) -> Awaitable[Response]:
            return self._send(request, attempt)

        chain: Next = innermost
        for wrapper in reversed(self._middleware):
            chain = _wrapped(wrapper, chain)
        return chain(request)

    def _decoded(self, response: Response, decode: Callable[[Response], T]) -> T:
        try:
            return decode(response)
        except _DECODE_ERRORS as error:
            problem = error
        # Raised out here so that the cause, which may quote the reply, does not travel along.
        malformed = MalformedReply(
            f"{self._exchange}: the reply cannot be read ({type(problem).__name__}: {problem})",
            status=response.status,
            body=_excerpt(response.body),
        )
        # A document cut short may be whole next time; one of another shape will not change.
        malformed.retryable = type(problem) is msgspec.DecodeError
        raise self._redactor.error(malformed)


def _wrapped(wrapper: Middleware, inner: Next) -> Next:
    def call(request: Request) -> Awaitable[Response]:
        return wrapper(request, inner)

    return call


def _excerpt(body: bytes) -> str:
    return body[:_EXCERPT].decode("utf-8", "replace")


def _is_page(response: Response) -> bool:
    return response.headers.get("content-type", "").startswith("text/html") or response.body.lstrip()[:1] == b"<"


def _is_shut_out(response: Response) -> bool:
    """Say whether something in front of the exchange refuses this address, in no words of the exchange's own."""
    return response.status == 418 or (response.status == 403 and _is_page(response))


def _not_a_success(response: Response) -> MalformedReply | None:
    """Catch what a dialect let pass: a status that is no success, a page where data should be."""
    if 200 <= response.status < 300:
        kind = response.headers.get("content-type", "")
        if not kind.startswith("text/html") and response.body[:1] != b"<":
            return None
        problem = f"HTTP {response.status} with a page instead of data"
    else:
        problem = f"unexpected HTTP {response.status}"
    error = MalformedReply(problem, status=response.status, body=_excerpt(response.body))
    error.retryable = response.status < 300 or response.status >= 500
    return error
