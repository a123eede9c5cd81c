"""Several exchanges at once, full screen, or in a browser on this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from lotusx_cli.connecting import run
from lotusx_cli.options import complete_exchange

if TYPE_CHECKING:
    from lotusx_cli.monitor.screen import Monitor
    from lotusx_cli.monitor.watched import Line

_INSTALL = 'the monitor needs more packages: pip install "lotusx-cli[monitor]"'


def _complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    return [f"{name}:" for name in complete_exchange(ctx, param, incomplete)]


@click.command()
@click.argument("markets", nargs=-1, required=True, metavar="EXCHANGE[/ACCOUNT]:SYMBOL...", shell_complete=_complete)
@click.option("--environment", metavar="NAME", help="live, testnet, demo or simulator; default: as configured.")
@click.option("--base-url", "base_urls", multiple=True, metavar="[EXCHANGE=]URL",
              help="Address of the simulator; with several exchanges, of each.")  # fmt: skip
@click.option("--config", metavar="FILE", help="Configuration file, instead of those that are found.")
@click.option("--web", is_flag=True, help="In a browser on this machine, instead of here.")
@click.option("--port", type=click.IntRange(1, 65_535), default=8_000, show_default=True, help="With --web.")
def monitor(
    markets: tuple[str, ...],
    environment: str | None,
    base_urls: tuple[str, ...],
    config: str | None,
    web: bool,
    port: int,
) -> None:
    """Watch books, trades, prices, connections, limits and own orders of any number of markets.

    Such as: lotusx monitor binance:BTC/USDT bybit:BTCUSDT hyperliquid:BTC/USDC:USDC

    Nothing is ever sent but questions. q or Ctrl-C ends it. Needs lotusx-cli[monitor].
    """
    from lotusx.plugin.registry import find

    lines = lines_of(markets, environment, base_urls, config)
    for line in lines:
        find(line.exchange)
    try:
        from lotusx_cli.monitor.screen import Monitor
        from lotusx_cli.monitor.web import serve
    except ImportError:
        raise click.UsageError(_INSTALL) from None
    if web:
        given: list[str] = []
        for name, value in (
            ("--environment", environment),
            ("--config", config),
            *(("--base-url", u) for u in base_urls),
        ):
            given += [name, value] if value else []
        serve([*given, *markets], port)
        return
    if not sys.stdout.isatty() and "TEXTUAL_DRIVER" not in os.environ:  # which is how a browser is reached
        raise click.UsageError("the monitor needs a terminal; in a pipe: lotusx book --watch, lotusx stream, or --web")
    run(lambda: show(Monitor(lines, lines[0].journal), lines))


def lines_of(
    markets: Sequence[str], environment: str | None, base_urls: Sequence[str], config: str | None
) -> list[Line]:
    """Return a line for each exchange and account that *markets* name, in their order.

    Raises:
        click.UsageError: A market or an address is not written as it should be.
    """
    from lotusx_cli.monitor.watched import Journal, Line, Watched

    found: dict[str, Line] = {}
    happened = Journal()
    for text in dict.fromkeys(markets):
        name, _, symbol = text.partition(":")
        exchange, slash, account = name.partition("/")
        if not exchange or not symbol or (slash and not account):
            raise click.UsageError(f"{text!r} is not EXCHANGE:SYMBOL, such as binance:BTC/USDT")
        settings: dict[str, Any] = {"environment": environment, "config": config, "account": account or None}
        line = found.setdefault(name, Line(exchange, settings, [], happened, account))
        line.markets.append(Watched(symbol))
    for text in base_urls:
        name, equals, url = text.partition("=")
        wanted = [line for line in found.values() if line.exchange == name] if equals else list(found.values())
        if not wanted or (not equals and len({line.exchange for line in wanted}) > 1):
            names = ", ".join(dict.fromkeys(line.exchange for line in found.values()))
            raise click.UsageError(f"--base-url {text}: write EXCHANGE=URL, with one of {names}")
        for line in wanted:
            line.settings = {**line.settings, "base_url": url if equals else text}
    return list(found.values())


async def show(app: Monitor, lines: Sequence[Line]) -> None:
    """Fill *lines* and show them until somebody leaves; the terminal is then as it was."""
    import signal

    import anyio

    from lotusx_cli.monitor.following import follow

    raised: Exception | None = None
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
        async with anyio.create_task_group() as tasks:

            async def fill() -> None:
                nonlocal raised
                try:
                    await follow(lines)
                except Exception as error:  # a defect; it is told once the screen is gone
                    raised = error
                    app.exit()

            async def listen() -> None:
                async for _ in signals:
                    app.exit()

            tasks.start_soon(listen)
            tasks.start_soon(fill)
            await app.run_async()
            tasks.cancel_scope.cancel()
    if raised is not None:
        raise raised
