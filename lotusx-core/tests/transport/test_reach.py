"""Further hosts and kept lists: who is asked, how often, and what is never asked twice."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lotusx.errors import ConnectionFailed, RequestTimeout
from lotusx.kernel.facts import Limit
from lotusx.kernel.transport import HttpRequest, HttpResponse
from lotusx.reach import Reach, user_cache_folder
from lotusx.transport.failover import FailoverHttp, FailoverWs, Hosts
from lotusx.transport.reply_cache import ReplyCache

pytestmark = pytest.mark.anyio
A, B = "https://a.test", "https://b.test"


def kept_in(folder: Path) -> list[Path]:
    return list(folder.iterdir())


class Http:
    """Answers with the URL; hosts in ``down`` cannot be reached, those in ``lost`` may have got the request."""

    def __init__(self) -> None:
        self.down: set[str] = set()
        self.lost: set[str] = set()
        self.asked: list[str] = []
        self.status = 200
        self.closed = False

    async def send(self, request: HttpRequest, *, timeout_s: float) -> HttpResponse:
        self.asked.append(request.url)
        if any(request.url.startswith(host) for host in self.lost):
            raise RequestTimeout("no reply", sent=True)
        if any(request.url.startswith(host) for host in self.down):
            raise ConnectionFailed("unreachable", sent=False)
        return HttpResponse(self.status, {"content-type": "application/json", "x-used": "7"}, request.url.encode())

    async def aclose(self) -> None:
        self.closed = True


class Ws(Http):
    async def connect(self, url: str, handler: Any, **_: Any) -> Any:
        return (await self.send(HttpRequest("GET", url), timeout_s=1)).body


class Clock:
    def __init__(self) -> None:
        self.at = 1_000_000_000_000

    def now_ns(self) -> int:
        return self.at


def get(path: str = "/x", base: str = A) -> HttpRequest:
    return HttpRequest("GET", base + path)


async def test_the_next_host_is_asked_where_one_cannot_be_reached_and_stays_in_use() -> None:
    inner = Http()
    http = FailoverHttp(inner, {A: Hosts([A, B])})
    inner.down = {A}
    assert (await http.send(get("/x?y=1"), timeout_s=1)).body == b"https://b.test/x?y=1"
    inner.down = {B}
    await http.send(get(), timeout_s=1)
    inner.down = set()
    await http.send(get(), timeout_s=1)
    assert inner.asked == [f"{A}/x?y=1", f"{B}/x?y=1", f"{B}/x", f"{A}/x", f"{A}/x"]
    await http.aclose()
    assert inner.closed


async def test_what_may_have_arrived_is_not_sent_to_another_host() -> None:
    inner = Http()
    inner.lost = {A}
    with pytest.raises(RequestTimeout):
        await FailoverHttp(inner, {A: Hosts([A, B])}).send(get(), timeout_s=1)
    assert inner.asked == [f"{A}/x"]


async def test_where_no_host_answers_the_last_failure_is_told() -> None:
    inner = Http()
    inner.down = {A, B}
    with pytest.raises(ConnectionFailed, match="unreachable"):
        await FailoverHttp(inner, {A: Hosts([A, B])}).send(get(), timeout_s=1)


async def test_other_services_go_where_they_always_went() -> None:
    inner = Http()
    http = FailoverHttp(inner, {A: Hosts([A, B])})
    await http.send(get(base="https://a.test.evil"), timeout_s=1)
    assert inner.asked == ["https://a.test.evil/x"]


async def test_sockets_fail_over_likewise() -> None:
    inner = Ws()
    inner.down = {"wss://a"}
    ws = FailoverWs(inner, {"wss://a/ws": Hosts(["wss://a/ws", "wss://b/ws"])})
    handler: Any = None
    assert await ws.connect("wss://a/ws?streams=x", handler) == b"wss://b/ws?streams=x"
    assert await ws.connect("wss://c/ws", handler) == b"wss://c/ws"
    inner.down = {"wss://a", "wss://b"}
    with pytest.raises(ConnectionFailed):
        await ws.connect("wss://a/ws", handler)
    await ws.aclose()


class Listing:
    """A plugin's list of instruments, made of two requests."""

    def __init__(self, http: ReplyCache) -> None:
        self.http = http
        self.read: list[bytes] = []

    async def fetch(self) -> Sequence[Any]:
        for path in ("/spot", "/perp"):
            self.read.append((await self.http.send(get(path), timeout_s=1)).body)
        return []


async def fetched(inner: Http, folder: Path, clock: Clock, times: int = 1) -> list[bytes]:
    """Fetch as a new connection does, *times* times; return what the plugin read."""
    cache = ReplyCache(inner, folder, 60, clock)  # type: ignore[arg-type]
    listing = Listing(cache)
    for _ in range(times):
        await cache.around(listing.fetch)()
    await cache.aclose()
    return listing.read


async def test_a_fresh_list_is_read_from_disk_and_an_old_one_fetched(tmp_path: Path) -> None:
    inner, clock = Http(), Clock()
    first = await fetched(inner, tmp_path, clock)
    assert await fetched(inner, tmp_path, clock) == first
    assert len(inner.asked) == 2
    clock.at += 61_000_000_000
    await fetched(inner, tmp_path, clock)
    assert len(inner.asked) == 4
    clock.at -= 100_000_000_000  # a clock that was set back makes nothing fresh
    await fetched(inner, tmp_path, clock)
    assert len(inner.asked) == 6


async def test_a_list_that_is_asked_for_again_is_fetched(tmp_path: Path) -> None:
    inner, clock = Http(), Clock()
    await fetched(inner, tmp_path, clock)
    await fetched(inner, tmp_path, clock, times=2)
    assert len(inner.asked) == 4


async def test_only_the_list_is_kept_and_only_if_it_is_a_success(tmp_path: Path) -> None:
    inner, clock = Http(), Clock()
    cache = ReplyCache(inner, tmp_path, 60, clock)  # type: ignore[arg-type]
    await cache.send(get(), timeout_s=1)
    assert kept_in(tmp_path) == []
    inner.status = 503
    await fetched(inner, tmp_path, clock)
    assert kept_in(tmp_path) == []


async def test_counters_in_headers_are_not_replayed(tmp_path: Path) -> None:
    inner, clock = Http(), Clock()
    await fetched(inner, tmp_path, clock)
    cache = ReplyCache(inner, tmp_path, 60, clock)  # type: ignore[arg-type]
    seen: list[HttpResponse] = []

    async def fetch() -> Sequence[Any]:
        seen.append(await cache.send(get("/spot"), timeout_s=1))
        return []

    await cache.around(fetch)()
    assert dict(seen[0].headers) == {"content-type": "application/json"}


async def test_a_damaged_or_unwritable_folder_costs_time_and_nothing_else(tmp_path: Path) -> None:
    inner, clock = Http(), Clock()
    await fetched(inner, tmp_path, clock)
    for file in kept_in(tmp_path):
        file.write_text("{")
    assert await fetched(inner, tmp_path, clock) == [b"https://a.test/spot", b"https://a.test/perp"]
    (tmp_path / "file").write_text("")
    assert len(await fetched(inner, tmp_path / "file" / "below", clock)) == 2


def test_a_share_of_the_limits_is_rounded_down_but_never_to_nothing() -> None:
    limits = [Limit("weight", 1200, 60), Limit("orders", 1, 1)]
    assert [item.amount for item in Reach({}, {}, Decimal("0.5")).limits(limits)] == [600, 1]
    assert Reach({}, {}).limits(limits) == tuple(limits)


async def test_without_settings_the_transports_are_as_they_were(tmp_path: Path) -> None:
    inner: Any = Ws()
    clock: Any = Clock()
    plain = Reach({}, {})
    http: object = plain.over_http(inner, clock)
    ws: object = plain.over_ws(inner)
    assert (http, ws) == (inner, inner)

    async def fetch() -> Sequence[Any]:
        return []

    assert plain.fetch(fetch) is fetch
    full = Reach({A: [A, B]}, {"wss://a": ["wss://a"]}, cache_s=1, cache_folder=tmp_path)
    assert isinstance(full.over_http(inner, clock), ReplyCache)
    assert isinstance(full.over_ws(inner), FailoverWs)
    assert full.fetch(fetch) is not fetch


def test_lists_are_kept_where_the_system_keeps_such_things(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert user_cache_folder({"XDG_CACHE_HOME": "/c"}) == Path("/c/lotusx")
    monkeypatch.setattr("sys.platform", "win32")
    assert user_cache_folder({"LOCALAPPDATA": "/c"}) == Path("/c/lotusx")
