"""Run each plugin's own tests with the oldest and the newest core that its requirement admits.

    python .ci/cores.py             every plugin
    python .ci/cores.py binance     this one

Cores are the tags ``lotusx-core-vX.Y.Z`` and the working tree. The tests need lotusx-testing and lotusx-sim of the same
core: all three are built from one tag. Ends with status 77 if no plugin admits a core other than that of the working
tree, with which `alone-*` tests it.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from distributions import ROOT, Distribution, distributions, requirement_name
from packaging.requirements import Requirement
from packaging.version import Version

NOT_RUN = 77
PREFIX = "lotusx-core-v"
WITH_THE_CORE = ("lotusx-core", "lotusx-sim", "lotusx-testing")
COMMON = ("pytest-timeout", "hypothesis")
"""What the tests of every plugin use besides."""


def admitted(requirements: list[str], cores: list[Version]) -> list[Version]:
    """Return the oldest and the newest of *cores* that *requirements* admit: two, one, or none."""
    ranges = [Requirement(item).specifier for item in requirements if requirement_name(item) == "lotusx-core"]
    fitting = sorted(core for core in cores if all(item.contains(core, prereleases=True) for item in ranges))
    return sorted({fitting[0], fitting[-1]}) if fitting else []


def released(tags: str) -> list[Version]:
    """Return the versions among *tags*, one a line."""
    return [Version(tag.removeprefix(PREFIX)) for tag in tags.split() if tag.startswith(PREFIX)]


def run(*command: str, cwd: Path = ROOT) -> None:
    """Run a command; end the program if it fails."""
    done = subprocess.run(command, cwd=cwd, check=False)
    if done.returncode:
        raise SystemExit(done.returncode)


def sources(core: Version, folder: Path) -> Path:
    """Lay out the repository as it was when *core* was released."""
    archive = folder / "core.tar"
    run("git", "archive", "--output", str(archive), f"{PREFIX}{core}")
    target = folder / str(core)
    target.mkdir()
    run("tar", "--extract", "--file", str(archive), "--directory", str(target))
    return target


def try_with(plugin: Distribution, core: Version, folder: Path) -> None:
    """Build *core* and *plugin*, install both into an environment of their own, run the plugin's tests there."""
    home = sources(core, folder)
    run(sys.executable, "-m", "venv", str(folder / "venv"))
    python = str(folder / "venv" / "bin" / "python")
    beside = [str(home / name) for name in WITH_THE_CORE if (home / name / "pyproject.toml").exists()]
    groups = tomllib.loads((plugin.folder / "pyproject.toml").read_text("utf-8")).get("dependency-groups", {})
    named = [str(item) for item in groups.get("test", [])]
    others = [distributions()[name] for name in map(requirement_name, named) if name in distributions()]
    also = [str(dist.folder) for dist in others if dist.name not in WITH_THE_CORE]
    also += [item for item in named if requirement_name(item) not in distributions()]
    run(python, "-m", "pip", "install", "--quiet", *beside, str(plugin.folder), *also, *COMMON)
    run(python, "-m", "pytest", "-q", str(plugin.tests))


def main(names: list[str]) -> int:
    """Test what can be tested; tell what was not."""
    present = Version(distributions()["lotusx-core"].project["version"])
    tags = subprocess.run(["git", "tag", "--list", f"{PREFIX}*"], cwd=ROOT, capture_output=True, text=True, check=True)
    cores = sorted({*released(tags.stdout), present})
    tested = 0
    for plugin in distributions().values():
        if not plugin.is_plugin or (names and plugin.short not in names):
            continue
        chosen = admitted(plugin.requirements, cores)
        if not chosen:
            print(f"{plugin.name} admits none of the cores {', '.join(map(str, cores))}")
            return 1
        for core in chosen:
            if core == present:
                print(f"{plugin.name} with core {core}: the working tree's, see alone-{plugin.short}")
                continue
            print(f"{plugin.name} with core {core}", flush=True)
            with tempfile.TemporaryDirectory() as folder:
                try_with(plugin, core, Path(folder))
            tested += 1
    if not tested:
        print(f"not run: there is one core so far, {present}, and alone-* tests every plugin with it")
        return NOT_RUN
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
