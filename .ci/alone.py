"""Run one distribution's own tests where only it and what it declares are installed, from built wheels.

    python .ci/alone.py alone-core

Requirements of its tests beyond the common ones stand in the distribution's own ``[dependency-groups] test``.
Ends with status 77 if there is nothing to run.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.metadata import distributions as installed

from distributions import ROOT, distributions, requirement_name, with_dependencies

NOT_RUN = 77


def main(environment: str) -> int:
    """Install the distribution, look that no other came along, run its tests."""
    short = environment.removeprefix("alone-")
    (dist,) = [dist for dist in distributions().values() if dist.short == short]
    if not any(dist.tests.rglob("test_*.py")):
        print(f"not run: {dist.name} has no tests of its own")
        return NOT_RUN

    groups = tomllib.loads((dist.folder / "pyproject.toml").read_text("utf-8")).get("dependency-groups", {})
    extra = [str(item) for item in groups.get("test", [])]
    own = [requirement_name(item) for item in extra if requirement_name(item) in distributions()]
    also = [option for item in extra if requirement_name(item) not in own for option in ("--with", item)]
    install = [sys.executable, str(ROOT / ".ci" / "install.py"), "--wheel", *also, dist.name, *own]
    subprocess.run(install, cwd=ROOT, check=True)

    allowed = {item.name for item in with_dependencies([dist.name, *own])}
    present = {item.name for item in installed() if item.name in distributions()}
    print(f"installed of this repository: {', '.join(sorted(present))}")
    if present != allowed:
        print(f"expected exactly: {', '.join(sorted(allowed))}")
        return 1
    return subprocess.run([sys.executable, "-m", "pytest", "-q", str(dist.tests)], cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
