"""Many streams as one: counted, fair, bounded, and no end in silence."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import pairwise
from random import Random
from types import SimpleNamespace
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from lotusx.errors import SlowConsumer, SourceFailed, StreamError, SubscriptionRefused
from lotusx.many import Failures, Merged, SourceEnded
from lotusx.streams import Overflow, StatusChange, Stream, StreamState

pytestmark = pytest.mark.anyio


def event(number: int, symbol: str = "X") -> Any:
    return SimpleNamespace(number=number, symbol=symbol)


@asynccontextmanager
async def refused() -> AsyncIterator[Stream[Any]]:
    await anyio.lowlevel.checkpoint()
    nothing: tuple[Stream[Any], ...] = ()
    for stream in nothing:
        yield stream
    raise SubscriptionRefused("no such channel")


def merging(
    *streams: Stream[Any], failures: Failures = Failures.FATAL, **more: AbstractAsyncContextManager[Stream[Any]]
) -> AbstractAsyncContextManager[Merged[str, Any]]:
    return Merged[str, Any]({**{stream.name: stream for stream in streams}, **more}, failures).open()


async def take(merged: AsyncIterator[Any], count: int) -> list[Any]:
    with anyio.fail_after(30):
        return [await anext(merged) for _ in range(count)]


def numbers(items: Sequence[tuple[str, Any]]) -> list[tuple[str, int]]:
    return [(name, item.number) for name, item in items]


async def test_events_come_with_their_source_in_its_order() -> None:
    a, b = Stream[Any]("a"), Stream[Any]("b")
    async with merging(a, b) as merged:
        a.put([event(1), event(2)])
        b.put([event(1)])
        assert numbers(await take(merged, 3)) == [("a", 1), ("b", 1), ("a", 2)]
        b.put([event(2)])
        assert numbers(await take(merged, 1)) == [("b", 2)]


async def test_a_reader_that_waits_is_woken_by_any_source() -> None:
    a, b = Stream[Any]("a"), Stream[Any]("b")
    async with merging(a, b) as merged, anyio.create_task_group() as tasks:
        got: list[Any] = []

        async def read() -> None:
            got.extend(await take(merged, 2))

        tasks.start_soon(read)
        await anyio.wait_all_tasks_blocked()
        b.put([event(1)])
        await anyio.wait_all_tasks_blocked()
        a.put([event(1)])
        await anyio.wait_all_tasks_blocked()
        assert numbers(got) == [("b", 1), ("a", 1)]


async def test_a_busy_source_neither_displaces_nor_delays_a_quiet_one() -> None:
    busy, quiet = Stream[Any]("busy", buffer=100), Stream[Any]("quiet", buffer=100)
    async with merging(busy, quiet) as merged:
        for number in range(50):
            busy.put([event(number * 10 + each) for each in range(10)])
            if number % 25 == 0:
                quiet.put([event(number)])
        assert numbers(await take(merged, 4))[1::2] == [("quiet", 0), ("quiet", 25)]
        assert merged.counters["busy"].dropped == 400
        assert merged.counters["quiet"].dropped == 0


async def test_where_every_event_went_adds_up_under_every_policy_and_seed() -> None:
    for seed in range(20):
        random = Random(seed)
        streams = [
            Stream[Any](name, buffer=random.randint(1, 8), overflow=policy)
            for name, policy in zip("abc", (Overflow.DROP_OLDEST, Overflow.LATEST, Overflow.BLOCK), strict=True)
        ]
        put = dict.fromkeys("abc", 0)
        read: list[tuple[str, Any]] = []
        async with merging(*streams) as merged:
            for _ in range(200):
                if random.random() < 0.6:
                    stream, count = random.choice(streams), random.randint(1, 4)
                    stream.put([event(put[stream.name] + each, random.choice("XY")) for each in range(count)])
                    put[stream.name] += count
                elif merged.total.waiting:
                    read += await take(merged, 1)
                total = merged.total
                gone = total.delivered + total.conflated + total.dropped + total.rejected + total.waiting
                assert total.received == gone == sum(put.values())
                assert total.delivered == len(read)
        for name in "ac":
            in_order = [item.number for source, item in read if source == name]
            assert all(one < next_ for one, next_ in pairwise(in_order))


async def test_a_blocking_source_is_read_again_once_half_its_buffer_is_free() -> None:
    stream = Stream[Any]("a", buffer=4, overflow=Overflow.BLOCK)
    async with merging(stream) as merged:
        stream.put([event(each) for each in range(6)])
        assert stream.holding
        await take(merged, 4)
        assert not stream.holding


async def test_a_failing_source_is_fatal_after_what_came_before() -> None:
    a, b = Stream[Any]("a", buffer=2, overflow=Overflow.FAIL), Stream[Any]("b")
    got: list[tuple[str, Any]] = []

    async def read() -> None:
        async with merging(a, b) as merged:
            a.put([event(each) for each in range(3)])
            async for item in merged:
                got.append(item)

    with pytest.raises(SourceFailed, match="2 events wait") as caught:
        await read()
    assert numbers(got) == [("a", 0), ("a", 1)]
    assert isinstance(caught.value.__cause__, SlowConsumer)
    assert caught.value.source == "a"
    assert b.state is StreamState.CLOSED


async def test_an_isolated_failure_is_told_in_its_place_and_the_others_go_on() -> None:
    a, b = Stream[Any]("a"), Stream[Any]("b")
    async with merging(a, b, failures=Failures.ISOLATED, c=refused()) as merged:
        (first,) = await take(merged, 1)
        assert first[0] == "c"
        assert isinstance(first[1], SourceEnded)
        assert (first[1].reason, merged.states["c"]) == ("no such channel", StreamState.CLOSED)
        a.put([event(1)])
        a.end(SubscriptionRefused("not any more"))
        b.put([event(1)])
        got = await take(merged, 3)
        assert [(name, type(item).__name__) for name, item in got] == [
            ("a", "SimpleNamespace"), ("b", "SimpleNamespace"), ("a", "SourceEnded"),
        ]  # fmt: skip
        assert got[2][1].error.__cause__ is a.error
        b.put([event(2)])
        assert numbers(await take(merged, 1)) == [("b", 2)]
        assert list(merged.ended) == ["c", "a"]
        assert set(merged.counters) == {"a", "b"}
        assert "2 ended" in repr(merged)


async def test_a_source_that_cannot_be_opened_ends_all_where_that_is_fatal() -> None:
    a = Stream[Any]("a")
    with pytest.raises(SourceFailed, match="c: no such channel"):
        async with merging(a, c=refused()):
            raise AssertionError("never begins")
    assert a.state is StreamState.CLOSED


async def test_iteration_ends_once_every_source_was_closed_and_each_end_is_told() -> None:
    a, b = Stream[Any]("a"), Stream[Any]("b")
    async with merging(a, b) as merged:
        a.put([event(1)])
        a.end()
        b.end()
        got = [(name, item if isinstance(item, SourceEnded) else item.number) async for name, item in merged]
    assert sorted(got, key=str) == sorted([("a", 1), ("a", SourceEnded(None)), ("b", SourceEnded(None))], key=str)


async def test_changes_of_state_come_in_their_places_on_request() -> None:
    a = Stream[Any]("a")
    async with merging(a) as merged:
        a.put([event(1)])
        a.change(StreamState.LOST, "reset")
        a.put([event(2)])
        a.end()
        got = [item async for _, item in merged.with_status()]
    shown = [item.state if isinstance(item, StatusChange) else getattr(item, "number", "ended") for item in got]
    assert shown == [StreamState.REQUESTED, 1, StreamState.LOST, 2, "ended"]


async def test_merged_streams_have_one_reader_and_so_has_each_source() -> None:
    a = Stream[Any]("a")
    async with merging(a) as merged, anyio.create_task_group() as tasks:
        tasks.start_soon(anext, merged)
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(StreamError, match="one reader"):
            await anext(merged)
        with pytest.raises(StreamError, match="one reader"):
            await anext(a)
        with pytest.raises(SourceFailed, match="one reader"):
            async with merging(a):
                pass
        tasks.cancel_scope.cancel()


async def test_a_reader_that_always_finds_something_lets_others_run() -> None:
    a = Stream[Any]("a", buffer=5_000)
    async with merging(a) as merged, anyio.create_task_group() as tasks:
        a.put([event(each) for each in range(3_000)])
        turns: list[int] = []

        async def other() -> None:
            while len(turns) < 2:
                turns.append(merged.total.delivered)
                await anyio.lowlevel.checkpoint()

        tasks.start_soon(other)
        await take(merged, 3_000)
    assert len(turns) == 2
    assert turns[0] < 3_000


async def test_reading_after_the_block_ends_at_once() -> None:
    a = Stream[Any]("a")
    async with merging(a) as merged:
        pass
    assert [item async for _, item in merged] == [SourceEnded(None)]
