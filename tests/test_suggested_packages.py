"""The command line suggests packages of this project only, and all of those that bring an exchange."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from lotusx_cli.packages import PACKAGES, how_to_install

ROOT = Path(__file__).resolve().parents[1]


def test_every_exchange_of_this_project_is_suggested_by_its_package() -> None:
    brought = {}
    for file in sorted(ROOT.glob("plugins/*/pyproject.toml")):
        project = tomllib.loads(file.read_text("utf-8"))["project"]
        for exchange in project.get("entry-points", {}).get("lotusx.exchanges", {}):
            brought[exchange] = project["name"]
    assert dict(PACKAGES) == brought


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("okx", "pip install lotusx-okx"),
        ("hyperliqud", "pip install lotusx-hyperliquid"),
        ("bybit-perps", "pip install lotusx-bybit-perp"),
        ("totally-new", ""),
    ],
)
def test_what_was_typed_never_becomes_the_name_of_a_package(typed: str, said: str) -> None:
    assert how_to_install(typed) == said
