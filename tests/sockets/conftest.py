"""Real processes, real sockets, and what goes wrong with them."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

for helpers in (Path(__file__).parent / "helpers", Path(__file__).parent.parent / "e2e" / "helpers"):
    sys.path.insert(0, str(helpers))


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in os.environ:
        if name.startswith("LOTUSX_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
