"""The repository's distributions, found where they stand: nothing here has to change when one is added."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Distribution:
    """One folder with a pyproject.toml that builds a wheel."""

    folder: Path

    @cached_property
    def project(self) -> dict[str, Any]:
        """Return the ``[project]`` table."""
        project: dict[str, Any] = tomllib.loads((self.folder / "pyproject.toml").read_text("utf-8"))["project"]
        return project

    @property
    def name(self) -> str:
        """Return the name on the package index, such as ``lotusx-core``."""
        return str(self.project["name"])

    @property
    def short(self) -> str:
        """Return the name without its common prefix, as tox environments use it."""
        return self.name.removeprefix("lotusx-")

    @property
    def is_plugin(self) -> bool:
        """Tell whether this is an exchange or another plugin."""
        return self.folder.parent.name == "plugins"

    @property
    def package(self) -> str:
        """Return the import name."""
        return next(path.parent.name for path in sorted((self.folder / "src").glob("*/__init__.py")))

    @property
    def tests(self) -> Path:
        """Return the folder of the distribution's own tests."""
        return self.folder / "tests"

    @property
    def requirements(self) -> list[str]:
        """Return the declared dependencies, without extras."""
        return [str(item) for item in self.project.get("dependencies", [])]

    @property
    def extras(self) -> dict[str, list[str]]:
        """Return the optional dependencies by extra."""
        return dict(self.project.get("optional-dependencies", {}))


def distributions() -> dict[str, Distribution]:
    """Return all distributions by name: first the core, then the others at the root, then plugins."""
    files = [*ROOT.glob("lotusx-*/pyproject.toml"), *ROOT.glob("plugins/*/pyproject.toml")]
    found = [Distribution(file.parent) for file in files]
    found.sort(key=lambda dist: (dist.name != "lotusx-core", dist.is_plugin, dist.name))
    return {dist.name: dist for dist in found}


def with_dependencies(names: list[str]) -> list[Distribution]:
    """Return the named distributions (long or short names) and those of ours they need, dependencies first."""
    known = distributions()
    by_short = {dist.short: dist for dist in known.values()}
    wanted: set[str] = set()
    queue = [known[name] if name in known else by_short[name] for name in names]
    while queue:
        dist = queue.pop()
        if dist.name not in wanted:
            wanted.add(dist.name)
            queue += [known[need] for item in dist.requirements if (need := requirement_name(item)) in known]
    return [dist for dist in known.values() if dist.name in wanted]


def requirement_name(requirement: str) -> str:
    """Return the name in front of a requirement's extras, versions and markers."""
    end = next((at for at, char in enumerate(requirement) if not (char.isalnum() or char in "-_.")), len(requirement))
    return requirement[:end].lower().replace("_", "-").replace(".", "-")
