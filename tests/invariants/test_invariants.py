"""Every invariant holds for every exchange, and catches a connection that is broken on purpose."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from _pytest.mark import ParameterSet
from rig.broken import BROKEN, variants
from rig.found import FOUND
from rig.invariant import Invariant
from rig.invariants import INVARIANTS
from rig.lab import EXCHANGES, failures, run_seed
from rig.plan import SCENARIOS, VERSION, draw
from rig.pool import Pool, RunsBroke
from rig.tamper import Broken

from lotusx.errors import LotusXError

TRIES = 8
"""Seeds within which a broken variant must have been caught."""
UNBREAKABLE = {"hyperliquid": frozenset({"I11"})}
"""Each message there is a whole book, so there is no resync that could cost too much."""

exchanges = pytest.mark.parametrize("exchange", EXCHANGES)


@exchanges
@pytest.mark.timeout(900)  # the first of an exchange waits for all seeds of it
@pytest.mark.parametrize("invariant", INVARIANTS, ids=lambda kind: kind.id)
def test_it_holds(invariant: type[Invariant], exchange: str, seeds: range, pool: Pool) -> None:
    try:
        results = pool.results(exchange, seeds)
    except RunsBroke as broken:
        pytest.fail(str(broken), pytrace=False)

    lines = [line for result in results for line in failures(result, invariant.id)]
    if lines:
        pytest.fail("\n".join(lines), pytrace=False)
    if len(seeds) >= 2 * len(SCENARIOS):  # every second seed plays one
        assert sum(result.exercised[invariant.id] for result in results), "no run has put it to the test"


@pytest.mark.slow
@pytest.mark.parametrize(("exchange", "seed"), [(each, n) for each, found in FOUND[VERSION].items() for n in found])
def test_a_seed_that_once_failed_holds(exchange: str, seed: int) -> None:
    result = run_seed(exchange, seed)

    assert [line for invariant in INVARIANTS for line in failures(result, invariant.id)] == []


def broken_connections() -> Iterator[ParameterSet]:
    """Yield each variant on each exchange; all but one exchange of each are slow."""
    for index, broken in enumerate(BROKEN):
        names = [exchange for exchange in EXCHANGES if broken in variants(exchange)]
        for exchange in names:
            marks = [] if exchange == names[index % len(names)] else [pytest.mark.slow]
            yield pytest.param(exchange, broken, id=f"{broken.invariant}-{exchange} {broken.name}", marks=marks)


@pytest.mark.parametrize(("exchange", "broken"), list(broken_connections()))
def test_a_broken_connection_is_caught(exchange: str, broken: Broken) -> None:
    for seed in range(TRIES):
        plan = draw(seed, faults=broken.faults, scenario=broken.scenario)
        try:
            result = run_seed(exchange, seed, plan=plan, broken=broken)
        except LotusXError:  # it does not even open, which proves nothing
            continue
        if result.failures[broken.invariant]:
            return
    pytest.fail(f"{broken.invariant} let {broken.name!r} pass for {TRIES} seeds")


@exchanges
@pytest.mark.slow
def test_what_shows_a_broken_connection_does_no_harm_to_a_whole_one(exchange: str) -> None:
    faults = sorted({fault for broken in variants(exchange) for fault in broken.faults})
    result = run_seed(exchange, 0, plan=draw(0, faults=tuple(faults)))

    assert [line for invariant in INVARIANTS for line in failures(result, invariant.id)] == []


@exchanges
def test_every_invariant_has_a_broken_variant(exchange: str) -> None:
    wanted = {invariant.id for invariant in INVARIANTS} - UNBREAKABLE.get(exchange, frozenset())
    assert {broken.invariant for broken in variants(exchange)} == wanted
