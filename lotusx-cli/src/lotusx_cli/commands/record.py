"""Record what an exchange streams, with the plugin lotusx-recorder."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lotusx_cli.commands.stream import opener
from lotusx_cli.connecting import connected, find_instrument, run
from lotusx_cli.failures import Exit
from lotusx_cli.options import Target, complete_exchange
from lotusx_cli.output import Out

if TYPE_CHECKING:
    from anyio import CancelScope
    from anyio.abc import TaskGroup
    from rich.table import Table

    from lotusx import Exchange, Stream
    from lotusx_recorder import Recorder

STREAMS = ("trades", "book", "ticker", "best-bid-offer", "candles", "mark-price", "liquidations")
_EVERY_S = 1.0


def _streams(_ctx: click.Context, _param: click.Parameter, text: str) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    for name in chosen:
        if name not in STREAMS:
            raise click.BadParameter(f"{name!r} is none of {', '.join(STREAMS)}")
    if not chosen:
        raise click.BadParameter(f"name at least one of {', '.join(STREAMS)}")
    return chosen


@click.command()
@click.argument("exchange", shell_complete=complete_exchange)
@click.argument("symbols", nargs=-1, required=True, metavar="SYMBOL...")
@click.option("--streams", default="trades,book", show_default=True, callback=_streams, help=", ".join(STREAMS))
@click.option("--to", "folder", required=True, type=click.Path(path_type=Path), help="Folder of the recording.")
@click.option("--interval", default="1m", show_default=True, help="Of candles.")
@click.option("--seconds", type=click.FloatRange(0, min_open=True), help="End after so long.")
@click.option("--raw/--no-raw", default=True, help="Messages as they came; a replay needs them.")
@click.option("--events/--no-events", default=True, help="Typed events, a table for each type.")
@click.option("--environment", metavar="NAME", help="live, testnet, demo or simulator; default: as configured.")
@click.option("--base-url", metavar="URL", help="Address of the simulator.")
@click.option("--config", metavar="FILE", help="Configuration file, instead of those that are found.")
def record(
    exchange: str, symbols: tuple[str, ...], streams: tuple[str, ...], folder: Path, interval: str,
    seconds: float | None, raw: bool, events: bool, environment: str | None, base_url: str | None, config: str | None,
) -> int:  # fmt: skip
    """Record streams of SYMBOLs of EXCHANGE as Parquet files, until interrupted.

    Shows every second what was heard, written and lost: a table on a terminal, a JSON document a line in a pipe. A
    process that is killed loses no more than the last five seconds.
    """
    try:
        from lotusx_recorder import Recorder
    except ModuleNotFoundError:
        from lotusx.errors import ConfigurationError

        raise ConfigurationError("this needs lotusx-recorder: pip install 'lotusx-cli[recorder]'") from None
    target = Target(exchange, environment=environment, base_url=base_url, config=config)
    recorder = Recorder(to=folder, raw=raw, events=events)

    async def work() -> None:
        import anyio

        async with connected(target, plugins=[recorder]) as connection, anyio.create_task_group() as tasks:
            if os.name == "posix":
                await tasks.start(_until_told, tasks.cancel_scope)
            if seconds is not None:
                tasks.start_soon(_until_over, seconds, tasks.cancel_scope)
            await _follow(connection, symbols, streams, interval, recorder, tasks)

    run(work)
    closed = recorder.close()
    out = Out()
    if out.terminal:
        out.console().print(_table(recorder, {}))
    else:
        _tell(recorder, Out(as_json=True))
    counts = recorder.counts().values()
    lost, waiting = sum(each.lost for each in counts), sum(each.waiting for each in counts)
    if lost:
        click.echo(f"{lost} rows were lost: {recorder.problem or 'more came than could be written'}", err=True)
    elif recorder.problem or not closed:
        click.echo(f"{waiting} rows are not written: {recorder.problem or 'the end did not wait for them'}", err=True)
    else:
        return Exit.OK
    return Exit.CHECK_FAILED


async def _until_told(scope: CancelScope, *, task_status: Any) -> None:
    import anyio

    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as told:
        task_status.started()
        async for _ in told:
            scope.cancel()
            return


async def _until_over(seconds: float, scope: CancelScope) -> None:
    import anyio

    await anyio.sleep(seconds)
    scope.cancel()


async def _follow(
    exchange: Exchange, symbols: tuple[str, ...], streams: tuple[str, ...], interval: str, recorder: Recorder,
    tasks: TaskGroup,
) -> None:  # fmt: skip
    """Subscribe to everything, and show the counters for ever."""
    async with AsyncExitStack() as stack:
        for text in symbols:
            symbol = (await find_instrument(exchange, text)).symbol
            for kind in streams:
                if kind == "book":  # kept in step, so that the snapshots are recorded, too
                    await stack.enter_async_context(exchange.market.live_order_book(symbol))
                else:
                    stream = await stack.enter_async_context(opener(exchange, kind, symbol, interval)())
                    tasks.start_soon(_drain, stream)
        await _show(recorder)


async def _drain(stream: Stream[Any]) -> None:
    await stream.handle(_heard)


def _heard(_event: object) -> None:
    """Take no interest: the recorder has heard it already."""


async def _show(recorder: Recorder) -> None:
    import anyio

    out = Out()
    if not out.terminal:
        while True:
            _tell(recorder, Out(as_json=True))
            await anyio.sleep(_EVERY_S)
    from rich.live import Live

    before: Mapping[str, int] = {}
    with Live(_table(recorder, before), console=out.console(), auto_refresh=False) as live:
        while True:
            await anyio.sleep(_EVERY_S)
            live.update(_table(recorder, before), refresh=True)
            before = {name: each.heard for name, each in recorder.counts().items()}


def _tell(recorder: Recorder, out: Out) -> None:
    tables = {
        name: {"heard": each.heard, "written": each.written, "waiting": each.waiting, "lost": each.lost}
        for name, each in recorder.counts().items()
    }
    out.event({"at_ns": time.time_ns(), "problem": recorder.problem, "tables": tables}, ())


def _table(recorder: Recorder, before: Mapping[str, int]) -> Table:
    from rich.table import Table

    table = Table(header_style="bold", caption=f"cannot be written: {recorder.problem}" if recorder.problem else None)
    table.add_column("table")
    for name in ("new", "heard", "written", "waiting", "lost"):
        table.add_column(name, justify="right")
    for name, each in recorder.counts().items():
        numbers = (each.heard - before.get(name, 0), each.heard, each.written, each.waiting, each.lost)
        table.add_row(name, *map(str, numbers))
    return table
