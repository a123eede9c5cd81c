"""Fuzzing of what every plugin reads: the harvest is made once."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "helpers"), str(HERE.parent / "invariants" / "helpers")]


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith("LOTUSX_") and name != "LOTUSX_CORPUS":
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
