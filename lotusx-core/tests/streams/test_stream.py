"""A stream is bounded, counted, and read by one."""

from __future__ import annotations

from typing import Any

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given, strategies as st

from lotusx.errors import SlowConsumer, StreamClosed, StreamError
from lotusx.kernel.codec import ChannelKind
from lotusx.kernel.flow import Overflow, StatusChange, StreamOwner, StreamState, default_overflow
from lotusx.streams import Stream

from .fakes import channel, virtually


def adds_up(stream: Stream[Any]) -> bool:
    seen = stream.counters
    return seen.received == seen.delivered + seen.conflated + seen.dropped + seen.rejected + seen.waiting


class Owner(StreamOwner):
    def __init__(self) -> None:
        self.calls: list[str] = []

    def closed(self, stream: Any) -> None:
        self.calls.append("closed")

    def hold(self, stream: Any) -> None:
        self.calls.append("hold")

    def proceed(self, stream: Any) -> None:
        self.calls.append("proceed")

    def renew(self, stream: Any) -> None:
        self.calls.append("renew")


async def drain(stream: Stream[Any]) -> list[Any]:
    stream.end(stream.error)
    got = []
    try:
        async for event in stream:
            got.append(event)
            assert adds_up(stream)
    except StreamError as error:
        got.append(type(error).__name__)
    return got


@pytest.mark.parametrize(
    ("overflow", "left"),
    [
        (Overflow.FAIL, [0, 1, 2, "SlowConsumer"]),
        (Overflow.DROP_OLDEST, [2, 3, 4]),
        (Overflow.BLOCK, [0, 1, 2, 3, 4]),
        (Overflow.LATEST, [4]),
    ],
)
def test_each_policy_is_obeyed_and_counted(overflow: Overflow, left: list[Any]) -> None:
    async def main() -> None:
        stream: Stream[int] = Stream("s", buffer=3, overflow=overflow)
        stream.put([0, 1, 2, 3, 4])
        assert adds_up(stream)
        assert await drain(stream) == left

    virtually(main)


def test_latest_keeps_one_event_per_key_in_the_order_of_their_first_arrival() -> None:
    async def main() -> None:
        stream: Stream[str] = Stream("s", buffer=2, overflow=Overflow.LATEST, conflate_by=lambda event: event[0])
        stream.put(["a1", "b1", "a2"])
        stream.put(["b2", "c1"])
        assert (stream.counters.conflated, stream.counters.dropped) == (2, 1)
        assert await drain(stream) == ["b2", "c1"]

    virtually(main)


def test_blocking_asks_for_a_pause_and_ends_it_when_half_is_read() -> None:
    async def main() -> None:
        owner = Owner()
        stream: Stream[int] = Stream("s", buffer=4, overflow=Overflow.BLOCK, owner=owner)
        stream.put([1, 2, 3, 4, 5])
        stream.put([6])
        assert (owner.calls, stream.holding) == (["hold"], True)
        for _ in range(4):
            await anext(stream)
        assert (owner.calls, stream.holding) == (["hold", "proceed"], False)
        stream.put([7, 8, 9])
        stream.handle(lambda event: None)
        assert owner.calls == ["hold", "proceed", "hold", "proceed"]

    virtually(main)


def test_one_read_of_the_socket_wakes_the_reader_once() -> None:
    async def main() -> None:
        stream: Stream[int] = Stream("s")
        turns: list[int] = []

        async def read() -> None:
            async for event in stream:
                if event % 10 == 0:
                    turns.append(event)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            await anyio.sleep(1)
            for n in range(30):
                stream.put([n])
            assert turns == []
            await anyio.sleep(1)
            assert turns == [0, 10, 20]
            stream.end()

    virtually(main)


@pytest.mark.parametrize("with_status", [False, True])
def test_a_reader_far_behind_lets_others_run_and_loses_nothing_when_cancelled_there(with_status: bool) -> None:
    async def main() -> None:
        stream: Stream[int] = Stream("s")
        stream.put(range(5000))
        got: list[int] = []

        async def read() -> None:
            async for event in stream.with_status() if with_status else stream:
                if isinstance(event, int):
                    got.append(event)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read)
            while not got:
                await anyio.lowlevel.checkpoint()
            assert len(got) <= 2000  # a loop may run it twice before us
            tasks.cancel_scope.cancel()
        assert got == list(range(len(got)))
        assert await drain(stream) == list(range(len(got), 5000))

    virtually(main)


def test_a_second_reader_is_told_that_a_stream_has_one() -> None:
    async def main() -> None:
        stream: Stream[int] = Stream("s")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(anext, stream)
            await anyio.sleep(1)
            with pytest.raises(StreamError, match="has one reader"):
                await anext(stream)
            with pytest.raises(StreamError, match="has one reader"):
                stream.handle(print)
            stream.put([1])
        stream.handle(lambda event: None)
        with pytest.raises(StreamError, match="has one reader"):
            await anext(stream)

    virtually(main)


def test_a_cancelled_reader_leaves_the_stream_usable() -> None:
    async def main() -> None:
        stream: Stream[int] = Stream("s")
        with anyio.move_on_after(1):
            await anext(stream)
        stream.put([1])
        assert await anext(stream) == 1

    virtually(main)


def test_statuses_stand_in_their_place_among_the_events() -> None:
    async def main() -> None:
        stream: Stream[int] = Stream("s")
        stream.change(StreamState.LIVE)
        stream.change(StreamState.LIVE)
        stream.put([1, 2])
        stream.reject()
        stream.change(StreamState.LOST, "cut", 7)
        stream.put([3])

        async def more() -> None:
            await anyio.sleep(1)
            stream.change(StreamState.SILENT)
            await anyio.sleep(1)
            stream.end()
            stream.end()

        seen: list[Any] = []
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(more)
            async for item in stream.with_status():
                seen.append((item.state, item.reason) if isinstance(item, StatusChange) else item)
        assert seen == [
            ("requested", ""), ("live", ""), 1, 2, ("lost", "cut"), 3, ("silent", ""), ("closed", ""),
        ]  # fmt: skip

    virtually(main)


def test_a_handler_gets_what_waits_first_and_then_each_event_at_once() -> None:
    async def main() -> None:
        stream: Stream[int] = Stream("s")
        got: list[int] = []
        states: list[StreamState] = []
        stream.put([1, 2])
        async with stream:
            stream.handle(lambda event: got.append(event * adds_up(stream)), lambda change: states.append(change.state))
            stream.put([3])
            stream.change(StreamState.LIVE)
            assert (got, states) == ([1, 2, 3], [StreamState.LIVE])
        stream.put([4])
        assert got == [1, 2, 3]
        assert adds_up(stream)
        with pytest.raises(StreamClosed):
            stream.handle(got.append)

    virtually(main)


def test_an_error_of_a_handler_reaches_whoever_leaves_the_stream() -> None:
    async def main() -> None:
        owner = Owner()

        def boom(event: int) -> None:
            if event == 2:
                raise ValueError("mine")

        async def use(stream: Stream[int], error: Exception | None = None) -> None:
            async with stream:
                stream.handle(boom)
                stream.put([1, 2, 3])
                assert (stream.counters.delivered, stream.counters.dropped) == (2, 1)
                assert stream.state is StreamState.CLOSED
                if error:
                    raise error

        with pytest.raises(ValueError, match="mine"):
            await use(Stream("s", owner=owner))
        assert owner.calls == ["closed"]
        with pytest.raises(KeyError):  # an error under way is not hidden by it
            await use(Stream("s"), KeyError())
        stream: Stream[int] = Stream("s")
        end = stream.handle(boom)
        stream.put([2])
        with pytest.raises(ValueError, match="mine"):
            await end
        async with stream:
            pass  # told once

        def bad_status(change: StatusChange) -> None:
            raise ValueError("status")

        stream = Stream("s")
        end = stream.handle(lambda event: None, bad_status)
        stream.change(StreamState.LIVE)
        with pytest.raises(ValueError, match="status"):
            await end

    virtually(main)


def test_a_handler_of_runs_gets_what_one_read_brought_at_once_and_everything_is_counted() -> None:
    stream: Stream[int] = Stream("x")
    got: list[list[int]] = []
    stream.put([1, 2])
    stream.handle_runs(lambda events: got.append(list(events)))
    stream.put([3, 4, 5])
    stream.put([])
    stream.conflate(7)

    assert got == [[1, 2], [3, 4, 5]]
    assert (stream.counters.received, stream.counters.delivered, stream.counters.conflated) == (12, 5, 7)
    assert adds_up(stream)
    assert stream.handled
    assert stream.keeps_newest
    with pytest.raises(StreamError, match="one reader"):
        stream.handle(print)


def test_an_error_of_a_handler_of_runs_ends_the_stream_and_reaches_whoever_leaves_it() -> None:
    def boom(events: Any) -> None:
        raise ValueError("boom")

    async def main() -> None:
        stream: Stream[int] = Stream("x")
        end = stream.handle_runs(boom)
        stream.put([1, 2])
        stream.put([3])
        assert (stream.state, stream.counters.dropped) == (StreamState.CLOSED, 1)
        assert adds_up(stream)
        with pytest.raises(ValueError, match="boom"):
            await end

    virtually(main)


def test_awaiting_a_handler_waits_for_the_end_of_the_stream() -> None:
    async def main() -> None:
        stream: Stream[int] = Stream("s")
        async with anyio.create_task_group() as tasks:
            end = stream.handle(lambda event: None)

            async def close() -> None:
                await anyio.sleep(1)
                await stream.aclose()

            tasks.start_soon(close)
            await end
            assert anyio.current_time() >= 1

    virtually(main)


def test_closing_counts_what_nobody_read() -> None:
    async def main() -> None:
        owner = Owner()
        stream: Stream[int] = Stream("s", owner=owner)
        stream.put([1, 2])
        stream.renew()
        await stream.aclose()
        await stream.aclose()
        assert (stream.counters.dropped, stream.counters.waiting) == (2, 0)
        assert owner.calls == ["renew", "closed"]
        assert [event async for event in stream] == []
        assert "closed" in repr(stream)

    virtually(main)


def test_an_overflow_is_raised_again_for_every_further_read() -> None:
    async def main() -> None:
        stream: Stream[int] = Stream("s", buffer=1, overflow=Overflow.FAIL)
        stream.put([1, 2])
        assert await anext(stream) == 1
        for _ in range(2):
            with pytest.raises(SlowConsumer, match="larger buffer"):
                await anext(stream)

    virtually(main)


def test_a_buffer_holds_at_least_one_event() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Stream("s", buffer=0)


def test_policies_nobody_chose_follow_the_kind_of_the_channel() -> None:
    assert default_overflow(channel(kind=ChannelKind.ACCOUNT)) is Overflow.FAIL
    assert default_overflow(channel(private=True)) is Overflow.FAIL
    assert default_overflow(channel(kind=ChannelKind.TICKER)) is Overflow.LATEST
    assert default_overflow(channel(kind=ChannelKind.TRADES)) is Overflow.DROP_OLDEST


@given(
    st.sampled_from(Overflow),
    st.integers(1, 5),
    st.lists(st.tuples(st.sampled_from(["put", "get", "reject", "handle", "close"]), st.integers(1, 7)), max_size=40),
)
def test_the_counters_add_up_at_every_moment(overflow: Overflow, buffer: int, steps: list[tuple[str, int]]) -> None:
    async def main() -> None:
        stream: Stream[int] = Stream("s", buffer=buffer, overflow=overflow, conflate_by=lambda event: event % 3)
        handled = False
        for step, count in steps:
            if step == "put":
                stream.put(list(range(count)))
            elif step == "reject":
                stream.reject(count)
            elif step == "handle" and stream.state is not StreamState.CLOSED and not handled:
                stream.handle(lambda event: None)
                handled = True
            elif step == "close" and count == 7:
                await stream.aclose()
            elif step == "get" and stream.counters.waiting:
                await anext(stream)
            assert adds_up(stream)

    anyio.run(main, backend="trio")
