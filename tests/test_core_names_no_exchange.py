"""The core works for every exchange, so its source names none: not in code, not in comments."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXCHANGES = ("backpack", "binance", "bitget", "bybit", "coinbase", "deribit", "hyperliquid", "kraken", "kucoin", "okx")
NAME = re.compile("|".join(EXCHANGES), re.IGNORECASE)


def python_files() -> list[Path]:
    return sorted((ROOT / "lotusx-core" / "src").rglob("*.py"))


def test_there_is_source_to_read() -> None:
    assert len(python_files()) > 10


@pytest.mark.parametrize("file", python_files(), ids=lambda file: str(file.relative_to(ROOT / "lotusx-core" / "src")))
def test_core_names_no_exchange(file: Path) -> None:
    lines = file.read_text("utf-8").splitlines()
    assert [f"{number}: {line}" for number, line in enumerate(lines, 1) if NAME.search(line)] == []
