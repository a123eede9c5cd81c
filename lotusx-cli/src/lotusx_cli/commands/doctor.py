"""Look for what is wrong on this machine, and write it down so that it can be shown to others."""

from __future__ import annotations

import json

import click

from lotusx_cli.connecting import run
from lotusx_cli.failures import Exit
from lotusx_cli.options import complete_exchange, with_output
from lotusx_cli.output import Out


@click.command()
@click.option("--exchange", "-e", "names", multiple=True, metavar="NAME", shell_complete=complete_exchange,
              help="Only these; default: every installed one.")  # fmt: skip
@click.option("--config", metavar="FILE", help="Configuration file, instead of those that are found.")
@click.option("--timeout", "timeout_s", type=click.FloatRange(0.1), default=15.0, show_default=True,
              help="Seconds an exchange has to answer.")  # fmt: skip
@click.option("--share", is_flag=True, help="One JSON document without secrets, keys, addresses or names of folders.")
@with_output
def doctor(names: tuple[str, ...], config: str | None, timeout_s: float, share: bool, out: Out) -> int:
    """Check Python, packages, plugins, configuration, and of each exchange network, clock, key, endpoints that end."""
    from lotusx_cli.diagnosis import diagnose, shareable
    from lotusx_cli.sharing import own_texts

    found = run(lambda: diagnose(names, config, timeout_s))
    if share:
        print(json.dumps(shareable(found, own_texts(config)), indent=2))
    else:
        out.rows(found, ["area", "check", "result", "detail"], title="doctor")
    return Exit.CHECK_FAILED if any(item.result == "failed" for item in found) else Exit.OK
