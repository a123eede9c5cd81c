"""What costs too much for every seed, once in the size of the bounds: a day, 500 sockets, 100 rotations, 200 books."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rig.lab import EXCHANGES
from rig.plan import draw
from rig.running import run
from rig.scale import FULL

SEED = 1
SCENARIOS = {"I03": "a quiet market", "I05": "many sockets", "I06": "rotations", "I11": "many books"}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("invariant", SCENARIOS)
@pytest.mark.parametrize("exchange", EXCHANGES)
def test_it_holds_at_full_scale(exchange: str, invariant: str, capsys: pytest.CaptureFixture[str]) -> None:
    busy = invariant == "I06"
    plan = replace(draw(SEED, faults=(), scenario=SCENARIOS[invariant]), numbers=0, actions_per_s=2 if busy else 0)
    under_test = EXCHANGES[exchange](
        SEED, actions_per_s=plan.actions_per_s, markets=FULL.markets if invariant in ("I05", "I11") else 0
    )
    result = run(under_test, SEED, plan, scale=FULL)

    with capsys.disabled():
        reached = max(result.measured[invariant], default=0.0)
        print(
            f"\n{invariant} {exchange}: {result.exercised[invariant]} times, worst {reached:.3f} s, "
            f"{result.virtual_s:,.0f} virtual s in {result.cpu_s:.1f} s"
        )
    assert not result.failures[invariant]
    assert result.exercised[invariant]
