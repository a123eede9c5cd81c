"""Run the tests, those of distributions with coverage: a folder a process, several at a time.

    python .ci/tests.py                   all of them
    python .ci/tests.py tests/e2e         what is named
    python .ci/tests.py --plain --jobs 2  without coverage, two processes at a time (default: two for each core)

Leaves out the tests marked slow: the environment of that name runs them. Prints one line per folder, and everything a
folder said if it failed. Leaves the combined data of `coverage`, if it measured.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from distributions import ROOT, distributions

_RESULT = re.compile(r"\d+ (passed|failed|error)")
FEWER = {"tests/invariants": ["--seeds", "3", "-k", "not broken_connection"]}
"""Of what another environment runs at length, a little: the step `invariants` has all of it."""
OF_PLUGINS = ["-k", "not (conformance and trio)"]
"""The kit on one event loop; the steps `alone-…` have both."""
ELSEWHERE = ("packaging", "docs", "peers", "scaffold")
"""Folders of ``tests/`` that have environments of their own."""


def units() -> list[list[Path]]:
    """Return what each process runs, the largest first, so that none is left over at the end."""
    common = [path for path in sorted((ROOT / "tests").iterdir()) if path.is_dir() and path.name not in ELSEWHERE]
    found = [part for root in (*(dist.tests for dist in distributions().values()), *common) for part in _parts(root)]
    return [*sorted(found, key=_size, reverse=True), sorted((ROOT / "tests").glob("test_*.py"))]


def _parts(folder: Path) -> list[list[Path]]:
    """Return the tests that lie in *folder* itself, and those of each folder in it."""
    own = sorted(folder.glob("test_*.py"))
    below = [part for path in sorted(folder.iterdir()) if path.is_dir() for part in _parts(path)]
    return [own, *below] if own else below


def _size(files: list[Path]) -> int:
    return sum(path.stat().st_size for path in (*files, *(files[0].parent / "helpers").rglob("*.py")))


def _name(files: list[str]) -> str:
    return files[0] if len(files) == 1 else str(Path(files[0]).parent)


def _packages(path: str) -> str:
    """Return what the tests at *path* are measured on: each distribution by its own tests, the kit by all plugins too.

    What crosses distributions runs without coverage, at twice the speed.
    """
    owner = next((dist for dist in distributions().values() if (ROOT / path).is_relative_to(dist.tests)), None)
    if owner is None:
        return ""
    return f"{owner.package},lotusx_testing" if owner.is_plugin else owner.package


def run(arguments: list[str], *, plain: bool) -> tuple[int, str]:
    """Run pytest in a process of its own; return its status and what it said.

    Each has its own folder for temporary files: pytest tidies up what earlier runs left, and two that do so in
    one folder stumble over each other.
    """
    packages = "" if plain else _packages(arguments[0])
    measured = ["-m", "coverage", "run", "--parallel-mode", "--source", packages] if packages else []
    fewer = FEWER.get(_name(arguments), OF_PLUGINS if arguments[0].startswith("plugins/") else [])
    # the files before what their conftest adds to the command line, or an old pytest does not find it
    command = [sys.executable, *measured, "-m", "pytest", "-m", "not slow", *arguments, *fewer]
    with (
        tempfile.TemporaryDirectory(prefix="tests-", ignore_cleanup_errors=True) as own,
        tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said,
    ):
        env = os.environ | {"TMPDIR": own}
        ended = subprocess.run(command, cwd=ROOT, env=env, stdout=said, stderr=subprocess.STDOUT, check=False)
        said.seek(0)
        return ended.returncode, said.read()


def coverage(command: str, *options: str) -> None:
    """Run a command of coverage's; end the program if it fails."""
    subprocess.run([sys.executable, "-m", "coverage", command, *options], cwd=ROOT, check=True)


def main() -> int:
    """Return 1 if a folder failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("paths", nargs="*")
    parser.add_argument("--plain", action="store_true")
    # they often wait for a socket or a clock
    parser.add_argument("--jobs", type=int, default=2 * (os.cpu_count() or 1))
    options = parser.parse_args()
    chosen = [[path] for path in options.paths] or [[str(path.relative_to(ROOT)) for path in unit] for unit in units()]
    if not options.plain:
        coverage("erase")
    failed = 0
    with ThreadPoolExecutor(max_workers=options.jobs) as pool:
        began = time.monotonic()
        running = {pool.submit(run, unit, plain=options.plain): _name(unit) for unit in chosen}
        for done in as_completed(running):
            status, said = done.result()
            lines = [line for line in said.splitlines() if line.strip()] or [""]
            seconds = round(time.monotonic() - began)
            facts = [line for line in lines if line.startswith(("corpus ", "seeds "))]
            result = next((line for line in reversed(lines) if _RESULT.search(line)), lines[-1])
            print(f"{running[done]} (at {seconds} s): {result.strip('= ')}", *facts, sep="\n", flush=True)
            if status:
                failed += 1
                print(said, flush=True)
    if not options.plain:
        coverage("combine", "--quiet")
    return min(failed, 1)


if __name__ == "__main__":
    raise SystemExit(main())
