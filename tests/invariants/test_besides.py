"""Exchanges that are not part of every run, under the same invariants."""

from __future__ import annotations

import pytest
from rig.invariants import INVARIANTS
from rig.lab import BESIDES, failures, run_seed

SEEDS = 34


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("exchange", BESIDES)
def test_invariants_hold_besides(exchange: str, seed: int) -> None:
    result = run_seed(exchange, seed)

    assert [line for invariant in INVARIANTS for line in failures(result, invariant.id)] == []
