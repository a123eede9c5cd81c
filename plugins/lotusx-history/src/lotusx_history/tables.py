"""Rows of the model as columns of Parquet: numbers exact, times with nanoseconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from lotusx.errors import InvalidArgument
from lotusx.model import Candle, FundingRate, Trade
from lotusx_history.query import Kind

SCALE = 18
_TIME = pa.timestamp("ns", tz="UTC")
_NUMBER = pa.decimal128(38, SCALE)
SCHEMAS = {
    Kind.CANDLES: pa.schema(
        [
            ("open_time", _TIME),
            ("close_time", _TIME),
            *((name, _NUMBER) for name in ("open", "high", "low", "close", "base_volume", "quote_volume")),
            ("trade_count", pa.int64()),
        ]
    ),
    Kind.TRADES: pa.schema(
        [
            ("time", _TIME),
            ("trade_id", pa.string()),
            ("taker_side", pa.string()),
            ("price", _NUMBER),
            ("quantity", _NUMBER),
        ]
    ),
    Kind.FUNDING: pa.schema([("time", _TIME), ("rate", _NUMBER), ("interval_s", pa.int64()), ("mark_price", _NUMBER)]),
}
"""Columns of each kind; prices in quote per base, quantities in base units (contracts on inverse products)."""
TIME = {Kind.CANDLES: "open_time", Kind.TRADES: "time", Kind.FUNDING: "time"}
"""Which column orders the rows."""


def _candle(item: Candle) -> tuple[object, ...]:
    return (
        item.open_ns, item.close_ns, item.open, item.high, item.low, item.close, item.base_volume, item.quote_volume,
        item.trade_count,
    )  # fmt: skip


def _trade(item: Trade) -> tuple[object, ...]:
    return item.exchange_ns, item.trade_id, item.taker_side.value, item.price, item.quantity


def _funding(item: FundingRate) -> tuple[object, ...]:
    return item.funding_ns, item.rate, item.interval_s, item.mark_price


_ROWS: Mapping[Kind, Callable[[Any], tuple[object, ...]]] = {
    Kind.CANDLES: _candle,
    Kind.TRADES: _trade,
    Kind.FUNDING: _funding,
}


def to_table(kind: Kind, items: Sequence[Candle | Trade | FundingRate], metadata: Mapping[str, str]) -> pa.Table:
    """Return *items*, oldest first, as a table.

    Raises:
        InvalidArgument: A number has more than 18 decimals, or 20 digits before them.
    """
    schema = SCHEMAS[kind].with_metadata(dict(metadata))
    rows = [_ROWS[kind](item) for item in items]
    columns: list[Sequence[object]] = list(zip(*rows, strict=True)) or [()] * len(schema)
    try:
        arrays = [pa.array(values, type=field.type) for field, values in zip(schema, columns, strict=True)]
    except pa.ArrowInvalid as error:
        raise InvalidArgument(f"a number does not fit into {SCALE} decimals exactly: {error}") from error
    return pa.Table.from_arrays(arrays, schema=schema)


def as_numbers(column: pa.ChunkedArray) -> list[int]:
    """Return a column of times as nanoseconds since the epoch."""
    return [int(value) for value in column.cast(pa.int64()).to_pylist()]
