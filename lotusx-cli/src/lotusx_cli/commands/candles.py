"""Candles on the screen, or downloaded page by page into a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lotusx_cli.connecting import connected, find_instrument, run
from lotusx_cli.moments import MOMENT
from lotusx_cli.options import Target, with_exchange, with_output, with_symbol
from lotusx_cli.output import Out

if TYPE_CHECKING:
    from lotusx import Exchange
    from lotusx.model import Symbol
    from lotusx_cli.download import Download

_COLUMNS = ["open_ns", "open", "high", "low", "close", "base_volume"]
_FORMATS = {".csv": "csv", ".json": "json", ".jsonl": "json", ".parquet": "parquet"}


@click.command()
@with_exchange
@with_symbol
@click.option("--interval", "-i", default="1h", show_default=True, help="1m, 5m, 1h, 1d, …")
@click.option("--start", type=MOMENT, help="2026-01-31, 2026-01-31T12:00, or 30d for so long ago.")
@click.option("--end", type=MOMENT, help="Exclusive; default: now.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True,
              help="Without --start: how many of the newest.")  # fmt: skip
@click.option(
    "--output",
    "-o",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write them to this file; needs --start. Interrupted, the same command goes on where it stopped.",
)
@click.option("--format", "form", type=click.Choice(["csv", "json", "parquet"]),
              help="Default: by the file's ending. JSON is one object a line.")  # fmt: skip
@click.option("--restart", is_flag=True, help="Begin anew, whatever an earlier run left.")
@with_output
def candles(
    target: Target, symbol: str, interval: str, start: int | None, end: int | None, limit: int, output: Path | None,
    form: str | None, restart: bool, out: Out,
) -> None:  # fmt: skip
    """Show candles, or download them into a file: CSV, JSON or Parquet. Only closed ones are written."""
    if output is not None:
        if start is None:
            raise click.UsageError("--output needs --start: from when on")
        form = form or _FORMATS.get(output.suffix.lower())
        if form is None:
            raise click.UsageError(f"{output.name}: write --format csv, json or parquet")

    async def show() -> None:
        from lotusx_cli.download import Download, Query

        async with connected(target) as exchange:
            chosen = (await find_instrument(exchange, symbol)).symbol
            if output is None or form is None or start is None:
                if start is None:
                    found = list(await exchange.market.candles(chosen, interval, end=end, limit=limit))
                else:
                    found = [
                        item async for item in exchange.market.iter_candles(chosen, interval, start=start, end=end)
                    ]
                out.rows(found, _COLUMNS, title=f"{exchange.name} {chosen} {interval}")
                return
            until = end if end is not None else await exchange.market.server_time()
            query = Query(exchange.name, exchange.environment, str(chosen), interval, start, end)
            download = Download(query, output, form, restart=restart)
            with download:
                if download.resumed_from_ns is not None:
                    out.note(f"goes on after {download.rows} candles of an earlier run (--restart begins anew)")
                await _fetch(exchange, chosen, interval, until, download)
        out.note(f"{download.rows} candles in {output}")

    run(show)


async def _fetch(exchange: Exchange, symbol: Symbol, interval: str, until_ns: int, download: Download) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    begin_ns = download.resumed_from_ns or download.query.start_ns
    if begin_ns >= until_ns:
        return
    columns = (TextColumn("{task.fields[rows]} candles"), BarColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=until_ns - download.query.start_ns, rows=download.rows)
        async for candle in exchange.market.iter_candles(symbol, interval, start=begin_ns, end=until_ns):
            if candle.closed:
                download.add(candle)
            if download.rows % 500 == 0:
                done = candle.close_ns - download.query.start_ns
                progress.update(task, completed=done, rows=download.rows)
