"""The tables of a recording: their columns, and rows of them from what was heard.

Prices and quantities are text, exactly as precise as the exchange's; times are nanoseconds since the Unix epoch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from enum import Enum
from types import MappingProxyType
from typing import Any, get_args, get_origin, get_type_hints

import msgspec
import pyarrow as pa

from lotusx.model import Symbol
from lotusx.model.market_data import (
    BestBidOffer,
    BookUpdate,
    Candle,
    Level,
    Liquidation,
    MarkPrice,
    OrderBook,
    Ticker,
    Trade,
)

SCHEMA = "1"
"""Version of these tables; in every file's metadata as ``lotusx.recording``."""

FRAMES, ANSWERS, STATES, LOSSES = "frames", "answers", "states", "losses"
EVENTS: Mapping[type, str] = MappingProxyType(
    {
        Trade: "trades",
        BookUpdate: "book_updates",
        OrderBook: "order_books",
        BestBidOffer: "best_bid_offers",
        Ticker: "tickers",
        Candle: "candles",
        MarkPrice: "mark_prices",
        Liquidation: "liquidations",
    }
)
"""Type of event → its table."""

Row = tuple[Any, ...]

_LEVELS = pa.list_(pa.struct([("price", pa.string()), ("quantity", pa.string())]))
_WHERE = [("exchange", pa.string()), ("environment", pa.string())]


def _columns(**types: pa.DataType) -> pa.Schema:
    return pa.schema([*_WHERE, *types.items()])


def _arrow(hint: object) -> pa.DataType:
    """Return how values of one field of an event are kept."""
    options = [each for each in get_args(hint) or (hint,) if each is not type(None)]
    kind = options[0]
    if get_origin(hint) in (list, tuple):
        return _LEVELS
    if kind is bool:
        return pa.bool_()
    if kind is int:
        return pa.int64()
    if kind in (str, Decimal, Symbol) or (isinstance(kind, type) and issubclass(kind, Enum)):
        return pa.string()
    raise TypeError(f"a recording has no column for {hint!r}")


def _of_events(kind: type) -> pa.Schema:
    fields = {name.removesuffix("_text"): _arrow(hint) for name, hint in get_type_hints(kind).items()}
    return _columns(seq=pa.int64(), **fields)


SCHEMAS: Mapping[str, pa.Schema] = MappingProxyType(
    {
        FRAMES: _columns(
            seq=pa.int64(), received_ns=pa.int64(), ws_group=pa.string(), session=pa.int64(), direction=pa.string(),
            key=pa.string(), kind=pa.string(), payload=pa.string(),
        ),
        ANSWERS: _columns(
            seq=pa.int64(), sent_ns=pa.int64(), received_ns=pa.int64(), verb=pa.string(), path=pa.string(),
            query=pa.string(), body=pa.string(), status=pa.int64(), content_type=pa.string(), payload=pa.string(),
        ),
        STATES: _columns(
            seq=pa.int64(), at_ns=pa.int64(), what=pa.string(), ws_group=pa.string(), session=pa.int64(),
            key=pa.string(), state=pa.string(), reason=pa.string(),
        ),
        LOSSES: _columns(at_ns=pa.int64(), table=pa.string(), rows=pa.int64(), reason=pa.string()),
        **{table: _of_events(kind) for kind, table in EVENTS.items()},
    }
)  # fmt: skip
"""Table → its columns. ``seq`` is the order in which one run of the recorder heard things, over all tables."""


def event_rows(seq: int, events: Iterable[Any]) -> list[Row]:
    """Return the rows of *events*, all of one type, without the columns that say where they are from."""
    rows: list[Row] = []
    for event in events:
        rows.append((seq, *(plain(value) for value in msgspec.structs.astuple(event))))
        seq += 1
    return rows


def plain(value: Any) -> Any:
    """Return a field of an event as it is kept.

    >>> plain(Decimal("0.000000100"))
    '0.000000100'
    """
    match value:
        case Decimal():
            return format(value, "f")
        case Enum():
            return value.value
        case Symbol():
            return str(value)
        case Level():
            return {"price": plain(value.price), "quantity": plain(value.quantity)}
        case list() | tuple():
            return [
                plain(item) if isinstance(item, Level) else {"price": item[0], "quantity": item[1]} for item in value
            ]
        case _:
            return value
