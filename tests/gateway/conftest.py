"""Exchanges behind a gateway."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "plugins" / "lotusx-gateway" / "tests" / "helpers"))


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"  # the broker's client knows no other


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith("LOTUSX_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
