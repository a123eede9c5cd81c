"""Runs seeds, remembers what came of them, and words a failure in one line that says how to see it again."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

from rig.backpack import Backpack
from rig.binance import Binance
from rig.binance_perp import BinancePerp
from rig.bybit import Bybit, BybitPerp
from rig.exchange import UnderTest
from rig.hyperliquid import Hyperliquid
from rig.okx import Okx
from rig.plan import VERSION, Plan, draw
from rig.running import Result, run
from rig.tamper import Broken

EXCHANGES: Mapping[str, Callable[..., UnderTest]] = {
    kind.name: kind for kind in (Backpack, Binance, BinancePerp, Bybit, BybitPerp, Hyperliquid)
}
"""The exchanges under test, by name."""
BESIDES: Mapping[str, Callable[..., UnderTest]] = {Okx.name: Okx}
"""Those that are run where they are asked for: a run of the tests has no room for the seeds of one more."""
_HERE = Path(__file__).parent


@cache
def commit() -> str:
    """Return the commit that is being tested, marked where the tree differs from it."""
    try:
        described = subprocess.run(
            ["git", "describe", "--always", "--dirty"], cwd=_HERE, capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return described.stdout.strip()


def run_seed(name: str, seed: int, *, plan: Plan | None = None, broken: Broken | None = None) -> Result:
    """Run one seed on exchange *name*."""
    chosen = plan or draw(seed)
    exchange = {**EXCHANGES, **BESIDES}[name](seed, actions_per_s=chosen.actions_per_s)
    return run(exchange, seed, chosen, broken)


@cache
def result_of(name: str, seed: int) -> Result:
    """Run one seed, once in this process: every invariant is judged by the same run."""
    return run_seed(name, seed)


def broke(name: str, seed: int, error: BaseException) -> str:
    """Return the line for a run that did not come to its end."""
    what = " / ".join(f"{type(each).__name__}: {each}".splitlines()[0] for each in _leaves(error))
    rerun = f"python -m pytest tests/invariants -k {name} --seed {seed}"
    return f"RUN {name} seed={seed} plan={VERSION} commit={commit()}: {what} | {rerun}"


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    else:
        yield error


def failures(result: Result, invariant: str) -> list[str]:
    """Return a line for each failure of *invariant* in *result*."""
    rerun = f"python -m pytest tests/invariants -k '{invariant} and {result.exchange}' --seed {result.seed}"
    return [
        f"{invariant} {result.exchange} seed={result.seed} plan={VERSION} commit={commit()}: {what} | {rerun}"
        for what in result.failures[invariant]
    ]
