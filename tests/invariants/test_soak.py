"""The long run in short: that it comes to its end and finds nothing, and that it would find what grows."""

from __future__ import annotations

import pytest
from rig.lab import EXCHANGES
from rig.longrun import virtual
from rig.weighing import MOST, growth

A_QUARTER = 0.25


@pytest.mark.slow
@pytest.mark.parametrize("exchange", EXCHANGES)
def test_a_quarter_of_an_hour_of_faults_loses_nothing(exchange: str) -> None:
    assert virtual(exchange, A_QUARTER, seed=1) == 0


def test_growth_is_what_comes_after_the_warm_up() -> None:
    assert growth([1, 50, 100, 100, 100, 100, 100, 100]) == 1.0
    assert growth([100, 100, 100, 100, 110, 120, 130, 140]) > MOST
