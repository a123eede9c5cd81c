"""Options that many commands share."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import click

from lotusx_cli.output import Out

Command = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Target:
    """Which exchange, account and environment a command is about. ``None``: as configured."""

    exchange: str
    account: str | None = None
    environment: str | None = None
    base_url: str | None = None
    config: str | None = None

    def settings(self) -> Mapping[str, Any]:
        """Return them as arguments of `lotusx.connect`, the exchange aside."""
        return {
            "account": self.account,
            "environment": self.environment,
            "base_url": self.base_url,
            "config": self.config,
        }


def complete_exchange(_ctx: click.Context, _param: click.Parameter, incomplete: str) -> list[str]:
    """Return installed exchanges that start with *incomplete*."""
    from lotusx.plugin.registry import installed_exchanges

    return sorted({item.name for item in installed_exchanges() if item.name.startswith(incomplete)})


def with_exchange(command: Command) -> Command:
    """Add the options that say which exchange; *command* gets them as ``target``."""

    @click.option("--exchange", "-e", required=True, metavar="NAME", shell_complete=complete_exchange,
                  help="Installed exchange, such as binance.")  # fmt: skip
    @click.option("--account", "-a", metavar="NAME", help="Named account of the configuration.")
    @click.option("--environment", metavar="NAME", help="live, testnet, demo or simulator; default: as configured.")
    @click.option("--base-url", metavar="URL", help="Address of the simulator.")
    @click.option("--config", metavar="FILE", help="Configuration file, instead of those that are found.")
    @functools.wraps(command)
    def wrapped(
        *args: Any, exchange: str, account: str | None, environment: str | None, base_url: str | None,
        config: str | None, **more: Any,
    ) -> Any:  # fmt: skip
        return command(*args, target=Target(exchange, account, environment, base_url, config), **more)

    return wrapped


def with_symbol(command: Command) -> Command:
    """Add ``--symbol``."""
    help_text = "BTC/USDT, or the exchange's own form, BTCUSDT."
    return click.option("--symbol", "-s", required=True, metavar="SYMBOL", help=help_text)(command)


def with_output(command: Command) -> Command:
    """Add ``--json``; *command* gets ``out``."""

    @click.option("--json", "as_json", is_flag=True, help="JSON: numbers as exact text, times in nanoseconds.")
    @functools.wraps(command)
    def wrapped(*args: Any, as_json: bool, **more: Any) -> Any:
        return command(*args, out=Out(as_json=as_json), **more)

    return wrapped
