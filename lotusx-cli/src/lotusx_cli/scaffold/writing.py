"""Render the templates into a folder that either is there as a whole, or is not there."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import chain
from pathlib import Path, PurePosixPath

from jinja2 import Environment, PackageLoader, StrictUndefined

from lotusx.errors import ConfigurationError
from lotusx_cli.scaffold.answers import Answers, Market, Scheme

_HOME = "scaffold/templates"
_SUFFIX = ".jinja"
_PACKAGE = "PACKAGE"
_ONLY_OUTSIDE = (".github", ".gitignore")


@dataclass(frozen=True, slots=True)
class Written:
    """What was made. ``inside``: the LotusX repository it stands in, whose own checks cover it."""

    folder: Path
    files: tuple[str, ...]
    inside: Path | None


def write(answers: Answers, folder: Path) -> Written:
    """Write a distribution into *folder*, which must not exist.

    Inside a checkout of LotusX (below its ``plugins``) that repository's configuration of the tools and its CI apply;
    anywhere else the distribution has its own.

    Raises:
        ConfigurationError: An answer cannot be used, or *folder* is there already. Nothing was written.
    """
    answers.check()
    folder = folder.absolute()
    if folder.exists():
        raise ConfigurationError(f"{folder} exists already: choose another folder, or move that one away")
    if not folder.parent.is_dir():
        raise ConfigurationError(f"{folder.parent} is no folder: make it first")
    inside = repository(folder)
    rendered = dict(render(answers, inside=inside is not None))
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        for name, text in rendered.items():
            target = work / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, "utf-8")
        work.chmod(0o755)  # mkdtemp makes a private one
        work.rename(folder)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    return Written(folder, tuple(sorted(rendered)), inside)


def repository(folder: Path) -> Path | None:
    """Return the checkout of LotusX in whose ``plugins`` *folder* is to stand."""
    root = folder.parent.parent
    return root if folder.parent.name == "plugins" and (root / "lotusx-core" / "pyproject.toml").exists() else None


def render(answers: Answers, *, inside: bool) -> Iterator[tuple[str, str]]:
    """Yield every file of the distribution: its path, with slashes, and its text."""
    environment = Environment(
        loader=PackageLoader("lotusx_cli", _HOME),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Python and TOML, from checked answers; no page of a browser
    )
    values = {"a": answers, "inside": inside, "Scheme": Scheme, "Market": Market}
    home = files("lotusx_cli").joinpath(_HOME)
    for template in chain(_tree(home, PurePosixPath("project")), _tree(home, PurePosixPath("schemes", answers.scheme))):
        below = 1 if template.parts[0] == "project" else 2
        target = "/".join(template.parts[below:]).removesuffix(_SUFFIX).replace(_PACKAGE, answers.package)
        if inside and target.partition("/")[0] in _ONLY_OUTSIDE:
            continue
        text = environment.get_template(str(template)).render(values)
        if text.strip() or target.endswith("py.typed"):  # a room that the answers leave out is an empty text
            yield target, text


def _tree(home: Traversable, name: PurePosixPath) -> Iterator[PurePosixPath]:
    for item in sorted(home.joinpath(*name.parts).iterdir(), key=lambda entry: entry.name):
        if item.is_dir():
            yield from _tree(home, name / item.name)
        elif item.name.endswith(_SUFFIX):
            yield name / item.name
