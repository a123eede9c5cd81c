"""Commands take the latency, one behind the other."""

from __future__ import annotations

import anyio
import pytest
import trio.testing

from lotusx.errors import ConnectionFailed
from lotusx_paper.line import Line
from lotusx_paper.switch import Switch
from lotusx_sim import LoopClock

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> tuple[str, dict[str, object]]:
    return "trio", {"clock": trio.testing.MockClock(autojump_threshold=0)}


async def test_commands_arrive_after_the_latency_in_the_order_they_were_sent() -> None:
    clock, arrived = LoopClock(), list[tuple[int, int]]()
    line = Line(clock, 0.2)
    begun = clock.monotonic_ns()

    async def send(number: int) -> None:
        def act() -> int:
            arrived.append((number, clock.monotonic_ns() - begun))
            return number

        assert await line.send(act) == number

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(line.run)
        async with anyio.create_task_group() as senders:
            for number in range(5):
                senders.start_soon(send, number)
                await anyio.sleep(0.01)
        tasks.cancel_scope.cancel()

    assert [number for number, _ in arrived] == [0, 1, 2, 3, 4]
    assert [round(ns / 1e6) for _, ns in arrived] == [200, 210, 220, 230, 240]


async def test_a_command_whose_caller_has_left_arrives_all_the_same() -> None:
    clock, arrived = LoopClock(), list[str]()
    line = Line(clock, 0.2)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(line.run)
        with anyio.move_on_after(0.1):
            await line.send(lambda: arrived.append("left"))
        assert arrived == []
        with pytest.raises(ZeroDivisionError):
            await line.send(lambda: 1 // 0)
        assert arrived == ["left"]
        tasks.cancel_scope.cancel()


async def test_what_has_not_arrived_when_the_connection_closes_was_not_done() -> None:
    line = Line(LoopClock(), 5.0)
    failures: list[ConnectionFailed] = []

    async def send() -> None:
        try:
            await line.send(lambda: 1)
        except ConnectionFailed as error:
            failures.append(error)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(send)
        async with anyio.create_task_group() as running:
            running.start_soon(line.run)
            await anyio.sleep(1)
            running.cancel_scope.cancel()

    (failure,) = failures
    assert not failure.may_have_executed
    with pytest.raises(ConnectionFailed, match="closed"):
        await line.send(lambda: 1)


class FastClock(LoopClock):
    """Time of a replay: a hundred seconds pass in each."""

    def monotonic_ns(self) -> int:
        return super().monotonic_ns() * 100

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds / 100)


async def test_the_dead_mans_switch_goes_by_the_time_of_the_connection() -> None:
    fired: list[tuple[str | None, float]] = []
    switch = Switch(FastClock(), lambda symbol: fired.append((symbol, round(anyio.current_time() - begun, 3))))
    begun = anyio.current_time()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(switch.run)
        switch.hold(60, "a")
        await anyio.sleep(0.1)
        switch.hold(20, None)
        switch.hold(30, "b")
        switch.hold(0, "b")
        await anyio.sleep(1)
        tasks.cancel_scope.cancel()

    assert fired == [(None, 0.3), ("a", 0.6)]
