"""The simulator, from here."""

from __future__ import annotations

import click

from lotusx_cli.failures import Exit


@click.group()
def sim() -> None:
    """Simulated exchanges on this machine. Needs lotusx-cli[sim]."""


@sim.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    short_help="serve one simulated exchange until interrupted",
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def serve(arguments: tuple[str, ...]) -> int:
    """Serve a simulated exchange until interrupted; the options are those of lotusx-sim serve."""
    try:
        from lotusx_sim.__main__ import main
    except ImportError:
        raise click.UsageError('the simulator is not installed: pip install "lotusx-cli[sim]"') from None
    try:
        code = main(["serve", *arguments])
    except SystemExit as ended:  # argparse ends the process for --help and for mistakes
        return ended.code if isinstance(ended.code, int) else 2
    return Exit.REFUSED if code == 1 else code  # it cannot listen there, or read a file that it was given
