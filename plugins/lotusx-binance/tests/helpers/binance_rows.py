"""The corpus row by row: every row decodes, or stands with its reason in ``tests/corpus_exceptions.toml``.

Rows classed as recorded must decode, with their values checked. A row that stands there although it decodes is an error
too. The corpus is found by ``$LOTUSX_CORPUS``, or beside the checkout.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Protocol

import msgspec
import pytest

from lotusx.errors import LotusXError

ROOT = Path(__file__).resolve().parents[4]
CORPUS = Path(os.environ.get("LOTUSX_CORPUS") or ROOT.parent / "shared" / "corpus")
EXCEPTIONS = ROOT / "tests" / "corpus_exceptions.toml"

needs_corpus = pytest.mark.skipif(not (CORPUS / "INDEX.md").exists(), reason=f"no corpus at {CORPUS} ($LOTUSX_CORPUS)")


class Counted(Protocol):
    """What decodes, and how much it has decoded."""

    documents: int
    frames: int


def rows(section: str) -> Iterator[tuple[str, str]]:
    """Return file and class of every row of the index's *section*."""
    found = (CORPUS / "INDEX.md").read_text("utf-8").partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    for line in found.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 4 and re.search(r"\.(json|ndjson)$", cells[1]):
            yield cells[1], cells[3]


def reasons(section: str) -> dict[str, str]:
    """Return why which rows do not decode."""
    found: dict[str, str] = tomllib.loads(EXCEPTIONS.read_text("utf-8")).get(section, {})
    return found


async def check_rows(
    section: str, bench: Counted, decode: Callable[[Path, str, set[int]], Awaitable[None]]
) -> list[str]:
    """Have each row decoded; return what is wrong. *decode* is told the damaged records of each."""
    excused, wrong, names = reasons(section), [], dict(rows(section))
    for name, kind in names.items():
        documents, frames = bench.documents, bench.frames
        damaged = {int(key.partition("#")[2]) for key in excused if key.startswith(f"{name}#")}
        try:
            await decode(CORPUS / section / name, name, damaged)
        except (
            LotusXError,
            msgspec.DecodeError,
            NotImplementedError,
            AssertionError,
            KeyError,
            ValueError,
        ) as error:
            bench.documents, bench.frames = documents, frames
            if kind.startswith("recorded"):
                wrong.append(f"{name} is recorded and must decode: {error!r}")
            elif name not in excused:
                wrong.append(f"{name} does not decode and has no reason: {error!r}")
        else:
            if name in excused:
                wrong.append(f"{name} has a reason but decodes")
    wrong += [f"{name} has a reason but is in no row" for name in excused if name.partition("#")[0] not in names]
    return wrong
