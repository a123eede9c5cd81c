"""Observers are told, and disturb nothing."""

from __future__ import annotations

import inspect
import logging
import pickle
from typing import get_args

import pytest

from lotusx.kernel.telemetry import MAX_FAILURES, Event, ItemDropped, ObserverFailed, Telemetry

EVENT = ItemDropped("x", "trades", "NaN")


def broken(event: Event) -> None:
    raise ValueError("no")


def test_an_observer_that_raises_is_reported_once_counted_and_switched_off(caplog: pytest.LogCaptureFixture) -> None:
    telemetry = Telemetry("x")
    seen: list[Event] = []
    telemetry.observe(broken)
    telemetry.observe(seen.append)

    with caplog.at_level(logging.ERROR):
        for _ in range(MAX_FAILURES + 5):
            telemetry.emit(EVENT)

    assert telemetry.failures == MAX_FAILURES
    assert seen.count(EVENT) == MAX_FAILURES + 5
    failures = [event for event in seen if isinstance(event, ObserverFailed)]
    assert failures[0] == ObserverFailed("x", "broken", "ValueError", switched_off=False)
    assert failures[-1].switched_off
    assert [record.getMessage() for record in caplog.records] == [
        "observer broken raised on ItemDropped",
        f"observer broken has raised {MAX_FAILURES} times and is switched off",
    ]


def test_the_last_observer_switched_off_leaves_nobody_to_tell() -> None:
    telemetry = Telemetry("x")
    telemetry.observe(broken)
    telemetry.observe(lambda event: broken(event))
    for _ in range(MAX_FAILURES):
        telemetry.emit(EVENT)

    assert not telemetry


def test_measurements_are_made_as_often_as_the_most_eager_observer_asks() -> None:
    class Measuring:
        def __init__(self, measure_s: float) -> None:
            self.measure_s = measure_s

        def __call__(self, event: Event) -> None: ...

    telemetry = Telemetry("x")
    telemetry.observe(broken)
    assert telemetry.measure_s == 0.0
    telemetry.observe(Measuring(5.0))
    telemetry.observe(Measuring(0.5))
    assert telemetry.measure_s == 0.5


@pytest.mark.parametrize("kind", get_args(Event))
def test_every_event_says_what_it_is_made_of(kind: type[Event]) -> None:
    assert "exchange" in inspect.signature(kind).parameters


def test_events_are_values_that_travel() -> None:
    assert pickle.loads(pickle.dumps(EVENT)) == EVENT
    assert {EVENT, ItemDropped("x", "trades", "NaN")} == {EVENT}
    with pytest.raises(AttributeError):
        EVENT.key = "book"  # type: ignore[misc]
