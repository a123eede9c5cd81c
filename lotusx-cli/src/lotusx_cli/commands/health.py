"""Does it work: network, clock, key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from lotusx_cli.connecting import connected, listening, run
from lotusx_cli.failures import Exit
from lotusx_cli.options import Target, complete_exchange, with_exchange, with_output
from lotusx_cli.output import Out

if TYPE_CHECKING:
    from lotusx import Exchange

_COLUMNS = ["name", "result", "detail", "ms"]


@click.command()
@click.option(
    "--exchange",
    "-e",
    "names",
    multiple=True,
    required=True,
    metavar="NAME",
    shell_complete=complete_exchange,
    help="Installed exchange, such as binance; may be given several times.",
)
@click.option("--account", "-a", metavar="NAME", help="Named account of the configuration.")
@click.option("--environment", metavar="NAME", help="live, testnet, demo or simulator; default: as configured.")
@click.option("--base-url", metavar="URL", help="Address of the simulator.")
@click.option("--config", metavar="FILE", help="Configuration file, instead of those that are found.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(0.1),
    default=15.0,
    show_default=True,
    help="Seconds an exchange has to answer.",
)
@click.option(
    "--serve",
    metavar="[HOST:]PORT",
    help="Stay, check every 15 s, and answer supervisors over HTTP: "
    "/live, /ready, /health. Without a host, only this machine is served.",
)
@with_output
def status(
    names: tuple[str, ...], account: str | None, environment: str | None, base_url: str | None, config: str | None,
    timeout_s: float, serve: str | None, out: Out,
) -> int:  # fmt: skip
    """Check connectivity, clock, key, permissions, limits of exchanges; without a key, public access only."""
    from contextlib import AsyncExitStack

    address = None if serve is None else _address(serve)

    async def check() -> int:
        from lotusx.health import check_all

        async with AsyncExitStack() as stack:
            targets = [Target(name, account, environment, base_url, config) for name in names]
            exchanges = [await stack.enter_async_context(connected(target)) for target in targets]
            if address is not None:
                await _serve(exchanges, address, timeout_s, out)
            reports = await check_all(exchanges, timeout_s=timeout_s)
        documents = [report.as_dict() for report in reports]
        healthy = all(report.healthy for report in reports)
        if out.as_json:
            out.record(documents[0] if len(documents) == 1 else {"healthy": healthy, "exchanges": documents})
        else:
            for document in documents:
                title = f"{document['exchange']} ({document['environment']})"
                column = {"exchange": document["exchange"]} if len(documents) > 1 else {}
                out.rows([{**column, **row} for row in document["checks"]], [*column, *_COLUMNS], title=title)
        return Exit.OK if healthy else Exit.CHECK_FAILED

    return run(check)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdigit() or int(port) > 65_535:
        raise click.BadParameter(f"{text!r} is not [HOST:]PORT", param_hint="--serve")
    return host.strip("[]") or "127.0.0.1", int(port)


async def _serve(exchanges: list[Exchange], address: tuple[str, int], timeout_s: float, out: Out) -> None:
    import anyio

    from lotusx.health_endpoint import serve_health

    host, port = address
    serving = serve_health(exchanges, host=host, port=port, timeout_s=timeout_s)
    async with listening(serving, host, port) as endpoint:
        out.note(f"http://{host}:{endpoint.port}/live /ready /health; Ctrl-C ends it")
        await anyio.sleep_forever()


@click.command("check-keys")
@with_exchange
@with_output
def check_keys(target: Target, out: Out) -> int:
    """Prove that the configured key works, and say what it may do. Nothing is changed at the exchange.

    A key that may withdraw is reported: a program that trades does not need that.
    """

    async def check() -> int:
        from lotusx.errors import CredentialsError, ExchangeError, NotSupported

        async with connected(target) as exchange:
            answer: dict[str, object] = {"exchange": exchange.name, "environment": exchange.environment}
            try:
                found = await exchange.account.permissions()
                answer |= {"key": "accepted", "read": found.read, "trade": found.trade, "withdraw": found.withdraw}
                answer["ip_restricted"] = found.ip_restricted
            except NotSupported:
                await exchange.account.balances()
                answer |= {"key": "accepted", "permissions": "this exchange does not say what the key may do"}
            except (CredentialsError, ExchangeError) as error:
                if isinstance(error, CredentialsError):
                    raise
                answer |= {"key": "refused", "reason": str(error)}
            out.record(answer)
        if answer.get("withdraw"):
            out.note("warning: this key may withdraw; make one that may not")
        return Exit.OK if answer["key"] == "accepted" else Exit.CHECK_FAILED

    return run(check)
