"""Answers that are complete, and a distribution made of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from lotusx_cli.scaffold import Answers, Market, Scheme, Written, write

KRAKEN = Answers(
    "kraken", Scheme.HMAC_BASE64, (Market.SPOT, Market.PERP), "https://api.kraken.example", passphrase=True
)


@pytest.fixture
def answers() -> Answers:
    return KRAKEN


@pytest.fixture
def kraken(answers: Answers, tmp_path: Path) -> Written:
    return write(answers, tmp_path / "lotusx-kraken")
