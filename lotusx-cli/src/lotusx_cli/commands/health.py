"""Does it work: network, clock, key."""

from __future__ import annotations

import click

from lotusx_cli.connecting import connected, run
from lotusx_cli.failures import Exit
from lotusx_cli.options import Target, with_exchange, with_output
from lotusx_cli.output import Out

_COLUMNS = ["name", "result", "detail", "ms"]


@click.command()
@with_exchange
@with_output
def status(target: Target, out: Out) -> int:
    """Check connectivity, clock and key of an exchange; without a key, public access only."""

    async def check() -> int:
        async with connected(target) as exchange:
            report = await exchange.health_check()
        rows = [
            {"name": item.name, "result": item.result, "detail": item.detail, "ms": round(item.elapsed_s * 1_000)}
            for item in report.checks
        ]
        if out.as_json:
            out.record(
                {
                    "exchange": report.exchange,
                    "environment": report.environment,
                    "healthy": report.healthy,
                    "checks": rows,
                }
            )
        else:
            out.rows(rows, _COLUMNS, title=f"{report.exchange} ({report.environment})")
        return Exit.OK if report.healthy else Exit.CHECK_FAILED

    return run(check)


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
