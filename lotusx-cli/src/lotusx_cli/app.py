"""The command line's grammar. Every command lives in a module that is imported when it is used."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from types import MappingProxyType

import click

from lotusx_cli.failures import Exit, misused, report

_HOME = "lotusx_cli.commands."
COMMANDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "exchanges": ("listing:exchanges", "installed exchanges, and what each offers"),
        "plugins": ("listing:plugins", "installed plugins: version, contract, where from, hooks"),
        "markets": ("market:markets", "what an exchange lists"),
        "ticker": ("market:ticker", "last price and 24 h statistics"),
        "book": ("book:book", "order book, once or live"),
        "trades": ("market:trades", "newest public trades, or their history"),
        "candles": ("candles:candles", "candles on the screen or in a file: CSV, JSON, Parquet"),
        "history": ("history:history", "history of many instruments in Parquet files, and what it lacks"),
        "stream": ("stream:stream", "follow trades, tickers, books, candles, or an account"),
        "record": ("record:record", "write what an exchange streams into Parquet files"),
        "balances": ("account:balances", "what an account holds"),
        "positions": ("account:positions", "open positions"),
        "orders": ("account:orders", "open orders, earlier ones, fills"),
        "order": ("order:order", "place or cancel an order"),
        "check-keys": ("health:check_keys", "whether the configured key works, and what it may do"),
        "status": ("health:status", "whether an exchange can be reached, its clock, the key"),
        "latency": ("latency:latency", "how long requests and streams take"),
        "call": ("call:call", "an exchange's own endpoints: list, call, or show the signed request"),
        "config": ("config:config", "which settings hold and where they come from"),
        "audit": ("audit:audit", "whether an audit log is as it was written"),
        "doctor": ("doctor:doctor", "look for what is wrong on this machine"),
        "sim": ("sim:sim", "a simulated exchange on this machine"),
        "monitor": ("monitor:monitor", "several exchanges at once, full screen or in a browser"),
        "chaos": ("chaos:chaos", "a bad network on purpose, in front of any address"),
        "demo": ("demo:demo", "everything at work, without a key or a network"),
        "new-exchange": ("new_exchange:new_exchange", "begin a plugin for another exchange"),
        "completion": ("completion:completion", "completion of commands for bash, zsh and fish"),
    }
)
"""Name → where it lives below `lotusx_cli.commands`, and what it is for. Help needs no more than this."""

ALIASES: Mapping[str, str] = MappingProxyType({"get-ticker": "ticker"})

_EPILOG = """\b
Exit codes:
  0  done                           5  the exchange said no
  1  a defect of this program       6  network or stream failed
  2  wrong usage                    7  outcome of an order unknown
  3  configuration or credentials   8  a check found a problem
  4  refused before sending         130  interrupted, or not confirmed
"""


class _ReaderGone(Exception):
    """Whoever read our output, such as head, has what it wanted."""


class LazyGroup(click.Group):
    """A group that imports a command when it is run, or when its own help is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        home = COMMANDS.get(ALIASES.get(cmd_name, cmd_name))
        if home is None:
            return None
        module, _, name = home[0].partition(":")
        command: click.Command = getattr(import_module(_HOME + module), name)
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:  # click would end the process with 1
            raise _ReaderGone from error

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and self.get_command(ctx, args[0]) is None:
            import difflib

            near = difflib.get_close_matches(args[0], [*COMMANDS, *ALIASES], n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            ctx.fail(f"There is no command {args[0]!r}.{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


def _version(ctx: click.Context, _param: click.Parameter, wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        click.echo(f"lotusx-cli {version('lotusx-cli')}, lotusx-core {version('lotusx-core')}")
        ctx.exit()


@click.group(cls=LazyGroup, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version, help="Show versions.")
@click.option("--log-level", metavar="LEVEL", help="Log to standard error: debug, info, warning or error.")
@click.option("--log-json", is_flag=True, help="Log one JSON object a line; from info on, unless --log-level differs.")
def cli(log_level: str | None, log_json: bool) -> None:
    """Prices, books, candles, balances and orders of crypto exchanges.

    Public data needs no key. Tables on a terminal, tab-separated text in a pipe, JSON with --json.
    """
    if log_level is not None or log_json:
        from lotusx.logs import set_up

        set_up(level=log_level or "INFO", log_format="json" if log_json else None)


def run(arguments: Sequence[str]) -> int:
    """Run one command; return its exit code."""
    as_json = "--json" in arguments
    try:
        result = cli.main(list(arguments), prog_name="lotusx", standalone_mode=False)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        return Exit.USAGE
    except click.ClickException as error:
        if as_json:
            misused(
                error.format_message(),
                error.ctx.command_path if isinstance(error, click.UsageError) and error.ctx else "",
            )
        else:
            error.show()
        return Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return Exit.INTERRUPTED
    except (BrokenPipeError, _ReaderGone):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except Exception as error:
        return report(error, as_json=as_json)
    return result if isinstance(result, int) else Exit.OK


def main() -> None:
    """Run the command line of this process."""
    _make_writable()
    sys.exit(run(sys.argv[1:]))


def _make_writable() -> None:
    """Let every text be written: a character that the encoding lacks as its escape, and to nobody what was closed."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:  # as the shell's >&- leaves it
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
