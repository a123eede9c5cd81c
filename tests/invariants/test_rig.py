"""The rig itself: the same seed is the same run, everywhere; quiet time costs next to nothing; failures say enough."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import astuple, replace
from hashlib import sha256
from pathlib import Path

import pytest
from rig.canary import Haystack, forms
from rig.lab import EXCHANGES, failures, result_of, run_seed
from rig.plan import VERSION, draw

DIGESTS = {1: "0783ce1b7acbc41181b5338b80f93000ab4a5b65db4cde1b1b59a411060488d1"}
"""Of the first plans, by version."""
HALF_AN_HOUR_S = 1_800.0
SPEED = 50.0
"""Least virtual seconds per second of the processor on any machine, under coverage too. The goal is 1 000."""

exchanges = pytest.mark.parametrize("exchange", EXCHANGES)
STORM = ("everything at once", "black hole")
PRINT_LOG = """
import sys
sys.path.insert(0, sys.argv[1])
from rig.lab import run_seed
from rig.plan import draw
seed = int(sys.argv[3])
sys.stdout.buffer.write(run_seed(sys.argv[2], seed, plan=draw(seed, faults=tuple(sys.argv[4:]))).log.encode())
"""


@exchanges
def test_the_same_seed_gives_the_same_log_in_any_process(exchange: str) -> None:
    here = run_seed(exchange, 3, plan=draw(3, faults=STORM)).log.encode()
    again = run_seed(exchange, 3, plan=draw(3, faults=STORM)).log.encode()
    assert len(here) > 10_000
    assert here == again

    helpers = Path(__file__).parent / "helpers"
    there = subprocess.run(
        [sys.executable, "-c", PRINT_LOG, str(helpers), exchange, "3", *STORM],
        env={**os.environ, "PYTHONHASHSEED": "4711"},
        capture_output=True,
        check=True,
    )
    assert there.stdout == here


def test_a_seed_means_what_it_meant() -> None:
    plans = "\n".join(repr(astuple(draw(seed))) for seed in range(500))
    assert sha256(plans.encode()).hexdigest() == DIGESTS[VERSION], "a plan that draws otherwise needs another VERSION"


@exchanges
def test_another_seed_gives_another_log(exchange: str) -> None:
    logs = {run_seed(exchange, seed, plan=draw(1, faults=("cut all",))).log for seed in (1, 2)}
    assert len(logs) == 2


@exchanges
def test_half_an_hour_of_stillness_passes_at_once(exchange: str, capsys: pytest.CaptureFixture[str]) -> None:
    plan = replace(draw(1, faults=("stillness",)), actions_per_s=0, numbers=0, pace_s=HALF_AN_HOUR_S, blocks=False)
    result = run_seed(exchange, 1, plan=plan)
    factor = result.virtual_s / result.cpu_s
    with capsys.disabled():
        print(f"\n{exchange}: {result.virtual_s:,.0f} virtual s in {result.cpu_s:.2f} s: {factor:,.0f} times real time")
    assert result.virtual_s > HALF_AN_HOUR_S
    assert factor > SPEED
    assert not any(result.failures.values())


def test_a_failure_says_in_one_line_what_where_and_how_to_see_it_again() -> None:
    result = replace(result_of("binance", 0), failures={"I09": ["at 1.000 s: level 0 is wrong"]})
    (line,) = failures(result, "I09")
    assert line.startswith(f"I09 binance seed=0 plan={VERSION} commit=")
    assert line.endswith(
        ": at 1.000 s: level 0 is wrong | python -m pytest tests/invariants -k 'I09 and binance' --seed 0"
    )
    assert "\n" not in line


@pytest.mark.parametrize("form", forms("Canary/" + "Ab1+" * 10))
def test_a_secret_is_found_in_every_form(form: str) -> None:
    secret = "Canary/" + "Ab1+" * 10
    haystack = Haystack()
    haystack.add("nothing", f"before {forms(secret)[form]} after")
    leaks = haystack.leaks([secret])
    assert any(f"({form})" in leak for leak in leaks)
    assert secret not in "".join(leaks)


def test_a_secret_in_what_led_to_an_error_is_found_also_in_a_group() -> None:
    secret = "Canary/" + "Ab1+" * 10
    haystack = Haystack()
    try:
        try:
            raise ExceptionGroup("several", [ValueError("nothing"), KeyError(secret)])
        except ExceptionGroup as first:
            raise RuntimeError("nothing") from first
    except RuntimeError as error:
        haystack.add_error(error)
    assert haystack.leaks([secret])
