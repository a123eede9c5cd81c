"""What the front pages point to is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LINK = re.compile(r"\]\((?!https?://|#)([^)#\s]+)")
PAGES = [
    page for name in ("README.md", "QUICK_START.md", "CONTRIBUTING.md", "SECURITY.md") if (page := ROOT / name).exists()
]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = LINK.findall(page.read_text("utf-8"))
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_make_target_is_in_the_readme() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    readme = (ROOT / "README.md").read_text("utf-8")
    for target in ("demo", "test", "quality", "bench", "clean"):
        assert re.search(rf"^{target}:", makefile, re.M)
        assert f"make {target}" in readme
