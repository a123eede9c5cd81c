"""The exchange's clock, nonces and stamps."""

from __future__ import annotations

import math
import threading
from itertools import pairwise

import anyio
import pytest
from hypothesis import given, strategies as st

from lotusx.kernel.clock import ClockOffset, Moment
from lotusx.kernel.nonce import NonceAllocator, Stamper
from lotusx.transport.clock import SystemClock

MS = 1_000_000
S = 1_000 * MS


class StepClock:
    """Stands still until told otherwise; wall and monotonic time may part."""

    def __init__(self) -> None:
        self.wall = 1_700_000_000 * S
        self.mono = 5 * S

    def now_ns(self) -> int:
        return self.wall

    def monotonic_ns(self) -> int:
        return self.mono

    async def sleep(self, seconds: float) -> None:
        self.run(seconds)

    def run(self, seconds: float, *, drift: float = 0.0) -> None:
        self.mono += int(seconds * (1 + drift) * S)
        self.wall += int(seconds * (1 + drift) * S)


def test_the_wall_clock_stands_in_before_the_first_sync() -> None:
    clock, offset = StepClock(), ClockOffset()

    assert offset.exchange_now_ms(clock) == clock.wall // MS
    assert not offset.synced
    assert offset.stale(clock)


def test_a_wall_time_is_the_exchanges_once_it_was_measured() -> None:
    clock, offset = StepClock(), ClockOffset(margin_ms=100)

    assert offset.at_wall_ns(clock.wall, clock) == clock.wall
    offset.sync([(clock.mono, clock.mono, clock.wall - 3_600 * S)], clock)
    clock.run(10)
    assert offset.at_wall_ns(clock.wall - 5 * S, clock) == clock.wall - 3_605 * S


@pytest.mark.parametrize("step_s", [-3_600, 0, 3_600])
def test_a_moment_never_becomes_later_when_the_wall_clock_is_set(step_s: int) -> None:
    clock = StepClock()
    seen = clock.wall
    moment = Moment.of(clock.wall, clock)
    clock.run(10)
    clock.wall += step_s * S

    assert moment.by_now_ns(clock) == seen + min(step_s, 0) * S


def test_a_moment_before_the_machine_slept_stays_where_it_was() -> None:
    clock = StepClock()
    moment = Moment.of(clock.wall - 2 * S, clock)
    seen = clock.wall - 2 * S
    clock.run(10)
    clock.wall += 600 * S  # which the other clock does not count

    assert moment.by_now_ns(clock) == seen


def test_the_smallest_round_trip_wins() -> None:
    clock, offset = StepClock(), ClockOffset()
    start, true = clock.mono, 1_700_000_007 * S
    samples = [
        (start, start + 400 * MS, true + 390 * MS),  # the answer crawled on its way there
        (start + 400 * MS, start + 410 * MS, true + 405 * MS),
        (start + 410 * MS, start + 900 * MS, true + 420 * MS),
    ]
    clock.run(0.9)

    offset.sync(samples, clock)

    assert offset.exchange_now_ns(clock) == true + 900 * MS
    assert offset.round_trip_ns == 10 * MS
    assert offset.wall_offset_ms(clock) == 7000.0


@given(st.lists(st.integers(1, 5_000), min_size=1, max_size=8), st.data(), st.integers(-(10**9), 10**9))
def test_the_estimate_is_off_by_half_the_best_round_trip_at_most(
    trips_ms: list[int], data: st.DataObject, ahead_ms: int
) -> None:
    clock, offset = StepClock(), ClockOffset()
    samples = []
    for trip_ms in trips_ms:
        before = clock.mono
        there_ms = data.draw(st.integers(0, trip_ms))
        clock.run(there_ms / 1000)
        told = clock.wall + ahead_ms * MS
        clock.run((trip_ms - there_ms) / 1000)
        samples.append((before, clock.mono, told))

    offset.sync(samples, clock)

    off_ns = abs(offset.exchange_now_ns(clock) - (clock.wall + ahead_ms * MS))
    assert off_ns <= min(trips_ms) * MS / 2 + len(trips_ms) * 1000  # the fake clock truncates


@pytest.mark.parametrize("step_s", [-30, 30])
def test_a_step_of_the_wall_clock_changes_no_stamp_and_asks_for_a_sync(step_s: int) -> None:
    clock, offset = StepClock(), ClockOffset()
    offset.sync([(clock.mono, clock.mono, clock.wall)], clock)
    before = offset.exchange_now_ms(clock)
    assert not offset.stale(clock)

    clock.wall += step_s * S

    assert offset.exchange_now_ms(clock) == before
    assert offset.stale(clock)


def test_a_step_before_the_first_sync_changes_no_stamp_either() -> None:
    clock, offset = StepClock(), ClockOffset()
    before = offset.exchange_now_ms(clock)

    clock.wall += 30 * S

    assert offset.exchange_now_ms(clock) == before


def test_drift_is_bounded_by_the_age_of_the_sync() -> None:
    clock, offset = StepClock(), ClockOffset(max_age_s=900)
    offset.sync([(clock.mono, clock.mono, clock.wall)], clock)
    true = clock.wall

    clock.run(899, drift=200e-6)
    true += 899 * S

    assert not offset.stale(clock)
    assert math.isclose(offset.exchange_now_ns(clock), true, abs_tol=200 * MS)
    clock.run(2)
    assert offset.stale(clock)


def test_stamps_stay_behind_by_the_margin() -> None:
    clock, offset = StepClock(), ClockOffset(margin_ms=250)

    assert offset.exchange_now_ms(clock) == clock.wall // MS - 250


def test_ten_thousand_nonces_of_a_frozen_clock_are_unique_and_increasing() -> None:
    nonces = NonceAllocator()
    drawn = [nonces.next(1_000) for _ in range(10_000)]

    assert drawn == list(range(1_000, 11_000))


@given(st.lists(st.integers(0, 2**45)))
def test_nonces_increase_whatever_the_clock_does(times: list[int]) -> None:
    nonces = NonceAllocator()
    drawn = [nonces.next(now) for now in times]

    assert all(one < other for one, other in pairwise(drawn))
    assert all(nonce >= now for nonce, now in zip(drawn, times, strict=True))


def test_a_thread_that_asks_meanwhile_gets_another_nonce() -> None:
    nonces, drawn = NonceAllocator(), []
    other = threading.Thread(target=lambda: drawn.append(nonces.next(1_000)))

    class Interrupted(int):
        def __lt__(self, last: int) -> bool:
            other.start()
            other.join(0.1)
            return int(self) < last

    drawn.append(nonces.next(Interrupted(1_000)))
    other.join()

    assert sorted(drawn) == [1_000, 1_001]


def test_a_stamp_carries_the_exchanges_time_a_nonce_and_the_window() -> None:
    clock = StepClock()
    stamper = Stamper(clock, ClockOffset(margin_ms=100), NonceAllocator(), receive_window_ms=7_000)

    first, second = stamper.context(), stamper.context()

    assert first.now_ms == second.now_ms == clock.wall // MS - 100
    assert second.nonce == first.nonce + 1
    assert first.receive_window_ms == 7_000


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_the_system_clock_tells_real_time_and_sleeps(backend: str) -> None:
    clock = SystemClock()
    wall, mono = clock.now_ns(), clock.monotonic_ns()

    anyio.run(clock.sleep, 0.001, backend=backend)

    assert clock.monotonic_ns() - mono >= MS
    assert clock.now_ns() > wall > 1_600_000_000 * S
