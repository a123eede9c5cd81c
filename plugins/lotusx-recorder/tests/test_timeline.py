"""Recorded time, and what comes by it."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import pytest

from lotusx_recorder import RecordingEnded, RecordingError
from lotusx_recorder.reading import Frame
from lotusx_recorder.timeline import Timeline

S = 1_000_000_000
pytestmark = pytest.mark.anyio


class Reader:
    """A socket that wants everything."""

    def __init__(self) -> None:
        self.got: list[tuple[float, list[bytes]]] = []
        self.ended: Exception | None = None
        self.reading = anyio.Event()
        self.reading.set()
        self.timeline: Timeline

    async def readable(self) -> None:
        await self.reading.wait()

    def deliver(self, frames: Sequence[Frame]) -> None:
        self.got.append((self.timeline.now_ns() / S, [frame.payload for frame in frames]))

    def end(self, error: Exception) -> None:
        self.ended = error


def frame(at_s: float, payload: bytes, socket: int = 1, run: str = "1") -> Frame:
    return Frame(round(at_s * S), "market", "trades", (run, "market", socket), payload)


def made(frames: Sequence[Frame], speed: float | None = None) -> Reader:
    reader = Reader()
    reader.timeline = Timeline(0, lambda: iter(frames), speed, lambda _: [reader])
    reader.timeline.join(reader)
    return reader


@pytest.mark.parametrize("speed", [None, 3.0])
async def test_frames_come_at_their_time_those_of_one_read_together(speed: float | None) -> None:
    reader = made([frame(1, b"a"), frame(1, b"b"), frame(2.5, b"c")], speed)
    reader.timeline.begin()
    await reader.timeline.run()

    assert [payloads for _, payloads in reader.got] == [[b"a", b"b"], [b"c"]]
    assert [at_s for at_s, _ in reader.got] == pytest.approx([1, 2.5])
    assert reader.ended is not None


async def test_what_two_sockets_brought_comes_once_and_what_one_repeats_comes_again() -> None:
    reader = made(
        [
            frame(1, b"a"), frame(1.01, b"a", socket=2),  # both are open
            frame(2, b"b", socket=2), frame(2.01, b"b"),
            frame(3, b"a"),  # the same again, by the socket that brought it
            frame(90, b"b", socket=3),  # much later: it is said anew
            frame(91, b"b", socket=3, run="2"),  # another run that overlapped
        ]
    )  # fmt: skip
    reader.timeline.begin()
    await reader.timeline.run()

    assert [payload for _, payloads in reader.got for payload in payloads] == [b"a", b"b", b"a", b"b"]


async def test_time_stands_still_until_it_begins_and_passes_for_sleepers_in_their_order() -> None:
    reader = made([frame(1, b"a"), frame(5, b"b")])
    woken: list[float] = []

    async def sleeper(seconds: float) -> None:
        await reader.timeline.reach(round(seconds * S))
        woken.append(reader.timeline.now_ns() / S)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reader.timeline.run)
        await reader.timeline.sleep(7)  # real time
        assert reader.timeline.now_ns() == 0
        reader.timeline.begin()
        await anyio.lowlevel.checkpoint()
        await anyio.lowlevel.checkpoint()
        for seconds in (4, 3):
            tasks.start_soon(sleeper, seconds)

    assert woken == [3, 4]
    assert reader.got == [(1, [b"a"]), (5, [b"b"])]


async def test_before_the_beginning_and_after_the_end_a_sleep_takes_real_time() -> None:
    reader = made([frame(1, b"a")], speed=4.0)
    began = anyio.current_time()
    await reader.timeline.sleep(8)
    assert anyio.current_time() - began == pytest.approx(8)
    reader.timeline.begin()
    await reader.timeline.run()

    began, began_ns = anyio.current_time(), reader.timeline.now_ns()
    await reader.timeline.sleep(8)
    assert anyio.current_time() - began == pytest.approx(8)
    assert reader.timeline.now_ns() - began_ns == pytest.approx(8 * S)


async def test_time_waits_for_a_reader_that_holds_its_socket() -> None:
    reader = made([frame(1, b"a"), frame(2, b"b")])
    reader.reading = anyio.Event()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(reader.timeline.run)
        reader.timeline.begin()
        await anyio.sleep(100)
        assert (reader.got, reader.timeline.now_ns()) == ([], S)
        reader.reading.set()

    assert len(reader.got) == 2


async def test_a_recording_that_cannot_be_read_on_ends_the_streams_with_that_reason() -> None:
    def broken() -> Sequence[Frame]:
        raise RecordingError("the file is damaged")

    reader = Reader()
    reader.timeline = Timeline(0, lambda: iter(broken()), None, lambda _: [reader])
    reader.timeline.join(reader)
    reader.timeline.begin()
    await reader.timeline.run()

    assert isinstance(reader.ended, RecordingEnded)
    assert str(reader.ended) == "the rest of the recording cannot be replayed: the file is damaged"
