"""Requests over a WebSocket within the exchange's limits, which they share with REST."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Protocol

from lotusx.errors import LotusXError, TimestampSkew
from lotusx.kernel.budget import Budget
from lotusx.kernel.clock import Clock
from lotusx.kernel.dialect import Usage
from lotusx.kernel.meter import Meter
from lotusx.kernel.request import Cost, Lane, SigningContext
from lotusx.kernel.telemetry import CallFinished, CallStarted, Telemetry

_S = 1_000_000_000


class Requester(Protocol):
    """What carries requests: a group of sockets."""

    async def ready(self) -> None:
        """Connect and log in."""

    async def request(self, write: Callable[[int, SigningContext], str], *, timeout_s: float) -> bytes:
        """Send one request and return its reply. Errors as in `lotusx.kernel.context.WsRequests`."""


class ExchangeTime(Protocol):
    """What knows the exchange's time, and asks for it: `lotusx.kernel.rest.RestStack`."""

    @property
    def syncs(self) -> int:
        """How often the exchange has told its time."""

    async def resynced(self, since: int) -> bool:
        """Make sure that it has told it since `syncs` was *since*. Never raises."""

    async def trust_clock(self) -> None:
        """Ask for it where our clocks have parted. Never raises."""


class BudgetedRequests:
    """The kernel's `WsRequests` of one group of addresses.

    Args:
        name: The group's; observers are told of a request by it and the request's own, ``api/order.place``.
        budget: The same that REST draws on.
        time: Asked before a stamp that would be refused, and after one that was: that request is sent once more, for it
            was not executed.
        check: Called first; raises where nothing may be sent (any more, or from this thread).
    """

    __slots__ = ("_budget", "_check", "_clock", "_exchange", "_meter", "_name", "_requester", "_telemetry", "_time")

    def __init__(
        self,
        requester: Requester,
        *,
        exchange: str,
        name: str,
        budget: Budget,
        clock: Clock,
        telemetry: Telemetry,
        time: ExchangeTime | None = None,
        check: Callable[[], None] | None = None,
    ) -> None:
        self._requester = requester
        self._exchange = exchange
        self._name = name
        self._telemetry = telemetry
        self._budget = budget
        self._clock = clock
        self._meter = Meter(exchange, budget, clock, telemetry)
        self._time = time
        self._check = check

    async def ready(self) -> None:
        """Connect and log in, so that the next request costs one round trip."""
        if self._check is not None:
            self._check()
        await self._requester.ready()

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
        """Send one request when the limits allow it. See `lotusx.kernel.context.WsRequests`."""
        if self._check is not None:
            self._check()
        began_ns = self._clock.monotonic_ns()
        until_ns = began_ns + int(timeout_s * _S)
        telemetry = self._telemetry
        if not telemetry:
            return await self._request(partial(self._send, write, until_ns, costs, lane, usage, error), until_ns)
        endpoint = f"{self._name}/{name}" if name else self._name
        number = telemetry.next_call()
        telemetry.emit(CallStarted(self._exchange, endpoint, number))
        failed = ""
        try:
            send = partial(self._send, write, until_ns, costs, lane, usage, error, endpoint, number)
            return await self._request(send, until_ns)
        except BaseException as problem:
            failed = type(problem).__name__
            raise
        finally:
            elapsed_s = (self._clock.monotonic_ns() - began_ns) / _S
            telemetry.emit(CallFinished(self._exchange, endpoint, number, elapsed_s, failed))

    async def _request(self, send: Callable[[], Awaitable[bytes]], until_ns: int) -> bytes:
        if self._time is None:
            return await send()
        await self._time.trust_clock()
        syncs = self._time.syncs
        try:
            return await send()
        except TimestampSkew:
            if not await self._time.resynced(syncs) or self._clock.monotonic_ns() >= until_ns:
                raise
        return await send()

    async def _send(
        self,
        write: Callable[[int, SigningContext], str],
        until_ns: int,
        costs: Sequence[Cost],
        lane: Lane,
        usage: Callable[[bytes], Iterable[Usage]] | None,
        error: Callable[[bytes], LotusXError | None] | None,
        endpoint: str = "",
        call: int = 0,
    ) -> bytes:
        ticket = await self._meter.take(endpoint, costs, lane, until_ns, call)
        try:
            sent_ns = self._clock.monotonic_ns()
            reply = await self._requester.request(write, timeout_s=(until_ns - sent_ns) / _S)
            if usage is not None:
                self._budget.observe(usage(reply), sent_ns=sent_ns, now_ns=self._clock.monotonic_ns())
            problem = None if error is None else error(reply)
            if problem is not None:
                raise problem
        except LotusXError as failure:
            self._meter.failed(ticket, costs, failure)
            raise
        self._meter.succeeded(ticket, costs)
        return reply
