"""Every distribution, built once as wheel and sdist, and the Python interpreters of this machine."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import dataclass
from email.message import Message
from email.parser import Parser
from pathlib import Path
from typing import Any

import pytest

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
    subprocess.run([request.param, "-m", "venv", str(folder / "v")], check=True)
    python = folder / "v" / "bin" / "python"
    wheels = [str(built[name].wheel) for name in ("lotusx-core", "lotusx-binance")]
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", *wheels], check=True, cwd=folder)
    return Environment(python, folder)
