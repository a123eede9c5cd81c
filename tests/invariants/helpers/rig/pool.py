"""Runs the seeds of the tests, each once, in a few processes: every invariant is judged by the same runs."""

from __future__ import annotations

import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from types import TracebackType

from rig.lab import run_seed
from rig.running import Result


def _prepare() -> None:
    for name in [name for name in os.environ if name.startswith("LOTUSX_")]:
        del os.environ[name]  # settings of this machine


class Pool:
    """Results by exchange and seed.

    Attributes:
        count: How many were run.
    """

    def __init__(self, jobs: int) -> None:
        self.count = 0
        self._executor = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), initializer=_prepare)
        self._results: dict[tuple[str, int], Result] = {}
        self._waited_s = 0.0

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._executor.shutdown(cancel_futures=True)

    def results(self, exchange: str, seeds: range) -> list[Result]:
        """Return what came of *seeds* of one exchange."""
        begun = time.perf_counter()
        missing = [seed for seed in seeds if (exchange, seed) not in self._results]
        futures = [(seed, self._executor.submit(run_seed, exchange, seed)) for seed in missing]
        for seed, future in futures:
            self._results[(exchange, seed)] = future.result()
            self.count += 1
        self._waited_s += time.perf_counter() - begun
        return [self._results[(exchange, seed)] for seed in seeds]

    def summary(self) -> str:
        """Return one line about all of it."""
        results = self._results.values()
        failed = sum(any(result.failures.values()) for result in results)
        hours = sum(result.virtual_s for result in results) / 3_600
        names = len({exchange for exchange, _ in self._results})
        return (
            f"seeds: {self.count} of {names} exchanges, {failed} failed; "
            f"{hours:.1f} virtual hours in {self._waited_s:.0f} s"
        )
