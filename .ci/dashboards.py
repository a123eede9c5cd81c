"""Check the dashboard and the alert rules against a real Prometheus that scrapes a running demo.

python .ci/dashboards.py

Ends with status 77 where Prometheus is not installed.
"""

from __future__ import annotations

import shutil
import subprocess
import sys

from distributions import ROOT

NOT_RUN = 77


def main() -> int:
    """Return the status of the tests."""
    if shutil.which("prometheus") is None or shutil.which("promtool") is None:
        print("not run: prometheus is not installed (apt-get install prometheus)")
        return NOT_RUN
    command = [sys.executable, "-m", "pytest", "--timeout", "300", "tests/dashboards", *sys.argv[1:]]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main())
