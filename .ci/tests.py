"""Run the tests with coverage, a folder of tests a process, as many at a time as there are cores.

    python .ci/tests.py              all of them
    python .ci/tests.py tests/e2e    what is named

Prints one line per folder, and everything a folder said if it failed. Leaves the combined data of `coverage`.
"""

from __future__ import annotations

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
ELSEWHERE = ("packaging", "docs", "peers")
"""Folders of ``tests/`` that have environments of their own."""


def folders() -> list[Path]:
    """Return the folders to run, the largest first, so that none is left over at the end."""
    common = [path for path in sorted((ROOT / "tests").iterdir()) if path.name not in ELSEWHERE]
    found = [
        part for folder in (*(dist.tests for dist in distributions().values()), *common) for part in _parts(folder)
    ]
    return sorted(found, key=_size, reverse=True)


def _parts(folder: Path) -> list[Path]:
    """Return *folder*, or its folders where it has tests only in those."""
    if not folder.is_dir() or not any(folder.rglob("test_*.py")):
        return []
    return [folder] if any(folder.glob("test_*.py")) else [path for path in sorted(folder.iterdir()) if _parts(path)]


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*.py"))


def run(arguments: list[str]) -> tuple[int, str]:
    """Run pytest in a process of its own; return its status and what it said."""
    command = [sys.executable, "-m", "coverage", "run", "--parallel-mode", "-m", "pytest", *arguments]
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as said:
        status = subprocess.run(command, cwd=ROOT, stdout=said, stderr=subprocess.STDOUT, check=False).returncode
        said.seek(0)
        return status, said.read()


def main() -> int:
    """Return 1 if a folder failed."""
    subprocess.run([sys.executable, "-m", "coverage", "erase"], cwd=ROOT, check=True)
    single = [str(path.relative_to(ROOT)) for path in sorted((ROOT / "tests").glob("test_*.py"))]
    units = [[path] for path in sys.argv[1:]] or [*([str(path.relative_to(ROOT))] for path in folders()), single]
    failed = 0
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        began = time.monotonic()
        running = {pool.submit(run, unit): " ".join(unit) for unit in units}
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
    subprocess.run([sys.executable, "-m", "coverage", "combine", "--quiet"], cwd=ROOT, check=True)
    return min(failed, 1)


if __name__ == "__main__":
    raise SystemExit(main())
