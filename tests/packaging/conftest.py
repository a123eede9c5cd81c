"""Every distribution, built once as wheel and sdist, and the Python interpreters of this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = sorted(
    file.parent for file in [*ROOT.glob("lotusx-*/pyproject.toml"), *ROOT.glob("plugins/*/pyproject.toml")]
)
PYTHONS = [python for python in os.environ.get("LOTUSX_PYTHONS", "").split(":") if python] or [sys.executable]


@dataclass(frozen=True)
class Built:
    """One distribution: its pyproject, its wheel, its sdist."""

    folder: Path
    project: dict[str, Any]
    wheel: Path
    sdist: Path

    @property
    def package(self) -> str:
        """Return the import name."""
        return next(path.parent.name for path in sorted((self.folder / "src").glob("*/__init__.py")))

    @property
    def exchanges(self) -> list[str]:
        """Return the exchanges it serves."""
        return sorted(self.project.get("entry-points", {}).get("lotusx.exchanges", {}))

    def metadata(self) -> Message:
        """Return the wheel's METADATA."""
        return Parser().parsestr(self.read("METADATA"))

    def read(self, name: str) -> str:
        """Return one file of the wheel's dist-info folder."""
        with zipfile.ZipFile(self.wheel) as archive:
            (inside,) = [item for item in archive.namelist() if item.endswith(f".dist-info/{name}")]
            return archive.read(inside).decode("utf-8")


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Built]:
    """Return every distribution by name; the wheel is built from the sdist, as a release does it."""
    result: dict[str, Built] = {}
    for folder in FOLDERS:
        out = tmp_path_factory.mktemp(folder.name)
        command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(folder)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        (wheel,), (sdist,) = out.glob("*.whl"), out.glob("*.tar.gz")
        project = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["project"]
        result[project["name"]] = Built(folder, project, wheel, sdist)
    return result


@pytest.fixture(params=[folder.name for folder in FOLDERS])
def dist(request: pytest.FixtureRequest, built: dict[str, Built]) -> Built:
    """Each distribution in turn."""
    return built[request.param]


@dataclass(frozen=True)
class Environment:
    """A virtual environment outside the repository."""

    python: Path
    folder: Path

    def run(self, code: str) -> str:
        """Run *code* away from the repository, warnings as errors; return what it printed."""
        done = subprocess.run(
            [str(self.python), "-I", "-W", "error", "-c", code],
            cwd=self.folder, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()


@pytest.fixture(scope="session", params=PYTHONS, ids=lambda python: Path(python).name)
def core_and_binance(
    request: pytest.FixtureRequest, built: dict[str, Built], tmp_path_factory: pytest.TempPathFactory
) -> Environment:
    """On each Python: a fresh environment with the wheels of the core and one plugin, and what pip adds to them."""
    folder = tmp_path_factory.mktemp("venv")
    return installed(folder, [built[name] for name in ("lotusx-core", "lotusx-binance")], python=request.param)


@pytest.fixture(scope="session", params=[folder.name for folder in FOLDERS if folder.parent.name == "plugins"])
def core_and_one(
    request: pytest.FixtureRequest, built: dict[str, Built], tmp_path_factory: pytest.TempPathFactory
) -> tuple[Built, Environment]:
    """For each plugin: a fresh environment with it, the core, and what of ours it says it needs; and the plugin."""
    plugin = built[request.param]
    return plugin, installed(tmp_path_factory.mktemp("one"), needed(plugin, built))


@pytest.fixture(scope="session")
def lowest(built: dict[str, Built], tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """The core and every exchange, each dependency at the lowest version that its range admits."""
    sys.path.insert(0, str(ROOT / ".ci"))
    constraints = import_module("lowest").constraints

    folder = tmp_path_factory.mktemp("lowest")
    (folder / "lowest.txt").write_text(constraints(), "utf-8")
    dists = [dist for dist in built.values() if dist.exchanges or dist.project["name"] == "lotusx-core"]
    return installed(folder, dists, "--constraint", str(folder / "lowest.txt"))


def needed(dist: Built, built: dict[str, Built]) -> list[Built]:
    """Return *dist* and those of ours that it names as requirements, those that these name, and so on."""
    found = {dist.project["name"]: dist}
    queue = [dist]
    while queue:
        for text in queue.pop().project.get("dependencies", []):
            name = Requirement(text).name
            if name in built and name not in found:
                found[name] = built[name]
                queue.append(built[name])
    return list(found.values())


def installed(folder: Path, dists: list[Built], *options: str, python: str = sys.executable) -> Environment:
    """Make a fresh environment in *folder*, and have the pip of this one install the wheels of *dists* into it."""
    subprocess.run([python, "-m", "venv", "--without-pip", str(folder / "v")], check=True)
    inside = folder / "v" / "bin" / "python"
    wheels = [str(dist.wheel) for dist in dists]
    pip = [sys.executable, "-m", "pip", "--python", str(inside), "install", "--quiet", "--no-compile"]
    subprocess.run([*pip, *options, *wheels], check=True, cwd=folder)
    return Environment(inside, folder)


@pytest.fixture(scope="session")
def venue(built: dict[str, Built], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """Return a function that serves the simulated venue of an exchange, from an environment of the simulator's own.

    It returns the address; what the simulator does not have is skipped.
    """
    sim = built["lotusx-sim"]
    extras = ",".join(sorted(sim.project["optional-dependencies"]))
    requirement = f"lotusx-sim[{extras}] @ {sim.wheel.as_uri()}"
    others = [dist for dist in needed(sim, built) if dist is not sim]
    environment = installed(tmp_path_factory.mktemp("sim"), others, requirement)
    command = [str(environment.python), "-I", "-m", "lotusx_sim", "serve", "--port", "0", "--venue"]
    with ExitStack() as running:
        addresses: dict[str, str] = {}

        def serve(exchange: str) -> str:
            name = {"bybit-perp": "bybit"}.get(exchange, exchange)
            if name not in addresses:
                process = running.enter_context(subprocess.Popen([*command, name], stdout=subprocess.PIPE, text=True))
                running.callback(process.terminate)
                assert process.stdout is not None
                first = process.stdout.readline()
                if not first:
                    pytest.skip(f"the simulator has no venue {name}")
                addresses[name] = json.loads(first)["base_url"]
            return addresses[name]

        yield serve
