"""Download candles, keep them exactly in a Parquet file, and draw them. A script without `async`.

pip install lotusx-core lotusx-binance pyarrow matplotlib
python candles_to_parquet.py BTC/USDT 1h 30 btc.parquet btc.png

Public data: no key is needed. Running it again goes on where the file ends.
"""

import argparse
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import matplotlib as mpl
import pyarrow as pa
import pyarrow.parquet as pq

import lotusx.sync

mpl.use("Agg")  # draw into files, without a window
from matplotlib import pyplot as plt

PRICE = pa.decimal128(38, 12)
SCHEMA = pa.schema(
    [
        ("time", pa.timestamp("ms", tz="UTC")),
        *((name, PRICE) for name in ("open", "high", "low", "close", "volume")),
    ]
)


def download(symbol: str, interval: str, start: datetime, end: datetime) -> pa.Table:
    """Return the closed candles of [start, end), oldest first, page after page."""
    rows = []
    with lotusx.sync.connect("binance") as exchange:
        for candle in exchange.market.iter_candles(symbol, interval, start=start, end=end):
            if candle.closed:
                numbers = (candle.open, candle.high, candle.low, candle.close, candle.base_volume)
                rows.append((candle.open_ns // 1_000_000, *numbers))
    columns = list(zip(*rows, strict=True)) or [()] * len(SCHEMA)
    return pa.table([pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)], SCHEMA)


def draw(table: pa.Table, title: str, path: Path) -> None:
    """Draw the closes, above the volume. Floats are for looking at only."""
    times = table["time"].to_pylist()
    figure, (prices, volumes) = plt.subplots(2, sharex=True, height_ratios=[3, 1], figsize=(10, 6))
    prices.plot(times, [float(value) for value in table["close"].to_pylist()])
    prices.set_title(title)
    volumes.fill_between(times, [float(value) for value in table["volume"].to_pylist()], step="post")
    figure.autofmt_xdate()
    figure.savefig(path)
    plt.close(figure)


def main(symbol: str, interval: str, days: int, parquet: Path, picture: Path) -> None:
    end = datetime.now(UTC)
    start = end - timedelta(days=days)
    parts = []
    if parquet.exists():
        parts = [pq.read_table(parquet)]
        start = parts[0]["time"][-1].as_py() + timedelta(milliseconds=1)
    parts.append(download(symbol, interval, start, end))
    table = pa.concat_tables(parts)
    pq.write_table(table, parquet)
    draw(table, f"{symbol} {interval}", picture)
    highest = max(table["high"].to_pylist(), default=Decimal(0))
    print(f"{len(table)} candles ({len(parts[-1])} new) in {parquet}, highest {highest.normalize():f}; {picture}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("symbol")
    parser.add_argument("interval")
    parser.add_argument("days", type=int)
    parser.add_argument("parquet", type=Path)
    parser.add_argument("picture", type=Path)
    main(**vars(parser.parse_args()))
