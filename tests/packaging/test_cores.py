"""Which cores a plugin is tested with."""

from __future__ import annotations

import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
CORES = [Version(text) for text in ("0.1.0", "0.1.7", "0.2.0", "0.2.3", "1.0.0")]


@pytest.fixture(scope="module")
def cores() -> ModuleType:
    sys.path.insert(0, str(ROOT / ".ci"))
    spec = spec_from_file_location("cores", ROOT / ".ci" / "cores.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize(
    ("requirement", "chosen"),
    [
        ("lotusx-core>=0.1,<0.2", ["0.1.0", "0.1.7"]),
        ("lotusx-core>=0.1.5,<1", ["0.1.7", "0.2.3"]),
        ("lotusx_core==0.2.0", ["0.2.0"]),
        ("lotusx-core>=2", []),
    ],
)
def test_oldest_and_newest_core_that_is_admitted(cores: ModuleType, requirement: str, chosen: list[str]) -> None:
    assert cores.admitted(["msgspec>=0.19", requirement], CORES) == [Version(text) for text in chosen]


def test_releases_are_read_from_tags(cores: ModuleType) -> None:
    assert cores.released("lotusx-core-v0.1.0\nlotusx-sim-v0.1.0\nlotusx-core-v0.2.0\n") == [CORES[0], CORES[2]]


def test_one_core_alone_is_told_as_not_run() -> None:
    tags = subprocess.run(
        ["git", "tag", "--list", "lotusx-core-v*"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
    if len(tags) > 1:
        pytest.skip("there are older cores: tox -e cores tests with them")
    done = subprocess.run(
        [sys.executable, str(ROOT / ".ci" / "cores.py")], capture_output=True, text=True, check=False
    )  # fmt: skip

    assert done.returncode == 77, done.stdout + done.stderr
    assert "not run: there is one core so far" in done.stdout
