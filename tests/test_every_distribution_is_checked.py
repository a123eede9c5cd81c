"""What CI runs once for each distribution is there for each."""

from __future__ import annotations

import configparser
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDERS = [path.parent for path in (*ROOT.glob("lotusx-*/pyproject.toml"), *ROOT.glob("plugins/*/pyproject.toml"))]


def test_each_distribution_has_an_environment_in_which_it_is_alone() -> None:
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(ROOT / "tox.ini", "utf-8")
    (listed,) = (found[1] for name in tox.sections() if (found := re.fullmatch(r"testenv:alone-\{(.*)\}", name)))

    assert sorted(listed.split(",")) == sorted(folder.name.removeprefix("lotusx-") for folder in FOLDERS)


def test_the_import_rules_know_each_package() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))

    packages = {path.parent.name for folder in FOLDERS for path in folder.glob("src/*/__init__.py")}
    assert set(settings["tool"]["importlinter"]["root_packages"]) == packages
