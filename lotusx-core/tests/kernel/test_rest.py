"""The REST onion: retry, budgets, signing last, errors without secrets."""

from __future__ import annotations

import dataclasses
import traceback
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from random import Random
from typing import Any

import anyio
import msgspec
import pytest

from lotusx.errors import (
    Banned,
    ConfigurationError,
    ConnectionFailed,
    CredentialsError,
    ItemRejected,
    LotusXError,
    MalformedReply,
    RateLimited,
    RequestTimeout,
    TimestampSkew,
    Unavailable,
)
from lotusx.kernel.budget import Budget
from lotusx.kernel.clock import ClockOffset
from lotusx.kernel.dialect import Usage
from lotusx.kernel.facts import Limit
from lotusx.kernel.nonce import NonceAllocator, Stamper
from lotusx.kernel.origin import made_as
from lotusx.kernel.redact import Redactor
from lotusx.kernel.request import Cost, Effect, Origin, Request, Response, SigningContext, Verb
from lotusx.kernel.rest import Middleware, Next, RestStack
from lotusx.kernel.telemetry import (
    BudgetWait,
    CallFinished,
    CallStarted,
    Event,
    RequestFinished,
    RetryScheduled,
    Telemetry,
)
from lotusx.kernel.transport import HttpRequest, HttpResponse

S = 1_000_000_000
JSON = {"content-type": "application/json"}
OK = HttpResponse(200, JSON, b'{"n":1}')
READ = Request(Verb.GET, "https://x.test", "/read", costs=(Cost("weight", 10),))
COMMAND = Request(Verb.POST, "https://x.test", "/order", "a=1", signed=True, effect=Effect.COMMAND)
SIGNED_READ = dataclasses.replace(READ, signed=True)

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["asyncio", "trio"])
def anyio_backend(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class JumpClock:
    """Sleeping takes no time at all."""

    def __init__(self) -> None:
        self.wall = 1_700_000_000 * S
        self.mono = 0

    def now_ns(self) -> int:
        return self.wall + self.mono

    def monotonic_ns(self) -> int:
        return self.mono

    async def sleep(self, seconds: float) -> None:
        await anyio.lowlevel.checkpoint()
        self.mono += int(seconds * S)


class Script:
    """A transport that answers as written, the last line for ever."""

    def __init__(self, *answers: HttpResponse | LotusXError | Callable[[HttpRequest], HttpResponse]) -> None:
        self.answers = list(answers)
        self.requests: list[HttpRequest] = []

    async def send(self, request: HttpRequest, *, timeout_s: float) -> HttpResponse:
        await anyio.lowlevel.checkpoint()
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, LotusXError):
            raise answer
        return answer(request) if callable(answer) else answer

    async def aclose(self) -> None: ...


class Dialect:
    def error(self, request: Request, response: Response) -> LotusXError | None:
        text = response.body.decode("utf-8", "replace")
        facts: dict[str, Any] = {"http_status": response.status}
        match response.status:
            case 400:
                return TimestampSkew("x", "-1021", text, **facts)
            case 418:
                return Banned("x", "-1003", text, **facts)
            case 429:
                return RateLimited("x", "-1003", text, **facts)
            case 503:
                return Unavailable("x", "503", text, **facts, may_have_executed=True)
        return None

    def usage(self, request: Request, response: Response) -> Iterable[Usage]:
        used = response.headers.get("x-used")
        return [Usage("weight", 60.0, int(used))] if used else ()


class Signer:
    def sign_request(self, request: Request, context: SigningContext) -> Request:
        return dataclasses.replace(
            request, query=f"{request.query}&timestamp={context.now_ms}&zz=s3cret-{context.nonce}"
        )

    def sign_message(self, payload: Mapping[str, Any], context: SigningContext) -> dict[str, Any]:
        raise NotImplementedError


class Bench:
    def __init__(
        self,
        *answers: Any,
        signer: Signer | None = None,
        middleware: tuple[Middleware, ...] = (),
        dialect: Dialect | None = None,
    ) -> None:
        self.clock = JumpClock()
        self.http = Script(*answers)
        self.budget = Budget("x", [Limit("weight", 100, 60.0)])
        self.events: list[Event] = []
        telemetry = Telemetry()
        telemetry.observe(self.events.append)
        self.offset = ClockOffset()
        self.rest = RestStack(
            exchange="x",
            transport=self.http,
            dialect=dialect or Dialect(),
            budget=self.budget,
            clock=self.clock,
            stamper=Stamper(self.clock, self.offset, NonceAllocator()),
            random=Random(7),
            telemetry=telemetry,
            signer=signer,
            redactor=Redactor(["c4nary-key"]),
            middleware=middleware,
        )

    async def call(self, request: Request = READ) -> Any:
        return await self.rest.call(request, lambda reply: msgspec.json.decode(reply.body, type=dict[str, int]))

    def of(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


async def test_a_reply_is_decoded_and_reported() -> None:
    bench = Bench(OK)

    assert await bench.call() == {"n": 1}
    assert bench.http.requests == [HttpRequest("GET", "https://x.test/read")]
    assert bench.of(RequestFinished) == [RequestFinished("x", "GET /read", 200, 0.0, 1, call=1)]


@pytest.mark.parametrize(
    "failure",
    [
        ConnectionFailed("gone"),
        RequestTimeout("late"),
        MalformedReply("cut"),
        HttpResponse(503, JSON, b"{}"),
        HttpResponse(200, {"content-type": "text/html"}, b"hello"),
        HttpResponse(200, {}, b"<html>"),
        HttpResponse(502, {"content-type": "text/html"}, b"<html>"),
        HttpResponse(520, {}, b""),
        HttpResponse(200, JSON, b'{"n":'),
        HttpResponse(200, JSON, b""),
    ],
)
async def test_a_read_is_tried_again_and_a_command_is_not(failure: Any) -> None:
    bench = Bench(failure, OK)
    assert await bench.call() == {"n": 1}
    assert len(bench.of(RetryScheduled)) == 1

    bench = Bench(failure, OK, signer=Signer())
    with pytest.raises(LotusXError) as caught:
        await bench.call(COMMAND)
    assert caught.value.may_have_executed
    assert len(bench.http.requests) == 1


async def test_a_json_cut_at_any_byte_is_malformed() -> None:
    whole = b'{"n":1}'
    for cut in range(len(whole)):
        bench = Bench(HttpResponse(200, JSON, whole[:cut]), signer=Signer())
        with pytest.raises(MalformedReply):
            await bench.call(COMMAND)


async def test_a_command_of_which_nothing_was_sent_is_sent_again() -> None:
    bench = Bench(ConnectionFailed("refused", sent=False), OK, signer=Signer())

    assert await bench.call(COMMAND) == {"n": 1}
    assert len(bench.http.requests) == 2


async def test_reads_give_up_after_the_attempts_of_the_policy() -> None:
    bench = Bench(ConnectionFailed("gone"))

    with pytest.raises(ConnectionFailed):
        await bench.call(dataclasses.replace(READ, costs=()))
    assert len(bench.http.requests) == 5
    assert [event.attempt for event in bench.of(RequestFinished)] == [1, 2, 3, 4, 5]
    assert bench.of(RequestFinished)[0].error == "ConnectionFailed"


async def test_reads_obey_their_deadline() -> None:
    def late(request: HttpRequest) -> HttpResponse:
        bench.clock.mono += 25 * S
        raise RequestTimeout("late")

    bench: Bench = Bench(late)

    with pytest.raises(RequestTimeout):
        await bench.call()
    assert len(bench.http.requests) == 3


async def test_a_reply_of_another_shape_is_not_asked_for_again() -> None:
    bench = Bench(HttpResponse(200, JSON, b'{"n":"c4nary-key"}'))

    with pytest.raises(MalformedReply, match="x: the reply cannot be read \\(ValidationError") as caught:
        await bench.call()
    assert len(bench.http.requests) == 1
    assert caught.value.body == '{"n":"***"}'
    assert caught.value.__cause__ is caught.value.__context__ is None


@pytest.mark.parametrize("error", [ItemRejected("no side"), KeyError("side"), ValueError("c4nary-key")])
async def test_what_decoding_raises_becomes_a_malformed_reply(error: Exception) -> None:
    def decode(response: Response) -> None:
        raise error

    with pytest.raises(MalformedReply) as caught:
        await Bench(OK).rest.call(READ, decode)
    assert "c4nary" not in "".join(traceback.format_exception(caught.value))


async def test_a_redirect_is_no_success_and_final() -> None:
    bench = Bench(HttpResponse(302, {"location": "https://evil.test"}, b""))

    with pytest.raises(MalformedReply, match="unexpected HTTP 302"):
        await bench.call()
    assert len(bench.http.requests) == 1


async def test_signing_comes_last_after_the_wait() -> None:
    bench = Bench(OK, signer=Signer())
    for _ in range(9):
        await bench.call()
    await bench.call(SIGNED_READ)

    waited_ms = 1_700_000_000_000 + bench.clock.mono // 1_000_000
    assert bench.clock.mono > 10 * S
    assert bench.http.requests[-1].url.startswith(f"https://x.test/read?&timestamp={waited_ms}&zz=")
    (wait,) = bench.of(BudgetWait)
    assert (wait.pool, wait.endpoint) == ("weight", "GET /read")


async def test_a_signed_call_without_credentials_is_refused() -> None:
    bench = Bench(OK)

    with pytest.raises(CredentialsError, match="POST /order must be signed"):
        await bench.call(COMMAND)
    assert bench.http.requests == []


async def test_the_exchanges_counters_are_adopted() -> None:
    bench = Bench(HttpResponse(200, {**JSON, "x-used": "77"}, b"{}"))
    await bench.call()

    assert bench.budget.used("weight", 60.0, bench.clock.mono) == 77


class Full:
    """The lock of a count that cannot be written any more, once something was sent."""

    def __init__(self, http: Script) -> None:
        self._http = http

    def __enter__(self) -> object:
        return self

    def __exit__(self, *error: object) -> None:
        if self._http.requests:
            raise ConfigurationError("the shared limits have no room")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (HttpResponse(200, {**JSON, "x-used": "77"}, b"{}"), None),
        (RequestTimeout("no reply", sent=True), RequestTimeout),
        (HttpResponse(429, {}, b"slow"), RateLimited),
        (HttpResponse(418, {}, b"banned"), Banned),
    ],
)
async def test_an_answer_that_cannot_be_counted_is_told_as_it_is(
    answer: Any, error: type[LotusXError] | None, caplog: pytest.LogCaptureFixture
) -> None:
    bench = Bench(answer, signer=Signer())
    bench.budget._ledger.lock = Full(bench.http)
    command = dataclasses.replace(COMMAND, costs=(Cost("weight", 10),))

    if error is None:
        assert await bench.call(command) == {}
    else:
        with pytest.raises(error):
            await bench.call(command)
    assert len(bench.http.requests) == 1
    bench.budget.adopt([Limit("weight", 50, 60.0)], bench.clock.mono)  # as a plugin does that reads it in an answer
    assert caplog.text.count("the shared limits have no room") == 1
    with pytest.raises(ConfigurationError):  # before sending it is a refusal
        await bench.call(command)
    assert len(bench.http.requests) == 1


async def test_what_was_never_sent_is_not_charged() -> None:
    bench = Bench(ConnectionFailed("refused", sent=False), OK)
    await bench.call()

    assert bench.budget.used("weight", 60.0, bench.clock.mono) == 10


@pytest.mark.parametrize(
    ("answer", "used"),
    [(OK, 0), (HttpResponse(200, {**JSON, "x-used": "7"}, b"{}"), 7), (HttpResponse(404, JSON, b"{}"), 10)],
)
async def test_a_success_that_is_free_is_given_back(answer: HttpResponse, used: int) -> None:
    bench = Bench(answer, signer=Signer())
    costs = (Cost("weight", 10, free_on_success=True), Cost("orders", 1))
    with suppress(MalformedReply):
        await bench.call(dataclasses.replace(COMMAND, costs=costs))

    assert bench.budget.used("weight", 60.0, bench.clock.mono) == used


@pytest.mark.parametrize(
    ("headers", "least_s"),
    [
        ({"retry-after": "7"}, 7.0),
        ({"retry-after": "Tue, 14 Nov 2023 22:13:41 GMT", "date": "Tue, 14 Nov 2023 22:13:20 GMT"}, 21.0),
        ({}, 39.0),  # until the minute is over
        ({"retry-after": "-1"}, 39.0),
    ],
)
async def test_a_429_silences_its_pools_and_the_read_follows_later(headers: dict[str, str], least_s: float) -> None:
    bench = Bench(HttpResponse(429, headers, b"slow"), OK)

    assert await bench.call() == {"n": 1}
    assert least_s <= bench.clock.mono / S < least_s + 2


async def test_a_refusal_that_names_its_limit_holds_that_one_alone() -> None:
    class OrdersUsedUp(Dialect):
        def error(self, request: Request, response: Response) -> LotusXError | None:
            error = super().error(request, response)
            if isinstance(error, RateLimited):
                error.pool = "orders"
            return error

    bench = Bench(HttpResponse(429, {"retry-after": "10"}, b"slow"), OK, OK, signer=Signer(), dialect=OrdersUsedUp())
    order = dataclasses.replace(COMMAND, costs=(Cost("weight", 1), Cost("orders", 1)))
    with pytest.raises(RateLimited):
        await bench.call(order)
    assert await bench.call() == {"n": 1}
    assert bench.clock.mono / S < 1
    assert await bench.call(order) == {"n": 1}
    assert bench.clock.mono / S >= 10


async def test_a_429_with_an_endless_retry_after_is_told_at_once_and_nothing_more_is_sent() -> None:
    bench = Bench(HttpResponse(429, {"retry-after": "10000"}, b"slow"), signer=Signer())

    for _ in range(3):
        with pytest.raises(RateLimited) as caught:
            await bench.call()
        assert caught.value.after_s == 10_000.0
    assert len(bench.http.requests) == 1
    with pytest.raises(RateLimited):
        await bench.call(COMMAND)  # names no pool of its own: all traffic is held after the next refusal
    assert len(bench.http.requests) == 2
    with pytest.raises(RateLimited, match="all traffic is held"):
        await bench.call(dataclasses.replace(READ, costs=()))
    assert len(bench.http.requests) == 2


@pytest.mark.parametrize(("headers", "after_s"), [({"retry-after": "300"}, 300.0), ({}, 120.0)])
async def test_a_ban_stops_all_traffic(headers: dict[str, str], after_s: float) -> None:
    bench = Bench(HttpResponse(418, headers, b"banned"), OK, signer=Signer())

    for request in (READ, READ, dataclasses.replace(READ, costs=()), COMMAND):
        with pytest.raises(Banned) as caught:
            await bench.call(request)
        assert caught.value.after_s == after_s
    assert len(bench.http.requests) == 1
    bench.clock.mono += int(after_s * S)
    assert await bench.call() == {"n": 1}


async def test_a_refused_stamp_leads_to_one_sync_and_one_more_attempt_even_of_a_command() -> None:
    bench = Bench(HttpResponse(400, JSON, b"late"), OK, signer=Signer())
    bench.rest.use_time_source(lambda: source(bench))

    async def source(bench: Bench) -> int:
        await bench.clock.sleep(0.01)
        return bench.clock.now_ns() + 30 * S

    assert await bench.call(COMMAND) == {"n": 1}
    assert bench.offset.synced
    stamps = [int(request.url.split("timestamp=")[1].split("&")[0]) for request in bench.http.requests]
    assert 30_000 <= stamps[1] - stamps[0] <= 30_100


async def test_a_stamp_refused_twice_is_told() -> None:
    bench = Bench(HttpResponse(400, JSON, b"late"), signer=Signer())
    bench.rest.use_time_source(lambda: _now(bench))

    with pytest.raises(TimestampSkew):
        await bench.call(COMMAND)
    assert len(bench.http.requests) == 2


async def _now(bench: Bench) -> int:
    return bench.clock.now_ns()


async def test_a_refused_stamp_without_anybody_to_ask_is_told() -> None:
    bench = Bench(HttpResponse(400, JSON, b"late"), signer=Signer())

    with pytest.raises(TimestampSkew):
        await bench.call(COMMAND)
    assert len(bench.http.requests) == 1


async def test_a_refused_stamp_is_told_when_the_sync_fails_or_takes_too_long() -> None:
    bench = Bench(HttpResponse(400, JSON, b"late"), signer=Signer())

    async def nobody() -> int:
        raise ConnectionFailed("gone")

    async def slow() -> int:
        bench.clock.mono += 20 * S
        return bench.clock.now_ns()

    for source in (nobody, slow):
        bench.rest.use_time_source(source)
        with pytest.raises(TimestampSkew):
            await bench.call(COMMAND)
    assert len(bench.http.requests) == 2
    bench.rest.use_time_source(nobody)
    with pytest.raises(ConnectionFailed):
        await bench.rest.sync_clock()


async def test_a_command_after_the_machine_slept_carries_the_exchanges_time_of_now() -> None:
    bench = Bench(OK, OK, signer=Signer())
    truth = bench.clock.now_ns() - bench.clock.monotonic_ns()

    async def source() -> int:
        return truth + bench.clock.monotonic_ns()

    bench.rest.use_time_source(source)
    await bench.rest.sync_clock()
    truth += 600 * S
    bench.clock.wall += 600 * S  # which the monotonic clock does not count
    await bench.call(COMMAND)

    assert f"timestamp={(truth + bench.clock.monotonic_ns()) // 1_000_000}" in bench.http.requests[-1].url
    assert bench.rest.syncs == 2
    await bench.call(COMMAND)
    assert bench.rest.syncs == 2


async def test_the_clock_is_kept_while_nothing_is_asked() -> None:
    bench = Bench(OK)
    bench.rest.use_time_source(lambda: _now(bench))
    await bench.rest.sync_clock()
    with anyio.CancelScope() as keeping:
        naps = []
        nap = bench.clock.sleep

        async def sleep(seconds: float) -> None:
            naps.append(seconds)
            if len(naps) == 3:
                bench.clock.wall += 30 * S
            if len(naps) == 6:
                keeping.cancel()
            await nap(seconds)

        bench.clock.sleep = sleep  # type: ignore[method-assign]  # to look on
        await bench.rest.keep_clock()

    assert bench.rest.syncs == 2


@pytest.mark.parametrize(
    ("status", "headers", "body", "silence_s"),
    [
        (418, {"retry-after": "70"}, b"{}", 70.0),
        (418, {}, b"{}", 120.0),
        (403, {"content-type": "text/html"}, b"no", 120.0),
        (403, {}, b" <html>no</html>", 120.0),
    ],
)
async def test_whatever_shuts_an_address_out_silences_it_even_where_the_dialect_does_not_know_it(
    status: int, headers: dict[str, str], body: bytes, silence_s: float
) -> None:
    bench = Bench(HttpResponse(status, headers, body), OK)
    with pytest.raises(LotusXError):
        await bench.call()
    with pytest.raises(Banned) as caught:
        await bench.call()
    assert caught.value.after_s == silence_s
    assert len(bench.http.requests) == 1
    bench.clock.mono += int(silence_s * S)
    assert await bench.call() == {"n": 1}


async def test_a_date_to_wait_for_is_read_by_the_exchanges_clock() -> None:
    bench = Bench(HttpResponse(429, {"retry-after": "Fri, 01 Jan 2027 00:00:09 GMT"}, b"slow"))
    midnight = 1_798_761_600 * S

    async def source() -> int:
        return midnight

    bench.rest.use_time_source(source)
    await bench.rest.sync_clock()  # the wall clock is years behind
    with pytest.raises(RateLimited) as caught:
        await bench.call(dataclasses.replace(COMMAND, signed=False))
    assert caught.value.after_s == 9.0


async def test_a_sync_survives_single_failures() -> None:
    bench = Bench(OK)
    answers: list[int | LotusXError] = [ConnectionFailed("gone"), 5 * S, 5 * S]

    async def source() -> int:
        answer = answers.pop(0)
        if isinstance(answer, LotusXError):
            raise answer
        return answer

    bench.rest.use_time_source(source)

    assert await bench.rest.sync_clock()
    assert bench.offset.exchange_now_ns(bench.clock) == 5 * S


async def test_attempts_that_failed_are_no_part_of_the_round_trip_of_the_clock() -> None:
    failed = HttpResponse(500, JSON, b"busy")
    bench = Bench(failed, OK, failed, OK, failed, OK)

    async def source() -> int:
        await bench.call(dataclasses.replace(SIGNED_READ, signed=False))
        return 5 * S + bench.clock.monotonic_ns()

    bench.rest.use_time_source(source)
    began_ns = bench.clock.monotonic_ns()
    await bench.rest.sync_clock()

    assert bench.clock.monotonic_ns() > began_ns  # it waited between the attempts
    assert bench.offset.round_trip_ns == 0
    assert bench.offset.distance_ns(bench.clock) == 5 * S


async def test_many_refused_stamps_share_one_sync() -> None:
    def answer(request: HttpRequest) -> HttpResponse:
        return OK if bench.offset.synced else HttpResponse(400, JSON, b"late")

    bench: Bench = Bench(answer, signer=Signer())
    asked = 0

    async def source() -> int:
        nonlocal asked
        asked += 1
        await bench.clock.sleep(0.001)
        return bench.clock.now_ns()

    bench.rest.use_time_source(source)
    async with anyio.create_task_group() as tasks:
        for _ in range(5):
            tasks.start_soon(bench.call, COMMAND)

    assert asked == 3
    assert len(bench.http.requests) == 10


async def test_waiting_for_anothers_sync_ends() -> None:
    bench = Bench(OK)
    stuck = anyio.Event()

    async def source() -> int:
        await stuck.wait()
        return 1

    bench.rest.use_time_source(source)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(bench.rest.sync_clock)
        await anyio.wait_all_tasks_blocked()
        assert not await bench.rest.sync_clock()
        stuck.set()


async def test_a_step_of_the_wall_clock_costs_no_refusal_and_one_sync() -> None:
    bench = Bench(OK, signer=Signer())
    bench.rest.use_time_source(lambda: _mono(bench))
    await bench.rest.sync_clock()

    bench.clock.wall += 30 * S
    await bench.call(COMMAND)
    await bench.call(SIGNED_READ)

    assert all("timestamp=1700000000000&" in request.url for request in bench.http.requests)
    assert not bench.offset.stale(bench.clock)


async def _mono(bench: Bench) -> int:
    return 1_700_000_000 * S + bench.clock.mono


async def test_no_error_shows_the_key_or_what_signing_added() -> None:
    def echo(request: HttpRequest) -> HttpResponse:
        return HttpResponse(503, JSON, f"origin[{request.url}] c4nary-key".encode())

    bench = Bench(echo, signer=Signer())
    with pytest.raises(Unavailable) as caught:
        await bench.call(COMMAND)

    shown = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    assert "s3cret" not in shown
    assert "c4nary" not in shown
    assert "a=1" in shown


async def test_middleware_wraps_every_attempt_outermost_first_and_sees_no_signature() -> None:
    seen: list[str] = []

    def named(name: str) -> Middleware:
        async def wrapper(request: Request, inner: Next) -> Response:
            seen.append(f"{name} {request.query}")
            response = await inner(dataclasses.replace(request, headers=(*request.headers, (name, "1"))))
            seen.append(f"{name} {response.status}")
            return response

        return wrapper

    bench = Bench(
        ConnectionFailed("refused", sent=False), OK, signer=Signer(), middleware=(named("outer"), named("inner"))
    )
    await bench.call(COMMAND)

    assert seen == ["outer a=1", "inner a=1", "outer a=1", "inner a=1", "inner 200", "outer 200"]
    assert bench.http.requests[0].headers == (("outer", "1"), ("inner", "1"))


async def test_middleware_that_answers_itself_takes_nothing_of_the_limits() -> None:
    async def cached(request: Request, inner: Next) -> Response:
        return Response(200, JSON, b'{"n": 7}')

    bench = Bench(middleware=(cached,))

    assert [await bench.call() for _ in range(20)] == [{"n": 7}] * 20  # the limits would allow 10
    assert bench.clock.mono == 0
    assert bench.http.requests == []


async def test_middleware_is_told_whose_a_command_is_and_nobody_s_is_native() -> None:
    seen: list[Origin] = []

    async def watched(request: Request, inner: Next) -> Response:
        seen.append(request.origin)
        return await inner(request)

    bench = Bench(OK, OK, OK, signer=Signer(), middleware=(watched,))
    await bench.call(COMMAND)
    with made_as(Origin.ORDER):
        await bench.call(COMMAND)
    await bench.call(COMMAND)

    assert seen == [Origin.NATIVE, Origin.ORDER, Origin.NATIVE]


async def test_a_cancelled_wait_leaves_the_queue() -> None:
    bench = Bench(OK)
    started = anyio.Event()

    async def forever(seconds: float) -> None:
        started.set()
        await anyio.sleep_forever()

    bench.clock.sleep = forever  # type: ignore[method-assign]
    for _ in range(9):
        await bench.call()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(bench.call)
        await started.wait()
        tasks.cancel_scope.cancel()

    bench.clock.mono += 60 * S
    assert await bench.call() == {"n": 1}


async def test_all_events_of_a_call_carry_its_number_and_its_start_no_query() -> None:
    bench = Bench(ConnectionFailed("gone"), OK)
    await bench.call(dataclasses.replace(READ, query="secret=1"))
    with pytest.raises(CredentialsError):
        await bench.call(COMMAND)

    (first, second) = bench.of(CallStarted)
    assert first == CallStarted("x", "GET /read", 1, "GET", "https://x.test/read")
    assert {event.call for event in (*bench.of(RequestFinished), *bench.of(RetryScheduled))} == {1}
    assert [(event.call, event.error) for event in bench.of(CallFinished)] == [(1, ""), (2, "CredentialsError")]
    assert second.verb == "POST"
