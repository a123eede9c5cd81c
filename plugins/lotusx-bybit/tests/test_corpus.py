"""Recorded data and documentation examples of all products through the real decode path. Needs ``$LOTUSX_CORPUS``.

Rows classed as recorded must decode, with their values checked. Every other row decodes, or stands with its reason in
``corpus_exceptions.toml`` beside this file; a row that stands there although it decodes is an error too.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from bybit_corpus import Tally, rest_file
from bybit_frames import capture, ws_file

from lotusx.errors import LotusXError

ROOT = Path(__file__).resolve().parents[3]
CORPUS = Path(os.environ.get("LOTUSX_CORPUS") or ROOT.parent / "shared" / "corpus")
EXCEPTIONS = Path(__file__).parent / "corpus_exceptions.toml"

pytestmark = pytest.mark.skipif(not (CORPUS / "INDEX.md").exists(), reason=f"no corpus at {CORPUS} ($LOTUSX_CORPUS)")


def _rows(folder: str) -> Iterator[tuple[str, str]]:
    """Return file and class of every row of the index's section."""
    section = (CORPUS / "INDEX.md").read_text("utf-8").partition(f"\n## {folder}\n")[2].partition("\n## ")[0]
    for line in section.splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) > 4 and re.search(r"\.(json|ndjson)$", cells[1]) and cells[1] != "requests.json":
            yield cells[1], cells[3]


def _decode(tally: Tally, path: Path) -> None:
    if path.name.startswith("capture_"):
        capture(tally, path)
    elif path.parent.name == "ws":
        ws_file(tally, path)
    else:
        rest_file(tally, path)


@pytest.mark.parametrize("folder", ["bybit", "bybit-perp"])
def test_every_row_decodes_or_has_a_reason(folder: str, capsys: pytest.CaptureFixture[str]) -> None:
    excused: dict[str, str] = tomllib.loads(EXCEPTIONS.read_text("utf-8"))[folder]
    rows = list(_rows(folder))
    tally, wrong = Tally(), []
    for name, kind in rows:
        try:
            _decode(tally, CORPUS / folder / name)
        except (LotusXError, msgspec.DecodeError, NotImplementedError, AssertionError, KeyError, ValueError) as error:
            if name not in excused:
                wrong.append(f"{name} ({kind}) does not decode and has no reason: {error!r}")
        else:
            if name in excused:
                wrong.append(f"{name} has a reason but decodes")
    wrong += [f"{name} has a reason but is in no row" for name in excused if name not in dict(rows)]
    with capsys.disabled():
        print(f"\ncorpus {folder}: {tally.documents} documents, {tally.frames} frames decoded")

    assert wrong == []
    assert tally.documents > 0
    assert tally.frames > 0
