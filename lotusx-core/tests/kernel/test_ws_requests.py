"""Requests over a WebSocket draw on the limits that REST draws on."""

from __future__ import annotations

from collections.abc import Callable

import anyio
import pytest

from lotusx.errors import (
    Banned,
    ConfigurationError,
    ConnectionFailed,
    LotusXError,
    OrderNotFound,
    RateLimited,
    RequestTimeout,
    TimestampSkew,
)
from lotusx.kernel.budget import Budget
from lotusx.kernel.dialect import Usage
from lotusx.kernel.facts import Limit
from lotusx.kernel.request import Cost, Lane, SigningContext
from lotusx.kernel.telemetry import BudgetWait, CallFinished, CallStarted, Event, Telemetry
from lotusx.kernel.ws_requests import BudgetedRequests

S = 1_000_000_000
WEIGHT = Cost("weight", 10)
FREE = Cost("weight", 10, free_on_success=True)

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def write(request_id: int, context: SigningContext) -> str:
    return f"{request_id}"


class Socket:
    """Answers at once, or raises; sleeping takes no time."""

    def __init__(self, answer: bytes | LotusXError = b"yes") -> None:
        self.answer = answer
        self.timeouts: list[float] = []
        self.opened = 0
        self.mono = 0
        self.events: list[Event] = []
        telemetry = Telemetry()
        telemetry.observe(self.events.append)
        self.budget = Budget("x", [Limit("weight", 100, 60.0)])
        self.requests = BudgetedRequests(
            self, exchange="x", name="api", budget=self.budget, clock=self, telemetry=telemetry
        )

    @property
    def used(self) -> int:
        return self.budget.used("weight", 60.0, self.mono)

    def now_ns(self) -> int:
        return self.mono

    def monotonic_ns(self) -> int:
        return self.mono

    async def sleep(self, seconds: float) -> None:
        await anyio.lowlevel.checkpoint()
        self.mono += int(seconds * S)

    async def ready(self) -> None:
        self.opened += 1

    async def request(self, write: Callable[[int, SigningContext], str], *, timeout_s: float) -> bytes:
        await anyio.lowlevel.checkpoint()
        self.timeouts.append(timeout_s)
        if isinstance(self.answer, LotusXError):
            raise self.answer
        return self.answer


async def test_a_request_pays_and_waits_like_any_other() -> None:
    socket = Socket()
    await socket.requests.ready()
    for _ in range(10):
        assert await socket.requests.request(write, timeout_s=61.0, costs=(WEIGHT,)) == b"yes"

    assert socket.opened == 1
    assert socket.timeouts == [61.0] * 9 + [1.0]  # the tenth part is kept for cancels; it waited for the next minute
    assert socket.used == 10
    assert [event for event in socket.events if isinstance(event, BudgetWait)] == [
        BudgetWait("x", "api", "weight", 60.0, call=10)
    ]


async def test_a_wait_beyond_the_timeout_is_refused_before_sending_and_urgent_ones_use_the_reserve() -> None:
    socket = Socket()
    for _ in range(9):
        await socket.requests.request(write, costs=(WEIGHT,))

    with pytest.raises(RateLimited, match="nothing was sent"):
        await socket.requests.request(write, timeout_s=5.0, costs=(WEIGHT,))
    await socket.requests.request(write, timeout_s=5.0, costs=(WEIGHT,), lane=Lane.URGENT)
    assert len(socket.timeouts) == 10


@pytest.mark.parametrize(
    ("answer", "cost", "used"),
    [
        (b"yes", WEIGHT, 10),
        (b"yes", FREE, 0),
        (OrderNotFound("x", "-2013", "unknown"), FREE, 10),
        (RequestTimeout("late", sent=True), FREE, 10),
        (RequestTimeout("not connected", sent=False), WEIGHT, 0),
        (ConnectionFailed("gone", sent=False), WEIGHT, 0),
    ],
)
async def test_what_was_never_sent_or_is_free_is_given_back(answer: bytes | LotusXError, cost: Cost, used: int) -> None:
    socket = Socket(answer)

    if isinstance(answer, LotusXError):
        with pytest.raises(type(answer)):
            await socket.requests.request(write, costs=(cost,))
    else:
        await socket.requests.request(write, costs=(cost,))
    assert socket.used == used


async def test_what_the_reply_says_is_adopted_and_not_given_back() -> None:
    socket = Socket(b"77")
    await socket.requests.request(write, costs=(FREE,), usage=lambda reply: [Usage("weight", 60.0, int(reply))])

    assert socket.used == 77


class Full:
    """The lock of a count that cannot be written any more, once something was sent."""

    def __init__(self, socket: Socket) -> None:
        self._socket = socket

    def __enter__(self) -> object:
        return self

    def __exit__(self, *error: object) -> None:
        if self._socket.timeouts:
            raise ConfigurationError("the shared limits have no room")


async def test_a_reply_that_cannot_be_counted_is_returned() -> None:
    socket = Socket(b"77")
    socket.budget._ledger.lock = Full(socket)

    def usage(reply: bytes) -> list[Usage]:
        return [Usage("weight", 60.0, int(reply))]

    assert await socket.requests.request(write, costs=(WEIGHT,), usage=usage) == b"77"
    with pytest.raises(ConfigurationError):  # before sending it is a refusal
        await socket.requests.request(write, costs=(WEIGHT,), usage=usage)
    assert len(socket.timeouts) == 1


async def test_a_reply_that_says_too_many_holds_its_pools() -> None:
    socket = Socket(b"slow")
    refusal = RateLimited("x", "-1003", "slow", after_s=7.0)

    with pytest.raises(RateLimited) as caught:
        await socket.requests.request(write, costs=(WEIGHT,), error=lambda reply: refusal)
    assert caught.value is refusal
    with pytest.raises(RateLimited, match=r"weight is used up for 7\.0 s more; nothing was sent"):
        await socket.requests.request(write, timeout_s=1.0, costs=(WEIGHT,))
    await socket.requests.request(write, timeout_s=1.0, costs=(Cost("other", 1),))
    assert len(socket.timeouts) == 2


async def test_a_ban_holds_all_traffic() -> None:
    socket = Socket(b"banned")

    with pytest.raises(Banned) as caught:
        await socket.requests.request(write, error=lambda reply: Banned("x", "-1003", "banned"))
    assert caught.value.after_s == 120.0
    with pytest.raises(Banned, match="shut out"):
        await socket.requests.request(write)


async def test_an_error_that_sees_none_lets_the_reply_through() -> None:
    assert await Socket().requests.request(write, error=lambda reply: None) == b"yes"


class Time:
    """Knows the exchange's time after *syncs* answers; asking may fail."""

    def __init__(self, socket: Socket, *, reachable: bool = True) -> None:
        self.syncs = 1
        self.trusted = 0
        self._reachable = reachable
        self._socket = socket

    async def trust_clock(self) -> None:
        self.trusted += 1

    async def resynced(self, since: int) -> bool:
        if self._reachable:
            self.syncs = since + 1
            self._socket.answer = b"yes"
        return self._reachable


@pytest.mark.parametrize("reachable", [True, False])
async def test_what_was_refused_for_its_stamp_is_sent_once_more_when_the_time_is_known(reachable: bool) -> None:
    socket = Socket(b"late")
    time = Time(socket, reachable=reachable)
    requests = BudgetedRequests(
        socket, exchange="x", name="api", budget=socket.budget, clock=socket, telemetry=Telemetry(), time=time
    )

    def error(reply: bytes) -> LotusXError | None:
        return TimestampSkew("x", "-1021", "late") if reply == b"late" else None

    if reachable:
        assert await requests.request(write, costs=(WEIGHT,), error=error) == b"yes"
    else:
        with pytest.raises(TimestampSkew):
            await requests.request(write, costs=(WEIGHT,), error=error)
    assert len(socket.timeouts) == 1 + reachable
    assert time.trusted == 1


async def test_what_is_refused_for_its_stamp_again_is_told() -> None:
    socket = Socket(TimestampSkew("x", "-1021", "late"))
    time = Time(socket)

    async def resynced(since: int) -> bool:
        return True

    time.resynced = resynced  # type: ignore[method-assign]  # the exchange's clock is no help
    requests = BudgetedRequests(
        socket, exchange="x", name="api", budget=socket.budget, clock=socket, telemetry=Telemetry(), time=time
    )
    with pytest.raises(TimestampSkew):
        await requests.request(write)
    assert len(socket.timeouts) == 2


@pytest.mark.parametrize(("name", "told"), [("", "api"), ("order.place", "api/order.place")])
async def test_a_call_is_told_by_its_name_from_its_start_to_its_end(name: str, told: str) -> None:
    socket = Socket()
    await socket.requests.request(write, name=name)

    started, finished = socket.events
    assert started == CallStarted("x", told, 1)
    assert isinstance(finished, CallFinished)
    assert (finished.endpoint, finished.call, finished.error) == (told, 1, "")
