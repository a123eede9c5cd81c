"""Audit logs, as the plugin lotusx-audit writes them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from lotusx_cli.failures import Exit
from lotusx_cli.options import with_output
from lotusx_cli.output import Out

if TYPE_CHECKING:
    from lotusx_audit.chain import Link

_LINK = "Number and hash of a record, as verify prints them."


@click.group()
def audit() -> None:
    """Look at an audit log."""


@audit.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--expect", metavar="SEQ:HASH", help=f"{_LINK} The log must have it.")
@click.option("--after", metavar="SEQ:HASH", help=f"{_LINK} The first one follows it; earlier files were moved away.")
@with_output
def verify(file: Path, expect: str | None, after: str | None, out: Out) -> int:
    """Name the first record of FILE that is not as it was written.

    Keep what is printed as newest somewhere else: with --expect it proves later that nothing was cut off or written
    anew.
    """
    try:
        from lotusx_audit import verify as look
    except ModuleNotFoundError:
        from lotusx.errors import ConfigurationError

        raise ConfigurationError("this needs lotusx-audit: pip install 'lotusx-cli[audit]'") from None
    found = look(file, expect=_link(expect, "--expect"), after=_link(after, "--after"))
    out.record(
        {
            "ok": found.ok,
            "problem": found.problem,
            "records": found.records,
            "newest": f"{found.newest.seq}:{found.newest.hash}",
            "notes": list(found.notes),
        }
    )
    return Exit.OK if found.ok else Exit.CHECK_FAILED


def _link(text: str | None, option: str) -> Link | None:
    if text is None:
        return None
    from lotusx_audit.__main__ import link

    try:
        return link(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from None
