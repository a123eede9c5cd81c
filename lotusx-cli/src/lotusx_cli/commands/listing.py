"""What is installed."""

from __future__ import annotations

import click

from lotusx_cli.connecting import facts_of
from lotusx_cli.options import complete_exchange, with_output
from lotusx_cli.output import Out


@click.command()
@click.argument("name", required=False, shell_complete=complete_exchange)
@with_output
def exchanges(name: str | None, out: Out) -> None:
    """List installed exchanges; with NAME, what that one offers."""
    from lotusx.plugin.registry import installed_exchanges

    if name is None:
        found = installed_exchanges()
        out.rows(found, ["name", "distribution", "version", "problem"], title="exchanges")
        if not found:
            out.note("install one, such as: pip install lotusx-binance")
        return
    facts = facts_of(name)
    rows = [
        {
            "capability": capability,
            "support": support.level,
            "note": support.note or (f"instead: {support.instead}" if support.instead else ""),
        }
        for capability, support in facts.capabilities.items()
    ]
    out.rows(rows, ["capability", "support", "note"], title=f"{facts.title or name}: {', '.join(facts.environments)}")


@click.command()
@with_output
def plugins(out: Out) -> None:
    """List installed plugins: distribution, version, contract, where loaded from, hooks.

    Exchange plugins are loaded only when their exchange is asked for. Plugins that touch every exchange are active only
    if the configuration enables them, [plugins] enable.
    """
    from lotusx_cli.inventory import installed_plugins

    columns = ["name", "kind", "active", "distribution", "version", "contract", "loaded_from", "hooks", "problem"]
    out.rows(installed_plugins(), columns, title="plugins")
