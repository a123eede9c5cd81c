"""Run mypy --strict over every source tree, then over every folder of tests on its own.

Test folders hold modules of the same name (conftest), so each one is a separate run. Tests compare a Decimal with 0
and 1, which strict equality would forbid.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from distributions import ROOT, distributions


def main() -> int:
    """Return the number of failed runs."""
    dists = list(distributions().values())
    runs: list[list[str]] = [[str(path) for dist in dists for path in sorted((dist.folder / "src").glob("*"))]]
    folders = [*(dist.tests for dist in dists), ROOT / "tests", ROOT / "bench", ROOT / "examples", ROOT / ".ci"]
    runs += [["--no-strict-equality", str(folder)] for folder in folders if any(folder.rglob("*.py"))]
    failed = 0
    for targets in runs:
        names = ", ".join(str(Path(target).relative_to(ROOT)) for target in targets if not target.startswith("-"))
        print(f"mypy {names}", flush=True)
        failed += bool(subprocess.run([sys.executable, "-m", "mypy", *targets], cwd=ROOT, check=False).returncode)
    return failed


if __name__ == "__main__":
    raise SystemExit(main())
