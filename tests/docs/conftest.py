"""A simulated exchange on a socket, and the settings under which ``connect("binance")`` reaches it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Served:
    """Where the simulated exchange listens, and the environment variables that lead a program there."""

    base_url: str
    environment: dict[str, str]


@pytest.fixture(scope="session")
def served() -> Iterator[Served]:
    """Run ``lotusx-sim serve --venue binance`` as a reader of the documentation would."""
    keys = ("--api-key", "docs-key", "--api-secret", "docs-secret")
    command = [sys.executable, "-m", "lotusx_sim", "serve", "--venue", "binance", "--port", "0", *keys]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            base_url = str(json.loads(server.stdout.readline())["base_url"])
            yield Served(
                base_url,
                {
                    **{name: value for name, value in os.environ.items() if not name.startswith("LOTUSX_")},
                    "LOTUSX_BINANCE_ENVIRONMENT": "simulator",
                    "LOTUSX_BINANCE_BASE_URL": base_url,
                    "LOTUSX_BINANCE_API_KEY": "docs-key",
                    "LOTUSX_BINANCE_API_SECRET": "docs-secret",
                    "PYTHONUNBUFFERED": "1",
                },
            )
        finally:
            server.terminate()


GATEWAY = """
exchange = "binance"
environment = "simulator"
base_url = "{base_url}"
server = "{server}"
accounts = ["main"]
[users.bot]
accounts = ["main"]
"""


@pytest.fixture(scope="session")
def through(served: Served, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Run a broker and ``lotusx-gateway serve`` before that exchange."""
    broker = shutil.which("nats-server")
    if broker is None:
        pytest.skip("nats-server is not installed")
    folder = tmp_path_factory.mktemp("gateway")
    passwords = {"NATS_GATEWAY_PASSWORD": "of-gateway", "NATS_BOT_PASSWORD": "of-bot"}
    environment = {**served.environment, **passwords}
    file, users = folder / "gateway.toml", folder / "users.conf"
    program = [sys.executable, "-m", "lotusx_gateway"]
    file.write_text(GATEWAY.format(base_url=served.base_url, server="nats://not.yet.invalid"))
    users.write_bytes(subprocess.run([*program, "permissions", file], check=True, capture_output=True).stdout)
    command = [broker, "-c", str(users), "-a", "127.0.0.1", "-p", "-1"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as nats:
        assert nats.stderr is not None
        try:
            listening = next(line for line in nats.stderr if "Listening for client connections on " in line)
            server = "nats://" + listening.split()[-1]
            file.write_text(GATEWAY.format(base_url=served.base_url, server=server))
            serving = [*program, "serve", str(file)]
            with subprocess.Popen(
                serving, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
            ) as gateway:
                try:
                    assert gateway.stdout is not None
                    assert gateway.stdout.readline().startswith("serving ")
                    login = {
                        "LOTUSX_GATEWAY_ENVIRONMENT": "simulator",
                        "LOTUSX_GATEWAY_SERVER": server,
                        "LOTUSX_GATEWAY_USER": "bot",
                        "LOTUSX_GATEWAY_PASSWORD": "of-bot",
                    }
                    yield Served(served.base_url, {**served.environment, **login})
                finally:
                    gateway.terminate()
        finally:
            nats.terminate()
