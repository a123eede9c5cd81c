"""Compare the branch coverage of each distribution with the least it must have (``[tool.lotusx.coverage]``).

Reads the data file of the last ``coverage run``. Prints one line per distribution; fails if one is below.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from distributions import ROOT, distributions


def main() -> int:
    """Return 1 if a distribution is covered less than it must be."""
    least = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["lotusx"]["coverage"]
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        command = [sys.executable, "-m", "coverage", "json", "--quiet", "-o", str(report)]
        subprocess.run(command, cwd=ROOT, check=True)
        files = json.loads(report.read_text("utf-8"))["files"]

    failed = False
    for dist in distributions().values():
        floor = least.get(dist.name, least["plugins"] if dist.is_plugin else 0)
        source = str((dist.folder / "src").relative_to(ROOT)) + "/"
        rows = [row["summary"] for name, row in files.items() if name.startswith(source)]
        wanted = sum(row["num_statements"] + row["num_branches"] for row in rows)
        reached = sum(row["covered_lines"] + row["covered_branches"] for row in rows)
        percent = 100 * reached / wanted if wanted else 0.0  # nothing was measured
        short = percent < floor
        failed |= short
        print(f"coverage: {dist.name:<22} {percent:6.2f} %  (at least {floor} %){'  TOO LOW' if short else ''}")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
