"""The configuration: what holds, where it comes from, what is wrong."""

from __future__ import annotations

import json

import click

from lotusx_cli.connecting import facts_of
from lotusx_cli.failures import Exit
from lotusx_cli.options import complete_exchange, with_output
from lotusx_cli.output import Out


@click.group()
def config() -> None:
    """Look at settings: arguments > variables > .env.local > .env > ./lotusx.toml > the user's lotusx.toml."""


@config.command()
@click.option("--exchange", "-e", "name", metavar="NAME", shell_complete=complete_exchange,
              help="Also explain every setting of it.")  # fmt: skip
@click.option("--account", "-a", metavar="NAME", help="Of this named account.")
@click.option("--config", "document", metavar="FILE", help="This document instead of those that are found.")
@with_output
def check(name: str | None, account: str | None, document: str | None, out: Out) -> int:
    """Say what is wrong with the configuration, and what holds for an exchange. Secrets are not shown."""
    from lotusx.config import Sources
    from lotusx.config_explain import explain, problems, refusals
    from lotusx.plugin.registry import installed_exchanges

    sources = Sources.of_process(document)
    found = problems(document)
    read = [item.name for item in reversed(sources.documents) if item.content]
    if name is not None:
        others = [item.name for item in installed_exchanges() if item.name != name]
        if not found:
            rows = explain(facts_of(name), account, sources, others)
            columns = ["setting", "value", "source", "overruled"]
            out.rows(rows, columns, title=f"{name}{f' ({account})' if account else ''}", empty="nothing is set: live")
            found = refusals(name, account, document)
    elif out.as_json:
        out.record({"documents": read, "problems": found})
    else:
        out.note(f"documents: {', '.join(read) or 'none'}")
        if not found:
            out.note("no problem found")
    for text in found:
        out.note(f"problem: {text}")
    return Exit.CONFIGURATION if found else Exit.OK


@config.command()
def schema() -> None:
    """Print the JSON schema of lotusx.toml, for editors."""
    from lotusx.config_schema import schema as document

    print(json.dumps(document(), indent=2))
