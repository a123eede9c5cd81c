"""The files of a recording: whole at every moment, exact, and readable by others."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from recorder_kit import Recorded, rows

from lotusx.model import Symbol
from lotusx.model.market_data import Level, OrderBook
from lotusx_recorder import Origin, ParquetSink, Recording, RecordingError
from lotusx_recorder.tables import FRAMES, SCHEMAS, event_rows

ROW = (0, 5, "market", 1, "in", "k", "trades", "{}")


def sink(folder: Path, **more: object) -> ParquetSink:
    made = ParquetSink(folder, **more)  # type: ignore[arg-type]  # of every kind
    made.open(Origin("binance", "simulator", "1"))
    return made


def files(folder: Path) -> list[Path]:
    return sorted(folder.glob("**/*.parquet"))


def ask(query: str) -> list[Any]:
    with duckdb.connect() as connection:
        return connection.execute(query).fetchall()


def test_duckdb_reads_it_at_once_and_exactly(binance: Recorded) -> None:
    found = ask(
        f"SELECT symbol, taker_side, price, sum(quantity::DECIMAL(38, 8)) OVER () "
        f"FROM read_parquet('{binance.folder}/trades/**/*.parquet') ORDER BY seq"
    )

    trades = binance.seen.trades
    assert [row[:3] for row in found] == [("BTC/USDT", t.taker_side.value, t.price_text) for t in trades]
    assert found[0][3] == sum((t.quantity for t in trades), Decimal(0))


def test_duckdb_reads_all_tables_together(binance: Recorded) -> None:
    query = f"SELECT count(*) FROM read_parquet('{binance.folder}/**/*.parquet', union_by_name=true)"
    assert ask(query)[0][0] > 100


def test_books_are_kept_with_the_exchanges_digits(tmp_path: Path) -> None:
    book = OrderBook(Symbol("BTC", "USDT"), (Level(Decimal("1.10"), Decimal("1E-7")),), (), 7, None, 5)
    to = sink(tmp_path)
    to.add("order_books", event_rows(3, [book]))
    to.flush()

    ((row),) = rows(tmp_path, "order_books")
    assert row["bids"] == [{"price": "1.10", "quantity": "0.0000001"}]
    assert (row["symbol"], row["asks"], row["sequence"], row["exchange_ns"]) == ("BTC/USDT", [], 7, None)


def test_no_column_is_a_float() -> None:
    def leaves(kind: pa.DataType) -> list[pa.DataType]:
        parts = [kind.field(place).type for place in range(kind.num_fields)]
        return [leaf for part in parts for leaf in leaves(part)] or [kind]

    assert not [
        (table, column.name)
        for table, schema in SCHEMAS.items()
        for column in schema
        if any(pa.types.is_floating(leaf) for leaf in leaves(column.type))
    ]


def test_every_file_is_whole_after_every_flush(tmp_path: Path) -> None:
    to = sink(tmp_path)
    for count in range(1, 4):
        to.add(FRAMES, [ROW])
        assert sum(pq.read_table(path).num_rows for path in files(tmp_path)) == count - 1
        to.flush()
        assert sum(pq.read_table(path).num_rows for path in files(tmp_path)) == count
    assert len(files(tmp_path)) == 1


def test_a_file_that_is_large_or_old_enough_is_left_alone(tmp_path: Path) -> None:
    now = [0]
    to = sink(tmp_path, rotate_s=10, now_ns=lambda: now[0])
    for second in (0, 5, 12, 13):
        now[0] = second * 10**9
        to.add(FRAMES, [ROW])
        to.flush()

    assert [pq.read_table(path).num_rows for path in files(tmp_path)] == [3, 1]
    small = sink(tmp_path / "small", rotate_bytes=1)
    for _ in range(3):
        small.add(FRAMES, [ROW])
        small.flush()
    assert len(files(tmp_path / "small")) == 3


def test_a_write_that_fails_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    to = sink(tmp_path)
    to.add(FRAMES, [ROW])
    to.flush()
    to.add(FRAMES, [ROW])
    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", _full)
        with pytest.raises(OSError, match="full"):
            to.flush()
    assert [path.name for path in (tmp_path / FRAMES).glob("*/*")] == ["binance-1-000001.parquet"]
    assert pq.read_table(files(tmp_path)[0]).num_rows == 1

    to.flush()
    assert pq.read_table(files(tmp_path)[0]).num_rows == 2


def _full(_descriptor: int) -> None:
    raise OSError("full")


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"lotusx.recording": "0"}, "has schema 0, and this version reads schema 1: replay it with the version"),
        ({}, "was not written by the recorder of LotusX"),
    ],
)
def test_a_recording_of_another_schema_is_refused(tmp_path: Path, metadata: dict[str, str], words: str) -> None:
    (tmp_path / FRAMES).mkdir()
    pq.write_table(pa.table({"a": [1]}).replace_schema_metadata(metadata), tmp_path / FRAMES / "a.parquet")
    with pytest.raises(RecordingError, match=words):
        Recording(tmp_path)


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    to = sink(tmp_path)
    to.add(FRAMES, [ROW])
    to.flush()
    (path,) = files(tmp_path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(RecordingError, match=r"binance-1-000001.parquet cannot be read"):
        Recording(tmp_path)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="there is no folder"):
        Recording(tmp_path / "absent")
