"""Compile what is in C while a wheel is built; without a compiler the wheel is a pure one.

Beside each of these files stands the Python that does the same, more slowly: sides of order books, frames, the form of
numbers. ``LOTUSX_PURE=1`` asks for a pure wheel, which runs everywhere.
"""

from __future__ import annotations

import os
import platform
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from setuptools import Distribution, Extension
from setuptools.command.build_ext import build_ext


class Compile(BuildHookInterface):  # type: ignore[type-arg]  # hatchling's own parameter means nothing to a hook
    """Puts all modules into the wheel, or none. An editable installation has them beside their sources."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and say what kind of wheel this is."""
        home = Path(self.root, "src")
        sources = sorted(home.rglob("_*.c"))
        self._build = tempfile.TemporaryDirectory()
        made = compiled(home, sources, Path(self._build.name)) if wanted() else []
        complete = len(made) == len(sources)
        if version == "editable":
            for stale in (*home.rglob("_*.so"), *home.rglob("_*.pyd")):
                if not complete or stale.name not in [module.name for module in made]:
                    stale.unlink()
        if not complete:
            self.app.display_warning("nothing is compiled: books and streams will be slower")
            return
        for source, module in zip(sources, made, strict=True):
            if version == "editable":
                beside = source.parent / module.name
                fresh = beside.with_name(f"{module.name}.{os.getpid()}")
                fresh.write_bytes(module.read_bytes())
                fresh.replace(beside)  # at once: somebody may be importing the old one, or building too
            else:
                build_data["force_include"][str(module)] = str((source.parent / module.name).relative_to(home))
        build_data["pure_python"] = False
        build_data["tag"] = f"cp311-abi3-{self.build_config.builder.get_best_matching_tag().rpartition('-')[2]}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """The wheel has been written."""
        self._build.cleanup()


def wanted() -> bool:
    """Whether there is a stable ABI to compile for, and nobody asked for a pure wheel."""
    free_threaded = sysconfig.get_config_var("Py_GIL_DISABLED")
    pure = os.environ.get("LOTUSX_PURE", "0") not in ("", "0")
    return not pure and platform.python_implementation() == "CPython" and not free_threaded


def compiled(home: Path, sources: list[Path], build: Path) -> list[Path]:
    """Return the modules made of *sources*, in their order, without those that could not be compiled."""
    options = [] if os.name == "nt" else ["-O3", "-g0"]
    stripped = ["-Wl,-s"] if sys.platform == "linux" else []  # of names that nobody looks up
    names = [".".join(source.relative_to(home).with_suffix("").parts) for source in sources]
    extensions = [
        Extension(
            name,
            [str(source)],
            py_limited_api=True,
            optional=True,
            extra_compile_args=options,
            extra_link_args=stripped,
        )
        for name, source in zip(names, sources, strict=True)
    ]
    command = build_ext(Distribution({"ext_modules": extensions}))
    command.build_lib, command.build_temp = str(build), str(build / "objects")
    command.ensure_finalized()
    command.run()  # of what is optional it says only that it failed
    return [made for name in names if (made := Path(command.get_ext_fullpath(name))).exists()]
