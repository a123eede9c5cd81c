"""``lotusx history``: files in a folder, and what they lack."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.dataset
import pytest

from lotusx_cli.failures import Exit

if TYPE_CHECKING:
    from .conftest import Lotusx, Venue

HOURS = "--start 2026-02-01T00:00 --end 2026-02-01T06:00"


def test_candles_of_several_symbols_are_kept_and_counted(lotusx: Lotusx, binance: Venue, here: Path) -> None:
    done = lotusx(f"history candles BTC/USDT ETHUSDT -i 1h {binance.options} --start 6h --json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    assert [(row["symbol"], row["data"], row["missing"]) for row in found] == [
        ("BTC/USDT", "candles-1h", 0), ("ETH/USDT", "candles-1h", 0)
    ]  # fmt: skip
    table = pyarrow.dataset.dataset(here / "history", format="parquet", partitioning="hive").to_table()
    assert len(table) == sum(row["rows"] for row in found) >= 10
    assert set(table["symbol"].to_pylist()) == {"BTC/USDT", "ETH/USDT"}

    again = lotusx(f"history candles BTC/USDT ETHUSDT -i 1h {binance.options} --start 6h --look")
    assert again.code == 0
    assert again.lines[0].split("\t")[:3] == ["symbol", "data", "rows"]


def test_what_is_not_there_is_named_and_is_no_success(lotusx: Lotusx, binance: Venue) -> None:
    done = lotusx(f"history trades BTC/USDT {binance.options} {HOURS} --look")
    assert done.code == Exit.CHECK_FAILED
    assert "BTC/USDT: missing 2026-02-01T00:00:00Z to 2026-02-01T06:00:00Z" in done.err


def test_misuse_is_explained(lotusx: Lotusx, binance: Venue, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "candles have an interval" in lotusx(f"history candles BTC/USDT {binance.options} {HOURS}").err
    assert lotusx(f"history books BTC/USDT {binance.options} {HOURS}").code == Exit.USAGE
    monkeypatch.setitem(sys.modules, "lotusx_history", None)
    done = lotusx(f"history trades BTC/USDT {binance.options} {HOURS}")
    assert done.code == Exit.CONFIGURATION
    assert "lotusx-cli[history]" in done.err
