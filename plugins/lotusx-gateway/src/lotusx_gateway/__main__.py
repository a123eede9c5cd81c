"""``lotusx-gateway serve FILE`` and ``lotusx-gateway permissions FILE``."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack

import anyio

import lotusx
from lotusx.errors import ConfigurationError, LotusXError
from lotusx_gateway.gateway import Gateway
from lotusx_gateway.settings import MAIN, GatewaySettings, read_settings


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return 0, or 1 where it failed with an error of LotusX."""
    parser = argparse.ArgumentParser(prog="lotusx-gateway", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, what in (
        ("serve", "hold the connections to an exchange and serve others, until interrupted"),
        ("permissions", "print the broker's configuration: its users, and what each may do"),
    ):
        command = commands.add_parser(name, help=what, description=what)
        command.add_argument("file", help="the gateway's document, such as gateway.toml")
    chosen = parser.parse_args(arguments)
    try:
        settings = read_settings(chosen.file)
        if chosen.command == "permissions":
            print(settings.permissions(), end="")
        else:
            logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
            anyio.run(serve, settings)
    except LotusXError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    return 0


async def serve(settings: GatewaySettings) -> None:
    """Serve until SIGINT or SIGTERM."""
    raised: Exception | None = None
    serves = settings.subjects.environment
    async with AsyncExitStack() as stack:
        public = _connection(settings, None, read_only=True)
        if public.environment != serves:  # said by the configuration, and not by the document
            text = f"the gateway's document is of {serves}, the configuration of {settings.exchange} says"
            raise ConfigurationError(
                f"{text} {public.environment}: say environment = {public.environment!r} in it, too"
            )
        await stack.enter_async_context(public)
        accounts = {
            name: await stack.enter_async_context(_connection(settings, None if name == MAIN else name))
            for name in settings.accounts
        }
        gateway = Gateway(
            public,
            server=settings.server,
            users=settings.users,
            accounts=accounts,
            user=settings.user,
            password=settings.password,
            tls=settings.tls,
            allow_anonymous=settings.allow_anonymous,
            prefix=settings.prefix,
        )
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_until_signal, tasks.cancel_scope)
            try:
                await tasks.start(gateway.run)
                print(f"serving {gateway.subjects.root}", flush=True)
                await anyio.sleep_forever()
            except LotusXError as error:  # a task group would wrap it
                raised = error
                tasks.cancel_scope.cancel()
    if raised is not None:
        raise raised


def _connection(settings: GatewaySettings, account: str | None, *, read_only: bool | None = None) -> lotusx.Exchange:
    return lotusx.connect(
        settings.exchange,
        environment=settings.environment,
        base_url=settings.base_url,
        account=account,
        read_only=read_only,
    )


async def _until_signal(scope: anyio.CancelScope) -> None:
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for _ in signals:
            scope.cancel()
            return


if __name__ == "__main__":
    sys.exit(main())
