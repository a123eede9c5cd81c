"""A simulated exchange on a socket, and the settings under which ``connect("binance")`` reaches it."""

from __future__ import annotations

import json
import os
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
