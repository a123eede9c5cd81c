"""Completion of commands and names in a shell."""

from __future__ import annotations

import click

_PLACES = {
    "bash": 'eval "$(lotusx completion bash)"   in ~/.bashrc',
    "zsh": 'eval "$(lotusx completion zsh)"   in ~/.zshrc',
    "fish": "lotusx completion fish > ~/.config/fish/completions/lotusx.fish",
}


@click.command(epilog="\b\n" + "\n".join(_PLACES.values()))
@click.argument("shell", type=click.Choice(list(_PLACES)))
@click.option("--program", type=click.Choice(["lotusx", "lotusx-cli"]), default="lotusx", show_default=True)
def completion(shell: str, program: str) -> None:
    """Print the script that makes SHELL complete commands, options and names of exchanges."""
    from click.shell_completion import get_completion_class

    from lotusx_cli.app import cli

    kind = get_completion_class(shell)
    assert kind is not None
    variable = f"_{program.upper().replace('-', '_')}_COMPLETE"
    click.echo(kind(cli, {}, program, variable).source())
