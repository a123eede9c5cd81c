"""Run mypy --strict over every source tree, then over every folder of tests on its own.

Test folders hold modules of the same name (conftest), so each one is a separate run. Tests compare a Decimal with 0
and 1, which strict equality would forbid. What users see of the types, tests/typing, is read by pyright as well, away
from this repository, as in a project of theirs. It needs node; where there is none it says so.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
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
    return failed + pyright()


def pyright() -> int:
    """Return 1 if pyright finds an error in tests/typing."""
    if shutil.which("node") is None:
        print("not run: pyright needs node")
        return 0
    print("pyright tests/typing", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(ROOT / "tests" / "typing", folder, dirs_exist_ok=True)
        Path(folder, "pyrightconfig.json").write_text(
            '{"typeCheckingMode": "strict", "pythonVersion": "3.11"}', "utf-8"
        )
        command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable]
        return min(subprocess.run(command, cwd=folder, check=False).returncode, 1)


if __name__ == "__main__":
    raise SystemExit(main())
