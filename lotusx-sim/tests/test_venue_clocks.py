"""The clocks that the venues share: background trading, and commands that are carried out later."""

from typing import cast

from lotusx_sim import BinanceSpot, Simulator
from lotusx_sim.dialects.background import CATCH_UP_NS, Background
from lotusx_sim.dialects.base import next_multiple_ns
from lotusx_sim.dialects.commands import Commands
from lotusx_sim.engine.feed import Population
from lotusx_sim.shells.clock import ManualClock

SECOND_NS = 1_000_000_000


class Crowd:
    """Notes when it was told to trade."""

    def __init__(self) -> None:
        self.acted_ns: list[int] = []

    def act(self, now_ns: int) -> None:
        self.acted_ns.append(now_ns)


def lived(clock: Background, until_ns: int) -> list[int]:
    """Return when somebody traded until *until_ns*."""
    crowd = Crowd()
    while clock.due_ns is not None and clock.due_ns <= until_ns:
        assert clock.act(cast(Population, crowd), clock.due_ns)
    return crowd.acted_ns


def begun(seed: int = 1, actions_per_s: int = 40) -> Background:
    clock = Background(seed=seed, actions_per_s=actions_per_s)
    clock.begin(0)
    return clock


def test_background_trades_as_often_as_it_was_told_to_on_average() -> None:
    assert 3_700 < len(lived(begun(), 100 * SECOND_NS)) < 4_300


def test_seed_decides_when_somebody_trades() -> None:
    assert lived(begun(), SECOND_NS) == lived(begun(), SECOND_NS)
    assert lived(begun(), SECOND_NS) != lived(begun(seed=2), SECOND_NS)


def test_nobody_trades_before_it_is_time() -> None:
    clock, crowd = begun(), Crowd()
    assert clock.due_ns is not None
    assert not clock.act(cast(Population, crowd), clock.due_ns - 1)
    assert crowd.acted_ns == []


def test_after_a_long_sleep_only_the_last_minute_is_lived_through() -> None:
    clock, woken_ns = begun(), 3_600 * SECOND_NS
    clock.skip(woken_ns)
    assert lived(clock, woken_ns)[0] == woken_ns - CATCH_UP_NS


def test_fixed_market_begins_to_trade_when_it_is_no_longer_quiet() -> None:
    clock = begun(actions_per_s=0)
    assert clock.due_ns is None
    clock.set_quiet(False, SECOND_NS)
    assert len(lived(clock, 11 * SECOND_NS)) > 50
    clock.set_quiet(True, 12 * SECOND_NS)
    assert clock.due_ns is None


def test_commands_are_carried_out_in_their_order_when_they_are_due() -> None:
    commands, done = Commands(), list[tuple[str, int]]()
    assert commands.next_due_ns() is None
    commands.accept(lambda now_ns: done.append(("a", now_ns)), 5)
    commands.accept(lambda now_ns: done.append(("b", now_ns)), 5)
    commands.accept(lambda now_ns: done.append(("c", now_ns)), 9)
    commands.carry_out(4)
    assert done == []
    commands.carry_out(6)
    assert (done, commands.next_due_ns()) == ([("a", 6), ("b", 6)], 9)


def test_what_happens_at_every_hour_happens_next_at_the_one_to_come() -> None:
    assert [next_multiple_ns(now_ns, 60) for now_ns in (0, 59, 60, 61)] == [60, 60, 120, 120]


def test_what_a_test_does_comes_after_all_that_was_due_by_then() -> None:
    clock = ManualClock(1_700_000_000 * SECOND_NS)
    venue = BinanceSpot(seed=1, actions_per_s=200)
    sim = Simulator(venue, clock=clock)
    sim.advance()
    clock.advance(5.0)
    sim.trade("BTCUSDT", "buy", "0.01")
    sim.advance()

    times = [item.ns for item in venue.state.views["BTCUSDT"].trades]

    assert len(times) > 1
    assert times == sorted(times)
