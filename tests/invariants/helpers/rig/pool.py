"""Runs the seeds of the tests, each once, in a few processes: every invariant is judged by the same runs."""

from __future__ import annotations

import multiprocessing
import os
import time
from concurrent.futures import ProcessPoolExecutor
from types import TracebackType

from rig.lab import broke, run_seed
from rig.running import Result


def _prepare() -> None:
    for name in [name for name in os.environ if name.startswith("LOTUSX_")]:
        del os.environ[name]  # settings of this machine


class RunsBroke(Exception):
    """Runs ended in an error of the rig's or of the code under test. The text has a line for each."""


class Pool:
    """Results by exchange and seed.

    Attributes:
        count: How many were run to their end.
    """

    def __init__(self, jobs: int) -> None:
        self.count = 0
        self._executor = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), initializer=_prepare)
        self._results: dict[tuple[str, int], Result] = {}
        self._broken: dict[tuple[str, int], str] = {}
        self._waited_s = 0.0

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._executor.shutdown(cancel_futures=True)

    def results(self, exchange: str, seeds: range) -> list[Result]:
        """Return what came of *seeds* of one exchange.

        Raises:
            RunsBroke: Some did not come to their end; a line for each.
        """
        begun = time.perf_counter()
        names = [(exchange, seed) for seed in seeds]
        futures = {
            name: self._executor.submit(run_seed, *name)
            for name in names
            if name not in self._results and name not in self._broken
        }
        for name, future in futures.items():
            try:
                self._results[name] = future.result()
            except Exception as error:
                self._broken[name] = broke(*name, error)
            else:
                self.count += 1
        self._waited_s += time.perf_counter() - begun
        lines = [self._broken[name] for name in names if name in self._broken]
        if lines:
            raise RunsBroke("\n".join(lines))
        return [self._results[name] for name in names]

    def summary(self) -> str:
        """Return one line about all of it."""
        results = self._results.values()
        failed = len(self._broken) + sum(any(result.failures.values()) for result in results)
        hours = sum(result.virtual_s for result in results) / 3_600
        names = len({exchange for exchange, _ in self._results})
        return (
            f"seeds: {self.count} of {names} exchanges, {failed} failed; "
            f"{hours:.1f} virtual hours in {self._waited_s:.0f} s"
        )
