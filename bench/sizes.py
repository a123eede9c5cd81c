"""What a distribution and everything it needs take on disk, byte code included.

    python -m bench.sizes lotusx-binance 1

Its last line is for the benchmark; the lines before itemise.
"""

from __future__ import annotations

import json
import re
import sys
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any


def needed(name: str, found: dict[str, int]) -> None:
    """Add *name*, and what it requires here without extras, to *found*."""
    key = re.sub(r"[-_.]+", "-", name).lower()
    if key in found:
        return
    try:
        dist = distribution(name)
    except PackageNotFoundError:  # a requirement for another system
        return
    files = [Path(str(dist.locate_file(file))) for file in dist.files or ()]
    size = sum(file.stat().st_size for file in files if file.is_file())
    cached = {file for file in files if file.suffix == ".pyc"}
    for source in (file for file in files if file.suffix == ".py"):
        for byte_code in (source.parent / "__pycache__").glob(f"{source.stem}.cpython-*.pyc"):
            size += 0 if byte_code in cached else byte_code.stat().st_size
    found[key] = size
    for text in dist.requires or ():
        requirement = _requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            needed(requirement.name, found)


def _requirement(text: str) -> Any:
    from pip._vendor.packaging.requirements import Requirement

    return Requirement(text)


def main() -> None:
    """Print the sizes."""
    found: dict[str, int] = {}
    needed(sys.argv[1], found)
    for name, size in sorted(found.items(), key=lambda item: -item[1]):
        print(f"{size / 1e6:8.2f} MB  {name}")
    print(json.dumps({"mb": sum(found.values()) / 1e6}))


if __name__ == "__main__":
    main()
