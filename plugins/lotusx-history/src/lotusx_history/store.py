"""Files of a folder: one for each piece, complete or not there.

``ROOT/exchange=binance/environment=live/data=candles-1h/symbol=BTC%2FUSDT/20260101T000000Z-20260201T000000Z.parquet``:
what pyarrow, DuckDB and Polars read as one table, with the names of the folders as columns.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pyarrow.parquet as pq

from lotusx.errors import LotusXError
from lotusx.model import Candle, FundingRate, Trade
from lotusx_history.query import Query, Stretch
from lotusx_history.tables import SCHEMAS, TIME, as_numbers, to_table

Item = Candle | Trade | FundingRate
_ROWS = 10_000
_NAME = re.compile(r"(\d{8}T\d{6}Z)-(\d{8}T\d{6}Z)\.parquet")
_FORM = "%Y%m%dT%H%M%SZ"


class Store:
    """Where one series of one exchange lies."""

    def __init__(self, root: Path, exchange: str, environment: str, query: Query) -> None:
        parts = {"exchange": exchange, "environment": environment, "data": query.folder, "symbol": query.symbol}
        self.folder = root.joinpath(*(f"{name}={quote(value, safe='')}" for name, value in parts.items()))
        self._query = query
        self._metadata = {f"lotusx.{name}": value for name, value in parts.items()}

    def have(self) -> list[Stretch]:
        """Return what the files cover, in order; what was begun and not finished does not count."""
        return sorted(stretch for stretch, _ in self._files())

    def times(self, wanted: Stretch) -> list[int]:
        """Return the times of all rows of *wanted*, in order."""
        column = TIME[self._query.kind]
        found = []
        for (start, end), path in sorted(self._files()):
            if start < wanted[1] and end > wanted[0]:
                found += as_numbers(pq.read_table(path, columns=[column], partitioning=None)[column])
        return sorted(ns for ns in found if wanted[0] <= ns < wanted[1])

    def count(self, wanted: Stretch) -> int:
        """Return how many rows of *wanted* there are; files that lie in it whole are not read."""
        rows = 0
        for (start, end), path in self._files():
            if wanted[0] <= start and end <= wanted[1]:
                rows += pq.read_metadata(path).num_rows
            elif start < wanted[1] and end > wanted[0]:
                rows += len(self.times((max(start, wanted[0]), min(end, wanted[1]))))
        return rows

    def column(self, name: str, wanted: Stretch) -> list[tuple[int, object]]:
        """Return the values of a column of *wanted* with their times, in order."""
        time = TIME[self._query.kind]
        found: list[tuple[int, object]] = []
        for (start, end), path in sorted(self._files()):
            if start < wanted[1] and end > wanted[0]:
                table = pq.read_table(path, columns=[time, name], partitioning=None)
                found += zip(as_numbers(table[time]), table[name].to_pylist(), strict=True)
        return sorted((ns, value) for ns, value in found if wanted[0] <= ns < wanted[1])

    async def write(self, stretch: Stretch, items: AsyncIterator[Item], now_ns: int) -> int:
        """Write *items*, oldest first, as the file of *stretch*; return how many.

        A candle that has not closed, by its own word or at *now_ns*, ends the file and the stretch that it covers
        before it: it is still to be fetched.
        The file has its name only once it is whole and on the disk: whatever happens before leaves none. Until then its
        name begins with a dot, which readers of whole folders pass over.

        Raises:
            LotusXError: The disk does not take it; the text names the file.
        """
        target = self.folder / _name(stretch)
        part = target.with_name(f".{target.name}.part")
        schema = SCHEMAS[self._query.kind].with_metadata(self._metadata)
        count = 0
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with part.open("wb") as file:
                with pq.ParquetWriter(file, schema, compression="zstd") as writer:
                    batch: list[Item] = []
                    async for item in items:
                        if isinstance(item, Candle) and not (item.closed and item.close_ns <= now_ns):
                            stretch = (stretch[0], item.open_ns)
                            break
                        batch.append(item)
                        if len(batch) == _ROWS:
                            count += self._put(writer, batch)
                            batch = []
                    count += self._put(writer, batch)
                file.flush()
                os.fsync(file.fileno())
            if stretch[0] < stretch[1]:
                part.replace(self.folder / _name(stretch))
            else:
                part.unlink()
        except OSError as error:
            part.unlink(missing_ok=True)
            raise LotusXError(
                f"{target} cannot be written: {error.strerror or error}; nothing of it was kept"
            ) from error
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        return count

    def _put(self, writer: pq.ParquetWriter, batch: Sequence[Item]) -> int:
        if batch:
            writer.write_table(to_table(self._query.kind, batch, self._metadata))
        return len(batch)

    def _files(self) -> list[tuple[Stretch, Path]]:
        if not self.folder.is_dir():
            return []
        named = ((_NAME.fullmatch(path.name), path) for path in self.folder.iterdir())
        return [((_moment(match[1]), _moment(match[2])), path) for match, path in named if match]


def _name(stretch: Stretch) -> str:
    first, last = (datetime.fromtimestamp(ns // 1_000_000_000, UTC).strftime(_FORM) for ns in stretch)
    return f"{first}-{last}.parquet"


def _moment(text: str) -> int:
    return int(datetime.strptime(text, _FORM).replace(tzinfo=UTC).timestamp()) * 1_000_000_000
