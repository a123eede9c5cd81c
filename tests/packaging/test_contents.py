"""What is inside the wheels and sdists, and what their metadata says."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

if TYPE_CHECKING:
    from .conftest import Built

ROOT = Path(__file__).resolve().parents[2]
TESTED = {"3.11", "3.12", "3.13"}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_wheel_holds_the_package_its_types_and_its_licence(dist: Built) -> None:
    with zipfile.ZipFile(dist.wheel) as archive:
        names = archive.namelist()
    assert f"{dist.package}/__init__.py" in names
    assert f"{dist.package}/py.typed" in names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_wheel_holds_nothing_else(dist: Built) -> None:
    with zipfile.ZipFile(dist.wheel) as archive:
        strangers = [
            name for name in archive.namelist() if not name.startswith(f"{dist.package}/") and ".dist-info/" not in name
        ]
        compiled = [name for name in archive.namelist() if name.endswith((".pyc", ".so", ".c"))]
    assert strangers == []
    expected = [f"lotusx/{name}.abi3.so" for name in ("kernel/book/_levels", "model/_numbers", "transport/_frames")]
    assert sorted(compiled) == (expected if "-abi3-" in dist.wheel.name else [])


def test_wheel_runs_on_every_platform(dist: Built) -> None:
    if dist.package != "lotusx":
        assert dist.wheel.name.endswith("-py3-none-any.whl")


def test_core_is_compiled_for_all_pythons_where_there_is_a_compiler(built: dict[str, Built]) -> None:
    if not any(map(shutil.which, ("cc", "gcc"))):
        pytest.skip("no compiler")
    assert re.search(r"-cp311-abi3-\w+\.whl$", built["lotusx-core"].wheel.name)


def test_core_is_not_built_into_its_sources(built: dict[str, Built], tmp_path: Path) -> None:
    with tarfile.open(built["lotusx-core"].sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    before = sorted(folder.rglob("*"))
    out = tmp_path / "out"
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(out), str(folder)]
    subprocess.run(command, check=True, capture_output=True)
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize("reason", ["not wanted", "no compiler"])
def test_core_is_a_pure_wheel_where_it_cannot_be_compiled(built: dict[str, Built], tmp_path: Path, reason: str) -> None:
    environment = dict(os.environ)
    if reason == "no compiler":
        environment |= {"CC": "no-such-compiler", "LDSHARED": "no-such-compiler"}
    else:
        environment |= {"LOTUSX_PURE": "1"}
    with tarfile.open(built["lotusx-core"].sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    for left in ("_levels.abi3.so", "_gone.abi3.so"):  # by an earlier build
        (folder / "src/lotusx/kernel/book" / left).write_bytes(b"stale")
    command = [sys.executable, "-m", "build", "--no-isolation", "--wheel", "--outdir", str(tmp_path), str(folder)]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert [name for name in archive.namelist() if name.endswith((".so", ".c"))] == []


def test_sdist_holds_sources_tests_and_changelog(dist: Built) -> None:
    with tarfile.open(dist.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"pyproject.toml", "README.md", "LICENSE", "CHANGELOG.md", f"src/{dist.package}/py.typed"} <= names
    assert [name for name in names if name.endswith((".pyc", ".so", ".o"))] == []


def test_metadata_states_name_version_and_licence(dist: Built) -> None:
    metadata = dist.metadata()
    assert metadata["Name"] == dist.project["name"]
    assert metadata["Version"] == dist.project["version"]
    assert metadata["License-Expression"] == "MIT"


def test_long_description_says_something(dist: Built) -> None:
    text = dist.metadata().get_payload()
    assert isinstance(text, str)
    assert len(text.splitlines()) > 5, f"{dist.folder.name}/README.md is the page on the package index"


def test_python_has_a_floor_and_no_cap(dist: Built) -> None:
    python = SpecifierSet(str(dist.metadata()["Requires-Python"]))
    assert [item.operator for item in python] == [">="]
    assert "3.11" in python
    assert "3.10" not in python


def test_classifiers_name_only_pythons_that_are_tested(dist: Built) -> None:
    classifiers = dist.metadata().get_all("Classifier", [])
    named = {text.rsplit(" ", 1)[1] for text in classifiers if text.startswith("Programming Language :: Python :: 3.")}
    assert named <= TESTED


def test_every_dependency_has_a_floor(dist: Built) -> None:
    for text in dist.metadata().get_all("Requires-Dist", []):
        requirement = Requirement(text)
        assert any(item.operator in (">=", "==", "~=") for item in requirement.specifier), text


def test_every_import_is_declared(dist: Built) -> None:
    imported = set()
    for file in (dist.folder / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {name.name.partition(".")[0] for name in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                imported.add(str(node.module).partition(".")[0])
    strangers = imported - sys.stdlib_module_names - {dist.package}
    declared = {canonical(Requirement(text).name) for text in dist.metadata().get_all("Requires-Dist", [])}
    needed = {
        "lotusx": "lotusx-core",
        "dotenv": "python-dotenv",
        "nats": "nats-py",
        "Crypto": "pycryptodome",
        "opentelemetry": "opentelemetry-api",
    }
    assert sorted(name for name in strangers if canonical(needed.get(name, name)) not in declared) == []


def test_core_wheel_is_small(built: dict[str, Built]) -> None:
    # What observers are told, health, the types of flat calls and the compiled side of a book have their price; data
    # and tests have no place in it.
    assert built["lotusx-core"].wheel.stat().st_size <= 410_000


def test_core_depends_on_nothing_of_ours(built: dict[str, Built]) -> None:
    names = [Requirement(text).name for text in built["lotusx-core"].metadata().get_all("Requires-Dist", [])]
    assert [name for name in names if name.startswith("lotusx")] == []


def test_plugin_names_its_exchanges_as_entry_points(built: dict[str, Built]) -> None:
    text = built["lotusx-binance"].read("entry_points.txt")
    assert "[lotusx.exchanges]" in text
    assert "binance = lotusx_binance.plugin" in text


def test_every_extra_is_explained_where_somebody_would_look_for_it(dist: Built) -> None:
    pages = [dist.folder / "README.md", *(ROOT / "docs").rglob("*.md")]
    text = "\n".join(page.read_text("utf-8") for page in pages)
    name = dist.project["name"]
    extras = dist.project.get("optional-dependencies", {})
    assert [extra for extra in extras if not re.search(rf"{name}\[[\w,]*\b{extra}\b", text)] == []
