"""Run many seeds: ``python tests/invariants/simulate.py --exchange binance --seeds 1000``.

Prints a line for each failure, progress now and then, and a summary. Ends with 1 if anything failed.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "helpers"))

from rig.invariants import INVARIANTS
from rig.lab import EXCHANGES, commit, failures, run_seed
from rig.running import Result

_PROGRESS_S = 30.0


def runs(exchange: str, seeds: range) -> Iterator[tuple[int, Result | str]]:
    """Yield what came of each seed; text: the run itself broke."""
    for seed in seeds:
        try:
            yield seed, run_seed(exchange, seed)
        except Exception as error:
            yield seed, f"{type(error).__name__}: {error}".splitlines()[0]


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--exchange", choices=sorted(EXCHANGES), action="append", help="all by default")
    parser.add_argument("--seeds", type=int, default=100, help="how many, of each exchange")
    parser.add_argument("--first", type=int, default=0, help="where to start: a run can be taken up again")
    arguments = parser.parse_args()
    for name in [name for name in os.environ if name.startswith("LOTUSX_")]:
        del os.environ[name]  # settings of this machine
    broken = 0
    for exchange in arguments.exchange or EXCHANGES:
        broken += simulate(exchange, range(arguments.first, arguments.first + arguments.seeds))
    return 1 if broken else 0


def simulate(exchange: str, seeds: range) -> int:
    """Run *seeds* of one exchange; return how many failed."""
    begun = told = time.perf_counter()
    virtual_s = orders = fills = 0.0
    failed: set[int] = set()
    exercised: Counter[str] = Counter()
    faults: Counter[str] = Counter()
    measured: dict[str, list[float]] = {}
    for seed, result in runs(exchange, seeds):
        if isinstance(result, str):
            failed.add(seed)
            print(f"RUN {exchange} seed={seed} commit={commit()}: {result}", flush=True)
            continue
        for invariant in INVARIANTS:
            for line in failures(result, invariant.id):
                failed.add(seed)
                print(line, flush=True)
        virtual_s, orders, fills = virtual_s + result.virtual_s, orders + result.orders, fills + result.fills
        exercised.update(result.exercised)
        for name, seconds in result.measured.items():
            measured.setdefault(name, []).extend(seconds)
        faults.update(result.plan.faults)
        if time.perf_counter() - told > _PROGRESS_S:
            told = time.perf_counter()
            print(f"… {exchange} seed {seed}: {len(failed)} seeds failed so far", flush=True)
    real_s = time.perf_counter() - begun
    print(
        f"{exchange} {commit()}: {len(seeds)} seeds ({seeds.start} to {seeds.stop - 1}), {len(failed)} failed; "
        f"{virtual_s / 3_600:.1f} virtual hours in {real_s / 60:.1f} minutes ({virtual_s / real_s:,.0f} times); "
        f"{orders:.0f} orders, {fills:.0f} fills"
    )
    for name, seconds in measured.items():
        if seconds:
            seconds.sort()
            p50, p99 = seconds[len(seconds) // 2], seconds[len(seconds) * 99 // 100]
            print(f"{name}: p50 {p50:.2f} s, p99 {p99:.2f} s, longest {seconds[-1]:.2f} s of {len(seconds)}")
    print("put to the test:", ", ".join(f"{name} {count}" for name, count in exercised.items()))
    print("faults:", ", ".join(f"{name} {count}" for name, count in sorted(faults.items())))
    return len(failed)


if __name__ == "__main__":
    raise SystemExit(main())
