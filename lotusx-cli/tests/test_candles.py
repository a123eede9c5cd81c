"""Candles: shown, written in three formats, and gone on with after an interruption."""

from __future__ import annotations

import csv
import json
from datetime import UTC
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click import BadParameter

from lotusx.errors import InvalidArgument
from lotusx.model import Candle, Interval, Symbol
from lotusx_cli.download import COLUMNS, Download, Query
from lotusx_cli.failures import Exit
from lotusx_cli.moments import MOMENT

if TYPE_CHECKING:
    from .conftest import Lotusx, Venue

MINUTE = 60_000_000_000
QUERY = Query("binance", "simulator", "BTC/USDT", "1m", 0, 10 * MINUTE)


def candle(number: int, price: str = "1.10") -> Candle:
    value = Decimal(price)
    return Candle(
        Symbol("BTC", "USDT"), Interval.M1, number * MINUTE, (number + 1) * MINUTE, value, value, value, value,
        Decimal("0.5"), trade_count=number,
    )  # fmt: skip


def interrupted_after(download: Download, *candles: Candle) -> None:
    for item in candles:
        download.add(item)
    raise KeyboardInterrupt


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_newest_candles_are_shown(lotusx: Lotusx, binance: Venue) -> None:
    done = lotusx(f"candles {binance.options} -s BTCUSDT -i 1m --limit 3 --json")
    found = json.loads(done.out)
    assert 1 <= len(found) <= 3
    assert isinstance(found[0]["close"], str)


def test_candles_since_a_moment_are_shown_page_after_page(lotusx: Lotusx, binance: Venue) -> None:
    done = lotusx(f"candles {binance.options} -s BTCUSDT -i 1m --start 3m")
    assert done.lines[0].startswith("open_ns\topen")
    assert len(done.lines) > 1


@pytest.mark.parametrize("name", ["out.csv", "out.jsonl"])
def test_a_download_becomes_the_file_and_leaves_nothing_beside_it(
    name: str, lotusx: Lotusx, binance: Venue, here: Path
) -> None:
    done = lotusx(f"candles {binance.options} -s BTCUSDT -i 1m --start 1h -o {name}")
    assert done.code == 0
    assert "candles in" in done.err
    assert [path.name for path in here.iterdir()] == [name]


def test_prices_in_files_are_the_digits_of_the_model(tmp_path: Path) -> None:
    with Download(QUERY, tmp_path / "a.csv", "csv") as download:
        download.add(candle(0, "0.00000001"))
    (row,) = read_csv(tmp_path / "a.csv")
    assert (row["open"], row["quote_volume"], row["trade_count"]) == ("0.00000001", "", "0")
    assert tuple(row) == COLUMNS

    with Download(QUERY, tmp_path / "a.json", "json") as download:
        download.add(candle(0, "0.00000001"))
    document = json.loads((tmp_path / "a.json").read_text())
    assert (document["open"], document["quote_volume"], document["open_ns"]) == ("0.00000001", None, 0)


def test_parquet_holds_exact_decimals_and_utc_times(tmp_path: Path) -> None:
    parquet: Any = pytest.importorskip("pyarrow.parquet", reason="the parquet extra is not installed")
    with Download(QUERY, tmp_path / "a.parquet", "parquet") as download:
        download.add(candle(0, "68250.11"))
        download.add(candle(1))
    table = parquet.read_table(tmp_path / "a.parquet")
    assert table.column("open").to_pylist() == [Decimal("68250.11"), Decimal("1.10")]
    first = table.column("open_time").to_pylist()[0]
    assert (first.year, first.utcoffset()) == (1970, UTC.utcoffset(None))
    assert table.schema.metadata[b"lotusx.symbol"] == b"BTC/USDT"


def test_more_decimals_than_parquet_holds_are_an_error_and_nothing_is_lost(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="the parquet extra is not installed")
    download = Download(QUERY, tmp_path / "a.parquet", "parquet")
    with pytest.raises(InvalidArgument, match="write CSV instead"), download:
        download.add(candle(0, "0.0000000000000000001"))
    assert (tmp_path / "a.parquet.part").exists()


def test_an_interrupted_download_goes_on_behind_its_last_whole_row(tmp_path: Path) -> None:
    target = tmp_path / "a.csv"
    with pytest.raises(KeyboardInterrupt), Download(QUERY, target, "csv") as download:
        interrupted_after(download, candle(0), candle(1))
    with (tmp_path / "a.csv.part").open("a") as file:
        file.write("120000000000,18000000")  # the power went out here
    assert not target.exists()

    with Download(QUERY, target, "csv") as download:
        assert (download.rows, download.resumed_from_ns) == (2, 2 * MINUTE)
        download.add(candle(2))
    assert [row["open_ns"] for row in read_csv(target)] == ["0", str(MINUTE), str(2 * MINUTE)]


def test_what_belongs_to_another_download_is_not_mixed_in(tmp_path: Path) -> None:
    target = tmp_path / "a.csv"
    with pytest.raises(KeyboardInterrupt), Download(QUERY, target, "csv") as download:
        interrupted_after(download)
    other = Query("binance", "simulator", "ETH/USDT", "1m", 0, None)
    with pytest.raises(InvalidArgument, match="belongs to another download"), Download(other, target, "csv"):
        pass
    with Download(other, target, "csv", restart=True) as download:
        assert download.resumed_from_ns is None


def test_a_file_needs_a_start_and_a_known_format(lotusx: Lotusx) -> None:
    assert "--start" in lotusx("candles -e binance -s BTCUSDT -o a.csv").err
    done = lotusx("candles -e binance -s BTCUSDT --start 1d -o a.xls")
    assert done.code == Exit.USAGE
    assert "--format" in done.err


def test_a_moment_nobody_can_read_is_refused_with_examples(lotusx: Lotusx) -> None:
    done = lotusx("candles -e binance -s BTCUSDT --start yesterday")
    assert done.code == Exit.USAGE
    assert "2026-01-31" in done.err


@pytest.mark.parametrize("text", ["1710100500000", "1700000000000", "1710100500"])
def test_a_number_of_milliseconds_or_seconds_is_no_time(text: str) -> None:
    with pytest.raises(BadParameter, match="is not a time; write 2026-01-31"):
        MOMENT.convert(text, None, None)
    assert MOMENT.convert("20260131", None, None) == 1_769_817_600_000_000_000
