"""A plugin for another exchange, begun."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from lotusx_cli.options import with_output
from lotusx_cli.output import Out

_SCHEMES = ("hmac-hex", "hmac-base64", "ed25519", "rsa", "jwt", "eip712")
_MARKETS = ("spot", "perp")


@click.command("new-exchange")
@click.argument("name", required=False)
@click.option("--scheme", type=click.Choice(_SCHEMES), help="How requests are signed.")
@click.option("--market", "markets", type=click.Choice(_MARKETS), multiple=True, help="What it serves; repeat it.")
@click.option("--rest", metavar="URL", help="Base address of the REST service.")
@click.option("--ws", metavar="URL", help="Address of the streams, if there are any.")
@click.option("--testnet-rest", metavar="URL", default="", help="REST service where orders cost nothing.")
@click.option("--testnet-ws", metavar="URL", default="", help="Its streams.")
@click.option("--documentation", metavar="URL", default="", help="The exchange's documentation.")
@click.option("--title", default="", help="The exchange's name in prose.")
@click.option("--passphrase", is_flag=True, help="Keys come with a third word.")
@click.option("--chain-id", type=int, default=1, show_default=True, help="Of the EIP-712 domain.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where to; default: lotusx-NAME.")
@with_output
def new_exchange(
    name: str | None, scheme: str | None, markets: tuple[str, ...], rest: str | None, ws: str | None, testnet_rest: str,
    testnet_ws: str, documentation: str, title: str, passphrase: bool, chain_id: int, folder: Path | None, out: Out,
) -> None:  # fmt: skip
    """Write a plugin for exchange NAME: a distribution that installs and whose tests run.

    On a terminal, what is missing is asked for. Nothing is written unless everything can be.
    """
    from lotusx.errors import ConfigurationError
    from lotusx_cli.scaffold import Answers, Market, Scheme, write

    if sys.stdin.isatty():
        name = _free_name(name) if name else click.prompt("Name, such as kraken", value_proc=_free_name)
        scheme = scheme or click.prompt("How requests are signed", type=click.Choice(_SCHEMES))
        markets = markets or _asked_markets()
        rest = rest or click.prompt("Base address of the REST service")
        ws = click.prompt("Address of the streams (empty: none)", default="", show_default=False) if ws is None else ws
    given = {"NAME": name, "--scheme": scheme, "--market": markets, "--rest": rest}
    missing = [option for option, value in given.items() if not value]
    if missing or name is None or scheme is None:
        raise click.UsageError(f"missing: {', '.join(missing)}")
    _refuse_taken(name)
    answers = Answers(
        name=name, scheme=Scheme(scheme), markets=tuple(Market(item) for item in markets), rest=rest or "",
        ws=ws or "", testnet_rest=testnet_rest, testnet_ws=testnet_ws, documentation=documentation,
        passphrase=passphrase, chain_id=chain_id, title=title,
    )  # fmt: skip
    try:
        written = write(answers, folder or _default_folder(answers.distribution))
    except ConfigurationError as error:
        raise click.UsageError(str(error)) from error
    out.record({"folder": str(written.folder), "files": len(written.files)})
    if written.inside is None:
        upgrade = 'python -m pip install -U "pip>=25.1"'  # older ones know no --group
        out.note(f"next:  cd {written.folder} && {upgrade} && pip install -e . --group dev && pytest -rx")
    else:
        out.note(
            f"next:  add {answers.package} to the lists of packages in {written.inside / 'pyproject.toml'} (mypy_path, "
            f"known-first-party, source_pkgs, importlinter) and {name} to alone-{{…}} in tox.ini; "
            f"then pip install -e {written.folder} && pytest -rx {written.folder}"
        )


def _free_name(name: str) -> str:
    """Return *name*. Asked for on a terminal, a wrong one is asked for again, before anything else is."""
    from lotusx_cli.scaffold import name_problems

    _refuse_taken(name)
    for problem in name_problems(name):
        raise click.UsageError(problem)
    return name


def _refuse_taken(name: str) -> None:
    from lotusx.plugin.registry import installed_exchanges

    for claim in installed_exchanges():
        if claim.name == name:
            raise click.UsageError(f"{name!r} is taken: {claim.distribution}, which is installed, serves it")


def _asked_markets() -> tuple[str, ...]:
    """Ask until something is traded."""
    while True:
        chosen = tuple(market for market in _MARKETS if click.confirm(f"Serves {market} markets?", default=True))
        if chosen:
            return chosen
        click.echo("nothing is traded then: choose one", err=True)


def _default_folder(distribution: str) -> Path:
    here = Path.cwd()
    checkout = (here / "lotusx-core" / "pyproject.toml").exists() and (here / "plugins").is_dir()
    return here / "plugins" / distribution if checkout else here / distribution
