"""Compile the sides of order books (`_levels.c`) while a wheel is built; without a compiler the wheel is a pure one.

Both do the same, the pure one more slowly. ``LOTUSX_PURE=1`` asks for a pure wheel, which runs everywhere.
"""

from __future__ import annotations

import os
import platform
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from setuptools import Distribution, Extension
from setuptools.command.build_ext import build_ext

MODULE = "lotusx.kernel.book._levels"


class Compile(BuildHookInterface):  # type: ignore[type-arg]  # hatchling's own parameter means nothing to a hook
    """Leaves the module beside its source, where editable installations need it too."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile, and say what kind of wheel this is."""
        folder = Path(self.root, "src", *MODULE.split(".")[:-1])
        with tempfile.TemporaryDirectory(dir=folder) as build:
            made = compiled(folder / "_levels.c", Path(build))
            if made is None:
                for stale in (*folder.glob("_levels*.so"), *folder.glob("_levels*.pyd")):
                    stale.unlink()
                self.app.display_warning("no compiler: books will be interpreted, which is slower")
                return
            made.replace(folder / made.name)  # at once: somebody may be importing the old one
        build_data["pure_python"] = False
        build_data["tag"] = f"cp311-abi3-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"


def compiled(source: Path, build: Path) -> Path | None:
    """Return the module for the stable ABI; ``None``: not wanted, or it can't be compiled here."""
    free_threaded = sysconfig.get_config_var("Py_GIL_DISABLED")
    if os.environ.get("LOTUSX_PURE") or platform.python_implementation() != "CPython" or free_threaded:
        return None
    options = [] if os.name == "nt" else ["-O3", "-g0"]
    extension = Extension(MODULE, [str(source)], py_limited_api=True, optional=True, extra_compile_args=options)
    command = build_ext(Distribution({"ext_modules": [extension]}))
    command.build_lib, command.build_temp = str(build), str(build / "objects")
    command.ensure_finalized()
    command.run()  # of what is optional it says only that it failed
    made = Path(command.get_ext_fullpath(MODULE))
    return made if made.exists() else None
