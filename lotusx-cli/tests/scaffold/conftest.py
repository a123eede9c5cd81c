"""Answers that are complete, and a distribution made of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lotusx_cli.scaffold import Answers, Market, Scheme, Written, write

OKX = Answers("okx", Scheme.HMAC_BASE64, (Market.SPOT, Market.PERP), "https://api.okx.example", passphrase=True)


@pytest.fixture
def answers() -> Answers:
    return OKX


@pytest.fixture
def okx(answers: Answers, tmp_path: Path) -> Written:
    return write(answers, tmp_path / "lotusx-okx")
