"""The helper beside these tests goes by its own name; settings of this machine do not reach them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent / "helpers"))


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith("LOTUSX_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
