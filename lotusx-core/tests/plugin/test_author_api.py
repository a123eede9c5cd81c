"""What plugin authors build on changes only on purpose: the listing beside this test is part of the change."""

from __future__ import annotations

from difflib import unified_diff

from .author_api import LISTING, MODULES, listing


def test_the_author_api_is_the_listed_one() -> None:
    changed = list(unified_diff(LISTING.read_text("utf-8").splitlines(), listing().splitlines(), "listed", "now", n=0))

    assert not changed, (
        "the interface for plugin authors is not the listed one. If that is meant: run python "
        "lotusx-core/tests/plugin/author_api.py and commit the listing; what was removed or changed was deprecated for "
        "a release before, or comes with a new contract (docs/authors/compatibility.md):\n" + "\n".join(changed)
    )


def test_the_listing_covers_every_module_for_authors() -> None:
    text = LISTING.read_text("utf-8")

    assert [line.strip("[]") for line in text.splitlines() if line.startswith("[")] == list(MODULES)
    assert " at 0x" not in text
