"""History of many instruments in a folder, as the distribution lotusx-history keeps it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from lotusx_cli.connecting import connected, find_instrument, run
from lotusx_cli.failures import Exit
from lotusx_cli.moments import MOMENT
from lotusx_cli.options import Target, with_exchange, with_output
from lotusx_cli.output import Out

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lotusx_history import Progress, Query, Report

_COLUMNS = ["symbol", "data", "rows", "missing", "gaps", "failed", "checked"]
_SHOWN = 10


@click.command()
@click.argument("kind", type=click.Choice(["candles", "trades", "funding"]))
@click.argument("symbols", nargs=-1, required=True)
@with_exchange
@click.option("--interval", "-i", help="Of candles: 1m, 5m, 1h, 1d, …")
@click.option("--start", type=MOMENT, required=True, help="2026-01-31, 2026-01-31T12:00, or 30d for so long ago.")
@click.option("--end", type=MOMENT, help="Exclusive; default: now.")
@click.option("--into", "folder", type=click.Path(file_okay=False, path_type=Path), default="history",
              show_default=True, help="Folder of the Parquet files.")  # fmt: skip
@click.option("--at-once", type=click.IntRange(1, 64), default=4, show_default=True,
              help="Pieces fetched side by side.")  # fmt: skip
@click.option("--look", "only_look", is_flag=True, help="Fetch nothing: say how whole the files are.")
@with_output
def history(
    kind: str, symbols: Sequence[str], target: Target, interval: str | None, start: int, end: int | None, folder: Path,
    at_once: int, only_look: bool, out: Out,
) -> int:  # fmt: skip
    """Download candles, prints or funding rates of SYMBOLS into a folder, and state what is missing.

    What is there is not fetched again: interrupted, or later, the same command goes on. Ends with 8 while something
    that was asked for has not been fetched.
    """
    try:
        from lotusx_history import Downloader, Kind, Query
    except ModuleNotFoundError:
        from lotusx.errors import ConfigurationError

        raise ConfigurationError("this needs lotusx-history: pip install 'lotusx-cli[history]'") from None

    async def fetch() -> list[Report]:
        async with connected(target) as exchange:
            now = await exchange.market.server_time()
            queries: list[Query] = []
            for text in dict.fromkeys(symbols):
                symbol = str((await find_instrument(exchange, text)).symbol)
                queries.append(Query(Kind(kind), symbol, start, end or now, interval))
            with _progress() as told:
                downloader = Downloader(exchange, folder, at_once=at_once, on_progress=told)
                if only_look:
                    return [downloader.look(each, now) for each in queries]
                return await downloader.fetch(queries)

    reports = run(fetch)
    out.rows([_row(report) for report in reports], _COLUMNS, title=str(folder))
    for report in reports:
        for what, stretches in (("missing", report.missing), ("gap", report.gaps)):
            for first, last in stretches[:_SHOWN]:
                out.note(f"{report.query.symbol}: {what} {_moment(first)} to {_moment(last)}")
            if len(stretches) > _SHOWN:
                out.note(f"{report.query.symbol}: and {len(stretches) - _SHOWN} more (--json lists all)")
        for reason in sorted({why for _, why in report.failed}):
            out.note(f"{report.query.symbol}: not fetched: {reason}")
    return Exit.CHECK_FAILED if any(report.missing for report in reports) else Exit.OK


def _row(report: Report) -> dict[str, object]:
    return {
        "symbol": report.query.symbol,
        "data": report.query.folder,
        "start_ns": report.query.start_ns,
        "end_ns": report.query.end_ns,
        "rows": report.rows,
        "missing": len(report.missing),
        "gaps": len(report.gaps),
        "failed": len(report.failed),
        "checked": report.checked,
        "missing_ns": [list(each) for each in report.missing],
        "gaps_ns": [list(each) for each in report.gaps],
    }


def _moment(ns: int) -> str:
    from lotusx.model.market_data import as_datetime

    at = as_datetime(ns)
    return "?" if at is None else f"{at:%Y-%m-%dT%H:%M:%SZ}"


@contextmanager
def _progress() -> Iterator[Callable[[Progress], None]]:
    """Show a bar on standard error while the block runs."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress as Bar, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.fields[rows]} rows"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=None, rows=0)
        yield lambda progress: bar.update(task, total=progress.pieces, completed=progress.done, rows=progress.rows)
