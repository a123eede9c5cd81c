"""Where a recording goes: the protocol of sinks, and Parquet files in a folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import gmtime, strftime, time_ns
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from lotusx_recorder.tables import SCHEMA, SCHEMAS, Row

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Origin:
    """What a recording is of. ``run``: tells one run of the recorder from another; later ones sort later."""

    exchange: str
    environment: str
    run: str


class Sink(Protocol):
    """Keeps rows. Its methods are called from one thread that may block."""

    def open(self, origin: Origin) -> None:
        """Make ready.

        Raises:
            OSError: Nothing can be written there.
        """

    def add(self, table: str, rows: Sequence[Row]) -> None:
        """Take rows of *table* (`lotusx_recorder.tables.SCHEMAS`), all of them or, with an error, none."""

    def flush(self) -> None:
        """Make safe whatever was added.

        Raises:
            OSError: It is not safe. It is still held, and the next flush tries again.
        """

    def close(self) -> None:
        """Let go. Called once, after the last `flush`."""


@dataclass(slots=True)
class _Part:
    """The file of a table that is being written: everything in it is held until it is full."""

    number: int
    began_ns: int
    tables: list[pa.Table] = field(default_factory=list)
    safe: int = 0  # how many of them are in the file

    @property
    def size(self) -> int:
        return sum(table.nbytes for table in self.tables)


class ParquetSink:
    """Writes ``FOLDER/TABLE/YYYY-MM-DD/EXCHANGE-RUN-NUMBER.parquet``.

    Each flush writes the file anew beside it, on the disk and with its footer, and puts it in the place of the one
    before: a file is whole at every moment, whenever the process dies, and readers see all rows once. A file that is
    old or large enough is left alone, and the next begun.

    Args:
        rotate_s: Age at which a file is finished.
        rotate_bytes: Size at which it is, in memory.
        write: Puts bytes at a path; for tests.
    """

    def __init__(
        self,
        folder: Path,
        *,
        rotate_s: float = 120.0,
        rotate_bytes: int = 32 << 20,
        now_ns: Callable[[], int] = time_ns,
        write: Callable[[Path, memoryview], None] | None = None,
    ) -> None:
        self.folder = folder
        self._rotate_ns = int(rotate_s * _NS)
        self._rotate_bytes = rotate_bytes
        self._now_ns = now_ns
        self._write = write if write is not None else put_whole
        self._parts: dict[str, _Part] = {}
        self._numbers: dict[str, int] = {}
        self._where: tuple[str, str] = ("", "")
        self._metadata: Mapping[str, str] = {}
        self._stem = ""

    def open(self, origin: Origin) -> None:
        """Make the folder. See `Sink`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._where = (origin.exchange, origin.environment)
        self._stem = f"{origin.exchange}-{origin.run}"
        self._metadata = {
            "lotusx.recording": SCHEMA,
            "lotusx.exchange": origin.exchange,
            "lotusx.environment": origin.environment,
            "lotusx.run": origin.run,
        }

    def add(self, table: str, rows: Sequence[Row]) -> None:
        """See `Sink`."""
        added = self._arrow(table, rows)
        part = self._parts.get(table)
        if part is None:
            number = self._numbers[table] = self._numbers.get(table, 0) + 1
            part = self._parts[table] = _Part(number, self._now_ns())
        part.tables.append(added)

    def flush(self) -> None:
        """Write the files of all tables that have new rows. See `Sink`."""
        failure: OSError | None = None
        for table, part in list(self._parts.items()):
            try:
                self._keep(table, part)
            except OSError as error:  # the others may still fit
                failure = error
        if failure is not None:
            raise failure

    def close(self) -> None:
        """See `Sink`."""

    def _arrow(self, table: str, rows: Sequence[Row]) -> pa.Table:
        schema = SCHEMAS[table].with_metadata({**self._metadata, "lotusx.table": table})
        exchange, environment = self._where
        columns = [[exchange] * len(rows), [environment] * len(rows), *zip(*rows, strict=True)]
        arrays = [pa.array(values, type=each.type) for values, each in zip(columns, schema, strict=True)]
        return pa.Table.from_arrays(arrays, schema=schema)

    def _keep(self, table: str, part: _Part) -> None:
        if part.safe < len(part.tables):
            buffer = pa.BufferOutputStream()
            pq.write_table(pa.concat_tables(part.tables), buffer, compression="zstd")
            day = strftime("%Y-%m-%d", gmtime(part.began_ns // _NS))
            path = self.folder / table / day / f"{self._stem}-{part.number:06d}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            self._write(path, memoryview(buffer.getvalue()))
            part.safe = len(part.tables)
        if part.size >= self._rotate_bytes or self._now_ns() - part.began_ns >= self._rotate_ns:
            del self._parts[table]


def put_whole(path: Path, content: memoryview) -> None:
    """Write *content* to *path*, whole or not at all, and have it on the disk."""
    beside = path.with_name(f".{path.name}.tmp")
    try:
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
    if os.name == "posix":  # the new name, too, is on the disk
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
