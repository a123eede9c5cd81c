"""A simulated exchange on a socket, and the settings under which ``connect("binance")`` reaches it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Served:
    """Where the simulated exchange listens, and the environment variables that lead a program there."""

    base_url: str
    environment: dict[str, str]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Run ``lotusx-sim serve --venue binance`` as a reader of the documentation would."""
    port = free_port()
    log = tmp_path_factory.mktemp("sim") / "log"
    command = [sys.executable, "-m", "lotusx_sim", "serve", "--venue", "binance", "--port", str(port)]
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as server:
        try:
            wait_until_open(port, server, log)
            base_url = f"http://127.0.0.1:{port}"
            yield Served(
                base_url,
                {
                    **{name: value for name, value in os.environ.items() if not name.startswith("LOTUSX_")},
                    "LOTUSX_BINANCE_ENVIRONMENT": "simulator",
                    "LOTUSX_BINANCE_BASE_URL": base_url,
                    "LOTUSX_BINANCE_API_KEY": "sim-key",
                    "LOTUSX_BINANCE_API_SECRET": "sim-secret",
                    "PYTHONUNBUFFERED": "1",
                },
            )
        finally:
            server.terminate()


def wait_until_open(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert server.poll() is None, log.read_text("utf-8")
        time.sleep(0.05)
    pytest.fail("the simulator did not open its port: " + log.read_text("utf-8"))
