"""Health: each part by itself, several connections at once, and what a supervisor is told over HTTP."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import anyio
import pytest

from lotusx.errors import LotusXError, NotSupported
from lotusx.health import Check, Health, HealthReport, check_all
from lotusx.health_checks import HealthChecks, Inside, Level
from lotusx.health_endpoint import serve_health
from lotusx.kernel.flow import StreamState
from lotusx.model import Permissions
from lotusx.transport.clock import SystemClock

pytestmark = pytest.mark.anyio
FREE: Level = ("weight", "ip", 60.0, 10, 100, 0.0)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


async def checked(
    *,
    offset_ms: int = 5,
    permissions: Permissions | None = None,
    streams: Mapping[str, StreamState] | None = None,
    levels: Sequence[Level] = (FREE,),
    read_only: bool = False,
) -> dict[str, Check]:
    async def clock_offset() -> tuple[int, int]:
        return offset_ms, 20

    async def ask() -> Any:
        if permissions is None:
            raise NotSupported("acme", "permissions")
        return permissions

    async def nothing() -> int:
        return 0

    guard: Any = SimpleNamespace(on_paper=False, may_read=True, has_key=True, read_only=read_only)
    inside = Inside(clock_offset, lambda: streams or {}, lambda: levels)
    market: Any = SimpleNamespace(server_time=nothing)
    account: Any = SimpleNamespace(permissions=ask, balances=nothing)
    report = HealthReport("acme", "live", await HealthChecks(guard, SystemClock(), inside, market, account).run())
    json.dumps(report.as_dict())
    return {check.name: check for check in report.checks}


@pytest.mark.parametrize(
    ("offset_ms", "result"), [(1_000, "ok"), (-1_001, "degraded"), (60_000, "degraded"), (60_001, "failed")]
)
async def test_a_clock_is_worth_a_look_before_it_is_wrong(offset_ms: int, result: str) -> None:
    check = (await checked(offset_ms=offset_ms))["clock"]
    assert (check.result, check.data) == (result, {"offset_ms": offset_ms, "round_trip_ms": 20})


async def test_what_a_key_may_do_is_compared_with_what_it_is_for() -> None:
    assert (await checked())["permissions"].result is Health.NOT_CHECKED
    assert (await checked(permissions=Permissions(True, True, False)))["permissions"].result is Health.OK
    withdraws = (await checked(permissions=Permissions(True, True, True)))["permissions"]
    assert (withdraws.result, withdraws.data["withdraw"]) == (Health.DEGRADED, True)
    reads = Permissions(True, False, False)
    assert (await checked(permissions=reads))["permissions"].result is Health.DEGRADED
    assert (await checked(permissions=reads, read_only=True))["permissions"].result is Health.OK


async def test_streams_that_are_down_are_named() -> None:
    assert (await checked())["streams"].result is Health.NOT_CHECKED
    up = {"a": StreamState.LIVE, "b": StreamState.RECOVERED, "c": StreamState.REQUESTED}
    assert (await checked(streams=up))["streams"].result is Health.OK
    check = (await checked(streams={**up, "d": StreamState.LOST, "e": StreamState.SILENT}))["streams"]
    assert (check.result, check.data["down"]) == (Health.DEGRADED, ["d", "e"])


@pytest.mark.parametrize(
    ("level", "result"),
    [
        (("weight", "ip", 60.0, 89, 100, 0.0), "ok"),
        (("weight", "ip", 60.0, 90, 100, 0.0), "degraded"),
        (("orders", "account", 10.0, 0, 50, 2.5), "degraded"),
    ],
)
async def test_limits_nearly_used_up_or_blocked_are_worth_a_look(level: Level, result: str) -> None:
    check = (await checked(levels=[FREE, level]))["budgets"]
    assert check.result == result
    assert check.data["limits"][1]["used"] == level[3]
    assert (await checked(levels=[]))["budgets"].result is Health.NOT_CHECKED


class Fake:
    """A connection whose health a test decides."""

    def __init__(self, name: str = "acme") -> None:
        self.name, self.environment, self.account_name = name, "live", None
        self.result = Health.OK
        self.asked = anyio.Event()
        self.hangs = False

    async def health_check(self) -> HealthReport:
        self.asked.set()
        if self.hangs:
            await anyio.sleep_forever()
        return HealthReport(self.name, self.environment, (Check("connectivity", self.result, "said"),))


async def test_several_are_checked_at_once_and_a_late_one_has_failed() -> None:
    slow, quick = Fake("slow"), Fake("quick")
    slow.hangs = True
    fakes: list[Any] = [slow, quick]
    late, fine = await check_all(fakes, timeout_s=0.05)
    assert (late.exchange, late.healthy, late["connectivity"].detail) == ("slow", False, "no answer in 0.05 s")
    assert (fine.exchange, fine.healthy) == ("quick", True)


async def test_one_that_is_not_open_has_failed_and_the_others_are_checked() -> None:
    class Closed(Fake):
        async def health_check(self) -> HealthReport:
            raise LotusXError("enter the connection first")

    fakes: list[Any] = [Closed(), Fake("quick")]
    closed, fine = await check_all(fakes)
    assert (closed.healthy, closed["connectivity"].detail) == (False, "enter the connection first")
    assert fine.healthy


async def ask(port: int, path: str, verb: str = "GET") -> tuple[int, Any]:
    """Ask as a supervisor does; return status and document."""
    return await _talk(port, f"{verb} {path} HTTP/1.1\r\nhost: localhost\r\n\r\n".encode())


async def _talk(port: int, text: bytes) -> tuple[int, Any]:
    reply = b""
    async with await anyio.connect_tcp("127.0.0.1", port) as client:
        await client.send(text)
        with anyio.fail_after(30):
            async for chunk in client:
                reply += chunk
    head, _, body = reply.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


async def until_status(port: int, status: int) -> Any:
    with anyio.fail_after(30):
        while (found := await ask(port, "/ready"))[0] != status:  # noqa: ASYNC110 - a server has no event for us
            await anyio.sleep(0.005)
    return found[1]


@pytest.mark.parametrize("anyio_backend", ["asyncio", "trio"])
async def test_a_supervisor_learns_whether_we_live_and_are_ready() -> None:
    fake = Fake()
    fakes: list[Any] = [fake]
    async with serve_health(fakes, every_s=0.01) as endpoint:
        assert await until_status(endpoint.port, 200) == {"ready": True}
        status, document = await ask(endpoint.port, "/health?x=1")
        assert (status, document["reports"][0]["exchange"]) == (200, "acme")
        fake.result = Health.FAILED
        assert await until_status(endpoint.port, 503) == {"ready": False}
        assert await ask(endpoint.port, "/live") == (200, {"live": True})
        assert (await ask(endpoint.port, "/secrets"))[0] == 404
        assert (await ask(endpoint.port, "/live", "POST"))[0] == 405
        assert (await _talk(endpoint.port, b"rubbish\r\n\r\n"))[0] == 400


async def test_before_the_first_check_nothing_is_ready() -> None:
    fake = Fake()
    fake.hangs = True
    fakes: list[Any] = [fake]
    async with serve_health(fakes, timeout_s=1_000) as endpoint:
        await fake.asked.wait()
        assert await ask(endpoint.port, "/ready") == (503, {"ready": False})
        assert (await ask(endpoint.port, "/health"))[1]["reports"] == []


async def test_who_never_ends_a_request_is_cut_off_and_too_many_are_turned_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lotusx.health_endpoint.MOST_CLIENTS", 0)
    async with serve_health([]) as endpoint:
        async with await anyio.connect_tcp("127.0.0.1", endpoint.port) as client:
            with anyio.fail_after(30), pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                await client.receive()
        monkeypatch.setattr("lotusx.health_endpoint.MOST_CLIENTS", 16)
        monkeypatch.setattr("lotusx.health_endpoint._CLIENT_S", 0.01)
        async with await anyio.connect_tcp("127.0.0.1", endpoint.port) as client:
            with anyio.fail_after(30), pytest.raises((anyio.EndOfStream, anyio.BrokenResourceError)):
                await client.receive()
        assert (await _talk(endpoint.port, b"GET /live HTTP/1.1\r\nx: " + b"y" * 9_000))[0] == 200


async def test_an_error_that_is_ours_is_a_failed_check(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail() -> int:
        raise LotusXError("no route")

    async def offset() -> tuple[int, int]:
        raise AssertionError("asked although nothing answers")

    guard: Any = SimpleNamespace(on_paper=False, may_read=True, has_key=True, read_only=False)
    market: Any = SimpleNamespace(server_time=fail)
    nobody: Any = SimpleNamespace()
    checks = await HealthChecks(guard, SystemClock(), Inside(offset, dict, list), market, nobody).run()
    assert [check.result.value for check in checks] == ["failed", *["not_checked"] * 5]
    assert checks[0].data == {"error": "LotusXError"}
