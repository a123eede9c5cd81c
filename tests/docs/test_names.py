"""The documentation's table of names is the code's."""

from __future__ import annotations

import re
from pathlib import Path

from lotusx.exchange import COMPONENTS

ROOT = Path(__file__).resolve().parents[2]


def test_quick_start_lists_every_call_of_every_component() -> None:
    rows = re.findall(
        r"^\| `(market|trading|account|funding)` \|(.*)\|$", (ROOT / "docs/quick-start.md").read_text("utf-8"), re.M
    )
    written = {name: re.findall(r"[a-z_]+", cells) for name, cells in rows}
    assert written == {name: list(calls) for name, calls in COMPONENTS.items()}
