"""Invariants under virtual time: which exchanges, which seeds, in how many processes."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "helpers"))

from rig.pool import Pool

SEEDS = 34
"""Seeds of each exchange in every run of the tests, 204 in total; `simulate.py` runs as many as wanted."""
JOBS = 2


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("invariants")
    group.addoption("--seeds", type=int, default=SEEDS, help="how many seeds of each exchange are run")
    group.addoption("--seed", type=int, default=None, help="run this seed alone, to see a failure again")


@pytest.fixture(scope="session")
def seeds(request: pytest.FixtureRequest) -> range:
    """Return the seeds to run. Where this folder was not named on the command line there are no options."""
    one = request.config.getoption("--seed", default=None)
    count = request.config.getoption("--seeds", default=SEEDS)
    return range(one, one + 1) if one is not None else range(count)


@pytest.fixture(scope="session")
def pool() -> Iterator[Pool]:
    """Return what runs seeds, each once, and says at the end what that came to."""
    with Pool(JOBS) as pool:
        yield pool
    if pool.count > 1:
        sys.stdout.write(f"\n{pool.summary()}\n")


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith("LOTUSX_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
