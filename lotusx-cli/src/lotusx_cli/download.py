"""A download that survives interruption: rows go to ``FILE.part``, which becomes the file when it is complete."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TextIO

from lotusx.errors import InvalidArgument
from lotusx_cli.values import to_plain

if TYPE_CHECKING:
    from lotusx.model import Candle

COLUMNS = (
    "open_ns", "close_ns", "open", "high", "low", "close", "base_volume", "quote_volume", "trade_count",
)  # fmt: skip
NUMBERS = ("open", "high", "low", "close", "base_volume", "quote_volume")
_SCALE = 18
_BATCH = 10_000


@dataclass(frozen=True, slots=True)
class Query:
    """What is downloaded. ``end_ns`` ``None``: up to the moment of the run."""

    exchange: str
    environment: str
    symbol: str
    interval: str
    start_ns: int
    end_ns: int | None


class Download:
    """Rows of one query on their way into a file.

    Attributes:
        rows: How many there are so far, those of earlier runs included.
        resumed_from_ns: Where this run has to go on; ``None``: at the beginning.
    """

    def __init__(self, query: Query, target: Path, form: str, *, restart: bool = False) -> None:
        """Look at what an earlier run left.

        Raises:
            InvalidArgument: ``FILE.part`` belongs to another query.
        """
        self.query = query
        self.target = target
        self.rows = 0
        self.resumed_from_ns: int | None = None
        self._form = form
        self._part = target.with_name(target.name + ".part")
        self._file: TextIO
        self._writer: Any
        if restart:
            self._part.unlink(missing_ok=True)
        if form == "parquet":
            _pyarrow()  # before hours of downloading, not after

    def __enter__(self) -> Self:
        fresh = not self._part.exists()
        if not fresh:
            self._take_up()
        self._file = self._part.open("a", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file)
        if fresh:
            self._file.write(json.dumps(asdict(self.query)) + "\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        if error is None:
            self._finish()

    def add(self, candle: Candle) -> None:
        """Write one row."""
        self._writer.writerow(["" if value is None else value for value in _values(candle)])
        self.rows += 1

    def _take_up(self) -> None:
        """Read what an earlier run wrote; a last line that was cut short is cut off."""
        text = self._part.read_text("utf-8")
        whole = text[: text.rfind("\n") + 1]
        lines = whole.splitlines()
        if not lines or json.loads(lines[0]) != asdict(self.query):
            raise InvalidArgument(f"{self._part} belongs to another download; --restart begins anew")
        if whole != text:
            self._part.write_text(whole, "utf-8")
        self.rows = len(lines) - 1
        if self.rows:
            self.resumed_from_ns = int(lines[-1].split(",")[COLUMNS.index("close_ns")])

    def _rows(self) -> Iterator[list[str]]:
        with self._part.open(encoding="utf-8", newline="") as file:
            next(file)
            yield from csv.reader(file)

    def _finish(self) -> None:
        done = self.target.with_name(self.target.name + ".new")
        {"csv": self._to_csv, "json": self._to_json, "parquet": self._to_parquet}[self._form](done)
        done.replace(self.target)
        self._part.unlink()

    def _to_csv(self, path: Path) -> None:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            writer.writerows(self._rows())

    def _to_json(self, path: Path) -> None:
        whole = ("open_ns", "close_ns", "trade_count")
        with path.open("w", encoding="utf-8") as file:
            for row in self._rows():
                named: dict[str, object] = dict(zip(COLUMNS, row, strict=True))
                for name, value in named.items():
                    if value == "":
                        named[name] = None
                    elif name in whole:
                        named[name] = int(str(value))
                file.write(json.dumps(named) + "\n")

    def _to_parquet(self, path: Path) -> None:
        from decimal import Decimal

        pa, parquet = _pyarrow()
        time, number = pa.timestamp("ns", tz="UTC"), pa.decimal128(38, _SCALE)
        types = {"open_ns": time, "close_ns": time, "trade_count": pa.int64()} | dict.fromkeys(NUMBERS, number)
        names = {name: name.removesuffix("_ns") + "_time" if name.endswith("_ns") else name for name in COLUMNS}
        schema = pa.schema([(names[name], types[name]) for name in COLUMNS], metadata=_metadata(self.query))

        def column(name: str, values: list[str]) -> Any:
            read = Decimal if name in NUMBERS else int
            try:
                return pa.array([read(value) if value else None for value in values], type=types[name])
            except pa.ArrowInvalid as error:
                raise InvalidArgument(f"{name} has more than {_SCALE} decimals; write CSV instead") from error

        with parquet.ParquetWriter(path, schema) as writer:
            for rows in _batches(self._rows()):
                columns = [list(values) for values in zip(*rows, strict=True)]
                arrays = [column(name, values) for name, values in zip(COLUMNS, columns, strict=True)]
                writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _values(candle: Candle) -> list[object]:
    return [to_plain(getattr(candle, name)) for name in COLUMNS]


def _batches(rows: Iterator[list[str]]) -> Iterator[list[list[str]]]:
    batch: list[list[str]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _metadata(query: Query) -> dict[str, str]:
    return {f"lotusx.{name}": str(value) for name, value in asdict(query).items() if name not in ("start_ns", "end_ns")}


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise InvalidArgument('Parquet needs one more package: pip install "lotusx-cli[parquet]"') from None
    return pyarrow, pyarrow.parquet
